"""Rows become the content of listings: what a cell says is understood, set aside with a warning, or refused."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from transferase.catalogue.models import Direction, Origin, Tier
from transferase.catalogue.rules import (
    LONGEST_CODE,
    LONGEST_SUMMARY,
    LONGEST_TEXT,
    LONGEST_TITLE,
    WORLD,
    ListingDraft,
    TextDraft,
    clean_draft,
    normalise_ipc,
    prepare,
)
from transferase.engine.text import detect_language, sentences
from transferase.foundation.languages import Language
from transferase.interchange import rules
from transferase.interchange._parts import money_of, requirements_of, rights_of, trl_of
from transferase.interchange._rows import Composed, Findings, RowRefused
from transferase.interchange._values import (
    FORMULA_ERRORS,
    NOTHING,
    WEAK,
    parse_day,
    parse_list,
    parse_truth,
    unguarded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import date

    from transferase.interchange._reading import Row
    from transferase.interchange._vocabulary import Vocabularies

# The signs that a stored text may not hold (the engine's `normalise` leaves them out), bidirectional controls too.
STRAY: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]"
)
HANGUL: Final = re.compile("[\uac00-\ud7a3]")
HAN: Final = re.compile("[\u4e00-\u9fff]")
KANA: Final = re.compile("[\u3041-\u30ff]")
LONGEST_ID: Final = 200
# A cell of a workbook cannot hold more; exports go on in a column of the same name with this ending.
LONGEST_XLSX_CELL: Final = 32_000
CONTINUED: Final = " (2)"
SUMMARY_FROM_TEXT: Final = 600
TITLE_FROM_TEXT: Final = 120
# So much of a title and of a text tells their language.
JUDGED: Final = 60
REMEMBERED: Final = 20_000

PLACES: Final[Mapping[str, tuple[str, str, str]]] = {
    f"{prefix}{name}{suffix}": (tier, language, name)
    for prefix, tier in rules.TIER_PREFIXES.items()
    for name in (*rules.TEXTS, "origin")
    for suffix, language in (("", ""), *((f"_{s}", lang) for s, lang in rules.LANGUAGE_SUFFIXES.items()))
}
LISTS_OF_CODES: Final[Mapping[str, str]] = {
    "transfer_modes": "transfer_mode",
    "territory": "country",
    "partner_kinds": "partner_kind",
    "payment_kinds": "payment_kind",
    "excluded_countries": "country",
}
CODES: Final[Mapping[str, str]] = {
    "country": "country",
    "trl_scale": "trl_scale",
    "exclusivity": "exclusivity",
    "price_kind": "price_kind",
    "need_kind": "need_kind",
}
PLAIN: Final[Mapping[str, int]] = {
    "trl_evidence": LONGEST_TEXT,
    "field_of_use": 300,
    "source_url": 500,
    "attribution": 500,
}
LITERAL: Final = frozenset({*PLACES, *PLAIN, "unmapped", "rights", "requirements", "right_title"})
# The longest way to say nothing is shorter.
SHORT: Final = 16


class Reader:
    """Turns the cells of one mapping into cleaned values by field.

    In a spreadsheet "-" and "n/a" say nothing and an apostrophe may guard a text; in JSON a text is what it says.
    """

    def __init__(self, columns: Mapping[str, str], defaults: Mapping[str, object], file_format: str) -> None:
        self._is_spreadsheet = file_format != "jsonl"
        self._columns = tuple(columns.items())
        self._defaults = {name: value for name, value in defaults.items() if value not in (None, "")}

    def values(self, row: Row, findings: Findings) -> dict[str, Any]:
        """{field: text or list}, without empty cells; raises `RowRefused` for a text nobody can have meant."""
        if row.code:
            raise RowRefused("", row.code, **row.facts)
        if row.extra:
            findings.warn("", "extra_cells", count=row.extra)
        found = dict(self._defaults)
        cells = row.cells
        for column, name in self._columns:
            value = cells.get(column)
            if value is None or value == "":
                continue
            if isinstance(value, str) and len(value) >= LONGEST_XLSX_CELL and (rest := cells.get(column + CONTINUED)):
                value += str(rest)
            read = self._text(value, name, findings) if isinstance(value, str) else self._other(value, name, findings)
            if read not in ("", []):
                found[name] = read
        return found

    def _text(self, value: str, name: str, findings: Findings) -> str:
        if len(value) > LONGEST_TEXT:
            raise RowRefused(name, "text_too_long", length=len(value), limit=LONGEST_TEXT)
        if STRAY.search(value):
            value, count = STRAY.subn("", value)
            findings.warn(name, "characters_removed", count=count)
        if self._is_spreadsheet and value[:1] == "'" and (literal := unguarded(value)) != value:
            return literal.strip()
        value = value.strip()
        if len(value) < SHORT and (self._is_spreadsheet or name not in LITERAL):
            if value.lower() in NOTHING:
                return ""
            if value in FORMULA_ERRORS:
                findings.warn(name, "formula_error", value=value)
                return ""
        return value

    def _other(self, value: object, name: str, findings: Findings) -> Any:
        """Values of JSON: numbers as texts, lists item by item, objects as they are."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        if isinstance(value, list):
            items = (self._item(item, name, findings) for item in value if item not in (None, ""))
            return [item for item in items if item not in ("", {})]
        if isinstance(value, dict):
            return self._item(value, name, findings)
        return str(value)

    def _item(self, item: object, name: str, findings: Findings) -> Any:
        if isinstance(item, dict):
            return {str(k): self._text(v, name, findings) if isinstance(v, str) and v else v for k, v in item.items()}
        return self._text(str(item), name, findings)


