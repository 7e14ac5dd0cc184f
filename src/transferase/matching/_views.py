"""Matches as people see them: the counterpart, the score in parts, and reasons with quotes that still stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q

from transferase.catalogue.models import ListingText, Requirement, Tier
from transferase.catalogue.queries import requirement_draft
from transferase.engine.ranking import Misfit, Part, Reason, Score, Side, explain, load_weights, points
from transferase.engine.text import sentences
from transferase.matching._scoring import Facts
from transferase.matching._texts import quoted_digest
from transferase.matching.models import Judgement, Match, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from transferase.catalogue.rules import RequirementDraft
    from transferase.directory.rules import Viewer
    from transferase.engine.ranking import NeedFacts, OfferFacts

_QUOTING: Final = frozenset({"sentence_pair", "shared_terms", "shared_concepts"})
# How far a score must stand above the threshold of a match to be more than weak, and to be strong.
WEAK_UNTIL: Final = 0.1
STRONG_FROM: Final = 0.25
WEAK, FAIR, STRONG = "weak", "fair", "strong"


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

    A quote in `because` is {field, language, start, end, text, is_machine_made}; one in a language that is not the
    reader's has a `translation` {text, language, is_machine_made} where the listing has one. `stated` is what each side
    states of what is compared, as {"need.trl": ...}. `to_check` are the requirements in numbers that are a must for the
    need; offers state no such numbers, so `missing` names them as "offer.requirements". `judgement` is that of the own
    side; of the other side only its interest is told.
    """

    need_id: UUID
    offer_id: UUID
    listing_id: UUID
    counterpart_id: UUID
    score: int
    strength: str
    parts: tuple[PartView, ...]
    because: tuple[Reason, ...]
    misfits: tuple[Misfit, ...]
    missing: tuple[str, ...]
    stated: Mapping[str, object]
    to_check: tuple[RequirementDraft, ...]
    excluded_by: tuple[str, ...]
    engine_version: str
    found_at: datetime
    judgement: Judgement | None
    is_other_interested: bool


def view_matches(
    matches: Sequence[Match], own: Collection[UUID], viewer: Viewer, at: datetime, reader: str = ""
) -> list[MatchView]:
    """Matches with what each side needs to judge them, in a constant number of queries, in the given order.

    `own` are the listings that are looked from; a reason whose quote was changed or is private now is left out.
    `reader` is the language in which quotes are to be read.
    """
    ids = {listing for match in matches for listing in (match.need_id, match.offer_id)}
    texts = {
        (text.listing_id, text.language): text for text in ListingText.objects.filter(listing__in=ids, tier=Tier.PUBLIC)
    }
    facts = Facts(at)
    facts.read(ids)
    asked = _asked([match.need_id for match in matches])
    judgements = _judgements(matches)
    said = _Said(texts, reader)
    return [_view(match, own, viewer, said, facts, asked.get(match.need_id, ()), judgements) for match in matches]


@dataclass(frozen=True)
class _Said:
    """The public texts of the listings, by listing and language, and the language of the reader."""

    texts: Mapping[tuple[UUID, str], ListingText]
    reader: str


def strength_of(score: float, threshold: float) -> str:
    """How much a score says: one that is hardly above the threshold of a match is weak."""
    if score < threshold + WEAK_UNTIL:
        return WEAK
    return STRONG if score >= threshold + STRONG_FROM else FAIR


def _judgements(matches: Iterable[Match]) -> dict[tuple[UUID, UUID], list[Judgement]]:
    pairs = Q()
    for match in matches:
        pairs |= Q(need=match.need_id, offer=match.offer_id)
    found: dict[tuple[UUID, UUID], list[Judgement]] = {}
    if pairs:
        for judgement in Judgement.objects.filter(pairs, withdrawn_at=None).select_related("person"):
            found.setdefault((judgement.need_id, judgement.offer_id), []).append(judgement)
    return found


def _asked(needs: Collection[UUID]) -> dict[UUID, list[RequirementDraft]]:
    """The requirements in numbers that are a must, by need."""
    found: dict[UUID, list[RequirementDraft]] = {}
    for row in Requirement.objects.filter(listing__in=needs, is_must=True).order_by("pk"):
        found.setdefault(row.listing_id, []).append(requirement_draft(row))
    return found


