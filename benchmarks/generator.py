"""Made-up listings from real sentences: any number of them, in three languages, the same from the same seed.

A made-up listing takes a real document as its subject: its title, or one of the titles nearest to it, and sentences
of the document and of its nearest neighbours in the language. Codes of the IPC are those of the documents; readiness,
countries, ways of transfer, owners, states and tiers follow fixed shares. Its words are those of its sentences. Its
vector is not embedded, which would take hours: it is the mean of the vectors of what stands within the first 256
tokens, mapped by a ridge regression that was fitted on really embedded made-up texts (one map for each language and
role), plus something drawn at random that varies as the left-overs of the fit do, so that texts stand as far apart as
really embedded ones (`compared` tells, on texts that the fit has not seen).
"""

import random
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import LANGUAGES, Corpus, remembered
from transferase.catalogue._classification import derive_fields
from transferase.engine.ranking import DOCUMENT_SATURATION, Embedder, Role, long_parts, unit

SEED = 20261124
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CAP = 256  # tokens of a text that are embedded
LANGUAGE_SHARES = (0.4, 0.3, 0.3)  # of LANGUAGES
COUNTRIES: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "en": (("US", "KR", "DE", "GB", "FR", "SG", "VN", ""), (0.66, 0.08, 0.06, 0.05, 0.04, 0.04, 0.03, 0.04)),
    "ko": (("KR", "US", ""), (0.97, 0.02, 0.01)),
    "zh-Hans": (("CN", "SG", "KR", "US", ""), (0.9, 0.03, 0.03, 0.02, 0.02)),
}
TRL = ((None, (1, 3), (3, 4), (4, 6), (6, 7), (7, 9)), (0.4, 0.15, 0.1, 0.2, 0.08, 0.07))
STATES = (("published", "paused", "draft"), (0.88, 0.06, 0.06))
EXPIRED, ANONYMOUS, NO_MODES = 0.1, 0.03, 0.35
SECOND_TIER = {"registered": 0.1, "introduced": 0.13}  # below these a second text is for them
MODES = (
    "non_exclusive_licence", "assignment", "exclusive_licence", "joint_research", "contract_development",
    "technical_guidance",
)  # fmt: skip
OWNERS = 400
# Fitted on so many really embedded texts of each language and role; as many again check the fit.
FITTED = 150
RIDGE = 3.0
BATCH = 1000
PART = 1000  # characters of a part of a need
HALF, OWN_TITLE, OWN_SENTENCE = 0.5, 0.4, 0.45


@dataclass
class Made:
    """A made-up listing."""

    id: uuid.UUID
    direction: str
    language: str
    title_unit: int
    units: list[int]
    country: str
    trl: tuple[int, int] | None
    modes: tuple[str, ...]
    ipc: tuple[str, ...]
    fields: tuple[str, ...]
    owner: int  # number of the owner, 0 to OWNERS - 1
    state: str
    is_anonymous: bool
    published_at: datetime
    visible_until: datetime
    terms: np.ndarray  # the number of each term that it says
    counts: np.ndarray
    second_tier: str  # of a further text that only some may read
    vectors: list[np.ndarray] = field(default_factory=list)  # of the whole text, then of the parts of a long need

    @property
    def all_units(self) -> list[int]:
        return [self.title_unit, *self.units]


