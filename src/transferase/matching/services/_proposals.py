"""Standing matches: proposed when a listing appears or changes, dropped when the ground for them is gone."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.db.models import Q

from transferase.catalogue.models import Direction, Listing
from transferase.directory.rules import Permission, require
from transferase.engine.ranking import load_weights
from transferase.foundation.ledger import record, service
from transferase.matching import _editions as editions
from transferase.matching import _indexing as indexing
from transferase.matching import _rematching as rematching
from transferase.matching import _scoring as scoring
from transferase.matching import _statistics as statistics
from transferase.matching._reach import public_reach
from transferase.matching.models import Judgement, ListingIndex, Match, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from transferase.directory.models import Person
    from transferase.engine.ranking import Score
    from transferase.foundation.ledger import System
    from transferase.matching._editions import Standing

MATCH_FOUND: Final = "match_found"
# A person reads some dozens of matches of a listing at most; more would only cost.
MOST_MATCHES: Final = 50
MOST_NOTICES: Final = 10  # for one organisation from one listing
BATCH: Final = 50  # in a transaction
BLOCK: Final = 1000  # for which the offers are read once
# What is held of listings for comparisons; more is read again when it is asked for again.
MOST_HELD: Final = 3000


class Telling(StrEnum):
    """When the other side hears of a new match."""

    NOW = "now"
    LATER = "later"  # by the proposals of one of the two listings, which wait in the queue
    NEVER = "never"  # it came with many others


@dataclass(frozen=True)
class Near:
    """What an edition of the index has near in meaning to many needs."""

    edition: Standing
    of: Mapping[UUID, Sequence[UUID]]


@dataclass
class _Run:
    """What is read once for the proposals of one or many listings."""

    at: datetime
    telling: Telling
    near: Near | None = None
    now: statistics.Statistics = field(init=False)
    facts: scoring.Facts = field(init=False)
    sides: scoring.Sides = field(init=False)

    def __post_init__(self) -> None:
        self.now = statistics.current()
        self.facts = scoring.Facts(self.at)
        self.sides = scoring.Sides(self.now)
        if self.near is not None and self.near.edition != self.now.edition:
            self.near = None

    def forget(self) -> None:
        """Let go of what was read of listings when it has become much."""
        if len(self.sides.texts) > MOST_HELD:
            self.sides = scoring.Sides(self.now)
        if len(self.facts.held) > 20 * MOST_HELD:
            self.facts = scoring.Facts(self.at)


@dataclass(frozen=True)
class _Pair:
    """A need and an offer that were compared."""

    need: UUID
    offer: UUID
    score: Score


@service
def propose(*, actor: Person | System, listing_id: UUID, at: datetime) -> list[Match]:
    """Find the matches of a listing anew: new ones appear and the other side is told, outdated ones go.

    A match that somebody judged stays as long as both listings are in the index. Nobody is told of a match that is
    not open to both sides.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    return _propose(actor, listing_id, _Run(at, Telling.NOW))


@service
def propose_batch(
    *,
    actor: Person | System,
    listing_ids: Sequence[UUID],
    at: datetime,
    telling: Telling = Telling.NEVER,
    near: Near | None = None,
) -> int:
    """Find the matches of some listings anew, in one transaction; says how many there are.

    `near` is what was found near in meaning to many needs at once; what is not in it is looked for.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    run = _Run(at, telling, near)
    found = sum(len(_propose(actor, listing_id, run)) for listing_id in listing_ids)
    record(
        actor=actor,
        action="matching.match.proposed",
        subject="matching.Match",
        listings=len(listing_ids),
        matches=found,
        at=at.isoformat(),
    )
    return found


def propose_block(
    *, actor: Person | System, listing_ids: Sequence[UUID], at: datetime, telling: Telling = Telling.NEVER
) -> int:
    """Find the matches of a thousand listings or so anew, offers read once for all of them; says how many there are."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    near = None
    if len(listing_ids) >= rematching.WORTH_IT:
        with transaction.atomic():
            near = Near(edition := editions.running(), rematching.near_offers(listing_ids, edition, at))
    found = 0
    for start in range(0, len(listing_ids), BATCH):
        batch = listing_ids[start : start + BATCH]
        found += propose_batch(actor=actor, listing_ids=batch, at=at, telling=telling, near=near)
    return found


