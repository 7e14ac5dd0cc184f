"""Search: what was asked stands in the address; results say how many and why; filters say what they keep away."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from transferase.engine.ranking import Reason
from transferase.engine.text import Snippet
from transferase.foundation import typed
from transferase.matching.queries import Hit, SearchResult
from transferase.web.search import Asked, is_far, marked, reasons_of, suggestion_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def listings(make_listing: Callable[..., Listing], index: Callable[..., None]) -> dict[str, Listing]:
    made = {
        "river": make_listing(
            title="River level sensor",
            summary="A low-cost sensor measures the level of rivers.",
            country="KR",
            trl_low=5,
            trl_high=6,
            transfer_modes=["exclusive_licence"],
            ipc=["G01F 23/296"],
        ),
        "heat": make_listing(
            title="Heat pump", summary="A heat pump for laundries.", country="CN", trl_low=8, trl_high=9
        ),
        "need": make_listing(
            direction="need", title="Flood warning", summary="A sensor that warns of floods.", country="US"
        ),
        "korean": make_listing(
            language="ko", title="수위 센서", summary="하천의 수위를 재는 센서입니다.", country="KR"
        ),
    }
    index(*made.values())
    return made


def get(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_words_are_found_marked_and_explained(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    page = get(visit(), "/en/search?q=sensor")
    assert "2 results" in page
    assert "<mark>sensor</mark>" in page
    assert "Found by words" in page
    assert "Heat pump" not in page


def test_korean_words_are_found(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    page = get(visit(), "/ko/search?q=수위")
    assert "결과 1건" in page
    assert "수위 센서" in page


def test_without_a_model_the_page_says_that_meaning_rests(
    visit: Callable[..., Client], listings: dict[str, Listing]
) -> None:
    assert "Search by meaning is resting" in get(visit(), "/en/search?q=sensor")


def test_without_words_everything_is_listed_newest_first(
    visit: Callable[..., Client], listings: dict[str, Listing]
) -> None:
    page = get(visit(), "/en/search")
    assert "4 results" in page
    assert "newest first" in page
    assert "3 offers" in get(visit(), "/en/offers")
    assert "1 need" in get(visit(), "/en/needs")


@pytest.mark.parametrize(
    ("filters", "found", "left_out"),
    [
        ("country=KR", {"river", "korean"}, {"heat", "need"}),
        ("country=KR&country=CN", {"river", "korean", "heat"}, {"need"}),
        ("language=ko", {"korean"}, {"river", "heat", "need"}),
        ("trl=4-6", {"river"}, {"heat", "need", "korean"}),
        ("mode=exclusive_licence", {"river"}, {"heat", "need", "korean"}),
        ("ipc=g01f", {"river"}, {"heat", "need", "korean"}),
        ("field=10", {"river"}, {"heat", "need", "korean"}),
        ("kind=need", {"need"}, {"river", "heat", "korean"}),
        ("trl=nonsense&kind=nonsense&language=xx", {"river", "heat", "need", "korean"}, set()),
    ],
)
def test_filters_narrow_the_list(
    visit: Callable[..., Client], listings: dict[str, Listing], filters: str, found: set[str], left_out: set[str]
) -> None:
    page = get(visit(), f"/en/search?{filters}")
    assert {name for name, listing in listings.items() if str(listing.pk) in page} == found
    assert found | left_out == set(listings)


def test_a_filter_that_leaves_nothing_says_what_it_keeps_away(
    visit: Callable[..., Client], listings: dict[str, Listing]
) -> None:
    page = get(visit(), "/en/search?q=heat+pump&country=KR")
    assert "Nothing was found" in page
    assert "Without “South Korea”" in page
    assert "1 result" in page
    assert "/en/needs/new?text=heat+pump" in page


def test_each_filter_in_force_can_be_dropped(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    page = get(visit(), "/en/search?country=KR&trl=4-6")
    assert 'href="/en/search?trl=4-6"' in page
    assert 'href="/en/search?country=KR"' in page


def test_pages_follow_each_other(
    visit: Callable[..., Client], make_listing: Callable[..., Listing], index: Callable[..., None]
) -> None:
    index(*(make_listing(title=f"Pump {n}") for n in range(12)))
    first = get(visit(), "/en/search?q=pump")
    assert "1–10 of 12" in first
    assert "page=2" in first
    second = get(visit(), "/en/search?q=pump&page=2")
    assert "11–12 of 12" in second
    assert 'rel="prev"' in second
    assert get(visit(), "/en/search?q=pump&page=99999999")


def test_private_words_find_nothing_for_others(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_listing: Callable[..., Listing],
    index: Callable[..., None],
) -> None:
    secret = {"language": "en", "tier": "nda", "description": "Uses zirconia dopant."}
    listing = make_listing(title="Membrane", texts=[secret])
    index(listing)
    for reader in (visit(), visit(make_person(role="company_user"))):
        page = get(reader, "/en/search?q=zirconia")
        assert str(listing.pk) not in page
        assert "dopant" not in page
        assert str(listing.pk) in get(reader, "/en/search?q=membrane")


def test_what_was_typed_is_text_only(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    page = get(visit(), "/en/search?q=%3Cscript%3Ealert(1)%3C/script%3E%00&country=%22%3E%3Cb%3E")
    assert "<script>alert" not in page
    assert '"><b>' not in page


def test_a_long_text_is_kept_in_a_large_field(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    text = (
        "a sensor that measures the level of rivers at night and in bad weather and reports it to a control room " * 60
    )
    page = get(visit(), f"/en/search?q={text}")
    assert "<textarea" in page
    assert Asked.from_address(QueryDict(f"q={text}")).text == text.strip()


@pytest.mark.parametrize(
    "query",
    [
        "q=sensor&kind=offer&field=10&field=1&ipc=G01F&trl=4-6&country=KR&mode=option&language=ko&organisation=7&page=3",
        "",
    ],
)
def test_what_was_asked_survives_its_address(query: str) -> None:
    asked = Asked.from_address(QueryDict(query))
    _, _, told = asked.address().partition("?")
    assert Asked.from_address(QueryDict(told)) == asked


def test_marks_are_set_and_everything_else_is_escaped() -> None:
    told = marked(Snippet("a <b> sensor & more", 0, ((6, 12),), True, True))
    assert told == "… a &lt;b&gt; <mark>sensor</mark> &amp; more …"


@pytest.mark.parametrize(
    ("interface", "language", "said"),
    [
        ("en", "en", ("Found by words: “sensor”, “level”", "Found by meaning")),
        ("en", "ko", ("Found by words: “sensor”, “level”", "Found by meaning, across languages")),
        ("zh-hans", "zh-Hans", ("按词找到：“sensor”、“level”", "按语义找到")),
    ],
)
def test_why_something_was_found_is_told_in_words(interface: str, language: str, said: tuple[str, ...]) -> None:
    because = (
        Reason("found_words", {"words": ["sensor", "level"], "language": language}),
        Reason("close_meaning", {"closeness": 0.8, "language": "en"}),
        Reason("newest", {}),
    )
    hit = Hit(uuid4(), "offer", language, 70, because, None)
    with translation.override(interface):
        assert reasons_of(hit, {"en": "en", "zh-hans": "zh-Hans"}[interface]) == said


def test_a_slip_of_the_keyboard_is_offered_mended() -> None:
    found = SearchResult((), 0, {}, {}, "river sensor", 3.0, True)
    mended = suggestion_of(Asked(text="rivr sensor", countries=("KR",), page=2), found)
    assert mended is not None
    assert mended.address.endswith("/search?q=river+sensor&country=KR")
    assert suggestion_of(Asked(text="river"), replace(found, did_you_mean=None)) is None


def test_an_organisation_as_filter_is_named(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    owner = listings["heat"].owner
    page = get(visit(), f"/en/search?organisation={owner.pk}")
    assert "1 result" in page
    assert owner.name("en") in page
    assert "Heat pump" in page


def test_a_page_of_results_costs_the_same_for_two_and_for_four(
    visit: Callable[..., Client], make_listing: Callable[..., Listing], index: Callable[..., None]
) -> None:
    client = visit()
    # One of each direction: where a direction has nothing to compare, its comparison is not asked for.
    index(make_listing(title="Pump one"), make_listing(title="Pump wanted", direction="need"))
    get(client, "/en/search?q=pump")
    with CaptureQueriesContext(connection) as two:
        get(client, "/en/search?q=pump")
    index(make_listing(title="Pump two"), make_listing(title="Pump three", direction="need"))
    get(client, "/en/search?q=pump")
    with CaptureQueriesContext(connection) as four:
        get(client, "/en/search?q=pump")
    assert len(four) == len(two)


def test_the_first_page_shows_real_numbers(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    page = get(visit(), "/en/")
    assert "See all 3 offers" in page
    assert "See 1 need" in page
    assert "River level sensor" in page
    assert '<a href="/en/search?field=10">Measurement</a>' in page
    empty = {"ko": "공급·수요 찾기", "zh-hans": "检索供给与需求"}
    for interface, word in empty.items():
        assert word in get(visit(), f"/{interface}/")


def test_the_first_page_of_an_empty_platform_invites(visit: Callable[..., Client]) -> None:
    page = get(visit(), "/en/")
    assert "No offer is published yet." in page
    assert "Post a need" in page


def test_filters_that_help_nothing_are_not_blamed(visit: Callable[..., Client], listings: dict[str, Listing]) -> None:
    page = get(visit(), "/en/search?q=zzzqqq&country=KR&language=ko")
    assert "These filters keep results away" not in page
    assert "Use other words" in page
    assert 'href="/en/search?q=zzzqqq"' in page


def test_a_whole_page_of_text_is_taken_as_it_is(visit: Callable[..., Client]) -> None:
    text = "수위 센서 " * 800 + "끝말"
    page = get(visit(), f"/ko/search?{urlencode({'q': text})}")
    assert "끝말</textarea>" in page


@pytest.mark.parametrize("query", ["😀", "?!", "– …"])
def test_signs_alone_find_nothing(visit: Callable[..., Client], listings: dict[str, Listing], query: str) -> None:
    page = get(visit(), f"/en/search?{urlencode({'q': query})}")
    assert "Nothing was found" in page
    assert "River level sensor" not in page


def test_what_is_far_from_the_text_is_told_to_be_far() -> None:
    def found(score: int, *reasons: Reason) -> SearchResult:
        return SearchResult((Hit(uuid4(), "offer", "en", score, reasons, None),), 1, {}, {}, None, 3.0, True)

    asked, words = Asked(text="asdfqwer zzz"), Reason("found_words", {"words": ["zzz"], "language": "en"})
    assert is_far(asked, found(36))
    assert not is_far(asked, found(45))
    assert not is_far(asked, found(23, words))
    assert not is_far(Asked(), found(0))
    assert not is_far(replace(asked, page=2), found(20))


def test_a_far_result_stands_below_a_line_that_says_so(
    visit: Callable[..., Client], make_listing: Callable[..., Listing], index: Callable[..., None], settings: Any
) -> None:
    settings.EMBEDDING = ""
    settings.EMBEDDING_CACHE = Path(tempfile.gettempdir()) / "transferase-test-models"
    index(make_listing(title="River level sensor", summary="A low-cost sensor measures the level of rivers."))
    line = "Nothing fits closely; these are the nearest."
    page = get(visit(), "/en/search?q=stream")
    assert "River level sensor" in page
    assert line in page
    assert line not in get(visit(), "/en/search?q=sensor")


def test_a_snippet_of_a_machine_translation_is_marked(
    visit: Callable[..., Client], make_listing: Callable[..., Listing], index: Callable[..., None]
) -> None:
    machine = {"language": "zh-Hans", "origin": "machine", "title": "热泵", "summary": "洗衣房用热泵。"}
    index(make_listing(title="Heat pump", summary="A heat pump for laundries.", texts=[machine]))
    page = get(visit(), f"/en/search?{urlencode({'q': '热泵'})}")
    assert "<mark>热泵</mark>" in page
    assert "machine translation" in page
    assert "machine translation" not in get(visit(), "/en/search?q=laundries")


PAGE_OF_TEXT = "하천의 수위를 밤에도 재는 값싼 센서를 찾습니다. " * 40


def post(client: Client, **said: str) -> str:
    answer = client.post("/ko/search", said)
    assert answer.status_code == 303
    return str(answer["Location"])


def test_words_that_are_posted_get_an_address_that_holds_them(client: Client) -> None:
    assert post(client, q="pump", kind="need") == "/ko/search?q=pump&kind=need"


def test_a_whole_page_is_searched_with_and_stays_under_filters_and_pages(client: Client, listings: Any) -> None:
    address = post(client, q=PAGE_OF_TEXT)
    assert address.startswith("/ko/search?text=")
    assert len(address) < 100
    page = client.get(f"{address}&country=KR")
    asked = page.context["asked"]
    assert asked.text == PAGE_OF_TEXT.strip()
    assert page.context["results"][0].card.listing_id == listings["korean"].pk
    (chip,) = page.context["chips"]
    assert chip.without == address
    assert replace(asked, page=2).address() == f"{address}&country=KR&page=2"
    assert f'name="text" value="{asked.kept}"' in page.content.decode()
    assert post(client, q=PAGE_OF_TEXT) == address


def test_a_long_text_in_an_address_is_kept_for_the_next_addresses(client: Client) -> None:
    page = client.get("/ko/search", {"q": PAGE_OF_TEXT})
    assert page.context["asked"].kept
    assert page.context["asked"].text == PAGE_OF_TEXT.strip()


def test_a_text_that_is_cut_is_said_to_be_cut(client: Client) -> None:
    whole = client.get(post(client, q="수" * 20_000)).context["asked"]
    assert (len(whole.text), whole.is_cut) == (20_000, False)
    page = client.get(post(client, q="수" * 20_001).replace("/ko/", "/en/"))
    assert (len(page.context["asked"].text), page.context["asked"].is_cut) == (20_000, True)
    assert "Your text is longer than 20,000 characters" in page.content.decode()


def test_a_long_text_is_kept_for_a_day(client: Client, clock: Any, at: Any) -> None:
    address = post(client, q=PAGE_OF_TEXT).replace("/ko/", "/en/")
    clock.move_to(at + timedelta(hours=23))
    assert not client.get(address).context["asked"].is_gone
    clock.move_to(at + timedelta(days=1, minutes=1))
    page = client.get(address)
    assert page.context["asked"].is_gone
    assert "this one is gone" in page.content.decode()
    assert typed.forget_old(at + timedelta(days=1, minutes=1)) == 1


def test_no_more_long_texts_are_kept_than_allowed(client: Client, monkeypatch: Any, clock: Any, at: Any) -> None:
    monkeypatch.setattr(typed, "MOST_SEARCHED", 2)
    addresses = []
    for number in range(3):
        clock.move_to(at + timedelta(minutes=number))
        addresses.append(post(client, q=f"{number} {PAGE_OF_TEXT}"))
    assert [client.get(address).context["asked"].is_gone for address in addresses] == [True, False, False]


def test_the_box_cuts_nothing_and_sets_no_cookie_of_a_form(client: Client) -> None:
    for address in ("/en/", "/en/search?q=pump"):
        page = client.get(address)
        box = page.content.decode().partition("<textarea")[2].partition(">")[0]
        assert 'name="q"' in box
        assert "maxlength" not in box
        assert "csrftoken" not in page.cookies
