"""Sheets of XLSX workbooks, read row by row after a check that unpacking them does no harm."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from typing import IO, TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from openpyxl.reader.excel import SHARED_STRINGS, ExcelReader
from openpyxl.utils.exceptions import InvalidFileException

from transferase.interchange import rules
from transferase.interchange._sheet_parts import SharedTexts, Styles, last_row_of, sheet_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transferase.interchange.rules import Limits

# Small parts may be packed tightly without harm: empty styles, repeated rules.
RATIO_FROM: Final = 5 * 1024 * 1024
ENCRYPTED_FLAG: Final = 0x1
SEARCHED: Final = 200
HELD: Final = (".xml", ".rels")
FAULTS: Final = (
    ParseError, zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, TypeError, AttributeError, IndexError,
    EOFError, OSError, NotImplementedError,
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """The first sheet that holds something; values come as the texts that a person sees."""

    rows: Callable[..., Iterator[tuple[int, list[str]]]]
    last_row: int | None
    sheets: tuple[str, ...]


def check_archive(file: IO[bytes], limits: Limits) -> None:
    """Refuse a workbook that would unpack to more than the limits allow, by its table of contents alone.

    The reader of zip files never gives more bytes of an entry than the table says, so the table may be believed.
    """
    try:
        entries = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise rules.BrokenFile(format="xlsx") from error
    if len(entries) > limits.entries:
        raise rules.XlsxBomb(reason="entries", limit=limits.entries)
    if sum(entry.file_size for entry in entries) > limits.unpacked_bytes:
        raise rules.XlsxBomb(reason="unpacked", limit=limits.unpacked_bytes)
    for entry in entries:
        if entry.flag_bits & ENCRYPTED_FLAG:
            raise rules.PasswordProtected
        if entry.file_size > RATIO_FROM and entry.file_size > limits.ratio * max(1, entry.compress_size):
            raise rules.XlsxBomb(reason="ratio", limit=limits.ratio)
        # What tells how a workbook is made up is held in memory as a whole; sheets and texts are not.
        if entry.filename.endswith(HELD) and not _is_streamed(entry.filename) and entry.file_size > limits.held_bytes:
            raise rules.XlsxBomb(reason="unpacked", limit=limits.held_bytes)


def _is_streamed(name: str) -> bool:
    return name.startswith("xl/worksheets/") or name == "xl/sharedStrings.xml"


class _Reader(ExcelReader):  # type: ignore[misc]
    """Reads what a workbook consists of and how its cells look, but neither its texts nor its sheets."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, read_only=True, data_only=True, keep_links=False)
        self.texts_path = ""
        self.sheets: list[tuple[str, str, str]] = []

    def read_strings(self) -> None:
        found = self.package.find(SHARED_STRINGS)
        self.texts_path = found.PartName[1:] if found is not None else ""

    def read_worksheets(self) -> None:
        self.sheets = [
            (sheet.name, sheet.state, relation.target)
            for sheet, relation in self.parser.find_sheets()
            if relation.target in self.valid_files and "chartsheet" not in relation.Type
        ]


def open_sheet(file: IO[bytes], limits: Limits) -> Sheet:
    """The first visible sheet with a cell in it; raises `FileRefused` for a harmful or damaged workbook."""
    check_archive(file, limits)
    file.seek(0)
    try:
        book = _Reader(file)
        book.read()
        sheets = [sheet for sheet in book.sheets if sheet[1] == "visible"] or book.sheets
        # The reader of sheets, whose place we take, asks for the same.
        styles = Styles(book.wb._date_formats, book.wb._timedelta_formats, book.wb.epoch)  # noqa: SLF001 - see above
        texts = SharedTexts(book.archive.open(book.texts_path)) if book.texts_path in book.valid_files else None
        if texts is not None:
            # What is wrong with them from the beginning is told before anything is kept.
            texts.advance()
    except FAULTS as error:
        raise _refusal(error) from error

    def text(number: int) -> str:
        if texts is None:
            raise rules.BrokenFile(format="xlsx")
        return texts[number]

    def rows_of(path: str, width: int | None = None) -> Iterator[tuple[int, list[str]]]:
        try:
            with book.archive.open(path) as source:
                for number, values in sheet_rows(source, text, styles, width or limits.columns + 1):
                    yield number, [_as_text(value) for value in values]
        except FAULTS as error:
            raise _refusal(error) from error

    for _name, _state, path in sheets:
        if any(any(values) for _, values in takewhile(lambda row: row[0] <= SEARCHED, rows_of(path))):
            break
    else:
        raise rules.EmptyFile
    try:
        with book.archive.open(path) as source:
            last_row = last_row_of(source, styles)
    except FAULTS as error:
        raise _refusal(error) from error

    def rows(width: int | None = None) -> Iterator[tuple[int, list[str]]]:
        return rows_of(path, width)

    return Sheet(rows, last_row, tuple(name for name, _, _ in sheets))


def _refusal(error: BaseException | None) -> rules.FileRefused:
    """A document type with entities is an attack, whatever the reader made of it; everything else is damage."""
    while error is not None:
        if isinstance(error, DefusedXmlException):
            return rules.XlsxBomb(reason="entities")
        error = error.__cause__ or error.__context__
    return rules.BrokenFile(format="xlsx")


def _as_text(value: object) -> str:
    """A cell as a person sees it: whole numbers without a point, days without a midnight."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)
