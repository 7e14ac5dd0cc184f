"""The content of a listing in the text form of COPY: made where it is prepared, written where its row is known."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from transferase.catalogue._classification import derive_fields, derive_green_bio
from transferase.catalogue.models import Scheme

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transferase.catalogue._contents import ListingDraft, RightDraft

# The columns of a listing and of its parts that hold its content, in the order of the values in a line.
PLAIN: Final = (
    "original_language", "country", "is_anonymous", "trl_low", "trl_high", "trl_scale", "trl_evidence", "exclusivity",
    "field_of_use", "price_kind", "price_low", "price_high", "currency", "need_kind", "decision_date",
    "source_url", "attribution", "is_sample",
)  # fmt: skip
LISTS: Final = ("transfer_modes", "territory", "partner_kinds", "payment_kinds", "excluded_countries")
LISTING: Final = (*PLAIN, *LISTS)
TEXT: Final = (
    "language", "tier", "origin", "title", "summary", "description", "problem", "alternative", "advantages",
    "partner_sought",
)  # fmt: skip
CLASSIFICATION: Final = ("scheme", "code", "is_derived")
RIGHT: Final = ("kind", "office", "number", "status", "title", "filed_date", "expiry_date")
REQUIREMENT: Final = ("property", "operator", "value", "unit", "is_must")
_listing_of = attrgetter(*LISTING)
_text_of = attrgetter(*TEXT)
_right_of = attrgetter(*RIGHT)
_requirement_of = attrgetter(*REQUIREMENT)


@dataclass(frozen=True)
class Copied:
    """A content as lines of COPY, each without the columns before it that only the writer knows."""

    listing: str
    texts: tuple[str, ...]
    classifications: tuple[str, ...]
    rights: tuple[str, ...]
    requirements: tuple[str, ...]
    content: str  # what a revision keeps


def copied(draft: ListingDraft, content: str) -> Copied:
    """A cleaned content as lines, and `content`, the same as JSON, as a value."""
    return Copied(
        line(_listing_of(draft)),
        tuple(line(_text_of(text)) for text in draft.texts),
        tuple(
            f"{scheme}\t{cell(code)}\t{is_derived}" for (scheme, code), is_derived in classifications_of(draft).items()
        ),
        tuple(map(right_line, draft.rights)),
        tuple(line(_requirement_of(requirement)) for requirement in draft.requirements),
        cell(content),
    )


def right_line(right: RightDraft) -> str:
    """A right as a line, which also tells it from others."""
    return line(_right_of(right))


def classifications_of(draft: ListingDraft) -> dict[tuple[str, str], bool]:
    """Every code of a content and of what follows from it: {(scheme, code): is derived}."""
    given = ((Scheme.IPC, draft.ipc), (Scheme.CPC, draft.cpc), (Scheme.UNMAPPED, draft.unmapped))
    codes = {(scheme.value, code): False for scheme, found in given for code in found}
    # CPC uses IPC's symbols down to the main group, so it leads to the same fields.
    for code in derive_fields(draft.ipc or draft.cpc):
        codes[Scheme.FIELD.value, code] = True
    for code in derive_green_bio((*draft.ipc, *draft.cpc)):
        codes[Scheme.GREEN_BIO.value, code] = True
    return codes


def line(values: Iterable[object]) -> str:
    """Values in the text form of COPY."""
    return "\t".join(map(cell, values))


def cell(value: object) -> str:
    """A value in the text form of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        if not value:
            return ""
        if "\\" in value:
            value = value.replace("\\", "\\\\")
        if "\n" in value:
            value = value.replace("\n", "\\n")
        if "\t" in value:
            value = value.replace("\t", "\\t")
        return value.replace("\r", "\\r") if "\r" in value else value
    if isinstance(value, tuple):
        # Codes of vocabularies: no quote, comma or brace can be among them.
        return "{" + ",".join(value) + "}"
    return str(value)
