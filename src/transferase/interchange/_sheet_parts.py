"""The two large parts of a workbook, its sheets and its shared texts, read as a stream: memory stays small whatever
the parts hold.

Usual readers keep every shared text, every cell of a row and a node for each row in memory. A harmful file of two
megabytes fills gigabytes that way, and an honest large one hundreds of megabytes.
"""

from __future__ import annotations

import tempfile
import weakref
from abc import ABC, abstractmethod
from array import array
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final
from xml.parsers import expat

from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.utils.escape import unescape

from transferase.interchange import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

CHUNK: Final = 1 << 16
# Excel itself allows 32,767 characters in a cell.
LONGEST_CELL: Final = 1_000_000
MOST_TEXTS: Final = 10_000_000
# A text that is kept for a row is also read back from the file; what came last is often asked for again.
SPOOLED: Final = 4 * 1024 * 1024
MOST_LETTERS: Final = 3


@dataclass(frozen=True)
class Styles:
    """Which cell styles show a number as a date or as a duration, and the day that dates are counted from."""

    dates: Collection[int]
    durations: Collection[int]
    epoch: datetime


class _Parser(ABC):
    """Feeds a part of a workbook to expat and tells the local names of its elements; document types are refused."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._expat = expat.ParserCreate(namespace_separator=" ")
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._element_begins
        self._expat.EndElementHandler = self._element_ends
        self._expat.CharacterDataHandler = self._characters
        self._expat.StartDoctypeDeclHandler = self._refuse
        self.is_done = False
        self._pieces: list[str] | None = None
        self._length = 0

    def advance(self) -> None:
        """Read on a little."""
        data = self._source.read(CHUNK)
        try:
            self._expat.Parse(data, not data)
        except expat.ExpatError as error:
            raise rules.BrokenFile(format="xlsx") from error
        self.is_done = not data

    @abstractmethod
    def begin(self, name: str, told: dict[str, str]) -> None:
        """An element begins, with its attributes."""

    @abstractmethod
    def end(self, name: str) -> None:
        """An element ends."""

    def listen(self) -> None:
        """Keep the characters that follow."""
        self._pieces = [] if self._pieces is None else self._pieces

    def heard(self) -> str:
        """The characters since `listen`, and no more of them."""
        text = "".join(self._pieces or ())
        self._pieces, self._length = None, 0
        return text

    def _element_begins(self, name: str, told: dict[str, str]) -> None:
        self.begin(name.rpartition(" ")[2], told)

    def _element_ends(self, name: str) -> None:
        self.end(name.rpartition(" ")[2])

    def _characters(self, text: str) -> None:
        if self._pieces is None:
            return
        self._length += len(text)
        if self._length > LONGEST_CELL:
            raise rules.XlsxBomb(reason="unpacked", limit=LONGEST_CELL)
        self._pieces.append(text)

    def _refuse(self, *told: object) -> None:
        raise rules.XlsxBomb(reason="entities")


class SharedTexts(_Parser):
    """The texts that cells name by number: read as far as they are asked for, and kept on disk."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source)
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115 - lives as long as the texts
        weakref.finalize(self, self._file.close)
        self._ends = array("I")
        self._text: list[str] = []
        self._aside = 0

    def __getitem__(self, number: int) -> str:
        while len(self._ends) <= number and not self.is_done:
            self.advance()
        if not 0 <= number < len(self._ends):
            raise rules.BrokenFile(format="xlsx")
        start = self._ends[number - 1] if number else 0
        self._file.seek(start)
        return self._file.read(self._ends[number] - start).decode()

    def begin(self, name: str, told: dict[str, str]) -> None:
        if name == "rPh":
            # How a text is read aloud is no part of it.
            self._aside += 1
        elif name == "t" and not self._aside:
            self.listen()
        elif name == "si":
            self._text = []

    def end(self, name: str) -> None:
        if name == "rPh":
            self._aside -= 1
        elif name == "t" and not self._aside:
            self._text.append(self.heard())
        elif name == "si":
            if len(self._ends) >= MOST_TEXTS:
                raise rules.XlsxBomb(reason="entries", limit=MOST_TEXTS)
            self._file.seek(0, 2)
            self._file.write(unescape("".join(self._text)).encode("utf-8", "replace"))
            self._ends.append(self._file.tell())


