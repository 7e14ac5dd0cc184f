"""Files in and out, search and matches, on the command line."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from django.utils import timezone

from transferase.catalogue.models import Listing, Requirement
from transferase.catalogue.services import load_vocabularies
from transferase.cli import sentences
from transferase.directory.models import Organisation
from transferase.foundation.ledger import SYSTEM, record, seal
from transferase.interchange import rules
from transferase.matching import services as matching

REPORT = {"read", "created", "updated", "unchanged", "rejected", "errors", "warnings"}
HEADER = ("external_id", "title", "summary", "language", "trl", "ipc")
ROWS = (
    ("A-1", "해조류 포장 필름", "토양에서 12주 안에 분해되는 해조류 필름입니다.", "ko", "4-5", "C08L 5/00"),
    ("A-2", "Battery cell", "A lithium-sulphur cell of high energy density for aircraft.", "en", "6", "H01M 10/05"),
    ("A-2", "Twice", "The same number again.", "en", "", ""),
    ("A-3", "", "", "en", "", ""),
)


@pytest.fixture(autouse=True)
def _vocabularies(db):
    load_vocabularies(actor=SYSTEM)


@pytest.fixture
def offers(tmp_path):
    file = tmp_path / "offers.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([HEADER, *ROWS])
    return file


def test_good_rows_are_taken_and_faulty_ones_told(transferase, offers):
    ended = transferase("import", str(offers), "--kind", "offers", "--source", "test", "--json")
    assert ended.status == 0
    report = ended.json
    assert set(report) == REPORT
    assert [report[name] for name in ("read", "created", "updated", "unchanged", "rejected")] == [4, 2, 0, 0, 2]
    assert [(error["row"], error["field"]) for error in report["errors"]] == [(4, "external_id"), (5, "title")]
    assert all(error["message"].endswith(".") and "{" not in error["message"] for error in report["errors"])
    again = transferase("import", str(offers), "--kind", "offers", "--source", "test", "--json").json
    assert [again[name] for name in ("created", "updated", "unchanged", "rejected")] == [0, 0, 2, 2]
    assert Listing.objects.filter(state="published").count() == 2


def test_a_dry_run_says_the_same_and_writes_nothing(transferase, offers, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    report = transferase("import", str(offers), "--kind", "offers", "--source", "test", "--dry-run", "--json").json
    assert [report[name] for name in ("read", "created", "updated", "unchanged", "rejected")] == [4, 2, 0, 0, 2]
    assert not Listing.objects.exists()
    assert not Organisation.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_columns_are_named_in_a_map(transferase, tmp_path, make_organisation):
    owner = make_organisation(names={"ko": "가상 연구원"})
    file, names = tmp_path / "file.csv.gz", tmp_path / "map.toml"
    with gzip.open(file, "wt", encoding="cp949") as out:
        out.write("갑,을,병\r\nB-1,해조류 필름,토양에서 분해되는 해조류 포장 필름을 제공합니다.\r\n" * 1)
    names.write_text(
        '[columns]\n"갑" = "external_id"\n"을" = "title"\n"병" = "summary"\n'
        '[defaults]\nlanguage = "ko"\ncountry = "KR"\n',
        encoding="utf-8",
    )
    ended = transferase(
        "import", str(file), "--kind", "offers", "--map", str(names), "--encoding", "cp949", "--owner", "가상 연구원",
        "--draft", "--json",
    )  # fmt: skip
    assert ended.json["created"] == 1, ended
    listing = Listing.objects.get()
    assert (listing.owner, listing.source, listing.country, listing.state) == (owner, "file", "KR", "draft")


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        (b"", (), "holds no row"),
        (b"%PDF-1.7 nonsense", (), "looks like pdf"),
        (b"external_id,title\r\nA,\xff\xff\xff\r\n", ("--encoding", "utf-8"), "does not hold text in utf-8"),
        (b"external_id,title\r\nA,b\r\n", ("--encoding", "klingon"), "klingon"),
        (b"external_id,title\r\nA,b\r\n", ("--owner", "Nobody"), "No organisation is called Nobody"),
    ],
)
def test_an_unreadable_file_is_one_sentence(transferase, tmp_path, content, options, told):
    file = tmp_path / "file.csv"
    file.write_bytes(content)
    ended = transferase("import", str(file), "--kind", "offers", *options)
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1), ended
    assert told in ended.err


@pytest.mark.parametrize("content", ["columns = 1", "[colums]\na = 'title'", "nonsense"])
def test_a_faulty_map_is_one_sentence(transferase, offers, tmp_path, content):
    names = tmp_path / "map.toml"
    names.write_text(content, encoding="utf-8")
    ended = transferase("import", str(offers), "--kind", "offers", "--map", str(names))
    assert ended.status == 2
    assert "map.toml" in ended.err


def test_every_code_of_a_row_and_of_a_file_has_a_sentence():
    refusals = {error.code for error in rules.FileRefused.__subclasses__()}
    assert {*rules.ROW_CODES, *refusals} <= set(sentences.SENTENCES)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl"])
def test_what_is_exported_can_be_imported_again(transferase, offers, tmp_path, ending):
    transferase("import", str(offers), "--kind", "offers", "--source", "test")
    file = tmp_path / f"out.{ending}"
    assert transferase("export", "--kind", "offers", "-o", str(file), "--json").json == {"written": 2}
    again = transferase("import", str(file), "--kind", "offers", "--source", "test", "--json").json
    assert [again[name] for name in ("updated", "unchanged", "rejected")] == [0, 2, 0]
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []


def test_an_export_holds_what_is_public_unless_all_is_asked_for(transferase, make_listing, tmp_path):
    nda = {"language": "en", "tier": "nda", "title": "Recipe", "summary": "SECRETWORD"}
    make_listing(at=timezone.now(), texts=[nda])
    make_listing(state="draft", title="Unfinished")
    file = tmp_path / "out.jsonl"
    transferase("export", "-o", str(file))
    assert "SECRETWORD" not in file.read_text(encoding="utf-8")
    assert "Unfinished" not in file.read_text(encoding="utf-8")
    assert transferase("export", "--everything", "-o", str(file), "--json").json == {"written": 2}
    assert "SECRETWORD" in file.read_text(encoding="utf-8")


def test_an_export_in_an_unknown_format(transferase, tmp_path):
    ended = transferase("export", "-o", str(tmp_path / "out.pdf"))
    assert (ended.status, ended.out) == (2, "")
    assert "pdf" in ended.err


@pytest.fixture
def pair(make_listing):
    at = timezone.now()
    need = make_listing(
        at=at, direction="need", language="ko", title="해조류로 만든 포장 필름", source="s", external_id="N-1",
        summary="토양에서 빨리 분해되는 해조류 기반 식품 포장 필름 기술을 찾습니다.", ipc=["B65D 65/46"],
    )  # fmt: skip
    offer = make_listing(
        at=at, title="Packaging film made of seaweed", source="s", external_id="O-1", ipc=["B65D 65/46"],
        summary="A food packaging film made from seaweed polysaccharides that degrades quickly in soil.",
    )  # fmt: skip
    make_listing(at=at, title="Pump for hot brine", summary="A pump for hot brine in geothermal wells.")
    matching.rebuild(actor=SYSTEM, at=at)
    matching.propose_all(actor=SYSTEM, at=at)
    return need, offer


def test_search_finds_across_languages(transferase, pair):
    found = transferase("search", "해조류 포장 필름", "--kind", "offer", "--json").json
    assert set(found) >= {"results", "milliseconds"}
    first = found["results"][0]
    assert {"external_id", "kind", "title", "language", "score", "because"} <= set(first)
    assert (first["external_id"], first["kind"], first["language"]) == ("O-1", "offer", "en")
    assert first["because"]
    only = transferase("search", "해조류 포장 필름", "--lang", "ko", "--json").json
    assert {result["language"] for result in only["results"]} == {"ko"}
    assert "O-1" in transferase("search", "seaweed film").out


def test_search_that_finds_nothing_or_nothing_close_says_so(transferase, pair):
    nothing = transferase("search", "😀", "--lang", "ko")
    assert "Nothing found." in nothing.out
    assert "0 found" not in nothing.out
    far = transferase("search", "zxqv wvkj", "--json").json
    assert far["is_far"] is bool(far["results"])
    near = transferase("search", "seaweed film", "--json").json
    assert near["is_far"] is False


@pytest.mark.parametrize("name", ["N-1", "s:N-1"])
def test_a_match_has_parts_that_sum_to_its_score(transferase, pair, name):
    need, _ = pair
    Requirement.objects.create(listing=need, property="인장 강도", operator="ge", value=30, unit="MPa")
    found = transferase("match", name, "--json").json
    assert found["subject"]["external_id"] == "N-1"
    first = found["matches"][0]
    assert {"external_id", "title", "language", "score", "parts", "because", "misfits", "missing"} <= set(first)
    assert first["external_id"] == "O-1"
    assert sum(first["parts"].values()) == first["score"]
    assert first["because"]
    assert "offer.trl" in [told["code"] for told in first["missing"]]
    (asked,) = [told for told in first["missing"] if told["code"] == "offer.requirements"]
    assert (asked["property"], asked["value"]) == ("인장 강도", "30")
    printed = transferase("match", name).out
    assert "O-1" in printed
    assert "? To be checked: 인장 강도 ≥ 30 MPa." in printed


def test_a_listing_that_is_none_or_two(transferase, make_listing):
    for source in ("a", "b"):
        make_listing(source=source, external_id="X")
    unknown, twice = transferase("match", "nowhere"), transferase("match", "X")
    assert (unknown.status, unknown.err) == (2, "There is no listing nowhere.\n")
    assert (twice.status, twice.err) == (2, "X stands in several sources: write SOURCE:X.\n")
    assert transferase("match", "b:X", "--json").json["subject"]["source"] == "b"


def test_the_chain_of_the_ledger(transferase, make_person):
    record(actor=SYSTEM, action="catalogue.listing.published", subject=make_person())
    ended = transferase("ledger", "verify", "--json")
    assert (ended.status, ended.json["ok"], ended.json["sealed"]) == (0, True, ended.json["entries"])
    assert "is whole" in transferase("ledger", "verify").out


def test_a_broken_chain_is_an_answer_of_no(transferase, make_person):
    from django.db import connection

    entry = record(actor=SYSTEM, action="catalogue.listing.published", subject=make_person())
    seal()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE foundation_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE foundation_ledgerentry SET action = 'nothing' WHERE id = %s", [entry.pk])
    ended = transferase("ledger", "verify", "--json")
    assert (ended.status, ended.json["ok"], ended.json["broken"]) == (1, False, [entry.pk])


def test_an_operator_is_appointed_with_a_link_for_the_password(transferase, client):
    link = transferase("operator", "chief@example.org", "--json").json["set_password"]
    assert client.get(link, follow=True).status_code == 200
    again = transferase("operator", "CHIEF@example.org", "--json")
    assert again.status == 0
    assert Organisation.objects.count() == 1
    assert json.loads(again.out)["email"] == "CHIEF@example.org"


def test_an_export_into_a_missing_folder_names_the_file_that_was_given(transferase, tmp_path):
    file = tmp_path / "nowhere" / "out.csv"
    ended = transferase("export", "-o", str(file))
    assert ended.status == 2
    assert ended.err == f"Cannot write {file}: No such file or directory.\n"


def test_an_operator_has_an_email_address(transferase):
    ended = transferase("operator", "notanemail")
    assert ended.status == 2
    assert ended.err == "notanemail is not an e-mail address.\n"
    assert not Organisation.objects.exists()
