"""What somebody typed and has not saved yet: kept for that person alone, until it is saved, put away or grows old.

A text to search with that is too long for an address is kept for a day, under a name that nobody can guess: whoever is
given the address reads it. Neither is a record of the trade: no rule is asked and the ledger hears nothing of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.crypto import salted_hmac

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
SEARCHED: Final = "search"  # the owner of texts to search with; persons are called "person:1" and the like
SEARCHED_FOR: Final = timedelta(days=1)
# Visitors need no account to search: what they leave behind must not fill the disk.
MOST_SEARCHED: Final = 5_000
NAME_LENGTH: Final = 32


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


def keep_searched(text: str, at: datetime) -> str:
    """Keep a text to search with for a day; the name under which it is found is the same for the same text."""
    name = salted_hmac("transferase.searched", text, algorithm="sha256").hexdigest()[:NAME_LENGTH]
    with transaction.atomic():
        Typed.objects.update_or_create(owner=SEARCHED, place=name, defaults={"content": text, "at": at})
        newest = Typed.objects.filter(owner=SEARCHED).order_by("-at", "-pk").values_list("at", flat=True)
        if oldest := newest[MOST_SEARCHED : MOST_SEARCHED + 1]:
            Typed.objects.filter(owner=SEARCHED, at__lte=oldest[0]).delete()
    return name


def searched(name: str, at: datetime) -> str | None:
    """The text to search with that was kept under a name; nothing once its day is over."""
    found = Typed.objects.filter(owner=SEARCHED, place=name[:NAME_LENGTH], at__gt=at - SEARCHED_FOR)
    return found.values_list("content", flat=True).first()


def forget_old(at: datetime) -> int:
    """Drop what nobody came back to; say how much that was."""
    searched_before = Typed.objects.filter(owner=SEARCHED, at__lte=at - SEARCHED_FOR).delete()[0]
    return searched_before + Typed.objects.filter(at__lt=at - KEPT_FOR).delete()[0]
