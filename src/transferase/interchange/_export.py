"""Records on their way out, in the columns that imports read, so that export then import gives the same record."""

from __future__ import annotations

import csv
import io
import tempfile
from typing import TYPE_CHECKING, Any, Final

import openpyxl
import orjson
from django.db.models import Max, Prefetch
from django.db.models.functions import Length

from transferase.catalogue.models import Direction, Listing, ListingText, Scheme, Tier
from transferase.directory.models import Organisation
from transferase.directory.rules import Permission
from transferase.foundation.errors import NotAllowed
from transferase.interchange import rules
from transferase.interchange._drafts import CONTINUED
from transferase.interchange._drafts import LONGEST_XLSX_CELL as CELL
from transferase.interchange._values import guarded, write_list
from transferase.interchange.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from transferase.catalogue.models import ListingQuerySet
    from transferase.directory.rules import Viewer

EXPORT_FORMATS: Final = ("csv", "xlsx", "jsonl")
AT_ONCE: Final = 500
CHUNK: Final = 1 << 16
BEFORE: Final = ("external_id", "direction", "language")
AFTER: Final = (
    "owner", "country", "is_anonymous", "ipc", "cpc", "unmapped", "trl_low", "trl_high", "trl_scale", "trl_evidence",
    "transfer_modes", "exclusivity", "territory", "field_of_use", "partner_kinds", "price_kind", "price_low",
    "price_high", "currency", "payment_kinds",
)  # fmt: skip
ONLY_NEEDS: Final = ("need_kind", "decision_date", "excluded_countries", "requirements")
ONLY_OFFERS: Final = ("rights",)
LAST: Final = ("source_url", "attribution", "is_sample", "id", "source", "state", "published_at", "visible_until")
ORGANISATION: Final = (
    "external_id", "name_ko", "name_zh", "name_en", "language", "origin_ko", "origin_zh", "origin_en", "kind",
    "country", "region", "website", "ror", "kr_business", "cn_credit", "lei", "eu_pic", "is_sample", "id", "source",
)  # fmt: skip
RIGHT: Final = (
    "external_id", "right_kind", "right_office", "right_number", "right_status", "right_title", "filed_date",
    "expiry_date",
)  # fmt: skip
SUFFIX_OF: Final = {language: suffix for suffix, language in rules.LANGUAGE_SUFFIXES.items()}
PREFIX_OF: Final = {tier: prefix for prefix, tier in rules.TIER_PREFIXES.items()}


