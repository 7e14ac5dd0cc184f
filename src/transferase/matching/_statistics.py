"""What is known of the texts as a whole: means of vectors, mean lengths, and in how many listings a word stands.

Only public texts of open listings are counted, so that nobody can learn from a rank what a private text says.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from django.db import connection
from django.db.models import Max, Q, Sum

from transferase.catalogue.models import Direction
from transferase.engine.ranking import DOCUMENT_SATURATION, Lexicon, Mean, Means, Role, default_means, shrink
from transferase.foundation.languages import LANGUAGES
from transferase.matching._texts import ROLES
from transferase.matching.models import LanguageMean, TermFrequency

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from numpy.typing import NDArray

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
    """One version of the means and mean lengths, by language and role."""

    version: int
    means: Means
    lengths: Mapping[tuple[str, str], float]

    def centred(self, vectors: NDArray[np.float32], language: str | None, role: Role) -> NDArray[np.float32]:
        """Vectors without what all texts of the language have in common in this role."""
        return self.means.centred(vectors, language, role)

    def length(self, language: str, role: Role) -> float:
        return self.lengths.get((language, role)) or USUAL_LENGTH[language, role]


_reading = threading.Lock()
_read: dict[str, tuple[object, Statistics]] = {}


def current(model_version: str) -> Statistics:
    """The newest version that was made with a model; before there is one, the shipped means."""
    made = LanguageMean.objects.filter(model_version=model_version).aggregate(
        newest=Max("version"), texts=Sum("texts"), length=Sum("average_length")
    )
    mark = tuple(made.values())
    held = _read.get(model_version)
    if held is None or held[0] != mark:
        held = (mark, _load(model_version, made["newest"] or 0))
        with _reading:
            _read[model_version] = held
    return held[1]


def _load(model_version: str, version: int) -> Statistics:
    own: dict[tuple[str, Role], Mean] = {}
    lengths: dict[tuple[str, str], float] = {}
    for row in LanguageMean.objects.filter(model_version=model_version, version=version):
        language, role = row.language, Role(row.role)
        own[language, role] = Mean(language, role, row.texts, np.asarray(row.vector, np.float32))
        lengths[language, role] = row.average_length
    return Statistics(version, default_means().replaced(str(version), own), lengths)


def of_version(model_version: str, version: int) -> Statistics:
    """An older version, as long as rows made with it are left."""
    now = current(model_version)
    return now if now.version == version else _load(model_version, version)


def is_due(statistics: Statistics, model_version: str) -> bool:
    """Whether the texts have grown so much that the means no longer stand for them."""
    before = {
        (row.language, row.role): row.texts
        for row in LanguageMean.objects.filter(model_version=model_version, version=statistics.version)
    }
    for row in TermFrequency.objects.filter(term=""):
        known = before.get((row.language, ROLES[Direction(row.direction)]), 0)
        if row.listings >= GROWTH * known + LEAST_GROWTH:
            return True
    return False


def make_version(model_version: str) -> Statistics:
    """A new version from the texts as they are now; a language with few texts leans on the shipped means."""
    version = (LanguageMean.objects.aggregate(newest=Max("version"))["newest"] or 0) + 1
    defaults = default_means()
    counts = {(row.language, ROLES[Direction(row.direction)]): row for row in TermFrequency.objects.filter(term="")}
    sums = _mean_vectors(model_version)
    rows = []
    for language in LANGUAGES:
        for role in Role:
            number, mean = sums.get((language, role), (0, None))
            default = defaults.vector(language, role)
            vector = default if mean is None else shrink(mean, number, default)
            count = counts.get((language, role))
            rows.append(
                LanguageMean(
                    language=language,
                    role=role,
                    version=version,
                    model_version=model_version,
                    texts=count.listings if count else number,
                    average_length=count.length / count.listings if count and count.listings else 0,
                    vector=vector,
                )
            )
    LanguageMean.objects.bulk_create(rows)
    return current(model_version)


def _mean_vectors(model_version: str) -> dict[tuple[str, str], tuple[int, NDArray[np.float32]]]:
    found: dict[tuple[str, str], tuple[int, NDArray[np.float32]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT i.language, i.direction, count(*), avg(i.raw::vector)::text FROM matching_listingindex i
            WHERE {_COUNTED} AND i.raw IS NOT NULL AND i.model_version = %s GROUP BY 1, 2
            UNION ALL SELECT s.language, '', count(*), avg(s.raw::vector)::text FROM matching_sentence s
            JOIN matching_listingindex i ON i.listing_id = s.listing_id AND i.is_lead AND {_COUNTED}
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


def count_all_terms() -> None:
    """Count every word anew: the counts of many small changes, made at the same time, may have drifted."""
    TermFrequency.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO "matching_termfrequency" (direction, language, term, listings, length)
            SELECT i.direction, i.language, term, count(*), 0 FROM matching_listingindex i,
                unnest(tsvector_to_array(i.lexemes)) AS term WHERE {_COUNTED} GROUP BY 1, 2, 3
            UNION ALL SELECT i.direction, i.language, '', count(*), sum(i.length) FROM matching_listingindex i
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