class ListingReader:
    """Turns rows into offers or needs."""

    def __init__(
        self,
        *,
        kind: str,
        source: str,
        columns: Mapping[str, str],
        defaults: Mapping[str, object],
        file_format: str,
        vocabularies: Vocabularies,
        known_codes: Mapping[str, AbstractSet[str]],
    ) -> None:
        self._known_codes = known_codes
        self._direction = Direction.OFFER if kind == "offers" else Direction.NEED
        self._source = source
        self._has_ids = "external_id" in columns.values()
        self._reader = Reader(columns, defaults, file_format)
        self._vocabularies = vocabularies
        self._read: dict[tuple[str, str], tuple[tuple[str, ...], Findings]] = {}

    def compose(self, row: Row) -> Composed:
        """What becomes of a row; never raises for what stands in it."""
        findings = Findings()
        external_id = ""
        try:
            values = self._reader.values(row, findings)
            external_id = self._external_id(values)
            draft = self._draft(values, external_id, findings)
        except RowRefused as refused:
            return Composed(
                row.number, row.cells, external_id, problem=refused.problem, warnings=tuple(findings.warnings)
            )
        draft = clean_draft(draft)
        prepared = prepare(draft, self._known_codes)
        problem = prepared.problems[0] if prepared.problems else None
        owner = (_line(values.get("owner", "")), _line(values.get("owner_identifier", "")), draft.country)
        return Composed(row.number, row.cells, external_id, draft, prepared, owner, problem, tuple(findings.warnings))

    def _external_id(self, values: Mapping[str, Any]) -> str:
        given = _line(values.get("external_id", ""))
        if not given:
            if self._has_ids:
                raise RowRefused("external_id", "no_external_id")
            return derived_id(values)
        if len(given) > LONGEST_ID:
            raise RowRefused("external_id", "external_id_too_long", length=len(given), limit=LONGEST_ID)
        return given

    def _draft(self, values: dict[str, Any], external_id: str, findings: Findings) -> ListingDraft:
        self._check_direction(values)
        original, texts = texts_of(values, self._vocabularies, findings)
        content: dict[str, Any] = {
            name: self._remembered(self._list, name, scheme, values[name], findings)
            for name, scheme in LISTS_OF_CODES.items()
            if name in values
        }
        for name, scheme in CODES.items():
            if name in values:
                content[name] = self._code(name, scheme, _line(values[name]), findings)
        content |= _plain_of(values, findings)
        for name in ("ipc", "cpc"):
            if name in values:
                content[name] = self._remembered(self._symbols, name, name, values[name], findings)
        for name in ("is_anonymous", "is_sample"):
            if name in values:
                content[name] = parse_truth(_line(values[name])) is True
        content |= trl_of(values, findings)
        content |= money_of(
            values, self._vocabularies, findings, is_need=self._direction == Direction.NEED, said=content
        )
        if self._direction == Direction.OFFER:
            content["rights"] = rights_of(values, self._vocabularies, findings)
        else:
            content["requirements"] = requirements_of(values, findings)
            content["decision_date"] = _decision_of(values, findings)
        unmapped = [
            _line(w)[:LONGEST_CODE] for name in ("keywords", "unmapped") for w in words_of(values.get(name, ()))
        ]
        return ListingDraft(
            direction=self._direction,
            texts=texts,
            original_language=original,
            unmapped=tuple(dict.fromkeys([*unmapped, *findings.unmapped])),
            source=self._source,
            external_id=external_id,
            **content,
        )

    def _check_direction(self, values: Mapping[str, Any]) -> None:
        said = _line(values.get("direction", ""))
        if said and (code := self._vocabularies.code("direction", said)) and code != self._direction:
            raise RowRefused("direction", "other_direction", value=said[:80])

    def _code(self, name: str, scheme: str, text: str, findings: Findings) -> str:
        code = self._vocabularies.code(scheme, text)
        if code is None or (name == "country" and code == WORLD):
            findings.warn(name, "unknown_country" if scheme == "country" else "unknown_code", value=text)
            findings.set_aside(scheme, text)
            return ""
        return code

    def _list(self, name: str, scheme: str, value: object, findings: Findings) -> tuple[str, ...]:
        codes: dict[str, None] = {}
        for item in parse_list(value):
            found = self._vocabularies.code(scheme, item)
            pieces = [item] if found else [piece.strip() for piece in WEAK.split(item) if piece.strip()]
            for piece in pieces:
                code = found or self._vocabularies.code(scheme, piece)
                if code and not (name == "excluded_countries" and code == WORLD):
                    codes[code] = None
                else:
                    findings.warn(name, "unknown_country" if scheme == "country" else "unknown_code", value=piece)
                    findings.set_aside(scheme, piece)
        return tuple(codes)

    def _symbols(self, name: str, scheme: str, value: object, findings: Findings) -> tuple[str, ...]:
        symbols: dict[str, None] = {}
        for item in parse_list(value):
            # "A61K 8/97, C12N 1/20": a comma parts symbols, a slash belongs to them.
            for piece in re.split(r"[,，]", item):
                if symbol := normalise_ipc(piece):
                    symbols[symbol] = None
                elif piece.strip():
                    findings.warn(name, "unknown_classification", value=piece.strip())
                    findings.set_aside(scheme, piece.strip())
        return tuple(symbols)

    def _remembered(
        self,
        read: Callable[[str, str, object, Findings], tuple[str, ...]],
        name: str,
        scheme: str,
        value: object,
        findings: Findings,
    ) -> tuple[str, ...]:
        """What a cell says, read once for all rows that say the same."""
        if not isinstance(value, str):
            return read(name, scheme, value, findings)
        key = (name, value)
        if key not in self._read:
            found = Findings()
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            self._read[key] = (read(name, scheme, value, found), found)
        codes, found = self._read[key]
        findings.warnings += found.warnings
        findings.unmapped += found.unmapped
        return codes


