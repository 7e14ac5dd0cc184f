"""What somebody asks a search for, as an address says it and as a saved search keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from transferase.catalogue.models import Direction
from transferase.foundation import typed
from transferase.foundation.languages import LANGUAGES
from transferase.matching.rules import LONGEST_TEXT, Filters, read_filters

if TYPE_CHECKING:
    from django.http import QueryDict

    from transferase.matching.models import SavedSearch

LAST_PAGE = 50
# Servers and proxies take addresses of about 8,000 characters, and a Korean letter is nine of them.
LONGEST_IN_ADDRESS = 4000
LEVELS = re.compile(r"[1-9]-[1-9]")
NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Asked:
    """What somebody asked for, as the address holds it."""

    text: str = ""
    kept: str = ""  # the name under which a text is kept that is too long for an address
    is_cut: bool = False  # the text was longer than a search takes
    is_gone: bool = False  # the text was kept for a day, which is over
    kind: str = ""
    fields: tuple[str, ...] = ()
    ipc: str = ""
    trl: str = ""
    countries: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    organisation: int | None = None
    since: str = ""  # published after this moment, in ISO 8601
    saved: int | None = None  # the saved search that this one began as
    page: int = 1

    @classmethod
    def from_saved(cls, saved: SavedSearch, since: datetime | None = None) -> Asked:
        """What a saved search asks for, or what is new in it."""
        filters = read_filters(saved.filters)
        low, high = filters.trl_low, filters.trl_high
        return cls(
            text=saved.text,
            kind=saved.direction,
            fields=filters.fields,
            ipc=filters.ipc,
            trl=f"{low or 1}-{high or 9}" if low or high else "",
            countries=filters.countries,
            modes=filters.transfer_modes,
            languages=filters.languages,
            organisation=filters.organisation_id,
            since=since.isoformat() if since else "",
            saved=saved.pk,
        )

    @classmethod
    def from_address(cls, query: QueryDict, kind: str = "") -> Asked:
        """Read the address; what makes no sense asks for nothing."""
        kind = query.get("kind", kind)
        trl = query.get("trl", "")
        organisation, page = query.get("organisation", ""), query.get("page", "1")
        saved = query.get("saved", "")
        kept = query.get("text", "")
        text = typed.searched(kept, timezone.now()) if NAME.fullmatch(kept) else None
        is_kept = text is not None
        if text is None:
            text = " ".join(query.get("q", "").replace("\x00", " ").split())
        return cls(
            text=text[:LONGEST_TEXT],
            kept=kept if is_kept else "",
            is_cut=len(text) > LONGEST_TEXT,
            is_gone=bool(kept) and not is_kept and not text,
            kind=kind if kind in set(Direction) else "",
            fields=_values(query, "field"),
            ipc=query.get("ipc", "").replace("\x00", "").strip().upper()[:20],
            trl=trl if LEVELS.fullmatch(trl) and trl[0] <= trl[-1] else "",
            countries=_values(query, "country"),
            modes=_values(query, "mode"),
            languages=tuple(code for code in _values(query, "language") if code in LANGUAGES),
            organisation=int(organisation) if organisation.isdecimal() and len(organisation) < 10 else None,
            since=_moment(query.get("since", "")),
            saved=int(saved) if saved.isdecimal() and len(saved) < 10 else None,
            page=min(int(page), LAST_PAGE) if page.isdecimal() and len(page) < 5 and int(page) > 0 else 1,
        )

    @property
    def says_something(self) -> bool:
        """Whether there is anything to look for: signs alone mean nothing, no text asks for everything."""
        return not self.text or any(sign.isalnum() for sign in self.text)

    @property
    def filters(self) -> Filters:
        low, high = self.trl.split("-") if self.trl else (None, None)
        return Filters(
            fields=self.fields,
            ipc=self.ipc,
            trl_low=int(low) if low else None,
            trl_high=int(high) if high else None,
            countries=self.countries,
            transfer_modes=self.modes,
            languages=self.languages,
            organisation_id=self.organisation,
            published_since=datetime.fromisoformat(self.since) if self.since else None,
        )

    @property
    def fits_address(self) -> bool:
        """Whether an address can hold the text itself."""
        return not self.is_cut and len(quote_plus(self.text)) <= LONGEST_IN_ADDRESS

    def settled(self, at: datetime) -> Asked:
        """The same, with a text that is too long for an address kept under a name for a day."""
        if self.kept or self.fits_address:
            return self
        # One character more than is searched tells whoever opens the address that there was more.
        return replace(self, kept=typed.keep_searched(self.text + ("…" if self.is_cut else ""), at))

    def reworded(self, text: str) -> Asked:
        """The same, asked in other words, from the first page."""
        return replace(self, text=text, kept="", is_cut=False, page=1)

    def address(self) -> str:
        """The address that asks for this; a text that is too long for it has to be settled before."""
        pairs = [
            ("text", self.kept), ("q", "" if self.kept else self.text),
            ("kind", self.kind), *(("field", c) for c in self.fields), ("ipc", self.ipc),
            ("trl", self.trl), *(("country", c) for c in self.countries), *(("mode", c) for c in self.modes),
            *(("language", c) for c in self.languages), ("organisation", self.organisation),
            ("since", self.since), ("saved", self.saved),
            ("page", self.page if self.page > 1 else ""),
        ]  # fmt: skip
        told = urlencode([(name, value) for name, value in pairs if value])
        return f"{reverse('search')}?{told}" if told else reverse("search")


def _moment(told: str) -> str:
    """A moment as the address tells it; what is none asks for nothing."""
    try:
        moment = parse_datetime(told[:40])
    except ValueError:
        return ""
    return moment.isoformat() if moment is not None and moment.tzinfo is not None else ""


def _values(query: QueryDict, name: str) -> tuple[str, ...]:
    told = (value.replace("\x00", "")[:40] for value in query.getlist(name)[:100])
    return tuple(dict.fromkeys(value for value in told if value))[:20]
