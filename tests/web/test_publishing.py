"""What an owner does with a listing, and what a reviewer does with those that wait."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from transferase.catalogue.models import Direction, Listing, State
from transferase.matching.models import Judgement, Match

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.conftest import Fence
    from transferase.directory.models import Organisation, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def institute(make_organisation: Callable[..., Organisation]) -> Organisation:
    return make_organisation(names={"en": "Institute of Sensors"})


@pytest.fixture
def client(visit: Callable[..., Client], make_person: Callable[..., Person], institute: Organisation) -> Client:
    return visit(make_person(role="transfer_officer", organisation=institute))


@pytest.fixture
def offer(make_listing: Callable[..., Listing], institute: Organisation) -> Listing:
    return make_listing(owner=institute, title="Flood sensor")


@pytest.mark.parametrize(
    ("act", "data", "after"),
    [
        ("pause", {}, State.PAUSED),
        ("withdraw", {"withdraw-reason": "no_longer_available"}, State.WITHDRAWN),
        ("take", {"take-reason": "sold"}, State.TAKEN),
        ("confirm", {}, State.PUBLISHED),
    ],
)
def test_an_owner_moves_a_listing(
    client: Client, offer: Listing, fence: Fence, act: str, data: dict[str, str], after: str
) -> None:
    page = client.get(f"/en/listings/{offer.pk}/manage").content.decode()
    assert f"/manage/{act}" in page
    with fence:
        response = client.post(f"/en/listings/{offer.pk}/manage/{act}", data)
    assert response.status_code == 302
    offer.refresh_from_db()
    assert offer.state == after


def test_a_paused_listing_resumes(client: Client, offer: Listing) -> None:
    client.post(f"/en/listings/{offer.pk}/manage/pause")
    client.post(f"/en/listings/{offer.pk}/manage/resume")
    offer.refresh_from_db()
    assert offer.state == State.PUBLISHED


def test_an_act_that_asks_a_reason_says_so(client: Client, offer: Listing) -> None:
    response = client.post(f"/en/listings/{offer.pk}/manage/withdraw", {})
    assert response.status_code == 422
    assert '<details class="tf-sure mt-2" open>' in response.content.decode()
    offer.refresh_from_db()
    assert offer.state == State.PUBLISHED


def test_a_need_is_not_sold(client: Client, make_listing: Callable[..., Listing], institute: Organisation) -> None:
    need = make_listing(owner=institute, direction=Direction.NEED)
    assert client.post(f"/en/listings/{need.pk}/manage/take", {"take-reason": "sold"}).status_code == 422


def test_an_act_that_may_not_start_here_is_told_not_done(client: Client, offer: Listing) -> None:
    response = client.post(f"/en/listings/{offer.pk}/manage/resume", follow=True)
    assert "Published" in response.content.decode()
    offer.refresh_from_db()
    assert offer.state == State.PUBLISHED
    assert client.post(f"/en/listings/{offer.pk}/manage/explode").status_code == 404


def test_a_draft_is_deleted_only_before_it_was_published(
    client: Client, make_listing: Callable[..., Listing], institute: Organisation, offer: Listing
) -> None:
    draft = make_listing(owner=institute, state=State.DRAFT)
    assert client.post(f"/en/listings/{draft.pk}/manage/discard")["Location"] == "/en/desk"
    assert not Listing.objects.filter(pk=draft.pk).exists()
    client.post(f"/en/listings/{offer.pk}/manage/discard")
    assert Listing.objects.filter(pk=offer.pk).exists()


def test_publishing_names_what_is_missing(
    client: Client, make_listing: Callable[..., Listing], institute: Organisation
) -> None:
    draft = make_listing(owner=institute, state=State.DRAFT, title="Only a title")
    draft.texts.update(summary="")
    page = client.get(f"/en/offers/{draft.pk}/edit/check").content.decode()
    assert "#id_summary" in page
    assert client.post(f"/en/offers/{draft.pk}/edit/check").status_code == 422
    draft.refresh_from_db()
    assert draft.state == State.DRAFT


def test_the_listing_of_an_unverified_organisation_waits_and_is_published(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_organisation: Callable[..., Organisation],
    make_listing: Callable[..., Listing],
    fence: Fence,
) -> None:
    newcomer = make_organisation(is_verified=False)
    author = visit(make_person(role="company_user", organisation=newcomer))
    draft = make_listing(owner=newcomer, state=State.DRAFT, title="New filter")
    assert author.post(f"/en/offers/{draft.pk}/edit/check")["Location"] == "/en/desk"
    draft.refresh_from_db()
    assert draft.state == State.IN_REVIEW
    reviewer = visit(make_person(role="reviewer"))
    assert "New filter" in reviewer.get("/en/review").content.decode()
    with fence:
        reviewer.post(f"/en/review/{draft.pk}/publish")
    draft.refresh_from_db()
    assert draft.state == State.PUBLISHED


def test_a_listing_is_sent_back_with_a_reason_that_its_owner_reads(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_listing: Callable[..., Listing],
    institute: Organisation,
    client: Client,
    fence: Fence,
) -> None:
    waiting = make_listing(owner=institute, state=State.IN_REVIEW, title="Odd filter")
    reviewer = visit(make_person(role="reviewer"))
    field = f"l{waiting.pk.hex}"
    assert reviewer.post(f"/en/review/{waiting.pk}/send-back", {}).status_code == 422
    with fence:
        reviewer.post(
            f"/en/review/{waiting.pk}/send-back", {f"{field}-reason": "unclear", f"{field}-note": "Which filter?"}
        )
    waiting.refresh_from_db()
    assert waiting.state == State.DRAFT
    desk = client.get("/en/desk").content.decode()
    assert "Sent back" in desk
    assert "Title or summary unclear – Which filter?" in desk


def test_the_queue_is_for_reviewers(client: Client, make_listing: Callable[..., Listing]) -> None:
    waiting = make_listing(state=State.IN_REVIEW)
    assert client.get("/en/review").status_code == 404
    assert client.post(f"/en/review/{waiting.pk}/publish").status_code == 404


def test_only_an_operator_sees_and_verifies_organisations(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_organisation: Callable[..., Organisation],
    fence: Fence,
) -> None:
    newcomer = make_organisation(is_verified=False, names={"en": "Newcomer Ltd"})
    reviewer, operator = visit(make_person(role="reviewer")), visit(make_person(role="operator"))
    assert "Newcomer Ltd" not in reviewer.get("/en/review").content.decode()
    assert "Newcomer Ltd" in operator.get("/en/review").content.decode()
    assert reviewer.post(f"/en/organisations/{newcomer.pk}/verify").status_code == 403
    with fence:
        operator.post(f"/en/organisations/{newcomer.pk}/verify")
    newcomer.refresh_from_db()
    assert newcomer.is_verified


def test_a_namesake_is_verified_after_a_question_only(
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_organisation: Callable[..., Organisation],
    make_listing: Callable[..., Listing],
) -> None:
    make_organisation(names={"en": "Known Works"})
    namesake = make_organisation(is_verified=False, names={"en": "KnownWorks"})
    make_listing(owner=namesake, state=State.IN_REVIEW)
    operator = visit(make_person(role="operator"))
    page = operator.get("/en/review").content.decode()
    assert "KnownWorks (not verified yet)" in page
    assert "Same name as:" in page
    assert "Known Works</a> (KR, verified)" in page
    operator.post(f"/en/organisations/{namesake.pk}/verify")
    namesake.refresh_from_db()
    assert not namesake.is_verified
    operator.post(f"/en/organisations/{namesake.pk}/verify", {"anyway": "1"})
    namesake.refresh_from_db()
    assert namesake.is_verified


def test_the_desk_asks_to_confirm_what_runs_out(
    client: Client, make_listing: Callable[..., Listing], institute: Organisation, at: datetime
) -> None:
    soon = make_listing(owner=institute, title="Runs out", visible_until=at + timedelta(days=5))
    page = client.get("/en/desk").content.decode()
    assert "Still current?" in page
    client.post(f"/en/listings/{soon.pk}/manage/confirm", {"next": "/en/desk"})
    assert "Still current?" not in client.get("/en/desk").content.decode()


def test_a_desk_without_listings_names_the_first_acts(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    newcomer = visit(make_person()).get("/en/desk").content.decode()
    assert newcomer.index("Name your organisation") < newcomer.index("Search technologies")
    company = visit(make_person(role="company_user")).get("/en/desk").content.decode()
    assert "Say what you need" in company


def test_the_desk_takes_no_more_queries_for_more_rows(
    client: Client,
    make_listing: Callable[..., Listing],
    institute: Organisation,
    at: datetime,
) -> None:
    def queries_for() -> int:
        client.get("/en/desk")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/en/desk").status_code == 200
        return len(captured)

    make_listing(owner=institute, visible_until=at + timedelta(days=5))
    make_listing(owner=institute, state=State.DRAFT)
    one = queries_for()
    for _ in range(2):
        make_listing(owner=institute, visible_until=at + timedelta(days=5))
        make_listing(owner=institute, state=State.DRAFT)
    assert queries_for() == one


def test_an_owner_lets_an_organisation_read_the_text_under_an_agreement(
    client: Client,
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_organisation: Callable[..., Organisation],
    offer: Listing,
    fence: Fence,
) -> None:
    offer.texts.create(language="en", tier="nda", description="The secret recipe.")
    partner = make_organisation(names={"en": "Partner Works"})
    make_organisation(names={"en": "Partner Fields"})
    reader = visit(make_person(role="company_user", organisation=partner))
    page, manage = f"/en/offers/{offer.pk}", f"/en/listings/{offer.pk}/manage"
    place = f"/en/listings/{offer.pk}/access"
    assert "The secret recipe." not in reader.get(page).content.decode()
    assert client.post(place, {"access-words": "Nobody Ltd"}).status_code == 422
    several = client.post(place, {"access-words": "Partner"}).content.decode()
    assert "Which of these?" in several
    assert "Partner Fields (KR)" in several
    with fence:
        client.post(place, {"access-words": "Partner", "access-organisation": partner.pk, "access-until": "2026-12-31"})
    assert "Partner Works" in client.get(manage).content.decode()
    assert "The secret recipe." in reader.get(page).content.decode()
    access = offer.accesses.get()
    with fence:
        client.post(f"{place}/{access.pk}/revoke")
    assert "The secret recipe." not in reader.get(page).content.decode()
    assert reader.post(place, {"access-words": "Partner Works"}).status_code == 404


def test_a_company_is_led_to_needs_and_an_institute_to_offers(
    client: Client,
    visit: Callable[..., Client],
    make_person: Callable[..., Person],
    make_organisation: Callable[..., Organisation],
) -> None:
    company = visit(make_person(role="company_user", organisation=make_organisation(kind="company_small")))
    assert 'btn btn-primary" href="/en/needs/new"' in company.get("/en/desk").content.decode().split("<main")[1]
    institute = client.get("/en/desk").content.decode().split("<main")[1]
    assert 'btn btn-primary" href="/en/offers/new"' in institute
    assert 'btn btn-primary" href="/en/needs/new"' not in institute


def test_the_desk_counts_every_match_that_waits_for_a_judgement(
    client: Client, make_listing: Callable[..., Listing], institute: Organisation, at: datetime
) -> None:
    open_offer = make_listing(owner=institute, title="Open")
    paused = make_listing(owner=institute, title="Paused", state=State.PAUSED)
    needs = [make_listing(direction=Direction.NEED, title=f"Need {n}") for n in range(12)]
    for need in needs:
        Match.objects.create(need=need, offer=open_offer, score=0.5, engine_version="test", found_at=at)
    Match.objects.create(need=needs[0], offer=paused, score=0.5, engine_version="test", found_at=at)
    Judgement.objects.create(need=needs[0], offer=open_offer, organisation=institute, verdict="interesting", at=at)
    desk = client.get("/en/desk").content.decode()
    assert re.search(r'href="#matches">\s*(\d+)', desk)[1] == "11"  # type: ignore[index]
