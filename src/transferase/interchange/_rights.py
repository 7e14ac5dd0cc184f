"""Rights on their way in: each row adds one to an offer that the same source brought before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from transferase.catalogue import queries as catalogue_queries
from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Direction, Listing
from transferase.catalogue.rules import RightDraft, check_draft, clean_draft
from transferase.directory.rules import Permission, may
from transferase.foundation.errors import DomainError, Problem
from transferase.interchange._drafts import Reader
from transferase.interchange._intake import SharesIds
from transferase.interchange._parts import rights_of
from transferase.interchange._rows import (
    UNCHANGED,
    UPDATED,
    Circumstances,
    Composed,
    Findings,
    RowRefused,
    Taken,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transferase.catalogue.rules import ListingDraft
    from transferase.interchange._reading import Row
    from transferase.interchange._vocabulary import Vocabularies


class RightIntake(SharesIds):
    """Patents and other rights; a number that an offer has already is brought up to date."""

    def __init__(self, circumstances: Circumstances, vocabularies: Vocabularies) -> None:
        self._around = circumstances
        self._vocabularies = vocabularies
        self._reader = Reader(circumstances.columns, circumstances.defaults, circumstances.file_format)

    def compose(self, row: Row) -> Composed:
        findings = Findings()
        try:
            values = self._reader.values(row, findings)
        except RowRefused as stop:
            return Composed(row.number, row.cells, problem=stop.problem, warnings=tuple(findings.warnings))
        external_id = str(values.pop("external_id", "")).strip()
        rights = rights_of(values, self._vocabularies, findings)
        problem = None if rights else Problem("right_number", "no_right")
        if not external_id:
            problem = Problem("external_id", "no_external_id")
        warnings = tuple(findings.warnings)
        return Composed(row.number, row.cells, external_id, rights, problem=problem, warnings=warnings)

    def foresee(self, rows: Sequence[Composed]) -> list[Taken]:
        return self._go_through(rows)[0]

    def take(self, rows: Sequence[Composed]) -> list[Taken]:
        taken, changed = self._go_through(rows)
        failed: dict[str, Problem] = {}
        for external_id, (listing, draft) in changed.items():
            try:
                catalogue.revise(actor=self._around.actor, listing=listing, draft=draft, at=self._around.at)
            except DomainError as error:
                failed[external_id] = Problem("", error.code, error.facts)
        return [
            refused(t.row, failed[t.row.external_id]) if t.row.external_id in failed and not t.problem else t
            for t in taken
        ]

    def _go_through(self, rows: Sequence[Composed]) -> tuple[list[Taken], dict[str, tuple[Listing, ListingDraft]]]:
        ids = {row.external_id for row in rows if row.problem is None}
        offers = {
            offer.external_id: offer
            for offer in Listing.objects.filter(
                source=self._around.source, external_id__in=ids, direction=Direction.OFFER
            ).select_related("owner")
        }
        drafts = {external_id: catalogue_queries.draft_of(offer) for external_id, offer in offers.items()}
        changed: dict[str, tuple[Listing, ListingDraft]] = {}
        taken = [self._with_right(row, offers, drafts, changed) for row in rows]
        return taken, changed

    def _with_right(
        self,
        row: Composed,
        offers: Mapping[str, Listing],
        drafts: dict[str, ListingDraft],
        changed: dict[str, tuple[Listing, ListingDraft]],
    ) -> Taken:
        if row.problem:
            return refused(row, row.problem)
        offer = offers.get(row.external_id)
        if offer is None:
            return refused(row, Problem("external_id", "unknown_offer", {"value": row.external_id}))
        if not may(self._around.actor, Permission.CATALOGUE_LISTING_WRITE, offer.owner_id):
            return refused(row, Problem("external_id", "owned_by_other"))
        before = drafts[row.external_id]
        after = clean_draft(replace(before, rights=merged(before.rights, row.draft)))
        if problems := check_draft(after, catalogue_queries.known_codes()):
            return refused(row, problems[0])
        if after.rights == before.rights:
            return Taken(row, UNCHANGED, offer.pk, warnings=row.warnings)
        drafts[row.external_id] = after
        changed[row.external_id] = (offer, after)
        return Taken(row, UPDATED, offer.pk, warnings=row.warnings)


def merged(before: Sequence[RightDraft], given: Sequence[RightDraft]) -> tuple[RightDraft, ...]:
    """The rights of an offer with those of a file: one with the same number is replaced, others stay."""
    rights = {(right.kind, right.office, right.number): right for right in before}
    for right in given:
        rights[right.kind, right.office, right.number] = right
    return tuple(rights.values())
