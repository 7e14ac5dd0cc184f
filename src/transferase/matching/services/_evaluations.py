"""What was measured is kept: runs of the benchmark and of single judged sets, each once."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from transferase.directory.rules import Permission, require
from transferase.engine.ranking.published import shipped_figures
from transferase.foundation.ledger import record, service
from transferase.matching._proving import Measurement, NotAMeasurement
from transferase.matching._quality import first_told
from transferase.matching.models import EvaluationKind, EvaluationRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transferase.directory.models import Person
    from transferase.foundation.ledger import System


@service
def record_evaluation(*, actor: Person | System, measurement: Measurement, at: datetime) -> EvaluationRun:
    """Keep what a measurement found; the same measurement again changes nothing."""
    require(actor, Permission.MATCHING_WEIGHTS_WRITE)
    return _keep_run(actor, measurement, at, is_shipped=False)


@service
def record_benchmark(*, actor: Person | System, run: Mapping[str, Any], at: datetime) -> EvaluationRun:
    """Keep a whole run of the benchmark, as it was written to its file."""
    require(actor, Permission.MATCHING_WEIGHTS_WRITE)
    return _keep_run(actor, benchmark_of(run), at, is_shipped=False)


@service
def record_shipped_benchmark(*, actor: Person | System, at: datetime) -> EvaluationRun:
    """Keep the figures that came with this version of the platform."""
    require(actor, Permission.MATCHING_WEIGHTS_WRITE)
    return _keep_run(actor, benchmark_of(shipped_figures()), at, is_shipped=True)


def benchmark_of(run: Mapping[str, Any]) -> Measurement:
    """A run of the benchmark as a measurement; raises `NotAMeasurement` for anything else."""
    figures, machine = run.get("figures"), run.get("machine", {})
    try:
        measured_at = datetime.fromisoformat(str(run.get("at", "")))
    except ValueError as error:
        raise NotAMeasurement(lacks="at") from error
    if measured_at.tzinfo is None:
        raise NotAMeasurement(lacks="at")
    if not isinstance(figures, dict) or not figures or not isinstance(machine, dict):
        raise NotAMeasurement(lacks="figures")
    return Measurement(
        kind=EvaluationKind.BENCH,
        data_set="benchmarks",
        measured_at=measured_at,
        figures=figures,
        machine=machine,
        engine_version=first_told(figures, "engine_version")[:120],
        model=first_told(figures, "model")[:120],
        means_version=first_told(figures, "means_version")[:60],
        commit=str(run.get("commit", ""))[:60],
    )


def _keep_run(actor: Person | System, measurement: Measurement, at: datetime, *, is_shipped: bool) -> EvaluationRun:
    told = [measurement.kind, measurement.data_set, measurement.measured_at.isoformat(), measurement.commit]
    content = json.dumps([*told, measurement.figures], sort_keys=True, ensure_ascii=False)
    run, is_new = EvaluationRun.objects.get_or_create(
        digest=hashlib.sha256(content.encode()).hexdigest(),
        defaults={
            "kind": measurement.kind,
            "data_set": measurement.data_set,
            "measured_at": measurement.measured_at,
            "recorded_at": at,
            "engine_version": measurement.engine_version,
            "model": measurement.model,
            "means_version": measurement.means_version,
            "commit": measurement.commit,
            "figures": measurement.figures,
            "machine": measurement.machine,
            "is_shipped": is_shipped,
        },
    )
    if is_new:
        record(
            actor=actor,
            action="matching.evaluation.recorded",
            subject=run,
            kind=run.kind,
            engine_version=run.engine_version,
        )
    return run
