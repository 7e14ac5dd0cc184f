"""Making editions of the index: begun when model, means or words change, filled in blocks, switched when whole.

Rows of an edition are derived: the ledger tells of its beginning, its means and the switch, not of every block.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import OperationalError, connection
from pgvector import SparseVector

from transferase.catalogue.models import Direction
from transferase.directory.rules import Permission, require
from transferase.engine.ranking import EmbedderUnavailable, QueryKind, Role, document_weights, sparse, term_id
from transferase.foundation.ledger import record, service
from transferase.matching import _editions as editions
from transferase.matching import _indexing as indexing
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching._asking import attained
from transferase.matching._candidates import sparse_text, vector_text
from transferase.matching._texts import ROLES
from transferase.matching.models import Edition, ListingIndex
from transferase.matching.services._index import BATCH, index_batch, index_into

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from transferase.directory.models import Person
    from transferase.engine.ranking import Embedder
    from transferase.foundation.ledger import System
    from transferase.matching._editions import Standing
    from transferase.matching._statistics import Statistics

COPIED_BATCH: Final = 500
# So many listings may still be taken over while writers wait; more are taken over first.
FEW_LEFT: Final = 128
_CLAIMS: Final = 1  # apart from the locks of single listings, which have the seed 0


def rebuild(
    *,
    actor: Person | System,
    at: datetime,
    progress: Callable[[int, int], None] | None = None,
    share: tuple[int, int] = (0, 1),
    with_quotes: bool = True,
    renews: bool = True,
    size: int = BATCH,
) -> int:
    """Index every listing whose rows are missing or stale, in batches, and say how many there were.

    Each batch is a transaction of its own, so a run that was stopped goes on where it was. Several processes may take
    a `share` (n of m) each; the one with share 0 renews the means at the end when the texts have grown enough, unless
    whoever waits for all of them `renews` for all.
    Without quotes listings can be found in half the time; `quote_all` makes up for it. Batches of another `size` are
    for whoever wants to hear of the `progress` more often.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    waiting = indexing.stale(share)
    for start in range(0, len(waiting), size):
        batch = waiting[start : start + size]
        index_batch(actor=actor, listing_ids=batch, at=at, with_quotes=with_quotes)
        if progress is not None:
            progress(start + len(batch), len(waiting))
    if renews and share[0] == 0:
        renew_means(actor=actor, at=at)
    return len(waiting)


def renew_means(*, actor: Person | System, at: datetime, is_forced: bool = False) -> int:
    """Make new means when the texts have grown by a fifth, and an edition of which every row is centred by them.

    Nothing is embedded again: the raw vectors are kept. Says how many rows the new edition has, 0 without one.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    begin_means(actor=actor, at=at, is_forced=is_forced)
    return build(actor=actor, at=at)


def build(*, actor: Person | System, at: datetime, progress: Callable[[int, int], None] | None = None) -> int:
    """Go on with the edition that is being built until it runs; says how many rows it has, 0 if nothing came of it.

    Several processes may do so at once: each takes the listings that no other is at. One that was killed is missed
    by nobody, and what it had done stays done.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    before = None
    while (edition := editions.building()) is not None:
        waiting = indexing.left_for(edition)
        if before == (edition.number, len(waiting)):
            return 0  # others are at the rest, or the model does not answer
        before = edition.number, len(waiting)
        size = COPIED_BATCH if editions.is_copied(edition) else BATCH
        for start in range(0, len(waiting), size):
            fill_batch(actor=actor, number=edition.number, listing_ids=waiting[start : start + size], at=at)
            if progress is not None:
                progress(min(start + size, len(waiting)), len(waiting))
        if finish(actor=actor, number=edition.number, at=at):
            return ListingIndex.objects.count()
    return 0


