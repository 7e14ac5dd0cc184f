"""Tables from files: CSV, JSONL and XLSX, also packed as .gz, read row by row and never held whole."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import orjson

from transferase.interchange import _workbook, rules
from transferase.interchange._files import characters_of, format_of, open_bytes, open_text, seekable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from transferase.interchange.rules import Limits

DELIMITERS: Final = (",", "\t", ";", "|")
# A longer cell is refused by name; csv itself gives up at this length, which an open quote reaches soon.
CSV_CELL: Final = 1_000_000
SNIFFED: Final = 30
READ_AT_ONCE: Final = 1 << 18
KEYS_FROM: Final = 200
SEPARATOR_HINT: Final = re.compile(r"\s*sep=(.)\s*$", re.IGNORECASE)
EDGES: Final = " \t\r\n\x00\ufeff\u200b\u3000\xa0"


class Row(NamedTuple):
    """A row as a spreadsheet counts it (the header is row 1), by column, or why it could not be read."""

    number: int
    cells: Mapping[str, object]
    code: str = ""
    facts: Mapping[str, object] = {}
    extra: int = 0


@dataclass(frozen=True)
class Table:
    """A file that is open to be read; `rows()` starts anew with each call."""

    format: str
    header: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    encoding: str = ""
    confident: bool = True
    candidates: tuple[str, ...] = ()
    delimiter: str = ""
    expected: int | None = None
    count: Callable[[], int] = lambda: 0
    sheets: tuple[str, ...] = ()


def open_table(path: Path, *, encoding: str | None = None, limits: Limits | None = None) -> Table:
    """Tell what a file is and read its header; raises `FileRefused` for what is no table.

    A doubtful encoding is no refusal here: the best guess is read, `confident` is False, and the caller decides.
    """
    limits = limits or rules.Limits()
    kind = format_of(path, limits)
    if kind == "xlsx":
        return _open_workbook(path, limits)
    found = characters_of(path, limits, encoding)
    if kind == "jsonl":
        opened = _open_jsonl(path, limits, found.encoding)
    else:
        opened = _open_delimited(path, limits, found.encoding)
    header, rows, delimiter = opened
    count = partial(_count_lines, path, limits, found.encoding, 0 if kind == "jsonl" else 1)
    return Table(
        kind, header, rows, found.encoding, found.confident, found.candidates, delimiter, expected=None, count=count
    )


def count_rows(table: Table) -> int:
    """About how many rows the file has (a row with line ends counts as several); reads all of it once.

    So what cannot be decoded or unpacked is found before anything is taken.
    """
    return table.count()


def checked_header(names: list[str], limits: Limits) -> tuple[str, ...]:
    """Column names without stray characters at their edges; nameless columns are called by their place, `#3`."""
    cleaned = [re.sub(r"\s+", " ", _without_guard(name).strip(EDGES)).replace("\x00", "") for name in names]
    while cleaned and not cleaned[-1]:
        cleaned.pop()
    if len(cleaned) > limits.columns:
        raise rules.TooManyColumns(limit=limits.columns)
    # A row of numbers and dates is a record, not a header.
    if not any(re.search(r"[^\W\d_]", name) for name in cleaned):
        raise rules.NoHeader
    for name, count in Counter(name.casefold() for name in cleaned if name).items():
        if count > 1:
            raise rules.DuplicateHeader(column=next(n for n in cleaned if n.casefold() == name))
    return tuple(name or f"#{place}" for place, name in enumerate(cleaned, 1))


def _without_guard(name: str) -> str:
    return name.removeprefix("'")


def _count_lines(path: Path, limits: Limits, encoding: str, headers: int) -> int:
    lines, last = 0, "\n"
    with open_text(path, limits, encoding) as file, _decoding(encoding):
        while text := file.read(READ_AT_ONCE):
            lines += text.count("\n") or text.count("\r")
            last = text[-1]
    return max(0, lines + (last not in "\r\n") - headers)


def _lines(file: IO[str], limits: Limits) -> Iterator[str]:
    """Lines of bounded length: a file without line ends must not come into memory as one line."""
    for line in iter(partial(file.readline, limits.line), ""):
        if len(line) >= limits.line:
            raise rules.NotATable(looks_like="long_line")
        yield line


def _open_delimited(
    path: Path, limits: Limits, encoding: str
) -> tuple[tuple[str, ...], Callable[[], Iterator[Row]], str]:
    csv.field_size_limit(CSV_CELL)
    with open_text(path, limits, encoding) as file, _decoding(encoding):
        start = list(islice(_lines(file, limits), SNIFFED * 4))
    hint = SEPARATOR_HINT.match(start[0]) if start else None
    delimiter = hint[1] if hint else sniff_delimiter(start)

    def rows() -> Iterator[Row]:
        with open_text(path, limits, encoding) as file, _decoding(encoding):
            yield from _delimited_rows(file, limits, delimiter, has_hint=hint is not None)

    header = _delimited_header(start[1:] if hint else start, limits, delimiter)
    return header, rows, delimiter


def _delimited_header(lines: list[str], limits: Limits, delimiter: str) -> tuple[str, ...]:
    try:
        for names in csv.reader(lines, delimiter=delimiter):
            if any(name.strip(EDGES) for name in names):
                return checked_header(names, limits)
    except csv.Error:
        raise rules.NoHeader from None
    raise rules.EmptyFile


def _delimited_rows(file: IO[str], limits: Limits, delimiter: str, *, has_hint: bool) -> Iterator[Row]:
    reader = csv.reader(_lines(file, limits), delimiter=delimiter, strict=True)
    header: tuple[str, ...] = ()
    width, number, seen_line = 0, -1 if has_hint else 0, 0
    while True:
        number += 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if not header:
                raise rules.NoHeader from None
            yield Row(number, {}, "broken_row", {"lines": reader.line_num - seen_line})
            seen_line = reader.line_num
            continue
        seen_line = reader.line_num
        if not number or not any(values):
            continue
        if not header:
            if any(name.strip(EDGES) for name in values):
                header = checked_header(values, limits)
                width = len(header)
            continue
        if number > limits.rows:
            raise rules.TooManyRows(limit=limits.rows)
        if len(values) <= width:
            yield Row(number, dict(zip(header, values, strict=False)))
        else:
            cells = dict(zip(header, values, strict=False))
            extra = [value for value in values[width:] if value.strip()]
            if extra:
                cells["#extra"] = extra  # type: ignore[assignment]
            yield Row(number, cells, extra=len(extra))


def sniff_delimiter(lines: list[str]) -> str:
    """The separator that cuts the first rows into the most columns of the same number; a comma where none does."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in islice(csv.reader(lines, delimiter=delimiter), SNIFFED) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        even = sum(width == widths[0] for width in widths) / len(widths)
        if (even, widths[0]) > best_score:
            best, best_score = delimiter, (even, widths[0])
    return best


