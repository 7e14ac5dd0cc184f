"""How a listing fares: how often it was found and opened, what the other sides say, and what would inform its matches.

Counted are readers of other organisations, never persons; robots and the owner's own visits do not count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils.timezone import localtime

from transferase.catalogue.models import Direction, ListingText, Tier
from transferase.directory.rules import Permission
from transferase.foundation.errors import NotAllowed
from transferase.foundation.languages import LANGUAGES
from transferase.matching._answers import last_monday
from transferase.matching.models import Judgement, ListingDay, Match, Verdict
from transferase.matching.rules import FEWEST_TOLD

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime
    from uuid import UUID

    from transferase.catalogue.models import Listing
    from transferase.directory.rules import Viewer

MOST_MONTHS: Final = 12
MOST_MATCHES: Final = 1_000
# What an owner can state, in the order in which it is asked for in the form.
FACTS: Final = ("trl", "ipc", "transfer_modes", "territory", "partner_kinds")


@dataclass(frozen=True)
class Month:
    """One month of a listing: how often it was found and opened, how many organisations called it interesting."""

    month: date  # its first day
    found: int = 0
    opened: int = 0
    interesting: int = 0


@dataclass(frozen=True)
class Replies:
    """What other organisations said of matches with a listing.

    `known`, `declined` and `reasons` are None where fewer organisations declined than could hide among each other.
    They move once a week, so that no single answer can be seen to arrive; interest is told to the owner at once anyway.
    """

    interesting: int = 0
    known: int | None = None
    declined: int | None = None
    reasons: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True)
class Totals:
    """A listing in all."""

    found: int
    opened: int
    replies: Replies


@dataclass(frozen=True)
class ListingFigures:
    """A listing in all and month by month, newest month last; months without anything are there too."""

    totals: Totals
    months: tuple[Month, ...]


@dataclass(frozen=True)
class Gap:
    """Something that a listing does not say, and in how many of its matches the other side would learn from it.

    `fact` is one of `FACTS`, or a language of `LANGUAGES` in which there is no text.
    """

    fact: str
    matches: int


def totals_of(listings: Collection[Listing], viewer: Viewer, at: datetime) -> dict[UUID, Totals]:
    """The listings in all, in a constant number of queries; only the own ones, or all for a reviewer."""
    ids = [row.pk for row in listings if row.owner_id in viewer.organisations or viewer.sees_everything]
    if not ids:
        return {}
    owners = {row.pk: row.owner_id for row in listings}
    counted = ListingDay.objects.filter(listing__in=ids).values_list("listing").order_by("listing")
    visits = {listing: (found, opened) for listing, found, opened in counted.annotate(Sum("found"), Sum("opened"))}
    replies = _replies(ids, owners, at)
    return {listing: Totals(*visits.get(listing, (0, 0)), replies.get(listing, Replies())) for listing in ids}


def figures_of(listing: Listing, viewer: Viewer, at: datetime) -> ListingFigures:
    """How a listing fared until a time, for members of its owner and for reviewers."""
    totals = totals_of([listing], viewer, at)
    if listing.pk not in totals:
        raise NotAllowed(permission=str(Permission.MATCHING_MATCH_READ), organisation=listing.owner_id)
    return ListingFigures(totals[listing.pk], _months(listing, at))


def gaps_of(listing: Listing, viewer: Viewer, at: datetime) -> list[Gap]:
    """What the listing should say to be found and judged better: what informs most matches first."""
    side, other = ("offer", "need") if listing.direction == Direction.OFFER else ("need", "offer")
    found = Match.objects.visible_to(viewer, at).filter(**{side: listing.pk}, excluded_by=[]).order_by("-score")
    written = set(
        ListingText.objects.filter(listing=listing.pk, tier=Tier.PUBLIC)
        .exclude(summary="")
        .values_list("language", flat=True)
    )
    informed: Counter[str] = Counter()
    for missing, language in found.values_list("missing", f"{other}__original_language")[:MOST_MATCHES]:
        informed.update(fact for fact in FACTS if f"{side}.{fact}" in missing and f"{other}.{fact}" not in missing)
        if side == "need" and "offer.partner_kinds" in missing:  # either side may name the kind of partner
            informed["partner_kinds"] += 1
        if language not in written:
            informed[language] += 1
    order = [*FACTS, *LANGUAGES]
    return [
        Gap(fact, number) for fact, number in sorted(informed.items(), key=lambda row: (-row[1], order.index(row[0])))
    ]


def _replies(listings: Collection[UUID], owners: dict[UUID, int], at: datetime) -> dict[UUID, Replies]:
    said: dict[UUID, list[tuple[int, str, str]]] = {}
    until = last_monday(at)
    rows = Judgement.objects.filter(Q(need__in=listings) | Q(offer__in=listings), withdrawn_at=None)
    for need, offer, organisation, verdict, reason, judged_at in rows.values_list(
        "need_id", "offer_id", "organisation_id", "verdict", "reason", "at"
    ):
        if verdict != Verdict.INTERESTING and judged_at >= until:
            continue
        for listing in (need, offer):
            if listing in owners and owners[listing] != organisation:
                said.setdefault(listing, []).append((organisation, verdict, reason))
    return {listing: _reply(judged) for listing, judged in said.items() if listing in set(listings)}


def _reply(judged: list[tuple[int, str, str]]) -> Replies:
    verdicts = Counter(verdict for _, verdict, _ in judged)
    silent = {organisation for organisation, verdict, _ in judged if verdict != Verdict.INTERESTING}
    if len(silent) < FEWEST_TOLD:
        return Replies(interesting=verdicts[Verdict.INTERESTING])
    declined = {organisation for organisation, verdict, _ in judged if verdict == Verdict.NOT_FOR_US}
    reasons = Counter(reason for _, verdict, reason in judged if verdict == Verdict.NOT_FOR_US)
    told = tuple(sorted(reasons.items(), key=lambda row: (-row[1], row[0])))
    return Replies(
        interesting=verdicts[Verdict.INTERESTING],
        known=verdicts[Verdict.KNOWN],
        declined=verdicts[Verdict.NOT_FOR_US],
        reasons=told if len(declined) >= FEWEST_TOLD else None,
    )


def _months(listing: Listing, at: datetime) -> tuple[Month, ...]:
    today = localtime(at).date()
    began = max(
        localtime(listing.published_at or listing.created_at).date().replace(day=1), _before(today, MOST_MONTHS - 1)
    )
    visits = {
        month: (found, opened)
        for month, found, opened in ListingDay.objects.filter(listing=listing.pk, day__gte=began)
        .annotate(month=TruncMonth("day"))
        .values_list("month")
        .annotate(Sum("found"), Sum("opened"))
        .order_by("month")
    }
    interest = {
        localtime(month).date(): number
        for month, number in Judgement.objects.filter(
            Q(need=listing.pk) | Q(offer=listing.pk), verdict=Verdict.INTERESTING, withdrawn_at=None
        )
        .exclude(organisation=listing.owner_id)
        .annotate(month=TruncMonth("at"))
        .values_list("month")
        .annotate(Count("pk"))
        .order_by("month")
    }
    months, month = [], began
    while month <= today:
        months.append(Month(month, *visits.get(month, (0, 0)), interest.get(month, 0)))
        month = _before(month, -1)
    return tuple(months)


def _before(day: date, months: int) -> date:
    """The first day of the month so many months earlier."""
    number = day.year * 12 + day.month - 1 - months
    return day.replace(year=number // 12, month=number % 12 + 1, day=1)