def _plain_of(values: Mapping[str, Any], findings: Findings) -> dict[str, str]:
    found = {name: _cut(name, values[name], limit, findings) for name, limit in PLAIN.items() if name in values}
    if (link := found.get("source_url")) and not link.lower().startswith(("https://", "http://")):
        findings.warn("source_url", "bad_link", value=link)
        found["source_url"] = ""
    return found


def _decision_of(values: Mapping[str, Any], findings: Findings) -> date | None:
    said = _line(values.get("decision_date", ""))
    day = parse_day(said) if said else None
    if said and day is None:
        findings.warn("decision_date", "bad_date", value=said)
    return day


def derived_id(values: Mapping[str, Any]) -> str:
    """An identity for records of lists without numbers: the same title of the same owner is the same record."""
    titles = [str(values[name]) for name in ("title", "title_ko", "title_zh", "title_en") if name in values]
    told = "\x1f".join([*(titles or [str(values.get("summary", ""))])[:1], str(values.get("owner", ""))])
    return "sha-" + hashlib.sha256(" ".join(told.split()).casefold().encode()).hexdigest()[:24]


def texts_of(
    values: Mapping[str, Any], vocabularies: Vocabularies, findings: Findings
) -> tuple[str, tuple[TextDraft, ...]]:
    """The language a record was written in, and its texts in every language and for every circle of readers."""
    given: dict[tuple[str, str], dict[str, str]] = {}
    for name, value in values.items():
        place = PLACES.get(name)
        if place:
            tier, language, part = place
            given.setdefault((tier, language), {})[part] = (
                value if isinstance(value, str) else " ".join(map(str, value))
            )
    original = _language_of(values, given, vocabularies, findings)
    for tier in rules.TIER_PREFIXES.values():
        if bare := given.pop((tier, ""), None):
            given[tier, original] = given.get((tier, original), {}) | bare
    public = given.get((Tier.PUBLIC, original), {})
    if not public.get("title") and not any(public.get(name) for name in rules.TEXTS):
        # The stated language has no text: what is written is the original.
        with_title = [lang for (tier, lang), texts in given.items() if tier == Tier.PUBLIC and texts.get("title")]
        original = with_title[0] if with_title else original
        public = given.get((Tier.PUBLIC, original), {})
    if not (public.get("title") or public.get("summary") or public.get("description")):
        raise RowRefused("title", "no_title")
    drafts = []
    for (tier, language), said in given.items():
        completed = (
            _completed(said, findings) if (tier, language) == (Tier.PUBLIC, original) else _fitted(said, findings)
        )
        usual = Origin.ORIGINAL if language == original else Origin.HUMAN
        origin = (completed.pop("origin", "") and vocabularies.code("origin", said["origin"])) or usual
        if any(completed.values()):
            drafts.append(TextDraft(language=language, tier=tier, origin=origin, **completed))
    # One order whatever the order of columns, so that the same record has the same digest.
    return original, tuple(
        sorted(drafts, key=lambda text: (text.tier != Tier.PUBLIC, text.tier, text.language != original, text.language))
    )


