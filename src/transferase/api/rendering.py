"""From the sheet of a listing, which holds what one viewer may see, to what the API answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from transferase.api.auth import Caller
from transferase.api.schemas import Listing, Owner, RequirementContent, RightContent, TextContent
from transferase.catalogue.models import Listing as ListingRow
from transferase.catalogue.models import Scheme
from transferase.catalogue.queries import Coded, ListingSheet, sheets
from transferase.foundation.languages import Language

SHOWN_AS_THEY_ARE = (
    "id", "direction", "state_reason", "is_sample", "is_anonymous", "original_language", "trl_low", "trl_high",
    "trl_evidence", "field_of_use", "price_low", "price_high", "currency", "decision_date", "version",
    "created_at", "revised_at", "published_at", "confirmed_at", "visible_until", "source", "external_id",
    "source_url", "attribution",
)  # fmt: skip
ONE_CODE = ("state", "country", "trl_scale", "exclusivity", "price_kind", "need_kind")
CODES = ("transfer_modes", "territory", "partner_kinds", "payment_kinds", "excluded_countries")
TEXT_FIELDS = tuple(TextContent.model_fields)


def listings_of(rows: Sequence[ListingRow], caller: Caller) -> list[Listing]:
    """Listings as the caller may see them, in a number of queries that does not depend on how many there are."""
    return [_listing(sheet) for sheet in sheets(rows, caller.viewer, caller.at, Language.EN)]


def listing_of(row: ListingRow, caller: Caller) -> Listing:
    """One listing as the caller may see it."""
    return listings_of([row], caller)[0]


def _code(coded: Coded | None) -> str:
    return coded.code if coded else ""


def _codes(sheet: ListingSheet, scheme: str) -> list[str]:
    return [found.code for found in sheet.classifications if found.scheme == scheme]


def _listing(sheet: ListingSheet) -> Listing:
    # What comes out of the database was checked on its way in: it is shown, not checked again.
    facts: dict[str, Any] = {name: getattr(sheet, name) for name in SHOWN_AS_THEY_ARE}
    facts |= {name: _code(getattr(sheet, name)) for name in ONE_CODE}
    facts |= {name: [coded.code for coded in getattr(sheet, name)] for name in CODES}
    return Listing.model_construct(
        **facts,
        owner=None
        if sheet.owner_id is None
        else Owner(id=sheet.owner_id, name=sheet.owner_name or "", kind=_code(sheet.owner_kind)),
        texts=[
            TextContent.model_construct(**{name: getattr(text, name) for name in TEXT_FIELDS}) for text in sheet.texts
        ],
        missing=list(sheet.missing),
        hidden_tiers=[
            tier.tier for tier in sheet.tiers if tier.has_text and not tier.is_readable and not _has(sheet, tier.tier)
        ],
        ipc=_codes(sheet, Scheme.IPC),
        cpc=_codes(sheet, Scheme.CPC),
        fields=_codes(sheet, Scheme.FIELD),
        green_bio=_codes(sheet, Scheme.GREEN_BIO),
        unmapped=_codes(sheet, Scheme.UNMAPPED),
        rights=list(_rights(sheet)),
        requirements=list(_requirements(sheet)),
    )


def _has(sheet: ListingSheet, tier: str) -> bool:
    return any(text.tier == tier for text in sheet.texts)


def _rights(sheet: ListingSheet) -> Iterable[RightContent]:
    for right in sheet.rights:
        yield RightContent.model_construct(
            kind=right.kind.code,
            office=right.office,
            number=right.number,
            status=_code(right.status),
            title=right.title,
            filed_date=right.filed_date,
            expiry_date=right.expiry_date,
        )


def _requirements(sheet: ListingSheet) -> Iterable[RequirementContent]:
    for requirement in sheet.requirements:
        yield RequirementContent.model_construct(
            property=requirement.property,
            operator=requirement.operator.code,
            value=requirement.value,
            unit=requirement.unit,
            is_must=requirement.is_must,
        )
