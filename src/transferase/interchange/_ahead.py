"""Rows are read and understood while the database takes the rows before: two cores work on one import."""

from __future__ import annotations

import gc
import queue
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

T = TypeVar("T")
# Rows make no cycles, but so many objects that the collector would look for some after every few of them.
RARE: Final = 100_000
PATIENCE_S: Final = 0.2
YIELD_S: Final = 0.0005


def ahead(items: Iterator[T]) -> Generator[T]:
    """The same items, the next one made in a thread of its own; that thread must not touch the database.

    Close the iterator to end the thread early.
    """
    made: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=1)
    is_over = threading.Event()

    def offer(what: str, thing: object) -> None:
        while not is_over.is_set():
            try:
                made.put((what, thing), timeout=PATIENCE_S)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                offer("item", item)
                if is_over.is_set():
                    return
            offer("end", None)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are asked for
            offer("error", error)

    thread = threading.Thread(target=make, name="import-rows", daemon=True)
    thread.start()
    try:
        while True:
            what, thing = made.get()
            if what == "error":
                raise thing
            if what == "end":
                return
            yield thing
    finally:
        is_over.set()
        thread.join()


@contextmanager
def paced() -> Iterator[None]:
    """Let the garbage collector run seldom, and the reading thread give way at once to the one that feeds the database.

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
