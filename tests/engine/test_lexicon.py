"""Words as evidence: BM25 in two halves."""

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.ranking import Lexicon, QueryKind, Saturation, bm25, document_weights, sparse, term_id

TERMS = st.lists(st.sampled_from([f"t{number}" for number in range(12)]), min_size=1, max_size=20)


@pytest.mark.parametrize("saturation", [Saturation(), Saturation(1.5, 0.75), Saturation(1.2, 0.0)])
def test_bm25_equals_a_library_to_four_digits(saturation):
    random = np.random.default_rng(7)
    documents = [[f"t{n}" for n in random.zipf(1.5, random.integers(1, 40)) if n < 60] or ["t1"] for _ in range(80)]
    queries = [sorted({f"t{n}" for n in random.integers(1, 60, 6)}) for _ in range(30)]
    library = bm25s.BM25(method="lucene", k1=saturation.k1, b=saturation.b)
    library.index(documents, show_progress=False)
    lexicon = Lexicon.of(documents, saturation)
    compared = 0
    for query in queries:
        known = [term for term in query if lexicon.frequency(term)]
        if not known:
            continue
        # The Lucene form leaves out the constant factor k1 + 1, which changes no order.
        expected = library.get_scores(known) * (saturation.k1 + 1)
        weights = lexicon.query_weights(query, QueryKind.TYPED)
        scores = [bm25(weights, lexicon.document_weights(document)) for document in documents]
        assert np.allclose(scores, expected, rtol=1e-4, atol=1e-4)
        compared += 1
    assert compared > 20


@given(st.lists(TERMS, min_size=1, max_size=8), TERMS)
def test_bm25_never_gets_worse_by_holding_one_more_query_word(documents, query):
    lexicon = Lexicon.of([*documents, query])
    weights = lexicon.query_weights(query)
    assert all(weight > 0 for weight in weights.values())
    scores = [bm25(weights, lexicon.document_weights([*query[:length], "other"])) for length in range(len(query))]
    assert scores[0] == 0
    assert max(scores) <= (lexicon.saturation.k1 + 1) * sum(weights.values())


def test_a_term_has_a_number_without_a_dictionary():
    assert term_id("battery") == 492_738_222
    assert term_id("전지") == 851_671_658


def test_terms_that_share_a_number_are_added(monkeypatch):
    monkeypatch.setattr("transferase.engine.ranking.lexicon.zlib.crc32", len)
    assert sparse({"ab": 1.0, "cd": 2.0, "e": 4.0}) == {2: 3.0, 1: 4.0}


@given(TERMS, st.floats(1, 100))
def test_document_weights_survive_the_sparse_form(terms, average):
    weights = document_weights(terms, average)
    assert set(weights) == set(terms)
    assert sum(sparse(weights).values()) == pytest.approx(sum(weights.values()))


def test_repeated_words_of_a_need_count_and_typed_ones_do_not():
    lexicon = Lexicon(100, 10, {"rare": 1, "common": 90})
    need = lexicon.query_weights(["rare"] * 4 + ["common", "unheard"])
    typed = lexicon.query_weights(["rare"] * 4 + ["common", "unheard"], QueryKind.TYPED)
    assert need["rare"] == pytest.approx(2 * typed["rare"])
    assert "unheard" not in need
    assert typed["rare"] > typed["common"] > 0


def test_rarest_terms_bring_enough_candidates():
    frequency = {f"t{number}": number for number in range(1, 40)}
    lexicon = Lexicon(1000, 10, frequency)
    terms = [*frequency, "unheard"]
    assert lexicon.rarest(terms, 3, 1) == ["t1", "t2", "t3"]
    more = lexicon.rarest(terms, 3, 100)
    assert more[:3] == ["t1", "t2", "t3"]
    assert sum(map(lexicon.frequency, more)) >= 100 > sum(map(lexicon.frequency, more[:-1]))
    assert lexicon.rarest(["unheard"]) == []


def test_attainable_counts_words_that_nobody_uses():
    lexicon = Lexicon(100, 3, {"held": 10})
    assert lexicon.attainable(["held", "unheard"]) > lexicon.attainable(["held"]) > 0
    # A document of three terms cannot hold more than three.
    many = [f"u{number}" for number in range(50)]
    assert lexicon.attainable(many) == pytest.approx(lexicon.attainable(many[:3]))
    assert Lexicon.of([]).attainable(["any"]) >= 0
