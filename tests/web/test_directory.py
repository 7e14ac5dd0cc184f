"""Pages of organisations: found by any of their names, and showing only what stands under their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from transferase.directory.models import Identifier, OrganisationName

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Organisation, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def university(make_organisation: Callable[..., Organisation]) -> Organisation:
    made = make_organisation(names={"ko": "가람대학교", "en": "Garam University"}, kind="university", region="부산")
    OrganisationName.objects.create(organisation=made, language="zh-Hans", name="加蓝大学", is_machine_made=True)
    Identifier.objects.create(organisation=made, scheme="kr_business", value="1234567891")
    return made


def get(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("words", ["garam", "가람", "加蓝", "1234567891", "123-45-67891"])
def test_an_organisation_is_found_by_any_name_and_by_its_number(
    visit: Callable[..., Client], make_organisation: Callable[..., Organisation], university: Organisation, words: str
) -> None:
    make_organisation(names={"en": "Another Institute"})
    page = get(visit(), f"/en/organisations?q={words}")
    assert "1 organisation" in page
    assert f"/en/organisations/{university.pk}" in page
    assert "Another Institute" not in page


def test_names_stand_in_the_readers_language_with_the_original(
    visit: Callable[..., Client], university: Organisation
) -> None:
    page = get(visit(), f"/zh-hans/organisations/{university.pk}")
    assert '<h1 lang="zh-Hans">加蓝大学</h1>' in page
    assert "가람대학교" in page
    assert "高等院校" in page
    assert "机器翻译" in page


def test_countries_narrow_the_list(
    visit: Callable[..., Client], make_organisation: Callable[..., Organisation]
) -> None:
    make_organisation(names={"en": "Korean Lab"}, country="KR")
    make_organisation(names={"en": "Chinese Lab"}, country="CN")
    page = get(visit(), "/en/organisations?country=CN")
    assert "Chinese Lab" in page
    assert "Korean Lab" not in page
    assert "China (1)" in page
    assert "No organisation was found" in get(visit(), "/en/organisations?q=nowhere")


def test_anonymous_listings_are_not_shown_under_their_owners_name(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_listing: Callable[..., Listing],
    university: Organisation,
) -> None:
    make_listing(owner=university, title="Told openly")
    make_listing(owner=university, title="Told secretly", is_anonymous=True)
    page = get(visit(), f"/en/organisations/{university.pk}")
    assert "Told openly" in page
    assert "Told secretly" not in page
    own = get(
        visit(make_person(role="transfer_officer", organisation=university)), f"/en/organisations/{university.pk}"
    )
    assert "Told secretly" in own
    counted = get(visit(), "/en/organisations?q=garam")
    assert 'data-l="Offers" class="num">1<' in counted


def test_an_unverified_organisation_is_seen_by_its_own_people_only(
    visit: Callable[..., Client], make_person: Callable[..., Person], make_organisation: Callable[..., Organisation]
) -> None:
    fresh = make_organisation(names={"en": "Fresh Company"}, is_verified=False)
    assert visit().get(f"/en/organisations/{fresh.pk}").status_code == 404
    assert "Fresh Company" not in get(visit(), "/en/organisations")
    member = visit(make_person(role="company_user", organisation=fresh))
    assert "Fresh Company" in get(member, f"/en/organisations/{fresh.pk}")


def test_many_organisations_are_told_page_by_page(
    visit: Callable[..., Client], make_organisation: Callable[..., Organisation]
) -> None:
    for number in range(32):
        make_organisation(names={"en": f"Lab {number:02}"})
    page = get(visit(), "/en/organisations?q=lab")
    assert "1–30 of 32" in page
    assert "31–32 of 32" in get(visit(), "/en/organisations?q=lab&page=2")
    assert get(visit(), "/en/organisations?page=x&q=%00")


def test_a_list_costs_the_same_for_one_and_for_three(
    visit: Callable[..., Client], make_organisation: Callable[..., Organisation]
) -> None:
    client = visit()
    make_organisation()
    get(client, "/en/organisations")
    with CaptureQueriesContext(connection) as one:
        get(client, "/en/organisations")
    make_organisation()
    make_organisation()
    with CaptureQueriesContext(connection) as three:
        get(client, "/en/organisations")
    assert len(three) == len(one)
