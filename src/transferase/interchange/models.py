"""Records that came from elsewhere: the file, each row as received, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone

from transferase.catalogue.models import Listing
from transferase.directory.models import Organisation, Person
from transferase.directory.rules import Permission

if TYPE_CHECKING:
    from transferase.directory.rules import Viewer


class Kind(models.TextChoices):
    """What the rows of a file are."""

    OFFERS = "offers"
    NEEDS = "needs"
    ORGANISATIONS = "organisations"
    RIGHTS = "rights"


class RunState(models.TextChoices):
    """Where an import stands."""

    UPLOADED = "uploaded"
    PREVIEWED = "previewed"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WantedState(models.TextChoices):
    """Where the listings of a file shall stand; one that may not be published waits for review instead."""

    PUBLISHED = "published"
    DRAFT = "draft"


class Source(models.Model):
    """Where records come from, and how its columns are read; the pair (source, external id) is a record's identity."""

    name = models.CharField(max_length=60, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class ColumnMapping(models.Model):
    """Which column of a source's files fills which field, remembered for each kind."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="mappings")
    kind = models.CharField(max_length=15, choices=Kind)
    columns = models.JSONField(default=dict)  # {column of the file: field}
    defaults = models.JSONField(default=dict)  # {field: value for every row}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kind"], name="column_mapping_kind")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind}"


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    """Imports, chosen by who is looking."""

    def visible_to(self, viewer: Viewer) -> ImportRunQuerySet:
        """The imports of the viewer's organisations; all of them for an operator."""
        if Permission.INTERCHANGE_IMPORT_WRITE in viewer.permissions:
            return self.all()
        return self.filter(organisation_id__in=viewer.organisations)


class ImportRun(models.Model):
    """One file that was brought in, with its progress and its figures."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="runs")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=15, choices=Kind)
    state = models.CharField(max_length=10, choices=RunState, default=RunState.UPLOADED)
    file_name = models.CharField(max_length=200)
    stored_as = models.CharField(max_length=300, blank=True)  # below MEDIA_ROOT/imports
    digest = models.CharField(max_length=64, blank=True)
    format = models.CharField(max_length=10, blank=True)
    encoding = models.CharField(max_length=20, blank=True)
    header = models.JSONField(default=list)  # names of the columns in their order
    # The mapping as this run uses it: the source's own may be changed for the next file meanwhile.
    columns = models.JSONField(default=dict)  # {column of the file: field}
    defaults = models.JSONField(default=dict)  # {field: value for every row}
    wanted_state = models.CharField(max_length=10, choices=WantedState, default=WantedState.PUBLISHED)
    is_dry = models.BooleanField(default=False)
    started_at = models.DateTimeField(default=timezone.now)
    progressed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    failure_facts = models.JSONField(default=dict)
    read = models.PositiveIntegerField(default=0)
    expected = models.PositiveIntegerField(null=True)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    warned = models.PositiveIntegerField(default=0)

    objects: ClassVar[ImportRunQuerySet] = ImportRunQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"


class RowError(models.Model):
    """Why a row was not taken, or what in it was not understood."""

    # Its index is that of the pair (run, row).
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="errors", db_index=False)
    row = models.PositiveIntegerField()  # as a spreadsheet counts: the header is row 1
    field = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=60)
    facts = models.JSONField(default=dict)
    is_warning = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["run", "row"], name="row_error_row")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.code}"


class RawRecord(models.Model):
    """A row exactly as it was received, tied to the listing that it became."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="records", db_index=False)
    row = models.PositiveIntegerField()
    external_id = models.CharField(max_length=200, blank=True)
    received = models.JSONField()
    digest = models.CharField(max_length=64)
    listing = models.ForeignKey(Listing, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["run", "row"], name="raw_record_row")]

    def __str__(self) -> str:
        return f"{self.external_id} (row {self.row})"