def finish(*, actor: Person | System, number: int, at: datetime) -> bool:
    """Centre, index and switch an edition in which nearly every listing stands; says whether it runs now."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    edition = editions.building()
    if edition is None or edition.number != number or not edition.dimension:
        return False
    if len(indexing.left_for(edition)) > FEW_LEFT:
        return False
    centre_edition(actor=actor, number=number)
    index_edition(actor=actor, number=number)
    try:
        return switch(actor=actor, number=number, at=at)
    except OperationalError:
        # A long read holds the table; the next look tries again.
        return False


# ---------------------------------------------------------------- beginning


@service
def begin_model(*, actor: Person | System, at: datetime) -> bool:
    """Begin an edition with the configured model and the engine's way of weighing words, unless it runs already.

    Says whether one is being built. An edition for what is no longer wanted is given up; one for new means makes way.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    editions.lock()
    now, beside = editions.running(), editions.building()
    wanted = model.wanted_version() or now.model_version
    words = editions.words_version()
    if (wanted, words) == (now.model_version, now.words_version):
        if beside is not None and not editions.is_copied(beside):
            _give_up(actor, beside, at)
            beside = None
        return beside is not None
    is_begun = beside is not None and (beside.model_version, beside.words_version) == (wanted, words)
    if beside is not None and is_begun and beside.dimension:
        return True
    if beside is not None and not is_begun:
        _give_up(actor, beside, at)
    dimension, trouble = now.dimension, ""
    configured = now.model
    if wanted != now.model_version:
        configured = str(settings.EMBEDDING)
        embedder = model.wanted()
        dimension = _dimension_of(embedder) if embedder else 0
        trouble = "" if dimension else _why_not(embedder)
    if not is_begun:
        _begin(actor, at, wanted, configured, dimension, means_version=0, with_sentences=True)
    elif dimension:
        editions.create(dimension, with_sentences=True)
    Edition.objects.filter(state=Edition.State.BUILDING).update(dimension=dimension, trouble=trouble[:400])
    return True


def _dimension_of(embedder: Embedder) -> int:
    try:
        return embedder.dimension if 0 < embedder.dimension <= editions.LONGEST_VECTOR else 0
    except EmbedderUnavailable:
        return 0


def _why_not(embedder: Embedder | None) -> str:
    try:
        if embedder is not None and embedder.dimension > editions.LONGEST_VECTOR:
            return f"Its vectors have {embedder.dimension} numbers; {editions.LONGEST_VECTOR} can be indexed at most."
    except EmbedderUnavailable as error:
        return str(error)
    return model.trouble(settings.EMBEDDING)


@service
def begin_means(*, actor: Person | System, at: datetime, is_forced: bool = False) -> bool:
    """Begin an edition with means from the texts as they are now, if they have grown enough or it is forced.

    Says whether one was begun; another one that is being built gets new means anyway.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    editions.lock()
    if editions.building() is not None:
        return False
    now = editions.running()
    if not is_forced and not statistics.is_due(statistics.current()):
        return False
    statistics.count_all_terms()
    version = statistics.make_version(now, editions.RUNNING)
    record(actor=actor, action="matching.means.renewed", subject="matching.LanguageMean", version=version)
    _begin(actor, at, now.model_version, now.model, now.dimension, means_version=version, with_sentences=False)
    return True


def _begin(
    actor: Person | System,
    at: datetime,
    model_version: str,
    configured: str,
    dimension: int,
    *,
    means_version: int,
    with_sentences: bool,
) -> None:
    number = max(Edition.objects.values_list("number", flat=True), default=0) + 1
    Edition.objects.create(
        number=number,
        state=Edition.State.BUILDING,
        model_version=model_version,
        model=configured,
        dimension=dimension,
        means_version=means_version,
        words_version=editions.running().words_version if not with_sentences else editions.words_version(),
        listings=ListingIndex.objects.filter(is_lead=True).count(),
        started_at=at,
    )
    if dimension:
        editions.create(dimension, with_sentences=with_sentences)
    record(actor=actor, action="matching.edition.begun", subject=f"matching.Edition:{number}", model=model_version)


def _give_up(actor: Person | System, edition: Standing, at: datetime) -> None:
    editions.drop()
    Edition.objects.filter(number=edition.number).delete()
    record(actor=actor, action="matching.edition.given_up", subject=f"matching.Edition:{edition.number}")


# ---------------------------------------------------------------- filling


@service
def fill_batch(*, actor: Person | System, number: int, listing_ids: Sequence[UUID], at: datetime) -> int:
    """Take some listings over into the edition that is being built, but for those that another process is at.

    Says how many were taken over.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    editions.lock_shared()
    edition = editions.building()
    if edition is None or edition.number != number:
        return 0
    mine = _claimed(listing_ids)
    if not mine:
        return 0
    if editions.is_copied(edition):
        return _copy(mine, edition)
    is_whole = index_into(mine, statistics.of(edition), editions.beside())
    _note(edition, "" if is_whole else model.trouble(edition.model))
    return len(mine) if is_whole else 0


def _note(edition: Standing, trouble: str) -> None:
    Edition.objects.filter(number=edition.number).exclude(trouble=trouble[:400]).update(trouble=trouble[:400])


def _claimed(listing_ids: Sequence[UUID]) -> list[UUID]:
    """Those of some listings that no other process is at; they are this one's until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id FROM unnest(%s::uuid[]) WITH ORDINALITY AS l (id, place)
            WHERE pg_try_advisory_xact_lock(hashtextextended(id::text, %s)) ORDER BY place""",
            [list(listing_ids), _CLAIMS],
        )
        return [row[0] for row in cursor.fetchall()]


