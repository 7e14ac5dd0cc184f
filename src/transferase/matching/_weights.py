"""The weights that matches are scored by: those that ship, or a version that an operator approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transferase.engine.ranking import load_weights
from transferase.engine.ranking.refitting import reweighed
from transferase.matching.models import WeightsVersion

if TYPE_CHECKING:
    from transferase.engine.ranking import Weights


def weights_in_force() -> Weights:
    """The weights that count now."""
    approved = approved_version()
    return load_weights() if approved is None else weights_of(approved)


def approved_version() -> WeightsVersion | None:
    """The version approved last and not withdrawn; fitted beside other shipped weights it counts for nothing."""
    approved = WeightsVersion.objects.filter(
        base_version=load_weights().version, approved_at__isnull=False, withdrawn_at=None
    )
    return approved.order_by("-approved_at", "-pk").first()


def weights_of(row: WeightsVersion) -> Weights:
    """The weights of a version: its shares of the parts, with the calibrations that ship."""
    shipped = load_weights()
    return reweighed(shipped, {name: row.parts.get(name, 0.0) for name in shipped.parts}, row.version)
