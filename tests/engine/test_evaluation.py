"""Evaluation: measures against worked values, files against clear errors, figures in the promised form."""

import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.ranking import (
    JudgedInvalid,
    evaluate_bitext,
    evaluate_matching,
    ndcg,
    ranking_measures,
    read_judged,
    read_pairs,
    recall,
    reciprocal_rank,
)
from transferase.engine.ranking.centring import Mean, Means
from transferase.engine.ranking.embedding import Role
from transferase.engine.text import LANGUAGES


@pytest.fixture
def no_means(letters):
    zero = np.zeros(letters.dimension, np.float32)
    return Means("letter-pairs", "0", {(name, role): Mean(name, role, 0, zero) for name in LANGUAGES for role in Role})


def test_measures():
    ranking = ["x", "a", "y", "b"]
    assert reciprocal_rank(ranking, {"a", "b"}) == 0.5
    assert reciprocal_rank(ranking, {"b"}, depth=3) == 0
    assert recall(ranking, {"a", "z"}, 10) == 0.5
    ideal = 1 + 1 / math.log2(3)
    assert ndcg(ranking, {"a": 1, "b": 1}) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert ndcg(ranking, {}) == 0
    graded = ndcg(["a", "b"], {"a": 1, "b": 3})
    assert graded == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))
    assert ranking_measures({"q": ["a"]}, {"q": {"a": 1}, "unasked": {"b": 1}, "unjudged": {}})["ndcg@10"] == 0.5


@given(st.permutations(list("abcdefgh")), st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1))
def test_the_ideal_order_has_the_highest_gain(ranking, relevance):
    best = sorted(ranking, key=lambda name: -relevance.get(name, 0))
    assert 0 <= ndcg(ranking, relevance) <= ndcg(best, relevance) <= 1 + 1e-12


