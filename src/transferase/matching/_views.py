"""Matches as people see them: the counterpart, the score in parts, and reasons with quotes that still stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q

from transferase.catalogue.models import ListingText, Tier
from transferase.engine.ranking import Misfit, Part, Reason, Score, Side, explain, load_weights, points
from transferase.matching._scoring import Facts
from transferase.matching._texts import quoted_digest
from transferase.matching.models import Judgement, Match, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from transferase.directory.rules import Viewer
    from transferase.engine.ranking import NeedFacts, OfferFacts

_QUOTING: Final = frozenset({"sentence_pair", "shared_terms"})


@dataclass(frozen=True)
class PartView:
    """A part of a score in whole points; the points of all parts sum to those of the match."""

    name: str
    points: int
    value: float
    weight: float


@dataclass(frozen=True)
class MatchView:
    """A match as one of its sides sees it.

    A quote in `because` is {field, language, start, end, text, is_machine_made}. `judgement` is that of the own side;
    of the other side only its interest is told.
    """

    need_id: UUID
    offer_id: UUID
    listing_id: UUID
    counterpart_id: UUID
    score: int
    parts: tuple[PartView, ...]
    because: tuple[Reason, ...]
    misfits: tuple[Misfit, ...]
    missing: tuple[str, ...]
    excluded_by: tuple[str, ...]
    engine_version: str
    found_at: datetime
    judgement: Judgement | None
    is_other_interested: bool


def view_matches(matches: Sequence[Match], own: Collection[UUID], viewer: Viewer, at: datetime) -> list[MatchView]:
    """Matches with what each side needs to judge them, in a constant number of queries, in the given order.

    `own` are the listings that are looked from; a reason whose quote was changed or is private now is left out.
    """
    ids = {listing for match in matches for listing in (match.need_id, match.offer_id)}
    texts = {
        (text.listing_id, text.language): text for text in ListingText.objects.filter(listing__in=ids, tier=Tier.PUBLIC)
    }
    facts = Facts(at)
    facts.read(ids)
    judgements = _judgements(matches)
    return [_view(match, own, viewer, texts, facts, judgements) for match in matches]


def _judgements(matches: Iterable[Match]) -> dict[tuple[UUID, UUID], list[Judgement]]:
    pairs = Q()
    for match in matches:
        pairs |= Q(need=match.need_id, offer=match.offer_id)
    found: dict[tuple[UUID, UUID], list[Judgement]] = {}
    if pairs:
        for judgement in Judgement.objects.filter(pairs, withdrawn_at=None).select_related("person"):
            found.setdefault((judgement.need_id, judgement.offer_id), []).append(judgement)
    return found


def _view(
    match: Match,
    own: Collection[UUID],
    viewer: Viewer,
    texts: Mapping[tuple[UUID, str], ListingText],
    facts: Facts,
    judgements: Mapping[tuple[UUID, UUID], Sequence[Judgement]],
) -> MatchView:
    mine = match.need_id if match.need_id in own else match.offer_id
    said = judgements.get((match.need_id, match.offer_id), ())
    ours = next((judgement for judgement in said if judgement.organisation_id in viewer.organisations), None)
    total, by_part = points(_score(match))
    return MatchView(
        need_id=match.need_id,
        offer_id=match.offer_id,
        listing_id=mine,
        counterpart_id=match.offer_id if mine == match.need_id else match.need_id,
        score=total,
        parts=tuple(
            PartView(part["name"], by_part[part["name"]], part["value"], part["weight"]) for part in match.parts
        ),
        because=_because(match, texts, facts),
        misfits=tuple(Misfit(row["code"], row["facts"]) for row in match.misfits),
        missing=tuple(match.missing),
        excluded_by=tuple(match.excluded_by),
        engine_version=match.engine_version,
        found_at=match.found_at,
        judgement=ours,
        is_other_interested=any(
            judgement.verdict == Verdict.INTERESTING
            for judgement in said
            if judgement.organisation_id not in viewer.organisations
        ),
    )


def _score(match: Match) -> Score:
    parts = tuple(Part(**part) for part in match.parts)
    return Score(match.score, parts, (), (), (), match.engine_version)


def _because(match: Match, texts: Mapping[tuple[UUID, str], ListingText], facts: Facts) -> tuple[Reason, ...]:
    found = []
    for reason in match.because:
        if reason["code"] in _QUOTING:
            told = _requoted(reason, match, texts)
            if told is not None:
                found.append(Reason(reason["code"], told))
    return (*found, *_structured(facts.held.get(match.need_id), facts.held.get(match.offer_id)))


def _structured(need: NeedFacts | OfferFacts | None, offer: NeedFacts | OfferFacts | None) -> tuple[Reason, ...]:
    # Stated facts are read as they are now: a reason whose field was emptied since is gone.
    if need is None or offer is None:
        return ()
    return explain(need, offer, Side("", {}), Side("", {}), load_weights())  # type: ignore[arg-type]


def _requoted(
    reason: Mapping[str, Any], match: Match, texts: Mapping[tuple[UUID, str], ListingText]
) -> dict[str, object] | None:
    facts = reason["facts"]
    if reason["code"] == "sentence_pair":
        pair = _both(facts, match, texts)
        return None if pair is None else {**facts, **pair}
    terms = [{**term, **pair} for term in facts["terms"] if (pair := _both(term, match, texts)) is not None]
    return {**facts, "terms": terms} if terms else None


def _both(
    facts: Mapping[str, Any], match: Match, texts: Mapping[tuple[UUID, str], ListingText]
) -> dict[str, object] | None:
    need = _quote(facts["need"], texts.get((match.need_id, facts["need"]["language"])))
    offer = _quote(facts["offer"], texts.get((match.offer_id, facts["offer"]["language"])))
    return None if need is None or offer is None else {"need": need, "offer": offer}


def _quote(place: Mapping[str, Any], text: ListingText | None) -> dict[str, object] | None:
    if text is None:
        return None
    said = str(getattr(text, place["field"], ""))[place["start"] : place["end"]]
    if quoted_digest(said) != place["digest"]:
        return None
    kept = {name: fact for name, fact in place.items() if name != "digest"}
    return {**kept, "text": said, "is_machine_made": text.is_machine_made}


def in_order(matches: Iterable[MatchView]) -> list[MatchView]:
    """Best first; what is ruled out, and last what the own side declined, at the end."""

    def place(match: MatchView) -> tuple[bool, bool, int, str]:
        declined = match.judgement is not None and match.judgement.verdict == Verdict.NOT_FOR_US
        return declined, bool(match.excluded_by), -match.score, str(match.counterpart_id)

    return sorted(matches, key=place)
