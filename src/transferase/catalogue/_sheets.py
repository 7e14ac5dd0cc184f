"""A listing as one viewer may see it, with every code in the reader's words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from transferase.catalogue._vocabulary import label
from transferase.catalogue.models import (
    Classification,
    Encumbrance,
    Hold,
    ListingText,
    Origin,
    Requirement,
    Right,
    Scheme,
    Tier,
)
from transferase.directory.models import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal
    from uuid import UUID

    from transferase.catalogue.models import Listing
    from transferase.directory.rules import Viewer

_Row = TypeVar("_Row", ListingText, Classification, Right, Requirement, Encumbrance)
_TIERS: Final = tuple(Tier.values)
# Facts whose absence is worth telling a reader, by direction.
_ASKED_OF_OFFERS: Final = ("trl", "ipc", "rights", "transfer_modes", "territory", "price")
_ASKED_OF_NEEDS: Final = ("trl", "ipc", "requirements", "transfer_modes", "territory", "price", "decision_date")
_ASKED_OF_TEXTS: Final = ("problem", "alternative", "advantages")


@dataclass(frozen=True)
class Coded:
    """A code and what it is called in the reader's language."""

    code: str
    label: str


@dataclass(frozen=True)
class SheetText:
    """What a listing says in one language to the readers of one tier."""

    language: str
    tier: str
    origin: str
    title: str
    summary: str
    description: str
    problem: str
    alternative: str
    advantages: str
    partner_sought: str

    @property
    def is_machine_made(self) -> bool:
        return self.origin in {Origin.MACHINE, Origin.MACHINE_REVIEWED}


@dataclass(frozen=True)
class Passage:
    """One field of a text as it is shown: in the reader's language, else as it was written."""

    field: str
    text: str
    language: str
    tier: str
    origin: str

    @property
    def is_machine_made(self) -> bool:
        return self.origin in {Origin.MACHINE, Origin.MACHINE_REVIEWED}


@dataclass(frozen=True)
class SheetTier:
    """Whether a listing has text of a tier, and whether this viewer may read it."""

    tier: str
    label: str
    is_readable: bool
    has_text: bool


@dataclass(frozen=True)
class SheetClassification:
    """A code of a classification with its label."""

    scheme: str
    code: str
    label: str
    is_derived: bool


@dataclass(frozen=True)
class SheetRight:
    """A right that comes with an offer; number, title and dates are empty where they would name a hidden owner."""

    kind: Coded
    office: str
    number: str
    status: Coded | None
    title: str
    filed_date: date | None
    expiry_date: date | None


@dataclass(frozen=True)
class SheetRequirement:
    """A property that a need asks for in numbers."""

    property: str
    operator: Coded
    value: Decimal
    unit: str
    is_must: bool


@dataclass(frozen=True)
class SheetEncumbrance:
    """Rights in an offer that somebody has now."""

    field: str
    field_label: str
    territory: Coded
    exclusivity: Coded
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class ListingSheet:
    """Everything a page or the API shows of one listing to one viewer.

    Facts that are not stated are empty and named in `missing`. An anonymous owner is named to itself and to
    reviewers only; what would give it away (rights' numbers, source, attribution) is empty for others.
    """

    id: UUID
    direction: str
    state: Coded
    state_reason: str
    state_note: str
    is_mine: bool
    is_sample: bool
    is_anonymous: bool
    is_held: bool
    owner_id: int | None
    owner_name: str | None
    owner_kind: Coded | None
    owner_is_verified: bool
    original_language: str
    title: Passage
    original_title: Passage | None
    text: SheetText
    original: SheetText | None
    texts: tuple[SheetText, ...]
    passages: tuple[Passage, ...]
    tiers: tuple[SheetTier, ...]
    country: Coded | None
    trl_low: int | None
    trl_high: int | None
    trl_label: str
    trl_scale: Coded | None
    trl_evidence: str
    transfer_modes: tuple[Coded, ...]
    exclusivity: Coded | None
    territory: tuple[Coded, ...]
    field_of_use: str
    partner_kinds: tuple[Coded, ...]
    price_kind: Coded | None
    price_low: Decimal | None
    price_high: Decimal | None
    currency: str
    payment_kinds: tuple[Coded, ...]
    need_kind: Coded | None
    decision_date: date | None
    excluded_countries: tuple[Coded, ...]
    classifications: tuple[SheetClassification, ...]
    rights: tuple[SheetRight, ...]
    requirements: tuple[SheetRequirement, ...]
    encumbrances: tuple[SheetEncumbrance, ...]
    missing: tuple[str, ...]
    created_at: datetime
    revised_at: datetime
    published_at: datetime | None
    confirmed_at: datetime | None
    visible_until: datetime | None
    version: int
    source: str
    external_id: str
    source_url: str
    attribution: str

    @property
    def fields(self) -> tuple[SheetClassification, ...]:
        """WIPO's fields of technology."""
        return tuple(c for c in self.classifications if c.scheme == Scheme.FIELD)

    @property
    def ipc(self) -> tuple[SheetClassification, ...]:
        return tuple(c for c in self.classifications if c.scheme == Scheme.IPC)


