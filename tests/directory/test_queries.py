"""Who is looking, and finding organisations."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from transferase.directory import queries
from transferase.directory.models import Membership, Organisation, Role
from transferase.directory.rules import ANYONE, Permission


def test_a_visitor_is_anyone(db, at):
    assert queries.viewer_of(None, at) is ANYONE
    assert queries.viewer_of(AnonymousUser(), at) is ANYONE
    assert not ANYONE.is_registered
    assert not ANYONE.sees_everything


def test_a_viewer_knows_the_own_organisations_at_that_time(make_person, make_organisation, at):
    first, second = make_organisation(), make_organisation()
    person = make_person(organisation=first)
    Membership.objects.create(
        person=person, organisation=second, role=Role.BROKER, starts_at=at, ends_at=at + timedelta(days=1)
    )
    assert queries.viewer_of(person, at - timedelta(seconds=1)).organisations == {first.pk}
    assert queries.viewer_of(person, at).organisations == {first.pk, second.pk}
    assert queries.viewer_of(person, at + timedelta(days=1)).organisations == {first.pk}


def test_a_viewer_costs_one_query(make_person, at, django_assert_num_queries):
    person = make_person(role=Role.OPERATOR)
    with django_assert_num_queries(1):
        assert queries.viewer_of(person, at).permissions == frozenset(Permission)


def test_reviewers_see_everything_and_belong_to_nobody(make_person, viewer):
    seen = viewer(make_person(role=Role.REVIEWER))
    assert seen.sees_everything
    assert seen.organisations == frozenset()


def test_a_closed_account_is_anyone(make_person, viewer):
    assert viewer(make_person(role=Role.OPERATOR, is_active=False)) is ANYONE


def test_unverified_organisations_are_shown_to_their_members_and_reviewers(make_person, make_organisation, viewer):
    verified, new = make_organisation(), make_organisation(is_verified=False)
    assert list(Organisation.objects.visible_to(viewer())) == [verified]
    member, reviewer = make_person(organisation=new), make_person(role=Role.REVIEWER, organisation=verified)
    assert set(Organisation.objects.visible_to(viewer(member))) == {verified, new}
    assert set(Organisation.objects.visible_to(viewer(reviewer))) == {verified, new}


def test_memberships_are_shown_to_colleagues(make_person, make_organisation, viewer):
    organisation = make_organisation()
    first, second = make_person(organisation=organisation), make_person(organisation=organisation)
    stranger, operator = make_person(role=Role.BROKER), make_person(role=Role.OPERATOR)
    seen = {m.person for m in Membership.objects.visible_to(viewer(first))}
    assert seen == {first, second}
    assert {m.person for m in Membership.objects.visible_to(viewer(stranger))} == {stranger}
    assert Membership.objects.visible_to(viewer(operator)).count() == 4


@pytest.mark.parametrize("words", ["한국", "korea institute", " KOREA  Institute ", "04r2p1c43", "ROR 04r"[4:]])
def test_search_finds_by_name_in_any_language_and_by_number(make_organisation, viewer, words):
    organisation = make_organisation(names={"ko": "한국기계연구원", "en": "Korea Institute of Machinery"})
    organisation.identifiers.create(scheme="ror", value="04r2p1c43")
    make_organisation(names={"en": "Another"})
    found = queries.search_organisations(viewer(), words)
    assert found == ([organisation] if words != "04r" else [])


def test_search_puts_names_that_begin_with_the_words_first(make_organisation, viewer):
    second = make_organisation(names={"en": "New Gana"})
    first = make_organisation(names={"en": "Gana"})
    assert queries.search_organisations(viewer(), "gana") == [first, second]
    assert queries.search_organisations(viewer(), "gana", limit=1) == [first]
    assert queries.search_organisations(viewer(), "  ") == []


def test_namesakes_are_found_whatever_their_case_spaces_and_language(make_organisation, django_assert_num_queries):
    first = make_organisation(names={"ko": "가나 기술", "en": "Gana Technology"})
    second = make_organisation(names={"zh-Hans": "加纳", "en": "GANA  technology"}, is_verified=False)
    third = make_organisation(names={"ko": "가나기술"}, is_verified=False)
    other = make_organisation(names={"en": "Gana"})
    with django_assert_num_queries(6):
        found = queries.namesakes_of([first, second, third, other])
    assert found == {first.pk: [second, third], second.pk: [first], third.pk: [first], other.pk: []}
    assert queries.namesakes(["ganatechnology", " ", "Dara"]) == {"ganatechnology": [first, second], "dara": []}
