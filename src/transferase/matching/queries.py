"""Questions about searches, matches, news and the state of the index that doors and other floors ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef, Q

from transferase.catalogue.models import Direction, Encumbrance, Listing
from transferase.engine.text import words
from transferase.foundation import queue
from transferase.foundation.languages import LANGUAGES
from transferase.foundation.models import LedgerEntry
from transferase.matching import _editions as editions
from transferase.matching import _indexing as indexing
from transferase.matching import _model as model
from transferase.matching import _quality as measured
from transferase.matching import _statistics as statistics
from transferase.matching._answers import LEAST_JUDGEMENTS as LEAST_JUDGEMENTS
from transferase.matching._answers import LEAST_ORGANISATIONS as LEAST_ORGANISATIONS
from transferase.matching._answers import Answers as Answers
from transferase.matching._answers import answers
from transferase.matching._digests import DigestContents as DigestContents
from transferase.matching._digests import FoundListing as FoundListing
from transferase.matching._digests import LetterTroubles as LetterTroubles
from transferase.matching._digests import SearchNews as SearchNews
from transferase.matching._digests import contents_of as contents_of
from transferase.matching._digests import digests_due as digests_due
from transferase.matching._digests import letter_troubles as letter_troubles
from transferase.matching._digests import new_count as new_count
from transferase.matching._digests import reader_with as reader_with
from transferase.matching._digests import readers_due as readers_due
from transferase.matching._digests import saved_searches as saved_searches
from transferase.matching._digests import searches_of as searches_of
from transferase.matching._digests import subscription_of as subscription_of
from transferase.matching._figures import Gap as Gap
from transferase.matching._figures import ListingFigures as ListingFigures
from transferase.matching._figures import Month as Month
from transferase.matching._figures import Replies as Replies
from transferase.matching._figures import Totals as Totals
from transferase.matching._figures import figures_of as figures_of
from transferase.matching._figures import gaps_of as gaps_of
from transferase.matching._figures import totals_of as totals_of
from transferase.matching._indexing import INDEXED_STATES
from transferase.matching._previews import PreviewMatch as PreviewMatch
from transferase.matching._previews import preview
from transferase.matching._quality import Findings as Findings
from transferase.matching._quality import Known as Known
from transferase.matching._quality import Measured as Measured
from transferase.matching._quality import Ranked as Ranked
from transferase.matching._quality import Translated as Translated
from transferase.matching._refitting import Moved as Moved
from transferase.matching._refitting import RefitReport as RefitReport
from transferase.matching._refitting import WhatIf as WhatIf
from transferase.matching._refitting import what_if
from transferase.matching._search import Hit as Hit
from transferase.matching._search import SearchResult as SearchResult
from transferase.matching._search import did_you_mean as did_you_mean
from transferase.matching._search import search as search
from transferase.matching._views import WEAK as WEAK
from transferase.matching._views import MatchView as MatchView
from transferase.matching._views import PartView as PartView
from transferase.matching._views import in_order, view_matches
from transferase.matching._weights import approved_version, weights_in_force, weights_of
from transferase.matching.models import Edition, Judgement, ListingIndex, Match, Notice, WeightsVersion
from transferase.matching.rules import Filters as Filters

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from transferase.catalogue.rules import ListingDraft
    from transferase.directory.models import Organisation
    from transferase.directory.rules import Viewer

# How far back is looked for rights that begin or end by the clock alone.
RIGHTS_LOOK = timedelta(days=30)
# A declined match stands at the end of its list, so more are read than are shown.
_READ = 100


@dataclass(frozen=True)
class EditionProgress:
    """An edition of the index that is being built; `trouble` says why it does not go on, if it does not."""

    number: int
    model_version: str
    is_copied: bool
    listings: int
    done: int
    since: datetime
    trouble: str


@dataclass(frozen=True)
class IndexStatus:
    """How the index stands, for the people who run the platform; `model` is empty while only words are searched."""

    model: str
    model_version: str
    engine_version: str
    means_version: int
    rows: int
    listings: int
    with_meaning: int
    matches: int
    trouble: str  # why texts cannot be compared by meaning, if they cannot
    building: EditionProgress | None


def matches_of(
    listing: Listing, viewer: Viewer, at: datetime, limit: int = 20, offset: int = 0, reader: str = ""
) -> list[MatchView]:
    """The matches of a listing that a viewer may see, best first, those that the own side declined last."""
    found = Match.objects.visible_to(viewer, at).filter(Q(need=listing.pk) | Q(offer=listing.pk))
    ordered = list(found.order_by("-score", "need_id", "offer_id")[:_READ])
    return in_order(view_matches(ordered, {listing.pk}, viewer, at, reader))[offset : offset + limit]


def count_of(listing: Listing, viewer: Viewer, at: datetime) -> int:
    """How many matches of a listing a viewer may see, those that are ruled out included."""
    return Match.objects.visible_to(viewer, at).filter(Q(need=listing.pk) | Q(offer=listing.pk)).count()


def languages_of(listing: Listing, viewer: Viewer, at: datetime) -> dict[str, int]:
    """In which languages the counterparts of all those matches were written, and how many in each."""
    other = "offer" if listing.direction == Direction.NEED else "need"
    mine = "need" if other == "offer" else "offer"
    found = Match.objects.visible_to(viewer, at).filter(**{mine: listing.pk})
    language = f"{other}__original_language"
    return dict(found.order_by(language).values_list(language).annotate(Count("pk")))


def is_waiting(listing: Listing) -> bool:
    """Whether the matches of a listing are still being looked for."""
    if listing.state not in INDEXED_STATES:
        return False
    lead = ListingIndex.objects.filter(listing=listing.pk, is_lead=True).first()
    if lead is None or lead.listing_version != listing.version or lead.visible_until != listing.visible_until:
        return True
    return queue.is_waiting("matching.rebuild", *(f"matching.{work}:{listing.pk}" for work in ("index", "propose")))


def match_between(need: Listing, offer: Listing, viewer: Viewer, at: datetime, reader: str = "") -> MatchView | None:
    """The match of a need and an offer as a viewer may see it, from the side that is the viewer's own."""
    match = Match.objects.visible_to(viewer, at).filter(need=need.pk, offer=offer.pk).first()
    if match is None:
        return None
    own = {row.pk for row in (need, offer) if row.owner_id in viewer.organisations} or {need.pk}
    return view_matches([match], own, viewer, at, reader)[0]


