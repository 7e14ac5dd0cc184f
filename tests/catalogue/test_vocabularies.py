"""Code lists: complete in three languages, loaded once, found by word and code."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from transferase.catalogue import models, queries, rules, services
from transferase.catalogue.models import Term, TermLabel
from transferase.directory.models import IdentifierScheme, OrganisationKind, Role
from transferase.foundation.errors import NotAllowed
from transferase.foundation.languages import LANGUAGES
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry

FOLDER = files("transferase.catalogue").joinpath("vocabularies")


def rows_of(name):
    with FOLDER.joinpath(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FILES = sorted(path.name for path in FOLDER.iterdir() if path.name.endswith(".csv"))


@pytest.mark.parametrize("name", FILES)
def test_every_code_has_a_label_in_each_language(name):
    """Below the subclass, titles of IPC exist in English only."""
    rows = rows_of(name)
    asked = [row for row in rows if name != "ipc.csv" or len(row["code"]) <= len("A01B")]
    columns = ("label_ko", "label_zh", "label_en")
    assert [row["code"] for row in asked if not all(row[c].strip() for c in columns)] == []
    assert [row["code"] for row in rows if not any(row[c].strip() for c in columns)] == []
    codes = [row["code"] for row in rows]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("name", FILES)
def test_parents_exist(name):
    codes = {row["code"] for row in rows_of(name)} | {row["code"] for row in rows_of("sector.csv")}
    assert {row["parent_code"] for row in rows_of(name)} <= codes | {""}


@pytest.mark.parametrize(
    ("scheme", "codes"),
    [
        ("direction", models.Direction.values),
        ("state", models.State.values),
        ("tier", models.Tier.values),
        ("origin", models.Origin.values),
        ("language", LANGUAGES),
        ("role", Role.values),
        ("organisation_kind", OrganisationKind.values),
        ("identifier_scheme", IdentifierScheme.values),
        ("taken_reason", rules.TAKEN_REASONS),
        ("withdraw_reason", rules.WITHDRAW_REASONS),
        ("send_back_reason", rules.SEND_BACK_REASONS),
        ("trl", [str(level) for level in range(1, 10)]),
    ],
)
def test_code_and_vocabulary_name_the_same(scheme, codes):
    assert {row["code"] for row in rows_of(f"{scheme}.csv")} == set(codes)


def test_every_vocabulary_a_draft_is_checked_with_ships():
    shipped = {name.removesuffix(".csv") for name in FILES}
    assert {*rules.VOCABULARY_OF.values(), "right_kind", "right_status", "requirement_operator"} <= shipped
    assert rules.NON_EXCLUSIVE in {row["code"] for row in rows_of("exclusivity.csv")}


def test_loading_again_changes_nothing(fence, django_assert_max_num_queries):
    with fence, django_assert_max_num_queries(4):
        assert services.load_vocabularies(actor=SYSTEM) == 0


def test_loading_mends_what_differs_and_keeps_codes_that_no_longer_ship(fence):
    Term.objects.filter(scheme="state", code="draft").delete()
    Term.objects.filter(scheme="field", code="8").update(parent_code="")
    TermLabel.objects.filter(term__scheme="trl", term__code="9", language="ko").update(label="?")
    Term.objects.create(scheme="state", code="dreamt")
    with fence:
        # the code with its three labels, the parent, one label
        assert services.load_vocabularies(actor=SYSTEM) == 6
    assert queries.label("state", "draft", "ko") == "작성 중"
    assert queries.label("trl", "9", "ko") == "실제 운용으로 입증"
    assert Term.objects.filter(scheme="state", code="dreamt").exists()
    assert LedgerEntry.objects.latest("pk").action == "catalogue.vocabulary.loaded"
    queries.forget_vocabularies()


def test_only_operators_load_vocabularies(make_person):
    with pytest.raises(NotAllowed):
        services.load_vocabularies(actor=make_person(role=Role.REVIEWER))


def test_labels_in_three_languages_from_memory(db, django_assert_num_queries):
    queries.forget_vocabularies()
    with django_assert_num_queries(2):
        assert queries.labels("transfer_mode", "ko")["exclusive_licence"] == "전용실시권"
        assert queries.labels("transfer_mode", "zh-Hans")["exclusive_licence"] == "独占许可"
        assert queries.labels("transfer_mode", "en")["exclusive_licence"] == "Exclusive licence"
        assert queries.options("requirement_operator", "en")[0] == ("lt", "less than")
        assert queries.labels("nothing", "en") == {}


def test_an_unknown_code_is_its_own_label(db):
    assert queries.label("transfer_mode", "barter", "ko") == "barter"
    assert queries.label("nothing", "x", "ko") == "x"
    assert queries.label("ipc", "Z99", "en") == "Z99"


def test_a_symbol_without_a_title_bears_that_of_the_node_above(db):
    assert queries.label("ipc", "A24F 1/30", "en") == "Tobacco pipes"
    assert queries.label("ipc", "A24F 1/30", "zh-Hans").startswith("吸烟者用品")
    assert queries.label("cpc", "C12N 1/205", "ko").startswith("미생물")


def test_search_by_code_and_by_words_of_any_language(db):
    assert queries.search_terms("field", "반도체", "en") == (("8", "Semiconductors"),)
    assert queries.search_terms("field", "半导体", "ko") == (("8", "반도체"),)
    found = queries.search_terms("ipc", "a24f", "en", limit=3)
    assert [code for code, _ in found] == ["A24F", "A24F 1/00", "A24F 3/00"]
    assert queries.search_terms("ipc", "H01M 10/0525", "en")[0][0] == "H01M 10/0525"
    assert queries.search_terms("ipc", "  ", "en") == ()
    assert queries.search_terms("ipc", "tobacco pipes", "en")[0] == ("A24F 1/00", "Tobacco pipes")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("battery", "H01M"),
        ("Batteries", "H01M"),
        ("배터리", "H01M"),
        ("이차 전지", "H01M"),
        ("电池", "H01M"),
        ("fuel cells", "H01M"),
        ("drone", "B64U"),
        ("드론", "B64U"),
        ("无人机", "B64U"),
        ("machine learning", "G06N"),
        ("인공지능", "G06N"),
        ("人工智能", "G06N"),
        ("water treatment", "C02F"),
        ("수처리", "C02F"),
        ("水处理", "C02F"),
        ("wind turbines", "F03D"),
        ("3d printing", "B33Y"),
        ("3D 프린팅", "B33Y"),
        ("항체", "C07K"),
        ("유제품", "A23C"),
        ("양극재", "H01M"),
    ],
)
def test_patent_classes_are_found_by_what_people_call_things(db, words, code):
    for language in LANGUAGES:
        codes = [found for found, _ in queries.search_terms("ipc", words, language, limit=5)]
        assert code in codes[:3], codes


def test_found_classes_bear_the_title_of_the_readers_language(db):
    found = {language: dict(queries.search_terms("ipc", "battery", language)) for language in LANGUAGES}
    assert found["ko"]["H01M"].endswith("배터리")
    assert found["zh-Hans"]["H01M"].endswith("电池组")
    assert "batteries" in found["en"]["H01M"]


def test_where_nothing_holds_all_words_what_holds_most_of_them_is_offered(db):
    assert queries.search_terms("ipc", "리튬이온배터리용 고체전해질", "ko")[0][0] == "H01M"
    assert queries.search_terms("ipc", "battery qqqq", "en")[0][0] == "H01M"
    assert queries.search_terms("ipc", "qqqq", "en") == ()
    assert queries.search_terms("ipc", "%' OR 1=1 --", "en") == ()


def test_everyday_words_belong_to_codes_that_ship():
    codes = {row["code"] for row in rows_of("ipc.csv")}
    with FOLDER.joinpath("ipc_words.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {row["code"] for row in rows} <= codes
    assert len({row["code"] for row in rows}) == len(rows) > 300
    assert [row["code"] for row in rows if not all(row[column].strip("| ") for column in ("en", "zh", "ko"))] == []


def test_korean_titles_of_patent_classes_fit_a_line_of_a_picker():
    rows = [row for row in rows_of("ipc.csv") if len(row["code"]) == len("A01B")]
    assert [row["code"] for row in rows if len(row["label_ko"]) > 40] == []


def test_vocabularies_as_a_whole(db):
    assert ("trl", 9) in queries.vocabulary_schemes()
    first = queries.vocabulary("field")[0]
    assert (first.code, first.parent_code, first.labels["zh-Hans"]) == (
        "1", "electrical_engineering", "电机、电气装置、电能",
    )  # fmt: skip
    assert queries.vocabulary("nothing") == ()


def test_files_may_speak_labels(db):
    names = queries.codes_by_label("transfer_mode")
    assert {names[word] for word in ("전용실시권", "独占许可", "exclusive licence", "exclusive_licence")} == {
        "exclusive_licence"
    }
