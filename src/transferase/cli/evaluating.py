"""Measure ranking and vectors on files; nothing here needs a database or Django."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from transferase.cli.speaking import Progress, Unable, answer, step
from transferase.engine.ranking import (
    Embedder,
    EmbedderUnavailable,
    JudgedInvalid,
    evaluate_bitext,
    evaluate_matching,
    load_embedder,
    read_judged,
    read_pairs,
)

CODES = {"ko": "ko", "zh": "zh-Hans", "en": "en"}
ROWS = ("lexical", "dense", "hybrid")


def matching(
    directory: Path, *, text_only: bool, query_field: str | None, document_field: str | None, queries: Path | None,
    query_language: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print how well needs find their offers by words, by meaning and by both."""
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
    if as_json:
        answer(report.as_json())
        return
    click.echo(f"{report.queries} needs, {report.documents} offers, {report.model}, {report.engine_version}")
    _table({name: getattr(report, name) for name in ROWS})
    click.echo(
        f"{report.documents_per_second:.1f} offers a second; a need in {report.query_ms['p50']:.1f} ms, "
        f"95 of 100 within {report.query_ms['p95']:.1f} ms"
    )


def bitext(file: Path, *, languages: tuple[str, str] | None, as_json: bool) -> None:
    """Print how often a text finds its translation, with plain and with centred vectors."""
    try:
        pairs = read_pairs(file)
    except (JudgedInvalid, OSError) as error:
        raise Unable(f"{error}.") from error
    named = (CODES[languages[0]], CODES[languages[1]]) if languages else None
    embedder = _embedder()
    with step(f"{len(pairs)} pairs compared"):
        report = evaluate_bitext(pairs, embedder, named)
    if as_json:
        answer(report.as_json())
        return
    click.echo(f"{report.pairs} pairs, {report.languages[0]} and {report.languages[1]}, {report.model}")
    _table({name: getattr(report, name) for name in ("plain", "centred", "centred_held_out")})


def _embedder() -> Embedder:
    home = Path(os.environ.get("TRANSFERASE_HOME") or "var")
    wanted = os.environ.get("TRANSFERASE_EMBEDDING", "").strip()
    if "://" in wanted:
        raise Unable("TRANSFERASE_EMBEDDING names an address: measuring works with the model that ships, so unset it.")
    try:
        return load_embedder(home / "models", wanted or None)
    except (EmbedderUnavailable, KeyError) as error:
        raise Unable(f"Texts cannot be compared by meaning ({error}): install the package again.") from error


def _table(rows: Mapping[str, Mapping[str, Any]]) -> None:
    columns = list(next(iter(rows.values())))
    click.echo(" " * 17 + "".join(f"{column:>11}" for column in columns))
    for name, values in rows.items():
        click.echo(f"{name:<17}" + "".join(f"{values[column]:>11.4f}" for column in columns))
