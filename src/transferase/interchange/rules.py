"""Why a file or a row is refused, how much may be brought in at once, and who may bring it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from transferase.catalogue.models import Tier
from transferase.directory.rules import Permission, may
from transferase.foundation.errors import DomainError
from transferase.foundation.languages import Language
from transferase.foundation.ledger import System

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transferase.directory.models import Organisation, Person
    from transferase.interchange.models import ImportRun

ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "cp949": "cp949",
    "euc-kr": "cp949",  # CP949 holds all of EUC-KR
    "gb18030": "gb18030",
    "gbk": "gb18030",  # GB 18030 holds all of GBK and GB 2312
    "gb2312": "gb18030",
}
BATCH: Final = 2_500
LONGEST_CELL: Final = 50_000


LANGUAGE_SUFFIXES: Final[Mapping[str, str]] = {"ko": Language.KO, "zh": Language.ZH, "en": Language.EN}
TIER_PREFIXES: Final[Mapping[str, str]] = {
    "": Tier.PUBLIC,
    "registered_": Tier.REGISTERED,
    "introduced_": Tier.INTRODUCED,
    "nda_": Tier.NDA,
}
TEXTS: Final = ("title", "summary", "description", "problem", "alternative", "advantages", "partner_sought")
_LISTING: Final = (
    "external_id", "direction", "language", "owner", "owner_identifier", "country", "is_anonymous",
    "ipc", "cpc", "keywords", "unmapped", "trl", "trl_low", "trl_high", "trl_scale", "trl_evidence",
    "transfer_modes", "exclusivity", "territory", "field_of_use", "partner_kinds",
    "price", "price_kind", "price_low", "price_high", "currency", "payment_kinds",
    "source_url", "attribution", "is_sample",
)  # fmt: skip
_RIGHT: Final = (
    "right_kind", "right_office", "right_number", "right_status", "right_title", "filed_date", "expiry_date",
    "application_number", "publication_number", "registration_number",
)  # fmt: skip
_NEED: Final = ("need_kind", "decision_date", "excluded_countries", "requirements")
_TEXT_FIELDS: Final = tuple(
    f"{tier}{name}{suffix}"
    for tier in TIER_PREFIXES
    for name in (*TEXTS, "origin")
    for suffix in ("", *(f"_{language}" for language in LANGUAGE_SUFFIXES))
)
# What a column may fill, for each kind of file. A text without a language is in the record's own language;
# the names of numbers of a right (application, publication, registration) all lead to the number of one right.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "offers": (*_LISTING, *_TEXT_FIELDS, *_RIGHT, "rights"),
    "needs": (*_LISTING, *_TEXT_FIELDS, *_NEED),
    "organisations": (
        "external_id", "name", "name_ko", "name_zh", "name_en", "origin_ko", "origin_zh", "origin_en", "language",
        "kind", "country", "region", "website", "identifier", "ror", "kr_business", "cn_credit", "lei", "eu_pic",
        "is_sample",
    ),
    "rights": ("external_id", *_RIGHT),
}  # fmt: skip
# Fields that only an operator may fill: they speak for others or for the platform.
OPERATOR_FIELDS: Final = frozenset({"owner", "owner_identifier", "is_sample"})


@dataclass(frozen=True)
class Limits:
    """How much a file may hold; generous for work, too small for an attack."""

    stored_bytes: int = 150 * 1024 * 1024
    unpacked_bytes: int = 750 * 1024 * 1024
    ratio: int = 250
    entries: int = 2_000
    held_bytes: int = 8 * 1024 * 1024
    rows: int = 1_000_000
    columns: int = 500
    line: int = 8 * 1024 * 1024


class FileRefused(DomainError):
    """The file cannot be read as a table."""

    code = "file_refused"


class TooLarge(FileRefused):
    """The file is larger than allowed (`limit`, in bytes)."""

    code = "too_large"


class TooManyRows(FileRefused):
    """The table has more rows than allowed (`limit`)."""

    code = "too_many_rows"


class TooManyColumns(FileRefused):
    """The table has more columns than allowed (`limit`)."""

    code = "too_many_columns"


class EmptyFile(FileRefused):
    """The file holds no row."""

    code = "empty_file"


class NotATable(FileRefused):
    """The file is something else; `looks_like` says what (pdf, html, zip, image, json_array, binary, long_line)."""

    code = "not_a_table"


class OldExcel(FileRefused):
    """The file is a workbook of Excel 97-2003 (.xls) or a binary one (.xlsb)."""

    code = "old_excel"


class PasswordProtected(FileRefused):
    """The workbook asks for a password."""

    code = "password_protected"


class XlsxBomb(FileRefused):
    """The workbook would unpack to far more than it holds (`reason`: entries, unpacked, ratio, entities)."""

    code = "xlsx_bomb"


class BrokenFile(FileRefused):
    """The file is cut off or damaged (`format`)."""

    code = "broken_file"


class NoHeader(FileRefused):
    """The first row does not name the columns."""

    code = "no_header"


class DuplicateHeader(FileRefused):
    """Two columns have the same name (`column`)."""

    code = "duplicate_header"


class DoubtfulEncoding(FileRefused):
    """The characters cannot be told for sure; a person has to choose one of `candidates`."""

    code = "doubtful_encoding"


class Undecodable(FileRefused):
    """The file does not hold text in this `encoding`; `byte` says where it first fails."""

    code = "undecodable"


class UnknownEncoding(FileRefused):
    """Files may not be read in this `encoding`."""

    code = "unknown_encoding"


class MissingColumns(FileRefused):
    """No column fills a field that every record needs (`fields`)."""

    code = "missing_columns"


class UnknownField(DomainError):
    """A mapping names a `field` that records of this kind do not have."""

    code = "unknown_field"


class DuplicateField(DomainError):
    """Two columns are mapped to the same `field`."""

    code = "duplicate_field"


class UnknownKind(DomainError):
    """Files hold offers, needs, organisations or rights, not this `kind`."""

    code = "unknown_kind"


class UnknownFormat(DomainError):
    """Records are exported as CSV, XLSX or JSONL, not in this `format`."""

    code = "unknown_format"


class ForeignSource(DomainError):
    """The `source` of this name belongs to another organisation."""

    code = "foreign_source"


class WrongRunState(DomainError):
    """The import does not stand where this act may start (`state`)."""

    code = "wrong_run_state"


class AlreadyRunning(DomainError):
    """Somebody else is bringing in this file at the same time."""

    code = "already_running"


class LostFile(DomainError):
    """The file of an import is no longer kept."""

    code = "lost_file"


# What may be wrong with a row, and the facts that come with each code. The second part are rules of the catalogue
# and the directory, which a record breaks only here because a file brought it.
ROW_ERRORS: Final[Mapping[str, tuple[str, ...]]] = {
    "bad_json": (),
    "not_an_object": (),
    "broken_row": ("lines",),
    "text_too_long": ("length", "limit"),
    "no_external_id": (),
    "external_id_too_long": ("length", "limit"),
    "duplicate_external_id": ("value", "first_row"),
    "no_title": (),
    "no_name": (),
    "no_country": (),
    "no_right": (),
    "unknown_owner": ("value",),
    "owner_not_allowed": ("value",),
    "other_direction": ("value",),
    "unknown_offer": ("value",),
    "required": (),
    "too_long": ("longest",),
    "out_of_range": ("low", "high"),
    "not_in_order": ("low", "high"),
    "given_twice": (),
    "not_for_direction": ("direction",),
    "not_a_web_address": (),
    "owned_by_other": (),
    "direction_changed": ("direction",),
    "wrong_state": ("state",),
    "wrong_number": ("scheme", "value"),
    "identifier_taken": ("scheme", "value"),
    "verified_name_fixed": (),
    "not_ready": ("missing",),
}
# What was not understood in a row that was taken all the same.
ROW_WARNINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "characters_removed": ("count",),
    "extra_cells": ("count",),
    "title_cut": ("length", "limit"),
    "value_cut": ("length", "limit"),
    "title_from_summary": (),
    "summary_from_description": (),
    "summary_shortened": ("length", "limit"),
    "owner_will_be_entered": ("value",),
    "stays_draft": ("missing",),
    "no_currency": ("value",),
    "unknown_code": ("value",),
    "unknown_classification": ("value",),
    "unknown_language": ("value",),
    "unknown_country": ("value",),
    "bad_date": ("value",),
    "bad_number": ("value",),
    "bad_trl": ("value",),
    "bad_requirement": ("value",),
    "bad_right": ("value",),
    "bad_identifier": ("value",),
    "bad_link": ("value",),
    "range_reversed": ("value",),
    "formula_error": ("value",),
}
ROW_CODES: Final[Mapping[str, tuple[str, ...]]] = {**ROW_ERRORS, **ROW_WARNINGS}


def allowed_fields(kind: str, *, for_operator: bool) -> frozenset[str]:
    """Which fields a column may fill in the file of this person."""
    return frozenset(FIELDS[kind]) - (frozenset() if for_operator else OPERATOR_FIELDS)


def may_import(actor: Person | System, organisation: Organisation | None) -> bool:
    """Whether somebody may bring in files for an organisation, or for any of them where none is named."""
    return may(actor, Permission.INTERCHANGE_IMPORT_WRITE, organisation.pk if organisation else None)


def is_operator(actor: Person | System) -> bool:
    """Whether somebody may bring in records of several owners, publish them unseen and mark them as samples."""
    return may(actor, Permission.DIRECTORY_ORGANISATION_VERIFY)


def may_touch(actor: Person | System, run: ImportRun) -> bool:
    """Whether somebody may go on with an import."""
    return may(actor, Permission.INTERCHANGE_IMPORT_WRITE, run.organisation_id)