def _view(
    match: Match,
    own: Collection[UUID],
    viewer: Viewer,
    texts: _Said,
    facts: Facts,
    asked: Sequence[RequirementDraft],
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
        strength=strength_of(match.score, facts.weights.threshold),
        parts=tuple(
            PartView(part["name"], by_part[part["name"]], part["value"], part["weight"]) for part in match.parts
        ),
        because=_because(match, texts, facts),
        misfits=tuple(Misfit(row["code"], row["facts"]) for row in match.misfits),
        missing=(*match.missing, *(["offer.requirements"] if asked else [])),
        stated=_stated(facts.held.get(match.need_id), facts.held.get(match.offer_id)),
        to_check=tuple(asked),
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


def _because(match: Match, texts: _Said, facts: Facts) -> tuple[Reason, ...]:
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


def _stated(need: NeedFacts | OfferFacts | None, offer: NeedFacts | OfferFacts | None) -> dict[str, object]:
    told: dict[str, object] = {}
    for side, facts in (("need", need), ("offer", offer)):
        if facts is None:
            continue
        territory = facts.territory or (frozenset({facts.country}) if side == "need" and facts.country else frozenset())
        levels = [facts.trl_low, facts.trl_high]
        told |= {
            f"{side}.trl": levels if any(level is not None for level in levels) else None,
            f"{side}.ipc": list(facts.ipc),
            f"{side}.transfer_modes": sorted(facts.transfer_modes),
            f"{side}.territory": sorted(territory),
        }
    return {name: value for name, value in told.items() if value}


def _requoted(reason: Mapping[str, Any], match: Match, texts: _Said) -> dict[str, object] | None:
    facts = reason["facts"]
    if reason["code"] == "sentence_pair":
        pair = _both(facts, match, texts)
        return None if pair is None else {**facts, **_in_two_languages(facts, pair, match, texts)}
    terms = [{**term, **pair} for term in facts["terms"] if (pair := _both(term, match, texts)) is not None]
    return {**facts, "terms": terms} if terms else None


def _both(facts: Mapping[str, Any], match: Match, said: _Said) -> dict[str, dict[str, object]] | None:
    need = _quote(facts["need"], said.texts.get((match.need_id, facts["need"]["language"])))
    offer = _quote(facts["offer"], said.texts.get((match.offer_id, facts["offer"]["language"])))
    return None if need is None or offer is None else {"need": need, "offer": offer}


def _quote(place: Mapping[str, Any], text: ListingText | None) -> dict[str, object] | None:
    if text is None:
        return None
    said = str(getattr(text, place["field"], ""))[place["start"] : place["end"]]
    if quoted_digest(said) != place["digest"]:
        return None
    kept = {name: fact for name, fact in place.items() if name != "digest"}
    return {**kept, "text": said, "is_machine_made": text.is_machine_made}


def _in_two_languages(
    places: Mapping[str, Any], quotes: Mapping[str, dict[str, object]], match: Match, said: _Said
) -> dict[str, object]:
    """Quotes with the same sentence in the reader's language, where the listing has a text in it."""
    told: dict[str, object] = {}
    for side, listing in (("need", match.need_id), ("offer", match.offer_id)):
        place, quote = places[side], quotes[side]
        original = said.texts.get((listing, place["language"]))
        other = said.texts.get((listing, said.reader)) if said.reader != place["language"] else None
        sentence = _same_sentence(place, original, other) if original and other else ""
        if other is not None and sentence:
            translation = {"text": sentence, "language": other.language, "is_machine_made": other.is_machine_made}
            quote = {**quote, "translation": translation}
        told[side] = quote
    return told


def _same_sentence(place: Mapping[str, Any], original: ListingText, other: ListingText) -> str:
    """The sentence at the same place of another text; nothing unless both texts have as many sentences."""
    here = sentences(str(getattr(original, place["field"], "")), original.language)
    there = sentences(str(getattr(other, place["field"], "")), other.language)
    if len(here) != len(there):
        return ""
    return next((twin.text for span, twin in zip(here, there, strict=True) if span.start == place["start"]), "")


def in_order(matches: Iterable[MatchView]) -> list[MatchView]:
    """Best first; what is ruled out, and last what the own side declined, at the end."""

    def place(match: MatchView) -> tuple[bool, bool, int, str]:
        declined = match.judgement is not None and match.judgement.verdict == Verdict.NOT_FOR_US
        return declined, bool(match.excluded_by), -match.score, str(match.counterpart_id)

    return sorted(matches, key=place)
