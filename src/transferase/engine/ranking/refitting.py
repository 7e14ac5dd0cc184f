"""Weights of the parts of a score, fitted anew to what people judged.

A judged pair is the value of each part, from 0 to 1, and whether it was a match. A logistic regression with one
constraint is fitted: no part may count negatively, so a pair that fits better in some part never scores less. The
result is drawn towards the present weights, the more so the fewer judgements there are, and is measured on needs that
it was not fitted on.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from transferase.engine.ranking.metrics import ndcg
from transferase.engine.ranking.weighing import Weights

# The present weights count as so many judgements.
PRIOR_JUDGEMENTS = 200
LEAST_JUDGED = 60
LEAST_OF_EACH = 15
LEAST_JUDGES = 3
# One judge has no more say than this share of all judgements.
LARGEST_SHARE = 0.2
FOLDS = 5
NEUTRAL = 0.5
_TEXT_PARTS = frozenset({"meaning", "words"})
# Draws the regression so weakly that only what the judgements leave open is decided by it.
_RIDGE = 0.05
_STEPS = 100
_SAME_SHARE = 1e-6

_Floats = npt.NDArray[np.float64]


class TooFewJudgements(ValueError):
    """There is too little to learn from; says how much there is."""

    def __init__(self, fits: int, misfits: int, judges: int) -> None:
        super().__init__(
            f"{fits + misfits} judgements ({fits} for, {misfits} against) of {judges} judges; needed are "
            f"{LEAST_JUDGED}, of either kind {LEAST_OF_EACH}, of {LEAST_JUDGES} judges"
        )
        self.fits = fits
        self.misfits = misfits
        self.judges = judges


@dataclass(frozen=True)
class JudgedPair:
    """A pair that somebody judged: the value of each part as it was shown, and whether it was a match."""

    need: str
    offer: str
    judge: str
    values: Mapping[str, float]
    is_fit: bool


@dataclass(frozen=True)
class FitFigures:
    """How well weights tell matches from others: 1 is best for `auc` and `ndcg`, 0 for `log_loss`.

    `ndcg` looks at needs of which one judged offer at least was a match and one was not; None without such needs.
    """

    auc: float
    log_loss: float
    ndcg: float | None


@dataclass(frozen=True)
class Refit:
    """New weights beside the present ones, both measured on needs that the new ones were not fitted on."""

    present: Mapping[str, float]
    parts: Mapping[str, float]
    fits: int
    misfits: int
    judges: int
    needs: int
    before: FitFigures
    after: FitFigures

    @property
    def is_better(self) -> bool:
        """Whether the new weights tell matches apart better than the present ones, on what they were not fitted on."""
        return self.after.log_loss < self.before.log_loss and self.after.auc >= self.before.auc


def reweighed(weights: Weights, parts: Mapping[str, float], version: str) -> Weights:
    """A version of the weights with other shares of the parts; calibrations and threshold stay."""
    return replace(weights, version=version, parts=dict(parts))


def part_values(stated: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    """The value of every part of a pair, from the parts that it was scored by.

    A text part that could not be compared has given its weight to the other one, so it has the other one's value; any
    other part that is missing counts as neutral.
    """
    values = {}
    for name in names:
        others = [stated[other] for other in _TEXT_PARTS - {name} if other in stated]
        sibling = others[0] if name in _TEXT_PARTS and others else NEUTRAL
        values[name] = stated.get(name, sibling)
    return values


def values_of(parts: Iterable[Mapping[str, Any]], weights: Weights) -> dict[str, float]:
    """The values of a scored pair by part, from its parts {name, value, weight}, ready to be weighed anew.

    Words that were compared through the glossary share the weight of text in a fixed proportion, whatever the weights:
    there both text parts have the value of the two together.
    """
    stored = {str(part["name"]): (float(part["value"]), float(part["weight"])) for part in parts}
    values = {name: value for name, (value, _) in stored.items()}
    if stored.keys() >= _TEXT_PARTS:
        total = sum(stored[name][1] for name in _TEXT_PARTS)
        if total > 0 and abs(stored["words"][1] / total - weights.crossed_share) < _SAME_SHARE:
            together = sum(value * weight for value, weight in (stored[name] for name in _TEXT_PARTS)) / total
            values |= dict.fromkeys(_TEXT_PARTS, together)
    return values


def weighed(values: Mapping[str, float], parts: Mapping[str, float]) -> float:
    """The score of a pair with other weights, from the values of its parts."""
    every = part_values(values, parts)
    return sum(weight * every[name] for name, weight in parts.items())


def refit(judged: Sequence[JudgedPair], weights: Weights) -> Refit:
    """Weights that agree better with what people judged; raises `TooFewJudgements` where that cannot be known."""
    fits = sum(pair.is_fit for pair in judged)
    judges = {pair.judge for pair in judged}
    if len(judged) < LEAST_JUDGED or min(fits, len(judged) - fits) < LEAST_OF_EACH or len(judges) < LEAST_JUDGES:
        raise TooFewJudgements(fits, len(judged) - fits, len(judges))
    names = tuple(weights.parts)
    sheet = _Sheet.of(judged, names)
    present = np.array([weights.parts[name] for name in names])
    before, after = _held_out(sheet, present)
    return Refit(
        present=dict(weights.parts),
        parts=dict(zip(names, _rounded(_fitted(sheet, present)), strict=True)),
        fits=fits,
        misfits=len(judged) - fits,
        judges=len(judges),
        needs=len(set(sheet.needs)),
        before=before,
        after=after,
    )


@dataclass(frozen=True)
class _Sheet:
    """Judged pairs as numbers: a row for each, a column for each part."""

    needs: tuple[str, ...]
    offers: tuple[str, ...]
    values: _Floats
    is_fit: _Floats
    say: _Floats

    @classmethod
    def of(cls, judged: Sequence[JudgedPair], names: Sequence[str]) -> "_Sheet":
        counts = Counter(pair.judge for pair in judged)
        most = LARGEST_SHARE * len(judged)
        rows = [part_values(pair.values, names) for pair in judged]
        return cls(
            tuple(pair.need for pair in judged),
            tuple(pair.offer for pair in judged),
            np.array([[row[name] for name in names] for row in rows], np.float64),
            np.array([pair.is_fit for pair in judged], np.float64),
            np.array([min(1.0, most / counts[pair.judge]) for pair in judged], np.float64),
        )

    def part(self, rows: npt.NDArray[np.bool_]) -> "_Sheet":
        chosen = np.flatnonzero(rows)
        return _Sheet(
            tuple(self.needs[row] for row in chosen),
            tuple(self.offers[row] for row in chosen),
            self.values[chosen],
            self.is_fit[chosen],
            self.say[chosen],
        )

    @property
    def has_both(self) -> bool:
        return bool(0 < self.is_fit.sum() < len(self.is_fit))


def _fitted(sheet: _Sheet, present: _Floats) -> _Floats:
    """The weights that a regression finds, drawn towards the present ones."""
    if not sheet.has_both:
        return present
    level, slope = _scale(sheet.values @ present, sheet)
    prior = np.concatenate([[level], slope * present])
    found = _regression(sheet.values, sheet, prior, _RIDGE)[1:]
    if found.sum() <= 0:
        return present
    heard = sheet.say.sum()
    share = heard / (heard + PRIOR_JUDGEMENTS)
    mixed: _Floats = share * found / found.sum() + (1 - share) * present
    return mixed


def _scale(scores: _Floats, sheet: _Sheet) -> tuple[float, float]:
    """The level and the slope that turn a score into the chance that a pair is a match; the slope never falls."""
    level, slope = _regression(scores[:, None], sheet, np.zeros(2), 1e-3)
    return float(level), float(slope)


def _regression(columns: _Floats, sheet: _Sheet, prior: _Floats, ridge: float) -> _Floats:
    """A logistic regression whose slopes are not negative, by Newton steps that are cut off at zero.

    The level is free and comes first; slopes are drawn towards the prior.
    """
    design = np.column_stack([np.ones(len(columns)), columns])
    drawn = np.full(design.shape[1], ridge)
    drawn[0] = 0.0
    is_bound = drawn > 0

    def loss(found: _Floats) -> float:
        odds = design @ found
        said = sheet.say * (np.logaddexp(0.0, odds) - sheet.is_fit * odds)
        return float(said.sum() + (drawn * (found - prior) ** 2).sum() / 2)

    found = prior.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -500, 500)))
        slope = design.T @ (sheet.say * (chance - sheet.is_fit)) + drawn * (found - prior)
        bend = (design * (sheet.say * chance * (1 - chance))[:, None]).T @ design + np.diag(drawn + 1e-9)
        is_free = ~(is_bound & (found <= 0) & (slope > 0))
        step = np.zeros_like(found)
        step[is_free] = np.linalg.solve(bend[np.ix_(is_free, is_free)], slope[is_free])
        now, length = loss(found), 1.0
        while True:
            moved = found - length * step
            moved[is_bound] = np.maximum(0.0, moved[is_bound])
            if loss(moved) <= now or length < 1e-6:
                break
            length /= 2
        change = float(np.abs(moved - found).max())
        if loss(moved) <= now:
            found = moved
        if change < 1e-8 or length < 1e-6:
            break
    return found


def _held_out(sheet: _Sheet, present: _Floats) -> tuple[FitFigures, FitFigures]:
    """The present weights and newly fitted ones, each scored on needs that were left out of the fit."""
    folds = np.array([zlib.crc32(need.encode()) % FOLDS for need in sheet.needs])
    scores = {name: np.zeros(len(folds)) for name in ("before", "after")}
    chances = {name: np.zeros(len(folds)) for name in ("before", "after")}
    for fold in range(FOLDS):
        is_left_out = folds == fold
        if not is_left_out.any():
            continue
        known = sheet.part(~is_left_out)
        for name, weights in (("before", present), ("after", _fitted(known, present))):
            level, slope = _scale(known.values @ weights, known) if known.has_both else (0.0, 0.0)
            scores[name][is_left_out] = sheet.values[is_left_out] @ weights
            chances[name][is_left_out] = level + slope * scores[name][is_left_out]
    before, after = (_figures(sheet, scores[name], chances[name]) for name in ("before", "after"))
    return before, after


def _figures(sheet: _Sheet, scores: _Floats, odds: _Floats) -> FitFigures:
    told = sheet.say * (np.logaddexp(0.0, odds) - sheet.is_fit * odds)
    return FitFigures(
        auc=_auc(scores, sheet.is_fit > 0),
        log_loss=float(told.sum() / sheet.say.sum()),
        ndcg=_ndcg(sheet, scores),
    )


def _auc(scores: _Floats, is_fit: npt.NDArray[np.bool_]) -> float:
    """How often a match scores above another pair; equal scores count half."""
    good, other = scores[is_fit], np.sort(scores[~is_fit])
    if not len(good) or not len(other):
        return 0.5
    below = np.searchsorted(other, good - 1e-12, side="left")
    equal = np.searchsorted(other, good + 1e-12, side="right") - below
    return float((below + equal / 2).sum() / (len(good) * len(other)))


def _ndcg(sheet: _Sheet, scores: _Floats) -> float | None:
    by_need: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for need, offer, score, fit in zip(sheet.needs, sheet.offers, scores, sheet.is_fit, strict=True):
        by_need[need][offer] = (float(score), float(fit))
    found = []
    for rows in by_need.values():
        fits = {offer: fit for offer, (_, fit) in rows.items()}
        if 0 < sum(fits.values()) < len(fits):
            found.append(ndcg(sorted(rows, key=lambda offer: (-rows[offer][0], offer)), fits))
    return sum(found) / len(found) if found else None


def _rounded(weights: _Floats) -> list[float]:
    """Weights in ten-thousandths that still sum to one; the largest takes what is left."""
    parts = [round(float(weight), 4) for weight in weights / weights.sum()]
    largest = int(np.argmax(parts))
    parts[largest] = round(1 - sum(part for place, part in enumerate(parts) if place != largest), 4)
    return parts
