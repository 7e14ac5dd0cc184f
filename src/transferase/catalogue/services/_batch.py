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
from transferase.catalogue.services._content import (
    LISTS,
    PLAIN,
    ask_for_translation,
    classifications_of,
    needs_no_review,
)
from transferase.directory.models import Organisation
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import Problem
from transferase.foundation.ids import uuid7
from transferase.foundation.ledger import record, reference, service

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from uuid import UUID

    from transferase.catalogue.rules import ListingDraft, Prepared, RightDraft
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
_CONTENT: Final = (*PLAIN, *LISTS)
_TEXT: Final = (
    "language", "tier", "origin", "title", "summary", "description", "problem", "alternative", "advantages",
    "partner_sought",
)  # fmt: skip
_RIGHT: Final = ("kind", "office", "number", "status", "title", "filed_date", "expiry_date")
_REQUIREMENT: Final = ("property", "operator", "value", "unit", "is_must")
_STANDING: Final = (
    "id", "owner_id", "direction", "state", "version", "published_at", "confirmed_at", "visible_until",
    "source_digest", "is_held",
)  # fmt: skip
_life_of = attrgetter(*_LIFE)
_content_of = attrgetter(*_CONTENT)
_text_of = attrgetter(*_TEXT)
_right_of = attrgetter(*_RIGHT)
_requirement_of = attrgetter(*_REQUIREMENT)
# Lines in one piece of a COPY.
_PIECE: Final = 100


@dataclass(frozen=True)
class Incoming:
    """A record on its way in, and the organisation that owns it; who has prepared the draft hands that over too."""

    draft: ListingDraft
    owner_id: int
    prepared: Prepared | None = None


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
    draft: ListingDraft
    content: bytes


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
    if any(row.draft.is_sample for row in rows):
        require(actor, Permission.CATALOGUE_VOCABULARY_WRITE)
    is_reviewer = rules.may_review(actor)
    skips = {
        owner_id: is_reviewer or needs_no_review(is_verified=verified_at is not None)
        for owner_id, verified_at in owners.items()
    }
    known = queries.known_codes()
    present = _present(source, rows)
    taken: set[str] = set()
    outcome: list[BatchRow] = []
    new: list[_Change] = []
    changed: list[_Change] = []
    renewed: list[_Standing] = []
    for row in rows:
        ready = _prepared(row, source, known)
        draft, digest, missing = ready.draft, ready.digest, ready.missing
        standing = present.get(draft.external_id)
        problems = ready.problems + _identity_problems(draft, row, skips, standing, taken)
        if problems:
            outcome.append(BatchRow(standing.id if standing else None, REJECTED, problems))
            continue
        taken.add(draft.external_id)
        if standing is not None and standing.source_digest == digest:
            if publish and not missing and _renew(standing, at, skips_review=skips[row.owner_id]):
                renewed.append(standing)
            outcome.append(BatchRow(standing.id, UNCHANGED))
            continue
        changes, found = (changed, UPDATED) if standing else (new, CREATED)
        if standing is None:
            standing = _Standing(
                uuid7(), row.owner_id, draft.direction, State.DRAFT, 0, None, None, None, "", is_held=False
            )
        standing.source_digest = digest
        standing.version += 1
        if standing.state in _SEEN and (missing or not skips[row.owner_id]):
            standing.state = State.IN_REVIEW
        if publish and not missing:
            _renew(standing, at, skips_review=skips[row.owner_id])
        changes.append(_Change(standing, draft, ready.content))
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
    if row.prepared is not None and row.prepared.draft.source == source:
        return row.prepared
    return rules.prepare(row.draft if row.draft.source == source else replace(row.draft, source=source), known)


def _present(source: str, rows: Iterable[Incoming]) -> dict[str, _Standing]:
    external_ids = {" ".join(row.draft.external_id.split()) for row in rows}
    found = (
        Listing.objects.select_for_update()
        .filter(source=source, external_id__in=external_ids - {""})
        .annotate(is_held=Exists(Hold.objects.filter(listing=OuterRef("pk"), lifted_at=None)))
        .values_list("external_id", *_STANDING)
    )
    return {external_id: _Standing(*standing) for external_id, *standing in found}


def _identity_problems(
    draft: ListingDraft, row: Incoming, owners: Collection[int], standing: _Standing | None, taken: set[str]
) -> tuple[Problem, ...]:
    problems = []
    if not draft.external_id:
        problems.append(Problem("external_id", "required"))
    if draft.external_id in taken:
        problems.append(Problem("external_id", "given_twice", {"external_id": draft.external_id}))
    if row.owner_id not in owners:
        problems.append(Problem("owner", "unknown_owner"))
    if standing is not None and standing.owner_id != row.owner_id:
        problems.append(Problem("owner", "owned_by_other"))
    if standing is not None and standing.direction != draft.direction:
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
    _copy_into(
        Listing._meta.db_table,
        (*_BIRTH, *_WRITTEN, *_LIFE, *_CONTENT),
        (
            (c.standing.owner_id, c.draft.direction, at, c.draft.source, c.draft.external_id, "", "", *_values(c, at))
            for c in changes
        ),
    )
    _copy_parts(changes, changes, actor, at)


