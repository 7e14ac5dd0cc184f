"""Rows are read and understood while the database takes the rows before: two cores work on one import."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
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
    receiving, sending = context.Pipe(duplex=False)
    companion = context.Process(target=_make, args=(sending, pickle.dumps(make)), name="import-rows", daemon=True)
    companion.start()
    sending.close()
    try:
        yield _received(receiving)
    finally:
        receiving.close()
        companion.kill()
        companion.join()


def _received(pipe: Connection) -> Iterator[Any]:
    while True:
        try:
            told = pipe.recv_bytes()
        except (EOFError, OSError):  # before a message, or in the middle of one
            raise LostCompanion from None
        what, thing = pickle.loads(told)  # noqa: S301 - from the process we started
        if what == "end":
            return
        if what == "refused":
            kind, facts = thing
            raise kind(**facts)
        if what == "error":
            raise RuntimeError(thing)
        yield thing


def _make(pipe: Connection, pickled: bytes) -> None:
    # Ctrl-C reaches both processes: the first one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    django.setup()
    gc.set_threshold(RARE)

    def tell(what: str, thing: object) -> None:
        pipe.send_bytes(pickle.dumps((what, thing), pickle.HIGHEST_PROTOCOL))

    try:
        for item in pickle.loads(pickled)():  # noqa: S301 - from the process that started this one
            tell("item", item)
        tell("end", None)
    except BrokenPipeError:
        return
    except DomainError as error:
        tell("refused", (type(error), error.facts))
    except Exception as error:  # noqa: BLE001 - raised again where the items are asked for
        tell("error", f"{type(error).__name__}: {error}")


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
