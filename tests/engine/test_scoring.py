"""Scores: parts that add up, misfits, missing facts, exclusions."""

import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.ranking import (
    Calibration,
    Grant,
    NeedFacts,
    OfferFacts,
    WeightsInvalid,
    load_weights,
    points,
    read_weights,
    score_pair,
)

WEIGHTS = load_weights()
LEVEL = st.none() | st.integers(1, 9)
MODES = st.frozensets(st.sampled_from(["assignment", "option", "joint_research", "technical_service", "unknown_code"]))
COUNTRIES = st.frozensets(st.sampled_from(["KR", "CN", "US", "world"]))
IPC = st.lists(st.sampled_from(["A61K 36/03", "A61K", "H01M 4/58", "nonsense"]), max_size=3).map(tuple)
COMMON = {
    "trl_low": LEVEL,
    "trl_high": LEVEL,
    "ipc": IPC,
    "transfer_modes": MODES,
    "exclusivity": st.sampled_from(["", "exclusive", "non_exclusive"]),
    "country": st.sampled_from(["", "KR", "CN"]),
    "territory": COUNTRIES,
    "excluded_countries": st.frozensets(st.sampled_from(["KR", "CN"])),
    "partner_kinds": st.frozensets(st.sampled_from(["university", "company_small"])),
    "owner_kind": st.sampled_from(["", "university", "company_large"]),
}
NEEDS = st.builds(NeedFacts, **COMMON)
OFFERS = st.builds(
    OfferFacts,
    **COMMON,
    grants=st.lists(
        st.builds(Grant, st.sampled_from(["exclusive", "non_exclusive"]), st.sampled_from(["KR", "world"])), max_size=2
    ).map(tuple),
)
COSINE = st.none() | st.floats(-1, 1)
SHARE = st.none() | st.floats(0, 2)


@given(NEEDS, OFFERS, COSINE, SHARE)
def test_contributions_sum_to_the_score(need, offer, dense, bm25):
    score = score_pair(need, offer, dense, bm25, WEIGHTS)
    assert 0 <= score.value <= 1
    assert sum(part.contribution for part in score.parts) == pytest.approx(score.value, abs=1e-12)
    assert sum(part.weight for part in score.parts) == pytest.approx(1)
    for part in score.parts:
        assert 0 <= part.value <= 1
        assert part.contribution == part.value * part.weight
    whole, shown = points(score)
    assert sum(shown.values()) == whole == int(100 * score.value + 0.5)


@given(NEEDS, OFFERS, st.tuples(*[st.floats(-1, 1)] * 2), st.tuples(*[st.floats(0, 1)] * 2))
def test_more_likeness_never_lowers_a_score(need, offer, cosines, shares):
    low = score_pair(need, offer, min(cosines), min(shares), WEIGHTS)
    high = score_pair(need, offer, max(cosines), max(shares), WEIGHTS)
    assert low.value <= high.value


@given(st.lists(st.tuples(OFFERS, COSINE, SHARE), min_size=2, max_size=6), NEEDS, st.randoms())
def test_a_pair_has_one_score_whatever_else_is_compared(candidates, need, shuffling: random.Random):
    alone = [score_pair(need, offer, dense, bm25, WEIGHTS).value for offer, dense, bm25 in candidates]
    order = list(range(len(candidates)))
    shuffling.shuffle(order)
    again = {index: score_pair(need, *candidates[index], WEIGHTS).value for index in order}
    assert [again[index] for index in range(len(candidates))] == alone


@given(OFFERS, COSINE, SHARE)
def test_what_is_missing_is_neutral_and_named(offer, dense, bm25):
    score = score_pair(NeedFacts(), offer, dense, bm25, WEIGHTS)
    values = {part.name: part.value for part in score.parts}
    assert values["field"] == values["readiness"] == values["transfer"] == values["territory"] == 0.5
    assert {"need.ipc", "need.trl", "need.transfer_modes", "need.territory"} <= set(score.missing)
    assert {misfit.code for misfit in score.misfits} <= {"rights_granted"}, "a grant for the world is known anyway"


def value_of(score, name):
    return next(part.value for part in score.parts if part.name == name)


def scored(need=None, offer=None, dense=0.4, bm25=0.3):
    return score_pair(NeedFacts(**(need or {})), OfferFacts(**(offer or {})), dense, bm25, WEIGHTS)


