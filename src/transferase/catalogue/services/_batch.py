"""Many listings at once: what imports bring, a batch in one transaction with one ledger entry."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

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
    may_skip_review,
    require_sample_rights,
)
from transferase.directory.models import Organisation
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import Problem
from transferase.foundation.ids import uuid7
from transferase.foundation.ledger import record, reference, service

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db import models

    from transferase.catalogue.rules import ListingDraft
    from transferase.directory.models import Person
    from transferase.foundation.ledger import System

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
REJECTED: Final = "rejected"
# What the clock and reviewers decided, a source may not undo; what merely ran out, it renews.
_RENEWABLE: Final = frozenset({State.DRAFT, State.EXPIRED, State.PUBLISHED})
_CONTENT: Final = (*PLAIN, *LISTS)
_LIFE: Final = ("state", "published_at", "confirmed_at", "visible_until", "revised_at", "version", "source_digest")
_NEW: Final = ("id", "direction", "owner_id", "created_at", "source", "external_id", "state_reason", "state_note")
_TEXT: Final = (
    "language", "tier", "origin", "title", "summary", "description", "problem", "alternative", "advantages",
    "partner_sought",
)  # fmt: skip
_RIGHT: Final = ("kind", "office", "number", "status", "title", "filed_date", "expiry_date")
_REQUIREMENT: Final = ("property", "operator", "value", "unit", "is_must")


@dataclass(frozen=True)
class Incoming:
    """A record on its way in, and the organisation that owns it."""

    draft: ListingDraft
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
class _Change:
    """A listing as it will stand after the batch."""

    listing: Listing
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
    owners = {organisation.pk: organisation for organisation in Organisation.objects.filter(pk__in=_owner_ids(rows))}
    for owner_id in owners:
        require(actor, Permission.CATALOGUE_LISTING_WRITE, owner_id)
    known = queries.known_codes()
    present = _present(source, rows)
    taken: set[str] = set()
    outcome: list[BatchRow] = []
    new: list[_Change] = []
    changed: list[_Change] = []
    renewed: list[Listing] = []
    for row in rows:
        require_sample_rights(actor, row.draft)
        draft = rules.clean_draft(row.draft if row.draft.source == source else replace(row.draft, source=source))
        listing = present.get(draft.external_id)
        problems = rules.check_draft(draft, known) + _identity_problems(draft, row, owners, listing, taken)
        if problems:
            outcome.append(BatchRow(listing.pk if listing else None, REJECTED, problems))
            continue
        taken.add(draft.external_id)
        content = rules.as_json(draft)
        digest = hashlib.sha256(content).hexdigest()
        missing = rules.missing_for_publishing(draft)
        notes = tuple(Problem(name, "required") for name in missing) if publish else ()
        if listing is None:
            listing = _new_listing(draft, owners[row.owner_id], at)
            change, found = new, CREATED
        elif listing.source_digest == digest:
            if publish and not missing and _renew(actor, listing, at):
                renewed.append(listing)
            outcome.append(BatchRow(listing.pk, UNCHANGED))
            continue
        else:
            change, found = changed, UPDATED
            listing.version += 1
        listing.source_digest, listing.revised_at = digest, at
        for name in _CONTENT:
            setattr(listing, name, getattr(draft, name))
        if listing.state in {State.PUBLISHED, State.PAUSED} and (missing or not may_skip_review(actor, listing)):
            listing.state = State.IN_REVIEW
        if publish and not missing:
            _renew(actor, listing, at)
        change.append(_Change(listing, draft, content))
        outcome.append(BatchRow(listing.pk, found, notes))
    _insert(new, actor, at)
    _replace(changed, actor, at)
    for listing in renewed:
        listing.save(update_fields=["state", "published_at", "confirmed_at", "visible_until"])
    for change in (*new, *changed):
        ask_for_translation(change.listing)
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


def _owner_ids(rows: Iterable[Incoming]) -> set[int]:
    return {row.owner_id for row in rows}


def _present(source: str, rows: Iterable[Incoming]) -> dict[str, Listing]:
    found = (
        Listing.objects.select_for_update(of=("self",))
        .select_related("owner")
        .filter(source=source, external_id__in={row.draft.external_id.strip() for row in rows} - {""})
        .annotate(is_held=Exists(Hold.objects.filter(listing=OuterRef("pk"), lifted_at=None)))
    )
    return {listing.external_id: listing for listing in found}


def _identity_problems(
    draft: ListingDraft,
    row: Incoming,
    owners: dict[int, Organisation],
    listing: Listing | None,
    taken: set[str],
) -> tuple[Problem, ...]:
    problems = []
    if not draft.external_id:
        problems.append(Problem("external_id", "required"))
    if draft.external_id in taken:
        problems.append(Problem("external_id", "given_twice", {"external_id": draft.external_id}))
    if row.owner_id not in owners:
        problems.append(Problem("owner", "unknown_owner"))
    if listing is not None and listing.owner_id != row.owner_id:
        problems.append(Problem("owner", "owned_by_other"))
    if listing is not None and listing.direction != draft.direction:
        problems.append(Problem("direction", "direction_changed", {"direction": listing.direction}))
    if listing is not None and listing.state == State.TAKEN:
        problems.append(Problem("state", "wrong_state", {"state": str(listing.state)}))
    return tuple(problems)


def _new_listing(draft: ListingDraft, owner: Organisation, at: datetime) -> Listing:
    listing = Listing(
        id=uuid7(),
        direction=draft.direction,
        owner=owner,
        created_at=at,
        source=draft.source,
        external_id=draft.external_id,
    )
    listing.is_held = False  # type: ignore[attr-defined]
    return listing


def _renew(actor: Person | System, listing: Listing, at: datetime) -> bool:
    """Let a record that its source carries be seen from now on, or wait for review; says whether it changed."""
    if listing.state not in _RENEWABLE:
        return False
    if listing.is_held or not may_skip_review(actor, listing):  # type: ignore[attr-defined]
        is_waiting = listing.state != State.PUBLISHED
        listing.state = State.IN_REVIEW if is_waiting else listing.state
        return is_waiting
    if listing.state != State.PUBLISHED or listing.published_at is None:
        listing.published_at = at
    until = rules.visible_until(published_at=listing.published_at, at=at)
    if until <= at:
        listing.published_at, until = at, rules.visible_until(published_at=at, at=at)
    listing.state, listing.confirmed_at, listing.visible_until = State.PUBLISHED, at, until
    return True


def _insert(changes: list[_Change], actor: Person | System, at: datetime) -> None:
    if not changes:
        return
    columns = (*_NEW, *_LIFE, *_CONTENT)
    _copy(Listing, columns, ([getattr(change.listing, name) for name in columns] for change in changes))
    _copy_parts(changes, changes, actor, at)


def _replace(changes: list[_Change], actor: Person | System, at: datetime) -> None:
    if not changes:
        return
    ids = [change.listing.pk for change in changes]
    columns = (*_LIFE, *_CONTENT)
    table = connection.ops.quote_name(Listing._meta.db_table)
    settings = ", ".join(f"{connection.ops.quote_name(name)} = c.{connection.ops.quote_name(name)}" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS listing_change (LIKE {table}) ON COMMIT DROP")
        cursor.execute("TRUNCATE listing_change")
        for name in (*_NEW[1:], "reminded_at", "contact_id"):
            cursor.execute(f"ALTER TABLE listing_change ALTER COLUMN {name} DROP NOT NULL")
        _copy_into(
            "listing_change",
            ("id", *columns),
            ([change.listing.pk, *(getattr(change.listing, name) for name in columns)] for change in changes),
        )
        cursor.execute(f"UPDATE {table} l SET {settings} FROM listing_change c WHERE l.id = c.id")  # noqa: S608
    for model in (ListingText, Classification, Requirement):
        model._default_manager.filter(listing__in=ids).delete()
    # Rights that did not change keep their rows, so that their history shows real changes only.
    rights: dict[UUID, list[Right]] = {}
    for right in Right.objects.filter(listing__in=ids).order_by("pk"):
        rights.setdefault(right.listing_id, []).append(right)
    others = [
        change
        for change in changes
        if tuple(queries.right_draft(right) for right in rights.get(change.listing.pk, ())) != change.draft.rights
    ]
    Right.objects.filter(listing__in=[change.listing.pk for change in others]).delete()
    _copy_parts(changes, others, actor, at)


def _copy_parts(changes: list[_Change], with_rights: list[_Change], actor: Person | System, at: datetime) -> None:
    _copy(
        ListingText,
        ("listing_id", *_TEXT),
        (
            [change.listing.pk, *(getattr(text, name) for name in _TEXT)]
            for change in changes
            for text in change.draft.texts
        ),
    )
    _copy(
        Classification,
        ("listing_id", "scheme", "code", "is_derived"),
        (
            (change.listing.pk, scheme, code, is_derived)
            for change in changes
            for (scheme, code), is_derived in classifications_of(change.draft).items()
        ),
    )
    _copy(
        Right,
        ("listing_id", *_RIGHT),
        (
            [change.listing.pk, *(getattr(right, name) for name in _RIGHT)]
            for change in with_rights
            for right in change.draft.rights
        ),
    )
    _copy(
        Requirement,
        ("listing_id", *_REQUIREMENT),
        (
            [change.listing.pk, *(getattr(requirement, name) for name in _REQUIREMENT)]
            for change in changes
            for requirement in change.draft.requirements
        ),
    )
    who = reference(actor)
    _copy(
        Revision,
        ("listing_id", "version", "at", "actor", "content"),
        ((change.listing.pk, change.listing.version, at, who, change.content.decode()) for change in changes),
    )


def _copy(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    _copy_into(model._meta.db_table, columns, rows)


def _copy_into(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows by COPY, about five times as fast as INSERT; the caller's transaction holds them."""
    lines = "\n".join("\t".join(map(_cell, row)) for row in rows)
    if not lines:
        return
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    statement = f"COPY {connection.ops.quote_name(table)} ({names}) FROM STDIN"
    connection.ensure_connection()
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(lines + "\n")


def _cell(value: object) -> str:
    """A value in the text form of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
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
