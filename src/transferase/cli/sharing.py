"""A process beside this one that helps to index and match: it loads models while the first one does the rest.

What the helper runs is imported before Django is set up, so this module imports none of it at its top.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final, Self
from uuid import UUID

from transferase.cli import opening
from transferase.cli.serving import end_with_parent

WARM: Final = "warm"
INDEX: Final = "index"
PROPOSE: Final = "propose"
# How often the helper looks whether a preparation by the first process, which it must not run into, is over.
LOOK_EVERY: Final = 0.05
# Listings of a batch: of a share of the samples, so many that each quarter can be told.
AT_ONCE: Final = 32


class Helper:
    """A second process; a context manager, so that it never stays behind."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_help, args=(other, os.getpid()), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.join()

    def begin(self, work: str, *facts: Any) -> None:
        """Hand over a piece of work and go on."""
        self._pipe.send((work, facts))

    def end(self) -> Any:
        """Wait for the piece of work that was handed over, and give what came of it."""
        result = self._pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result


def _help(pipe: Connection, parent: int) -> None:
    # Ctrl-C reaches both processes: the first one ends this one, which has nothing to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with opening.database():
        while True:
            while not pipe.poll(LOOK_EVERY):
                if os.getppid() != parent:
                    return
                time.sleep(0)
            try:
                work, facts = pipe.recv()
                pipe.send(_WORKS[work](*facts))
            except EOFError:
                return
            except Exception as error:  # noqa: BLE001 - it is raised again by whoever asked
                pipe.send(error)


def warm() -> None:
    """Load the model and the dictionaries of the three languages."""
    from transferase.matching import queries as matching  # noqa: PLC0415 - app ready

    matching.make_ready()


def index(share: int, of: int, progress: Callable[[int, int], None] | None = None) -> int:
    """Index one of so many shares of the listings; the means are left as they are."""
    from django.utils import timezone  # noqa: PLC0415 - app ready

    from transferase.foundation.ledger import SYSTEM  # noqa: PLC0415 - app ready
    from transferase.matching import services as matching  # noqa: PLC0415 - app ready

    return matching.rebuild(
        actor=SYSTEM,
        at=timezone.now(),
        progress=progress,
        share=(share, of),
        with_quotes=False,
        renews=False,
        size=AT_ONCE,
    )


def propose(needs: Sequence[UUID]) -> int:
    """Find the matches of some needs."""
    from django.utils import timezone  # noqa: PLC0415 - app ready

    from transferase.foundation.ledger import SYSTEM  # noqa: PLC0415 - app ready
    from transferase.matching import services as matching  # noqa: PLC0415 - app ready

    return matching.propose_batch(actor=SYSTEM, listing_ids=needs, at=timezone.now())


_WORKS: Final[Mapping[str, Callable[..., object]]] = {WARM: warm, INDEX: index, PROPOSE: propose}