@pytest.mark.parametrize(
    ("wanted", "stated", "value", "misfit"),
    [
        ((4, 6), (5, 5), 1.0, None),
        ((4, 6), (6, 8), 1.0, None),
        ((6, 9), (3, None), 0.2231, "readiness_below"),
        ((6, None), (3, 3), 0.2231, "readiness_below"),
        ((2, 4), (6, 6), 0.6839, "readiness_above"),
        ((None, 4), (6, 6), 0.6839, "readiness_above"),
        ((6, 9), (None, None), 0.5, None),
    ],
)
def test_readiness(wanted, stated, value, misfit):
    score = scored({"trl_low": wanted[0], "trl_high": wanted[1]}, {"trl_low": stated[0], "trl_high": stated[1]})
    assert value_of(score, "readiness") == pytest.approx(value, abs=1e-4)
    assert [found.code for found in score.misfits] == ([misfit] if misfit else [])
    assert ("offer.trl" in score.missing) == (stated == (None, None))


def test_transfer_modes_fit_come_near_or_exclude():
    wanted = {"transfer_modes": frozenset({"exclusive_licence"})}
    assert value_of(scored(wanted, {"transfer_modes": frozenset({"exclusive_licence", "option"})}), "transfer") == 1
    near = scored(wanted, {"transfer_modes": frozenset({"assignment"})})
    assert value_of(near, "transfer") == WEIGHTS.related_transfer
    assert not near.excluded_by
    apart = scored(wanted, {"transfer_modes": frozenset({"technical_guidance"})})
    assert apart.excluded_by == ("transfer_mode",)
    assert [found.code for found in apart.misfits] == ["transfer_mode_excluded"]
    unknown = scored(wanted, {"transfer_modes": frozenset({"barter"})})
    assert not unknown.excluded_by


@pytest.mark.parametrize(
    ("need", "offer", "codes"),
    [
        ({"owner": "1"}, {"owner": "1"}, ("same_owner",)),
        ({"owner": ""}, {"owner": ""}, ()),
        ({"is_held": True}, {}, ("hold",)),
        ({}, {"is_held": True}, ("hold",)),
        ({"excluded_countries": frozenset({"US"})}, {"country": "US"}, ("country",)),
        ({"country": "US"}, {"excluded_countries": frozenset({"US"})}, ("country",)),
        ({"country": "KR"}, {"grants": (Grant("exclusive", "KR"),)}, ("rights_taken",)),
        ({"country": "KR"}, {"grants": (Grant("exclusive", "CN"),)}, ()),
        ({"country": "KR"}, {"grants": (Grant("non_exclusive", "world"),)}, ()),
        (
            {"country": "KR", "exclusivity": "exclusive"},
            {"grants": (Grant("non_exclusive", "world"),)},
            ("rights_taken",),
        ),
        ({"territory": frozenset({"KR", "CN"})}, {"grants": (Grant("exclusive", "KR"),)}, ()),
        (
            {"territory": frozenset({"KR", "CN"})},
            {"grants": (Grant("exclusive", "KR"), Grant("sole", "CN"))},
            ("rights_taken",),
        ),
        ({"ipc": ("A61K 36/03",)}, {"grants": (Grant("exclusive", "world", "A61K"),)}, ("rights_taken",)),
        ({"ipc": ("H01M 4/58",)}, {"grants": (Grant("exclusive", "world", "A61K"),)}, ()),
        ({}, {"grants": (Grant("exclusive", "world", "A61K"),)}, ()),
        ({}, {"grants": (Grant("exclusive"),)}, ("rights_taken",)),
    ],
)
def test_what_rules_a_pair_out(need, offer, codes):
    assert scored(need, offer).excluded_by == codes


@pytest.mark.parametrize(
    ("need", "grants", "told"),
    [
        ({"country": "KR"}, [("exclusive", "KR", "")], (["exclusive"], ["KR"], [])),
        ({"country": "KR"}, [("exclusive", "world", "")], (["exclusive"], ["world"], [])),
        ({"territory": frozenset({"KR", "CN"})}, [("sole", "KR", ""), ("exclusive", "US", "")], (["sole"], ["KR"], [])),
        ({"territory": frozenset({"world"})}, [("exclusive", "KR", "")], (["exclusive"], ["KR"], [])),
        ({"country": "KR", "ipc": ("A61K 36/03",)}, [("sole", "KR", "A61K")], (["sole"], ["KR"], ["A61K"])),
        ({"country": "KR"}, [("exclusive", "CN", "")], None),
        ({"country": "KR", "ipc": ("H01M 4/58",)}, [("sole", "KR", "A61K")], None),
        ({}, [("exclusive", "KR", "")], None),
    ],
)
def test_which_rights_others_have_is_told_even_if_some_are_left(need, grants, told):
    score = scored(need, {"grants": tuple(Grant(*grant) for grant in grants)})
    found = [misfit.facts for misfit in score.misfits if misfit.code == "rights_granted"]
    assert [tuple(facts[name] for name in ("exclusivity", "territory", "field")) for facts in found] == (
        [told] if told else []
    )