class Export:
    """The bytes of an export, made as they are asked for; `written` counts the records so far."""

    def __init__(self, columns: Sequence[str], rows: Iterable[dict[str, Any]], file_format: str) -> None:
        self.columns = tuple(columns)
        self.written = 0
        self._rows = rows
        self._format = file_format

    def __iter__(self) -> Iterator[bytes]:
        if self._format == "jsonl":
            return self._jsonl()
        return self._csv() if self._format == "csv" else self._xlsx()

    def _counted(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            self.written += 1
            yield row

    def _jsonl(self) -> Iterator[bytes]:
        for row in self._counted():
            told = {column: row[column] for column in self.columns if row.get(column) not in (None, "", [], False)}
            if "country" in row:
                # Left out, it would be taken for the one of the organisation that brings the record in.
                told["country"] = row["country"]
            yield orjson.dumps(told, default=str) + b"\n"

    def _csv(self) -> Iterator[bytes]:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        # Spreadsheets take a CSV for UTF-8 only when it begins with this mark.
        out.write("\ufeff")
        writer.writerow(self.columns)
        for row in self._counted():
            writer.writerow([guarded(as_cell(row.get(column))) for column in self.columns])
            if out.tell() > CHUNK:
                yield out.getvalue().encode()
                out.seek(0)
                out.truncate()
        yield out.getvalue().encode()

    def _xlsx(self) -> Iterator[bytes]:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("records")
        sheet.append(self.columns)
        for row in self._counted():
            texts = {
                column: guarded(as_cell(row.get(column))) for column in self.columns if not column.endswith(CONTINUED)
            }
            sheet.append(
                [
                    texts[column.removesuffix(CONTINUED)][CELL:] if column.endswith(CONTINUED) else texts[column][:CELL]
                    for column in self.columns
                ]
            )
        with tempfile.TemporaryFile() as file:
            book.save(file)
            file.seek(0)
            while chunk := file.read(CHUNK):
                yield chunk


def as_cell(value: Any) -> str:
    """A value as the text of a cell."""
    if value is None or value is False:
        return ""
    if value is True:
        return "true"
    if isinstance(value, list):
        return orjson.dumps(value, default=str).decode() if value and isinstance(value[0], dict) else write_list(value)
    return str(value)


def export_records(
    *,
    viewer: Viewer,
    at: datetime,
    kind: str,
    file_format: str,
    own_only: bool = False,
    everything: bool = False,
) -> Export:
    """The records of a kind that a viewer may see, as CSV, XLSX or JSONL.

    Texts for narrower circles come with the viewer's own listings only, and the owner of an anonymous listing is
    told to nobody else. `everything` lifts both for those who see every record.
    """
    if file_format not in EXPORT_FORMATS:
        raise rules.UnknownFormat(format=file_format)
    if everything and not viewer.sees_everything:
        raise NotAllowed(permission=str(Permission.CATALOGUE_LISTING_REVIEW))
    if kind == Kind.ORGANISATIONS:
        return Export(ORGANISATION, _organisation_rows(viewer, own_only=own_only), file_format)
    direction = {Kind.OFFERS: Direction.OFFER, Kind.RIGHTS: Direction.OFFER, Kind.NEEDS: Direction.NEED}.get(Kind(kind))
    if direction is None:
        raise rules.UnknownKind(kind=kind)
    listings = Listing.objects.visible_to(viewer, at).filter(direction=direction)
    if own_only:
        listings = listings.filter(owner__in=viewer.organisations)
    tell = _Teller(viewer, everything=everything)
    if kind == Kind.RIGHTS:
        return Export(RIGHT, _right_rows(listings, tell), file_format)
    texts = _readable(ListingText.objects.filter(listing__in=listings), viewer, everything=everything)
    columns = [*BEFORE, *_text_columns(texts), *AFTER]
    columns += [*(ONLY_NEEDS if direction == Direction.NEED else ONLY_OFFERS), *LAST]
    if file_format == "xlsx":
        columns = _with_continuations(columns, texts, listings)
    return Export(
        columns, (tell.listing(listing) for listing in _fetched(listings, viewer, everything=everything)), file_format
    )


def _readable(texts: QuerySet[ListingText], viewer: Viewer, *, everything: bool) -> QuerySet[ListingText]:
    if everything:
        return texts
    return texts.filter(tier=Tier.PUBLIC) | texts.filter(listing__owner__in=viewer.organisations)


def _fetched(listings: ListingQuerySet, viewer: Viewer, *, everything: bool) -> Iterator[Listing]:
    texts = _readable(ListingText.objects.order_by("pk"), viewer, everything=everything)
    found = listings.select_related("owner").prefetch_related(
        Prefetch("texts", texts), "classifications", "rights", "requirements", "owner__names"
    )
    return found.order_by("pk").iterator(chunk_size=AT_ONCE)


def _text_columns(texts: QuerySet[ListingText]) -> list[str]:
    present = set(texts.exclude(tier=Tier.PUBLIC).values_list("tier", "language").distinct())
    places = [(str(Tier.PUBLIC), language) for language in SUFFIX_OF]
    places += [(tier, language) for tier in PREFIX_OF for language in SUFFIX_OF if (tier, language) in present]
    return [
        f"{PREFIX_OF[tier]}{name}_{SUFFIX_OF[language]}"
        for tier, language in places
        for name in (*rules.TEXTS, "origin")
    ]


def _with_continuations(columns: list[str], texts: QuerySet[ListingText], listings: ListingQuerySet) -> list[str]:
    longest = {f"{name}_length": Max(Length(name)) for name in rules.TEXTS}
    grouped = texts.order_by().values("tier", "language").annotate(**longest)
    long_columns = {
        f"{PREFIX_OF[tier]}{name}_{SUFFIX_OF[language]}"
        for tier, language, *lengths in grouped.values_list("tier", "language", *longest)
        for name, length in zip(rules.TEXTS, lengths, strict=True)
        if (length or 0) >= CELL
    }
    if (listings.aggregate(n=Max(Length("trl_evidence")))["n"] or 0) >= CELL:
        long_columns.add("trl_evidence")
    return [
        name for column in columns for name in ([column, column + CONTINUED] if column in long_columns else [column])
    ]


class _Teller:
    """Says of each listing what its viewer may know."""

    def __init__(self, viewer: Viewer, *, everything: bool) -> None:
        self._viewer = viewer
        self._everything = everything

    def hides_owner(self, listing: Listing) -> bool:
        return listing.is_anonymous and not self._everything and listing.owner_id not in self._viewer.organisations

    def listing(self, listing: Listing) -> dict[str, Any]:
        codes: dict[str, list[str]] = {}
        for row in sorted(listing.classifications.all(), key=lambda c: c.pk):
            if not row.is_derived:
                codes.setdefault(row.scheme, []).append(row.code)
        told: dict[str, Any] = {
            "id": str(listing.pk),
            "external_id": listing.external_id or str(listing.pk),
            "source": listing.source,
            "direction": listing.direction,
            "state": listing.state,
            "language": listing.original_language,
            "owner": listing.owner.name(listing.original_language),
            "country": listing.country,
            "is_anonymous": listing.is_anonymous,
            "is_sample": listing.is_sample,
            "ipc": codes.get(Scheme.IPC, []),
            "cpc": codes.get(Scheme.CPC, []),
            "unmapped": codes.get(Scheme.UNMAPPED, []),
            "decision_date": listing.decision_date,
            "published_at": listing.published_at,
            "visible_until": listing.visible_until,
            "rights": [_right_object(right) for right in sorted(listing.rights.all(), key=lambda r: r.pk)],
            "requirements": [
                {
                    "property": r.property,
                    "operator": r.operator,
                    "value": f"{r.value.normalize():f}",
                    "unit": r.unit,
                    "is_must": r.is_must,
                }
                for r in sorted(listing.requirements.all(), key=lambda r: r.pk)
            ],
            **{name: getattr(listing, name) for name in (*AFTER, *ONLY_NEEDS, *LAST) if name in PLAIN},
        }
        for text in listing.texts.all():
            prefix, suffix = PREFIX_OF[text.tier], SUFFIX_OF[text.language]
            told |= {f"{prefix}{name}_{suffix}": getattr(text, name) for name in (*rules.TEXTS, "origin")}
        if self.hides_owner(listing):
            # Numbers, links and credits would tell who it is as well.
            told |= {
                "external_id": str(listing.pk),
                "source": "",
                "owner": "",
                "rights": [],
                "source_url": "",
                "attribution": "",
            }
        return told


PLAIN: Final = frozenset(
    {
        "trl_low", "trl_high", "trl_scale", "trl_evidence", "transfer_modes", "exclusivity", "territory",
        "field_of_use", "partner_kinds", "price_kind", "price_low", "price_high", "currency", "payment_kinds",
        "need_kind", "excluded_countries", "source_url", "attribution",
    }
)  # fmt: skip


def _right_object(right: Any) -> dict[str, Any]:
    told = {
        "kind": right.kind,
        "office": right.office,
        "number": right.number,
        "status": right.status,
        "title": right.title,
        "filed_date": right.filed_date,
        "expiry_date": right.expiry_date,
    }
    return {name: value for name, value in told.items() if value}


def _right_rows(listings: ListingQuerySet, tell: _Teller) -> Iterator[dict[str, Any]]:
    for listing in listings.prefetch_related("rights").order_by("pk").iterator(chunk_size=AT_ONCE):
        if tell.hides_owner(listing):
            continue
        for right in sorted(listing.rights.all(), key=lambda r: r.pk):
            told = _right_object(right)
            named = {name if name.endswith("_date") else f"right_{name}": value for name, value in told.items()}
            yield {"external_id": listing.external_id or str(listing.pk), **named}


def _organisation_rows(viewer: Viewer, *, own_only: bool) -> Iterator[dict[str, Any]]:
    found = Organisation.objects.visible_to(viewer)
    if own_only:
        found = found.filter(pk__in=viewer.organisations)
    for organisation in found.prefetch_related("names", "identifiers").order_by("pk").iterator(chunk_size=AT_ONCE):
        names = {name.language: name for name in organisation.names.all()}
        original = next((language for language, name in names.items() if name.is_original), "")
        yield {
            "id": organisation.pk,
            "external_id": organisation.external_id or f"organisation-{organisation.pk}",
            "source": organisation.source,
            "language": original,
            "kind": organisation.kind,
            "country": organisation.country,
            "region": organisation.region,
            "website": organisation.website,
            "is_sample": organisation.is_sample,
            **{f"name_{SUFFIX_OF[language]}": name.name for language, name in names.items()},
            **{f"origin_{SUFFIX_OF[language]}": "machine" for language, n in names.items() if n.is_machine_made},
            **{identifier.scheme: identifier.value for identifier in organisation.identifiers.all()},
        }
