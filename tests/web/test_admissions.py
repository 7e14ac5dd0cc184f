"""Coming to an organisation through the pages: asking, being invited, answering, and who may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from transferase.directory.models import Admission

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.conftest import Fence
    from transferase.directory.models import Organisation, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def institute(make_organisation: Callable[..., Organisation]) -> Organisation:
    return make_organisation(names={"ko": "가나연구원", "en": "Gana Institute"}, kind="university")


@pytest.fixture
def member(make_person: Callable[..., Person], institute: Organisation) -> Person:
    return make_person(role="transfer_officer", organisation=institute, name="박구원")


@pytest.fixture
def newcomer(make_person: Callable[..., Person]) -> Person:
    return make_person(name="이새롬")


def test_a_newcomer_finds_the_organisation_asks_and_is_let_in(
    visit: Callable[[Person], Client], institute: Organisation, member: Person, newcomer: Person, fence: Fence
) -> None:
    client = visit(newcomer)
    found = client.get("/ko/organisations/new", {"q": "가나"}).content.decode()
    ask = f"/ko/organisations/{institute.pk}/ask"
    assert ask in found
    assert ask in client.get(f"/ko/organisations/{institute.pk}").content.decode()
    assert 'value="transfer_officer" selected' in client.get(ask).content.decode()
    with fence:
        sent = client.post(ask, {"role": "transfer_officer", "note": "기술이전팀 <b>3</b>층"}, follow=True)
    assert "가나연구원" in sent.content.decode()
    desk = visit(member).get("/ko/desk").content.decode()
    assert "이새롬" in desk
    assert "기술이전팀 &lt;b&gt;3&lt;/b&gt;층" in desk
    admission = Admission.objects.get()
    accept = f"/ko/desk/admissions/{admission.pk}/accept"
    # Whoever asks does not answer, and a stranger finds nothing.
    client.post(accept)
    assert not newcomer.memberships.exists()
    with fence:
        visit(member).post(accept)
    assert newcomer.memberships.get().organisation == institute
    assert "admissions" not in visit(member).get("/ko/desk").content.decode()


def test_asking_twice_is_told_and_can_be_taken_back(
    visit: Callable[[Person], Client], institute: Organisation, newcomer: Person, fence: Fence
) -> None:
    client = visit(newcomer)
    ask = f"/en/organisations/{institute.pk}/ask"
    client.post(ask, {"role": "broker"})
    again = client.post(ask, {"role": "broker", "note": "once more"})
    assert again.status_code == 422
    assert "waits for an answer" in again.content.decode()
    assert "once more" in again.content.decode()
    assert client.post(ask, {"role": "operator"}).status_code == 422
    with fence:
        client.post(f"/en/desk/admissions/{Admission.objects.get().pk}/withdraw")
    assert Admission.objects.get().outcome == "withdrawn"


def test_strangers_and_visitors_reach_no_admission(
    visit: Callable[..., Client],
    make_organisation: Callable[..., Organisation],
    make_person: Callable[..., Person],
    institute: Organisation,
    member: Person,
    newcomer: Person,
) -> None:
    visit(newcomer).post(f"/en/organisations/{institute.pk}/ask", {"role": "broker"})
    place = f"/en/desk/admissions/{Admission.objects.get().pk}"
    stranger = visit(make_person(role="company_user"))
    for name in ("accept", "decline", "withdraw"):
        assert stranger.post(f"{place}/{name}").status_code == 404
        assert visit(None).post(f"{place}/{name}").status_code == 302
    assert visit(member).post(f"{place}/steal").status_code == 404
    hidden = make_organisation(is_verified=False)
    assert stranger.get(f"/en/organisations/{hidden.pk}/ask").status_code == 404
    assert Admission.objects.get().outcome == ""


def test_an_invitation_stands_on_the_first_page_after_sign_up(
    visit: Callable[[Person], Client], institute: Organisation, member: Person, newcomer: Person
) -> None:
    visit(member).post(
        f"/ko/organisations/{institute.pk}/edit",
        {"form": "colleague", "email": newcomer.email, "role": "transfer_officer"},
    )
    page = visit(newcomer).get("/ko/organisations/new").content.decode()
    assert "박구원" in page
    assert f"/ko/desk/admissions/{Admission.objects.get().pk}/accept" in page


def test_a_namesake_can_be_asked_instead_of_entered_again(
    visit: Callable[[Person], Client], institute: Organisation, newcomer: Person
) -> None:
    typed = {"name-ko": "가나 연구원", "kind": "university", "country": "KR"}
    page = visit(newcomer).post("/ko/organisations/new", typed).content.decode()
    assert f"/ko/organisations/{institute.pk}/ask" in page