@dataclass(frozen=True)
class _Shelf:
    """The rows that belong to some listings, fetched once for all of them."""

    texts: Mapping[UUID, list[ListingText]]
    tiers: Mapping[UUID, set[str]]
    classifications: Mapping[UUID, list[Classification]]
    rights: Mapping[UUID, list[Right]]
    requirements: Mapping[UUID, list[Requirement]]
    encumbrances: Mapping[UUID, list[Encumbrance]]
    held: frozenset[UUID]
    owners: Mapping[int, Organisation]


def sheets(listings: Sequence[Listing], viewer: Viewer, at: datetime, language: str) -> list[ListingSheet]:
    """Sheets of listings that the viewer may see, in their order, in a number of queries that does not grow."""
    shelf = _fetch(listings, viewer, at)
    return [_sheet(listing, shelf, viewer, language) for listing in listings]


def _fetch(listings: Sequence[Listing], viewer: Viewer, at: datetime) -> _Shelf:
    ids = [listing.pk for listing in listings]
    tiers: dict[UUID, set[str]] = defaultdict(set)
    for listing_id, tier in ListingText.objects.filter(listing__in=ids).values_list("listing_id", "tier"):
        tiers[listing_id].add(tier)
    now = Encumbrance.objects.filter(listing__in=ids, starts_at__lte=at).exclude(ends_at__lte=at)
    owners = Organisation.objects.filter(pk__in={listing.owner_id for listing in listings}).prefetch_related("names")
    return _Shelf(
        texts=_by_listing(ListingText.objects.visible_to(viewer, at).filter(listing__in=ids).order_by("pk")),
        tiers=tiers,
        classifications=_by_listing(Classification.objects.filter(listing__in=ids).order_by("pk")),
        rights=_by_listing(Right.objects.filter(listing__in=ids).order_by("pk")),
        requirements=_by_listing(Requirement.objects.filter(listing__in=ids).order_by("pk")),
        encumbrances=_by_listing(now.order_by("pk")),
        held=frozenset(Hold.objects.filter(listing__in=ids, lifted_at=None).values_list("listing_id", flat=True)),
        owners={organisation.pk: organisation for organisation in owners},
    )


def _by_listing(rows: Iterable[_Row]) -> dict[UUID, list[_Row]]:
    found: dict[UUID, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.listing_id].append(row)
    return found


