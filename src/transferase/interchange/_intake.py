"""Rows on their way in: checked against what is known already, foreseen in a dry run, taken in batches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import orjson

from transferase.catalogue import rules as listing_rules
from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Listing, Right, State
from transferase.catalogue.queries import known_codes, right_draft
from transferase.catalogue.rules import ListingDraft, from_json
from transferase.foundation.errors import Problem
from transferase.interchange._drafts import ListingReader
from transferase.interchange._owners import ENTERED, OwnerBook
from transferase.interchange._parts import RIGHT_FIELDS
from transferase.interchange._rows import (
    CREATED,
    REJECTED,
    UNCHANGED,
    UPDATED,
    Circumstances,
    Composed,
    Taken,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from transferase.catalogue.rules import Prepared, RightDraft
    from transferase.directory.models import Organisation
    from transferase.interchange._reading import Row, Table
    from transferase.interchange._vocabulary import Vocabularies


class RowReader(Protocol):
    """Says what a row means."""

    def compose(self, row: Row) -> Composed: ...


class Intake(RowReader, Protocol):
    """One kind of record: how a row is read, what would become of it, how it is taken."""

    def foresee(self, rows: Sequence[Composed]) -> list[Taken]: ...

    def take(self, rows: Sequence[Composed]) -> list[Taken]: ...


def composed_rows(table: Table, reader: RowReader) -> Iterator[Composed]:
    """Every row of a file as its kind reads it; the second row with an external id is refused."""
    seen: dict[str, int] = {}
    shares_ids = isinstance(reader, SharesIds)
    for row in table.rows():
        composed = reader.compose(row)
        if composed.external_id and composed.problem is None:
            first = seen.setdefault(composed.external_id, composed.number)
            if first != composed.number and not shares_ids:
                facts = {"value": composed.external_id, "first_row": first}
                composed = replace(composed, problem=Problem("external_id", "duplicate_external_id", facts))
        yield composed


class SharesIds:
    """Kinds in which several rows may name the same record."""


@dataclass(frozen=True)
class _Known:
    """A record that the source brought before."""

    listing_id: UUID
    owner_id: int
    direction: str
    state: str
    digest: str
    rights: tuple[RightDraft, ...] = ()


class ListingIntake:
    """Offers and needs."""

    def __init__(self, circumstances: Circumstances, vocabularies: Vocabularies) -> None:
        self._around = circumstances
        self._owners = OwnerBook(circumstances)
        self.reader = ListingReader(
            kind=circumstances.kind,
            source=circumstances.source,
            columns=circumstances.columns,
            defaults=circumstances.defaults,
            file_format=circumstances.file_format,
            vocabularies=vocabularies,
            known_codes=known_codes(),
        )
        # Rights may come in a file of their own; a list of offers without them does not take them away.
        filled = {*circumstances.columns.values(), *circumstances.defaults}
        self.keeps_rights = circumstances.kind == "offers" and not filled & {"rights", *RIGHT_FIELDS}

    def compose(self, row: Row) -> Composed:
        return self.reader.compose(row)

    def foresee(self, rows: Sequence[Composed]) -> list[Taken]:
        known = self._known(rows)
        return [self._foreseen(row, known.get(row.external_id)) for row in rows]

    def _foreseen(self, row: Composed, known: _Known | None) -> Taken:
        if row.problem:
            return refused(row, row.problem)
        owner, told = self._owners.foresee(row.owner)
        if owner is None and (told is None or told.code != ENTERED):
            return refused(row, told or Problem("owner", "unknown_owner", {"value": ""}))
        ready = self._with_rights(row, known)
        problems = (*ready.problems, *_clashes(ready, owner, known))
        if problems:
            return refused(row, problems[0])
        warnings = (*row.warnings, *([told] if told else []), *self._notes(ready.missing))
        if known is None:
            return Taken(row, CREATED, warnings=warnings)
        outcome = UNCHANGED if ready.digest == known.digest else UPDATED
        return Taken(row, outcome, known.listing_id, warnings=warnings)

    def take(self, rows: Sequence[Composed]) -> list[Taken]:
        around, known = self._around, self._known(rows) if self.keeps_rights else {}
        taken: dict[int, Taken] = {}
        incoming: dict[int, catalogue.Incoming] = {}
        for place, row in enumerate(rows):
            owner, told = (None, row.problem) if row.problem else self._owners.resolve(row.owner)
            if owner is None:
                taken[place] = refused(row, told or Problem("owner", "unknown_owner", {"value": ""}))
            else:
                ready = self._with_rights(row, known.get(row.external_id))
                incoming[place] = catalogue.Incoming(ready, owner.pk)
        outcome = catalogue.record_batch(
            actor=around.actor,
            source=around.source,
            rows=list(incoming.values()),
            at=around.at,
            publish=around.publishes,
        )
        for place, done in zip(incoming, outcome.rows, strict=True):
            row = rows[place]
            if done.outcome == REJECTED:
                taken[place] = replace(refused(row, done.problems[0]), listing_id=done.listing_id)
            else:
                notes = self._notes([problem.field for problem in done.problems])
                taken[place] = Taken(row, done.outcome, done.listing_id, warnings=(*row.warnings, *notes))
        return [taken[place] for place in range(len(rows))]

    def _notes(self, missing: Sequence[str]) -> list[Problem]:
        return (
            [Problem(missing[0], "stays_draft", {"missing": list(missing)})]
            if missing and self._around.publishes
            else []
        )

    def _known(self, rows: Sequence[Composed]) -> dict[str, _Known]:
        ids = [row.external_id for row in rows if row.problem is None]
        listings = Listing.objects.filter(source=self._around.source, external_id__in=ids)
        rights: dict[UUID, list[RightDraft]] = {}
        if self.keeps_rights:
            for right in Right.objects.filter(listing__in=listings).order_by("pk"):
                rights.setdefault(right.listing_id, []).append(right_draft(right))
        found = listings.values_list("external_id", "pk", "owner_id", "direction", "state", "source_digest")
        return {told[0]: _Known(*told[1:], tuple(rights.get(told[1], ()))) for told in found}

    def _with_rights(self, row: Composed, known: _Known | None) -> Prepared:
        if row.prepared is not None and not (known and known.rights):
            return row.prepared
        draft = row.draft if isinstance(row.draft, ListingDraft) else from_json(orjson.loads(row.draft))
        if known and known.rights:
            draft = replace(draft, rights=known.rights)
        return listing_rules.prepare(listing_rules.clean_draft(draft), known_codes())


def _clashes(ready: Prepared, owner: Organisation | None, known: _Known | None) -> list[Problem]:
    """Why a record may not take the place of the one that has its external id."""
    if known is None:
        return []
    problems = []
    if owner is None or owner.pk != known.owner_id:
        problems.append(Problem("owner", "owned_by_other"))
    if known.direction != ready.direction:
        problems.append(Problem("direction", "direction_changed", {"direction": known.direction}))
    if known.state == State.TAKEN:
        problems.append(Problem("state", "wrong_state", {"state": known.state}))
    return problems
