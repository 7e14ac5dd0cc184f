"""Centring: taking the language out of a vector before it is compared.

Vectors of one language lie together, so in a mixed pool a text in the reader's language beats the translation of
what was asked. Subtracting the mean vector of the language and role, and making the rest a unit vector, removes
most of this. The means must come from texts like those compared; a small collection is shrunk towards the shipped
defaults.

What is left still holds directions in which translations differ. A linear map, the same for all languages, weakens
them: it was learned from the terms of the glossary, each in three languages (`learn_alignment`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.ranking.embedding import Role, unit
from transferase.engine.ranking.packaged import MODEL_VERSION
from transferase.engine.text import LANGUAGES

SHRINK_WEIGHT = 200
DEFAULTS_VERSION = "2026-11"
_DEFAULTS = Path(__file__).parent / "defaults"


@dataclass(frozen=True)
class Mean:
    """The mean of the raw vectors of a language's texts in a role, and how many they were."""

    language: str
    role: Role
    count: int
    vector: Floats


@dataclass(frozen=True)
class Means:
    """The means of every language and role, in one version and for one model."""

    model_version: str
    version: str
    of: Mapping[tuple[str, Role], Mean]
    alignment: Mapping[Role, Floats] = field(default_factory=dict)

    def vector(self, language: str | None, role: Role) -> Floats:
        """The mean to subtract; a text of no known language gets the middle of the three."""
        known = self.of.get((language or "", role))
        if known is not None:
            return known.vector
        middle: Floats = np.mean([self.of[name, role].vector for name in LANGUAGES if (name, role) in self.of], axis=0)
        return middle

    def centred(self, vectors: Floats, language: str | None, role: Role) -> Floats:
        """Vectors with the mean of their language and role taken out, and aligned across languages."""
        return self.aligned(centre(vectors, self.vector(language, role)), role)

    def aligned(self, vectors: Floats, role: Role) -> Floats:
        """Centred vectors with what translations differ in weakened; the same where nothing was learned."""
        learned = self.alignment.get(role)
        return vectors if learned is None else unit(vectors @ learned)

    def replaced(self, version: str, means: Mapping[tuple[str, Role], Mean]) -> "Means":
        """These means with some of them renewed, under a new version."""
        return replace(self, version=version, of={**self.of, **means})


def centre(vectors: Floats, mean: Floats) -> Floats:
    """Unit vectors of what is left when the mean is subtracted; one vector or a row each."""
    return unit(np.asarray(vectors, np.float32) - mean)


def shrink(mean: Floats, count: int, default: Floats, weight: int = SHRINK_WEIGHT) -> Floats:
    """The mean of `count` texts, drawn towards a default as if that were the mean of `weight` further texts."""
    result: Floats = ((count * mean + weight * default) / (count + weight)).astype(np.float32)
    return result


def learn_alignment(translations: Sequence[Floats], ease: float) -> Floats:
    """The map that brings centred vectors of texts nearest to the middle of their translations.

    `translations` has a matrix per language, whose rows mean the same. The map is the shared ridge regression from each
    vector to the middle of its row, drawn towards doing nothing by `ease` times the mean variance of a direction.
    """
    rows = np.asarray(translations, np.float64)
    middle = rows.mean(0)
    spread = np.einsum("lij,lik->jk", rows, rows, optimize=True)
    common = len(rows) * (middle.T @ middle)
    nothing = np.eye(len(spread)) * ease * np.trace(spread) / len(spread)
    learned: Floats = np.linalg.solve(spread + nothing, common + nothing).astype(np.float32)
    return learned


def own_means(
    vectors: Mapping[tuple[str, Role], Floats], defaults: Means, version: str, weight: int = SHRINK_WEIGHT
) -> Means:
    """The means of a platform's own raw vectors, each shrunk towards the default."""
    renewed = {
        (language, role): Mean(
            language, role, len(rows), shrink(rows.mean(0), len(rows), defaults.vector(language, role), weight)
        )
        for (language, role), rows in vectors.items()
        if len(rows)
    }
    return defaults.replaced(version, renewed)


def default_means(model_version: str = MODEL_VERSION, dimension: int = 0) -> Means:
    """The shipped means of the packaged model; `defaults/SOURCES.md` says which texts they were computed from.

    For another model there are none: they are zero, of the `dimension` given, until the platform's own texts are many.
    """
    if model_version == MODEL_VERSION:
        return _shipped()
    nothing = np.zeros(dimension, np.float32)
    of = {(language, role): Mean(language, role, 0, nothing) for language in LANGUAGES for role in Role}
    return Means(model_version, "none", of)


@cache
def _shipped() -> Means:
    means = read_means(_DEFAULTS / f"means-{DEFAULTS_VERSION}.json")
    with np.load(_DEFAULTS / f"alignment-{DEFAULTS_VERSION}.npz") as stored:
        texts, sentences = (stored[name].astype(np.float32) for name in ("texts", "sentences"))
    return replace(means, alignment={Role.QUERY: texts, Role.PASSAGE: texts, Role.SENTENCE: sentences})


def read_means(path: Path) -> Means:
    """Means as `write_means` wrote them."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    found = {}
    for row in raw["means"]:
        role = Role(row["role"])
        vector = np.asarray(row["vector"], np.float32)
        found[row["language"], role] = Mean(row["language"], role, int(row["count"]), vector)
    return Means(raw["model_version"], raw["version"], found)


def write_means(path: Path, means: Means) -> None:
    """Writes means as JSON with five digits, which is more than half-precision vectors keep."""
    rows = [
        {
            "language": mean.language,
            "role": str(mean.role),
            "count": mean.count,
            "vector": [round(float(x), 5) for x in mean.vector],
        }
        for mean in means.of.values()
    ]
    head = {"version": means.version, "model_version": means.model_version}
    lines = ",\n".join(json.dumps(row) for row in rows)
    text = json.dumps(head)[:-1] + ', "means": [\n' + lines + "\n]}\n"
    path.write_text(text, encoding="utf-8")
