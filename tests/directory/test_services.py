"""Registering, entering organisations, joining, leaving, and keys to the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from transferase.directory import queries, services
from transferase.directory.models import Membership, Organisation, Person, Role
from transferase.directory.rules import (
    AlreadyEnded,
    AlreadyMember,
    EmailTaken,
    IdentifierTaken,
    LastOperator,
    OrganisationDraft,
    Permission,
    VerifiedNameFixed,
)
from transferase.foundation.errors import InvalidContent, NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry

NUMBER = {"kr_business": "124-81-00998"}


def draft(**facts):
    names = {"ko": "가나기술", "en": "Gana Technology"}
    return OrganisationDraft(**{"kind": "company_small", "country": "KR", "names": names} | facts)


def last_entry():
    return LedgerEntry.objects.latest("pk")


def register(at, **facts):
    given = {"actor": SYSTEM, "email": "new@example.org", "name": "New", "language": "ko", "password": "x", "at": at}
    return services.register(**given | facts)


def test_register_makes_a_person_who_can_sign_in(fence, at):
    with fence:
        person = register(at, email=" New@Example.org ", name=" 새 사람 ")
    assert (person.email, person.name, person.language) == ("New@Example.org", "새 사람", "ko")
    assert person.check_password("x")
    assert (last_entry().action, last_entry().actor) == ("directory.person.registered", f"directory.Person:{person.pk}")
    assert Person.objects.get_by_natural_key("NEW@example.org") == person


def test_register_without_a_password_waits_for_one(db, at):
    assert not register(at, password=None).has_usable_password()


def test_register_refuses_an_address_twice_whatever_its_case(db, at):
    register(at)
    with pytest.raises(EmailTaken):
        register(at, email="NEW@example.org")
    assert Person.objects.count() == 1


@pytest.mark.parametrize(
    ("facts", "field"),
    [({"email": "nobody"}, "email"), ({"language": "fr"}, "language"), ({"name": "x" * 151}, "name")],
)
def test_register_names_what_is_wrong(db, at, facts, field):
    with pytest.raises(InvalidContent) as refused:
        register(at, **facts)
    assert [p.field for p in refused.value.facts["problems"]] == [field]


def test_only_operators_register_others(make_person, at):
    with pytest.raises(NotAllowed):
        register(at, actor=make_person(role=Role.TRANSFER_OFFICER))
    operator = make_person(role=Role.OPERATOR)
    register(at, actor=operator)
    assert last_entry().actor == f"directory.Person:{operator.pk}"


def test_a_person_revises_the_own_name_and_nobody_elses(make_person, fence, at):
    person, other = make_person(), make_person()
    with fence:
        services.revise_person(actor=person, person=person, name=" 이름 ", language="ko", at=at)
    person.refresh_from_db()
    assert (person.name, person.language, last_entry().action) == ("이름", "ko", "directory.person.revised")
    with pytest.raises(NotAllowed):
        services.revise_person(actor=other, person=person, name="x", language="ko", at=at)
    with pytest.raises(InvalidContent):
        services.revise_person(actor=person, person=person, name="x", language="xx", at=at)


def test_change_password(make_person, fence, at):
    person = make_person(password="old")
    with fence:
        services.change_password(actor=person, person=person, password="new", at=at)
    assert Person.objects.get(pk=person.pk).check_password("new")
    with pytest.raises(NotAllowed):
        services.change_password(actor=make_person(), person=person, password="evil", at=at)


def test_who_enters_an_organisation_becomes_its_first_member(make_person, fence, at):
    person = make_person()
    with fence:
        organisation = services.create_organisation(actor=person, draft=draft(identifiers=NUMBER), at=at)
    assert not organisation.is_verified
    assert organisation.name("ko") == "가나기술"
    assert organisation.name("zh-Hans") == "가나기술"
    assert organisation.identifiers.get().value == "1248100998"
    assert [(m.person, m.role) for m in queries.members_of(organisation, at)] == [(person, Role.COMPANY_USER)]


def test_what_an_operator_enters_is_verified_and_not_joined(make_person, at):
    organisation = services.create_organisation(actor=make_person(role=Role.OPERATOR), draft=draft(), at=at)
    assert organisation.verified_at == at
    assert queries.members_of(organisation, at) == []


def test_a_sample_organisation_is_for_operators(make_person, at):
    with pytest.raises(NotAllowed):
        services.create_organisation(actor=make_person(), draft=draft(is_sample=True), at=at)
    assert services.create_organisation(actor=SYSTEM, draft=draft(is_sample=True), at=at).is_sample


def test_an_organisation_with_problems_is_not_entered(make_person, at):
    with pytest.raises(InvalidContent):
        services.create_organisation(actor=make_person(), draft=draft(names={}), at=at)
    assert not Organisation.objects.exists()


def test_a_number_belongs_to_one_organisation(make_person, at):
    services.create_organisation(actor=SYSTEM, draft=draft(identifiers=NUMBER), at=at)
    with pytest.raises(IdentifierTaken):
        services.create_organisation(actor=make_person(), draft=draft(identifiers=NUMBER), at=at)
    assert Organisation.objects.count() == 1


def test_revise_replaces_names_and_numbers(make_person, fence, at):
    person = make_person()
    organisation = services.create_organisation(actor=person, draft=draft(identifiers=NUMBER), at=at)
    new = draft(names={"en": "Gana", "zh-Hans": "加纳"}, machine_made=frozenset({"zh-Hans"}), region="Seoul")
    with fence:
        services.revise_organisation(actor=person, organisation=organisation, draft=new, at=at)
    organisation = Organisation.objects.get(pk=organisation.pk)
    assert {n.language: (n.name, n.is_original, n.is_machine_made) for n in organisation.names.all()} == {
        "en": ("Gana", True, False),
        "zh-Hans": ("加纳", False, True),
    }
    assert not organisation.identifiers.exists()
    assert organisation.region == "Seoul"
    assert not organisation.is_verified
    assert last_entry().facts == {"is_verified": False}


@pytest.mark.parametrize(
    "change",
    [{"names": {"ko": "삼성전자 주식회사"}}, {"country": "CN"}, {"identifiers": {"kr_business": "220-81-62517"}}],
)
def test_what_an_operator_vouched_for_is_changed_by_operators_only(change, make_person, at):
    person = make_person()
    organisation = services.create_organisation(actor=person, draft=draft(identifiers=NUMBER), at=at)
    services.verify_organisation(actor=SYSTEM, organisation=organisation, at=at)
    before = queries.draft_of(organisation)
    new = draft(**{"identifiers": NUMBER, **change})
    with pytest.raises(VerifiedNameFixed):
        services.revise_organisation(actor=person, organisation=organisation, draft=new, at=at)
    organisation = Organisation.objects.get(pk=organisation.pk)
    assert organisation.is_verified
    assert queries.draft_of(organisation) == before
    operator = make_person(role=Role.OPERATOR)
    assert services.revise_organisation(actor=operator, organisation=organisation, draft=new, at=at).is_verified
    assert queries.draft_of(Organisation.objects.get(pk=organisation.pk)) != before


def test_a_revised_website_leaves_an_organisation_verified(make_person, at):
    person = make_person()
    organisation = services.create_organisation(actor=person, draft=draft(), at=at)
    services.verify_organisation(actor=SYSTEM, organisation=organisation, at=at)
    new = draft(website="https://example.org")
    assert services.revise_organisation(actor=person, organisation=organisation, draft=new, at=at).is_verified
    assert queries.draft_of(organisation) == OrganisationDraft(
        **{**vars(new), "original_language": "ko", "names": {"ko": "가나기술", "en": "Gana Technology"}}
    )


def test_what_an_operator_revises_is_verified(make_person, make_organisation, at):
    organisation = make_organisation(is_verified=False)
    services.revise_organisation(
        actor=make_person(role=Role.OPERATOR), organisation=organisation, draft=draft(identifiers=NUMBER), at=at
    )
    assert Organisation.objects.get(pk=organisation.pk).verified_at == at


def test_strangers_revise_and_verify_nothing(make_person, make_organisation, at):
    stranger, organisation = make_person(role=Role.TRANSFER_OFFICER), make_organisation()
    with pytest.raises(NotAllowed):
        services.revise_organisation(actor=stranger, organisation=organisation, draft=draft(), at=at)
    with pytest.raises(NotAllowed):
        services.verify_organisation(actor=stranger, organisation=organisation, at=at)


def test_resolve_finds_by_number_by_source_and_by_name(fence, at):
    known = draft(identifiers=NUMBER, source="bank", external_id="7")
    with fence:
        first = services.resolve_organisation(actor=SYSTEM, draft=known, at=at)
    seen = [
        draft(names={"en": "Other name"}, identifiers={"kr_business": "1248100998"}),
        draft(names={"en": "Other name"}, source="bank", external_id="7"),
        draft(names={"en": "gana technology"}),
    ]
    assert [services.resolve_organisation(actor=SYSTEM, draft=d, at=at) for d in seen] == [first] * 3
    others = [
        draft(names={"en": "Gana Technology"}, country="CN"),
        draft(names={"en": "Gana Technology"}, identifiers={"kr_business": "220-81-62517"}),
    ]
    for other in others:
        assert services.resolve_organisation(actor=SYSTEM, draft=other, at=at) != first


def test_resolve_is_for_operators(make_person, at):
    with pytest.raises(NotAllowed):
        services.resolve_organisation(actor=make_person(role=Role.TRANSFER_OFFICER), draft=draft(), at=at)


def test_an_operator_takes_somebody_in_and_a_member_has_to_invite(make_person, make_organisation, fence, at):
    organisation = make_organisation()
    member, colleague = make_person(organisation=organisation), make_person()
    officer = make_person(role=Role.OPERATOR)
    with pytest.raises(NotAllowed):
        services.join(actor=member, person=colleague, organisation=organisation, role=Role.TRANSFER_OFFICER, at=at)
    with fence:
        services.join(actor=officer, person=colleague, organisation=organisation, role=Role.TRANSFER_OFFICER, at=at)
    assert queries.organisations_of(colleague, at) == [organisation]
    with pytest.raises(AlreadyMember):
        services.join(actor=officer, person=colleague, organisation=organisation, role=Role.TRANSFER_OFFICER, at=at)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER])
def test_platform_roles_are_given_by_operators(make_person, make_organisation, at, role):
    organisation = make_organisation()
    officer, colleague = make_person(organisation=organisation), make_person()
    with pytest.raises(NotAllowed):
        services.join(actor=officer, person=colleague, organisation=organisation, role=role, at=at)
    operator = make_person(role=Role.OPERATOR)
    assert services.join(actor=operator, person=colleague, organisation=organisation, role=role, at=at).role == role


def test_nobody_joins_a_foreign_organisation_or_in_an_unknown_role(make_person, make_organisation, at):
    stranger, organisation = make_person(), make_organisation()
    with pytest.raises(NotAllowed):
        services.join(actor=stranger, person=stranger, organisation=organisation, role=Role.BROKER, at=at)
    with pytest.raises(InvalidContent):
        services.join(actor=SYSTEM, person=stranger, organisation=organisation, role="king", at=at)


def test_leave_ends_the_own_membership_once(make_person, fence, at, viewer):
    person = make_person(role=Role.TRANSFER_OFFICER)
    membership = person.memberships.get()
    with fence:
        services.leave(actor=person, membership=membership, at=at)
    assert membership.ends_at == at
    assert viewer(person).organisations == frozenset()
    with pytest.raises(AlreadyEnded):
        services.leave(actor=person, membership=membership, at=at)


def test_colleagues_and_operators_may_end_a_membership_strangers_not(make_person, make_organisation, at):
    organisation = make_organisation()
    first, second, third = (make_person(organisation=organisation) for _ in range(3))
    with pytest.raises(NotAllowed):
        services.leave(actor=make_person(role=Role.BROKER), membership=first.memberships.get(), at=at)
    services.leave(actor=second, membership=first.memberships.get(), at=at)
    services.leave(actor=make_person(role=Role.OPERATOR), membership=third.memberships.get(), at=at)
    assert [m.person for m in queries.members_of(organisation, at)] == [second]


def test_an_operator_is_not_ended_by_a_colleague_and_never_the_last(make_person, make_organisation, at):
    organisation = make_organisation()
    operator = make_person(role=Role.OPERATOR, organisation=organisation)
    colleague = make_person(organisation=organisation)
    with pytest.raises(NotAllowed):
        services.leave(actor=colleague, membership=operator.memberships.get(), at=at)
    with pytest.raises(LastOperator):
        services.leave(actor=operator, membership=operator.memberships.get(), at=at)
    make_person(role=Role.OPERATOR)
    services.leave(actor=operator, membership=operator.memberships.get(), at=at)
    assert not queries.operators(at).filter(pk=operator.pk).exists()


def issue(person, at, **facts):
    given = {"scopes": [Permission.CATALOGUE_LISTING_READ], "expires_at": at + timedelta(days=30), "name": "script"}
    return services.issue_token(**{"actor": person, "person": person, "at": at, **given} | facts)


def test_a_token_opens_the_api_until_it_expires(make_person, fence, at):
    person = make_person()
    with fence:
        token, secret = issue(person, at)
    assert secret not in token.digest
    assert queries.token_in_force(secret, at) == token
    assert queries.token_in_force(secret + "x", at) is None
    assert queries.token_in_force(secret, at + timedelta(days=30)) is None


def test_a_token_of_a_closed_account_opens_nothing(make_person, at):
    person = make_person()
    _, secret = issue(person, at)
    Person.objects.filter(pk=person.pk).update(is_active=False)
    assert queries.token_in_force(secret, at) is None


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"days": 0}, "expires_at"),
        ({"days": 400}, "expires_at"),
    ],
)
def test_a_token_with_problems_is_not_issued(make_person, at, facts, field):
    if "days" in facts:
        facts = {"expires_at": at + timedelta(days=facts["days"])}
    with pytest.raises(InvalidContent) as refused:
        issue(make_person(), at, **facts)
    assert [p.field for p in refused.value.facts["problems"]] == [field]


def test_tokens_are_issued_and_revoked_by_their_person(make_person, fence, at, viewer):
    person, other = make_person(), make_person()
    token, secret = issue(person, at)
    with pytest.raises(NotAllowed):
        issue(person, at, actor=other)
    with pytest.raises(NotAllowed):
        services.revoke_token(actor=other, token=token, at=at)
    with fence:
        services.revoke_token(actor=person, token=token, at=at)
    assert queries.token_in_force(secret, at) is None
    with pytest.raises(AlreadyEnded):
        services.revoke_token(actor=person, token=token, at=at)
    own = person.tokens.model.objects.visible_to(viewer(person))
    assert list(own) == [token]
    assert not person.tokens.model.objects.visible_to(viewer(other)).exists()
    assert not person.tokens.model.objects.visible_to(viewer()).exists()


def test_history_keeps_every_step_of_a_membership_and_never_a_secret(make_person, at):
    person = make_person(role=Role.BROKER)
    services.leave(actor=person, membership=person.memberships.get(), at=at)
    token, _ = issue(person, at)
    assert list(person.memberships.get().events.values_list("pgh_label", "ends_at")) == [
        ("insert", None),
        ("update", at),
    ]
    assert not any(field.name == "digest" for field in token.events.model._meta.fields)


def test_memberships_of_names_the_organisation(make_person, make_organisation, at):
    organisation = make_organisation(names={"en": "Institute"})
    person = make_person(organisation=organisation)
    assert [str(m.organisation) for m in queries.memberships_of(person, at)] == ["Institute"]
    assert Membership.objects.in_force(at).count() == 1
