"""Many listings at once: what imports bring, a batch in one transaction with one ledger entry."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import pgtrigger
from django.db import connection
from django.db.models import Exists, OuterRef

from transferase.catalogue import queries, rules
from transferase.catalogue._copying import CLASSIFICATION, LISTING, REQUIREMENT, RIGHT, TEXT, cell, line, right_line
from transferase.catalogue.models import (
    Classification,
    Hold,
    Listing,
    ListingText,
    Requirement,
    Revision,
    Right,
    State,
)
from transferase.catalogue.services._content import ask_for_translation, needs_no_review
from transferase.directory.models import Organisation
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import Problem
from transferase.foundation.ids import uuid7
from transferase.foundation.ledger import record, reference, service

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from uuid import UUID

    from transferase.catalogue._copying import Copied
    from transferase.catalogue.rules import ListingDraft, Prepared
    from transferase.directory.models import Person
    from transferase.foundation.ledger import System

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
REJECTED: Final = "rejected"
# What people decided a source may not undo; what merely ran out it renews.
_RENEWABLE: Final = frozenset({State.DRAFT, State.EXPIRED, State.PUBLISHED})
_SEEN: Final = frozenset({State.PUBLISHED, State.PAUSED})
_BIRTH: Final = ("owner_id", "direction", "created_at", "source", "external_id", "state_reason", "state_note")
_WRITTEN: Final = ("id", "version", "source_digest", "revised_at")
_LIFE: Final = ("state", "published_at", "confirmed_at", "visible_until")
_STANDING: Final = (
    "id", "owner_id", "direction", "state", "version", "published_at", "confirmed_at", "visible_until",
    "source_digest", "is_held",
)  # fmt: skip
_life_of = attrgetter(*_LIFE)
# Lines in one piece of a COPY.
_PIECE: Final = 100


@dataclass(frozen=True)
class Incoming:
    """A record on its way in, as a draft or prepared already, and the organisation that owns it."""

    draft: ListingDraft | Prepared
    owner_id: int


@dataclass(frozen=True)
class BatchRow:
    """What became of a record: created, updated, unchanged or rejected, and why.

    A record that was taken may have problems too: without a title or summary it stays a draft.
    """

    listing_id: UUID | None
    outcome: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class BatchOutcome:
    """What became of each record of a batch, in the order they came."""

    rows: tuple[BatchRow, ...]

    def count(self, outcome: str) -> int:
        return sum(row.outcome == outcome for row in self.rows)


@dataclass
class _Standing:
    """Where a listing stands, before and then after the batch."""

    id: UUID
    owner_id: int
    direction: str
    state: str
    version: int
    published_at: datetime | None
    confirmed_at: datetime | None
    visible_until: datetime | None
    source_digest: str
    is_held: bool

    def __post_init__(self) -> None:
        self.key = str(self.id)


@dataclass(frozen=True)
class _Change:
    """A listing to write: where it will stand, and what it will say."""

    standing: _Standing
    ready: Prepared
    copied: Copied


@service
def record_batch(
    *, actor: Person | System, source: str, rows: Sequence[Incoming], at: datetime, publish: bool
) -> BatchOutcome:
    """Take records of one source, each known by its external id; what has not changed is not written again.

    With `publish` records of verified owners (and all that a reviewer brings) are seen at once, others wait for
    review; that a source still carries a published record confirms it. Bad records are turned away one by one.
    """
    owner_ids = {row.owner_id for row in rows}
    owners = dict(Organisation.objects.filter(pk__in=owner_ids).values_list("pk", "verified_at"))
    for owner_id in owners:
        require(actor, Permission.CATALOGUE_LISTING_WRITE, owner_id)
    known = queries.known_codes()
    prepared = [_prepared(row, source, known) for row in rows]
    if any(ready.is_sample for ready in prepared):
        require(actor, Permission.CATALOGUE_VOCABULARY_WRITE)
    is_reviewer = rules.may_review(actor)
    skips = {
        owner_id: is_reviewer or needs_no_review(is_verified=verified_at is not None)
        for owner_id, verified_at in owners.items()
    }
    present = _present(source, prepared)
    taken: set[str] = set()
    outcome: list[BatchRow] = []
    new: list[_Change] = []
    changed: list[_Change] = []
    renewed: list[_Standing] = []
    for row, ready in zip(rows, prepared, strict=True):
        missing = ready.missing
        standing = present.get(ready.external_id)
        problems = ready.problems + _identity_problems(ready, row, skips, standing, taken)
        if problems or ready.copied is None:
            outcome.append(BatchRow(standing.id if standing else None, REJECTED, problems))
            continue
        taken.add(ready.external_id)
        if standing is not None and standing.source_digest == ready.digest:
            if publish and not missing and _renew(standing, at, skips_review=skips[row.owner_id]):
                renewed.append(standing)
            outcome.append(BatchRow(standing.id, UNCHANGED))
            continue
        changes, found = (changed, UPDATED) if standing else (new, CREATED)
        if standing is None:
            standing = _Standing(
                uuid7(), row.owner_id, ready.direction, State.DRAFT, 0, None, None, None, "", is_held=False
            )
        standing.source_digest = ready.digest
        standing.version += 1
        if standing.state in _SEEN and (missing or not skips[row.owner_id]):
            standing.state = State.IN_REVIEW
        if publish and not missing:
            _renew(standing, at, skips_review=skips[row.owner_id])
        changes.append(_Change(standing, ready, ready.copied))
        notes = tuple(Problem(name, "required") for name in missing) if publish else ()
        outcome.append(BatchRow(standing.id, found, notes))
    _insert(new, actor, at)
    _replace(changed, actor, at)
    _confirm(renewed)
    for change in (*new, *changed):
        if change.standing.state == State.PUBLISHED:
            ask_for_translation(change.standing.id)
    told = Counter(row.outcome for row in outcome)
    record(
        actor=actor,
        action="catalogue.batch.recorded",
        subject=f"source:{source}",
        publish=publish,
        confirmed=len(renewed),
        **{name: told[name] for name in (CREATED, UPDATED, UNCHANGED, REJECTED)},
    )
    return BatchOutcome(tuple(outcome))


def _prepared(row: Incoming, source: str, known: Mapping[str, AbstractSet[str]]) -> Prepared:
    if isinstance(row.draft, rules.ListingDraft):
        draft = row.draft if row.draft.source == source else replace(row.draft, source=source)
        return rules.prepare(rules.clean_draft(draft), known)
    if row.draft.source != source:
        message = f"prepared for {row.draft.source}, not {source}"
        raise ValueError(message)
    return row.draft


def _present(source: str, prepared: Iterable[Prepared]) -> dict[str, _Standing]:
    external_ids = {ready.external_id for ready in prepared}
    found = (
        Listing.objects.select_for_update()
        .filter(source=source, external_id__in=external_ids - {""})
        .annotate(is_held=Exists(Hold.objects.filter(listing=OuterRef("pk"), lifted_at=None)))
        .values_list("external_id", *_STANDING)
    )
    return {external_id: _Standing(*standing) for external_id, *standing in found}


def _identity_problems(
    ready: Prepared, row: Incoming, owners: Collection[int], standing: _Standing | None, taken: set[str]
) -> tuple[Problem, ...]:
    problems = []
    if not ready.external_id:
        problems.append(Problem("external_id", "required"))
    if ready.external_id in taken:
        problems.append(Problem("external_id", "given_twice", {"external_id": ready.external_id}))
    if row.owner_id not in owners:
        problems.append(Problem("owner", "unknown_owner"))
    if standing is not None and standing.owner_id != row.owner_id:
        problems.append(Problem("owner", "owned_by_other"))
    if standing is not None and standing.direction != ready.direction:
        problems.append(Problem("direction", "direction_changed", {"direction": standing.direction}))
    if standing is not None and standing.state == State.TAKEN:
        problems.append(Problem("state", "wrong_state", {"state": standing.state}))
    return tuple(problems)


def _renew(standing: _Standing, at: datetime, *, skips_review: bool) -> bool:
    """Let a record that its source carries be seen from now on, or wait for review; says whether it changed."""
    if standing.state not in _RENEWABLE:
        return False
    if standing.is_held or not skips_review:
        is_waiting = standing.state != State.PUBLISHED
        standing.state = State.IN_REVIEW if is_waiting else standing.state
        return is_waiting
    if standing.state != State.PUBLISHED or standing.published_at is None:
        standing.published_at = at
    until = rules.visible_until(published_at=standing.published_at, at=at)
    if until <= at:
        standing.published_at, until = at, rules.visible_until(published_at=at, at=at)
    standing.state, standing.confirmed_at, standing.visible_until = State.PUBLISHED, at, until
    return True


def _confirm(renewed: Iterable[_Standing]) -> None:
    """Write what changed of listings whose content did not, one statement for all that stand alike."""
    alike: dict[tuple[object, ...], list[UUID]] = {}
    for standing in renewed:
        alike.setdefault(_life_of(standing), []).append(standing.id)
    for life, ids in alike.items():
        Listing.objects.filter(pk__in=ids).update(**dict(zip(_LIFE, life, strict=True)))


def _insert(changes: list[_Change], actor: Person | System, at: datetime) -> None:
    now = cell(at)
    _copy_into(
        Listing._meta.db_table,
        (*_BIRTH, *_WRITTEN, *_LIFE, *LISTING),
        (
            f"{c.standing.owner_id}\t{c.ready.direction}\t{now}\t{cell(c.ready.source)}\t{cell(c.ready.external_id)}\t\t\t"
            f"{_listing_line(c, now)}"
            for c in changes
        ),
    )
    _copy_parts(changes, changes, actor, now)


def _listing_line(change: _Change, now: str) -> str:
    standing = change.standing
    life = line(_life_of(standing))
    return f"{standing.key}\t{standing.version}\t{standing.source_digest}\t{now}\t{life}\t{change.copied.listing}"


def _replace(changes: list[_Change], actor: Person | System, at: datetime) -> None:
    if not changes:
        return
    ids = [change.standing.id for change in changes]
    columns, now = (*_WRITTEN, *_LIFE, *LISTING), cell(at)
    names = [connection.ops.quote_name(name) for name in columns]
    table = connection.ops.quote_name(Listing._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS listing_change")
        cursor.execute(
            f"CREATE TEMP TABLE listing_change ON COMMIT DROP AS SELECT {', '.join(names)} FROM {table} LIMIT 0"  # noqa: S608
        )
        _copy_into("listing_change", columns, (_listing_line(change, now) for change in changes))
        settings = ", ".join(f"{name} = c.{name}" for name in names[1:])
        cursor.execute(f"UPDATE {table} l SET {settings} FROM listing_change c WHERE l.id = c.id")  # noqa: S608
    for model in (ListingText, Classification, Requirement):
        model._default_manager.filter(listing__in=ids).delete()
    # Rights that did not change keep their rows, so that their history shows real changes only.
    rights: dict[UUID, list[str]] = {}
    for right in Right.objects.filter(listing__in=ids).order_by("pk"):
        rights.setdefault(right.listing_id, []).append(right_line(queries.right_draft(right)))
    others = [c for c in changes if tuple(rights.get(c.standing.id, ())) != c.copied.rights]
    Right.objects.filter(listing__in=[change.standing.id for change in others]).delete()
    _copy_parts(changes, others, actor, now)


def _copy_parts(changes: list[_Change], with_rights: list[_Change], actor: Person | System, now: str) -> None:
    _copy_into(
        ListingText._meta.db_table,
        ("listing_id", *TEXT),
        (f"{c.standing.key}\t{text}" for c in changes for text in c.copied.texts),
    )
    _copy_into(
        Classification._meta.db_table,
        ("listing_id", *CLASSIFICATION),
        (f"{c.standing.key}\t{code}" for c in changes for code in c.copied.classifications),
    )
    # The history of a right begins with its first change; how it came stands in the listing's revision.
    with pgtrigger.ignore("catalogue.Right:insert_insert"), connection.cursor() as cursor:
        # The choice travels with a statement of Django's; COPY goes past it.
        cursor.execute("SELECT 1")
        _copy_into(
            Right._meta.db_table,
            ("listing_id", *RIGHT),
            (f"{c.standing.key}\t{right}" for c in with_rights for right in c.copied.rights),
        )
    _copy_into(
        Requirement._meta.db_table,
        ("listing_id", *REQUIREMENT),
        (f"{c.standing.key}\t{requirement}" for c in changes for requirement in c.copied.requirements),
    )
    who = cell(reference(actor))
    _copy_into(
        Revision._meta.db_table,
        ("listing_id", "version", "at", "actor", "content"),
        (f"{c.standing.key}\t{c.standing.version}\t{now}\t{who}\t{c.copied.content}" for c in changes),
    )


def _copy_into(table: str, columns: Sequence[str], lines: Iterator[str]) -> None:
    """Write rows by COPY, about five times as fast as INSERT; the caller's transaction holds them."""
    piece = list(islice(lines, _PIECE))
    if not piece:
        return
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    statement = f"COPY {connection.ops.quote_name(table)} ({names}) FROM STDIN"
    connection.ensure_connection()
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        # In pieces, so that the server takes one in while the next is being put together.
        while piece:
            copy.write("\n".join(piece) + "\n")
            piece = list(islice(lines, _PIECE))
