"""Matches of a text that is not recorded yet: what a person sees while writing an offer or a need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from transferase.catalogue.models import Direction, ListingText, Tier
from transferase.engine.ranking import (
    QueryKind,
    Role,
    document_weights,
    long_parts,
    points,
    sparse,
    unit,
)
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching._asking import asked_in_all, crossed_words
from transferase.matching._indexing import as_stored
from transferase.matching._reach import public_reach
from transferase.matching._scoring import (
    NEVER_SHOWN,
    Facts,
    Sides,
    Subject,
    TextRow,
    stated,
    text_fits,
)
from transferase.matching._statistics import lexicon
from transferase.matching._texts import ROLES, quotes_of, terms_of, whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from transferase.catalogue.rules import ListingDraft
    from transferase.directory.models import Organisation
    from transferase.engine.ranking import Quote, Reason, Score
    from transferase.matching._asking import Crossed
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
class _Comparison:
    """A draft beside the public listings of the other direction: their scores, best first, and how its texts fit."""

    subject: Subject
    scores: Sequence[tuple[UUID, Score]]
    facts: Facts
    statistics: Statistics


def preview(
    draft: ListingDraft, at: datetime, language: str, limit: int, owner: Organisation | None = None
) -> list[PreviewMatch]:
    """The public listings of the other direction that a draft of an organisation would match now, best first.

    They are scored and left out as the proposals of a listing are; what is ruled out is left out too.
    """
    compared = _compare(draft, at, owner)
    threshold = compared.facts.weights.threshold
    good = [row for row in compared.scores if row[1].value >= threshold and not row[1].excluded_by]
    return _shown(good, draft, compared, language, limit) if good else []


def ranking_of(draft: ListingDraft, at: datetime) -> list[tuple[UUID, Score]]:
    """Every public candidate for a draft with its score, best first, whatever the threshold: what is measured."""
    return list(_compare(draft, at, None).scores)


def _compare(draft: ListingDraft, at: datetime, owner: Organisation | None) -> _Comparison:
    now = statistics.current()
    texts = [text for text in _texts(draft) if whole(text)]
    written = [text for text in texts if not text.is_machine_made]
    original = next((text for text in written if text.language == draft.original_language), next(iter(written), None))
    rows = [_row(text, draft.direction, now, is_original=text is original) for text in texts]
    subject, facts = Subject(_DRAFT, draft.direction, rows), Facts(at)
    if not rows:
        return _Comparison(subject, (), facts, now)
    fits = text_fits(subject, public_reach(at), now)
    facts.read(fits)
    told = (str(owner.pk), owner.kind) if owner else ("", "")
    facts.held[_DRAFT] = stated(draft, _codes(draft), *told)
    scores = []
    for listing, fit in fits.items():
        score = facts.score(*_pair(draft, listing), fit)
        if score is not None and not NEVER_SHOWN & set(score.excluded_by):
            scores.append((listing, score))
    return _Comparison(subject, sorted(scores, key=lambda row: (-row[1].value, str(row[0]))), facts, now)


def _pair(draft: ListingDraft, other: UUID) -> tuple[UUID, UUID]:
    """The need and the offer of a draft and a listing."""
    return (_DRAFT, other) if draft.direction == Direction.NEED else (other, _DRAFT)


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
        known = lexicon(Direction.OFFER, text.language, terms, now)
        attainable = known.attainable(terms, QueryKind.NEED)
    vector, vectors = None, []
    if not text.is_machine_made:
        parts = (long_parts(body) or [body]) if direction == Direction.NEED else [body]
        raw = model.embed(parts, role, now.edition)
        if raw is not None:
            together = unit(np.mean(raw, axis=0)) if len(raw) > 1 else raw[0]
            vector = now.centred(as_stored(together), text.language, role)
            vectors = [now.centred(as_stored(part), text.language, role) for part in raw] if len(raw) > 1 else []
    return TextRow(
        language=text.language,
        is_machine_made=text.is_machine_made,
        said=terms,
        weights=sparse(weights),
        attainable=attainable,
        vector=vector,
        body=body,
        crossed={
            language: (lexicon(Direction.OFFER, language, words, now).attainable_of(words), list(words))
            for language, words in crossed.items()
        },
        parts=vectors,
    )


def _shown(
    good: Sequence[tuple[UUID, Score]], draft: ListingDraft, compared: _Comparison, language: str, limit: int
) -> list[PreviewMatch]:
    sides = Sides(compared.statistics)
    _lay_out(draft, compared, sides)
    is_quoted = False
    shown: list[PreviewMatch] = []
    for place, (listing, score) in enumerate(good):
        if len(shown) == limit:
            break
        if place % limit == 0:
            sides.read([other for other, _ in good[place : place + limit]])
        pair = _pair(draft, listing)
        because = sides.said(*pair, compared.facts)
        if not because and not is_quoted:
            # Only where nothing else tells why two belong together do the sentences decide; embedding them takes time.
            sides.sentences[_DRAFT], is_quoted = _sentences(draft, compared.statistics), True
        if sides.is_unexplained(*pair, because):
            continue
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


def _lay_out(draft: ListingDraft, compared: _Comparison, sides: Sides) -> None:
    """Put the draft where the texts of listings are kept, as if it had been read."""
    now = compared.statistics
    sides.texts[_DRAFT] = {text.language: text for text in _texts(draft)}
    sides.sentences[_DRAFT] = ((), np.empty((0, now.edition.dimension), np.float32))
    if draft.direction == Direction.NEED:
        for row in compared.subject.rows:
            known = lexicon(Direction.OFFER, row.language, row.terms, now)
            sides.lexicons[_DRAFT, row.language] = known


def _sentences(draft: ListingDraft, now: Statistics) -> tuple[tuple[Quote, ...], NDArray[np.float32]]:
    """The sentences of a draft that people wrote, by language as the index keeps them, with their centred vectors."""
    texts = sorted((text for text in _texts(draft) if not text.is_machine_made), key=lambda text: text.language)
    quotes = [quote for text in texts for quote in quotes_of(text)]
    raw = model.embed([quote.text for quote in quotes], Role.SENTENCE, now.edition) if quotes else None
    if raw is None:
        return (), np.empty((0, now.edition.dimension), np.float32)
    centred = [
        now.centred(as_stored(vector), quote.language, Role.SENTENCE) for quote, vector in zip(quotes, raw, strict=True)
    ]
    return tuple(quotes), np.array(centred, np.float32)