def propose_all(
    *,
    actor: Person | System,
    at: datetime,
    progress: Callable[[int, int], None] | None = None,
    telling: Telling = Telling.NEVER,
) -> int:
    """Find all matches anew, in blocks of a thousand needs; says how many there are."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    waiting = indexing.to_match_anew(at)
    for start in range(0, len(waiting), BLOCK):
        block = waiting[start : start + BLOCK]
        propose_block(actor=actor, listing_ids=block, at=at, telling=telling)
        if progress is not None:
            progress(start + len(block), len(waiting))
    return Match.objects.count()


def _propose(actor: Person | System, listing_id: UUID, run: _Run) -> list[Match]:
    subject = scoring.subject_of(listing_id, run.now)
    existing = {
        match.offer_id if match.need_id == listing_id else match.need_id: match
        for match in Match.objects.filter(Q(need=listing_id) | Q(offer=listing_id))
    }
    if subject is None:
        _drop(existing.values())
        return []
    run.forget()
    near = run.near.of.get(listing_id) if run.near else None
    fits = scoring.text_fits(subject, public_reach(run.at), run.now, also=list(existing), neighbours=near)
    pairs = _scored(subject, fits, run)
    judged = _judged(listing_id)
    kept = _kept(pairs, judged, run.facts.weights.threshold)
    told = {key for key, match in existing.items() if match.is_told}
    if run.telling is not Telling.LATER and _is_public(listing_id, run.at):
        told |= kept.keys()
    matches = _write(kept, told, judged, existing, run)
    gone = _no_longer(existing, matches, fits)
    _drop(gone)
    if run.telling is Telling.NOW:
        news = [match for key, match in matches.items() if key in told and not _was_told(existing.get(key))]
        _tell(listing_id, [match for match in news if not match.excluded_by], run.at)
        record(
            actor=actor,
            action="matching.match.proposed",
            subject=f"catalogue.Listing:{listing_id}",
            matches=len(matches),
            new=sum(key not in existing for key in matches),
            dropped=len(gone),
            at=run.at.isoformat(),
        )
    return sorted(matches.values(), key=lambda match: (bool(match.excluded_by), -match.score))


def _scored(subject: scoring.Subject, fits: dict[UUID, scoring.TextFit], run: _Run) -> dict[UUID, _Pair]:
    run.facts.read([subject.listing_id, *fits])
    pairs = {}
    for other, fit in fits.items():
        need, offer = (
            (subject.listing_id, other) if subject.direction == Direction.NEED else (other, subject.listing_id)
        )
        score = run.facts.score(need, offer, fit)
        if score is not None and not scoring.NEVER_SHOWN & set(score.excluded_by):
            pairs[other] = _Pair(need, offer, score)
    return pairs


def _judged(listing_id: UUID) -> set[UUID]:
    rows = Judgement.objects.filter(Q(need=listing_id) | Q(offer=listing_id), withdrawn_at=None)
    return {offer if need == listing_id else need for need, offer in rows.values_list("need_id", "offer_id")}


def _kept(pairs: dict[UUID, _Pair], judged: Collection[UUID], threshold: float) -> dict[UUID, _Pair]:
    good = [key for key, pair in pairs.items() if pair.score.value >= threshold]
    good.sort(key=lambda key: (bool(pairs[key].score.excluded_by), -pairs[key].score.value, str(key)))
    return {key: pairs[key] for key in [*good[:MOST_MATCHES], *(key for key in judged if key in pairs)]}


def _write(
    kept: dict[UUID, _Pair],
    told: Collection[UUID],
    judged: Collection[UUID],
    existing: Mapping[UUID, Match],
    run: _Run,
) -> dict[UUID, Match]:
    made_from = _made_from(kept, run)
    # What two texts have in common is asked once: other weights, means or candidates do not change it.
    known = {
        key: existing[key].because for key in kept if key in existing and existing[key].made_from == made_from[key]
    }
    run.sides.read({listing for key, pair in kept.items() if key not in known for listing in (pair.need, pair.offer)})
    matches = {}
    for key, pair in kept.items():
        because = known.get(key)
        if because is None:
            reasons = run.sides.reasons(pair.need, pair.offer, run.facts)
            if key not in judged and run.sides.is_unexplained(pair.need, pair.offer, reasons):
                continue
            because = scoring.stored_reasons(reasons)
        matches[key] = Match(
            need_id=pair.need,
            offer_id=pair.offer,
            score=pair.score.value,
            parts=scoring.stored_parts(pair.score),
            because=because,
            misfits=scoring.stored_misfits(pair.score),
            missing=_missing(pair.score, because),
            excluded_by=list(pair.score.excluded_by),
            engine_version=f"{pair.score.engine_version} means {run.now.version}",
            made_from=made_from[key],
            found_at=run.at,
            is_told=key in told,
        )
    # In one order for everybody: two workers that write the same pairs must not wait for each other.
    ordered = sorted(matches.values(), key=lambda match: (str(match.need_id), str(match.offer_id)))
    Match.objects.bulk_create(
        ordered,
        update_conflicts=True,
        unique_fields=["need", "offer"],
        update_fields=[
            "score", "parts", "because", "misfits", "missing", "excluded_by", "engine_version", "made_from", "is_told",
        ],
    )  # fmt: skip
    return matches


def _made_from(kept: Mapping[UUID, _Pair], run: _Run) -> dict[UUID, str]:
    """What the reasons of pairs are made from: the two texts as they are, the model, and the ways of the engine."""
    listings = {listing for pair in kept.values() for listing in (pair.need, pair.offer)}
    rows = ListingIndex.objects.filter(listing_id__in=listings, is_lead=True)
    texts = {key: told for key, *told in rows.values_list("listing_id", "listing_version", "is_quotable")}
    ways = f"{run.now.model_version} {editions.words_version()} {load_weights().version}"
    return {
        key: hashlib.sha256(f"{texts.get(pair.need)} {texts.get(pair.offer)} {ways}".encode()).hexdigest()[:32]
        for key, pair in kept.items()
    }


def _missing(score: Score, because: Sequence[Mapping[str, object]]) -> list[str]:
    # Shared words are told in any language that both have, the scored texts may be in two.
    is_compared = any(reason["code"] in {"shared_terms", "shared_concepts"} for reason in because)
    return [code for code in score.missing if code != "words" or not is_compared]


def _no_longer(existing: dict[UUID, Match], kept: Collection[UUID], fits: Collection[UUID]) -> list[Match]:
    """The former matches that have no ground now.

    A counterpart that is in the index but not open was not compared: its own proposals, which its owner sees before
    it is published, decide.
    """
    left = [key for key in existing if key not in kept]
    waiting = set(
        ListingIndex.objects.filter(listing_id__in=[key for key in left if key not in fits]).values_list(
            "listing_id", flat=True
        )
    )
    return [existing[key] for key in left if key not in waiting]


def _drop(matches: Collection[Match]) -> None:
    if not matches:
        return
    pairs = [(str(match.need_id), str(match.offer_id)) for match in matches]
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM "matching_match" WHERE (need_id, offer_id) IN
            (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))""",
            [[need for need, _ in pairs], [offer for _, offer in pairs]],
        )


