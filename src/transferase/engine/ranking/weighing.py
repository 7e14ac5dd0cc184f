"""The weights of a score: how much each part counts and how raw figures become values from 0 to 1.

They live in a dated file beside this module, with the figures that justify them. A part's calibration is a fixed
rising function, so a pair of listings has one score, whatever else is compared.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CURRENT_WEIGHTS = "2026-11"
PART_NAMES = ("meaning", "words", "field", "readiness", "transfer", "territory", "partner")
_FOLDER = Path(__file__).parent / "weights"


class WeightsInvalid(ValueError):
    """A weights file does not say what it must."""


@dataclass(frozen=True)
class Calibration:
    """A rising function through some points, flat before the first and after the last."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise WeightsInvalid("a calibration needs two points at least")
        for (x, y), (next_x, next_y) in pairwise(self.points):
            if not x < next_x or y > next_y:
                raise WeightsInvalid(f"a calibration must rise: {(x, y)} is followed by {(next_x, next_y)}")
        if self.points[0][1] < 0 or self.points[-1][1] > 1:
            raise WeightsInvalid("a calibration must stay between 0 and 1")

    def value(self, raw: float) -> float:
        """The value of one raw figure."""
        # As `values` does, without the cost of an array for each of the thousand figures of a search.
        if not raw > self.points[0][0]:
            return self.points[0][1]
        for (x, y), (next_x, next_y) in pairwise(self.points):
            if raw < next_x:
                return (next_y - y) / (next_x - x) * (raw - x) + y
        return self.points[-1][1]

    def values(self, raw: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """The values of many raw figures at once."""
        result: npt.NDArray[np.float64] = np.interp(raw, [x for x, _ in self.points], [y for _, y in self.points])
        return result


@dataclass(frozen=True)
class Weights:
    """One version of the weights."""

    version: str
    model_version: str
    threshold: float  # a standing match needs this score
    parts: Mapping[str, float]  # sums to 1
    meaning: Calibration  # from the cosine of centred vectors of one language
    meaning_across: Calibration  # the same across languages, where even translations stand further apart
    words: Calibration  # from BM25 as a share of what the query can attain
    words_crossed: Calibration  # the same for words found through the glossary
    crossed_share: float  # what such words are worth, as a share of what text is worth
    evidence: Calibration  # from the cosine of centred sentence vectors of one language
    evidence_across: Calibration
    evidence_least: float  # a sentence pair below this cosine is no evidence
    evidence_least_across: float
    transfer_families: tuple[frozenset[str], ...]
    related_transfer: float
    readiness_decay: float
    readiness_above: float  # the share of the penalty for being further than wanted
    figures: Mapping[str, object]  # what was measured with these weights

    @property
    def engine_version(self) -> str:
        """What a stored score was made with."""
        return f"{self.version} {self.model_version}"

    def text_values(
        self,
        dense: npt.NDArray[np.floating[Any]],
        bm25: npt.NDArray[np.floating[Any]],
        across: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.float64]:
        """The text part of many scores at once, from 0 to 1: what ranks where nothing structured is stated.

        `bm25` is NaN where no words can be compared; `across` says which pairs go across languages, in which words are
        compared through the glossary.
        """
        own = self.parts["words"] / (self.parts["meaning"] + self.parts["words"])
        share = np.where(across, self.crossed_share, own)
        meaning = np.where(across, self.meaning_across.values(dense), self.meaning.values(dense))
        said = np.nan_to_num(bm25)
        telling = np.where(across, self.words_crossed.values(said), self.words.values(said))
        mixed = (1 - share) * meaning + share * telling
        result: npt.NDArray[np.float64] = np.where(np.isnan(bm25), meaning, mixed)
        return result


@cache
def load_weights(version: str = CURRENT_WEIGHTS) -> Weights:
    """The packaged weights of a version."""
    path = _FOLDER / f"{version}.toml"
    if not path.is_file():
        raise WeightsInvalid(f"there are no weights {version}")
    return read_weights(path)


def read_weights(path: Path) -> Weights:
    """The weights in a file; raises WeightsInvalid, naming the file, if it is incomplete or contradicts itself."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        weights = Weights(
            version=str(raw["version"]),
            model_version=str(raw["model_version"]),
            threshold=float(raw["threshold"]),
            parts={name: float(raw["parts"][name]) for name in PART_NAMES},
            meaning=_calibration(raw["calibration"]["meaning"]),
            meaning_across=_calibration(raw["calibration"]["meaning_across"]),
            words=_calibration(raw["calibration"]["words"]),
            words_crossed=_calibration(raw["calibration"]["words_crossed"]),
            crossed_share=float(raw["crossed"]["share"]),
            evidence=_calibration(raw["calibration"]["evidence"]),
            evidence_across=_calibration(raw["calibration"]["evidence_across"]),
            evidence_least=float(raw["evidence"]["least"]),
            evidence_least_across=float(raw["evidence"]["least_across"]),
            transfer_families=tuple(frozenset(map(str, family)) for family in raw["transfer"]["families"]),
            related_transfer=float(raw["transfer"]["related"]),
            readiness_decay=float(raw["readiness"]["decay"]),
            readiness_above=float(raw["readiness"]["above"]),
            figures=raw.get("figures", {}),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsInvalid(f"{path.name}: {error!r}") from error
    if any(weight < 0 for weight in weights.parts.values()) or abs(sum(weights.parts.values()) - 1) > 1e-9:
        raise WeightsInvalid(f"{path.name}: the part weights must be positive and sum to 1")
    return weights


def _calibration(points: list[list[float]]) -> Calibration:
    return Calibration(tuple((float(x), float(y)) for x, y in points))
