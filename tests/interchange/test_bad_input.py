"""Hostile and broken input: a clear code or safe text, nothing lost, no traceback."""

from __future__ import annotations

import gzip
import io
import resource
import time
import tracemalloc

import pytest

from tests.interchange.tables import write_csv, write_jsonl, write_xlsx
from transferase.catalogue.models import Listing
from transferase.interchange import queries, rules, services
from transferase.interchange.models import ImportRun, RawRecord, Source

pytestmark = pytest.mark.django_db

HEADER = ["id", "title", "summary"]


def text(external_id="1"):
    return Listing.objects.get(external_id=external_id).texts.get()


@pytest.mark.parametrize("write", ["csv", "jsonl"])
def test_strange_characters_are_cleaned_and_told(tmp_path, bring_in, write):
    row = ["1", "Nul\x00 and \x07bell", "\u202ereversed\u202c \u200fmark\u200e kept عربي"]
    path = tmp_path / f"t.{write}"
    if write == "csv":
        write_csv(path, HEADER, [row, ["2", "plain", "S."]])
    else:
        write_jsonl(path, [dict(zip(HEADER, row, strict=True)), {"id": "2", "title": "plain", "summary": "S."}])
    run = bring_in(path)
    assert (text().title, text().summary) == ("Nul and bell", "reversed mark kept عربي")
    found = [(f.row, f.field, f.code, f.facts["count"]) for f in queries.findings_of(run)]
    number = 2 if write == "csv" else 1
    assert found == [(number, "title", "characters_removed", 2), (number, "summary", "characters_removed", 4)]
    assert RawRecord.objects.get(run=run, row=number).received["title"] == "Nul␀ and \x07bell"


def test_html_and_script_stay_inert_text(tmp_path, bring_in):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    bring_in(write_csv(tmp_path / "t.csv", HEADER, [["1", hostile, f"<b>bold</b> {hostile}"]]))
    assert (text().title, text().summary) == (hostile, f"<b>bold</b> {hostile}")


def test_emoji_and_rare_characters_are_kept(tmp_path, bring_in):
    rare = "👩‍🔬🧪 𠮷野家 ½ ㎏ 힣 ｶﾅ"
    bring_in(write_xlsx(tmp_path / "t.xlsx", HEADER, [["1", rare, rare]]))
    assert text().title == rare


def test_texts_of_100_000_characters_are_refused_and_kept_as_received(tmp_path, bring_in):
    run = bring_in(write_csv(tmp_path / "t.csv", HEADER, [["1", "T", "가" * 100_000], ["2", "T", "S."]]))
    [finding] = queries.findings_of(run)
    assert (finding.row, finding.field, finding.code) == (2, "summary", "text_too_long")
    assert finding.facts == {"length": 100_000, "limit": 50_000}
    assert len(RawRecord.objects.get(run=run, row=2).received["summary"]) == 100_000
    assert run.created == 1


def test_a_long_summary_moves_to_the_description(tmp_path, bring_in):
    long = "First sentence. " + "More of it. " * 600
    run = bring_in(write_csv(tmp_path / "t.csv", HEADER, [["1", "T", long], ["2", "x" * 500, "S."]]))
    assert text().description == long.strip()
    assert text().summary.startswith("First sentence.")
    assert text("2").title == "x" * 299 + "…"
    assert [f.code for f in queries.findings_of(run)] == ["summary_shortened", "title_cut"]


