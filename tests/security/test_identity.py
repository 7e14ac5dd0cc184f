"""Who somebody is, and for whom somebody acts, is never what a stranger claims."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from transferase.directory import queries, services
from transferase.directory.models import IdentifierScheme, Role
from transferase.directory.rules import OrganisationDraft
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange
from transferase.interchange.rules import ForeignSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from transferase.directory.models import Organisation, Person

ROR = "05abbep66"


@pytest.mark.parametrize(("is_demo", "is_let_in"), [(True, True), (False, False)])
def test_sample_persons_sign_in_nowhere_but_in_a_demo(
    make_person: Callable[..., Person], settings: Any, is_demo: bool, is_let_in: bool
) -> None:
    settings.DEMO, settings.ACCOUNT_EMAIL_VERIFICATION = is_demo, "optional"
    person = make_person(role=Role.OPERATOR, password="demo-password", is_sample=True)
    client = Client()
    client.post("/en/account/login/", {"login": person.email, "password": "demo-password"})
    assert ("_auth_user_id" in client.session) is is_let_in


def test_sessions_and_keys_of_sample_persons_end_with_the_demo(
    visit: Callable[..., Client], make_person: Callable[..., Person], settings: Any, at: datetime
) -> None:
    settings.DEMO = True
    person = make_person(role=Role.OPERATOR, is_sample=True)
    client = visit(person)
    _token, secret = services.issue_token(
        actor=person, person=person, name="k", scopes=["catalogue:listing:read"],
        expires_at=at + timedelta(days=9), at=at,
    )  # fmt: skip
    assert client.get("/en/desk").status_code == 200
    assert queries.token_in_force(secret, at)
    settings.DEMO = False
    assert client.get("/en/desk").status_code == 302
    assert queries.token_in_force(secret, at) is None


def test_a_claimed_address_makes_nobody_a_colleague(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    member = make_person(role=Role.COMPANY_USER)
    organisation = member.memberships.get().organisation
    stranger = make_person(email="stranger@example.org")
    EmailAddress.objects.create(user=stranger, email="boss@example.org", verified=False, primary=False)
    form = {"form": "colleague", "email": "boss@example.org", "role": "company_user"}
    visit(member).post(f"/en/organisations/{organisation.pk}/edit", form)
    invitation = organisation.admissions.get()
    assert "admissions" not in visit(stranger).get("/en/desk").content.decode()
    answer = visit(stranger).post(f"/en/desk/admissions/{invitation.pk}/accept")
    assert answer.status_code == 404
    assert not stranger.memberships.exists()


def test_the_address_of_sign_in_is_not_changed_past_the_directory(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    person = make_person()
    answer = visit(person).post("/en/account/email/", {"action_add": "", "email": "boss@example.org"})
    assert answer["Location"] == "/en/desk/settings"
    assert not EmailAddress.objects.filter(email="boss@example.org").exists()


def test_an_organisation_that_takes_somebody_in_is_not_posted_for_unasked(
    make_person: Callable[..., Person], make_organisation: Callable[..., Organisation], at: datetime
) -> None:
    intruder = make_organisation()
    person = make_person(role=Role.COMPANY_USER)
    own = person.memberships.get().organisation
    services.join(actor=SYSTEM, person=person, organisation=intruder, role=Role.COMPANY_USER, at=at)
    assert intruder.pk < own.pk
    assert queries.organisations_of(person, at) == [own, intruder]


class TestSelfRegistered:
    """An organisation that somebody entered under a known name or number, and that nobody has verified."""

    @pytest.fixture
    def impostor(self, make_organisation: Callable[..., Organisation]) -> Organisation:
        found = make_organisation(names={"en": "Famous Institute"}, is_verified=False)
        found.identifiers.create(scheme=IdentifierScheme.ROR, value=ROR)
        return found

    @pytest.mark.usefixtures("impostor")
    @pytest.mark.parametrize("identifiers", [{}, {"ror": ROR}])
    def test_no_record_is_taken_for_its_own(self, identifiers: dict[str, str]) -> None:
        draft = OrganisationDraft("university", "KR", {"en": "Famous Institute"}, identifiers=identifiers)
        assert queries.find_organisation(draft) is None

    def test_a_file_of_an_operator_neither_verifies_it_nor_gives_it_records(
        self, impostor: Organisation, tmp_path: Path, settings: Any, at: datetime
    ) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        bring(tmp_path, "organisations", "external_id,name,country,kind\n1,Famous Institute,KR,university\n", at)
        bring(tmp_path, "offers", "external_id,title,summary,owner,country\n1,T,S.,Famous Institute,KR\n", at)
        impostor.refresh_from_db()
        assert not impostor.is_verified
        assert not impostor.listings.exists()

    @pytest.mark.usefixtures("impostor")
    def test_a_number_that_it_took_refuses_the_row_and_no_other(
        self, tmp_path: Path, settings: Any, at: datetime
    ) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        rows = f"1,T,S.,Famous Institute,{ROR},KR\n2,T,S.,Other Institute,,KR\n"
        run = bring(tmp_path, "offers", f"external_id,title,summary,owner,owner_identifier,country\n{rows}", at)
        assert (run.created, run.rejected) == (1, 1)


@pytest.mark.parametrize("name", ["api:12", "API:12", "organisation-12", "samples", "platform"])
def test_nobody_takes_the_name_of_a_source_that_the_platform_gives(
    make_person: Callable[..., Person], tmp_path: Path, settings: Any, at: datetime, name: str
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    person = make_person(role=Role.TRANSFER_OFFICER)
    path = tmp_path / "t.csv"
    path.write_text("external_id,title,summary\n1,T,S.\n", encoding="utf-8")
    with pytest.raises(ForeignSource):
        interchange.receive(
            actor=person, organisation=person.memberships.get().organisation, source_name=name, kind="offers",
            file=path, file_name="t.csv", at=at,
        )  # fmt: skip


def bring(folder: Path, kind: str, text: str, at: datetime) -> Any:
    path = folder / f"{kind}.csv"
    path.write_text(text, encoding="utf-8")
    run = interchange.receive(
        actor=SYSTEM, organisation=None, source_name="list", kind=kind, file=path, file_name=path.name, at=at
    )
    return interchange.bring_in(actor=SYSTEM, run=run, at=at)
