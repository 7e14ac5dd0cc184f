"""Reasons cite evidence and go with it."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.ranking import (
    Lexicon,
    NeedFacts,
    OfferFacts,
    Role,
    Side,
    default_means,
    evidence_pairs,
    explain,
    load_weights,
    quotes,
    shared_terms,
)
from transferase.engine.text import words

WEIGHTS = load_weights()
NEED_TEXTS = {
    "title": "Edible packaging film",
    "summary": "We look for a film that keeps oxygen out. It must melt when heated.",
}
OFFER_TEXTS = {
    "title": "해조류 포장 필름",
    "summary": "해조류로 만든 필름은 산소를 차단한다. 이 발명은 대학에서 만들었다. 열을 가하면 녹아 접착된다.",
}


def side(embedder, texts, language):
    found = quotes(texts, language)
    raw = embedder.embed([quote.text for quote in found], Role.SENTENCE)
    return Side(language, texts, found, default_means().centred(raw, language, Role.SENTENCE))


def test_sentence_pairs_go_across_languages(embedder):
    pairs = evidence_pairs(side(embedder, NEED_TEXTS, "en"), side(embedder, OFFER_TEXTS, "ko"), WEIGHTS)
    assert pairs
    said = {(pair.need.text, pair.offer.text) for pair in pairs}
    assert ("We look for a film that keeps oxygen out.", "해조류로 만든 필름은 산소를 차단한다.") in said
    for pair in pairs:
        assert NEED_TEXTS[pair.need.field][pair.need.start : pair.need.end] == pair.need.text
        assert OFFER_TEXTS[pair.offer.field][pair.offer.start : pair.offer.end] == pair.offer.text
        assert 0 <= pair.closeness <= 1
    assert len({pair.need for pair in pairs}) == len({pair.offer for pair in pairs}) == len(pairs)


def test_removing_a_sentence_removes_its_reason(embedder):
    need = side(embedder, NEED_TEXTS, "en")
    offer = side(embedder, OFFER_TEXTS, "ko")
    for pair in evidence_pairs(need, offer, WEIGHTS):
        kept = [row for row, quote in enumerate(offer.quotes) if quote != pair.offer]
        poorer = Side("ko", offer.texts, tuple(offer.quotes[row] for row in kept), offer.vectors[kept])
        assert pair.offer not in [left.offer for left in evidence_pairs(need, poorer, WEIGHTS)]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_pairs_are_the_nearest_and_none_is_used_twice(rows, columns, seed):
    random = np.random.default_rng(seed)
    texts = "A sentence of some length. " * 5
    made = quotes({"summary": texts}, "en")

    def some(count):
        vectors = random.normal(size=(count, 4)).astype(np.float32)
        return Side("en", {}, made[:count], vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    need, offer = some(rows), some(columns)
    pairs = evidence_pairs(need, offer, WEIGHTS)
    assert len(pairs) <= 3
    assert [pair.closeness for pair in pairs] == sorted((pair.closeness for pair in pairs), reverse=True)
    assert len({pair.need.start for pair in pairs}) == len({pair.offer.start for pair in pairs}) == len(pairs)
    if rows and columns and pairs:
        best = WEIGHTS.evidence.value(float((need.vectors @ offer.vectors.T).max()))
        assert pairs[0].closeness == best


def test_shared_terms_are_the_telling_ones_where_they_stand():
    texts = ["a film of seaweed", "a battery", "a film", "a method", "a film method"]
    lexicon = Lexicon.of([words(text, "en") for text in texts])
    need = Side("en", {"summary": "We seek films made from seaweeds by any method."})
    offer = Side("en", {"title": "Seaweed", "summary": "A method for a film."})
    found = shared_terms(need, offer, lexicon.idf)
    assert [shared.term for shared in found] == ["seawe", "film"]
    assert found[0].need.text == "seaweeds"
    assert (found[0].offer.field, found[0].offer.text) == ("title", "Seaweed")
    assert 0 < sum(shared.share for shared in found) < 1, "the method counts, though it is not shown"
    assert shared_terms(need, Side("en", {"title": "Battery"}), lexicon.idf) == ()


@pytest.mark.parametrize(
    ("language", "said", "told"),
    [
        (
            "ko",
            "비용을 줄이고 한계를 넘는 미세조류 기술을 찾습니다. OLED 10nm 값",
            {"한계", "미세", "조류", "ole", "10nm"},
        ),
        ("zh-Hans", "希望提供一种利用微生物矿化的方法", {"微生物", "矿化"}),
        ("en", "Develop processes and methods that use photobioreactors in 2024", {"photobioreactor"}),
    ],
)
def test_verbs_and_generic_words_are_not_shown(language, said, told):
    one = Side(language, {"summary": said})
    assert {shared.term for shared in shared_terms(one, one, lambda _: 1.0)} == told


def test_a_word_that_every_fifth_document_holds_is_not_shown():
    lexicon = Lexicon.of([["film", "seawe"], *[["film"]] * 4, *[["batteri"]] * 15])
    one = Side("en", {"summary": "Seaweed film"})
    assert [shared.term for shared in shared_terms(one, one, lexicon.idf, is_common=lexicon.is_common)] == ["seawe"]
    assert not Lexicon.of([["film"]]).is_common("film"), "one document cannot tell"


NEED = NeedFacts(
    trl_low=4,
    trl_high=6,
    ipc=("A61K 36/03",),
    transfer_modes=frozenset({"option"}),
    country="KR",
    owner_kind="company_small",
)
OFFER = OfferFacts(
    trl_low=5,
    ipc=("A61K 8/97",),
    transfer_modes=frozenset({"option", "assignment"}),
    territory=frozenset({"world"}),
    partner_kinds=frozenset({"company_small"}),
)


def codes(need, offer):
    nothing = Side("en", {})
    return [reason.code for reason in explain(need, offer, nothing, nothing, WEIGHTS)]


def test_stated_facts_that_fit_are_reasons():
    assert codes(NEED, OFFER) == [
        "shared_field",
        "readiness_fits",
        "transfer_mode_fits",
        "territory_fits",
        "partner_fits",
    ]
    assert codes(NeedFacts(), OfferFacts()) == []


def test_removing_a_stated_fact_removes_its_reason():
    for name, code in {
        "trl_low": "readiness_fits",
        "ipc": "shared_field",
        "transfer_modes": "transfer_mode_fits",
        "territory": "territory_fits",
        "partner_kinds": "partner_fits",
    }.items():
        empty = getattr(OfferFacts(), name)
        assert code in codes(NEED, OFFER)
        assert code not in codes(NEED, dataclasses.replace(OFFER, **{name: empty}))


def test_reasons_are_codes_with_facts_that_can_be_stored(embedder):
    lexicon = Lexicon(10, 5, {})
    reasons = explain(
        NEED, OFFER, side(embedder, NEED_TEXTS, "en"), side(embedder, OFFER_TEXTS, "ko"), WEIGHTS, idf=lexicon.idf
    )
    assert {"sentence_pair", "shared_field"} <= {reason.code for reason in reasons}
    for reason in reasons:
        assert reason.code.replace("_", "").isalpha()
        assert json.loads(json.dumps(reason.facts)) == reason.facts
