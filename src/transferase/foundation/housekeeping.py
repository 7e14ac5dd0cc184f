"""What is thrown away by itself once its time is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection

from transferase.foundation import limits, typed

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Tidied:
    """How much was thrown away."""

    sessions: int
    cached: int
    typed: int
    counted: int


def tidy(*, at: datetime) -> Tidied:
    """Drop sessions that ended, entries of the cache that ran out, texts that were typed and left, and counts."""
    sessions = Session.objects.filter(expire_date__lt=at).delete()[0]
    # Django's cache drops what ran out only when it is full, and has no call that does it sooner.
    table = connection.ops.quote_name(str(settings.CACHES["default"]["LOCATION"]))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [at])  # noqa: S608 - the name is from the settings
        cached = cursor.rowcount
    return Tidied(sessions, cached, typed.forget_old(at), limits.forget_old(at))