def best_matches(viewer: Viewer, at: datetime, limit: int = 10) -> list[MatchView]:
    """The best matches over all listings of a viewer (over all listings for a reviewer)."""
    found = Match.objects.visible_to(viewer, at).filter(excluded_by=[]).order_by("-score", "need_id", "offer_id")
    matches = list(found[:_READ])
    own = set(Listing.objects.owned_by(viewer).values_list("pk", flat=True))
    return in_order(view_matches(matches, own, viewer, at))[:limit]


def unjudged_count(viewer: Viewer, at: datetime) -> int:
    """How many matches of the open listings of a viewer's organisations none of these has judged."""
    mine = Listing.objects.owned_by(viewer).public_at(at).values("pk")
    judged = Judgement.objects.filter(
        need=OuterRef("need_id"),
        offer=OuterRef("offer_id"),
        organisation__in=viewer.organisations,
        withdrawn_at=None,
    )
    found = Match.objects.visible_to(viewer, at).filter(Q(need__in=mine) | Q(offer__in=mine), excluded_by=[])
    return found.filter(~Exists(judged)).count()


def match_counts(listings: Collection[UUID], viewer: Viewer, at: datetime) -> dict[UUID, int]:
    """How many matches each of some listings has that a viewer may see."""
    visible = Match.objects.visible_to(viewer, at).filter(excluded_by=[])
    counts = dict.fromkeys(listings, 0)
    for side in ("need", "offer"):
        rows = visible.filter(**{f"{side}__in": listings}).values_list(side).annotate(Count("score"))
        for listing, number in rows.order_by(side):
            counts[listing] += number
    return counts


def matches_for_text(
    *,
    viewer: Viewer,
    at: datetime,
    draft: ListingDraft,
    language: str,
    limit: int = 5,
    owner: Organisation | None = None,
) -> list[PreviewMatch]:
    """What a draft would match if its owner published it now; nothing is recorded.

    Only public listings are compared and only the draft's public texts, whoever asks.
    """
    return preview(draft, at, language, limit, owner)


def suggestions(*, viewer: Viewer, at: datetime, text: str, language: str) -> list[str]:
    """The text as it may have been meant, where a word of it is one that no public listing knows."""
    meant = did_you_mean(text, at)
    return [] if meant is None else [meant]


def notices_of(viewer: Viewer, at: datetime, limit: int = 50) -> list[Notice]:
    """The news for a viewer's organisations, newest first; news of what is no longer to be seen is left out."""
    seen = Listing.objects.visible_to(viewer, at).values("pk")
    news = Notice.objects.filter(organisation_id__in=viewer.organisations, counterpart__in=seen, at__lte=at)
    return list(news.select_related("listing", "counterpart").order_by("-at", "-pk")[:limit])


def unseen_notices(viewer: Viewer, at: datetime) -> int:
    """How much news of a viewer's organisations nobody has seen yet."""
    seen = Listing.objects.visible_to(viewer, at).values("pk")
    return Notice.objects.filter(
        organisation_id__in=viewer.organisations, counterpart__in=seen, seen_at=None, at__lte=at
    ).count()


