"""Weights from judgements: none is negative, little is learned from little, and what is claimed is held out."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transferase.engine.ranking import NeedFacts, OfferFacts, load_weights, score_pair
from transferase.engine.ranking.refitting import (
    LEAST_JUDGED,
    JudgedPair,
    TooFewJudgements,
    part_values,
    refit,
    reweighed,
    values_of,
    weighed,
)

WEIGHTS = load_weights()
NAMES = tuple(WEIGHTS.parts)
VALUES = st.floats(0, 1, allow_nan=False)
PARTS = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


def judgements(number: int, truth: dict[str, float], seed: int = 7, judges: int = 6) -> list[JudgedPair]:
    """Pairs with values by chance, judged by weights that are not the present ones."""
    chance = np.random.default_rng(seed)
    pairs = []
    for place in range(number):
        values = dict(zip(NAMES, chance.uniform(0, 1, len(NAMES)).tolist(), strict=True))
        odds = 14 * (weighed(values, truth) - 0.5)
        is_fit = bool(chance.uniform() < 1 / (1 + np.exp(-odds)))
        pairs.append(JudgedPair(f"need {place % 40}", f"offer {place}", f"judge {place % judges}", values, is_fit))
    return pairs


TRUTH = dict.fromkeys(NAMES, 0.0) | {"meaning": 0.2, "words": 0.1, "readiness": 0.7}


def test_what_people_judge_by_gains_weight_and_is_better_on_needs_left_out():
    found = refit(judgements(600, TRUTH), WEIGHTS)
    assert found.parts["readiness"] > 3 * WEIGHTS.parts["readiness"]
    assert found.parts["field"] < WEIGHTS.parts["field"]
    assert found.is_better
    assert found.after.auc > found.before.auc + 0.05
    assert found.after.ndcg is not None
    assert found.before.ndcg is not None
    assert (found.fits + found.misfits, found.judges, found.needs) == (600, 6, 40)


def test_judgements_that_agree_with_the_present_weights_change_little():
    found = refit(judgements(600, dict(WEIGHTS.parts)), WEIGHTS)
    assert max(abs(found.parts[name] - WEIGHTS.parts[name]) for name in NAMES) < 0.06


def test_the_fewer_judgements_the_nearer_to_the_present_weights():
    def moved(number: int) -> float:
        return refit(judgements(number, TRUTH), WEIGHTS).parts["readiness"] - WEIGHTS.parts["readiness"]

    assert 0 < moved(80) < moved(300) < moved(1200)
    assert moved(80) < 0.3


def test_judgements_by_chance_are_not_called_better():
    pairs = judgements(400, TRUTH)
    chance = np.random.default_rng(3)
    noise = [replace(pair, is_fit=bool(chance.uniform() < 0.5)) for pair in pairs]
    assert not refit(noise, WEIGHTS).is_better


def test_one_judge_alone_cannot_turn_the_weights():
    honest = judgements(300, dict(WEIGHTS.parts))
    flood = [replace(pair, judge="flood", need=f"x{pair.need}") for pair in judgements(900, TRUTH, seed=11)]
    with_flood = refit([*honest, *flood], WEIGHTS).parts["readiness"]
    several = refit([*honest, *(replace(p, judge=f"j{n % 9}") for n, p in enumerate(flood))], WEIGHTS)
    assert with_flood < several.parts["readiness"]


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        judgements(LEAST_JUDGED - 1, TRUTH),
        [replace(pair, is_fit=True) for pair in judgements(100, TRUTH)],
        judgements(200, TRUTH, judges=2),
    ],
    ids=["nothing", "few", "one kind", "two judges"],
)
def test_too_little_to_learn_from_is_said(pairs):
    with pytest.raises(TooFewJudgements, match="needed are"):
        refit(pairs, WEIGHTS)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), number=st.integers(LEAST_JUDGED, 200), truth=PARTS)
def test_weights_are_never_negative_and_sum_to_one(seed, number, truth):
    total = sum(truth.values())
    pairs = judgements(number, {n: v / total for n, v in truth.items()} if total else TRUTH, seed)
    try:
        found = refit(pairs, WEIGHTS)
    except TooFewJudgements:
        return
    assert min(found.parts.values()) >= 0
    assert sum(found.parts.values()) == pytest.approx(1, abs=1e-9)
    assert 0 <= found.before.auc <= 1
    assert 0 <= found.after.auc <= 1


@cache
def fitted_parts() -> dict[str, float]:
    return dict(refit(judgements(120, TRUTH), WEIGHTS).parts)


@given(values=PARTS, name=st.sampled_from(NAMES), more=VALUES)
def test_a_pair_that_fits_better_in_a_part_never_scores_less(values, name, more):
    raised = {**values, name: max(values[name], more)}
    assert weighed(raised, fitted_parts()) >= weighed(values, fitted_parts()) - 1e-12


@given(
    dense=st.none() | st.floats(-0.2, 1, allow_nan=False),
    bm25=st.none() | st.floats(0, 1, allow_nan=False),
    offer_trl=st.none() | st.integers(1, 9),
    crossed=st.booleans(),
)
def test_the_parts_of_a_score_sum_to_it_with_any_version_and_can_be_weighed_anew(dense, bm25, offer_trl, crossed):
    """What is stored of a match suffices to score it by other weights."""
    parts = {"meaning": 0.2, "words": 0.2, "field": 0.1, "readiness": 0.3, "transfer": 0.1}
    other = reweighed(WEIGHTS, {**dict.fromkeys(NAMES, 0.05), **parts}, "2026-11-r1")
    need, offer = NeedFacts(trl_low=6), OfferFacts(trl_low=offer_trl)
    now, then = (score_pair(need, offer, dense, bm25, weights, crossed=crossed) for weights in (WEIGHTS, other))
    for score in (now, then):
        assert sum(part.contribution for part in score.parts) == pytest.approx(score.value)
    if dense is not None or bm25 is not None:
        stored = values_of([asdict(part) for part in now.parts], WEIGHTS)
        assert weighed(stored, other.parts) == pytest.approx(then.value)
        back = values_of([asdict(part) for part in then.parts], WEIGHTS)
        assert weighed(back, WEIGHTS.parts) == pytest.approx(now.value)
    assert then.engine_version.startswith("2026-11-r1 ")


def test_a_text_part_that_was_not_compared_has_the_value_of_the_other():
    assert part_values({"meaning": 0.8, "field": 0.2}, ("meaning", "words", "field", "partner")) == {
        "meaning": 0.8,
        "words": 0.8,
        "field": 0.2,
        "partner": 0.5,
    }
