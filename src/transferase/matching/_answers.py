"""How people answer matches on this platform, told so that no organisation's behaviour can be read from it.

Figures move once a week, so that a single judgement cannot be seen to arrive; shares are whole percents; and nothing is
told that few organisations, or mostly one, have said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from transferase.matching.models import Judgement, Match, Verdict
from transferase.matching.rules import FEWEST_TOLD

if TYPE_CHECKING:
    from django.db.models import QuerySet

LEAST_JUDGEMENTS: Final = 20
LEAST_ORGANISATIONS: Final = 5
LARGEST_SHARE: Final = 0.5  # of one organisation in what is told
LEAST_DECLINES: Final = 5  # for one reason


@dataclass(frozen=True)
class Answers:
    """How matches were answered until a Monday; every share is in whole percent.

    `is_told` is False while too few have judged; then all shares are None and `reasons` is empty. `reasons` are the
    shares of declines per reason of the vocabulary; `other_reasons` is the share of those that few have given.
    `judgements` is rounded down to tens.
    """

    until: datetime
    is_told: bool
    judgements: int | None = None
    answered: int | None = None
    interesting: int | None = None
    known: int | None = None
    declined: int | None = None
    reasons: tuple[tuple[str, int], ...] = ()
    other_reasons: int = 0


def answers(at: datetime) -> Answers:
    """The answers to matches up to the last Monday."""
    until = last_monday(at)
    judged = Judgement.objects.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gte=until), at__lt=until)
    by_organisation: dict[str, Counter[int]] = defaultdict(Counter)
    for verdict, organisation, number in judged.values_list("verdict", "organisation").annotate(Count("pk")).order_by():
        by_organisation[verdict][organisation] += number
    everybody: Counter[int] = sum(by_organisation.values(), Counter())
    total = everybody.total()
    if (
        total < LEAST_JUDGEMENTS
        or len(everybody) < LEAST_ORGANISATIONS
        or max(everybody.values()) > LARGEST_SHARE * total
    ):
        return Answers(until, is_told=False)
    reasons, other = _reasons(judged)
    said = {verdict: _percent(by_organisation[verdict].total(), total) for verdict in Verdict}
    return Answers(
        until=until,
        is_told=True,
        judgements=total // 10 * 10,
        answered=_answered(judged, until),
        interesting=said[Verdict.INTERESTING],
        known=said[Verdict.KNOWN],
        declined=said[Verdict.NOT_FOR_US],
        reasons=reasons,
        other_reasons=other,
    )


def last_monday(at: datetime) -> datetime:
    """The beginning of the week, in the time zone of the platform."""
    today = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday())


def _answered(judged: QuerySet[Judgement], until: datetime) -> int:
    """The share of matches that at least one side has judged; a judged one counts also after it is gone."""
    told = judged.filter(need=OuterRef("need_id"), offer=OuterRef("offer_id"))
    waiting = Match.objects.filter(~Exists(told), found_at__lt=until, excluded_by=[]).count()
    pairs = judged.order_by().values("need", "offer").distinct().count()
    return _percent(pairs, pairs + waiting)


def _reasons(judged: QuerySet[Judgement]) -> tuple[tuple[tuple[str, int], ...], int]:
    """The shares of declines by reason, the most frequent first, and that of all reasons that few have given.

    What is left over is told only if enough organisations stand behind it too; else the rarest reason joins it, as the
    rest could be found out from the others.
    """
    declined = judged.filter(verdict=Verdict.NOT_FOR_US).values_list("reason", "organisation")
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for reason, organisation, number in declined.annotate(Count("pk")).order_by():
        counts[reason][organisation] += number
    total = sum(count.total() for count in counts.values())
    told = {reason: count for reason, count in counts.items() if _is_safe(count)}
    rest = sum((count for reason, count in counts.items() if reason not in told), Counter[int]())
    while rest and not _is_safe(rest) and told:
        rarest = min(told, key=lambda reason: (told[reason].total(), reason))
        rest += told.pop(rarest)
    if not told:
        return (), 0
    order = sorted(told, key=lambda reason: (-told[reason].total(), reason))
    return tuple((reason, _percent(told[reason].total(), total)) for reason in order), _percent(rest.total(), total)


def _is_safe(count: Counter[int]) -> bool:
    number = count.total()
    return (
        number >= LEAST_DECLINES and len(count) >= FEWEST_TOLD and max(count.values()) <= max(LARGEST_SHARE * number, 1)
    )


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