def make_ready() -> None:
    """Load the model and the analysers now, so that the first reader does not wait for them."""
    model.warm()
    for language in LANGUAGES:
        words("준비 准备 ready", language)


def wanted_trouble() -> str:
    """Why the configured model cannot be had, in a sentence; empty if it can or only words are wanted."""
    model.wanted()
    return model.wanted_trouble()


def is_wanted_model_running() -> bool:
    """Whether the running edition was made with the configured model."""
    return model.wanted_version() == editions.running().model_version


def edition_progress() -> EditionProgress | None:
    """How far the edition is that is being built beside the running one; None while there is none."""
    edition = Edition.objects.filter(state=Edition.State.BUILDING).first()
    beside = editions.building()
    if edition is None or beside is None:
        return None
    return EditionProgress(
        number=edition.number,
        model_version=edition.model_version,
        is_copied=editions.is_copied(beside),
        listings=ListingIndex.objects.filter(is_lead=True).count(),
        done=editions.count_done(),
        since=edition.started_at,
        trouble=edition.trouble,
    )


def edition_left() -> list[UUID]:
    """The listings that the edition in the making still lacks or has otherwise than it should."""
    edition = editions.building()
    return indexing.left_for(edition) if edition else []


def rights_changed(at: datetime) -> list[UUID]:
    """The offers in which rights began or ended by the clock within a month and that were not matched anew since."""
    recent = at - RIGHTS_LOOK
    began = Encumbrance.objects.filter(starts_at__gt=recent, starts_at__lte=at).values_list("listing_id", "starts_at")
    ended = Encumbrance.objects.filter(ends_at__gt=recent, ends_at__lte=at).values_list("listing_id", "ends_at")
    last: dict[UUID, datetime] = {}
    for listing, changed in [*began, *ended]:
        if changed is not None:
            last[listing] = max(changed, last.get(listing, changed))
    matched = Match.objects.filter(offer__in=last).values_list("offer", flat=True).distinct()
    done = LedgerEntry.objects.filter(action="matching.match.proposed")
    return [
        listing
        for listing in matched
        if not done.filter(subject=f"catalogue.Listing:{listing}", at__gte=last[listing]).exists()
    ]


def to_match_anew(at: datetime) -> list[UUID]:
    """The listings that are asked when all matches are found anew."""
    return indexing.to_match_anew(at)


def status() -> IndexStatus:
    """How the index stands."""
    running = model.embedder()
    version = model.model_version()
    rows = ListingIndex.objects.aggregate(
        rows=Count("listing_id"),
        listings=Count("listing_id", filter=Q(is_lead=True)),
        with_meaning=Count("listing_id", filter=Q(model_version=version, centred__isnull=False)),
    )
    return IndexStatus(
        model=running.name if running else "",
        model_version=version,
        engine_version=weights_in_force().engine_version,
        means_version=statistics.current().version,
        matches=Match.objects.count(),
        trouble="" if running else model.running_trouble(),
        building=edition_progress(),
        **rows,
    )


# ---- how good matching is, and the weights that it is done by


@dataclass(frozen=True)
class Quality:
    """What is known of the quality of matching: the newest benchmark, single measurements, earlier runs, answers."""

    bench: Findings | None
    single: tuple[Findings, ...]
    history: tuple[Findings, ...]
    answers: Answers


@dataclass(frozen=True)
class WeightsStatus:
    """The weights in force and, newest first, every version that was fitted; `approved` is None for shipped ones."""

    version: str
    base_version: str
    parts: Mapping[str, float]
    approved: WeightsVersion | None
    versions: tuple[WeightsVersion, ...]


def quality(at: datetime) -> Quality:
    """What everybody may know of the quality of matching."""
    bench, single = measured.newest(at)
    return Quality(bench, single, tuple(measured.history(at)), answers(at))


def known_counterparts(at: datetime) -> tuple[int, int] | None:
    """For how many needs of the newest benchmark the known offer stood among the first ten, and of how many."""
    bench, _single = measured.newest(at)
    if bench is None or not bench.known:
        return None
    return sum(row.found for row in bench.known), sum(row.needs for row in bench.known)


def weights_status() -> WeightsStatus:
    """The weights that count now and those that were fitted to judgements."""
    now, approved = weights_in_force(), approved_version()
    fitted = tuple(WeightsVersion.objects.order_by("-proposed_at", "-pk"))
    base = approved.base_version if approved else now.version
    return WeightsStatus(now.version, base, now.parts, approved, fitted)


def what_would_change(version: WeightsVersion) -> WhatIf:
    """What a version of the weights would change in the matches that are stored."""
    return what_if(weights_in_force(), weights_of(version))
