"""Registering, signing in, settings, keys to the API, organisations and who acts for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client, override_settings

from transferase.directory.models import AccessToken, Organisation, Person
from transferase.foundation.languages import of_interface
from transferase.web.forms.fields import countries

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Fence

pytestmark = pytest.mark.django_db

NEW = {"name": "김새론", "email": "New@Example.org", "password1": "korrekt-pferd-7", "language": "ko"}


@pytest.fixture(autouse=True)
def mailbox(settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"  # type: ignore[attr-defined]
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # type: ignore[attr-defined]


def test_somebody_registers_confirms_and_names_an_organisation(client: Client, fence: Fence) -> None:
    with fence:
        response = client.post("/en/account/signup/", NEW)
    person = Person.objects.get(email="new@example.org")
    assert (person.name, person.language, person.is_sample) == ("김새론", "ko", False)
    assert response["Location"] == "/en/account/confirm-email/"
    letter = mail.outbox[-1]
    assert letter.subject.startswith("Transferase: ")
    assert "이 주소로 가입" in letter.body, "mails speak the language of the person, not of the page"
    link = re.search(r"http://testserver(/\S+)", letter.body)
    assert link
    assert client.post(link[1]).status_code == 302
    assert EmailAddress.objects.get(user=person).verified
    client.post("/en/account/login/", {"login": NEW["email"], "password": NEW["password1"]})
    organisation = {"name-en": "New Sensors Ltd", "kind": "venture", "country": "KR", "form": "organisation"}
    with fence:
        response = client.post("/en/organisations/new", organisation)
    assert response["Location"] == "/en/desk"
    made = Organisation.objects.get()
    assert (made.name("en"), made.is_verified) == ("New Sensors Ltd", False)
    assert person.memberships.get().organisation == made


def test_an_address_that_is_taken_is_not_given_away(client: Client, make_person: Callable[..., Person]) -> None:
    make_person(email="new@example.org")
    response = client.post("/en/account/signup/", NEW)
    assert response["Location"] == "/en/account/confirm-email/"
    assert Person.objects.filter(email="new@example.org").count() == 1
    assert "already" in mail.outbox[-1].body


@pytest.mark.parametrize(("field", "value"), [("password1", "12345678"), ("email", "nobody"), ("name", "")])
def test_registering_names_what_is_wrong(client: Client, field: str, value: str) -> None:
    page = client.post("/en/account/signup/", {**NEW, field: value}).content.decode()
    assert f'href="#id_{field}"' in page
    assert not Person.objects.exists()


def test_a_wrong_password_is_told_without_saying_which_part(client: Client, make_person: Callable[..., Person]) -> None:
    make_person(email="a@example.org", password="right-horse-7")
    for login in ("a@example.org", "b@example.org"):
        page = client.post("/en/account/login/", {"login": login, "password": "wrong"}).content.decode()
        assert "E-mail address and password do not belong together" in page


def test_a_forgotten_password_is_set_by_a_link_in_the_persons_language(
    client: Client, make_person: Callable[..., Person], fence: Fence
) -> None:
    person = make_person(email="a@example.org", password="right-horse-7", language="zh-Hans")
    client.post("/en/account/password/reset/", {"email": "A@example.org"})
    letter = mail.outbox[-1]
    assert "新密码" in letter.subject
    link = re.search(r"http://testserver(/\S+)", letter.body)
    assert link
    form = client.get(link[1], follow=True)
    with fence:
        client.post(
            form.request["PATH_INFO"], {"password1": "another-horse-8", "password2": "another-horse-8"}, follow=True
        )
    person.refresh_from_db()
    assert person.check_password("another-horse-8")


def test_an_unknown_address_gets_a_letter_but_the_page_says_nothing(client: Client) -> None:
    response = client.post("/en/account/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert "Look into your mailbox" in response.content.decode()
    assert "Nobody is registered" in mail.outbox[-1].body


def test_a_password_is_changed_while_signed_in(
    client: Client, make_person: Callable[..., Person], fence: Fence
) -> None:
    person = make_person(email="a@example.org", password="right-horse-7")
    client.force_login(person)
    new = {"oldpassword": "right-horse-7", "password1": "another-horse-8", "password2": "another-horse-8"}
    with fence:
        response = client.post("/en/account/password/change/", new)
    assert response["Location"] == "/en/desk/settings"
    assert client.get("/en/desk/settings").status_code == 200
    person.refresh_from_db()
    assert person.check_password("another-horse-8")


@pytest.mark.parametrize(
    "page",
    [
        "login",
        "signup",
        "password/reset",
        "password/reset/done",
        "confirm-email",
        "inactive",
        "password/reset/key/done",
    ],
)
@pytest.mark.parametrize("language", ["ko", "zh-hans", "en"])
def test_every_page_of_an_account_wears_the_frame(client: Client, page: str, language: str) -> None:
    shown = client.get(f"/{language}/account/{page}/").content.decode()
    assert 'class="tf-top"' in shown
    assert shown.count("<h1") == 1


def test_links_that_were_used_lead_on(client: Client) -> None:
    for place in ("confirm-email/x:y:z/", "password/reset/key/1-set-password/"):
        page = client.get(f"/en/account/{place}").content.decode()
        assert "This link no longer works" in page


def test_sample_persons_stand_on_the_sign_in_page_of_a_demonstration_only(client: Client) -> None:
    with override_settings(DEMO=False):
        assert "officer@example.org" not in client.get("/en/account/login/").content.decode()
    with override_settings(DEMO=True):
        page = client.get("/zh-hans/account/login/").content.decode()
    assert 'name="login" value="officer@example.org"' in page
    assert "金天" in page


def test_name_and_language_are_changed(client: Client, make_person: Callable[..., Person], fence: Fence) -> None:
    person = make_person()
    client.force_login(person)
    with fence:
        client.post("/en/desk/settings", {"form": "person", "name": "New Name", "language": "ko"})
    person.refresh_from_db()
    assert (person.name, person.language) == ("New Name", "ko")


def test_a_key_is_shown_once_and_revoked(client: Client, make_person: Callable[..., Person], fence: Fence) -> None:
    person = make_person(role="transfer_officer")
    client.force_login(person)
    asked = {"form": "token", "name": "Nightly", "scopes": ["catalogue:listing:read"], "lifetime": "30"}
    with fence:
        response = client.post("/en/desk/settings", asked)
    secret = re.search(r"tf_[\w-]{20,}", response.content.decode())
    assert secret
    assert "no-store" in response["Cache-Control"]
    assert secret[0] not in client.get("/en/desk/settings").content.decode()
    token = AccessToken.objects.get()
    assert (token.name, token.scopes) == ("Nightly", ["catalogue:listing:read"])
    with fence:
        client.post(f"/en/desk/settings/keys/{token.pk}/revoke")
    assert "Nightly" not in client.get("/en/desk/settings").content.decode().split('id="keys"')[1]


def test_a_key_opens_no_more_than_its_person(client: Client, make_person: Callable[..., Person]) -> None:
    client.force_login(make_person(role="transfer_officer"))
    asked = {"form": "token", "name": "Greedy", "scopes": ["catalogue:listing:review"], "lifetime": "30"}
    assert client.post("/en/desk/settings", asked).status_code == 422
    assert not AccessToken.objects.exists()


def test_the_key_of_another_person_cannot_be_revoked(
    client: Client, visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    owner = visit(make_person(role="transfer_officer"))
    owner.post(
        "/en/desk/settings", {"form": "token", "name": "A", "scopes": ["catalogue:listing:read"], "lifetime": "30"}
    )
    token = AccessToken.objects.get()
    other = visit(make_person(role="transfer_officer"))
    assert other.post(f"/en/desk/settings/keys/{token.pk}/revoke").status_code == 404


def test_a_wrong_register_number_stands_beside_its_field(client: Client, make_person: Callable[..., Person]) -> None:
    client.force_login(make_person())
    typed = {"name-ko": "새 기관", "kind": "university", "country": "KR", "kr_business": "123-45-67890"}
    response = client.post("/ko/organisations/new", typed)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'href="#id_kr_business"' in page
    assert 'value="123-45-67890"' in page
    assert 'value="새 기관"' in page


def test_members_change_their_organisation_and_invite_colleagues(
    client: Client,
    make_person: Callable[..., Person],
    make_organisation: Callable[..., Organisation],
    fence: Fence,
) -> None:
    organisation = make_organisation(names={"en": "Old Name"}, kind="university", is_verified=False)
    client.force_login(make_person(role="transfer_officer", organisation=organisation))
    colleague = make_person(email="colleague@example.org")
    place = f"/en/organisations/{organisation.pk}/edit"
    with fence:
        client.post(place, {"form": "colleague", "email": "Colleague@example.org", "role": "transfer_officer"})
    assert not colleague.memberships.exists()
    known = client.get(place).content.decode()
    assert "colleague@example.org" in known
    # Nothing tells whether an address is registered.
    with fence:
        said = client.post(place, {"form": "colleague", "email": "who@example.org", "role": "broker"}, follow=True)
    assert "Invited." in said.content.decode()
    guest = Client()
    guest.force_login(colleague)
    with fence:
        guest.post(f"/en/desk/admissions/{organisation.admissions.get(email=colleague.email).pk}/accept")
    membership = colleague.memberships.get()
    assert membership.organisation == organisation
    assert client.post(place, {"form": "colleague", "email": colleague.email, "role": "operator"}).status_code == 422
    with fence:
        client.post(f"/en/desk/memberships/{membership.pk}/end", {"next": place})
    membership.refresh_from_db()
    assert membership.ends_at is not None
    with fence:
        client.post(place, {"form": "organisation", "name-en": "New Name", "kind": "university", "country": "KR"})
    assert Organisation.objects.get(pk=organisation.pk).name("en") == "New Name"


def test_strangers_do_not_change_an_organisation(
    client: Client, make_person: Callable[..., Person], make_organisation: Callable[..., Organisation]
) -> None:
    organisation = make_organisation()
    client.force_login(make_person(role="company_user"))
    assert client.get(f"/en/organisations/{organisation.pk}/edit").status_code == 403


def test_sample_persons_bear_the_name_of_their_organisation_in_the_language_of_the_page(
    client: Client, make_organisation: Callable[..., Organisation]
) -> None:
    make_organisation(names={"ko": "동의대학교 산학협력단", "en": "Dong-eui University"})
    with override_settings(DEMO=True):
        page = client.get("/en/account/login/").content.decode()
    assert "Dong-eui University" in page
    assert "동의대학교" not in page


@pytest.mark.parametrize("interface", ["ko", "zh-hans", "en"])
def test_countries_stand_in_the_order_of_their_labels(interface: str) -> None:
    listed = countries(of_interface(interface))
    assert [code for code, _label in listed[:3]] == ["KR", "CN", "US"]
    labels = [label for _code, label in listed[3:]]
    assert labels == sorted(labels)
    assert len(labels) > 50


def test_members_do_not_rename_what_an_operator_vouched_for(
    client: Client, make_person: Callable[..., Person], make_organisation: Callable[..., Organisation]
) -> None:
    organisation = make_organisation(names={"en": "True Name"}, kind="university")
    client.force_login(make_person(role="transfer_officer", organisation=organisation))
    place = f"/en/organisations/{organisation.pk}/edit"
    page = client.get(place).content.decode()
    assert "only an operator changes its names" in page
    assert re.search(r'<input[^>]*name="name-en"[^>]* disabled', page)
    typed = {"name-en": "삼성전자 주식회사", "kind": "university", "country": "CN", "region": "Busan"}
    assert client.post(place, {"form": "organisation", **typed}).status_code == 302
    organisation = Organisation.objects.get(pk=organisation.pk)
    assert organisation.is_verified
    assert (organisation.name("en"), organisation.country, organisation.region) == ("True Name", "KR", "Busan")
    client.force_login(make_person(role="operator"))
    client.post(place, {"form": "organisation", **typed})
    assert Organisation.objects.get(pk=organisation.pk).name("en") == "삼성전자 주식회사"


def test_a_namesake_is_registered_after_a_question_only(
    client: Client, make_person: Callable[..., Person], make_organisation: Callable[..., Organisation]
) -> None:
    make_organisation(names={"en": "Known Works"})
    client.force_login(make_person())
    typed = {"name-en": "known  WORKS", "kind": "venture", "country": "KR"}
    asked = client.post("/en/organisations/new", typed)
    assert asked.status_code == 422
    assert "An organisation of this name exists already" in asked.content.decode()
    assert 'name="anyway"' in asked.content.decode()
    assert Organisation.objects.count() == 1
    assert client.post("/en/organisations/new", {**typed, "anyway": "1"}).status_code == 302
    assert Organisation.objects.count() == 2
