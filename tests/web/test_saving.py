"""Saved searches and figures on pages: save, see what is new, change, delete; how a listing fares."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from transferase.catalogue.models import Direction
from transferase.foundation.ledger import SYSTEM
from transferase.matching import queries, services
from transferase.matching.models import Digest, DigestState, ListingDay, Match, SavedSearch, Subscription
from transferase.matching.rules import SearchDraft
from transferase.web import visits

pytestmark = pytest.mark.django_db

READER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Safari/537.36"


@pytest.fixture
def person(make_person):
    return make_person(role="company_user")


@pytest.fixture
def save(person, at):
    def run(name="Algae", text="microalgae", **facts):
        draft = SearchDraft(name=name, text=text, **facts)
        return services.save_search(actor=person, person=person, draft=draft, at=at)

    return run


def said(answer):
    return answer.content.decode()


# ---------------------------------------------------------------- saving


def test_a_search_is_saved_from_its_page_with_words_and_filters(visit, person):
    client = visit(person)
    page = client.get("/ko/search", {"q": "미세조류 배양", "kind": "offer", "country": ["KR", "CN"], "trl": "4-6"})
    asked = page.context["saving"].asked
    answer = client.post("/ko/desk/searches/new", {"name": "배양", "asked": asked})
    assert (answer.status_code, answer.url) == (302, "/ko/desk/searches")
    saved = SavedSearch.objects.get()
    assert (saved.name, saved.text, saved.direction, saved.language) == ("배양", "미세조류 배양", "offer", "ko")
    assert saved.filters == {"countries": ["KR", "CN"], "trl_low": 4, "trl_high": 6}
    assert "배양" in said(client.get("/ko/desk/searches"))


def test_a_visitor_is_led_to_sign_in_and_back(visit):
    page = visit().get("/en/search", {"q": "pump"})
    assert page.context["saving"].sign_in == "/en/account/login/?next=%2Fen%2Fsearch%3Fq%3Dpump"
    assert visit().post("/en/desk/searches/new", {"name": "x", "asked": "q=pump"}).status_code == 302
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_that_will_not_do_is_asked_for_again_and_nothing_is_lost(visit, person, name):
    client = visit(person)
    page = client.post("/en/desk/searches/new", {"name": name, "asked": "q=pump&country=KR"})
    assert page.status_code == 422
    assert 'value="q=pump&amp;country=KR"' in said(page)
    again = client.post("/en/desk/searches/new", {"name": "Pumps", "asked": "q=pump&country=KR"})
    assert again.status_code == 302
    assert SavedSearch.objects.get().filters == {"countries": ["KR"]}


def test_a_name_that_is_taken_is_told_beside_the_name(visit, person, save):
    save()
    page = visit(person).post("/en/desk/searches/new", {"name": "Algae", "asked": "q=pump"})
    assert (page.status_code, list(page.context["form"].errors)) == (422, ["name"])


def test_a_search_of_the_same_name_can_be_opened_and_replaced(visit, person, save):
    kept, client = save(), visit(person)
    page = client.post("/en/desk/searches/new", {"name": " Algae ", "asked": "q=pump&country=KR"})
    assert f'href="/en/desk/searches/{kept.pk}/open"' in said(page)
    assert f'action="/en/desk/searches/{kept.pk}"' in said(page)
    client.post(f"/en/desk/searches/{kept.pk}", {"name": "Algae", "asked": page.context["form"].data["asked"]})
    kept.refresh_from_db()
    assert (kept.text, kept.filters, SavedSearch.objects.count()) == ("pump", {"countries": ["KR"]}, 1)


def test_a_search_with_a_whole_page_is_saved_and_opened_again(visit, person):
    client, text = visit(person), "조류를 바이오연료로 바꾸는 공정 " * 100
    page = client.get(client.post("/en/search", {"q": text})["Location"])
    asked = page.context["saving"].asked
    assert client.post("/en/desk/searches/new", {"name": "Page", "asked": asked}).status_code == 302
    saved = SavedSearch.objects.get()
    assert saved.text == text.strip()
    opened = client.get(f"/en/desk/searches/{saved.pk}/open", follow=True)
    assert opened.context["asked"].text == text.strip()
    assert client.get(f"/en/desk/searches/{saved.pk}").status_code == 200


def test_a_search_whose_text_is_gone_is_not_saved_as_a_search_for_everything(visit, person):
    answer = visit(person).post("/en/desk/searches/new", {"name": "Page", "asked": f"text={'0' * 32}"})
    assert (answer.status_code, SavedSearch.objects.count()) == (302, 0)


def test_more_searches_than_allowed_are_refused_in_words(visit, person, save):
    for number in range(50):
        save(name=str(number))
    page = visit(person).post("/en/desk/searches/new", {"name": "x", "asked": "q=pump"})
    assert page.status_code == 422
    assert "You keep 50 searches" in said(page)


def test_what_is_new_is_counted_shown_and_then_no_longer_new(visit, person, save, make_listing, index, clock, at):
    save()
    index(make_listing(title="Microalgae, new", published_at=at + timedelta(hours=1)))
    index(make_listing(title="Microalgae, old"))
    clock.move_to(at + timedelta(hours=2))
    client = visit(person)
    search = SavedSearch.objects.get()
    new = f"/en/desk/searches/{search.pk}/open?new=1"
    desk = said(client.get("/en/desk"))
    assert new not in desk, "the desk does not wait for searches"
    assert 'hx-get="/en/desk/searches/counted"' in desk
    block = said(client.get("/en/desk/searches/counted"))
    assert new in block
    assert "hx-get" not in block
    for page in ("/en/desk", "/en/desk/searches"):
        assert new in said(client.get(page)), "once counted it is shown at once"
    opened = client.get(f"/en/desk/searches/{search.pk}/open?new=1", follow=True)
    assert "Microalgae, new" in said(opened)
    assert "Microalgae, old" not in said(opened)
    assert [chip.text for chip in opened.context["chips"]] == ["published after 24 Nov 2026 18:00 KST"]
    (row,) = client.get("/en/desk/searches").context["rows"]
    assert row.new == 0
    everything = client.get(f"/en/desk/searches/{search.pk}/open", follow=True)
    assert "Microalgae, old" in said(everything)


def test_changed_words_and_filters_are_kept_on_demand(visit, person, save):
    search = save(direction="offer")
    client = visit(person)
    page = client.get(f"/en/search?q=macroalgae&country=CN&saved={search.pk}")
    saving = page.context["saving"]
    assert saving.saved == search
    client.post(f"/en/desk/searches/{search.pk}", {"name": search.name, "asked": saving.asked})
    search.refresh_from_db()
    assert (search.name, search.text, search.direction) == ("Algae", "macroalgae", "")
    assert search.filters == {"countries": ["CN"]}


def test_a_new_name_leaves_the_rest_alone(visit, person, save):
    search = save(direction="offer")
    client = visit(person)
    assert "microalgae" in said(client.get(f"/en/desk/searches/{search.pk}"))
    client.post(f"/en/desk/searches/{search.pk}", {"name": "Green"})
    search.refresh_from_db()
    assert (search.name, search.text, search.direction) == ("Green", "microalgae", "offer")


def test_a_saved_search_is_deleted(visit, person, save):
    search = save()
    answer = visit(person).post(f"/en/desk/searches/{search.pk}/delete")
    assert answer.status_code == 302
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["The search “Algae” is deleted."]
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize("way", ["", "/open", "/delete"])
def test_the_searches_of_others_do_not_exist(visit, make_person, save, way):
    search = save()
    other = visit(make_person(role="operator"))
    method = other.post if way == "/delete" else other.get
    assert method(f"/en/desk/searches/{search.pk}{way}").status_code == 404
    assert visit().get(f"/en/desk/searches/{search.pk}").status_code == 302
    assert other.get(f"/en/search?q=x&saved={search.pk}").context["saving"].saved is None


@pytest.mark.parametrize("since", ["yesterday", "2026-11-24", "2026-13-45T00:00:00Z", "2026-11-24T10:00:00", "0" * 500])
def test_a_moment_that_makes_no_sense_asks_for_nothing(visit, since):
    page = visit().get("/en/search", {"since": since, "saved": "9" * 30})
    assert page.status_code == 200
    assert (page.context["asked"].since, page.context["asked"].saved) == ("", None)


def test_a_search_of_the_api_with_other_levels_can_be_opened(visit, person, save):
    from transferase.matching.rules import Filters

    search = save(filters=Filters(trl_low=2))
    opened = visit(person).get(f"/en/desk/searches/{search.pk}/open", follow=True)
    assert opened.context["asked"].filters.trl_low == 2
    assert [chip.text for chip in opened.context["chips"]] == ["TRL 2–9"]


# ---------------------------------------------------------------- mails


def test_mails_are_switched_on_with_their_limits(visit, person, at):
    client = visit(person)
    assert client.get("/en/desk/searches").context["form"]["rhythm"].value() == "off"
    answer = client.post("/en/desk/searches", {"rhythm": "weekly", "most_items": "20", "most_letters": "2"})
    assert answer.status_code == 302
    chosen = queries.subscription_of(person, at)
    assert (chosen.rhythm, chosen.most_items, chosen.most_letters) == ("weekly", 20, 2)


def test_a_choice_that_does_not_exist_is_refused(visit, person):
    page = visit(person).post("/en/desk/searches", {"rhythm": "hourly", "most_items": "7", "most_letters": "9"})
    assert page.status_code == 422
    assert set(page.context["form"].errors) == {"rhythm", "most_items", "most_letters"}
    assert not Subscription.objects.exists()


def test_somebody_whose_mails_came_back_is_told(visit, person, at):
    services.subscribe(actor=person, person=person, rhythm="daily", most_items=10, most_letters=7, at=at)
    Subscription.objects.update(rhythm="off", is_returned=True)
    assert "came back" in said(visit(person).get("/en/desk/searches"))


def test_operators_are_told_when_mails_do_not_leave(visit, make_person, person, at):
    operator = visit(make_person(role="operator"))
    assert operator.get("/en/desk").context["letters"] is None
    Digest.objects.create(
        person=person,
        period=at.date(),
        message_id="<1@x>",
        state=DigestState.WAITING,
        trouble="ConnectionRefusedError",
        written_at=at,
        try_at=at,
        changed_at=at,
    )
    page = said(operator.get("/en/desk"))
    assert "1 mail waits for the mail server." in page
    assert "ConnectionRefusedError" in page
    assert "ConnectionRefusedError" not in said(visit(person).get("/en/desk"))


# ---------------------------------------------------------------- counting


@pytest.fixture
def counted():
    """What was counted, written now."""
    visits.write()
    ListingDay.objects.all().delete()

    def rows():
        visits.write()
        return {row.listing_id: (row.found, row.opened) for row in ListingDay.objects.all()}

    return rows


def browser(person=None, **headers):
    client = Client(headers={"User-Agent": READER, **headers})
    if person is not None:
        client.force_login(person)
    return client


def test_readers_who_find_and_open_a_listing_are_counted(make_listing, index, counted):
    listing, other = make_listing(title="Microalgae"), make_listing(title="Battery")
    index(listing, other)
    for _ in range(2):
        browser().get("/en/search", {"q": "microalgae"})
    browser().get(f"/en/offers/{listing.pk}")
    assert counted() == {listing.pk: (2, 1)}


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": ""},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "curl/8.5.0"},
        {"User-Agent": "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)"},
        {"User-Agent": "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"},
        {"Sec-Purpose": "prefetch;prerender"},
    ],
)
def test_robots_and_browsers_that_load_ahead_do_not_count(make_listing, index, counted, headers):
    listing = make_listing(title="Microalgae")
    index(listing)
    browser(**headers).get("/en/search", {"q": "microalgae"})
    browser(**headers).get(f"/en/offers/{listing.pk}")
    browser().head(f"/en/offers/{listing.pk}")
    assert counted() == {}


def test_the_own_people_and_reviewers_do_not_count(make_listing, make_person, index, counted):
    listing = make_listing(title="Microalgae")
    index(listing)
    for person in (make_person(organisation=listing.owner), make_person(role="reviewer")):
        browser(person).get("/en/search", {"q": "microalgae"})
        browser(person).get(f"/en/offers/{listing.pk}")
    assert counted() == {}
    browser(make_person()).get(f"/en/offers/{listing.pk}")
    assert counted() == {listing.pk: (0, 1)}


def test_many_visits_cost_one_statement(make_listing, index, counted):
    listing = make_listing(title="Microalgae")
    index(listing)
    for _ in range(5):
        browser().get("/en/search", {"q": "microalgae"})
    with CaptureQueriesContext(connection) as written:
        visits.write()
    assert sum("matching_listingday" in query["sql"] for query in written) == 1
    assert counted() == {listing.pk: (5, 0)}


# ---------------------------------------------------------------- figures


@pytest.fixture
def offer(make_listing, make_person, at):
    """An offer with a match that would learn from its readiness, and some visits."""
    offer = make_listing(title="Membrane")
    need = make_listing(direction=Direction.NEED, language="ko")
    Match.objects.create(need=need, offer=offer, score=0.5, missing=["offer.trl"], engine_version="1", found_at=at)
    services.count_visits(actor=SYSTEM, visits={(offer.pk, at.date()): (1234, 56)}, at=at)
    return offer


@pytest.mark.parametrize("language", ["en", "ko", "zh-hans"])
def test_the_owner_sees_how_listings_fare(visit, make_person, offer, language):
    client = visit(make_person(organisation=offer.owner))
    for address in (
        f"/{language}/desk/figures",
        f"/{language}/listings/{offer.pk}/figures",
        f"/{language}/offers/{offer.pk}",
    ):
        page = said(client.get(address))
        assert "1,234" in page, address
        assert "56" in page, address
    page = client.get(f"/{language}/listings/{offer.pk}/figures")
    assert [(item.matches, item.address) for item in page.context["advice"]] == [
        (1, f"/{language}/offers/{offer.pk}/edit/facts#p-trl"),
        (1, f"/{language}/offers/{offer.pk}/edit/readers#p-languages"),
    ]


def test_the_places_that_advice_leads_to_are_there(visit, make_person, offer):
    client = visit(make_person(organisation=offer.owner))
    for item in client.get(f"/en/listings/{offer.pk}/figures").context["advice"]:
        address, _, place = item.address.partition("#")
        assert f'id="{place}"' in said(client.get(address))
    from transferase.web.figures import PLACES

    page = said(client.get(f"/en/offers/{offer.pk}/edit/facts"))
    assert [place for step, place, _ in PLACES.values() if f'id="{place}"' not in page] == []


def test_others_see_no_figures(visit, make_person, offer):
    assert visit().get(f"/en/listings/{offer.pk}/figures").status_code == 302
    stranger = visit(make_person(role="company_user"))
    assert stranger.get(f"/en/listings/{offer.pk}/figures").status_code == 404
    assert "1,234" not in said(stranger.get(f"/en/offers/{offer.pk}"))
    reviewer = visit(make_person(role="reviewer"))
    assert reviewer.get(f"/en/listings/{offer.pk}/figures").status_code == 200


def test_the_pages_of_figures_cost_the_same_queries(visit, make_person, make_organisation, make_listing):
    owner = make_organisation()
    client = visit(make_person(organisation=owner))
    costs = []
    for number in (1, 2):
        for _ in range(number):
            make_listing(owner=owner)
        client.get("/en/desk/figures")
        with CaptureQueriesContext(connection) as asked:
            client.get("/en/desk/figures")
        costs.append(len(asked))
    assert costs[0] == costs[1]


def test_months_are_drawn_inside_the_picture_and_labelled_where_there_is_room():
    from datetime import date

    from transferase.matching.queries import Month
    from transferase.web.figures import BASE, WIDTHS, bars_of

    year = [Month(date(2026, number, 1), found=number * 100, opened=number) for number in range(1, 13)]
    for width in WIDTHS.values():
        bars = bars_of(year, width)
        assert all(bar.x >= 0 and bar.opened_x + bar.width <= width for bar in bars)
        assert all(bar.found_y >= 0 and bar.found_y + bar.found_height == BASE for bar in bars)
        assert bars[-1].has_month, "the newest month is named"
    assert [bar.has_month for bar in bars_of(year, 360)] == [False, True] * 6
    assert all(bar.has_numbers for bar in bars_of(year, 700))
    assert bars_of([Month(date(2026, 1, 1))], 360)[0].found_height == 0
