"""Matches of a text that is not recorded yet: what a person sees while writing an offer or a need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from transferase.catalogue.models import Direction, ListingText, Tier
from transferase.engine.ranking import (
    NeedFacts,
    OfferFacts,
    QueryKind,
    Side,
    document_weights,
    explain,
    load_weights,
    long_parts,
    points,
    sparse,
    unit,
)
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching._asking import asked_in_all, crossed_words
from transferase.matching._reach import public_reach
from transferase.matching._scoring import (
    NEVER_SHOWN,
    Facts,
    Sides,
    Subject,
    TextRow,
    score_of,
    stated,
    text_fits,
)
from transferase.matching._texts import ROLES, fields_of, terms_of, whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from transferase.catalogue.rules import ListingDraft
    from transferase.engine.ranking import Reason, Score, Weights
    from transferase.matching._asking import Crossed
    from transferase.matching._scoring import TextFit
    from transferase.matching._statistics import Statistics

# The draft is no listing; nothing in the index has this id.
_DRAFT = UUID(int=0)


@dataclass(frozen=True)
class PreviewMatch:
    """A listing that a draft would match: score in points of 100, title in the reader's language where there is one."""

    listing_id: UUID
    language: str
    title: str
    title_language: str
    score: int
    because: tuple[Reason, ...]


@dataclass(frozen=True)
class _Compared:
    """A public listing that was compared with a draft."""

    listing_id: UUID
    score: Score
    fit: TextFit


def preview(draft: ListingDraft, at: datetime, language: str, limit: int) -> list[PreviewMatch]:
    """The public listings of the other direction that a draft would match now, best first."""
    compared, facts = _compare(draft, at)
    threshold = facts.weights.threshold
    best = [row for row in compared if not row.score.excluded_by and row.score.value >= threshold][:limit]
    return _shown(best, draft, facts, language)


def ranking_of(draft: ListingDraft, at: datetime) -> list[tuple[UUID, Score]]:
    """Every public candidate for a draft with its score, best first, whatever the threshold: what is measured."""
    return [(row.listing_id, row.score) for row in _compare(draft, at)[0]]


def _compare(draft: ListingDraft, at: datetime) -> tuple[list[_Compared], Facts]:
    now = statistics.current()
    texts = [text for text in _texts(draft) if whole(text)]
    original = next((text for text in texts if not text.is_machine_made), None)
    rows = [_row(text, draft.direction, now, is_original=text is original) for text in texts]
    facts = Facts(at)
    if not rows:
        return [], facts
    fits = text_fits(Subject(_DRAFT, draft.direction, rows), public_reach(at), now)
    facts.read(fits)
    own = stated(draft, _codes(draft))
    scores = {listing: _scored(own, facts.held.get(listing), fit, facts.weights) for listing, fit in fits.items()}
    compared = [_Compared(listing, score, fits[listing]) for listing, score in scores.items() if score is not None]
    return sorted(compared, key=lambda row: (-row.score.value, str(row.listing_id))), facts


def _texts(draft: ListingDraft) -> list[ListingText]:
    names = ("language", "tier", "origin", "title", *ListingText.BODY)
    return [
        ListingText(**{name: getattr(text, name) for name in names}) for text in draft.texts if text.tier == Tier.PUBLIC
    ]


def _codes(draft: ListingDraft) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*draft.ipc, *draft.cpc)))


def _row(text: ListingText, direction: str, now: Statistics, *, is_original: bool) -> TextRow:
    role = ROLES[Direction(direction)]
    body = whole(text)
    terms = terms_of(body, text.language)
    weights, attainable = document_weights(terms, now.length(text.language, role)), 0.0
    crossed: Crossed = {}
    if direction == Direction.NEED:
        crossed = crossed_words(body, text.language) if is_original else {}
        weights = asked_in_all(terms, crossed)
        known = statistics.lexicon(Direction.OFFER, text.language, terms, now)
        attainable = known.attainable(terms, QueryKind.NEED)
    vector, vectors = None, []
    if not text.is_machine_made:
        parts = (long_parts(body) or [body]) if direction == Direction.NEED else [body]
        raw = model.embed(parts, role, now.edition)
        if raw is not None:
            vector = now.centred(unit(np.mean(raw, axis=0)), text.language, role)
            vectors = [now.centred(part, text.language, role) for part in raw] if len(raw) > 1 else []
    return TextRow(
        language=text.language,
        is_machine_made=text.is_machine_made,
        said=terms,
        weights=sparse(weights),
        attainable=attainable,
        vector=vector,
        body=body,
        crossed={
            language: (statistics.lexicon(Direction.OFFER, language, words, now).attainable_of(words), list(words))
            for language, words in crossed.items()
        },
        parts=vectors,
    )


def _scored(
    own: NeedFacts | OfferFacts, other: NeedFacts | OfferFacts | None, fit: TextFit, weights: Weights
) -> Score | None:
    if other is None:
        return None
    need, offer = _sides(own, other)
    score = score_of(need, offer, fit, weights)
    return None if NEVER_SHOWN & set(score.excluded_by) else score


def _sides(own: NeedFacts | OfferFacts, other: NeedFacts | OfferFacts) -> tuple[NeedFacts, OfferFacts]:
    if isinstance(own, NeedFacts) and isinstance(other, OfferFacts):
        return own, other
    if isinstance(own, OfferFacts) and isinstance(other, NeedFacts):
        return other, own
    raise TypeError("a need is compared with an offer")


def _shown(best: Sequence[_Compared], draft: ListingDraft, facts: Facts, language: str) -> list[PreviewMatch]:
    now = statistics.current()
    sides = Sides(now)
    sides.read([row.listing_id for row in best])
    own = stated(draft, _codes(draft))
    here = {text.language: Side(text.language, {"title": text.title, **fields_of(text)}) for text in _texts(draft)}
    shown = []
    for row in best:
        mine = here.get(row.fit.language, Side(row.fit.language, {}))
        theirs = Side(row.fit.language, sides.side(row.listing_id, row.fit.language).texts)
        need, offer = _sides(own, facts.held[row.listing_id])
        need_side, offer_side = (mine, theirs) if isinstance(own, NeedFacts) else (theirs, mine)
        known = None
        if mine.texts and theirs.texts:
            terms = {term for said in mine.texts.values() for term in terms_of(said, row.fit.language)}
            known = statistics.lexicon(Direction.OFFER, row.fit.language, terms, now)
        original = sides.original(row.listing_id)
        title = sides.texts[row.listing_id].get(language, original)
        shown.append(
            PreviewMatch(
                listing_id=row.listing_id,
                language=original.language,
                title=title.title,
                title_language=title.language,
                score=points(row.score)[0],
                because=explain(
                    need,
                    offer,
                    need_side,
                    offer_side,
                    load_weights(),
                    idf=known.idf if known else None,
                    is_common=known.is_common if known else None,
                ),
            )
        )
    return shown
