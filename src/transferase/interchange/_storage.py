"""The files of imports while they are worked on, below MEDIA_ROOT, never where the web server looks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from django.conf import settings

from transferase.foundation.ids import uuid7
from transferase.interchange import rules
from transferase.interchange.rules import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

CHUNK: Final = 1 << 20
FOLDER: Final = "imports"


@dataclass(frozen=True)
class Stored:
    """A file as it is kept: its name below MEDIA_ROOT and the SHA-256 of its bytes."""

    name: str
    digest: str

    @property
    def path(self) -> Path:
        return path_of(self.name)


def limits() -> Limits:
    """How much a file may hold on this platform."""
    largest = settings.IMPORT_MAX_BYTES
    return Limits(stored_bytes=largest, unpacked_bytes=5 * largest)


def path_of(name: str) -> Path:
    """Where a stored file lies."""
    return Path(settings.MEDIA_ROOT) / name


def keep(file: Path | str | IO[bytes], largest: int) -> Stored:
    """Copy a file chunk by chunk; one that is too large is refused by its size, or as soon as it grows beyond."""
    size = Path(file).stat().st_size if isinstance(file, str | Path) else getattr(file, "size", None)
    if size is not None and size > largest:
        raise rules.TooLarge(limit=largest, size=size)
    name = f"{FOLDER}/{uuid7()}"
    target = path_of(name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    try:
        with target.open("xb") as copy:
            for chunk in _bounded(_chunks(file), largest):
                digest.update(chunk)
                copy.write(chunk)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Stored(name, digest.hexdigest())


def drop(name: str) -> None:
    """Forget a file that nobody needs any more; the rows as received are kept in the database."""
    if name:
        path_of(name).unlink(missing_ok=True)


def strays(known: AbstractSet[str], older_than: float) -> list[str]:
    """Files that no run names, kept by a process that was killed before it could say so; new ones may be under way."""
    folder = path_of(FOLDER)
    found = folder.iterdir() if folder.is_dir() else ()
    old = (path.name for path in found if path.is_file() and path.stat().st_mtime < older_than)
    return sorted(name for file in old if (name := f"{FOLDER}/{file}") not in known)


def _chunks(file: Path | str | IO[bytes]) -> Iterator[bytes]:
    if isinstance(file, str | Path):
        with Path(file).open("rb") as opened:
            yield from _read(opened)
    elif hasattr(file, "chunks"):
        yield from cast("Any", file).chunks(CHUNK)
    else:
        yield from _read(file)


def _bounded(chunks: Iterator[bytes], largest: int) -> Iterator[bytes]:
    written = 0
    for chunk in chunks:
        written += len(chunk)
        if written > largest:
            raise rules.TooLarge(limit=largest)
        yield chunk


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
