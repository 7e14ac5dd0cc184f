"""Measure ranking and vectors on files, without a database or Django; only what is to be kept asks for them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from transferase.cli import opening
from transferase.cli.speaking import Progress, Unable, answer, step, tell
from transferase.engine.ranking import (
    Embedder,
    EmbedderUnavailable,
    JudgedInvalid,
    evaluate_bitext,
    evaluate_matching,
    open_embedder,
    read_judged,
    read_pairs,
    read_prefixes,
)

CODES = {"ko": "ko", "zh": "zh-Hans", "en": "en"}
ROWS = ("lexical", "dense", "hybrid")


def matching(
    directory: Path, *, text_only: bool, query_field: str | None, document_field: str | None, queries: Path | None,
    query_language: str | None, as_json: bool, keeps: bool = False,
) -> None:  # fmt: skip
    """Print how well needs find their offers by words, by meaning and by both; keep it where that is asked for."""
    began = datetime.now(UTC)
    if keeps:
        require_tables()
    try:
        judged = read_judged(
            directory, query_field=query_field, document_field=document_field, text_only=text_only, queries=queries,
            query_language=query_language,
        )  # fmt: skip
    except (JudgedInvalid, OSError) as error:
        raise Unable(f"{error}.") from error
    progress = Progress("Offers read")
    report = evaluate_matching(judged, _embedder(), report=progress)
    progress.end(f"{report.documents} offers read, {report.queries} needs ranked")
    if keeps:
        names = [directory.resolve().name, query_language or "", queries.stem if queries else ""]
        keep_report("matching", " ".join(filter(None, names)), report.as_json(), began)
    if as_json:
        answer(report.as_json())
        return
    click.echo(f"{report.queries} needs, {report.documents} offers, {report.model}, {report.engine_version}")
    _table({name: getattr(report, name) for name in ROWS})
    click.echo(
        f"{report.documents_per_second:.1f} offers a second; a need in {report.query_ms['p50']:.1f} ms, "
        f"95 of 100 within {report.query_ms['p95']:.1f} ms"
    )


def bitext(file: Path, *, languages: tuple[str, str] | None, as_json: bool, keeps: bool = False) -> None:
    """Print how often a text finds its translation, with plain and centred vectors; keep it where that is asked for."""
    began = datetime.now(UTC)
    if keeps:
        require_tables()
    try:
        pairs = read_pairs(file)
    except (JudgedInvalid, OSError) as error:
        raise Unable(f"{error}.") from error
    named = (CODES[languages[0]], CODES[languages[1]]) if languages else None
    embedder = _embedder()
    with step(f"{len(pairs)} pairs compared"):
        report = evaluate_bitext(pairs, embedder, named)
    if keeps:
        keep_report("bitext", file.name.partition(".")[0], report.as_json(), began)
    if as_json:
        answer(report.as_json())
        return
    click.echo(f"{report.pairs} pairs, {report.languages[0]} and {report.languages[1]}, {report.model}")
    _table({name: getattr(report, name) for name in ("plain", "centred", "centred_held_out")})


def require_tables() -> None:
    """Let a platform pass that can keep figures, before anything is measured for it."""
    with opening.database():
        from transferase.cli import preparing  # noqa: PLC0415 - app ready

        if preparing.pending():
            raise Unable("The tables of the database are not up to date: run `transferase migrate` first.")


def keep_report(kind: str, data_set: str, figures: Mapping[str, Any], began: datetime) -> None:
    """Keep a report on the platform, where the page on quality shows it; this asks for its database."""
    with opening.database():
        from transferase.foundation.ledger import SYSTEM  # noqa: PLC0415 - app ready
        from transferase.matching import services  # noqa: PLC0415 - app ready
        from transferase.matching.rules import Measurement  # noqa: PLC0415 - app ready

        told = Measurement(
            kind=kind,
            data_set=data_set[:120],
            measured_at=began,
            figures=figures,
            machine=machine(),
            engine_version=str(figures.get("engine_version", "")),
            model=str(figures.get("model", "")),
            means_version=str(figures.get("means_version", "")),
        )
        services.record_evaluation(actor=SYSTEM, measurement=told, at=datetime.now(UTC))
    tell(f"Kept: the page on quality shows the figures of {data_set}.")


def keep_benchmark(file: Path) -> dict[str, Any]:
    """Keep a run that the benchmark wrote to a file, and say what it was."""
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unable(f"{file} cannot be read as JSON ({error}).") from error
    if not isinstance(run, dict):
        raise Unable(f"{file} is JSON, but not a run of the benchmark.")
    with opening.database():
        from transferase.foundation.ledger import SYSTEM  # noqa: PLC0415 - app ready
        from transferase.matching import services  # noqa: PLC0415 - app ready

        kept = services.record_benchmark(actor=SYSTEM, run=run, at=datetime.now(UTC))
    return {
        "kind": str(kept.kind),
        "measured_at": kept.measured_at.isoformat(),
        "engine_version": kept.engine_version,
        "commit": kept.commit,
    }


def machine() -> dict[str, Any]:
    """What a figure was measured on."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _embedder() -> Embedder:
    home = Path(os.environ.get("TRANSFERASE_HOME") or "var")
    told = {name: os.environ.get(f"TRANSFERASE_EMBEDDING{name}", "").strip() for name in ("", "_KEY", "_DIMENSION")}
    try:
        return open_embedder(
            told[""],
            cache=home / "models",
            key=told["_KEY"],
            prefixes=read_prefixes(os.environ.get("TRANSFERASE_EMBEDDING_PREFIXES", "")),
            dimension=int(told["_DIMENSION"] or 0) or None,
        )
    except (EmbedderUnavailable, ValueError) as error:
        remedy = "look at TRANSFERASE_EMBEDDING or install the package again"
        raise Unable(f"Texts cannot be compared by meaning ({error}): {remedy}.") from error


def _table(rows: Mapping[str, Mapping[str, Any]]) -> None:
    columns = list(next(iter(rows.values())))
    click.echo(" " * 17 + "".join(f"{column:>11}" for column in columns))
    for name, values in rows.items():
        click.echo(f"{name:<17}" + "".join(f"{values[column]:>11.4f}" for column in columns))
