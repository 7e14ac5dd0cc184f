"""Numbers of registers, contents of organisations, and what a role may do."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.directory import rules
from transferase.directory.models import IdentifierScheme, OrganisationKind, Role
from transferase.directory.rules import OrganisationDraft, Permission
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ledger import SYSTEM

# Public examples: the ROR of CERN, published check-digit examples, and the LEI of the LEI foundation itself.
RIGHT = [
    (IdentifierScheme.ROR, "https://ror.org/01ggx4157", "01ggx4157"),
    (IdentifierScheme.KR_BUSINESS, "124-81-00998", "1248100998"),
    (IdentifierScheme.CN_CREDIT, "91350100M000100Y43", "91350100M000100Y43"),
    (IdentifierScheme.LEI, "506700GE1G29325QX363", "506700GE1G29325QX363"),
    (IdentifierScheme.EU_PIC, "999 988 133", "999988133"),
]
FORMS = {
    IdentifierScheme.KR_BUSINESS: "0123456789",
    IdentifierScheme.CN_CREDIT: "0123456789ABCDEFGHJKLMNPQRTUWXY",
    IdentifierScheme.LEI: "0123456789",
}


@pytest.mark.parametrize(("scheme", "written", "stored"), RIGHT)
def test_a_right_number_is_stored_bare(scheme, written, stored):
    assert rules.normalise_identifier(scheme, written) == stored
    assert rules.check_identifier(scheme, stored)


@pytest.mark.parametrize(("scheme", "alphabet"), FORMS.items())
def test_one_wrong_last_character_is_found(scheme, alphabet):
    right = next(stored for s, _, stored in RIGHT if s == scheme)
    wrong = [right[:-1] + letter for letter in alphabet if letter != right[-1]]
    assert not any(rules.check_identifier(scheme, number) for number in wrong)


@pytest.mark.parametrize(
    ("scheme", "number"),
    [
        (IdentifierScheme.ROR, "01ggx4158"),
        (IdentifierScheme.ROR, "11ggx4157"),
        (IdentifierScheme.KR_BUSINESS, "0000000000"),
        (IdentifierScheme.KR_BUSINESS, "12481009"),
        (IdentifierScheme.CN_CREDIT, "91350100I000100Y43"),
        (IdentifierScheme.LEI, "506700GE1G29325QX36"),
        (IdentifierScheme.EU_PIC, "99998813"),
    ],
)
def test_a_wrong_number_is_refused(scheme, number):
    assert not rules.check_identifier(scheme, number)


@given(scheme=st.sampled_from(list(IdentifierScheme)), text=st.text(max_size=30))
def test_any_text_is_answered_without_an_error(scheme, text):
    assert rules.check_identifier(scheme, rules.normalise_identifier(scheme, text)) in {True, False}


def test_every_ror_identifier_of_the_public_sample_passes(data):
    with gzip.open(data / "orgs" / "ror_sample.jsonl.gz", "rt", encoding="utf-8") as file:
        identifiers = [json.loads(line)["id"] for line in file]
    assert len(identifiers) > 100
    assert [i for i in identifiers if not rules.check_identifier("ror", rules.normalise_identifier("ror", i))] == []


def draft(**facts):
    return OrganisationDraft(**{"kind": "university", "country": "kr", "names": {"ko": "가나대학교"}} | facts)


def test_content_is_cleaned():
    cleaned = rules.clean_organisation(
        draft(names={"en": "  Some\tUniversity\x00 ", "zh-Hans": " "}, identifiers={"ror": "", "lei": "5067 00ge"})
    )
    assert cleaned.country == "KR"
    assert cleaned.names == {"en": "Some University"}
    assert cleaned.original_language == "en"
    assert cleaned.identifiers == {"lei": "506700GE"}


@pytest.mark.parametrize(
    ("facts", "field", "code"),
    [
        ({"kind": "club"}, "kind", "unknown_code"),
        ({"country": "Korea"}, "country", "unknown_code"),
        ({"country": "한국"}, "country", "unknown_code"),
        ({"names": {}}, "names", "required"),
        ({"names": {"fr": "Université"}}, "names.fr", "unknown_language"),
        ({"names": {"en": "x" * 301}}, "names.en", "too_long"),
        ({"region": "x" * 101}, "region", "too_long"),
        ({"website": "javascript:alert(1)"}, "website", "not_a_web_address"),
        ({"website": "https://example.org/" + "x" * 200}, "website", "not_a_web_address"),
        ({"identifiers": {"duns": "1"}}, "identifiers.duns", "unknown_code"),
        ({"identifiers": {"ror": "1"}}, "identifiers.ror", "wrong_number"),
    ],
)
def test_a_problem_names_field_and_rule(facts, field, code):
    problems = rules.check_organisation(rules.clean_organisation(draft(**facts)))
    assert [(p.field, p.code) for p in problems] == [(field, code)]


def test_a_good_content_has_no_problem():
    good = draft(website="https://example.org", identifiers={"ror": "https://ror.org/01ggx4157"})
    assert rules.check_organisation(rules.clean_organisation(good)) == ()


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (OrganisationKind.UNIVERSITY, Role.TRANSFER_OFFICER),
        (OrganisationKind.VENTURE, Role.COMPANY_USER),
        (OrganisationKind.BROKER, Role.BROKER),
    ],
)
def test_who_enters_an_organisation_joins_it_in_a_fitting_role(kind, role):
    assert rules.role_of_founder(kind) == role


def test_a_role_counts_for_its_own_organisation_only(make_person, make_organisation):
    mine, other = make_organisation(), make_organisation()
    officer = make_person(role=Role.TRANSFER_OFFICER, organisation=mine)
    assert rules.may(officer, Permission.CATALOGUE_LISTING_WRITE, mine.pk)
    assert not rules.may(officer, Permission.CATALOGUE_LISTING_WRITE, other.pk)
    assert not rules.may(officer, Permission.CATALOGUE_LISTING_REVIEW, mine.pk)
    with pytest.raises(NotAllowed) as refused:
        rules.require(officer, Permission.CATALOGUE_LISTING_WRITE, other.pk)
    assert refused.value.facts == {"permission": "catalogue:listing:write", "organisation": other.pk}


def test_operators_and_the_platform_may_everything(make_person, make_organisation):
    operator = make_person(role=Role.OPERATOR)
    other = make_organisation()
    for permission in Permission:
        assert rules.may(operator, permission, other.pk)
        assert rules.may(SYSTEM, permission)


def test_reviewers_review_everything_and_write_nothing(make_person, make_organisation):
    reviewer = make_person(role=Role.REVIEWER)
    assert rules.may(reviewer, Permission.CATALOGUE_LISTING_REVIEW)
    assert not rules.may(reviewer, Permission.CATALOGUE_LISTING_WRITE, make_organisation().pk)


def test_an_ended_membership_and_a_closed_account_may_nothing(make_person, make_organisation, at):
    organisation = make_organisation()
    former = make_person(role=Role.TRANSFER_OFFICER, organisation=organisation)
    former.memberships.update(ends_at=at)
    closed = make_person(role=Role.OPERATOR, is_active=False)
    assert not rules.may(former, Permission.CATALOGUE_LISTING_WRITE, organisation.pk)
    assert not rules.may(closed, Permission.CATALOGUE_LISTING_READ)


def test_permissions_stand_in_alphabetical_order():
    assert list(Permission) == sorted(Permission)
