"""Weights fitted to judgements: proposed by a computation, put into force and taken back by people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transferase.directory.rules import Permission, require
from transferase.engine.ranking import load_weights
from transferase.engine.ranking import refitting as engine
from transferase.foundation.ledger import record, reference, service
from transferase.foundation.queue import enqueue
from transferase.matching._proving import AlreadyInForce, NothingApproved, OtherBase, TooFewJudgements, UnknownWeights
from transferase.matching._refitting import RefitReport, figures_of, judged_pairs
from transferase.matching._weights import approved_version, weights_in_force
from transferase.matching.models import WeightsVersion

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.directory.models import Person
    from transferase.foundation.ledger import System


@service
def refit_weights(*, actor: Person | System, at: datetime) -> RefitReport:
    """Fit weights to what people judged; what is better on needs left out of the fit is kept and waits for approval."""
    require(actor, Permission.MATCHING_WEIGHTS_WRITE)
    shipped, present = load_weights(), weights_in_force()
    judged = judged_pairs()
    try:
        found = engine.refit(judged.pairs, present)
    except engine.TooFewJudgements as few:
        raise TooFewJudgements(
            judged=few.fits + few.misfits,
            fits=few.fits,
            misfits=few.misfits,
            judges=few.judges,
            least=engine.LEAST_JUDGED,
            least_of_each=engine.LEAST_OF_EACH,
            least_judges=engine.LEAST_JUDGES,
        ) from few
    report = RefitReport("", present.version, found, judged.left_out)
    if not found.is_better:
        return report
    waiting = WeightsVersion.objects.filter(base_version=shipped.version, approved_at=None, parts=found.parts).first()
    if waiting is None:
        number = WeightsVersion.objects.filter(base_version=shipped.version).count() + 1
        waiting = WeightsVersion.objects.create(
            version=f"{shipped.version}-r{number}",
            base_version=shipped.version,
            parts=dict(found.parts),
            figures=figures_of(report),
            proposed_at=at,
            proposed_by=reference(actor),
        )
        record(
            actor=actor,
            action="matching.weights.proposed",
            subject=waiting,
            version=waiting.version,
            judgements=found.fits + found.misfits,
        )
    return RefitReport(waiting.version, present.version, found, judged.left_out)


@service
def approve_weights(*, actor: Person | System, version: str, at: datetime) -> WeightsVersion:
    """Put a version of the weights into force; every match is scored anew, nothing is embedded again."""
    require(actor, Permission.MATCHING_WEIGHTS_WRITE)
    row = WeightsVersion.objects.select_for_update().filter(version=version).first()
    if row is None:
        raise UnknownWeights(version=version)
    if row.base_version != load_weights().version:
        raise OtherBase(version=version, base=row.base_version)
    former = approved_version()
    if former is not None and former.pk == row.pk:
        raise AlreadyInForce(version=version)
    row.approved_at, row.approved_by, row.withdrawn_at = at, reference(actor), None
    row.save(update_fields=["approved_at", "approved_by", "withdrawn_at"])
    record(
        actor=actor,
        action="matching.weights.approved",
        subject=row,
        version=version,
        former=former.version if former else row.base_version,
    )
    enqueue("matching.reweigh", queueing_lock="matching.reweigh")
    return row


@service
def undo_weights(*, actor: Person | System, at: datetime) -> str:
    """Take back the weights approved last, and name those that count instead; every match is scored anew."""
    require(actor, Permission.MATCHING_WEIGHTS_WRITE)
    row = approved_version()
    if row is None:
        raise NothingApproved
    row.withdrawn_at = at
    row.save(update_fields=["withdrawn_at"])
    now = weights_in_force().version
    record(actor=actor, action="matching.weights.withdrawn", subject=row, version=row.version, instead=now)
    enqueue("matching.reweigh", queueing_lock="matching.reweigh")
    return now