@dataclass(frozen=True)
class Fit:
    """How the vector of a text follows from the mean of its sentences, and what the fit leaves over."""

    middle: np.ndarray
    target: np.ndarray
    matrix: np.ndarray
    left_over: np.ndarray

    def drawn(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Left-overs that vary together as those of the fit do."""
        mixed: np.ndarray = rng.standard_normal((count, len(self.left_over))) @ self.left_over
        return mixed / np.sqrt(len(self.left_over))

    def apply(self, mean: np.ndarray, left: np.ndarray | float = 0.0) -> np.ndarray:
        """The unit vector of a text."""
        return unit((mean - self.middle) @ self.matrix + self.target + left)


class Generator:
    """A stream of made-up listings."""

    def __init__(self, corpus: Corpus, embedder: Embedder, cache: Path) -> None:
        self.corpus = corpus
        self.model_version = embedder.model_version
        self.near = [numbers.tolist() for numbers in corpus.near]
        self.near_titles = [numbers.tolist() for numbers in corpus.near_titles]
        self.by_language = {
            (direction, language): [
                n for n, d in enumerate(corpus.documents) if (d.direction, d.language) == (direction, language)
            ]
            for direction in ("offer", "need")
            for language in LANGUAGES
        }
        self.fields = {document.ipc: derive_fields(document.ipc) for document in corpus.documents}
        self.fits: dict[tuple[str, str], Fit] = {}
        self.checked: dict[str, Any] = {}
        for direction in ("offer", "need"):
            for language in LANGUAGES:
                self._fit(direction, language, embedder, cache)

    def stream(self, direction: str, count: int, seed: int = SEED) -> Iterator[Made]:
        """So many listings of a direction, oldest first."""
        rng = random.Random(f"{seed} {direction}")  # noqa: S311 - a fixed seed is the point
        first = AT - timedelta(days=700)
        step = timedelta(days=699) / count
        for start in range(0, count, BATCH):
            batch = range(start, min(start + BATCH, count))
            listings = [self._make(rng, direction, number, first + number * step) for number in batch]
            self._give_vectors(rng, listings)
            yield from listings

    # ------------------------------------------------------------ texts

    def compose(self, rng: random.Random, direction: str, language: str) -> tuple[int, list[int], int]:
        """The title, the sentences and the document that a made-up text is about."""
        documents = self.corpus.documents
        # A language has few real needs: a made-up one may also be about what an offer is about.
        source = direction if direction == "offer" or rng.random() < HALF else "offer"
        about = rng.choice(self.by_language[source, language])
        title = documents[about].title if rng.random() < OWN_TITLE else rng.choice(self.near_titles[about])
        wanted = rng.randint(3, 9) if direction == "offer" else rng.randint(5, 22)
        units: list[int] = []
        for _ in range(3 * wanted):
            if len(units) >= wanted:
                break
            chosen = about if rng.random() < OWN_SENTENCE else rng.choice(self.near[about])
            found = rng.choice(documents[chosen].units)
            if found not in units:
                units.append(found)
        return title, units, about

    def mean(self, units: Sequence[int]) -> np.ndarray:
        """The mean vector of units, as far as they stand within the cap."""
        tokens = self.corpus.tokens[list(units)]
        within = np.clip(CAP - np.concatenate([[0], np.cumsum(tokens)[:-1]]), 0, None)
        weights = np.minimum(tokens, within)
        mean: np.ndarray = (weights @ self.corpus.vectors[list(units)]) / weights.sum()
        return mean

    def parts(self, title: int, units: Sequence[int]) -> list[list[int]]:
        """The units of a need in parts of about 1,000 characters."""
        parts: list[list[int]] = [[]]
        length = 0
        for number in (title, *units):
            said = len(self.corpus.texts[number])
            if parts[-1] and length + said > PART:
                parts.append([])
                length = 0
            parts[-1].append(number)
            length += said
        return parts

    def text(self, units: Sequence[int], language: str) -> str:
        """Sentences as a running text."""
        return ("" if language == "zh-Hans" else " ").join(self.corpus.texts[number] for number in units)

    # ------------------------------------------------------------ vectors

    def _samples(self, direction: str, language: str, count: int) -> list[list[int]]:
        rng = random.Random(f"fit {direction} {language}")  # noqa: S311 - a fixed seed is the point
        found: list[list[int]] = []
        while len(found) < count:
            title, units, _ = self.compose(rng, direction, language)
            found.append(self.parts(title, units)[0] if direction == "need" else [title, *units])
        return found

    def _fit(self, direction: str, language: str, embedder: Embedder, cache: Path) -> None:
        role = Role.QUERY if direction == "need" else Role.PASSAGE
        samples = self._samples(direction, language, 2 * FITTED)
        texts = [self.text(units, language) for units in samples]
        if direction == "need":
            texts = [(long_parts(text) or [text])[0] for text in texts]
        real = remembered(texts, role, embedder, cache / f"fit-{direction}-{language}.npz")
        means = np.array([self.mean(units) for units in samples])
        x, y = means[:FITTED], real[:FITTED]
        middle, target = x.mean(0), y.mean(0)
        dx, dy = x - middle, y - target
        # Drawn towards "as it is", not towards nothing: the texts are fewer than the numbers of the map.
        scale = np.trace(dx.T @ dx) / dx.shape[1]
        matrix = np.eye(dx.shape[1]) + np.linalg.solve(
            dx.T @ dx + RIDGE * scale * np.eye(dx.shape[1]), dx.T @ (dy - dx)
        )
        seen = Fit(middle, target, matrix, np.zeros((1, x.shape[1])))
        unseen = real[FITTED:] - seen.apply(means[FITTED:])
        fit = Fit(middle, target, matrix, unseen - unseen.mean(0))
        self.fits[direction, language] = fit
        made = fit.apply(means[FITTED:], fit.drawn(np.random.default_rng(SEED), FITTED))
        self.checked[f"{direction} {language}"] = compared(real[FITTED:], made)

    def _give_vectors(self, rng: random.Random, listings: Sequence[Made]) -> None:
        waiting: dict[tuple[str, str], list[tuple[Made, np.ndarray]]] = {}
        for made in listings:
            groups = self.parts(made.title_unit, made.units) if made.direction == "need" else [made.all_units]
            waiting.setdefault((made.direction, made.language), []).extend((made, self.mean(g)) for g in groups)
        for key, found in waiting.items():
            fit = self.fits[key]
            left = fit.drawn(np.random.default_rng(rng.getrandbits(64)), len(found))
            for (made, _), vector in zip(found, fit.apply(np.array([mean for _, mean in found]), left), strict=True):
                made.vectors.append(vector)
        for made in listings:
            if len(made.vectors) > 1:
                made.vectors.insert(0, unit(np.mean(made.vectors, axis=0)))

    # ------------------------------------------------------------ listings

    def _make(self, rng: random.Random, direction: str, number: int, at: datetime) -> Made:
        corpus = self.corpus
        language = rng.choices(LANGUAGES, LANGUAGE_SHARES)[0]
        title, units, about = self.compose(rng, direction, language)
        document = corpus.documents[about]
        terms, counts = np.unique(np.concatenate([corpus.said[n] for n in (title, *units)]), return_counts=True)
        draw = rng.random()
        tier = rng.random()
        return Made(
            id=made_id(direction, number, at),
            direction=direction,
            language=language,
            title_unit=title,
            units=units,
            country=rng.choices(*COUNTRIES[language])[0],
            trl=rng.choices(*TRL)[0],
            modes=() if rng.random() < NO_MODES else tuple(dict.fromkeys(rng.choices(MODES, k=2))),
            ipc=document.ipc,
            fields=self.fields[document.ipc],
            # A few offices hold much, many hold little.
            owner=int(OWNERS * rng.random() ** 2),
            state=rng.choices(*STATES)[0],
            is_anonymous=rng.random() < ANONYMOUS,
            published_at=at,
            visible_until=AT + timedelta(days=180 if draw > EXPIRED else -10),
            terms=terms,
            counts=counts,
            second_tier=next((name for name, below in SECOND_TIER.items() if tier < below), ""),
        )

    def weights(self, made: Made, average_length: float) -> tuple[np.ndarray, np.ndarray]:
        """The ids and weights of the words of a document, as `document_weights` gives them, ids ascending."""
        k1, b = DOCUMENT_SATURATION.k1, DOCUMENT_SATURATION.b
        norm = k1 * (1 - b + b * made.counts.sum() / average_length)
        values = made.counts * (k1 + 1) / (made.counts + norm)
        ids, places = np.unique(self.corpus.term_ids[made.terms], return_inverse=True)
        return ids, np.bincount(places, values, len(ids))


def made_id(direction: str, number: int, at: datetime) -> uuid.UUID:
    """A UUID of version 7 that is the same in every run."""
    moment = int(at.timestamp() * 1000)
    head = struct.pack(">Q", moment)[2:]
    rest = (0x7000 | (number & 0xFFF)) << 64 | (0b10 << 62) | ((direction == "need") << 40) | number
    return uuid.UUID(bytes=head + rest.to_bytes(10))


def compared(real: np.ndarray, made: np.ndarray) -> Mapping[str, float]:
    """How made vectors stand to really embedded ones of the same texts: both centred, nearest neighbours of each."""
    real, made = unit(real - real.mean(0)), unit(made - made.mean(0))
    figures = {"cosine_to_real": float((real * made).sum(1).mean())}
    near: dict[str, np.ndarray] = {}
    for name, vectors in (("real", real), ("made", made)):
        close = vectors @ vectors.T
        np.fill_diagonal(close, -1)
        order = np.sort(close, axis=1)[:, ::-1]
        near[name] = np.argsort(-close, axis=1)[:, :10]
        for place in (1, 10, 50):
            figures[f"{name}_nearest_{place}"] = float(order[:, place - 1].mean())
        figures[f"{name}_spread_of_nearest"] = float(order[:, 0].std())
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(near["real"], near["made"], strict=True)]
    figures["shared_among_nearest_10"] = float(np.mean(shared))
    return {name: round(value, 3) for name, value in figures.items()}
