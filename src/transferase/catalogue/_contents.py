"""What a listing says, as a form, a file or the API hands it over: plain values without a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from transferase.catalogue.models import Origin, Tier

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True)
class TextDraft:
    """What a listing says in one language to the readers of one tier."""

    language: str
    tier: str = Tier.PUBLIC
    origin: str = Origin.ORIGINAL
    title: str = ""
    summary: str = ""
    description: str = ""
    problem: str = ""
    alternative: str = ""
    advantages: str = ""
    partner_sought: str = ""


@dataclass(frozen=True)
class RightDraft:
    """An intellectual-property right that comes with an offer."""

    kind: str
    office: str = ""
    number: str = ""
    status: str = ""
    title: str = ""
    filed_date: date | None = None
    expiry_date: date | None = None


@dataclass(frozen=True)
class RequirementDraft:
    """A property that a need asks for in numbers."""

    property: str
    operator: str
    value: Decimal
    unit: str = ""
    is_must: bool = True


@dataclass(frozen=True)
class ListingDraft:
    """The whole content of a listing, as a form, a file or the API hands it over."""

    direction: str
    texts: tuple[TextDraft, ...]
    original_language: str = ""
    country: str = ""
    is_anonymous: bool = False
    ipc: tuple[str, ...] = ()
    cpc: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    trl_low: int | None = None
    trl_high: int | None = None
    trl_scale: str = ""
    trl_evidence: str = ""
    transfer_modes: tuple[str, ...] = ()
    exclusivity: str = ""
    territory: tuple[str, ...] = ()
    field_of_use: str = ""
    partner_kinds: tuple[str, ...] = ()
    price_kind: str = ""
    price_low: Decimal | None = None
    price_high: Decimal | None = None
    currency: str = ""
    payment_kinds: tuple[str, ...] = ()
    need_kind: str = ""
    decision_date: date | None = None
    excluded_countries: tuple[str, ...] = ()
    rights: tuple[RightDraft, ...] = ()
    requirements: tuple[RequirementDraft, ...] = ()
    source: str = ""
    external_id: str = ""
    source_url: str = ""
    attribution: str = ""
    is_sample: bool = False
