"""Matches through the API: for the owner's members only, with reasons, and judged by their own side."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from transferase.catalogue.models import Requirement
from transferase.catalogue.services import load_vocabularies
from transferase.foundation.ledger import SYSTEM
from transferase.matching import services as matching
from transferase.matching.models import Judgement

READ, JUDGE = "matching:match:read", "matching:match:judge"


@pytest.fixture
def owner(make_person):
    return make_person(role="company_user")


@pytest.fixture
def pair(owner, make_listing, now):
    load_vocabularies(actor=SYSTEM)
    need = make_listing(
        at=now, owner=owner.memberships.get().organisation, direction="need", language="ko",
        title="해조류로 만든 포장 필름", summary="토양에서 빨리 분해되는 해조류 기반 식품 포장 필름 기술을 찾습니다.",
        ipc=["B65D 65/46"],
    )  # fmt: skip
    for value, is_must in ((30, True), (50, False)):
        Requirement.objects.create(
            listing=need, property="인장 강도", operator="ge", value=value, unit="MPa", is_must=is_must
        )
    offer = make_listing(
        at=now, title="Packaging film made of seaweed", ipc=["B65D 65/46"],
        summary="A food packaging film made from seaweed polysaccharides that degrades quickly in soil.",
        texts=[{"language": "en", "tier": "nda", "title": "Recipe", "summary": "NDAWORD seaweed packaging film"}],
    )  # fmt: skip
    matching.rebuild(actor=SYSTEM, at=now)
    matching.propose_all(actor=SYSTEM, at=now)
    return need, offer


def test_a_match_comes_with_parts_and_reasons(door_of, owner, pair):
    need, offer = pair
    response = door_of(owner, READ).get(f"/listings/{need.pk}/matches")
    assert response.status_code == 200
    (match,) = response.json()["items"]
    assert match["listing"]["id"] == str(offer.pk)
    assert sum(part["points"] for part in match["parts"]) == match["score"]
    assert match["because"]
    assert "offer.trl" in match["missing"]
    assert "offer.requirements" in match["missing"]
    (asked,) = match["to_check"]
    assert (asked["property"], asked["operator"], asked["unit"]) == ("인장 강도", "ge", "MPa")
    assert (Decimal(asked["value"]), asked["is_must"]) == (30, True)
    assert match["judgement"] is None
    assert "NDAWORD" not in response.content.decode()


@pytest.mark.parametrize("role", [None, "transfer_officer", "company_user", "broker", "reviewer"])
def test_others_see_no_matches_and_judge_none(door_of, make_person, pair, role):
    need, offer = pair
    door = door_of(make_person(role=role) if role else make_person(), READ, JUDGE)
    assert door.get(f"/listings/{need.pk}/matches").status_code == 403
    judged = door.post(f"/listings/{need.pk}/matches/{offer.pk}/judgement", {"verdict": "interesting"})
    assert judged.status_code == 403
    assert not Judgement.objects.exists()


def test_each_act_asks_for_its_own_scope(door_of, owner, pair):
    need, offer = pair
    assert door_of(owner, JUDGE).get(f"/listings/{need.pk}/matches").status_code == 403
    path = f"/listings/{need.pk}/matches/{offer.pk}/judgement"
    assert door_of(owner, READ).post(path, {"verdict": "interesting"}).status_code == 403


def test_a_visitor_is_asked_for_a_token(visitor, pair):
    assert visitor.get(f"/listings/{pair[0].pk}/matches").status_code == 401


def test_a_judgement_is_kept_and_shown(door_of, owner, pair, fence):
    need, offer = pair
    door = door_of(owner, READ, JUDGE)
    path = f"/listings/{need.pk}/matches/{offer.pk}/judgement"
    assert door.post(path, {"verdict": "not_for_us"}).json()["code"] == "reason_needed"
    with fence:
        judged = door.post(path, {"verdict": "not_for_us", "reason": "too_early", "note": "나중에"})
    assert (judged.status_code, judged.json()["reason"]) == (200, "too_early")
    (match,) = door.get(f"/listings/{need.pk}/matches").json()["items"]
    assert (match["judgement"]["verdict"], match["judgement"]["note"]) == ("not_for_us", "나중에")
    # The other side's door leads to its own listing; it cannot speak for this one.
    assert door.post(f"/listings/{offer.pk}/matches/{need.pk}/judgement", {"verdict": "known"}).status_code == 403
    assert door.post(f"/listings/{need.pk}/matches/{need.pk}/judgement", {"verdict": "known"}).status_code == 404


def test_a_pair_that_is_no_match(door_of, owner, pair, make_listing, now):
    other = make_listing(at=now)
    path = f"/listings/{pair[0].pk}/matches/{other.pk}/judgement"
    response = door_of(owner, JUDGE).post(path, {"verdict": "interesting"})
    assert (response.status_code, response.json()["code"]) == (409, "no_match")


def test_the_number_of_queries_does_not_grow(door_of, owner, pair, make_listing, now):
    path = f"/listings/{pair[0].pk}/matches"
    door = door_of(owner, READ)

    def count():
        with CaptureQueriesContext(connection) as queries:
            found = door.get(path).json()["items"]
        return len(found), len(queries)

    count()
    few, one = count()
    for _ in range(2):
        make_listing(
            at=now, title="Seaweed packaging film", ipc=["B65D 65/46"],
            summary="A food packaging film made from seaweed polysaccharides that degrades quickly in soil.",
        )  # fmt: skip
    matching.rebuild(actor=SYSTEM, at=now)
    matching.propose_all(actor=SYSTEM, at=now)
    count()
    many, three = count()
    assert (few, many) == (1, 3)
    assert three <= one