def _was_told(match: Match | None) -> bool:
    return match is not None and match.is_told


def _is_public(listing_id: UUID, at: datetime) -> bool:
    return Listing.objects.public_at(at).filter(pk=listing_id).exists()


def _tell(listing_id: UUID, matches: Sequence[Match], at: datetime) -> None:
    """News for the owners of the listings that were there before, of the best matches first.

    Whichever of two listings changed last brought the match about, even if the proposals of the other run first.
    """
    others = {
        match.offer_id if match.need_id == listing_id else match.need_id: match
        for match in sorted(matches, key=lambda match: -match.score)
    }
    known = {listing.pk: listing for listing in Listing.objects.filter(pk__in=[listing_id, *others])}
    told: Counter[int] = Counter()
    notices = []
    for other in others:
        if other not in known or listing_id not in known:
            continue
        standing, newcomer = known[other], known[listing_id]
        if _changed_at(standing) > _changed_at(newcomer):
            standing, newcomer = newcomer, standing
        told[standing.owner_id] += 1
        if told[standing.owner_id] <= MOST_NOTICES:
            place = {"organisation_id": standing.owner_id, "listing": standing, "counterpart": newcomer}
            notices.append(Notice(kind=MATCH_FOUND, at=at, **place))
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def _changed_at(listing: Listing) -> datetime:
    return max(listing.revised_at, listing.published_at or listing.revised_at)