def _sheet(listing: Listing, shelf: _Shelf, viewer: Viewer, language: str) -> ListingSheet:
    is_mine = listing.owner_id in viewer.organisations
    is_insider = is_mine or viewer.sees_everything
    is_named = is_insider or not listing.is_anonymous
    owner = shelf.owners[listing.owner_id]
    texts = tuple(
        sorted(
            (_text(row) for row in shelf.texts.get(listing.pk, ())),
            key=lambda t: (_TIERS.index(t.tier), t.language != listing.original_language, t.language),
        )
    )
    chosen, original = _chosen(texts, language), _chosen(texts, listing.original_language)
    text = chosen or original or _no_text(listing.original_language)
    title = _passage("title", texts, Tier.PUBLIC, language, listing.original_language)
    original_title = _passage("title", texts, Tier.PUBLIC, listing.original_language, listing.original_language)
    rights = tuple(_right(right, language, is_named=is_named) for right in shelf.rights.get(listing.pk, ()))
    requirements = tuple(_requirement(row, language) for row in shelf.requirements.get(listing.pk, ()))
    classifications = tuple(
        SheetClassification(row.scheme, row.code, label(row.scheme, row.code, language), row.is_derived)
        for row in shelf.classifications.get(listing.pk, ())
    )
    return ListingSheet(
        id=listing.pk,
        direction=listing.direction,
        state=_coded("state", listing.state, language),
        state_reason=listing.state_reason if is_insider else "",
        state_note=listing.state_note if is_insider else "",
        is_mine=is_mine,
        is_sample=listing.is_sample,
        is_anonymous=listing.is_anonymous,
        is_held=listing.pk in shelf.held,
        owner_id=listing.owner_id if is_named else None,
        owner_name=owner.name(language) if is_named else None,
        owner_kind=_coded("organisation_kind", owner.kind, language) if is_named else None,
        owner_is_verified=is_named and owner.is_verified,
        original_language=listing.original_language,
        title=title or Passage("title", "", listing.original_language, Tier.PUBLIC, Origin.ORIGINAL),
        original_title=original_title if original_title and title and original_title != title else None,
        text=text,
        original=original if original and original != text else None,
        texts=texts,
        passages=tuple(_passages(texts, language, listing.original_language)),
        tiers=_sheet_tiers(listing, shelf, texts, viewer, language),
        country=_coded("country", listing.country, language) if listing.country else None,
        trl_low=listing.trl_low,
        trl_high=listing.trl_high,
        trl_label=label("trl", str(listing.trl_high), language) if listing.trl_high else "",
        trl_scale=_maybe("trl_scale", listing.trl_scale, language),
        trl_evidence=listing.trl_evidence,
        transfer_modes=_all("transfer_mode", listing.transfer_modes, language),
        exclusivity=_maybe("exclusivity", listing.exclusivity, language),
        territory=_all("country", listing.territory, language),
        field_of_use=listing.field_of_use,
        partner_kinds=_all("partner_kind", listing.partner_kinds, language),
        price_kind=_maybe("price_kind", listing.price_kind, language),
        price_low=listing.price_low,
        price_high=listing.price_high,
        currency=listing.currency,
        payment_kinds=_all("payment_kind", listing.payment_kinds, language),
        need_kind=_maybe("need_kind", listing.need_kind, language),
        decision_date=listing.decision_date,
        excluded_countries=_all("country", listing.excluded_countries, language),
        classifications=classifications,
        rights=rights,
        requirements=requirements,
        encumbrances=tuple(_encumbrance(row, language) for row in shelf.encumbrances.get(listing.pk, ())),
        missing=_missing(listing, texts, classifications, has_rights=bool(rights), has_numbers=bool(requirements)),
        created_at=listing.created_at,
        revised_at=listing.revised_at,
        published_at=listing.published_at,
        confirmed_at=listing.confirmed_at,
        visible_until=listing.visible_until,
        version=listing.version,
        source=listing.source if is_named else "",
        external_id=listing.external_id if is_named else "",
        source_url=listing.source_url if is_named else "",
        attribution=listing.attribution if is_named else "",
    )


def _coded(scheme: str, code: str, language: str) -> Coded:
    return Coded(str(code), label(scheme, code, language))


def _maybe(scheme: str, code: str, language: str) -> Coded | None:
    return _coded(scheme, code, language) if code else None


def _all(scheme: str, codes: Iterable[str], language: str) -> tuple[Coded, ...]:
    return tuple(_coded(scheme, code, language) for code in codes)


