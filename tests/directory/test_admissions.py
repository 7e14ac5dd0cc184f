"""Asking to be let in, inviting, and what the other side answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from transferase.directory import queries, services
from transferase.directory.models import Admission, AdmissionKind, Membership, Role
from transferase.directory.rules import (
    ADMISSION_FOR,
    MOST_ASKED,
    AdmissionOver,
    AlreadyAsked,
    AlreadyMember,
    TooManyOpen,
)
from transferase.foundation.errors import InvalidContent, NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry

OFFICER = Role.TRANSFER_OFFICER


@pytest.fixture
def organisation(make_organisation):
    return make_organisation(names={"ko": "가나연구원", "en": "Gana Institute"})


@pytest.fixture
def member(make_person, organisation):
    return make_person(organisation=organisation, email="member@example.org")


@pytest.fixture
def newcomer(make_person):
    return make_person(email="New@example.org", name="Newcomer", language="ko")


def ask(person, organisation, at, **facts):
    given = {"role": OFFICER, "note": "I work there."} | facts
    return services.ask_to_join(actor=person, organisation=organisation, at=at, **given)


def test_somebody_asks_and_a_member_lets_them_in(newcomer, member, organisation, fence, drain, mailoutbox, at):
    with fence:
        admission = ask(newcomer, organisation, at)
    assert LedgerEntry.objects.latest("pk").action == "directory.admission.asked"
    assert queries.own_requests(newcomer, at) == [admission]
    assert queries.admissions_to_answer(newcomer, queries.viewer_of(newcomer, at), at) == []
    assert queries.admissions_to_answer(member, queries.viewer_of(member, at), at) == [admission]
    with fence:
        membership = services.accept(actor=member, admission=admission, at=at)
    assert (membership.person, membership.organisation, membership.role) == (newcomer, organisation, OFFICER)
    assert queries.organisations_of(newcomer, at) == [organisation]
    actions = list(LedgerEntry.objects.order_by("-pk").values_list("action", flat=True)[:2])
    assert actions == ["directory.membership.started", "directory.admission.accepted"]
    with pytest.raises(AdmissionOver):
        services.accept(actor=member, admission=admission, at=at)
    assert queries.own_requests(newcomer, at) == []


def test_letters_go_both_ways_in_the_readers_language(newcomer, member, organisation, drain, mailoutbox, at):
    with time_machine.travel(at, tick=False):
        admission = ask(newcomer, organisation, at)
        drain(only="directory.")
        assert [letter.to for letter in mailoutbox] == [["member@example.org"]]
        assert "Newcomer (New@example.org)" in mailoutbox[0].body
        services.decline(actor=member, admission=admission, at=at)
        drain(only="directory.")
    assert mailoutbox[1].to == ["New@example.org"]
    assert "가나연구원" in mailoutbox[1].subject
    assert "/ko/desk" in mailoutbox[1].body
    assert not Membership.objects.filter(person=newcomer).exists()


def test_only_members_and_operators_answer_a_request(newcomer, member, organisation, make_person, at):
    admission = ask(newcomer, organisation, at)
    for stranger in (newcomer, make_person(role=OFFICER), make_person(role=Role.REVIEWER)):
        for answer in (services.accept, services.decline):
            with pytest.raises(NotAllowed):
                answer(actor=stranger, admission=admission, at=at)
    operator = make_person(role=Role.OPERATOR)
    assert services.accept(actor=operator, admission=admission, at=at).person == newcomer


def test_operators_answer_where_nobody_does(newcomer, member, organisation, make_organisation, make_person, at):
    operator = make_person(role=Role.OPERATOR)
    viewer = queries.viewer_of(operator, at)
    empty = ask(newcomer, make_organisation(), at)
    manned = ask(newcomer, organisation, at)
    assert queries.admissions_to_answer(operator, viewer, at) == [empty]
    assert queries.admissions_to_answer(operator, viewer, at + timedelta(days=8)) == [empty, manned]
    assert queries.who_lets_in(empty.organisation, at) == [operator]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER])
def test_nobody_asks_for_or_invites_into_a_role_of_the_platform(role, newcomer, member, organisation, make_person, at):
    with pytest.raises(NotAllowed):
        ask(newcomer, organisation, at, role=role)
    with pytest.raises(NotAllowed):
        services.invite(actor=member, email=newcomer.email, organisation=organisation, role=role, at=at)
    operator = make_person(role=Role.OPERATOR)
    invitation = services.invite(actor=operator, email=newcomer.email, organisation=organisation, role=role, at=at)
    assert services.accept(actor=newcomer, admission=invitation, at=at).role == role


def test_requests_are_bounded_and_asked_once(newcomer, member, organisation, make_organisation, at):
    ask(newcomer, organisation, at)
    with pytest.raises(AlreadyAsked):
        ask(newcomer, organisation, at)
    with pytest.raises(AlreadyMember):
        ask(member, organisation, at)
    with pytest.raises(InvalidContent):
        ask(newcomer, make_organisation(), at, note="x" * 501)
    with pytest.raises(InvalidContent):
        ask(newcomer, make_organisation(), at, role="king")
    for _ in range(MOST_ASKED - 1):
        ask(newcomer, make_organisation(), at)
    with pytest.raises(TooManyOpen):
        ask(newcomer, make_organisation(), at)
    later = at + ADMISSION_FOR
    assert ask(newcomer, organisation, later).begun_at == later


def test_an_invitation_is_for_its_address_only(newcomer, member, organisation, make_person, fence, at):
    with fence:
        invitation = services.invite(
            actor=member, email=" NEW@example.org ", organisation=organisation, role=OFFICER, at=at
        )
    assert queries.invitations_of(organisation, at) == [invitation]
    assert not Membership.objects.filter(person=newcomer).exists()
    other = make_person()
    for person in (other, member):
        with pytest.raises(NotAllowed):
            services.accept(actor=person, admission=invitation, at=at)
    assert queries.admissions_to_answer(newcomer, queries.viewer_of(newcomer, at), at) == [invitation]
    with fence:
        assert services.accept(actor=newcomer, admission=invitation, at=at).person == newcomer


def test_an_invitation_waits_for_whoever_registers(member, organisation, drain, mailoutbox, at):
    with time_machine.travel(at, tick=False):
        invitation = services.invite(
            actor=member, email="later@example.org", organisation=organisation, role=OFFICER, at=at
        )
        drain(only="directory.")
    assert mailoutbox[0].to == ["later@example.org"]
    assert "account/signup" in mailoutbox[0].body
    person = services.register(actor=SYSTEM, email="Later@example.org", name="L", language="en", password="x", at=at)
    assert queries.admissions_to_answer(person, queries.viewer_of(person, at), at) == [invitation]


def test_strangers_get_no_letters_in_the_name_of_an_organisation_that_nobody_checked(
    make_organisation, make_person, drain, mailoutbox, at
):
    body = make_organisation(is_verified=False)
    founder, known = make_person(organisation=body), make_person(email="known@example.org")
    with time_machine.travel(at, tick=False):
        for email in (known.email, "stranger@example.org"):
            services.invite(actor=founder, email=email, organisation=body, role=OFFICER, at=at)
        drain(only="directory.")
    assert [letter.to for letter in mailoutbox] == [[known.email]]


def test_names_cannot_break_out_of_their_line_in_a_letter(make_person, organisation, drain, mailoutbox, at):
    inviter = make_person(organisation=organisation, name="Eve\r\nBcc: all@example.org\n\nBuy")
    with time_machine.travel(at, tick=False):
        services.invite(actor=inviter, email="a@example.org", organisation=organisation, role=OFFICER, at=at)
        drain(only="directory.")
    assert "Eve Bcc: all@example.org Buy invites you" in mailoutbox[0].body


def test_an_invitation_ends_with_the_right_to_invite(newcomer, member, organisation, make_person, at):
    invitation = services.invite(actor=member, email=newcomer.email, organisation=organisation, role=OFFICER, at=at)
    services.leave(actor=member, membership=member.memberships.get(), at=at)
    with pytest.raises(NotAllowed):
        services.accept(actor=newcomer, admission=invitation, at=at)


def test_what_was_asked_can_be_taken_back_by_its_own_side(newcomer, member, organisation, make_person, at):
    asked = ask(newcomer, organisation, at)
    colleague = make_person(organisation=organisation)
    for person in (member, make_person()):
        with pytest.raises(NotAllowed):
            services.withdraw(actor=person, admission=asked, at=at)
    services.withdraw(actor=newcomer, admission=asked, at=at)
    invited = services.invite(actor=member, email=newcomer.email, organisation=organisation, role=OFFICER, at=at)
    with pytest.raises(NotAllowed):
        services.withdraw(actor=newcomer, admission=invited, at=at)
    services.withdraw(actor=colleague, admission=invited, at=at)
    with pytest.raises(AdmissionOver):
        services.accept(actor=newcomer, admission=invited, at=at)
    with pytest.raises(AdmissionOver):
        services.decline(actor=newcomer, admission=invited, at=at)


def test_an_answer_in_time_counts_a_late_one_does_not(newcomer, member, organisation, at):
    asked = ask(newcomer, organisation, at)
    assert queries.admissions_to_answer(member, queries.viewer_of(member, at), at + ADMISSION_FOR) == []
    with pytest.raises(AdmissionOver):
        services.accept(actor=member, admission=asked, at=at + ADMISSION_FOR)


def test_strangers_see_nothing_of_what_is_asked(newcomer, member, organisation, make_person, at):
    ask(newcomer, organisation, at)
    seen = {
        name: Admission.objects.visible_to(queries.viewer_of(person, at)).count()
        for name, person in {"own": newcomer, "member": member, "stranger": make_person(), "visitor": None}.items()
    }
    assert seen == {"own": 1, "member": 1, "stranger": 0, "visitor": 0}
    assert Admission.objects.get().kind == AdmissionKind.ASKED
