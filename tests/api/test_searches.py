"""Saved searches and figures through the API: the person's own, and the own organisation's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from transferase.foundation.ledger import SYSTEM
from transferase.matching import services
from transferase.matching.models import Match, SavedSearch

READ, WRITE, MATCHES = "matching:search:read", "matching:search:write", "matching:match:read"
CONTENT = {
    "name": "해조류",
    "q": "해조류 포장 필름",
    "direction": "offer",
    "ipc": "B65D",
    "trl_from": 4,
    "country": ["KR"],
    "language": ["ko"],
    "reader": "ko",
}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def words_only(settings):
    settings.EMBEDDING = "none"


@pytest.fixture
def person(make_person):
    return make_person(role="company_user")


def test_a_search_is_kept_listed_and_deleted(door_of, person):
    door = door_of(person, READ, WRITE)
    made = door.post("/searches", CONTENT)
    assert made.status_code == 201
    saved = made.json()
    assert made["Location"].endswith(f"/api/v1/searches/{saved['id']}")
    assert {name: saved[name] for name in CONTENT} == CONTENT
    assert (saved["trl_to"], saved["field"], saved["organisation"]) == (None, [], None)
    assert door.get("/searches").json() == {"items": [saved]}
    gone = door.delete(f"/searches/{saved['id']}")
    assert (gone.status_code, gone.json()) == (200, saved)
    assert not SavedSearch.objects.exists()
    assert door.delete(f"/searches/{saved['id']}").status_code == 404


def test_scopes_are_asked_for(door_of, visitor, person):
    assert visitor.get("/searches").status_code == 401
    assert door_of(person, MATCHES).get("/searches").status_code == 403
    assert door_of(person, READ).post("/searches", CONTENT).status_code == 403
    assert door_of(person, WRITE).post("/searches", CONTENT).status_code == 201
    assert door_of(person, READ).delete(f"/searches/{SavedSearch.objects.get().pk}").status_code == 403


def test_a_scope_for_searches_opens_nothing_else(door_of, person, make_listing, now):
    draft = make_listing(owner=person.memberships.get().organisation, state="draft")
    assert door_of(person, READ, WRITE).get(f"/listings/{draft.pk}").status_code == 404


def test_nobody_reaches_the_searches_of_others(door_of, person, make_person):
    door_of(person, WRITE).post("/searches", CONTENT)
    other = door_of(make_person(role="operator"), READ, WRITE)
    assert other.get("/searches").json() == {"items": []}
    assert other.delete(f"/searches/{SavedSearch.objects.get().pk}").status_code == 404


def test_what_breaks_a_rule_is_told(door_of, person):
    door = door_of(person, WRITE)
    assert door.post("/searches", CONTENT).status_code == 201
    again = door.post("/searches", CONTENT)
    assert (again.status_code, again.json()["code"]) == (409, "search_name_taken")
    blank = door.post("/searches", {"name": "  "})
    assert (blank.status_code, blank.json()["errors"][0]["field"]) == (422, "body.name")
    assert door.post("/searches", {**CONTENT, "colour": "red"}).status_code == 422


def test_search_tells_what_is_new(visitor, make_listing, now):
    old = make_listing(at=now - timedelta(days=3), title="Seaweed film")
    fresh = make_listing(at=now - timedelta(hours=1), title="Seaweed paper")
    for listing in (old, fresh):
        services.index_listing(actor=SYSTEM, listing_id=listing.pk, at=now)
    since = (now - timedelta(days=1)).isoformat()
    told = visitor.get("/search", q="seaweed", published_since=since).json()
    assert [item["listing"]["id"] for item in told["items"]] == [str(fresh.pk)]
    assert visitor.get("/search", published_since="1732440000").status_code == 422


def test_figures_are_told_to_the_owner(door_of, person, make_listing, now):
    offer = make_listing(at=now, owner=person.memberships.get().organisation)
    need = make_listing(at=now, direction="need")
    Match.objects.create(need=need, offer=offer, score=0.5, missing=["offer.trl"], engine_version="1", found_at=now)
    services.count_visits(actor=SYSTEM, visits={(offer.pk, now.date()): (7, 2)}, at=now)

    answer = door_of(person, MATCHES).get(f"/listings/{offer.pk}/figures")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["found"], told["opened"], told["interesting"]) == (7, 2, 0)
    assert (told["known"], told["declined"], told["reasons"]) == (None, None, None)
    assert told["missing"] == [{"fact": "trl", "matches": 1}]
    assert told["months"][-1]["interesting"] == 0


def test_figures_are_told_to_nobody_else(door_of, visitor, make_person, make_listing, now):
    offer = make_listing(at=now)
    assert visitor.get(f"/listings/{offer.pk}/figures").status_code == 401
    other = make_person(role="company_user")
    assert door_of(other, MATCHES).get(f"/listings/{offer.pk}/figures").status_code == 403
    assert door_of(other, READ).get(f"/listings/{offer.pk}/figures").status_code == 403