def write_set(folder, *, zipped=False):
    topics = ["seaweed film packaging", "battery cathode lithium", "wheat disease gene", "antenna satellite gain"]
    offers = [
        {"id": f"A{n}", "title": f"Award {n}", "abstract": f"A new {topic} number {n} made by a company."}
        for n, topic in enumerate(topics * 3)
    ]
    needs = [
        {"id": f"N{n}", "title": f"Topic {n}", "description": f"We need {topic}. The {topic} must be cheap."}
        for n, topic in enumerate(topics)
    ]
    for name, rows in (("offers", offers), ("needs", needs)):
        text = "\n".join(json.dumps(row) for row in rows) + "\n"
        if zipped:
            (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    lines = ["need_id\toffer_id\trelevance\tbasis"] + [f"N{n % 4}\tA{n}\t1\ttitle" for n in range(12)]
    (folder / "qrels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_matching_report_has_the_promised_form(tmp_path, letters, no_means, zipped):
    judged = read_judged(write_set(tmp_path, zipped=zipped), text_only=True)
    assert "Topic" not in judged.needs[0].text
    told = []
    report = evaluate_matching(
        judged, letters, defaults=no_means, report=lambda done, total: told.append((done, total))
    )
    figures = report.as_json()
    assert (figures["queries"], figures["documents"]) == (4, 12)
    for leg in ("lexical", "dense", "hybrid"):
        assert set(figures[leg]) == {"ndcg@10", "mrr@10", "recall@10", "recall@50", "recall@100"}
    assert figures["lexical"]["ndcg@10"] == figures["hybrid"]["ndcg@10"] == 1
    assert figures["documents_per_second"] > 0
    assert set(figures["query_ms"]) == {"p50", "p95"}
    assert told[-1] == (12, 12)
    json.dumps(figures)


def test_figures_do_not_depend_on_the_order_of_the_files(tmp_path, letters, no_means):
    judged = read_judged(write_set(tmp_path))
    for name in ("offers", "needs"):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(reversed(path.read_text(encoding="utf-8").splitlines(keepends=True))), encoding="utf-8")
    again = read_judged(tmp_path)
    first = evaluate_matching(judged, letters, defaults=no_means).as_json()
    second = evaluate_matching(again, letters, defaults=no_means).as_json()
    for leg in ("lexical", "dense", "hybrid"):
        assert first[leg] == pytest.approx(second[leg])


def test_translated_queries_take_the_place_of_the_needs(tmp_path, letters, no_means):
    folder = write_set(tmp_path)
    queries = tmp_path / "queries.jsonl"
    rows = [
        {
            "need_id": "N0",
            "title_ko": "해조류 필름",
            "summary_ko": "해조류로 만든 포장 필름을 구한다.",
            "summary_zh": "薄膜",
        },
        {"need_id": "N1", "summary_zh": "寻求锂电池正极材料。"},
    ]
    queries.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    korean = read_judged(folder, queries=queries, query_language="ko", text_only=True)
    assert [(need.id, need.language, need.text) for need in korean.needs] == [
        ("N0", "ko", "해조류로 만든 포장 필름을 구한다.")
    ]
    assert len(read_judged(folder, queries=queries, query_language="zh").needs) == 2
    report = evaluate_matching(korean, letters, defaults=no_means)
    # 해조류, 포장 and 필름 stand in the glossary: they find seaweed, packaging and film.
    assert report.lexical["ndcg@10"] == 1
    assert report.queries == 1
    with pytest.raises(JudgedInvalid, match="query language"):
        read_judged(folder, queries=queries)


def broken(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("offers.jsonl", '{"id": "A1", "abstract": "x"}\nnot json\n', r"offers\.jsonl, row 2: no JSON"),
        ("offers.jsonl", '{"id": "A1"}\n', r"offers\.jsonl, row 1: the field abstract"),
        ("offers.jsonl", '{"abstract": "x"}\n', r"offers\.jsonl, row 1: the field id"),
        (
            "offers.jsonl",
            '{"id": 1, "abstract": "x"}\n{"id": 1, "abstract": "y"}\n',
            r"row 2: the id 1 stands there twice",
        ),
        ("offers.jsonl", "[1]\n", r"row 1: no JSON object"),
        ("offers.jsonl", "", r"offers\.jsonl is empty"),
        ("qrels.tsv", "N0 A0 1\n", r"qrels\.tsv, row 1: need, offer and relevance"),
        ("qrels.tsv", "need\toffer\trel\nN0\tA0\tmuch\n", r"qrels\.tsv, row 2: the relevance 'much'"),
        ("qrels.tsv", "N0\tnone\t1\n", r"no row joins"),
    ],
)
def test_unreadable_sets_are_named_by_file_and_row(tmp_path, name, text, message):
    write_set(tmp_path)
    broken(tmp_path, name, text)
    with pytest.raises(JudgedInvalid, match=message):
        read_judged(tmp_path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(JudgedInvalid, match="no folder"):
        read_judged(tmp_path / "absent")
    with pytest.raises(JudgedInvalid, match=r"neither offers\.jsonl nor"):
        read_judged(tmp_path)
    write_set(tmp_path)
    (tmp_path / "needs.jsonl").write_bytes("설명".encode("cp949"))
    with pytest.raises(JudgedInvalid, match="not UTF-8"):
        read_judged(tmp_path)
    (tmp_path / "pairs.tsv.gz").write_bytes(b"no gzip")
    with pytest.raises(JudgedInvalid, match=r"pairs\.tsv\.gz"):
        read_pairs(tmp_path / "pairs.tsv.gz")


def test_bitext(tmp_path, letters):
    path = tmp_path / "pairs.tsv"
    path.write_text(
        "en\tko\n" + "".join(f"{w} text\t{w} text\n" for w in ("alpha", "beta", "gamma", "delta")), encoding="utf-8"
    )
    pairs = read_pairs(path)
    assert len(pairs) == 4
    report = evaluate_bitext(pairs, letters).as_json()
    assert report["pairs"] == 4
    for name in ("plain", "centred", "centred_held_out"):
        assert set(report[name]) == {"acc@1", "mrr_mixed"}
    assert report["plain"] == {"acc@1": 1.0, "mrr_mixed": 1.0}
    path.write_text("only one column\n", encoding="utf-8")
    with pytest.raises(JudgedInvalid, match="row 1"):
        read_pairs(path)
