"""What was measured, and weights that were fitted to people's judgements: kept, never derived."""

from __future__ import annotations

from django.db import models


class EvaluationKind(models.TextChoices):
    """What was measured."""

    BENCH = "bench"  # every figure of a release, in one run
    MATCHING = "matching"  # one judged set
    BITEXT = "bitext"  # one file of translations


class EvaluationRun(models.Model):
    """What a measurement found, on which data, by which version of the engine, on which machine; nothing is changed."""

    kind = models.CharField(max_length=20, choices=EvaluationKind)
    data_set = models.CharField(max_length=120)
    measured_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    engine_version = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=120, blank=True)
    means_version = models.CharField(max_length=60, blank=True)
    commit = models.CharField(max_length=60, blank=True)
    figures = models.JSONField()
    machine = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, unique=True)  # of all that was measured: the same run is kept once
    is_shipped = models.BooleanField(default=False)  # measured by those who made the platform, not on this one

    class Meta:
        indexes = [models.Index(fields=["kind", "-measured_at"], name="evaluation_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.data_set} {self.measured_at:%Y-%m-%d}"


class WeightsVersion(models.Model):
    """Shares of the parts of a score that were fitted to people's judgements; they count once somebody approved them.

    They go with the calibrations of the shipped weights that they were fitted beside, and with no others.
    """

    version = models.CharField(max_length=40, unique=True)
    base_version = models.CharField(max_length=40)
    parts = models.JSONField()
    figures = models.JSONField()
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=60)  # as the ledger names people
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=60, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None) | models.Q(approved_at__isnull=False), name="weights_in_order"
            )
        ]

    def __str__(self) -> str:
        return self.version