def _open_jsonl(path: Path, limits: Limits, encoding: str) -> tuple[tuple[str, ...], Callable[[], Iterator[Row]], str]:
    def rows() -> Iterator[Row]:
        with open_text(path, limits, encoding) as file, _decoding(encoding):
            for number, line in enumerate(_lines(file, limits), 1):
                if number > limits.rows:
                    raise rules.TooManyRows(limit=limits.rows)
                if line.strip(EDGES):
                    yield _json_row(number, line, limits)

    keys: dict[str, None] = {}
    for row in islice(rows(), KEYS_FROM):
        keys.update(dict.fromkeys(row.cells))
    if len(keys) > limits.columns:
        raise rules.TooManyColumns(limit=limits.columns)
    if not keys:
        raise rules.NotATable(looks_like="json")
    return tuple(keys), rows, ""


def _json_row(number: int, line: str, limits: Limits) -> Row:
    try:
        found = orjson.loads(line)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return Row(number, {}, "bad_json")
    if not isinstance(found, dict):
        return Row(number, {}, "not_an_object")
    if len(found) > limits.columns:
        raise rules.TooManyColumns(limit=limits.columns)
    return Row(number, found)


def _open_workbook(path: Path, limits: Limits) -> Table:
    with open_bytes(path, limits) as file, seekable(file) as book:
        opened = _workbook.open_sheet(book, limits)
        first = next(((number, values) for number, values in opened.rows() if any(values)), None)
    if first is None:
        raise rules.EmptyFile
    header_row, names = first
    header = checked_header(names, limits)

    def rows() -> Iterator[Row]:
        with open_bytes(path, limits) as file, seekable(file) as book:
            # One column more than the header, so that cells beside the table are noticed.
            for number, values in _workbook.open_sheet(book, limits).rows(width=len(header) + 1):
                if number <= header_row or not any(values):
                    continue
                if number > limits.rows:
                    raise rules.TooManyRows(limit=limits.rows)
                extra = values[len(header) :]
                yield Row(number, dict(zip(header, values, strict=False)), extra=sum(map(bool, extra)))

    expected = None if opened.last_row is None else max(0, opened.last_row - header_row)
    return Table("xlsx", header, rows, expected=expected, count=lambda: expected or 0, sheets=opened.sheets)


class _decoding:  # noqa: N801 - reads as a word in a with statement
    """Turn what cannot be decoded into a refusal that says where."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnicodeError):
            raise rules.Undecodable(encoding=self.encoding, byte=getattr(error, "start", 0)) from error
