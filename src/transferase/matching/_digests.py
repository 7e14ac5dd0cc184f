"""What is news for a person, and what of it a letter may still show when it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import localtime

from transferase.catalogue.models import Direction, Listing
from transferase.directory.models import Person
from transferase.matching._saving import CLAIMED_FOR, FROM_HOUR, NEWS_FOR, WEEK, current_period
from transferase.matching._search import search
from transferase.matching._views import view_matches
from transferase.matching.models import (
    Digest,
    DigestState,
    Judgement,
    Match,
    Notice,
    Rhythm,
    SavedSearch,
    Subscription,
    Told,
)
from transferase.matching.rules import read_filters

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from transferase.directory.rules import Viewer
    from transferase.matching._search import Hit
    from transferase.matching._views import MatchView

MOST_MATCHES: Final = 200
MOST_HITS: Final = 50
_INTEREST: Final = "match_judged"

Pair = tuple[UUID, UUID]  # need, offer


@dataclass(frozen=True)
class News:
    """What a person has not been told: pairs of need and offer, and listings by saved search, best first."""

    interests: tuple[Pair, ...]
    matches: tuple[Pair, ...]
    searches: tuple[tuple[int, tuple[UUID, ...]], ...]

    @property
    def keys(self) -> list[str]:
        return [
            *(f"interest:{need}:{offer}" for need, offer in self.interests),
            *(f"match:{need}:{offer}" for need, offer in self.matches),
            *(f"listing:{listing}" for _, listings in self.searches for listing in listings),
        ]


@dataclass(frozen=True)
class FoundListing:
    """A result of a saved search; without a hit when the search no longer tells why."""

    listing_id: UUID
    hit: Hit | None


@dataclass(frozen=True)
class SearchNews:
    """What is new in one saved search, and how much more there is."""

    search: SavedSearch
    found: tuple[FoundListing, ...]
    more: int


@dataclass(frozen=True)
class DigestContents:
    """What a letter shows: only what its reader may see now."""

    interests: tuple[MatchView, ...]
    matches: tuple[MatchView, ...]
    more_matches: int
    searches: tuple[SearchNews, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.interests or self.matches or any(news.found for news in self.searches))

    @property
    def items(self) -> int:
        return len(self.interests) + len(self.matches) + sum(len(news.found) for news in self.searches)


def news_of(subscription: Subscription, viewer: Viewer, at: datetime) -> News:
    """What happened for a person since letters were switched on, within the last month, that no letter told."""
    since = max(subscription.since, at - NEWS_FOR)
    told = set(Told.objects.filter(person=subscription.person_id).values_list("key", flat=True))
    interests = [p for p in _interests(viewer, since, at) if f"interest:{p[0]}:{p[1]}" not in told]
    matches = [
        p for p in _new_matches(viewer, since, at) if f"match:{p[0]}:{p[1]}" not in told and p not in set(interests)
    ]
    searches = []
    for saved in SavedSearch.objects.filter(person=subscription.person_id).order_by("name"):
        listings = _new_listings(saved, viewer, max(since, saved.created_at), at)
        fresh = tuple(listing for listing in listings if f"listing:{listing}" not in told)
        told |= {f"listing:{listing}" for listing in fresh}
        if fresh:
            searches.append((saved.pk, fresh))
    return News(tuple(interests), tuple(matches), tuple(searches))


def capped(news: News, most: int) -> dict[str, Any]:
    """The references that a letter of so many items shows, each kind in turn so that none crowds out the others."""
    lanes: list[tuple[str, int, Sequence[Any]]] = [("interests", 0, news.interests), ("matches", 0, news.matches)]
    lanes += [("searches", search, listings) for search, listings in news.searches]
    taken = [0] * len(lanes)
    while most and any(count < len(lane[2]) for count, lane in zip(taken, lanes, strict=True)):
        for number, (_, _, items) in enumerate(lanes):
            if most and taken[number] < len(items):
                taken[number] += 1
                most -= 1
    chosen = [
        (name, search, items[:count], len(items) - count)
        for (name, search, items), count in zip(lanes, taken, strict=True)
    ]
    return {
        "interests": [[str(need), str(offer)] for need, offer in chosen[0][2]],
        "matches": [[str(need), str(offer)] for need, offer in chosen[1][2]],
        "more_matches": chosen[0][3] + chosen[1][3],
        "searches": [
            {"search": search, "listings": [str(listing) for listing in items], "more": more}
            for _, search, items, more in chosen[2:]
        ],
    }


def contents_of(digest: Digest, viewer: Viewer, at: datetime) -> DigestContents:
    """What a letter shows if it is sent now: what was hidden, judged or deleted since is left out."""
    told = digest.contents
    views = _views([*told["interests"], *told["matches"]], viewer, at)
    interests = [views[pair] for pair in _pairs(told["interests"]) if pair in views]
    matches = [views[pair] for pair in _pairs(told["matches"]) if pair in views]
    kept = SavedSearch.objects.in_bulk([row["search"] for row in told["searches"]])
    searches = [_search_news(kept[row["search"]], row, viewer, at) for row in told["searches"] if row["search"] in kept]
    return DigestContents(
        interests=tuple(view for view in interests if view.is_other_interested),
        matches=tuple(view for view in matches if view.judgement is None and not view.excluded_by),
        more_matches=told["more_matches"],
        searches=tuple(news for news in searches if news.found),
    )


def new_count(saved: SavedSearch, viewer: Viewer, at: datetime) -> int:
    """How many results of a saved search were published since it was last looked at."""
    filters = read_filters(saved.filters, published_since=saved.looked_at)
    found = search(
        viewer=viewer,
        at=at,
        text=saved.text,
        direction=saved.direction or None,
        filters=filters,
        language=saved.language,
        limit=1,
        is_counted=not saved.text,  # the total of a text is known without counting
    )
    return found.total


def saved_searches(viewer: Viewer) -> list[SavedSearch]:
    """The searches that a person keeps, by name."""
    return list(SavedSearch.objects.visible_to(viewer).order_by("name"))


def searches_of(person: Person) -> list[SavedSearch]:
    """The searches that a person keeps, by name, whatever else the person may see."""
    return list(SavedSearch.objects.filter(person=person).order_by("name"))


def subscription_of(person: Person, at: datetime) -> Subscription:
    """Whether and how often a person gets letters; who never chose gets none."""
    found = Subscription.objects.filter(person=person).first()
    return found or Subscription(person=person, since=at, rhythm=Rhythm.OFF)


def reader_with(number: int) -> Person | None:
    """The person of a number, whose letters somebody who holds one of them wants to stop."""
    return Person.objects.filter(pk=number).first()


def readers_due(at: datetime) -> list[int]:
    """The numbers of the persons for whom nobody has looked for news of the present day or week yet."""
    local = localtime(at)
    if local.hour < FROM_HOUR:
        return []
    is_due = Q(pk__in=[])
    for rhythm in (Rhythm.DAILY, Rhythm.WEEKLY):
        is_done = Q(looked_for__gte=current_period(rhythm, local))
        is_due |= Q(Q(looked_for=None) | ~is_done, rhythm=rhythm)
    readers = Subscription.objects.filter(is_due, person__is_active=True)
    return list(readers.order_by("person").values_list("person", flat=True))


def digests_due(at: datetime, limit: int) -> list[int]:
    """The letters that may be sent now, or that a worker left behind; those that wait longest first."""
    is_due = Q(state=DigestState.WAITING, try_at__lte=at)
    is_left = Q(state__in=(DigestState.CLAIMED, DigestState.SENDING), changed_at__lte=at - CLAIMED_FOR)
    return list(Digest.objects.filter(is_due | is_left).order_by("try_at", "pk").values_list("pk", flat=True)[:limit])


@dataclass(frozen=True)
class LetterTroubles:
    """Letters of the last week that made trouble; `trouble` is what the mail server said last, or what went wrong."""

    postponed: int
    unsure: int
    given_up: int
    trouble: str

    @property
    def is_clear(self) -> bool:
        return not (self.postponed or self.unsure or self.given_up)


def letter_troubles(at: datetime) -> LetterTroubles:
    """How sending letters goes, for the people who run the platform."""
    recent = Digest.objects.filter(changed_at__gt=at - WEEK).exclude(trouble="")
    last = recent.order_by("-changed_at", "-pk").first()
    return LetterTroubles(
        postponed=recent.filter(state=DigestState.WAITING).count(),
        unsure=recent.filter(state=DigestState.UNSURE).count(),
        given_up=recent.filter(state=DigestState.GIVEN_UP).count(),
        trouble=last.trouble if last else "",
    )


def _interests(viewer: Viewer, since: datetime, at: datetime) -> list[Pair]:
    news = Notice.objects.filter(
        organisation__in=viewer.organisations,
        kind=_INTEREST,
        seen_at=None,
        at__gt=since,
        counterpart__in=Listing.objects.visible_to(viewer, at).values("pk"),
    ).select_related("listing")
    return [_pair(notice.listing, notice.counterpart_id) for notice in news.order_by("-at", "-pk")[:MOST_MATCHES]]


def _pair(own: Listing, other: UUID) -> Pair:
    return (own.pk, other) if own.direction == Direction.NEED else (other, own.pk)


def _new_matches(viewer: Viewer, since: datetime, at: datetime) -> list[Pair]:
    """Matches of the own open listings that are new because one of the two listings is, best first.

    All matches are made anew at times; that alone is no news.
    """
    mine = Listing.objects.owned_by(viewer).public_at(at).values("pk")
    judged = Judgement.objects.filter(
        need=OuterRef("need_id"), offer=OuterRef("offer_id"), organisation__in=viewer.organisations, withdrawn_at=None
    )
    is_news = Q()
    for side in ("need", "offer"):
        is_news |= Q(**{f"{side}__published_at__gt": since}) | Q(**{f"{side}__revised_at__gt": since})
    found = Match.objects.visible_to(viewer, at).filter(
        Q(need__in=mine) | Q(offer__in=mine), is_news, ~Exists(judged), excluded_by=[], found_at__gt=since
    )
    return list(found.order_by("-score", "need_id", "offer_id").values_list("need_id", "offer_id")[:MOST_MATCHES])


def _new_listings(saved: SavedSearch, viewer: Viewer, since: datetime, at: datetime) -> list[UUID]:
    found = [hit.listing_id for hit in _hits(saved, viewer, since, at)]
    others = Listing.objects.visible_to(viewer, at).filter(pk__in=found).exclude(owner_id__in=viewer.organisations)
    shown = set(others.values_list("pk", flat=True))
    return [listing for listing in found if listing in shown]


def _hits(saved: SavedSearch, viewer: Viewer, since: datetime, at: datetime) -> Sequence[Hit]:
    return search(
        viewer=viewer,
        at=at,
        text=saved.text,
        direction=saved.direction or None,
        filters=read_filters(saved.filters, published_since=since),
        language=saved.language,
        limit=MOST_HITS,
        is_counted=False,
    ).hits


def _search_news(saved: SavedSearch, row: Mapping[str, Any], viewer: Viewer, at: datetime) -> SearchNews:
    listings = [UUID(listing) for listing in row["listings"]]
    visible = set(Listing.objects.visible_to(viewer, at).filter(pk__in=listings).values_list("pk", flat=True))
    hits = {hit.listing_id: hit for hit in _hits(saved, viewer, max(saved.created_at, at - NEWS_FOR), at)}
    found = tuple(FoundListing(listing, hits.get(listing)) for listing in listings if listing in visible)
    return SearchNews(saved, found, row["more"])


def _views(pairs: Collection[Sequence[str]], viewer: Viewer, at: datetime) -> dict[Pair, MatchView]:
    asked = Q(pk__in=[])
    for need, offer in _pairs(pairs):
        asked |= Q(need=need, offer=offer)
    matches = list(Match.objects.visible_to(viewer, at).filter(asked))
    ids = {listing for match in matches for listing in (match.need_id, match.offer_id)}
    own = set(Listing.objects.owned_by(viewer).filter(pk__in=ids).values_list("pk", flat=True))
    return {(view.need_id, view.offer_id): view for view in view_matches(matches, own, viewer, at)}


def _pairs(told: Iterable[Sequence[str]]) -> list[Pair]:
    return [(UUID(need), UUID(offer)) for need, offer in told]
