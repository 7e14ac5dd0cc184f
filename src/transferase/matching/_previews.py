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
    score_pair,
    sparse,
    unit,
)
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching._indexing import asked_weights
from transferase.matching._reach import public_reach
from transferase.matching._scoring import (
    NEVER_SHOWN,
    Facts,
    Sides,
    Subject,
    TextRow,
    stated,
    text_fits,
    words_that_count,
)
from transferase.matching._texts import ROLES, fields_of, terms_of, whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from transferase.catalogue.rules import ListingDraft
    from transferase.engine.ranking import Reason, Score
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


def preview(draft: ListingDraft, at: datetime, language: str, limit: int) -> list[PreviewMatch]:
    """The public listings of the other direction that a draft would match now, best first."""
    texts = [
        ListingText(
            **{name: getattr(text, name) for name in ("language", "tier", "origin", "title", *ListingText.BODY)}
        )
        for text in draft.texts
        if text.tier == Tier.PUBLIC
    ]
    now = statistics.current(model.model_version())
    subject = Subject(_DRAFT, draft.direction, [_row(text, draft.direction, now) for text in texts if whole(text)])
    if not subject.rows:
        return []
    fits = text_fits(subject, public_reach(at), now)
    facts = Facts(at)
    facts.read(fits)
    own = stated(draft, tuple(dict.fromkeys((*draft.ipc, *draft.cpc))))
    scored = []
    for listing, fit in fits.items():
        score = _scored(own, facts.held.get(listing), fit)
        if score is not None and not score.excluded_by and score.value >= load_weights().threshold:
            scored.append((score, listing, fit))
    best = sorted(scored, key=lambda row: (-row[0].value, str(row[1])))[:limit]
    return _shown(best, texts, own, facts, language, now)


def _row(text: ListingText, direction: str, now: Statistics) -> TextRow:
    role = ROLES[Direction(direction)]
    body = whole(text)
    terms = terms_of(body, text.language)
    weights, attainable = document_weights(terms, now.length(text.language, role)), 0.0
    if direction == Direction.NEED:
        weights = asked_weights(terms)
        known = statistics.lexicon(Direction.OFFER, text.language, terms, now)
        attainable = known.attainable(terms, QueryKind.NEED)
    vector = None
    if not text.is_machine_made:
        parts = (long_parts(body) or [body]) if direction == Direction.NEED else [body]
        raw = model.embed(parts, role)
        vector = None if raw is None else now.centred(unit(np.mean(raw, axis=0)), text.language, role)
    return TextRow(text.language, text.is_machine_made, list(dict.fromkeys(terms)), sparse(weights), attainable, vector)


def _scored(own: NeedFacts | OfferFacts, other: NeedFacts | OfferFacts | None, fit: TextFit) -> Score | None:
    if other is None:
        return None
    need, offer = _sides(own, other)
    score = score_pair(need, offer, fit.closeness, words_that_count(fit), load_weights())
    return None if NEVER_SHOWN & set(score.excluded_by) else score


def _sides(own: NeedFacts | OfferFacts, other: NeedFacts | OfferFacts) -> tuple[NeedFacts, OfferFacts]:
    if isinstance(own, NeedFacts) and isinstance(other, OfferFacts):
        return own, other
    if isinstance(own, OfferFacts) and isinstance(other, NeedFacts):
        return other, own
    raise TypeError("a need is compared with an offer")


def _shown(
    best: Sequence[tuple[Score, UUID, TextFit]],
    texts: Sequence[ListingText],
    own: NeedFacts | OfferFacts,
    facts: Facts,
    language: str,
    now: Statistics,
) -> list[PreviewMatch]:
    sides = Sides(now)
    sides.read([listing for _, listing, _ in best])
    own_sides = {text.language: Side(text.language, {"title": text.title, **fields_of(text)}) for text in texts}
    shown = []
    for score, listing, fit in best:
        here = own_sides.get(fit.language, Side(fit.language, {}))
        there = Side(fit.language, sides.side(listing, fit.language).texts)
        of_need = isinstance(own, NeedFacts)
        need, offer = _sides(own, facts.held[listing])
        terms = set().union(*(terms_of(said, fit.language) for said in here.texts.values())) if here.texts else set()
        known = statistics.lexicon(Direction.OFFER, fit.language, terms, now)
        because = explain(
            need, offer, here if of_need else there, there if of_need else here, load_weights(), known.idf
        )
        original = sides.original(listing)
        title = sides.texts[listing].get(language, original)
        shown.append(
            PreviewMatch(
                listing_id=listing,
                language=original.language,
                title=title.title,
                title_language=title.language,
                score=points(score)[0],
                because=because,
            )
        )
    return shown
