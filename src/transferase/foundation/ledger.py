"""Who did what: one entry for each act, one job for each follower, in the transaction of the act."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from django.db import connection, models, transaction

from transferase.foundation.models import LedgerEntry, LedgerSeal
from transferase.foundation.queue import enqueue

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

GENESIS: Final = "0" * 64
SEAL_BATCH: Final = 1000
# Any fixed number will do: it names the advisory lock that lets one process at a time extend the chain.
SEAL_LOCK: Final = 7_205_314

_followers: dict[str, list[str]] = defaultdict(list)
writing_app: ContextVar[str | None] = ContextVar("writing_app", default=None)


@dataclass(frozen=True)
class System:
    """The platform itself, where no person acts: the clock, a follower, a loader."""

    reference: str = "system"


SYSTEM: Final = System()


@dataclass(frozen=True)
class ChainReport:
    """What a check of the hash chain found; `broken` names the first entry that does not fit, or is empty."""

    entries: int
    sealed: int
    broken: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        return not self.broken


def follow(action: str, follower: str) -> None:
    """Name a receiver (dotted path) that must hear of an action; it gets the entry and may run more than once."""
    if follower not in _followers[action]:
        _followers[action].append(follower)


def reference(thing: models.Model | System | str) -> str:
    """The name of a row in the ledger, such as `directory.Person:17`."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, System):
        return thing.reference
    return f"{thing._meta.label}:{thing.pk}"


def record(*, actor: models.Model | System, action: str, subject: models.Model | str, **facts: object) -> LedgerEntry:
    """Write down what happened and tell its followers, in the caller's transaction."""
    entry = LedgerEntry.objects.create(actor=reference(actor), action=action, subject=reference(subject), facts=facts)
    for follower in _followers[action]:
        enqueue("foundation.deliver", entry_id=entry.pk, follower=follower)
    return entry


def service(func: Callable[P, R]) -> Callable[P, R]:
    """One transaction for each service; the app that owns the service is the one that may write meanwhile."""
    app = func.__module__.removeprefix("transferase.").split(".")[0]

    @functools.wraps(func)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        token = writing_app.set(app)
        try:
            with transaction.atomic():
                return func(*args, **kwargs)
        finally:
            writing_app.reset(token)

    return wrapper


def digest(entry: LedgerEntry, previous: str) -> str:
    """The SHA-256 that ties an entry to everything sealed before it."""
    told = json.dumps(
        [entry.pk, entry.at.isoformat(), entry.actor, entry.action, entry.subject, entry.facts],
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256((previous + told).encode()).hexdigest()


@transaction.atomic
def seal() -> int:
    """Chain the entries that are not sealed yet and say how many; one writer at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEAL_LOCK])
    last = LedgerSeal.objects.order_by("-pk").first()
    previous = last.digest if last else GENESIS
    count = 0
    for entry in LedgerEntry.objects.filter(seal=None).order_by("pk")[:SEAL_BATCH]:
        link = digest(entry, previous)
        LedgerSeal.objects.create(entry=entry, previous=previous, digest=link)
        previous, count = link, count + 1
    return count


def verify() -> ChainReport:
    """Walk the whole chain and name the first entry whose content or place was changed."""
    previous, sealed = GENESIS, 0
    for link in LedgerSeal.objects.select_related("entry").order_by("pk").iterator(chunk_size=2000):
        if link.previous != previous or link.digest != digest(link.entry, previous):
            return ChainReport(LedgerEntry.objects.count(), sealed, (link.entry_id,))
        previous, sealed = link.digest, sealed + 1
    return ChainReport(LedgerEntry.objects.count(), sealed, ())
