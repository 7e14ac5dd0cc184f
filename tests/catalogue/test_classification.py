"""Symbols of IPC, WIPO's fields and the green-bio areas."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.catalogue import rules


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("C12N1/20", "C12N 1/20"),
        ("C12N 1/20", "C12N 1/20"),
        ("c12n-001/20", "C12N 1/20"),
        ("C12N 1/20 (2006.01)", "C12N 1/20"),
        ("A01B 33/08 [2006.01]", "A01B 33/08"),
        ("G06F 3/01 I", "G06F 3/01"),
        ("C12N0001200000", "C12N 1/20"),
        ("H01M0008040890", "H01M 8/04089"),
        ("A01B0000000000", "A01B"),
        ("A61K 8", "A61K 8/00"),
        ("H01L", "H01L"),
        ("C12", "C12"),
        ("G", "G"),
        ("Y02E 10/50", "Y02E 10/50"),
    ],
)
def test_a_symbol_is_stored_in_one_form(written, stored):
    assert rules.normalise_ipc(written) == stored


@pytest.mark.parametrize("written", ["", "foo", "C1", "Z99", "C12N 0/20", "C12N 1/2", "C12N 1/2000000", "12N 1/20"])
def test_what_is_no_symbol_is_none(written):
    assert rules.normalise_ipc(written) is None


@given(st.text(max_size=20))
def test_normalising_is_idempotent_and_takes_any_text(text):
    stored = rules.normalise_ipc(text)
    assert stored is None or rules.normalise_ipc(stored) == stored


def test_ancestors_lead_to_the_section():
    assert rules.ancestors_of("C12N 1/20") == ("C12N 1/00", "C12N", "C12", "C")
    assert rules.ancestors_of("C12N 1/00") == ("C12N", "C12", "C")
    assert rules.ancestors_of("C") == ()
    assert rules.ancestors_of("none") == ()


def test_all_forty_cases_of_the_field_table(data):
    with (data / "taxonomies" / "wipo35_cases.csv").open(encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    wrong = [
        case
        for case in cases
        if (" ".join(rules.derive_fields([case["ipc"], *case["co_classes"].split()])) or "unmapped")
        != case["expected_field"]
    ]
    assert (len(cases), wrong) == (40, [])


# After 2006 the scheme grew; these subclasses stand in no field of the concordance.
UNMAPPED = {"B33Y", "G01Q"}


def test_every_symbol_of_the_scheme_leads_to_one_field_or_is_known_to_lead_to_none(data):
    with (data / "ipc" / "ipc_titles_en.tsv").open(encoding="utf-8") as file:
        groups = [row["code"] for row in csv.DictReader(file, delimiter="\t") if " " in row["code"]]
    with (data / "ipc" / "ipc_titles_zh_to_subclass.tsv").open(encoding="utf-8") as file:
        subclasses = [row["code"] for row in csv.DictReader(file, delimiter="\t") if len(row["code"]) == 4]
    assert (len(groups), len(subclasses)) == (3157, 651)
    assert [code for code in groups if len(rules.derive_fields([code])) != 1] == []
    assert {code for code in subclasses if len(rules.derive_fields([code])) != 1} == UNMAPPED


def test_fields_come_in_their_order_and_once():
    assert rules.derive_fields(["G06Q 10/00", "H01M 10/00", "G06Q 50/26", "H01L", "nothing", "G"]) == ("1", "7", "8")


def test_main_groups_are_compared_as_numbers():
    assert rules.derive_fields(["E01F 1/00"]) == ("35",)
    assert rules.derive_fields(["E01F 8/00"]) == ("24",)
    assert rules.derive_fields(["H04N 17/00"]) == ("2",)
    assert rules.derive_fields(["H04N 1/00"]) == ("3",)


def test_medicines_take_fine_chemistry_and_biotechnology_but_no_cosmetics():
    assert rules.derive_fields(["C07D 401/04", "C12N 15/00"]) == ("14", "15")
    assert rules.derive_fields(["C07D 401/04", "C12N 15/00", "A61K 39/00"]) == ("16",)
    assert rules.derive_fields(["A61K 8/97", "A61Q 19/00"]) == ("14",)


@pytest.mark.parametrize(
    ("codes", "areas"),
    [
        (["A61K 35/744"], ("GB1",)),
        (["A61K 35/64"], ("GB5",)),
        (["A61K 35/55"], ()),
        (["A61K 35/65"], ()),
        (["A23J 3/24"], ("GB2",)),
        (["A23J 3/14"], ("GB2",)),
        (["A23J 3/28"], ()),
        (["A01H 17/00"], ("GB3",)),
        (["A01H"], ()),
        (["C08B 37/08", "C12N 7/00"], ("GB4", "GB5")),
        (["C12R 1/01"], ("GB1",)),
        (["A23L 33/135"], ("GB1", "GB2")),
        (["nonsense"], ()),
        ([], ()),
    ],
)
def test_green_bio_areas(codes, areas):
    assert rules.derive_green_bio(codes) == areas
