"""Listings as lists show them: a title in the reader's language with the original beside it, and the main facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from transferase.catalogue.models import Direction, Listing, ListingText, Tier
from transferase.catalogue.queries import labels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from transferase.directory.rules import Viewer

SHORT_SUMMARY = 240


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


def trl_words(low: int | None, high: int | None) -> str:
    """A range of readiness levels: "TRL 4", "TRL 4–6", or nothing."""
    if low is None:
        return ""
    return f"TRL {low}" if high in {None, low} else f"TRL {low}–{high}"


def choose(texts: Sequence[ListingText], language: str, original: str) -> tuple[ListingText | None, ListingText | None]:
    """The text for a reader and the original, from the public texts of a listing; the same row when they agree."""
    public = {text.language: text for text in texts if text.tier == Tier.PUBLIC}
    source = public.get(original) or next(iter(public.values()), None)
    chosen = public.get(language)
    return (chosen if chosen is not None and chosen.title else source), source


def cards(listing_ids: Sequence[UUID], *, viewer: Viewer, at: datetime, language: str) -> dict[UUID, Card]:
    """Cards of the listings that a viewer may see, by id; the number of queries does not grow with the listings."""
    listings = (
        Listing.objects.visible_to(viewer, at)
        .filter(pk__in=listing_ids)
        .select_related("owner")
        .prefetch_related(
            Prefetch("texts", ListingText.objects.visible_to(viewer, at).filter(tier=Tier.PUBLIC)),
            "owner__names",
            "rights",
        )
    )
    return {listing.pk: card(listing, viewer=viewer, language=language) for listing in listings}


def card(listing: Listing, *, viewer: Viewer, language: str) -> Card:
    """The card of one listing whose texts, owner and rights are loaded."""
    chosen, source = choose(list(listing.texts.all()), language, listing.original_language)
    is_own = listing.owner_id in viewer.organisations
    is_named = not listing.is_anonymous or is_own or viewer.sees_everything
    modes = labels("transfer_mode", language)
    right = next(iter(listing.rights.all()), None)
    return Card(
        listing_id=listing.pk,
        direction=listing.direction,
        state=listing.state,
        address=address_of(listing.direction, listing.pk),
        matches_address=address_of(listing.direction, listing.pk, "matches"),
        title=_wording(chosen, "title", listing.original_language) or Wording(_("Without a title"), language),
        original_title=_wording(source, "title", "") if source is not chosen else None,
        summary=_wording(chosen, "summary", listing.original_language),
        owner_name=listing.owner.name(language) if is_named else "",
        owner_address=reverse("organisation", args=[listing.owner_id]) if is_named else "",
        country=labels("country", language).get(listing.country, listing.country),
        trl=trl_words(listing.trl_low, listing.trl_high),
        ways=tuple(modes.get(code, code) for code in listing.transfer_modes[:2]),
        right=labels("right_status", language).get(right.status, "") if right else "",
        right_kind=labels("right_kind", language).get(right.kind, right.kind) if right else "",
        is_sample=listing.is_sample,
        is_own=is_own,
        published_at=listing.published_at,
        visible_until=listing.visible_until,
        decision_date=listing.decision_date,
    )


def _wording(text: ListingText | None, field: str, fallback_language: str) -> Wording | None:
    value = getattr(text, field) if text is not None else ""
    if text is None or not value:
        return None
    return Wording(value, text.language or fallback_language, text.is_machine_made)
