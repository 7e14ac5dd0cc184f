"""Search by words and by meaning, filters and their counts, slips of the keyboard."""

from __future__ import annotations

import pytest

from tests.matching.conftest import BATTERY
from transferase.directory.rules import ANYONE
from transferase.matching import queries
from transferase.matching.queries import Filters

pytestmark = pytest.mark.django_db

KOREAN = {
    "title": "리튬 이차전지용 고체 전해질",
    "summary": "황화물계 고체 전해질을 이용한 리튬 이차전지는 불이 붙지 않으며 수명이 길다.",
}
SOLAR = {
    "title": "Flexible solar cell on steel foil",
    "summary": "A thin-film solar cell on steel foil that can be rolled and mounted on curved roofs.",
}


@pytest.fixture
def shelf(make_offer, index):
    """Three batteries and a solar cell, in three languages and countries."""
    listings = {
        "zh": make_offer(language="zh-Hans", country="CN", ipc=["H01M 4/525"], trl_low=5, trl_high=6, **BATTERY),
        "ko": make_offer(
            language="ko",
            country="KR",
            ipc=["H01M 10/0562"],
            trl_low=3,
            trl_high=4,
            transfer_modes=["assignment"],
            **KOREAN,
        ),
        "en": make_offer(country="US", ipc=["H01L 31/0392"], transfer_modes=["assignment", "option"], **SOLAR),
    }
    index(*listings.values())
    return listings


@pytest.fixture
def search(at):
    def run(text="", **more):
        return queries.search(viewer=ANYONE, at=at, text=text, **more)

    return run


def ids(result):
    return [hit.listing_id for hit in result.hits]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("고체 전해질 전지", "ko"),
        ("solid electrolyte battery", "ko"),
        ("지붕에 붙이는 태양전지", "en"),
        ("屋顶太阳能电池", "en"),
        ("高镍正极", "zh"),
    ],
)
def test_a_query_in_any_language_finds_the_offer_that_means_it(text, first, shelf, search):
    result = search(text)
    assert ids(result)[0] == shelf[first].pk
    assert result.meaning_is_available


def test_a_machine_made_translation_is_found_by_its_words_and_marked(make_offer, index, search):
    text = {"language": "ko", "origin": "machine", "title": "휘어지는 태양전지", "summary": "철박 위의 박막 태양전지."}
    offer = make_offer(texts=[text], **SOLAR)
    index(offer)

    (hit,) = search("휘어지는 태양전지", language="ko").hits

    assert (hit.listing_id, hit.language, hit.is_machine_made) == (offer.pk, "ko", True)
    words = next(reason for reason in hit.because if reason.code == "found_words")
    assert words.facts["is_machine_made"]
    assert "태양" in " ".join(words.facts["words"])


def test_words_alone_are_searched_where_no_model_can_be_had(words_only, shelf, search):
    result = search("solar cell")
    assert ids(result) == [shelf["en"].pk]
    assert not result.meaning_is_available
    assert ids(search("고체 전해질")) == [shelf["ko"].pk]


def test_a_listing_that_holds_every_word_comes_before_one_that_repeats_some(words_only, make_offer, index, search):
    both = make_offer(title="Zeolite membrane", summary="A membrane of zeolite for drying ethanol in a single step.")
    one = make_offer(title="Membrane", summary="Membrane after membrane after membrane, a membrane stack.")
    index(both, one)

    result = search("zeolite membrane ethanol")

    assert ids(result)[0] == both.pk
    assert result.hits[0].score > 70


def test_a_snippet_marks_the_words_that_were_found(shelf, search):
    hit = search("steel foil", language="ko").hits[0]
    marked = [hit.snippet.text[start:end].lower() for start, end in hit.snippet.marks]
    assert set(marked) == {"steel", "foil"}
    assert (hit.language, hit.direction) == ("en", "offer")


