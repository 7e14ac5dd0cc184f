"""What is known of the texts as a whole: means of vectors, mean lengths, and in how many listings a word stands.

Only public texts of open listings are counted, so that nobody can learn from a rank what a private text says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from django.db import connection
from django.db.models import Max, Q

from transferase.catalogue.models import Direction
from transferase.engine.ranking import DOCUMENT_SATURATION, Lexicon, Mean, Means, Role, default_means, shrink
from transferase.foundation.languages import LANGUAGES
from transferase.matching import _editions as editions
from transferase.matching._texts import ROLES
from transferase.matching.models import LanguageMean, ListingIndex, TermFrequency

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from numpy.typing import NDArray

    from transferase.matching._editions import Standing, Tables

# A new version is made when the texts of some language and direction have become a fifth more.
GROWTH: Final = 1.2
LEAST_GROWTH: Final = 1
# Terms in a text of public research offers and needs, measured on the sample records; used until there are own texts.
USUAL_LENGTH: Final[Mapping[tuple[str, str], float]] = {
    ("ko", Role.PASSAGE): 90.0,
    ("zh-Hans", Role.PASSAGE): 130.0,
    ("en", Role.PASSAGE): 130.0,
    ("ko", Role.QUERY): 60.0,
    ("zh-Hans", Role.QUERY): 80.0,
    ("en", Role.QUERY): 250.0,
}
_COUNTED: Final = "i.part = 0 AND i.tier = 'public' AND i.is_open"
_DIRECTIONS: Final = {role: direction for direction, role in ROLES.items()}


@dataclass(frozen=True)
class Statistics:
    """The means and mean lengths of an edition, by language and role."""

    edition: Standing
    means: Means
    lengths: Mapping[tuple[str, str], float]

    @property
    def version(self) -> int:
        return self.edition.means_version

    @property
    def model_version(self) -> str:
        return self.edition.model_version

    def centred(self, vectors: NDArray[np.float32], language: str | None, role: Role) -> NDArray[np.float32]:
        """Vectors without what all texts of the language have in common in this role."""
        return self.means.centred(vectors, language, role)

    def length(self, language: str, role: Role) -> float:
        return self.lengths.get((language, role)) or USUAL_LENGTH[language, role]


def current() -> Statistics:
    """Those of the running edition: what its rows were centred and weighed by, and what queries must be."""
    return of(editions.running())


@lru_cache(maxsize=8)
def _made(edition: Standing, mark: int) -> Statistics:
    own: dict[tuple[str, Role], Mean] = {}
    lengths: dict[tuple[str, str], float] = {}
    for row in LanguageMean.objects.filter(model_version=edition.model_version, version=edition.means_version):
        language, role = row.language, Role(row.role)
        own[language, role] = Mean(language, role, row.texts, np.asarray(row.vector, np.float32))
        lengths[language, role] = row.average_length
    return Statistics(
        edition,
        default_means(edition.model_version, edition.dimension).replaced(str(edition.means_version), own),
        lengths,
    )


def of(edition: Standing) -> Statistics:
    """Those of an edition; before it has means of its own, the shipped ones."""
    rows = LanguageMean.objects.filter(model_version=edition.model_version, version=edition.means_version)
    # A version never changes, so what was read of it once holds; the mark tells one database from another in tests.
    return _made(
        edition, hash(tuple(rows.order_by("language", "role").values_list("texts", "vectors", "average_length")))
    )


def is_due(statistics: Statistics) -> bool:
    """Whether the texts have grown so much that the means no longer stand for them, or have vectors only now."""
    rows = LanguageMean.objects.filter(model_version=statistics.model_version, version=statistics.version)
    before = {(row.language, row.role): row for row in rows}
    for row in TermFrequency.objects.filter(term=""):
        known = before.get((row.language, ROLES[Direction(row.direction)]))
        if row.listings >= GROWTH * (known.texts if known else 0) + LEAST_GROWTH:
            return True
    if any(row.vectors for row in before.values()):
        return False
    return bool(before) and ListingIndex.objects.filter(is_open=True, tier="public", raw__isnull=False).exists()


def make_version(edition: Standing, tables: Tables) -> int:
    """A new version for an edition from the texts in its tables as they are now; says its number.

    A language with few texts leans on the shipped means.
    """
    version = (LanguageMean.objects.aggregate(newest=Max("version"))["newest"] or 0) + 1
    defaults = default_means(edition.model_version, edition.dimension)
    counts = _lengths(tables.index)
    sums = _mean_vectors(edition.model_version, tables)
    rows = []
    for language in LANGUAGES:
        for role in Role:
            number, mean = sums.get((language, role), (0, None))
            default = defaults.vector(language, role)
            texts, length = counts.get((language, role), (number, 0))
            rows.append(
                LanguageMean(
                    language=language,
                    role=role,
                    version=version,
                    model_version=edition.model_version,
                    texts=texts,
                    vectors=number,
                    average_length=length / texts if texts else 0,
                    vector=default if mean is None else shrink(mean, number, default),
                )
            )
    LanguageMean.objects.bulk_create(rows)
    return version


def forget_other_models(model_version: str) -> None:
    """Remove the means of models that no row was made with any more."""
    LanguageMean.objects.exclude(model_version=model_version).delete()


def _lengths(table: str) -> dict[tuple[str, str], tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT i.language, i.direction, count(*), sum(i.length) FROM {table} i
            WHERE {_COUNTED} GROUP BY 1, 2"""  # noqa: S608 - constants
        )
        return {(row[0], ROLES[Direction(row[1])]): (row[2], int(row[3])) for row in cursor.fetchall()}


