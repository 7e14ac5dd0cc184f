"""How the command line speaks: results on standard output, progress and complaints on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click


class Unable(Exception):
    """What was asked for cannot be done; the message is one sentence that says what to do."""

    def __init__(self, sentence: str, status: int = 2) -> None:
        super().__init__(sentence)
        self.status = status


def tell(line: str = "") -> None:
    """A line of progress."""
    click.echo(line, err=True)


def answer(document: Mapping[str, object]) -> None:
    """One JSON document, with Korean and Chinese as they are read."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell what is being done, and afterwards how long it took."""
    started = time.monotonic()
    yield
    tell(f"{what} ({time.monotonic() - started:.1f} s)")


class Quarters:
    """How far an act of a few minutes has come, a line for each quarter wherever it is read."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.told = 0

    def __call__(self, done: int, total: int) -> None:
        """Take note of the progress; the last quarter is told by whoever tells the end."""
        quarter = 4 * done // total if total else 0
        if self.told < quarter < 4:
            self.told = quarter
            line = f"{self.what}: {quarter} of 4 quarters"
            tell(f"\r{line}" if sys.stderr.isatty() else line)


class Progress:
    """How far a long act has come: one line that is rewritten on a terminal, a line now and then elsewhere."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.started = self.told_at = time.monotonic()
        self.is_terminal = sys.stderr.isatty()
        self.last = (0, 0)

    def __call__(self, done: int, total: int | None = None) -> None:
        """Take note of the progress; a line is written at most every half second, or every five without a terminal."""
        self.last = (done, total or 0)
        now = time.monotonic()
        if now - self.told_at < (0.5 if self.is_terminal else 5):
            return
        self.told_at = now
        told = f"{self.what}: {done}" + (f" of {total}" if total else "")
        click.echo(f"\r{told}" if self.is_terminal else told, err=True, nl=not self.is_terminal)

    def end(self, told: str = "") -> None:
        """The last line, with the time it took."""
        seconds = time.monotonic() - self.started
        start = "\r" if self.is_terminal else ""
        tell(f"{start}{told or f'{self.what}: {self.last[0]}'} ({seconds:.1f} s)")