def test_a_file_of_200_mb_is_refused_quickly_and_leaves_nothing(tmp_path, receive, settings):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"id,title,summary\n")
        file.truncate(200 * 1024 * 1024)

    class Endless(io.RawIOBase):
        """An upload that does not tell its size."""

        name = "endless.csv"
        given = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.given += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    with pytest.raises(rules.TooLarge) as refused:
        receive(path)
    assert refused.value.facts == {"limit": settings.IMPORT_MAX_BYTES, "size": 200 * 1024 * 1024}
    assert time.perf_counter() - started < 1
    endless = Endless()
    with pytest.raises(rules.TooLarge):
        receive(endless)
    assert endless.given < settings.IMPORT_MAX_BYTES + 4 * 1024 * 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert not list((settings.MEDIA_ROOT / "imports").glob("*"))
    assert not ImportRun.objects.exists()
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("t.xlsx", b"PK\x03\x04broken", rules.BrokenFile),
        ("t.csv", b"", rules.EmptyFile),
        ("t.pdf", b"%PDF-1.4", rules.NotATable),
        ("t.csv", b"a,b,a\n1,2,3\n", rules.DuplicateHeader),
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, rules.OldExcel),
        ("t.csv.gz", gzip.compress(b"id,title\n1,x\n")[:-6], rules.BrokenFile),
    ],
)
def test_what_is_no_table_is_not_kept(tmp_path, receive, settings, name, content, error):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error):
        receive(path)
    assert not ImportRun.objects.exists()
    assert not list((settings.MEDIA_ROOT / "imports").glob("*"))


def test_a_name_of_a_file_leads_nowhere(tmp_path, receive):
    path = write_csv(tmp_path / "t.csv", HEADER, [["1", "T", "S."]])
    run = receive(path, file_name="../../etc/passwd")
    assert run.file_name == "passwd"
    assert run.stored_as.startswith("imports/")


def test_numbers_beyond_measure_are_told(tmp_path, bring_in):
    header = [*HEADER, "price", "trl", "currency", "source_url"]
    row = ["1", "T", "S.", "9" * 30 + " USD", "99", "???", "javascript:alert(1)"]
    run = bring_in(write_csv(tmp_path / "t.csv", header, [row]))
    assert run.created == 1
    listing = Listing.objects.get()
    assert (listing.price_low, listing.trl_low, listing.source_url) == (None, None, "")
    assert {f.code for f in queries.findings_of(run)} == {"bad_number", "bad_trl", "bad_link"}


def test_json_of_any_shape_is_taken_or_told(tmp_path, bring_in):
    rows = [
        {"id": 1, "title": "T", "summary": "S.", "ipc": {"a": 1}, "rights": "x", "requirements": [1], "trl": [4, 6]},
        {"id": "2", "title": ["a", "b"], "summary": {"ko": "x"}, "keywords": [None, 1, ["deep"]], "rights": [{}]},
        {"id": None, "title": None, "summary": None},
        {"id": "4", "title": True, "summary": 1.5, "rights": [{"kind": "patent", "number": 7, "filed_date": "x"}]},
        {"id": {"a": 1}, "title": "T", "summary": "S.", "price": [1], "country": ["KR"], "is_anonymous": "maybe"},
    ]
    run = bring_in(write_jsonl(tmp_path / "t.jsonl", rows))
    assert run.read == 5
    assert run.created + run.rejected == 5
    assert run.created >= 3


def test_memory_does_not_grow_with_the_file(tmp_path, receive, officer, at):
    """A dry run over five batches of rows needs hardly more than one over two."""

    def peak(count):
        rows = ([f"{count}-{i}", f"Title {i}", "The same summary of some length. " * 8] for i in range(count))
        run = receive(write_csv(tmp_path / f"{count}.csv", HEADER, rows))
        tracemalloc.start()
        shown = services.preview(actor=officer, run=run, at=at, limit=None)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (shown.created, shown.examined) == (count, count)
        return found

    peak(200)
    small, large = peak(2 * rules.BATCH), peak(5 * rules.BATCH)
    # The ids of the rows seen so far are all that grows.
    assert large - small < 3 * rules.BATCH * 500


def test_memory_of_an_import_does_not_grow_with_its_batches(tmp_path, receive, officer, at, monkeypatch):
    monkeypatch.setattr(rules, "BATCH", 100)
    rows = ([f"R{i}", f"Title {i}", "The same summary of some length. " * 20] for i in range(2_000))
    run = receive(write_csv(tmp_path / "t.csv", HEADER, rows))
    peaks = []

    def look(read, expected):
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()

    tracemalloc.start()
    services.bring_in(actor=officer, run=run, at=at, progress=look)
    tracemalloc.stop()
    assert len(peaks) == 20
    assert max(peaks[10:]) < 1.3 * max(peaks[2:10])