class _Row(NamedTuple):
    """What a row keeps of its text: enough to weigh and centre it anew."""

    listing_id: UUID
    language: str
    tier: str
    part: int
    direction: str
    raw: str | None
    words: str
    length: int
    terms: list[str]
    model_version: str
    phrases: str | None
    crossed: str | None


def _copy(listing_ids: Sequence[UUID], edition: Standing) -> int:
    """Copy the rows of listings into the next edition, centred and weighed by its means; says how many listings."""
    changed = editions.differing(listing_ids)
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{editions.NEXT.index}" WHERE listing_id = ANY(%s)', [changed])  # noqa: S608
        cursor.execute(
            f"""SELECT listing_id, language, tier, part, direction, raw::text, words::text, length,
                   tsvector_to_array(lexemes), model_version, phrases::text, crossed::text
            FROM {editions.RUNNING.index} r WHERE listing_id = ANY(%s)""",  # noqa: S608 - constants
            [changed],
        )
        rows = [_Row(*row) for row in cursor.fetchall()]
        if not rows:
            return len(changed)
        renewed_rows = _renewed(rows, statistics.current(), statistics.of(edition))
        columns = [list(column) for column in zip(*renewed_rows, strict=True)]
        names = [f'"{name}"' for name in indexing.ROW_COLUMNS]
        renewed = {
            '"centred"': "c.centred::halfvec",
            '"words"': "c.words::sparsevec",
            '"attainable"': "c.attainable",
            '"phrases"': "c.phrases::sparsevec",
            '"crossed"': "c.crossed::jsonb",
            '"means_version"': "%(version)s",
        }
        chosen = ", ".join(renewed.get(name, f"r.{name}") for name in names)
        cursor.execute(
            f"""INSERT INTO "{editions.NEXT.index}" ({", ".join(names)})
            SELECT {chosen} FROM {editions.RUNNING.index} r
            JOIN unnest(%(ids)s::uuid[], %(languages)s::text[], %(tiers)s::text[], %(parts)s::int[],
                        %(centred)s::text[], %(words)s::text[], %(attainable)s::float8[], %(phrases)s::text[],
                        %(crossed)s::text[])
                 AS c (listing_id, language, tier, part, centred, words, attainable, phrases, crossed)
              ON (r.listing_id, r.language, r.tier, r.part) = (c.listing_id, c.language, c.tier, c.part)""",  # noqa: S608
            {
                "version": edition.means_version,
                **dict(zip(_NAMES, columns, strict=True)),
            },
        )
    return len(changed)


class _Renewed(NamedTuple):
    """The key of a row and its changed columns."""

    listing_id: UUID
    language: str
    tier: str
    part: int
    centred: str | None
    words: str
    attainable: float
    phrases: str | None
    crossed: str | None


_KEY: Final = 4
_NAMES: Final = ("ids", "languages", "tiers", "parts", "centred", "words", "attainable", "phrases", "crossed")


def _renewed(rows: Sequence[_Row], former: Statistics, now: Statistics) -> list[_Renewed]:
    """The changed columns of rows, from their raw vectors and the counts that their weights hold."""
    asked: dict[str, set[str]] = {}
    for row in rows:
        if row.direction == Direction.NEED:
            asked.setdefault(row.language, set()).update(row.terms)
    lexicons = {
        language: statistics.lexicon(Direction.OFFER, language, terms, now) for language, terms in asked.items()
    }
    renewed = []
    for row in rows:
        role = ROLES[Direction(row.direction)]
        lengths = former.length(row.language, role), now.length(row.language, role)
        is_need = role is Role.QUERY and row.part == 0
        said = _said(row, lengths[0]) if is_need or lengths[0] != lengths[1] else None
        words, phrases, crossed = row.words, row.phrases, row.crossed
        if said is not None and not row.part:
            words = sparse_text(sparse(document_weights(said, lengths[1])))
        if phrases is not None and not is_need and lengths[0] != lengths[1]:
            held = statistics.reweighed(_numbers(phrases), row.length, lengths[0], lengths[1])
            phrases = sparse_text(held)
        if crossed is not None:
            kept: dict[str, dict[str, dict[str, float]]] = json.loads(crossed)
            crossed = json.dumps(attained({language: told["words"] for language, told in kept.items()}, now))
        vector = None
        if row.raw is not None and row.model_version == now.model_version:
            raw = np.array(row.raw.strip("[]").split(","), np.float32)
            vector = vector_text(now.centred(raw, row.language, role))
        attainable = lexicons[row.language].attainable(said or (), QueryKind.NEED) if is_need else 0.0
        key = (row.listing_id, row.language, row.tier, row.part)
        renewed.append(_Renewed(*key, vector, words, attainable, phrases, crossed))
    return renewed


