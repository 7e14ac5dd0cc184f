"""Which column fills which field: guessed from its name in Korean, Chinese or English, settled by a person."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from transferase.interchange import rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

# Columns of our own exports that tell about a record and are no part of it.
INFORMATIVE: Final = frozenset({"id", "source", "state", "url", "published_at", "visible_until", "theme"})
MARKS: Final = (
    ("ko", re.compile(r"(?:국문|한글|한국어|국어|韩文|韩语|korean|\bkor?\b|_ko$)", re.IGNORECASE)),
    ("zh", re.compile(r"(?:중문|중국어|中文|汉语|chinese|\bzh(?:-?(?:hans|cn))?\b|\bcn\b|_zh$)", re.IGNORECASE)),
    ("en", re.compile(r"(?:영문|영어|英文|英语|english|\beng?\b|_en$)", re.IGNORECASE)),
)


def folded(name: str) -> str:
    """A column's name without spaces, signs and letter case: "기술명 (국문)" and "기술명(국문)" are one name."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def guess_mapping(header: Iterable[str], kind: str, *, for_operator: bool) -> dict[str, str]:
    """The field that each column most likely fills; columns that no name speaks for are left out.

    Our own field names come first, then synonyms from left to right; a field is given once.
    """
    names = _names(kind)
    allowed = rules.allowed_fields(kind, for_operator=for_operator)
    header = [column for column in header if not column.startswith("#")]
    exact = {column: column for column in header if column in allowed}
    taken, mapping = set(exact.values()), dict(exact)
    for column in header:
        if column in mapping or column in INFORMATIVE - {"id"}:
            continue
        field = _field_of(column, names, allowed)
        if field and field not in taken:
            mapping[column] = field
            taken.add(field)
    return {column: mapping[column] for column in header if column in mapping}


def _field_of(column: str, names: Mapping[str, str], allowed: AbstractSet[str]) -> str | None:
    plain = names.get(folded(column))
    if plain in allowed:
        return plain
    for language, mark in MARKS:
        if mark.search(column):
            base = names.get(folded(mark.sub("", column)))
            if base and f"{base}_{language}" in allowed:
                return f"{base}_{language}"
    # "기술명(필수)", "TRL (1-9)", "Summary / 요약": what stands in brackets explains, what stands before it names.
    for part in (re.sub(r"[(\[（【].*?[)\]）】]", "", column), *re.split(r"[/|·\n]", column)):
        found = names.get(folded(part))
        if found in allowed:
            return found
    return None


@cache
def _names(kind: str) -> Mapping[str, str]:
    told = tomllib.loads(files("transferase.interchange").joinpath("columns.toml").read_text(encoding="utf-8"))
    names = {folded(field): field for field in rules.FIELDS[kind]}
    for field, synonyms in told.get(kind, told["listings"]).items():
        for name in synonyms.split():
            names.setdefault(folded(name), field)
    return names


def check_mapping(columns: Mapping[str, str], defaults: Mapping[str, object], kind: str, *, for_operator: bool) -> None:
    """Raise `UnknownField`, `DuplicateField` or `MissingColumns` for a mapping that no record could come from."""
    allowed = rules.allowed_fields(kind, for_operator=for_operator)
    for field in (*columns.values(), *defaults):
        if field not in allowed:
            raise rules.UnknownField(field=field)
    for field, count in Counter(columns.values()).items():
        if count > 1:
            raise rules.DuplicateField(field=field)
    filled = {*columns.values(), *defaults}
    if missing := missing_fields(filled, kind):
        raise rules.MissingColumns(fields=missing)


def missing_fields(filled: Iterable[str], kind: str) -> list[str]:
    """Which fields that every record needs are filled by no column."""
    have = set(filled)
    if kind == "organisations":
        return [] if have & {"name", "name_ko", "name_zh", "name_en"} else ["name"]
    if kind == "rights":
        numbers = {"right_number", "application_number", "publication_number", "registration_number", "right_kind"}
        return [
            name
            for name, lacks in (("external_id", "external_id" not in have), ("right_number", not have & numbers))
            if lacks
        ]
    titles = {"title", "title_ko", "title_zh", "title_en", "summary", "summary_ko", "summary_zh", "summary_en"}
    return [] if have & titles else ["title"]