def _values(change: _Change, at: datetime) -> tuple[object, ...]:
    standing = change.standing
    return (
        standing.key,
        standing.version,
        standing.source_digest,
        at,
        *_life_of(standing),
        *_content_of(change.draft),
    )


def _replace(changes: list[_Change], actor: Person | System, at: datetime) -> None:
    if not changes:
        return
    ids = [change.standing.id for change in changes]
    columns = (*_WRITTEN, *_LIFE, *_CONTENT)
    names = [connection.ops.quote_name(name) for name in columns]
    table = connection.ops.quote_name(Listing._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS listing_change")
        cursor.execute(
            f"CREATE TEMP TABLE listing_change ON COMMIT DROP AS SELECT {', '.join(names)} FROM {table} LIMIT 0"  # noqa: S608
        )
        _copy_into("listing_change", columns, (_values(change, at) for change in changes))
        settings = ", ".join(f"{name} = c.{name}" for name in names[1:])
        cursor.execute(f"UPDATE {table} l SET {settings} FROM listing_change c WHERE l.id = c.id")  # noqa: S608
    for model in (ListingText, Classification, Requirement):
        model._default_manager.filter(listing__in=ids).delete()
    # Rights that did not change keep their rows, so that their history shows real changes only.
    rights: dict[UUID, list[RightDraft]] = {}
    for right in Right.objects.filter(listing__in=ids).order_by("pk"):
        rights.setdefault(right.listing_id, []).append(queries.right_draft(right))
    others = [c for c in changes if tuple(rights.get(c.standing.id, ())) != c.draft.rights]
    Right.objects.filter(listing__in=[change.standing.id for change in others]).delete()
    _copy_parts(changes, others, actor, at)


def _copy_parts(changes: list[_Change], with_rights: list[_Change], actor: Person | System, at: datetime) -> None:
    _copy_into(
        ListingText._meta.db_table,
        ("listing_id", *_TEXT),
        ((c.standing.key, *_text_of(text)) for c in changes for text in c.draft.texts),
    )
    _copy_into(
        Classification._meta.db_table,
        ("listing_id", "scheme", "code", "is_derived"),
        (
            (c.standing.key, scheme, code, is_derived)
            for c in changes
            for (scheme, code), is_derived in classifications_of(c.draft).items()
        ),
    )
    # The history of a right begins with its first change; how it came stands in the listing's revision.
    with pgtrigger.ignore("catalogue.Right:insert_insert"), connection.cursor() as cursor:
        # The choice travels with a statement of Django's; COPY goes past it.
        cursor.execute("SELECT 1")
        _copy_into(
            Right._meta.db_table,
            ("listing_id", *_RIGHT),
            ((c.standing.key, *_right_of(right)) for c in with_rights for right in c.draft.rights),
        )
    _copy_into(
        Requirement._meta.db_table,
        ("listing_id", *_REQUIREMENT),
        ((c.standing.key, *_requirement_of(row)) for c in changes for row in c.draft.requirements),
    )
    who = reference(actor)
    _copy_into(
        Revision._meta.db_table,
        ("listing_id", "version", "at", "actor", "content"),
        ((c.standing.key, c.standing.version, at, who, c.content.decode()) for c in changes),
    )


def _copy_into(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows by COPY, about five times as fast as INSERT; the caller's transaction holds them."""
    lines = ("\t".join(map(_cell, row)) + "\n" for row in rows)
    piece = list(islice(lines, _PIECE))
    if not piece:
        return
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    statement = f"COPY {connection.ops.quote_name(table)} ({names}) FROM STDIN"
    connection.ensure_connection()
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        # In pieces, so that the server takes one in while the next is being formatted.
        while piece:
            copy.write("".join(piece))
            piece = list(islice(lines, _PIECE))


def _cell(value: object) -> str:
    """A value in the text form of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        if not value:
            return value
        if "\\" in value:
            value = value.replace("\\", "\\\\")
        if "\n" in value:
            value = value.replace("\n", "\\n")
        if "\t" in value:
            value = value.replace("\t", "\\t")
        return value.replace("\r", "\\r") if "\r" in value else value
    if isinstance(value, tuple):
        # Codes of vocabularies: no quote, comma or brace can be among them.
        return "{" + ",".join(value) + "}"
    return str(value)
