"""What is handed over of a measurement, and what the rules of fitting weights refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from transferase.foundation.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class NotAMeasurement(DomainError):
    """What was handed over does not hold the figures of a benchmark."""

    code = "not_a_measurement"


@dataclass(frozen=True)
class Measurement:
    """What a measurement found, as a door hands it over to be kept."""

    kind: str
    data_set: str
    measured_at: datetime
    figures: Mapping[str, Any]
    machine: Mapping[str, Any] = field(default_factory=dict)
    engine_version: str = ""
    model: str = ""
    means_version: str = ""
    commit: str = ""


class TooFewJudgements(DomainError):
    """There are too few judgements to fit weights to."""

    code = "too_few_judgements"


class UnknownWeights(DomainError):
    """There are no weights of this version."""

    code = "unknown_weights"


class OtherBase(DomainError):
    """The weights were fitted beside others than those that ship now."""

    code = "other_base"


class AlreadyInForce(DomainError):
    """These weights count already."""

    code = "already_in_force"


class NothingApproved(DomainError):
    """The weights that ship are in force: there is nothing to take back."""

    code = "nothing_approved"
