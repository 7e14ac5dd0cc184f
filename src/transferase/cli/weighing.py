"""The weights of matching on the command line: which count, what judgements would make of them, approval and undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from django.utils import timezone

from transferase.cli.speaking import answer
from transferase.foundation.ledger import SYSTEM
from transferase.matching import queries, services

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIGURES = (("auc", "AUC"), ("ndcg", "nDCG@10"), ("log_loss", "log loss"))


def show(*, as_json: bool) -> None:
    """Print the weights in force and the versions that were fitted."""
    now = queries.weights_status()
    rows = [
        {
            "version": row.version,
            "base_version": row.base_version,
            "parts": row.parts,
            "figures": row.figures,
            "proposed_at": row.proposed_at.isoformat(),
            "approved_at": row.approved_at.isoformat() if row.approved_at else None,
            "withdrawn_at": row.withdrawn_at.isoformat() if row.withdrawn_at else None,
            "is_in_force": row.version == now.version,
        }
        for row in now.versions
    ]
    if as_json:
        answer({"version": now.version, "base_version": now.base_version, "parts": dict(now.parts), "versions": rows})
        return
    click.echo(f"In force: {now.version}" + ("" if now.approved else " (as shipped)"))
    for name, weight in now.parts.items():
        click.echo(f"  {name:<12}{weight:>8.4f}")
    for row in now.versions:
        click.echo(f"{row.version:<16}{_state(row, now.version):<24}fitted {row.proposed_at:%Y-%m-%d}")


def refit(*, as_json: bool) -> int:
    """Fit weights to judgements and print them beside the present ones; 1 when they are no better."""
    report = services.refit_weights(actor=SYSTEM, at=timezone.now())
    if as_json:
        answer(report.as_json())
    else:
        _print(report.as_json())
    return 0 if report.version else 1


def approve(version: str, *, as_json: bool) -> None:
    """Put a version into force."""
    row = services.approve_weights(actor=SYSTEM, version=version, at=timezone.now())
    if as_json:
        answer({"version": row.version, "approved_at": row.approved_at})
    else:
        click.echo(f"{row.version} is in force; the worker scores every match anew.")


def undo(*, as_json: bool) -> None:
    """Take back the version that was approved last."""
    version = services.undo_weights(actor=SYSTEM, at=timezone.now())
    if as_json:
        answer({"version": version})
    else:
        click.echo(f"{version} is in force again; the worker scores every match anew.")


def _state(row: Any, in_force: str) -> str:
    if row.version == in_force:
        return "in force"
    if row.withdrawn_at:
        return f"taken back {row.withdrawn_at:%Y-%m-%d}"
    return "superseded" if row.approved_at else "waits for approval"


def _print(told: Mapping[str, Any]) -> None:
    judged = told["judgements"]
    click.echo(
        f"{judged['for'] + judged['against']} judgements ({judged['for']} for, {judged['against']} against) of "
        f"{judged['needs']} needs by {judged['organisations']} organisations; "
        f"left out: {sum(judged['left_out'].values())}"
    )
    click.echo(f"\n{'weight of':<14}{'now':>10}{'fitted':>10}")
    for name, weight in told["present"].items():
        click.echo(f"{name:<14}{weight:>10.4f}{told['parts'][name]:>10.4f}")
    click.echo(f"\n{'on needs left out':<20}{'now':>10}{'fitted':>10}")
    for name, label in _FIGURES:
        before, after = (told[side][name] for side in ("before", "after"))
        click.echo(f"{label:<20}" + "".join(f"{'-' if value is None else value:>10}" for value in (before, after)))
    if told["version"]:
        click.echo(f"\nKept as {told['version']}: `transferase weights approve {told['version']}` puts it into force.")
    else:
        click.echo("\nThe fitted weights are no better on needs that were left out; nothing was kept.")
