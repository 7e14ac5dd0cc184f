"""Rows are read and understood while the database takes the rows before: two cores work on one import."""

from __future__ import annotations

import gc
import multiprocessing
import queue
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import django

from transferase.foundation.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

T = TypeVar("T")
# Rows make no cycles, but so many objects that the collector would look for some after every few of them.
RARE: Final = 100_000
PATIENCE_S: Final = 0.2
YIELD_S: Final = 0.0005


class LostCompanion(RuntimeError):
    """The process that made the items was ended from outside."""


@contextmanager
def ahead(make: Callable[[], Iterator[T]]) -> Iterator[Iterator[T]]:
    """The items that `make` makes, the next one in a thread of its own; that thread must not touch the database."""
    made: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=1)
    is_over = threading.Event()

    def offer(what: str, thing: object) -> None:
        while not is_over.is_set():
            try:
                made.put((what, thing), timeout=PATIENCE_S)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            for item in make():
                offer("item", item)
                if is_over.is_set():
                    return
            offer("end", None)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are asked for
            offer("error", error)

    def items() -> Iterator[T]:
        while True:
            what, thing = made.get()
            if what == "error":
                raise thing
            if what == "end":
                return
            yield thing

    thread = threading.Thread(target=work, name="import-rows", daemon=True)
    thread.start()
    try:
        yield items()
    finally:
        is_over.set()
        thread.join()


@contextmanager
def beside(make: Callable[[], Iterator[T]]) -> Iterator[Iterator[T]]:
    """The items that `make` makes in a process of its own, which has no connection to the database.

    A thread shares the interpreter's lock with the one that writes; a process costs a second or two to start. Whatever
    happens to this process, the other one ends when it next hands over an item.
    """
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    companion = context.Process(target=_make, args=(other,), name="import-rows", daemon=True)
    companion.start()
    other.close()
    try:
        pipe.send(make)
        yield _received(pipe)
    finally:
        pipe.close()
        companion.kill()
        companion.join()


def _received(pipe: Connection) -> Iterator[Any]:
    while True:
        try:
            what, thing = pipe.recv()
        except (EOFError, OSError):  # before a message, or in the middle of one
            raise LostCompanion from None
        if what == "end":
            return
        if what == "refused":
            kind, facts = thing
            raise kind(**facts)
        if what == "error":
            raise RuntimeError(thing)
        yield thing


def _make(pipe: Connection) -> None:
    # Ctrl-C reaches both processes: the first one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What makes the items may need models, so it is taken over only then.
    django.setup()
    gc.set_threshold(RARE)
    try:
        for item in pipe.recv()():
            pipe.send(("item", item))
        pipe.send(("end", None))
    except (BrokenPipeError, ConnectionResetError, EOFError):
        return
    except DomainError as error:
        pipe.send(("refused", (type(error), error.facts)))
    except Exception as error:  # noqa: BLE001 - raised again where the items are asked for
        pipe.send(("error", f"{type(error).__name__}: {error}"))


@contextmanager
def paced() -> Iterator[None]:
    """Let the garbage collector run seldom, and a reading thread give way at once to the one that feeds the database.

    Together they save about a fifth of the time of an import.
    """
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(RARE, *threshold[1:])
    sys.setswitchinterval(YIELD_S)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