def _language_of(
    values: Mapping[str, Any],
    given: Mapping[tuple[str, str], Mapping[str, str]],
    vocabularies: Vocabularies,
    findings: Findings,
) -> str:
    if "language" in values:
        said = _line(values["language"])
        if code := vocabularies.code("language", said):
            return code
        findings.warn("language", "unknown_language", value=said)
    bare = given.get((Tier.PUBLIC, ""))
    if bare:
        body = bare.get("summary") or bare.get("description") or ""
        return language_of(f"{bare.get('title', '')[:JUDGED]} {body[:JUDGED]}")
    marked = [
        lang
        for (tier, lang), said in given.items()
        if tier == Tier.PUBLIC and said.get("origin") in {"", None, "original"}
    ]
    return marked[0] if marked else Language.EN


def language_of(sample: str) -> str:
    """The language of a few words; clear cases are told without counting every script, as `detect_language` does."""
    if not KANA.search(sample):
        hangul = len(HANGUL.findall(sample))
        if 3 * hangul >= len(sample):
            return Language.KO
        if not hangul and 3 * len(HAN.findall(sample)) >= len(sample):
            return Language.ZH
    return detect_language(sample) or Language.EN


def _completed(said: dict[str, str], findings: Findings) -> dict[str, str]:
    """The original public text with the title and summary that a listing needs, taken from what is there."""
    texts = dict(said)
    if not texts.get("summary") and texts.get("description"):
        texts["summary"] = _first_sentences(texts["description"], SUMMARY_FROM_TEXT)
        findings.warn("summary", "summary_from_description")
    if len(texts.get("summary", "")) > LONGEST_SUMMARY and not texts.get("description"):
        texts["description"] = texts["summary"]
        texts["summary"] = _first_sentences(texts["summary"], SUMMARY_FROM_TEXT)
        findings.warn("summary", "summary_shortened", length=len(said["summary"]), limit=LONGEST_SUMMARY)
    if not texts.get("title"):
        texts["title"] = _first_sentences(texts["summary"], TITLE_FROM_TEXT).rstrip(".。")
        findings.warn("title", "title_from_summary")
    return _fitted(texts, findings)


def _fitted(said: dict[str, str], findings: Findings) -> dict[str, str]:
    texts = dict(said)
    if len(texts.get("title", "")) > LONGEST_TITLE:
        findings.warn("title", "title_cut", length=len(texts["title"]), limit=LONGEST_TITLE)
        texts["title"] = texts["title"][: LONGEST_TITLE - 1] + "…"
    if len(texts.get("summary", "")) > LONGEST_SUMMARY:
        raise RowRefused("summary", "text_too_long", length=len(texts["summary"]), limit=LONGEST_SUMMARY)
    return texts


def _first_sentences(text: str, longest: int) -> str:
    """The sentences at the start that fit, or the start of the first one."""
    end = 0
    for span in sentences(text[: longest * 3], detect_language(text[:SUMMARY_FROM_TEXT]) or Language.EN):
        if span.end > longest:
            break
        end = span.end
    return text[:end].strip() if end else text[: longest - 1].strip() + ("…" if len(text) >= longest else "")


def words_of(value: object) -> Iterable[str]:
    """Keywords: separated by semicolons, or by commas where there are no semicolons."""
    found = parse_list(value)
    if len(found) == 1 and isinstance(value, str) and not value.lstrip().startswith("["):
        return [piece.strip() for piece in re.split(r"[,，]", found[0]) if piece.strip()]
    return found


def _line(value: object) -> str:
    return " ".join(str(value).split()) if not isinstance(value, list) else "; ".join(map(str, value))


def _cut(name: str, value: object, limit: int, findings: Findings) -> str:
    text = value.strip() if isinstance(value, str) and limit == LONGEST_TEXT else _line(value)
    if len(text) > limit:
        findings.warn(name, "value_cut", length=len(text), limit=limit)
        return text[: limit - 1] + "…"
    return text
