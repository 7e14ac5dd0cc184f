"""Reads on replicas of the database, where some are configured (DATABASE_REPLICA_URLS).

Only what is asked through `read` may go to a replica: searches and lists, which cost most and bear being a moment
old. Everything else, and every write, goes to the primary. A reader who wrote a moment ago reads from the primary, as
does whatever runs inside a transaction. A replica that does not answer, or lags behind, is left alone for a while.

How far a replica is behind is told by a heartbeat: a row that is renewed on the primary whenever somebody looks, and
read on the replica; no clock but the primary's is asked. It works for streaming and for logical replication alike.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from transferase.foundation.models import LedgerEntry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.db import models
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

R = TypeVar("R")

# Seconds between two looks at a replica that is in use, and at one that failed.
LOOK_EVERY: Final = 2.0
RETRY_AFTER: Final = 15.0
# After a pause the first look waits up to a fifth of a second for its own heartbeat to arrive.
WAITS: Final = 10
WAIT: Final = 0.02
_LOG = logging.getLogger(__name__)
_chosen: ContextVar[str] = ContextVar("chosen", default=DEFAULT_DB_ALIAS)
_looking = threading.Lock()
_turn = itertools.count()


@dataclass(frozen=True)
class ReplicaState:
    """How a replica was when it was last looked at: seconds behind the primary, or what is wrong with it."""

    alias: str
    looked_at: float
    lag: float | None = None
    trouble: str = ""

    @property
    def is_usable(self) -> bool:
        return self.lag is not None and self.lag <= settings.DATABASE_REPLICA_LAG


_states: dict[str, ReplicaState] = {}


class ReplicaRouter:
    """Where Django's models read: the replica that `read` has chosen; everything else concerns the primary."""

    def db_for_read(self, model: type[models.Model], **_hints: Any) -> str:
        """The database that the read under way was sent to."""
        return _chosen.get()

    def db_for_write(self, model: type[models.Model], **_hints: Any) -> str:
        """The primary, also for a row that was read from a replica."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *_rows: models.Model, **_hints: Any) -> bool:
        """All databases hold the same rows."""
        return True

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        """A replica gets its tables from the primary."""
        return db == DEFAULT_DB_ALIAS


def aliases() -> list[str]:
    """The names of the configured replicas."""
    return [alias for alias in connections if alias != DEFAULT_DB_ALIAS]


def reading() -> BaseDatabaseWrapper:
    """The connection that the read under way was sent to; for statements that are written by hand."""
    return connections[_chosen.get()]


def read(work: Callable[[], R], *, reader: str = "", at: datetime) -> R:
    """Do a piece of reading on a replica, or on the primary where none may be used.

    `reader` is who reads, as the ledger names them. The work must change nothing: when a replica fails in the midst
    of it, it is done again elsewhere.
    """
    while alias := _choose(reader, at):
        token = _chosen.set(alias)
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            _give_up(alias, error)
        finally:
            _chosen.reset(token)
    return work()


def status() -> list[ReplicaState]:
    """How each replica is now."""
    for alias in aliases():
        _look(alias)
    return [_states[alias] for alias in aliases()]


def forget() -> None:
    """Look anew at the next read."""
    _states.clear()


def _choose(reader: str, at: datetime) -> str:
    """A usable replica, in turn; empty for the primary."""
    known = aliases()
    if not known or connections[DEFAULT_DB_ALIAS].in_atomic_block or _chosen.get() != DEFAULT_DB_ALIAS:
        return ""
    usable = [alias for alias in known if _state(alias).is_usable]
    if not usable or (reader and _wrote_lately(reader, at)):
        return ""
    return usable[next(_turn) % len(usable)]


def _wrote_lately(reader: str, at: datetime) -> bool:
    last = LedgerEntry.objects.filter(actor=reader).order_by("-pk").values_list("at", flat=True).first()
    return last is not None and last > at - timedelta(seconds=settings.DATABASE_REPLICA_LAG)


def _state(alias: str) -> ReplicaState:
    held = _states.get(alias)
    if held is None or time.monotonic() - held.looked_at > (LOOK_EVERY if held.is_usable else RETRY_AFTER):
        # One thread looks; the others go on with what is known, or with the primary.
        if _looking.acquire(blocking=False):
            try:
                _look(alias)
            finally:
                _looking.release()
        held = _states.get(alias) or ReplicaState(alias, 0.0)
    return held


def _look(alias: str) -> None:
    try:
        lag = _lag(alias)
    except (OperationalError, InterfaceError) as error:
        _give_up(alias, error)
        return
    _states[alias] = ReplicaState(alias, time.monotonic(), lag)


def _lag(alias: str) -> float:
    """Seconds that a replica is behind at most; nothing, if it holds the last heartbeat."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT at, clock_timestamp() - at, clock_timestamp() FROM foundation_heartbeat")
        beat, age, now = cursor.fetchone() or (None, timedelta.max, None)
        renewed = _beat(cursor) if age > timedelta(seconds=LOOK_EVERY / 2) else beat
    if age > timedelta(seconds=2 * LOOK_EVERY):
        # Nobody looked for a while, so the last heartbeat says nothing of what has come since: wait for this one.
        for _ in range(WAITS):
            if _beat_of(alias) == renewed:
                return 0.0
            time.sleep(WAIT)
        beat, now = renewed, renewed
    held = _beat_of(alias)
    if held is None or beat is None or now is None:
        return float("inf")
    return 0.0 if held >= beat else float((now - held).total_seconds())


def _beat(cursor: CursorWrapper) -> datetime | None:
    """Renew the heartbeat."""
    cursor.execute(
        """INSERT INTO foundation_heartbeat (id, at) VALUES (true, clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at RETURNING at"""
    )
    row = cursor.fetchone()
    return row[0] if row else None


def _beat_of(alias: str) -> datetime | None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT at FROM foundation_heartbeat")
        row = cursor.fetchone()
    return row[0] if row else None


def _give_up(alias: str, error: Exception) -> None:
    told = (str(error).strip().splitlines() or [type(error).__name__])[0]
    _LOG.warning("The replica %s is left alone for %.0f seconds: %s", alias, RETRY_AFTER, told)
    _states[alias] = ReplicaState(alias, time.monotonic(), None, told)
    connections[alias].close()