def test_without_a_text_the_newest_come_first_with_all_counts(shelf, search):
    result = search()
    assert set(ids(result)) == {listing.pk for listing in shelf.values()}
    assert [hit.because[0].code for hit in result.hits] == ["newest"] * 3
    assert result.total == 3
    assert dict(result.facets["countries"]) == {"CN": 1, "KR": 1, "US": 1}
    assert dict(result.facets["languages"]) == {"zh-Hans": 1, "ko": 1, "en": 1}
    assert dict(result.facets["trl"]) == {"1-3": 1, "4-6": 2, "none": 1}
    assert dict(result.facets["ipc"]) == {"H01M": 2, "H01L": 1}
    assert dict(result.facets["transfer_modes"]) == {"assignment": 2, "option": 1}
    assert dict(result.facets["direction"]) == {"offer": 3}
    assert sum(number for _, number in result.facets["organisation_id"]) == 3
    assert dict(result.facets["fields"])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(countries=("KR", "CN")), {"ko", "zh"}),
        (Filters(languages=("en",)), {"en"}),
        (Filters(ipc="H01M"), {"ko", "zh"}),
        (Filters(ipc="H01M 10"), {"ko"}),
        (Filters(ipc="h01m10/05"), {"ko"}),
        (Filters(ipc="H01M 1"), set()),
        (Filters(trl_low=5), {"zh"}),
        (Filters(trl_high=4), {"ko"}),
        (Filters(trl_low=4, trl_high=5), {"ko", "zh"}),
        (Filters(transfer_modes=("option",)), {"en"}),
        (Filters(transfer_modes=("assignment",), countries=("KR",)), {"ko"}),
        (Filters(ipc="%"), set()),
    ],
)
def test_filters_choose(filters, expected, shelf, search):
    result = search(filters=filters)
    assert set(ids(result)) == {shelf[name].pk for name in expected}
    assert result.total == len(expected)


def test_filters_choose_among_what_a_text_finds(shelf, search):
    result = search("lithium battery", filters=Filters(countries=("KR",)))
    assert (ids(result), result.total) == ([shelf["ko"].pk], 1)
    assert dict(result.facets["countries"])["CN"] == 1, "choosing another country is still on offer"
    assert result.without == {"countries": 2}


def test_an_empty_result_says_which_filter_leaves_it_empty(shelf, search):
    result = search(filters=Filters(countries=("CN",), trl_low=7))
    assert (result.hits, result.total) == ((), 0)
    assert result.without == {"countries": 0, "trl": 1}


def test_an_organisation_is_a_filter(shelf, search):
    assert ids(search(filters=Filters(organisation_id=shelf["en"].owner_id))) == [shelf["en"].pk]


def test_directions_are_told_apart(shelf, make_need, index, search):
    need = make_need()
    index(need)
    assert ids(search("미세조류 배양", direction="need")) == [need.pk]
    assert need.pk not in ids(search("미세조류 배양", direction="offer"))
    assert dict(search().facets["direction"]) == {"offer": 3, "need": 1}


def test_pages_hold_every_result_once(make_offer, index, search):
    offers = [make_offer() for _ in range(5)]
    index(*offers)
    for text in ("microalgae", ""):
        seen = [hit for offset in (0, 2, 4) for hit in ids(search(text, limit=2, offset=offset))]
        assert sorted(seen) == sorted(offer.pk for offer in offers)


def test_a_slip_is_answered_with_what_many_listings_say(make_offer, index, search, at):
    index(*[make_offer(**SOLAR) for _ in range(6)])
    assert search("flexibel solar cell").did_you_mean == "flexible solar cell"
    assert search("flexible solar cell").did_you_mean is None
    assert queries.suggestions(viewer=ANYONE, at=at, text="flexibel roof", language="en") == ["flexible roof"]
    # A word that anybody uses is no slip, and one that only ends alike is another word.
    assert search("steel").did_you_mean is None
    assert search("unflexible").did_you_mean is None


def test_odd_input_finds_nothing_and_breaks_nothing(shelf, search):
    for text in ("'", "\\", "a' | 'b", "!!!", "\x00\u202e", "🔋" * 50, "%s %(direction)s", "x" * 30_000, ":* & |"):
        assert search(text).total <= 3


def test_a_whole_text_can_be_searched(shelf, search):
    text = KOREAN["summary"] * 20
    assert ids(search(text))[0] == shelf["ko"].pk


def test_a_search_asks_the_database_a_constant_number_of_times(
    make_offer, index, search, django_assert_max_num_queries
):
    index(make_offer())
    search("microalgae")
    for _ in range(2):
        with django_assert_max_num_queries(24):
            search("microalgae")
        index(make_offer(), make_offer())
