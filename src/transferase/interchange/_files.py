"""What a file is by its first bytes, and its bytes unpacked within limits."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, cast

from transferase.engine.text import decode
from transferase.interchange import rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from transferase.interchange.rules import Limits

CHUNK: Final = 1 << 18
SAMPLE: Final = 1 << 18
HEAD: Final = 8192
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK"
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A workbook with a password is an OLE container with a stream of this name (in UTF-16).
ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
MAGIC: Final = (
    (b"%PDF", "pdf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"{\\rtf", "document"),
    (b"SQLite format", "binary"),
    (b"PAR1", "binary"),
    (b"\x7fELF", "binary"),
    (b"MZ\x90", "binary"),
)
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HTML: Final = re.compile(r"(?:<!--.*?-->\s*)?<(?:!doctype html|html|head|body|table|meta)\b", re.IGNORECASE | re.DOTALL)
CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
FEW_CONTROL: Final = 8
MOST_CONTROL: Final = 0.02
# Below this plausibility another reading is no rival of a file that decodes as UTF-8 without a fault.
RIVAL: Final = 0.3
USUAL: Final = re.compile(r"[\t\r\n -~\u3000-\u303f\u3131-\u318e\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
LEAST_USUAL: Final = 0.9


class _Bounded(io.RawIOBase):
    """Bytes of a packed file that end with `TooLarge` instead of filling the disk."""

    def __init__(self, packed: IO[bytes], limit: int) -> None:
        super().__init__()
        self._packed = packed
        self._limit = limit
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._packed.read(min(len(buffer), CHUNK))
        except (EOFError, OSError, zlib.error) as error:
            raise rules.BrokenFile(format="gz") from error
        self._given += len(data)
        if self._given > self._limit:
            raise rules.TooLarge(limit=self._limit)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._packed.close()
        super().close()


def open_bytes(path: Path, limits: Limits) -> io.BufferedReader:
    """The bytes of a file, unpacked when it is a .gz, never more than the limits allow."""
    size = path.stat().st_size
    if size > limits.stored_bytes:
        raise rules.TooLarge(limit=limits.stored_bytes, size=size)
    file = path.open("rb", buffering=CHUNK)
    if file.read(2) != GZIP:
        file.seek(0)
        return cast("io.BufferedReader", file)
    file.close()
    packed = cast("IO[bytes]", gzip.open(path, "rb"))  # noqa: SIM115 - closed with the reader around it
    return io.BufferedReader(_Bounded(packed, limits.unpacked_bytes), CHUNK)


def format_of(path: Path, limits: Limits) -> str:
    """Whether a file is `csv`, `jsonl` or `xlsx`, told by its content and never by its name; else `FileRefused`."""
    with open_bytes(path, limits) as file:
        start = file.peek(HEAD)[:HEAD]
        if not start.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
            # A text may begin with empty lines; a file of zeros (a failed copy) is no text.
            start = file.read(CHUNK).lstrip(b"\x00 \t\r\n")
            if not start:
                raise rules.EmptyFile
        if start.startswith(ZIP):
            return _zip_format(file)
        if start.startswith(OLE):
            raise _ole_refusal(file.read(CHUNK))
    for magic, looks_like in MAGIC:
        if start.startswith(magic):
            raise rules.NotATable(looks_like=looks_like)
    return _text_format(start)


def _zip_format(file: IO[bytes]) -> str:
    """A zip is a workbook when it says so; any other is refused before anything is unpacked."""
    with seekable(file) as archive:
        try:
            names = zipfile.ZipFile(archive).namelist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise rules.BrokenFile(format="xlsx") from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise rules.OldExcel(format="xlsb")
    if "content.xml" in names:
        raise rules.NotATable(looks_like="ods")
    raise rules.NotATable(looks_like="document" if "word/document.xml" in names else "zip")


@contextmanager
def seekable(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The same bytes in a form that can be read in any order, as a zip needs; packed ones go to a temporary file."""
    if file.seekable():
        file.seek(0)
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy, CHUNK)
        copy.seek(0)
        yield copy


