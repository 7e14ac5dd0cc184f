"""The verbs that measure: files in, figures out, no database."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys

import pytest

MEASURES = {"ndcg@10", "mrr@10", "recall@10", "recall@50", "recall@100"}
NEEDS = [
    {"id": "n1", "title": "Film", "description": "Packaging film of seaweed that degrades in soil within weeks"},
    {"id": "n2", "title": "Cell", "description": "Battery cell of high energy density for small aircraft"},
    {"id": "n3", "title": "None", "description": "A need that nobody judged"},
]
OFFERS = [
    {"id": "o1", "title": "Alginate", "abstract": "A biodegradable packaging film made from seaweed polysaccharides."},
    {"id": "o2", "title": "Sulphur", "abstract": "A lithium-sulphur battery cell with 450 Wh/kg for aircraft."},
    {"id": "o3", "title": "Pump", "abstract": "A pump for hot brine in geothermal wells."},
]


def write_rows(path, rows):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def judged(tmp_path):
    folder = tmp_path / "judged"
    folder.mkdir()
    write_rows(folder / "needs.jsonl.gz", NEEDS)
    write_rows(folder / "offers.jsonl", OFFERS)
    (folder / "qrels.tsv").write_text(
        "need_id\toffer_id\trelevance\tnote\nn1\to1\t1\tx\nn2\to2\t1\tx\n", encoding="utf-8"
    )
    return folder


def test_matching_tells_every_figure(transferase, judged):
    ended = transferase("evaluate", "matching", str(judged), "--text-only", "--json")
    assert ended.status == 0
    report = ended.json
    assert (report["queries"], report["documents"]) == (2, 3)
    for method in ("lexical", "dense", "hybrid"):
        assert set(report[method]) == MEASURES
        assert report[method]["ndcg@10"] == 1
    assert report["documents_per_second"] > 0
    assert 0 < report["query_ms"]["p50"] <= report["query_ms"]["p95"]


def test_queries_in_another_language_take_the_place_of_the_needs(transferase, judged, tmp_path):
    queries = tmp_path / "queries.jsonl"
    write_rows(queries, [{"need_id": "n1", "title_ko": "필름", "summary_ko": "토양에서 분해되는 해조류 포장 필름"}])
    ended = transferase("evaluate", "matching", str(judged), "--queries", str(queries), "--query-lang", "ko", "--json")
    assert ended.json["queries"] == 1
    assert ended.json["dense"]["mrr@10"] == 1


def test_bitext_tells_plain_centred_and_held_out(transferase, tmp_path):
    pairs = tmp_path / "pairs.tsv.gz"
    rows = [
        ("사과는 빨갛다.", "The apple is red."),
        ("비가 온다.", "It is raining."),
        ("나는 책을 읽는다.", "I read a book."),
    ]
    with gzip.open(pairs, "wt", encoding="utf-8") as file:
        file.writelines("\t".join(row) + "\n" for row in [("ko", "en"), *rows])
    report = transferase("evaluate", "bitext", str(pairs), "--json").json
    assert report["pairs"] == 3
    assert report["languages"] == ["ko", "en"]
    for name in ("plain", "centred", "centred_held_out"):
        assert set(report[name]) == {"acc@1", "mrr_mixed"}
        assert 0 <= report[name]["mrr_mixed"] <= report[name]["acc@1"] <= 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "qrels.tsv").unlink(), "qrels.tsv is missing"),
        (lambda folder: (folder / "qrels.tsv").write_text("n1 o1 1\n"), "qrels.tsv, row 1"),
        (
            lambda folder: (folder / "offers.jsonl").write_text('{"id": "o1"}\n'),
            "offers.jsonl, row 1: the field abstract",
        ),
        (lambda folder: (folder / "offers.jsonl").write_text("{\n"), "offers.jsonl, row 1: no JSON"),
        (lambda folder: (folder / "offers.jsonl").write_bytes(b"\xff\xfe\xfa"), "not UTF-8"),
        (lambda folder: (folder / "needs.jsonl.gz").write_bytes(b"\x1f\x8bnonsense"), "needs.jsonl.gz"),
    ],
)
def test_unreadable_input_names_file_row_and_field(transferase, judged, spoil, told):
    spoil(judged)
    ended = transferase("evaluate", "matching", str(judged), "--json")
    assert ended.status == 2
    assert told in ended.err
    assert (ended.out, len(ended.err.splitlines())) == ("", 1)


def test_measuring_needs_neither_database_nor_django(judged):
    """Run with an address that leads nowhere, and look that Django was never imported."""
    check = (
        "import sys; from transferase.cli.main import run; status = run(sys.argv[1:]); "
        "assert 'django' not in sys.modules and 'psycopg' not in sys.modules; sys.exit(status)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", check, "evaluate", "matching", str(judged), "--json"],
        env={**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["queries"] == 2