def test_an_excluded_country_is_named():
    ((code, facts),) = [
        (misfit.code, misfit.facts)
        for misfit in scored({"excluded_countries": frozenset({"US"})}, {"country": "US"}).misfits
    ]
    assert (code, dict(facts)) == ("country_excluded", {"side": "need", "country": "US"})


def test_territory_and_partner():
    part = scored({"territory": frozenset({"KR", "CN"})}, {"territory": frozenset({"KR"})})
    assert value_of(part, "territory") == 0.5
    assert part.misfits[0].facts == {"wanted": ["CN", "KR"], "given": ["KR"]}
    assert value_of(scored({"country": "KR"}, {"territory": frozenset({"world"})}), "territory") == 1
    fits = scored({"owner_kind": "company_small"}, {"partner_kinds": frozenset({"company_small"})})
    assert value_of(fits, "partner") == 1
    differs = scored({"owner_kind": "company_large"}, {"partner_kinds": frozenset({"company_small"})})
    assert (value_of(differs, "partner"), differs.misfits[0].code) == (0, "partner_differs")


def test_a_pair_across_languages_is_judged_by_meaning():
    score = scored(bm25=None)
    names = [part.name for part in score.parts]
    assert "words" not in names
    assert "words" in score.missing
    assert score.parts[names.index("meaning")].weight == WEIGHTS.parts["meaning"] + WEIGHTS.parts["words"]
    assert value_of(score, "meaning") > value_of(scored(), "meaning")
    translated = score_pair(NeedFacts(), OfferFacts(), 0.4, 0.3, WEIGHTS, across=True)
    assert value_of(translated, "meaning") == value_of(score, "meaning")
    assert value_of(translated, "words") == value_of(scored(), "words")
    without_model = scored(dense=None)
    assert "meaning" not in [part.name for part in without_model.parts]
    assert without_model.value > scored(dense=None, bm25=0.0).value


@given(st.floats(-1, 1), SHARE, st.booleans())
def test_many_scores_at_once_are_the_scores_of_the_pairs(dense, bm25, across):
    score = score_pair(NeedFacts(), OfferFacts(), dense, bm25, WEIGHTS, across=across, crossed=across)
    told = [part for part in score.parts if part.name in {"meaning", "words"}]
    together = sum(part.contribution for part in told) / sum(part.weight for part in told)
    share = np.array([np.nan if bm25 is None else bm25])
    assert WEIGHTS.text_values(np.array([dense]), share, np.array([across]))[0] == pytest.approx(together)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20))
def test_calibrations_rise(raw):
    for calibration in (WEIGHTS.meaning, WEIGHTS.meaning_across, WEIGHTS.words, WEIGHTS.evidence_across):
        values = [calibration.value(x) for x in sorted(raw)]
        assert values == sorted(values)
        assert all(0 <= value <= 1 for value in values)
        assert calibration.values(sorted(raw)).tolist() == values


@pytest.mark.parametrize(
    "bad", [((0, 0),), ((0, 0.5), (1, 0.4)), ((1, 0), (0, 1)), ((0, -0.1), (1, 1)), ((0, 0), (1, 2))]
)
def test_a_calibration_that_falls_is_refused(bad):
    with pytest.raises(WeightsInvalid):
        Calibration(bad)


def test_weights_are_versioned_and_checked(tmp_path):
    assert load_weights() is load_weights()
    assert WEIGHTS.version in WEIGHTS.engine_version
    with pytest.raises(WeightsInvalid, match="no weights"):
        load_weights("1999-01")
    broken = tmp_path / "broken.toml"
    broken.write_text('version = "x"\n', encoding="utf-8")
    with pytest.raises(WeightsInvalid, match=r"broken\.toml"):
        read_weights(broken)
    assert dataclasses.replace(WEIGHTS, version="y").version == "y"
