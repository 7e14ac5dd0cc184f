"""The ledger: what happened, in the words of the trade, and the chain that proves it was not changed."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils import timezone


class LedgerEntry(models.Model):
    """One thing that somebody did. It holds references and codes, never names or texts."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.CharField(max_length=100)
    action = models.CharField(max_length=100)
    subject = models.CharField(max_length=150)
    facts = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["subject", "id"], name="ledger_subject"),
            models.Index(fields=["actor", "id"], name="ledger_actor"),
            models.Index(fields=["action", "id"], name="ledger_action"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.subject}"


class LedgerSeal(models.Model):
    """The link of an entry in the hash chain, in the order of sealing."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="seal")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        triggers = [pgtrigger.Protect(name="seal_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.digest[:12]}"


class Typed(models.Model):
    """What somebody typed into a form and has not saved yet; read by nobody else, and not for long."""

    owner = models.CharField(max_length=100)
    place = models.CharField(max_length=150)
    content = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "place"], name="typed_once")]

    def __str__(self) -> str:
        return f"{self.owner} at {self.place}"


class Usage(models.Model):
    """How often somebody asked in the minute that they asked in last."""

    who = models.CharField(max_length=100, primary_key=True)
    minute = models.BigIntegerField()
    used = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.who}: {self.used}"
