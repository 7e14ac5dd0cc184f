"""Judged sets in files: needs, offers, and which offers answer which need."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from transferase.engine.text import detect_language

_QUERY_FIELDS = ("description", "summary")
_DOCUMENT_FIELDS = ("abstract", "summary")


class JudgedInvalid(ValueError):
    """A file of a judged set cannot be used; the message names the file and the row."""


@dataclass(frozen=True)
class JudgedText:
    """A need or an offer as it is compared."""

    id: str
    text: str
    language: str | None


@dataclass(frozen=True)
class JudgedSet:
    """Needs, offers, and the relevance of offers by need."""

    needs: tuple[JudgedText, ...]
    offers: tuple[JudgedText, ...]
    relevance: Mapping[str, Mapping[str, float]]


def read_judged(
    folder: Path,
    *,
    query_field: str | None = None,
    document_field: str | None = None,
    text_only: bool = False,
    queries: Path | None = None,
    query_language: str | None = None,
) -> JudgedSet:
    """Reads needs.jsonl[.gz], offers.jsonl[.gz] and qrels.tsv of a folder.

    Titles are part of the texts unless `text_only`. With `queries`, a file of translated needs takes the place of
    needs.jsonl; `query_language` says which of its texts. Only needs with a relevant offer are kept.
    """
    if not folder.is_dir():
        raise JudgedInvalid(f"{folder} is no folder")
    offers = _read_texts(_present(folder, "offers"), _DOCUMENT_FIELDS, document_field, text_only)
    relevance = _read_relevance(folder / "qrels.tsv")
    if queries is None:
        needs = _read_texts(_present(folder, "needs"), _QUERY_FIELDS, query_field, text_only)
    else:
        needs = _read_queries(queries, query_language, text_only)
    known = {offer.id for offer in offers}
    judged = {
        need: found
        for need, rows in relevance.items()
        if (found := {offer: value for offer, value in rows.items() if value > 0 and offer in known})
    }
    kept = tuple(need for need in needs if need.id in judged)
    if not kept:
        raise JudgedInvalid(f"{folder / 'qrels.tsv'}: no row joins a need and an offer of this set")
    return JudgedSet(kept, tuple(offers), {need.id: judged[need.id] for need in kept})


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """The pairs of a two-column TSV file, gzipped or not; a header "en<TAB>ko" or the like is left out."""
    pairs: list[tuple[str, str]] = []
    for number, line in _lines(path):
        cells = line.split("\t")
        if len(cells) < 2 or not cells[0].strip() or not cells[1].strip():
            raise JudgedInvalid(f"{path}, row {number}: two columns with text are needed")
        if number == 1 and all(_is_heading(cell) for cell in cells[:2]):
            continue
        pairs.append((cells[0].strip(), cells[1].strip()))
    if not pairs:
        raise JudgedInvalid(f"{path} holds no pair")
    return pairs


_HEADING_WORDS = """
source target src tgt text text_a text_b sentence1 sentence2 a b left right en eng english ko kor korean zh
zho cmn chinese zh-hans zh_cn
"""
_HEADINGS = frozenset(_HEADING_WORDS.split())


def _is_heading(cell: str) -> bool:
    return cell.strip().lower() in _HEADINGS


def _present(folder: Path, name: str) -> Path:
    for ending in (".jsonl", ".jsonl.gz"):
        path = folder / f"{name}{ending}"
        if path.is_file():
            return path
    raise JudgedInvalid(f"{folder} has neither {name}.jsonl nor {name}.jsonl.gz")


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        raise JudgedInvalid(f"{path} is missing")
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise JudgedInvalid(f"{path}, after row {number}: not UTF-8") from error
    except (EOFError, OSError) as error:
        raise JudgedInvalid(f"{path}, after row {number}: {error}") from error


def _rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise JudgedInvalid(f"{path}, row {number}: no JSON") from error
        if not isinstance(row, dict):
            raise JudgedInvalid(f"{path}, row {number}: no JSON object")
        yield number, row


def _text(path: Path, number: int, row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise JudgedInvalid(f"{path}, row {number}: the field {name} is missing or empty")
    return value.strip()


def _id(path: Path, number: int, row: Mapping[str, object], names: Sequence[str], seen: set[str]) -> str:
    for name in names:
        if row.get(name) not in (None, ""):
            found = str(row[name])
            if found in seen:
                raise JudgedInvalid(f"{path}, row {number}: the {name} {found} stands there twice")
            seen.add(found)
            return found
    raise JudgedInvalid(f"{path}, row {number}: the field {names[0]} is missing or empty")


def _read_texts(path: Path, fields: Sequence[str], wanted: str | None, text_only: bool) -> list[JudgedText]:
    found: list[JudgedText] = []
    seen: set[str] = set()
    for number, row in _rows(path):
        identity = _id(path, number, row, ("id",), seen)
        name = wanted or next((name for name in fields if row.get(name)), fields[0])
        text = _text(path, number, row, name)
        title = row.get("title")
        if not text_only and isinstance(title, str) and title.strip():
            text = f"{title.strip()}\n{text}"
        found.append(JudgedText(identity, text, _language(row, text)))
    if not found:
        raise JudgedInvalid(f"{path} is empty")
    return found


def _language(row: Mapping[str, object], text: str) -> str | None:
    return detect_language(text) or {"ko": "ko", "en": "en", "zh": "zh-Hans", "zh-Hans": "zh-Hans"}.get(
        str(row.get("lang", ""))
    )


def _read_queries(path: Path, language: str | None, text_only: bool) -> list[JudgedText]:
    found: list[JudgedText] = []
    seen: set[str] = set()
    suffix = "zh" if language and language.startswith("zh") else language
    code = "zh-Hans" if suffix == "zh" else suffix
    for number, row in _rows(path):
        identity = _id(path, number, row, ("need_id", "id"), seen)
        if isinstance(row.get("text"), str):
            text = _text(path, number, row, "text")
        else:
            if suffix is None:
                raise JudgedInvalid(f"{path}, row {number}: there is no field text, so a query language is needed")
            names = ("summary",) if text_only else ("title", "summary")
            said = [row.get(f"{name}_{suffix}") for name in names]
            text = "\n".join(part.strip() for part in said if isinstance(part, str) and part.strip())
            if not text:
                # Not every row has every translation; those without are not asked.
                continue
        found.append(JudgedText(identity, text, code or detect_language(text)))
    if not found:
        raise JudgedInvalid(f"{path} holds no query in {language}")
    return found


def _read_relevance(path: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for number, line in _lines(path):
        cells = line.split("\t")
        if len(cells) < 3:
            raise JudgedInvalid(f"{path}, row {number}: need, offer and relevance are needed, separated by tabs")
        try:
            value = float(cells[2])
        except ValueError as error:
            if number == 1:
                continue
            raise JudgedInvalid(f"{path}, row {number}: the relevance {cells[2]!r} is no number") from error
        found.setdefault(cells[0].strip(), {})[cells[1].strip()] = value
    return found
