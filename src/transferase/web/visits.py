"""Counts how often listings are found and opened: kept in the process for some seconds, then added in one statement.

Numbers are kept, never who. What the owner's own people, reviewers, and robots that say so see, does not count.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError
from django.utils import timezone

from transferase.foundation.ledger import SYSTEM
from transferase.matching import services

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from uuid import UUID

    from transferase.web.middleware import PageRequest

log = logging.getLogger("transferase.web")

# A process that ends suddenly loses what it counted in so many seconds.
KEPT_FOR: Final = 10.0
MOST_KEPT: Final = 500
ROBOTS: Final = re.compile(
    r"(?<!cu)bot\b|bot/|crawl|spider|slurp|archiver|fetch|monitor|preview|scrap|curl|wget|python|java/|go-http|headless"
    r"|yeti/|daum/|libwww|okhttp|axios|node",
    re.IGNORECASE,
)
PREFETCH_HEADERS: Final = ("Sec-Purpose", "Purpose", "X-Moz")

_lock: Final = threading.Lock()
_found: Counter[tuple[UUID, date]] = Counter()
_opened: Counter[tuple[UUID, date]] = Counter()
_since = 0.0


def found(request: PageRequest, listings: Iterable[UUID]) -> None:
    """Somebody sees these listings, none of which is an own one, among results."""
    _count(request, _found, listings)


def opened(request: PageRequest, listing: UUID) -> None:
    """Somebody opens the page of a listing that is no own one."""
    _count(request, _opened, [listing])


def is_reader(request: PageRequest) -> bool:
    """Whether a person on the market looks: no robot, no browser that loads ahead, nobody who reads by office."""
    agent = request.headers.get("User-Agent", "")
    ahead = any("prefetch" in request.headers.get(name, "").lower() for name in PREFETCH_HEADERS)
    is_robot = not agent or ROBOTS.search(agent) is not None
    return request.method == "GET" and not (is_robot or ahead or request.viewer.sees_everything)


def write_if_due(**_signal: object) -> None:
    """Add what was counted to the tables if it has waited long enough; called after an answer has left."""
    if (_found or _opened) and (time.monotonic() - _since >= KEPT_FOR or len(_found) + len(_opened) >= MOST_KEPT):
        try:
            write()
        except DatabaseError:
            # Counting never stands in the way of a reader.
            log.warning("counts of visits were lost", exc_info=True)


def write() -> int:
    """Add what was counted to the tables now; says how many rows it touched."""
    with _lock:
        keys = _found.keys() | _opened.keys()
        counted = {key: (_found[key], _opened[key]) for key in keys}
        _found.clear()
        _opened.clear()
    return services.count_visits(actor=SYSTEM, visits=counted, at=timezone.now()) if counted else 0


def write_at_end() -> None:
    """Add what is left when the process ends in order; what cannot be written then is lost."""
    with contextlib.suppress(Exception):
        write()


def _count(request: PageRequest, counter: Counter[tuple[UUID, date]], listings: Iterable[UUID]) -> None:
    global _since  # noqa: PLW0603 - one buffer for the process
    if not is_reader(request):
        return
    day = timezone.localtime(request.at).date()
    with _lock:
        if not (_found or _opened):
            _since = time.monotonic()
        counter.update((listing, day) for listing in listings)
