"""Sheets of XLSX workbooks, read row by row after a check that unpacking them does no harm."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import IO, TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml.common import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from transferase.interchange import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transferase.interchange.rules import Limits

# Small parts may be packed tightly without harm: empty styles, repeated rules.
RATIO_FROM: Final = 5 * 1024 * 1024
ENCRYPTED_FLAG: Final = 0x1
SEARCHED: Final = 200
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
        # Shared texts and styles are held in memory as a whole, sheets are not.
        if not entry.filename.startswith("xl/worksheets/") and entry.file_size > limits.shared_bytes:
            raise rules.XlsxBomb(reason="unpacked", limit=limits.shared_bytes)


def open_sheet(file: IO[bytes], limits: Limits) -> Sheet:
    """The first visible sheet with a cell in it; raises `FileRefused` for a harmful or damaged workbook."""
    check_archive(file, limits)
    file.seek(0)
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    except FAULTS as error:
        raise _refusal(error) from error
    chosen = next((sheet for sheet in sheets if _has_cells(sheet, limits)), None)
    if chosen is None:
        raise rules.EmptyFile

    def rows(width: int | None = None) -> Iterator[tuple[int, list[str]]]:
        yield from _rows(chosen, limits, width)

    # The size that a sheet states is often wrong; it serves progress only.
    last_row = chosen.max_row
    return Sheet(rows, last_row, tuple(sheet.title for sheet in sheets))


def _has_cells(sheet: Any, limits: Limits) -> bool:
    return any(any(values) for _, values in _rows(sheet, limits, None, last=SEARCHED))


def _rows(sheet: Any, limits: Limits, width: int | None, last: int | None = None) -> Iterator[tuple[int, list[str]]]:
    # Without bounds of our own, a sheet that states a false size would hide rows or be filled up with empty ones.
    bounds = {"max_row": last or limits.rows + 1, "max_col": width or limits.columns + 1}
    try:
        for number, values in enumerate(sheet.iter_rows(values_only=True, **bounds), 1):
            # Rows that a sheet leaves out come as one shared row of nothing, up to a million times.
            yield number, [] if values.count(None) == len(values) else [_as_text(value) for value in values]
    except FAULTS as error:
        raise _refusal(error) from error


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
