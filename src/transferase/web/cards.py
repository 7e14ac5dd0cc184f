"""Listings as lists show them: a title in the reader's language with the original beside it, and the main facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from transferase.catalogue.models import Direction, Listing, Tier
from transferase.catalogue.queries import sheets
from transferase.foundation.languages import of_interface

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from transferase.catalogue.queries import ListingSheet, Passage
    from transferase.directory.rules import Viewer


@dataclass(frozen=True)
class Wording:
    """A text with the language that it is in and how it came about."""

    text: str
    language: str
    is_machine_made: bool = False


@dataclass(frozen=True)
class Card:
    """One listing in a list."""

    listing_id: UUID
    direction: str
    state: str
    address: str
    matches_address: str
    title: Wording
    original_title: Wording | None
    summary: Wording | None
    owner_name: str
    owner_is_verified: bool
    owner_address: str
    country: str
    trl: str
    ways: tuple[str, ...]
    right: str
    right_kind: str
    is_sample: bool
    is_own: bool
    published_at: datetime | None
    visible_until: datetime | None
    decision_date: date | None


def address_of(direction: str, listing_id: UUID | str, page: str = "") -> str:
    """The address of a listing's page, or of its matches."""
    name = "offer" if direction == Direction.OFFER else "need"
    return reverse(f"{name}_{page}" if page else name, args=[listing_id])


def is_linked(sheet: ListingSheet) -> bool:
    """Whether the owner has a page that the reader may open: others see verified organisations only."""
    return sheet.owner_id is not None and (sheet.owner_is_verified or sheet.is_mine)


def trl_words(low: int | None, high: int | None) -> str:
    """A range of readiness levels: "TRL 4", "TRL 4–6", or nothing."""
    if low is None:
        return ""
    return f"TRL {low}" if high in {None, low} else f"TRL {low}–{high}"


def cards(listing_ids: Sequence[UUID], *, viewer: Viewer, at: datetime, language: str) -> dict[UUID, Card]:
    """Cards of the listings that a viewer may see, by id; the number of queries does not grow with the listings."""
    listings = list(Listing.objects.visible_to(viewer, at).filter(pk__in=listing_ids))
    return {sheet.id: card(sheet) for sheet in sheets(listings, viewer, at, language)}


def card(sheet: ListingSheet) -> Card:
    """The card of a listing."""
    summary = next((p for p in sheet.passages if p.field == "summary" and p.tier == Tier.PUBLIC), None)
    right = next(iter(sheet.rights), None)
    return Card(
        listing_id=sheet.id,
        direction=sheet.direction,
        state=sheet.state.code,
        address=address_of(sheet.direction, sheet.id),
        matches_address=address_of(sheet.direction, sheet.id, "matches"),
        title=_wording(sheet.title) if sheet.title.text else _untitled(),
        original_title=_wording(sheet.original_title) if sheet.original_title is not None else None,
        summary=_wording(summary) if summary is not None else None,
        owner_name=sheet.owner_name or "",
        owner_is_verified=sheet.owner_is_verified,
        owner_address=reverse("organisation", args=[sheet.owner_id]) if is_linked(sheet) else "",
        country=sheet.country.label if sheet.country else "",
        trl=trl_words(sheet.trl_low, sheet.trl_high),
        ways=tuple(mode.label for mode in sheet.transfer_modes[:2]),
        right=right.status.label if right and right.status else "",
        right_kind=right.kind.label if right else "",
        is_sample=sheet.is_sample,
        is_own=sheet.is_mine,
        published_at=sheet.published_at,
        visible_until=sheet.visible_until,
        decision_date=sheet.decision_date,
    )


def _untitled() -> Wording:
    return Wording(_("Without a title"), of_interface(get_language() or "en"))


def _wording(passage: Passage) -> Wording:
    return Wording(passage.text, passage.language, passage.is_machine_made)
