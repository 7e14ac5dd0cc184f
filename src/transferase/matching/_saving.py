"""Limits of saved searches and of letters, and when a letter is due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from transferase.foundation.errors import DomainError, Problem
from transferase.matching._following import Rhythm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

MOST_SEARCHES: Final = 50  # of one person
LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 20_000  # as much as a search takes
ITEMS: Final = (5, 10, 20, 50)
LETTERS: Final = (1, 2, 3, 4, 5, 6, 7)
# Letters leave in the morning, in the time zone of the platform.
FROM_HOUR: Final = 7
WEEK: Final = timedelta(days=7)
# What is older is no news, whatever kept it back.
NEWS_FOR: Final = timedelta(days=30)
# What was told is remembered for longer than anything counts as news.
REMEMBERED_FOR: Final = 2 * NEWS_FOR
# How long after a failure a letter is tried again: doubled each time, up to half a day.
FIRST_PAUSE: Final = timedelta(minutes=5)
LONGEST_PAUSE: Final = timedelta(hours=12)
MOST_ATTEMPTS: Final = 12  # over about three days
# A worker that has shown nothing for so long is taken for dead.
CLAIMED_FOR: Final = timedelta(minutes=10)
# After so many letters in a row that the other side refused for good, no more are written.
MOST_REFUSED: Final = 3


class NameTaken(DomainError):
    """The person has another saved search of this name."""

    code = "search_name_taken"


class TooManySearches(DomainError):
    """The person has as many saved searches as one person may have."""

    code = "too_many_searches"


def check_subscription(rhythm: str, most_items: int, most_letters: int) -> Iterator[Problem]:
    """What is wrong with a choice of letters."""
    if rhythm not in Rhythm.values:
        yield Problem("rhythm", "unknown_code", {"value": rhythm})
    if most_items not in ITEMS:
        yield Problem("most_items", "out_of_range", {"lowest": ITEMS[0], "highest": ITEMS[-1]})
    if most_letters not in LETTERS:
        yield Problem("most_letters", "out_of_range", {"lowest": LETTERS[0], "highest": LETTERS[-1]})


def current_period(rhythm: str, local: datetime) -> date:
    """The day that a local time is in, or the Monday of its week."""
    day = local.date()
    return day - timedelta(days=day.weekday()) if rhythm == Rhythm.WEEKLY else day


def period_of(rhythm: str, local: datetime) -> date | None:
    """The period that a letter at a local time is for; None while the letters of the day are not due."""
    if rhythm == Rhythm.OFF or local.hour < FROM_HOUR:
        return None
    return current_period(rhythm, local)


def pause_after(attempts: int) -> timedelta:
    """How long a letter waits after its so many-th attempt failed."""
    doubled: int = 2 ** min(max(0, attempts - 1), 10)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)