def _mean_vectors(model_version: str, tables: Tables) -> dict[tuple[str, str], tuple[int, NDArray[np.float32]]]:
    found: dict[tuple[str, str], tuple[int, NDArray[np.float32]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT i.language, i.direction, count(*), avg(i.raw::vector)::text FROM {tables.index} i
            WHERE {_COUNTED} AND i.raw IS NOT NULL AND i.model_version = %s GROUP BY 1, 2
            UNION ALL SELECT s.language, '', count(*), avg(s.raw::vector)::text FROM {tables.sentences} s
            JOIN {tables.index} i ON i.listing_id = s.listing_id AND i.is_lead AND {_COUNTED}
            WHERE s.model_version = %s GROUP BY 1""",  # noqa: S608 - constants
            [model_version, model_version],
        )
        for language, direction, number, text in cursor.fetchall():
            role = ROLES[Direction(direction)] if direction else Role.SENTENCE
            found[language, role] = (number, np.array(text.strip("[]").split(","), np.float32))
    return found


# ---------------------------------------------------------------- words


def counts_in(words: Mapping[int, float], length: int, average_length: float) -> dict[int, int]:
    """How often a text says each term, from the weights that it got as a document: how a row is weighed anew."""
    k1, b = DOCUMENT_SATURATION.k1, DOCUMENT_SATURATION.b
    norm = k1 * (1 - b + b * length / average_length) if average_length > 0 else k1
    return {term: max(1, round(weight * norm / (k1 + 1 - weight))) for term, weight in words.items()}


def reweighed(weights: Mapping[int, float], length: int, former: float, now: float) -> dict[int, float]:
    """The weights of a document when the mean length of documents has changed."""
    k1, b = DOCUMENT_SATURATION.k1, DOCUMENT_SATURATION.b
    norm = k1 * (1 - b + b * length / now) if now > 0 else k1
    return {term: count * (k1 + 1) / (count + norm) for term, count in counts_in(weights, length, former).items()}


def counted_terms(listings: Collection[UUID]) -> dict[tuple[str, str, str], tuple[int, int]]:
    """What some listings add to the counts now: (direction, language, term) -> (listings, length)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT i.direction, i.language, term, count(*), 0 FROM matching_listingindex i,
                unnest(tsvector_to_array(i.lexemes)) AS term WHERE i.listing_id = ANY(%(ids)s) AND {_COUNTED}
            GROUP BY 1, 2, 3
            UNION ALL SELECT i.direction, i.language, '', count(*), sum(i.length) FROM matching_listingindex i
            WHERE i.listing_id = ANY(%(ids)s) AND {_COUNTED} GROUP BY 1, 2""",  # noqa: S608 - constants
            {"ids": list(listings)},
        )
        return {(row[0], row[1], row[2]): (row[3], int(row[4])) for row in cursor.fetchall()}


def count_terms(
    before: Mapping[tuple[str, str, str], tuple[int, int]], after: Mapping[tuple[str, str, str], tuple[int, int]]
) -> None:
    """Change the counts by what some listings add after a change and added before it."""
    changes = []
    for key in sorted(before.keys() | after.keys()):
        listings = after.get(key, (0, 0))[0] - before.get(key, (0, 0))[0]
        length = after.get(key, (0, 0))[1] - before.get(key, (0, 0))[1]
        if listings or length:
            changes.append((*key, listings, length))
    if not changes:
        return
    columns = list(zip(*changes, strict=True))
    with connection.cursor() as cursor:
        # In one order for everybody: two workers that count the same words must not wait for each other.
        cursor.execute(
            """INSERT INTO "matching_termfrequency" AS f (direction, language, term, listings, length)
            SELECT * FROM unnest(%s::varchar[], %s::varchar[], %s::varchar[], %s::bigint[], %s::bigint[])
            ON CONFLICT (direction, language, term) DO UPDATE
            SET listings = f.listings + EXCLUDED.listings, length = f.length + EXCLUDED.length""",
            [list(column) for column in columns],
        )


def count_all_terms(table: str = editions.RUNNING.index) -> None:
    """Count every word anew: the counts of many small changes, made at the same time, may have drifted."""
    TermFrequency.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO "matching_termfrequency" (direction, language, term, listings, length)
            SELECT i.direction, i.language, term, count(*), 0 FROM {table} i,
                unnest(tsvector_to_array(i.lexemes)) AS term WHERE {_COUNTED} GROUP BY 1, 2, 3
            UNION ALL SELECT i.direction, i.language, '', count(*), sum(i.length) FROM {table} i
            WHERE {_COUNTED} GROUP BY 1, 2"""  # noqa: S608 - constants
        )


def lexicon(direction: str, language: str, terms: Collection[str], statistics: Statistics) -> Lexicon:
    """What is known of some terms among the listings of one direction in one language."""
    wanted = {"", *terms}
    known = dict(
        TermFrequency.objects.filter(
            Q(listings__gt=0), direction=direction, language=language, term__in=wanted
        ).values_list("term", "listings")
    )
    return Lexicon(
        count=known.pop("", 0),
        average_length=statistics.length(language, ROLES[Direction(direction)]),
        frequency=known,
    )