def _numbers(text: str) -> dict[int, float]:
    weights = SparseVector.from_text(text)
    return dict(zip(weights.indices(), weights.values(), strict=True))


def _said(row: _Row, average_length: float) -> list[str]:
    """The terms of a text, each as often as it was said, from the weights that were made of them."""
    counts = statistics.counts_in(_numbers(row.words), row.length, average_length)
    return [term for term in row.terms for _ in range(counts.get(term_id(term), 0))]


# ---------------------------------------------------------------- switching


@service
def centre_edition(*, actor: Person | System, number: int) -> int:
    """Give an edition with a new model or new words means of its own and centre its rows; says how many there are.

    They can be made only when all its vectors are there; an edition that was made for new means has them already.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    editions.lock()
    edition = editions.building()
    if edition is None or edition.number != number or edition.means_version:
        return 0
    version = statistics.make_version(edition, editions.beside())
    Edition.objects.filter(number=number).update(means_version=version)
    record(actor=actor, action="matching.means.renewed", subject="matching.LanguageMean", version=version)
    made = replace(edition, means_version=version)
    has_new_words = edition.words_version != editions.running().words_version
    if has_new_words:
        # What a need can attain depends on the words of this edition; others go on with the counts of the running one.
        statistics.count_all_terms(editions.NEXT.index)
    former, now = statistics.of(edition), statistics.of(made)
    last: UUID | None = None
    done = 0
    while rows := _rows_after(last):
        with connection.cursor() as cursor:
            cursor.executemany(
                f"""UPDATE "{editions.NEXT.index}" SET centred = %s::halfvec, words = %s::sparsevec, attainable = %s,
                    phrases = %s::sparsevec, crossed = %s::jsonb, means_version = %s
                WHERE (listing_id, language, tier, part) = (%s, %s, %s, %s)""",  # noqa: S608
                [(*row[_KEY:], version, *row[:_KEY]) for row in _renewed(rows, former, now)],
            )
        last, done = rows[-1].listing_id, done + len(rows)
    if has_new_words:
        statistics.count_all_terms()
    editions.tidy()
    return done


@service
def index_edition(*, actor: Person | System, number: int) -> bool:
    """Build the indexes of an edition that is being built; says whether they are there."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    editions.lock()
    edition = editions.building()
    if edition is None or edition.number != number or not edition.means_version:
        return False
    editions.add_indexes()
    return True


@service
def switch(*, actor: Person | System, number: int, at: datetime) -> bool:
    """Let the edition that was built run, if it is whole; says whether it does. Searches go on meanwhile."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    editions.lock()
    edition = editions.building()
    if edition is None or edition.number != number or not edition.means_version:
        return False
    was_copied = editions.is_copied(edition)
    _complete(edition)
    editions.bar_writers()
    if not _complete(edition):
        return False
    editions.take_over()
    Edition.objects.filter(state=Edition.State.RUNNING).delete()
    Edition.objects.filter(number=number).update(state=Edition.State.RUNNING, switched_at=at, trouble="")
    if not was_copied:
        statistics.count_all_terms()
        statistics.forget_other_models(edition.model_version)
    record(
        actor=actor,
        action="matching.edition.switched",
        subject=f"matching.Edition:{number}",
        model=edition.model_version,
        means=edition.means_version,
        rows=ListingIndex.objects.count(),
        at=at.isoformat(),
    )
    return True


def _complete(edition: Standing) -> bool:
    """Take over the few listings that changed a moment ago; says whether none is left."""
    left = indexing.left_for(edition)
    if len(left) > FEW_LEFT:
        return False
    if not left:
        return True
    with connection.cursor() as cursor:
        # Another process may be at them.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(id, %s)) FROM unnest(%s::text[]) AS id ORDER BY id",
            [_CLAIMS, sorted(str(listing) for listing in left)],
        )
    left = indexing.left_for(edition)
    if editions.is_copied(edition):
        _copy(left, edition)
    elif not index_into(left, statistics.of(edition), editions.beside()):
        _note(edition, model.trouble(edition.model))
        return False
    return not indexing.left_for(edition)


def _rows_after(last: UUID | None) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT listing_id, language, tier, part, direction, raw::text, words::text, length,
                   tsvector_to_array(lexemes), model_version, phrases::text, crossed::text
            FROM {editions.NEXT.index} WHERE listing_id IN (SELECT DISTINCT listing_id FROM {editions.NEXT.index}
                WHERE %(last)s::uuid IS NULL OR listing_id > %(last)s::uuid ORDER BY 1 LIMIT %(most)s)
            ORDER BY listing_id""",  # noqa: S608
            {"last": last, "most": COPIED_BATCH},
        )
        return [_Row(*row) for row in cursor.fetchall()]
