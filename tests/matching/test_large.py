"""How search works in a large index, shown on a few rows: by the vector index, by clauses, with capped counts."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.matching.conftest import ALGAE, BATTERY
from transferase.directory.rules import ANYONE
from transferase.engine.ranking import Lexicon
from transferase.matching import _candidates as candidates
from transferase.matching import _facets as facets
from transferase.matching import queries
from transferase.matching._candidates import any_of, clauses
from transferase.matching.queries import Filters


@pytest.fixture
def large(monkeypatch):
    """An index is large from the first row on, and nothing is looked at exactly that the vector index could find."""
    monkeypatch.setattr(candidates, "EXACT_BELOW", 0)
    monkeypatch.setattr(facets, "EXACT_BELOW", -1)  # what a table says that nobody has counted yet
    monkeypatch.setattr(candidates, "EXACT_ROWS", 0)
    monkeypatch.setattr(facets, "COUNTED", 2)
    monkeypatch.setattr(candidates, "_shares", {})


@pytest.fixture
def shelf(make_offer, index):
    offers = [
        make_offer(country="US", ipc=["C12M 1/00"], **ALGAE),
        make_offer(country="KR", ipc=["C12N 1/12", "A01G 33/00"], **{**ALGAE, "title": "Open pond for microalgae"}),
        make_offer(language="zh-Hans", country="CN", ipc=["H01M 4/525"], **BATTERY),
        make_offer(country="KR", ipc=["H01M 10/05"], title="Anode for lithium cells", summary="It holds a charge."),
    ]
    index(*offers)
    return offers


def found(at, text="", **filters):
    result = queries.search(viewer=ANYONE, at=at, text=text, direction="offer", filters=Filters(**filters))
    return [hit.listing_id for hit in result.hits], result


@pytest.mark.django_db
def test_the_vector_index_finds_what_a_look_at_all_rows_finds(shelf, at, monkeypatch, request):
    exact = {text: found(at, text)[0] for text in ("marine microalgae", "锂电池", "배터리")}
    request.getfixturevalue("large")
    assert exact == {text: found(at, text)[0] for text in exact}
    assert exact["marine microalgae"][0] == shelf[0].pk


@pytest.mark.django_db
def test_a_narrow_filter_loses_nothing(shelf, large, at):
    assert found(at, "microalgae", countries=("KR",), ipc="C12N")[0] == [shelf[1].pk]
    assert found(at, "microalgae", ipc="A01G 33")[0] == [shelf[1].pk]
    assert found(at, "microalgae", ipc="A01G 3")[0] == []


@pytest.mark.django_db
def test_the_settings_of_a_scan_do_not_outlive_it(shelf, large, at):
    with connection.cursor() as cursor:
        found(at, "microalgae")
        cursor.execute("SELECT current_setting('enable_sort'), current_setting('enable_seqscan')")
        assert cursor.fetchone() == ("on", "on")


@pytest.mark.django_db
def test_of_many_listings_the_newest_are_counted_and_it_is_said(shelf, large, at):
    ids, result = found(at)
    assert result.is_capped
    assert result.total == 2
    assert ids == [offer.pk for offer in reversed(shelf)]
    ids, result = found(at, countries=("KR",))
    assert not result.is_capped
    assert result.total == 2
    assert result.without == {"countries": 3}
    assert dict(result.facets["countries"]) == {"KR": 2, "CN": 1}
    assert ids == [shelf[3].pk, shelf[1].pk]


def test_in_a_small_index_the_rarest_words_are_asked_for():
    known = Lexicon(1000, 100.0, {"rare": 3, "scarce": 20, "usual": 400})
    assert clauses(known, ["usual", "rare", "scarce", "unknown"], least_terms=4, most_rows=1000) == [
        "rare",
        "scarce",
        "usual",
    ]


def test_words_of_too_many_rows_are_asked_for_together():
    known = Lexicon(1_000_000, 100.0, {"battery": 60_000, "solid": 90_000, "cell": 80_000, "argyrodite": 40})
    assert clauses(known, ["battery", "solid", "argyrodite"], least_terms=4, most_rows=2000) == [
        "argyrodite",
        ("battery", "solid"),
    ]
    assert clauses(known, ["battery"], least_terms=4, most_rows=2000) == ["battery"]
    assert clauses(known, ["nobody"], least_terms=4, most_rows=2000) == []


def test_clauses_are_written_so_that_no_sign_breaks_them():
    assert any_of(["it's", ("a", "b\\c")]) == "('it''s') | ('a' & 'b\\\\c')"


@pytest.mark.parametrize(
    ("asked", "node"),
    [("H01M 10/", "H01M 10/"), ("H01M 10/05", "H01M 10/"), ("H01M", "H01M"), ("H01", "H01"), ("H0", "H"), ("H", "H")],
)
def test_a_beginning_of_a_code_is_looked_for_at_the_node_above_it(asked, node):
    assert facets._node(asked) == node
