"""What a listing says, as the index needs it: whole texts, terms, parts and sentences."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from transferase.catalogue.models import Direction, ListingText
from transferase.engine.ranking import Role, quotes
from transferase.engine.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transferase.catalogue.models import Listing
    from transferase.engine.ranking import Quote

MOST_SENTENCES: Final = 40
# A word longer than this is a slip of a file, and a sparse vector holds 16,000 numbers at most.
LONGEST_TERM: Final = 100
MOST_TERMS: Final = 15_000
_TIERS: Final = ("public", "registered", "introduced", "nda")
ROLES: Final = {Direction.NEED: Role.QUERY, Direction.OFFER: Role.PASSAGE}


def whole(text: ListingText) -> str:
    """Everything that a text says, title first."""
    return "\n".join(part for part in (text.title, *(getattr(text, name) for name in ListingText.BODY)) if part)


def digest_of(text: str, role: Role) -> str:
    """What tells whether a vector was made from exactly this text in this role."""
    return hashlib.sha256(f"{role}\0{text}".encode()).hexdigest()


def quoted_digest(text: str) -> str:
    """What tells whether a quote still stands where it stood."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def terms_of(text: str, language: str) -> list[str]:
    """The analysed terms of a text, without what no index can hold."""
    found = [term for term in words(text, language) if term and len(term) <= LONGEST_TERM]
    if len(found) <= MOST_TERMS:
        return found
    kept = set(dict.fromkeys(found[:MOST_TERMS]))
    return [term for term in found if term in kept]


def quotes_of(text: ListingText) -> list[Quote]:
    """The sentences that may be quoted as a reason, in reading order; the title is shown anyway."""
    return list(quotes(fields_of(text), text.language))[:MOST_SENTENCES]


def fields_of(text: ListingText) -> dict[str, str]:
    """What a text says below its title, by field."""
    return {name: said for name in ListingText.BODY if (said := getattr(text, name))}


def lead_of(listing: Listing, texts: Iterable[ListingText]) -> ListingText | None:
    """The text that stands for the listing in counts: the lowest tier, and there the original."""

    def rank(text: ListingText) -> tuple[int, bool, bool, str]:
        return (
            _TIERS.index(text.tier),
            text.language != listing.original_language,
            text.is_machine_made,
            text.language,
        )

    return min(texts, key=rank, default=None)
