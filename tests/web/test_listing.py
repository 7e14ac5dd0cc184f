"""The page of a listing: who sees it, what of it, in which language, and what is not stated."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from transferase.catalogue.models import Access, Hold, State, Tier
from transferase.web.listing import money

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import time_machine
    from django.test import Client

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Organisation, Person

pytestmark = pytest.mark.django_db


def page(client: Client, listing: Listing, interface: str = "en") -> str:
    response = client.get(f"/{interface}/{listing.direction}s/{listing.pk}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def owner(make_organisation: Callable[..., Organisation]) -> Organisation:
    return make_organisation(names={"ko": "가람연구원", "en": "Garam Institute"})


@pytest.fixture
def offer(make_listing: Callable[..., Listing], owner: Organisation) -> Listing:
    return make_listing(
        owner=owner,
        language="ko",
        title="하천 수위 센서",
        summary="밤에도 수위를 잽니다.",
        country="KR",
        trl_low=4,
        trl_high=6,
        transfer_modes=["exclusive_licence"],
        ipc=["G01F 23/296"],
        rights=[{"kind": "patent", "office": "KR", "number": "10-1234567", "status": "granted"}],
        texts=[
            {"language": "en", "origin": "machine", "title": "River level sensor", "summary": "Works at night."},
            {"language": "ko", "tier": Tier.REGISTERED, "description": "가입자에게만 보이는 설명"},
            {"language": "ko", "tier": Tier.NDA, "description": "비밀유지계약 아래의 설명"},
        ],
        attribution="Open gazette, application 1",
        source_url="https://example.org/1",
    )


def test_a_reader_gets_the_translation_with_the_original_beside_it(
    visit: Callable[..., Client], offer: Listing
) -> None:
    english = page(visit(), offer)
    assert '<h1 lang="en">River level sensor</h1>' in english
    assert '<span lang="ko">하천 수위 센서</span>' in english
    assert "machine translation, not reviewed" in english
    assert "밤에도 수위를 잽니다." in english
    korean = page(visit(), offer, "ko")
    assert '<h1 lang="ko">하천 수위 센서</h1>' in korean
    assert "기계 번역" not in korean
    assert "River level sensor" not in korean


def test_facts_stand_in_the_readers_words(visit: Callable[..., Client], offer: Listing) -> None:
    korean = page(visit(), offer, "ko")
    for said in (
        "TRL 4–6",
        "전용실시권",
        "대한민국",
        "10-1234567",
        "G01F 23/296",
        "가람연구원",
        "Open gazette, application 1",
    ):
        assert said in korean
    assert "Exclusive licence" in page(visit(), offer)
    assert 'href="https://example.org/1" rel="noopener nofollow"' in korean


def test_what_is_not_stated_is_shown_as_a_question(visit: Callable[..., Client], offer: Listing) -> None:
    english = page(visit(), offer)
    assert "Which problem does it solve?" in english
    assert "0 of 4 answered" in english
    assert english.count("Not stated") >= 6


def test_private_texts_are_not_on_a_visitors_page_but_the_way_to_them_is(
    visit: Callable[..., Client], offer: Listing
) -> None:
    english = page(visit(), offer)
    assert "가입자에게만" not in english
    assert "비밀유지계약 아래" not in english
    assert "Signing up is free." in english
    assert "after a non-disclosure agreement" in english


def test_a_registered_person_reads_the_registered_tier(
    visit: Callable[..., Client], make_person: Callable[..., Person], offer: Listing
) -> None:
    english = page(visit(make_person()), offer)
    assert "가입자에게만 보이는 설명" in english
    assert "비밀유지계약 아래" not in english


def test_access_opens_the_tier_that_it_names(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_organisation: Callable[..., Organisation],
    offer: Listing,
    at: datetime,
) -> None:
    company = make_organisation()
    reader = visit(make_person(role="company_user", organisation=company))
    assert "비밀유지계약 아래" not in page(reader, offer)
    Access.objects.create(listing=offer, organisation=company, tier=Tier.NDA, starts_at=at)
    assert "비밀유지계약 아래의 설명" in page(reader, offer)


def test_the_owner_sees_everything_and_what_can_be_done(
    visit: Callable[..., Client], make_person: Callable[..., Person], offer: Listing, owner: Organisation
) -> None:
    english = page(visit(make_person(role="transfer_officer", organisation=owner)), offer)
    assert "비밀유지계약 아래의 설명" in english
    assert f'href="/en/offers/{offer.pk}/matches"' in english
    assert f'href="/en/offers/{offer.pk}/edit"' in english
    assert f"/offers/{offer.pk}/edit" not in page(visit(), offer)


def test_an_anonymous_owner_is_named_to_itself_only(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_listing: Callable[..., Listing],
    owner: Organisation,
) -> None:
    need = make_listing(
        owner=owner,
        direction="need",
        is_anonymous=True,
        attribution="Told by Garam",
        source_url="https://garam.example",
    )
    for reader in (visit(), visit(make_person(role="company_user"))):
        shown = page(reader, need)
        assert "Garam" not in shown
        assert "garam" not in shown
        assert f"/organisations/{owner.pk}" not in shown
        assert "Name not shown" in shown
    assert "Garam Institute" in page(visit(make_person(role="company_user", organisation=owner)), need)


@pytest.mark.parametrize("state", [state for state in State.values if state != State.PUBLISHED])
def test_what_is_not_published_does_not_exist_for_others(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_listing: Callable[..., Listing],
    owner: Organisation,
    state: str,
) -> None:
    listing = make_listing(owner=owner, state=state)
    assert visit().get(f"/en/offers/{listing.pk}").status_code == 404
    assert visit(make_person(role="company_user")).get(f"/en/offers/{listing.pk}").status_code == 404
    assert "Only your organisation" in page(visit(make_person(role="company_user", organisation=owner)), listing) or (
        state == State.EXPIRED
    )


def test_a_listing_vanishes_when_its_confirmation_runs_out(
    visit: Callable[..., Client], offer: Listing, clock: time_machine.Coordinates
) -> None:
    assert page(visit(), offer)
    clock.move_to(offer.visible_until + timedelta(seconds=1))  # type: ignore[operator]
    assert visit().get(f"/en/offers/{offer.pk}").status_code == 404


def test_a_held_listing_is_seen_by_its_owner_only(
    visit: Callable[..., Client], make_person: Callable[..., Person], offer: Listing, owner: Organisation, at: datetime
) -> None:
    Hold.objects.create(listing=offer, reason="screening", placed_at=at)
    assert visit().get(f"/en/offers/{offer.pk}").status_code == 404
    assert "Held back by a check" in page(visit(make_person(role="company_user", organisation=owner)), offer)


def test_the_other_kinds_address_leads_to_the_page(visit: Callable[..., Client], offer: Listing) -> None:
    response = visit().get(f"/en/needs/{offer.pk}")
    assert (response.status_code, response["Location"]) == (301, f"/en/offers/{offer.pk}")


def test_markup_in_texts_is_shown_as_text(visit: Callable[..., Client], make_listing: Callable[..., Listing]) -> None:
    wicked = '<script>alert(1)</script><img src=x onerror=alert(2)> & "quotes" \u202e 😀'
    listing = make_listing(title=wicked, summary=wicked)
    shown = page(visit(), listing)
    assert "<script>alert" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "\\u003Cscript\\u003E" in shown  # in the facts for search engines


def test_requirements_of_a_need_stand_in_a_table(
    visit: Callable[..., Client], make_listing: Callable[..., Listing]
) -> None:
    need = make_listing(
        direction="need",
        requirements=[{"property": "Energy density", "operator": "ge", "value": Decimal(300), "unit": "Wh/kg"}],
    )
    shown = page(visit(), need)
    assert "Energy density" in shown
    assert "at least 300 Wh/kg" in shown
    assert "300 Wh/kg 이상" in page(visit(), need, "ko")
    assert "不低于 300 Wh/kg" in page(visit(), need, "zh-hans")


def test_a_need_asks_for_a_range_and_an_offer_has_levels_behind_it(
    visit: Callable[..., Client], make_listing: Callable[..., Listing]
) -> None:
    for direction, filled in (("need", 3), ("offer", 7)):
        shown = page(visit(), make_listing(direction=direction, trl_low=5, trl_high=7))
        assert shown.count('class="f1"') == filled


def test_an_owner_without_a_public_page_is_named_without_a_link(
    visit: Callable[..., Client], make_organisation: Callable[..., Organisation], make_listing: Callable[..., Listing]
) -> None:
    fresh = make_organisation(names={"en": "Fresh Company"}, is_verified=False)
    shown = page(visit(), make_listing(owner=fresh))
    assert "Fresh Company" in shown
    assert f"/organisations/{fresh.pk}" not in shown


def test_samples_say_where_they_come_from(visit: Callable[..., Client], make_listing: Callable[..., Listing]) -> None:
    told = page(visit(), make_listing(is_sample=True, attribution="Open gazette"))
    assert "Sample record from public data" in told
    assert "Made-up example" in page(visit(), make_listing(is_sample=True))


@pytest.mark.parametrize(
    ("language", "facts", "said"),
    [
        ("ko", {"price_low": Decimal(40_000_000), "currency": "KRW"}, "₩40,000,000"),
        (
            "zh-Hans",
            {"price_low": Decimal(3_000_000), "price_high": Decimal(5_000_000), "currency": "CNY"},
            "¥3,000,000 – ¥5,000,000",
        ),
        ("en", {"price_low": Decimal("12.50"), "currency": "EUR"}, "€12.50"),
        ("en", {"price_high": Decimal(900)}, "900"),
        ("en", {}, ""),
    ],
)
def test_money_is_written_as_the_reader_writes_it(
    make_listing: Callable[..., Listing], at: datetime, language: str, facts: dict[str, object], said: str
) -> None:
    from transferase.catalogue.queries import sheet
    from transferase.directory.rules import ANYONE

    assert money(sheet(make_listing(**facts), ANYONE, at, language), language) == said


def test_a_page_costs_the_same_whatever_a_listing_holds(
    visit: Callable[..., Client], make_listing: Callable[..., Listing], offer: Listing
) -> None:
    client = visit()
    page(client, offer)
    with CaptureQueriesContext(connection) as little:
        page(client, make_listing())
    with CaptureQueriesContext(connection) as much:
        page(client, offer)
    counted = [q for q in little.captured_queries if q["sql"].startswith("SELECT")]
    assert len(much) <= len(counted) + 2
    assert len(much) <= 14
