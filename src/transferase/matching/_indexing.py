"""Listings as rows of the index: words of every text, vectors of the texts that people wrote, sentences to quote."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Prefetch, Q

from transferase.catalogue.models import Classification, Direction, Hold, Listing, ListingText, Scheme, State, Tier
from transferase.engine.ranking import Lexicon, QueryKind, Role, long_parts, sparse, unit
from transferase.matching import _editions as editions
from transferase.matching import _model as model
from transferase.matching._asking import asked_in_all, attained, crossed_words, need_phrases, offer_phrases
from transferase.matching._candidates import sparse_text, vector_text
from transferase.matching._statistics import lexicon
from transferase.matching._texts import ROLES, digest_of, lead_of, quoted_digest, quotes_of, terms_of, whole
from transferase.matching.models import ListingIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from numpy.typing import NDArray

    from transferase.engine.ranking import Quote
    from transferase.matching._asking import Crossed
    from transferase.matching._editions import Standing, Tables
    from transferase.matching._statistics import Statistics

# A listing that is over has no place in the index; a draft has one, so that its owner sees matches before it is open.
INDEXED_STATES: Final = (State.DRAFT, State.IN_REVIEW, State.PUBLISHED, State.PAUSED)
ROW_COLUMNS: Final = (
    "listing_id", "language", "tier", "part", "direction", "is_machine_made", "is_lead", "is_quotable",
    "listing_version", "original_language", "owner_id", "is_anonymous", "country", "is_open", "visible_until",
    "trl_low", "trl_high", "transfer_modes", "ipc", "fields", "lexemes", "words", "asked", "attainable",
    "phrases", "crossed", "length",
    "raw", "centred", "model_version", "means_version", "text_digest",
)  # fmt: skip
# Of a text vector: the last place that a word can have, and how many places.
LAST_PLACE: Final = 16_383
MOST_PLACES: Final = 255
_SENTENCE_COLUMNS: Final = (
    "listing_id", "language", "tier", "number", "field", "start", "end", "digest", "raw", "model_version",
)  # fmt: skip


@dataclass
class TextEntry:
    """A text of a listing on its way into the index."""

    listing: Listing
    text: ListingText
    body: str
    role: Role
    is_lead: bool
    terms: list[str]
    crossed: Crossed = field(default_factory=dict)  # of a need: its words in the other languages
    parts: list[str] = field(default_factory=list)  # what is embedded; empty for a machine-made text
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    sentences: list[Quote] = field(default_factory=list)
    sentence_vectors: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def is_quotable(self) -> bool:
        """Whether every sentence that may be quoted has its vector."""
        return len(self.sentences) == len(self.sentence_vectors)

    @property
    def key(self) -> tuple[UUID, str, str]:
        return self.listing.pk, self.text.language, self.text.tier

    def digests(self) -> list[str]:
        return [digest_of(part, self.role) for part in self.parts]


def read(listings: Collection[UUID]) -> list[Listing]:
    """The listings that belong into the index, with what their rows are made of; `is_held` is set on each."""
    held = Hold.objects.filter(listing=OuterRef("pk"), lifted_at=None)
    codes = Classification.objects.filter(scheme__in=(Scheme.IPC, Scheme.CPC, Scheme.FIELD)).order_by("scheme", "pk")
    return list(
        Listing.objects.filter(pk__in=listings, state__in=INDEXED_STATES)
        .annotate(is_held=Exists(held))
        .prefetch_related(Prefetch("texts", ListingText.objects.order_by("pk")), Prefetch("classifications", codes))
        .order_by("pk")
    )


def entries_of(listings: Iterable[Listing], *, with_terms: bool = True) -> list[TextEntry]:
    """The texts of listings with their terms and what of them is to be embedded."""
    found = []
    for listing in listings:
        texts = [text for text in listing.texts.all() if whole(text)]
        lead = lead_of(listing, texts)
        role = ROLES[Direction(listing.direction)]
        for text in texts:
            body = whole(text)
            entry = TextEntry(
                listing, text, body, role, text is lead, terms_of(body, text.language) if with_terms else []
            )
            is_original = text.language == listing.original_language and not text.is_machine_made
            if with_terms and role is Role.QUERY and is_original:
                entry.crossed = crossed_words(body, text.language)
            if not text.is_machine_made:
                # A need is long and says what matters in several places; an offer says it at once.
                entry.parts = (long_parts(body) or [body]) if role is Role.QUERY else [body]
                if text.tier == Tier.PUBLIC:
                    entry.sentences = quotes_of(text)
            found.append(entry)
    return found


def embed(entries: Sequence[TextEntry], edition: Standing, *, with_sentences: bool) -> None:
    """Fill in the vectors by the model of an edition; what it embedded before is taken from the index.

    Without sentences the listings can be found and matched much sooner; `write_sentences` follows for the quotes.
    """
    known, known_sentences = _held_vectors(entries, edition)
    wanted: dict[tuple[str, Role], NDArray[np.float32] | None] = {}
    for entry in entries:
        for part, digest in zip(entry.parts, entry.digests(), strict=True):
            wanted[part, entry.role] = known.get(digest)
        for said in entry.sentences:
            wanted[said.text, Role.SENTENCE] = known_sentences.get(quoted_digest(said.text))
    for role in Role if with_sentences else (Role.QUERY, Role.PASSAGE):
        texts = [text for (text, of), vector in wanted.items() if of is role and vector is None]
        vectors = model.embed(texts, role, edition) if texts else None
        if vectors is not None:
            wanted.update({(text, role): vector for text, vector in zip(texts, vectors, strict=True)})
    for entry in entries:
        entry.vectors = _all_or_none([wanted[part, entry.role] for part in entry.parts])
        entry.sentence_vectors = _all_or_none([wanted[said.text, Role.SENTENCE] for said in entry.sentences])


def _all_or_none(vectors: Sequence[NDArray[np.float32] | None]) -> list[NDArray[np.float32]]:
    found = [vector for vector in vectors if vector is not None]
    return found if len(found) == len(vectors) else []


def _held_vectors(
    entries: Sequence[TextEntry], edition: Standing
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """The vectors that a model made before, by the digests of their texts: in this edition or, of its model, any."""
    # A need of several parts keeps their mean in part 0, which is no vector of any text that could be asked for.
    digests = list({digest for entry in entries for digest in entry.digests()})
    quoted = list({quoted_digest(said.text) for entry in entries for said in entry.sentences})
    known: dict[str, NDArray[np.float32]] = {}
    known_sentences: dict[str, NDArray[np.float32]] = {}
    # Only whoever builds the next edition keeps it from being switched away while it is read.
    places = (editions.RUNNING,) if edition == editions.running() else (editions.RUNNING, editions.NEXT)
    with connection.cursor() as cursor:
        for tables in places:
            if editions.exists(tables.index):
                cursor.execute(
                    f"""SELECT DISTINCT ON (text_digest) text_digest, raw::text FROM {tables.index}
                    WHERE text_digest = ANY(%s) AND model_version = %s AND raw IS NOT NULL""",  # noqa: S608 - constants
                    [digests, edition.model_version],
                )
                known |= {digest: _vector(text) for digest, text in cursor.fetchall()}
            if editions.exists(tables.sentences):
                cursor.execute(
                    f"""SELECT DISTINCT ON (digest) digest, raw::text FROM {tables.sentences}
                    WHERE digest = ANY(%s) AND model_version = %s""",  # noqa: S608 - constants
                    [quoted, edition.model_version],
                )
                known_sentences |= {digest: _vector(text) for digest, text in cursor.fetchall()}
    return known, known_sentences


def _vector(text: str) -> NDArray[np.float32]:
    return np.array(text.strip("[]").split(","), np.float32)


def write(
    listings: Collection[UUID],
    entries: Sequence[TextEntry],
    statistics: Statistics,
    tables: Tables = editions.RUNNING,
) -> None:
    """Put rows in the place of those that the listings had in an edition."""
    lexicons = _lexicons(entries, statistics)
    # While rows are copied nothing else can be asked on the connection.
    crossed = {entry.key: json.dumps(attained(entry.crossed, statistics)) for entry in entries if entry.crossed}
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{tables.index}" WHERE listing_id = ANY(%s)', [list(listings)])  # noqa: S608
        with cursor.copy(_copy(tables.index, ROW_COLUMNS)) as copy:
            for entry in entries:
                for row in _rows(entry, statistics, lexicons, crossed.get(entry.key)):
                    copy.write_row(row)
    write_sentences(listings, entries, statistics.edition, tables)


def write_sentences(
    listings: Collection[UUID],
    entries: Sequence[TextEntry],
    edition: Standing,
    tables: Tables = editions.RUNNING,
) -> None:
    """Put the sentences of listings in the place of those that they had in an edition."""
    quotable = {entry.listing.pk for entry in entries} - {
        entry.listing.pk for entry in entries if not entry.is_quotable
    }
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{tables.sentences}" WHERE listing_id = ANY(%s)', [list(listings)])  # noqa: S608
        with cursor.copy(_copy(tables.sentences, _SENTENCE_COLUMNS)) as copy:
            for entry in entries:
                for number, (said, vector) in enumerate(zip(entry.sentences, entry.sentence_vectors, strict=False)):
                    place = (said.field, said.start, said.end, quoted_digest(said.text))
                    copy.write_row((*entry.key, number, *place, vector_text(vector), edition.model_version))
        cursor.execute(
            f'UPDATE "{tables.index}" SET is_quotable = TRUE WHERE listing_id = ANY(%s)',  # noqa: S608
            [list(quotable)],
        )


def _copy(table: str, columns: Sequence[str]) -> str:
    named = ", ".join(f'"{column}"' for column in columns)
    return f"COPY {table} ({named}) FROM STDIN"


def _lexicons(entries: Sequence[TextEntry], statistics: Statistics) -> dict[str, Lexicon]:
    """What offers say, by language: what the words of needs are weighed by."""
    terms: dict[str, set[str]] = {}
    for entry in entries:
        if entry.role is Role.QUERY:
            terms.setdefault(entry.text.language, set()).update(entry.terms)
    return {language: lexicon(Direction.OFFER, language, said, statistics) for language, said in terms.items()}


def _rows(
    entry: TextEntry, statistics: Statistics, lexicons: Mapping[str, Lexicon], crossed: str | None
) -> Iterable[tuple[object, ...]]:
    listing, text = entry.listing, entry.text
    language, role = text.language, entry.role
    own = Lexicon(0, statistics.length(language, role), {})
    asked, attainable = None, 0.0
    if role is Role.QUERY:
        asked = sparse_text(sparse(asked_in_all(entry.terms, entry.crossed)))
        attainable = lexicons[language].attainable(entry.terms, QueryKind.NEED)
        phrases = need_phrases(entry.terms)
    else:
        phrases = offer_phrases(entry.terms, own.average_length)
    vectors = list(entry.vectors)
    digests = entry.digests()
    if len(vectors) > 1:
        vectors.insert(0, unit(np.mean(vectors, axis=0)))
        digests.insert(0, digest_of(entry.body, role))
    common = _common(listing)
    for part in range(max(1, len(vectors))):
        vector = as_stored(vectors[part]) if vectors else None
        centred = None if vector is None else statistics.centred(vector, language, role)
        is_whole = part == 0
        yield (
            *entry.key, part, listing.direction, text.is_machine_made, entry.is_lead and is_whole, False, *common,
            _tsvector(entry.terms if is_whole else []),
            sparse_text(sparse(own.document_weights(entry.terms)) if is_whole else {}),
            asked if is_whole else None,
            attainable if is_whole else 0.0,
            sparse_text(sparse(phrases)) if is_whole else None,
            crossed if is_whole else None,
            len(entry.terms) if is_whole else 0,
            None if vector is None else vector_text(vector),
            None if centred is None else vector_text(centred),
            "" if vector is None else statistics.model_version,
            statistics.version,
            digests[part] if vectors else digest_of(entry.body, role),
        )  # fmt: skip


def as_stored(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """A vector in the precision in which it is stored."""
    # What is centred now must be what is centred again from the stored halves when the means change.
    return vector.astype(np.float16).astype(np.float32)


def is_open(listing: Listing) -> bool:
    """Whether others may see a listing that was read for the index, its date aside."""
    return listing.state == State.PUBLISHED and not getattr(listing, "is_held", False)


def _common(listing: Listing) -> tuple[object, ...]:
    codes: dict[str, list[str]] = {}
    for classification in listing.classifications.all():
        codes.setdefault(classification.scheme, []).append(classification.code)
    ipc = list(dict.fromkeys([*codes.get(Scheme.IPC, []), *codes.get(Scheme.CPC, [])]))
    return (
        listing.version, listing.original_language, listing.owner_id, listing.is_anonymous, listing.country,
        is_open(listing), listing.visible_until, listing.trl_low, listing.trl_high, listing.transfer_modes,
        [code[:20] for code in ipc], codes.get(Scheme.FIELD, []),
    )  # fmt: skip


def _tsvector(terms: Sequence[str]) -> str:
    """The terms with their places, so that the row tells which stood beside which."""
    places: dict[str, list[int]] = {}
    for place, term in enumerate(terms, 1):
        places.setdefault(term, []).append(place)
    return " ".join(
        "'" + term.replace("\\", "\\\\").replace("'", "''") + "':" + ",".join(map(str, _kept(held)))
        for term, held in places.items()
    )


def _kept(places: Sequence[int]) -> list[int]:
    """The places that PostgreSQL can keep of a term."""
    return [place for place in places if place <= LAST_PLACE][:MOST_PLACES] or [LAST_PLACE]


# ---------------------------------------------------------------- what is to be done


def stale(
    share: tuple[int, int] = (0, 1), *, edition: Standing | None = None, table: str = editions.RUNNING.index
) -> list[UUID]:
    """The listings whose rows in an edition are missing, stale or too many, oldest first.

    `share` takes the n-th of m parts.
    """
    edition = edition or editions.running()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT coalesce(l.id, i.listing_id) FROM
                (SELECT l.id, l.version, l.visible_until,
                    l.state = 'published' AND NOT EXISTS (SELECT 1 FROM catalogue_hold h
                        WHERE h.listing_id = l.id AND h.lifted_at IS NULL) AS is_open
                 FROM catalogue_listing l WHERE l.state = ANY(%(states)s)
                    AND EXISTS (SELECT 1 FROM catalogue_listingtext t WHERE t.listing_id = l.id
                                AND (t.title <> '' OR t.summary <> ''))) l
            FULL JOIN (SELECT listing_id, min(listing_version) AS version, bool_and(is_open) AS is_open,
                    max(visible_until) AS visible_until,
                    bool_or(model_version NOT IN ('', %(model)s)) AS is_of_other_model,
                    bool_or(NOT is_machine_made AND model_version = '') AS lacks_meaning
                FROM {table} GROUP BY listing_id) i ON i.listing_id = l.id
            WHERE (l.id IS NULL OR i.listing_id IS NULL OR i.version <> l.version OR i.is_open <> l.is_open
                   OR i.visible_until IS DISTINCT FROM l.visible_until OR i.is_of_other_model
                   OR (i.lacks_meaning AND %(has_model)s))
              AND mod(abs(hashtext(coalesce(l.id, i.listing_id)::text)::bigint), %(of)s) = %(share)s
            ORDER BY 1""",  # noqa: S608 - constants
            {
                "states": list(INDEXED_STATES),
                "model": edition.model_version,
                "has_model": model.embedder(edition) is not None,
                "share": share[0],
                "of": share[1],
            },
        )
        return [row[0] for row in cursor.fetchall()]


def left_for(edition: Standing) -> list[UUID]:
    """The listings that an edition in the making still lacks or has otherwise than it should."""
    with transaction.atomic():
        # Another process may switch to it at this moment.
        editions.lock_shared()
        if not editions.exists(editions.NEXT.index):
            return []
        if editions.is_copied(edition):
            return editions.differing()
        return stale(edition=edition, table=editions.NEXT.index)


def to_match_anew(at: datetime) -> list[UUID]:
    """The listings to ask for all matches: a need finds every open offer, so offers ask only while they are not."""
    asking = Q(direction=Direction.NEED) | Q(is_open=False) | Q(visible_until__lte=at)
    rows = ListingIndex.objects.filter(asking, is_lead=True).order_by("direction", "listing_id")
    return list(rows.values_list("listing_id", flat=True))


def unquoted() -> list[UUID]:
    """The listings whose sentences are still to be embedded."""
    rows = ListingIndex.objects.filter(is_lead=True, is_quotable=False).order_by("listing_id")
    return list(rows.values_list("listing_id", flat=True))