class _Rows(_Parser):
    """The rows of a sheet, each with its number and the values up to a column."""

    def __init__(self, source: IO[bytes], texts: Callable[[int], str], styles: Styles, width: int) -> None:
        super().__init__(source)
        self.ready: deque[tuple[int, list[object]]] = deque()
        self.last_row: int | None = None
        self.has_begun = False
        self._texts, self._styles, self._width = texts, styles, width
        self._number = 0
        self._values: list[object] = []
        self._column = 0
        self._kind = ""
        self._style = 0
        self._said: str | None = None
        self._inline: list[str] = []
        self._aside = 0

    def begin(self, name: str, told: dict[str, str]) -> None:
        if name == "c":
            self._column = _column_of(told.get("r", "")) or self._column + 1
            self._kind, self._style = told.get("t", "n"), _whole(told.get("s", "")) or 0
            self._said, self._inline = None, []
        elif name == "v" or (name == "t" and self._kind == "inlineStr" and not self._aside):
            self.listen()
        elif name == "rPh":
            self._aside += 1
        elif name == "row":
            # A number that goes back would hide the row.
            self._number = max(_whole(told.get("r", "")) or 0, self._number + 1)
            self._values, self._column = [], 0
        elif name == "dimension":
            self.last_row = _whole(told.get("ref", "").rpartition(":")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$"))
        elif name == "sheetData":
            self.has_begun = True

    def end(self, name: str) -> None:
        if name == "v":
            self._said = self.heard()
        elif name == "t" and self._kind == "inlineStr" and not self._aside:
            self._inline.append(self.heard())
        elif name == "rPh":
            self._aside -= 1
        elif name == "c":
            if 0 < self._column <= self._width and (value := self._value()) is not None:
                self._values.extend([None] * (self._column - len(self._values)))
                self._values[self._column - 1] = value
        elif name == "row" and self._values:
            self.ready.append((self._number, self._values))
            self._values = []

    def _value(self) -> object:
        said = self._said
        if self._kind == "inlineStr":
            return unescape("".join(self._inline)) or None
        if not said:
            return None
        if self._kind == "s":
            return self._texts(int(said))
        if self._kind == "b":
            return bool(int(said))
        if self._kind == "d":
            return from_ISO8601(said)
        return self._number_of(said) if self._kind == "n" else unescape(said)

    def _number_of(self, said: str) -> object:
        number = float(said) if any(mark in said for mark in ".eE") else int(said)
        if self._style not in self._styles.dates:
            return number
        try:
            return from_excel(number, self._styles.epoch, timedelta=self._style in self._styles.durations)
        except (OverflowError, ValueError):
            return "#VALUE!"


def sheet_rows(
    source: IO[bytes], texts: Callable[[int], str], styles: Styles, width: int
) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet that hold something, with their numbers; cells beyond `width` are left out."""
    parser = _Rows(source, texts, styles, width)
    while not parser.is_done:
        parser.advance()
        while parser.ready:
            yield parser.ready.popleft()


def last_row_of(source: IO[bytes], styles: Styles) -> int | None:
    """The last row that a sheet says it has; it may be wrong, and serves progress only."""
    parser = _Rows(source, lambda _number: "", styles, 0)
    while not (parser.is_done or parser.has_begun):
        parser.advance()
    return parser.last_row


def _column_of(reference: str) -> int:
    """The number of a column, by the letters in the name of a cell; zero without any."""
    number = 0
    for letter in reference[:MOST_LETTERS].upper():
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return number


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