def _text(row: ListingText) -> SheetText:
    return SheetText(
        row.language,
        row.tier,
        row.origin,
        row.title,
        row.summary,
        row.description,
        row.problem,
        row.alternative,
        row.advantages,
        row.partner_sought,
    )


def _no_text(language: str) -> SheetText:
    return SheetText(language, Tier.PUBLIC, Origin.ORIGINAL, "", "", "", "", "", "", "")


def _chosen(texts: tuple[SheetText, ...], language: str) -> SheetText | None:
    """The public text in a language; a reader of higher tiers finds theirs among the passages."""
    return next((t for t in texts if t.language == language and t.tier == Tier.PUBLIC), None)


def _passage(
    field: str, texts: tuple[SheetText, ...], tier: str, language: str, original_language: str
) -> Passage | None:
    """A field in the reader's language, else in the original one, else in any."""
    said = [t for t in texts if t.tier == tier and getattr(t, field)]
    said.sort(key=lambda t: (t.language != language, t.language != original_language))
    return Passage(field, getattr(said[0], field), said[0].language, tier, said[0].origin) if said else None


def _passages(texts: tuple[SheetText, ...], language: str, original_language: str) -> Iterable[Passage]:
    for tier in dict.fromkeys(text.tier for text in texts):
        for field in ("title", *ListingText.BODY):
            is_head = field == "title" and tier == Tier.PUBLIC
            if not is_head and (passage := _passage(field, texts, tier, language, original_language)):
                yield passage


def _sheet_tiers(
    listing: Listing, shelf: _Shelf, texts: tuple[SheetText, ...], viewer: Viewer, language: str
) -> tuple[SheetTier, ...]:
    readable = {text.tier for text in texts} | {str(Tier.PUBLIC)}
    if viewer.is_registered:
        readable.add(str(Tier.REGISTERED))
    if viewer.sees_everything or listing.owner_id in viewer.organisations:
        readable |= set(_TIERS)
    present = shelf.tiers.get(listing.pk, set())
    return tuple(SheetTier(tier, label("tier", tier, language), tier in readable, tier in present) for tier in _TIERS)


def _right(right: Right, language: str, *, is_named: bool) -> SheetRight:
    return SheetRight(
        kind=_coded("right_kind", right.kind, language),
        office=right.office,
        number=right.number if is_named else "",
        status=_maybe("right_status", right.status, language),
        title=right.title if is_named else "",
        filed_date=right.filed_date if is_named else None,
        expiry_date=right.expiry_date if is_named else None,
    )


def _requirement(row: Requirement, language: str) -> SheetRequirement:
    operator = _coded("requirement_operator", row.operator, language)
    return SheetRequirement(row.property, operator, row.value, row.unit, row.is_must)


def _encumbrance(row: Encumbrance, language: str) -> SheetEncumbrance:
    return SheetEncumbrance(
        field=row.field,
        field_label=label("ipc", row.field, language) if row.field else "",
        territory=_coded("country", row.territory, language),
        exclusivity=_coded("exclusivity", row.exclusivity, language),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


def _missing(
    listing: Listing,
    texts: tuple[SheetText, ...],
    classifications: tuple[SheetClassification, ...],
    *,
    has_rights: bool,
    has_numbers: bool,
) -> tuple[str, ...]:
    stated = {
        "trl": listing.trl_low is not None,
        "ipc": any(c.scheme in {Scheme.IPC, Scheme.CPC} for c in classifications),
        "rights": has_rights,
        "requirements": has_numbers,
        "transfer_modes": bool(listing.transfer_modes),
        "territory": bool(listing.territory),
        "price": bool(listing.price_kind) or listing.price_low is not None or listing.price_high is not None,
        "decision_date": listing.decision_date is not None,
    } | {field: any(getattr(text, field) for text in texts) for field in _ASKED_OF_TEXTS}
    asked = _ASKED_OF_OFFERS if listing.is_offer else _ASKED_OF_NEEDS
    return tuple(name for name in (*_ASKED_OF_TEXTS, *asked) if not stated[name])