def _ole_refusal(start: bytes) -> rules.FileRefused:
    return rules.PasswordProtected() if ENCRYPTED in start else rules.OldExcel(format="xls")


def _text_format(start: bytes) -> str:
    text = _wide_text(start)
    if text is None:
        if len(CONTROL.findall(start)) > FEW_CONTROL + MOST_CONTROL * len(start):
            raise rules.NotATable(looks_like="binary")
        # Signs of a format are ASCII, which reads the same in every other encoding.
        text = start.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    text = text.lstrip("\ufeff \t\r\n")
    if HTML.match(text):
        raise rules.NotATable(looks_like="html")
    if text.startswith("<?xml"):
        raise rules.NotATable(looks_like="xml")
    if text.startswith("{"):
        return "jsonl"
    if re.match(r"\[\s*[\[{]", text):
        raise rules.NotATable(looks_like="json_array")
    return "csv"


def _wide_text(start: bytes) -> str | None:
    """The start as UTF-16 where it is that: by its mark, or because only so its letters make sense."""
    if start.startswith(UTF16_MARKS):
        return start.decode("utf-16", "ignore")
    if start.count(0) * 100 < len(start):
        return None
    readings = [start.decode(encoding, "ignore") for encoding in ("utf-16-le", "utf-16-be")]
    best = max(readings, key=lambda text: len(USUAL.findall(text)))
    return best if len(USUAL.findall(best)) > LEAST_USUAL * len(best) else None


@dataclass(frozen=True)
class Characters:
    """How the bytes of a text file are to be read as characters, and how sure that is."""

    encoding: str
    confident: bool
    candidates: tuple[str, ...] = ()


def characters_of(path: Path, limits: Limits, given: str | None) -> Characters:
    """The encoding that a person gave, else the one that a sample with other than ASCII characters speaks for."""
    if given:
        try:
            name = codecs.lookup(given).name
        except LookupError:
            name = given
        known = rules.ENCODINGS.get(name.replace("_", "-")) or rules.ENCODINGS.get(given.lower())
        if known is None:
            raise rules.UnknownEncoding(encoding=given)
        return Characters(known, confident=True)
    sample = _telling_sample(path, limits)
    if _wide_text(sample[:HEAD]) is None:
        # Stray NULs must not make a plain text look like UTF-16; the rows are cleaned of them later.
        sample = sample.replace(b"\x00", b"")
    found = decode(sample)
    # A few letters such as µ or é prove nothing by themselves, but nothing else makes sense of them.
    others = [c.plausibility for c in found.candidates if c.encoding != "utf-8"]
    is_utf8 = found.encoding == "utf-8" and max(others, default=0.0) < RIVAL and _decodes(sample)
    return Characters(found.encoding, found.confident or is_utf8, tuple(c.encoding for c in found.candidates))


def _decodes(sample: bytes) -> bool:
    """Whether a sample, cut off anywhere, is UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _telling_sample(path: Path, limits: Limits) -> bytes:
    """The start of a file, and the first stretch that is not plain ASCII, which may come much later."""
    with open_bytes(path, limits) as file:
        start = file.read(SAMPLE)
        if not start.isascii() or start.startswith(UTF16_MARKS):
            return start
        while chunk := file.read(CHUNK):
            if not chunk.isascii():
                # A character may lie across the border of two chunks; an ASCII byte never is part of one
                # at the start of this chunk, because the chunk before was ASCII to its last byte.
                first = next(i for i, byte in enumerate(chunk) if byte > 0x7F)
                line = chunk.rfind(b"\n", 0, first) + 1
                return start[:4096].rpartition(b"\n")[0] + b"\n" + chunk[line:] + file.read(CHUNK)
        return start


def open_text(path: Path, limits: Limits, encoding: str) -> IO[str]:
    """The characters of a file; what does not decode raises UnicodeDecodeError, which readers turn into a refusal."""
    return io.TextIOWrapper(open_bytes(path, limits), encoding=encoding, errors="strict", newline="")
