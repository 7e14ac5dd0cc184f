"""What somebody typed and has not saved yet: kept for that person alone, until it is saved, put away or grows old.

It is no record of the trade: no rule is asked and the ledger hears nothing of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction

from transferase.foundation.ledger import reference
from transferase.foundation.models import Typed

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import Model

# A form with every text of a listing at its limit fits.
MOST_CHARACTERS: Final = 1_500_000
# Somebody who begins more than this has left the older ones for good.
MOST_PLACES: Final = 20
KEPT_FOR: Final = timedelta(days=30)


def keep(*, owner: Model, place: str, content: str, at: datetime) -> bool:
    """Keep what was typed at a place instead of what was kept there before; say whether it was short enough."""
    if len(content) > MOST_CHARACTERS:
        return False
    who = reference(owner)
    with transaction.atomic():
        Typed.objects.update_or_create(owner=who, place=place, defaults={"content": content, "at": at})
        newest = Typed.objects.filter(owner=who).order_by("-at", "-pk").values_list("pk", flat=True)[:MOST_PLACES]
        Typed.objects.filter(owner=who).exclude(pk__in=list(newest)).delete()
    return True


def kept(owner: Model, place: str) -> Typed | None:
    """What the person left at a place."""
    return Typed.objects.filter(owner=reference(owner), place=place).first()


def all_kept(owner: Model) -> list[Typed]:
    """Everything the person left anywhere, newest first."""
    return list(Typed.objects.filter(owner=reference(owner)).order_by("-at", "-pk"))


def forget(owner: Model, place: str) -> None:
    """Drop what was kept at a place, because it is saved or not wanted."""
    Typed.objects.filter(owner=reference(owner), place=place).delete()


def forget_old(at: datetime) -> int:
    """Drop what nobody came back to; say how much that was."""
    return Typed.objects.filter(at__lt=at - KEPT_FOR).delete()[0]
