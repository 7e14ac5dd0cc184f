"""Reading and writing listings: who sees what, who may what."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from transferase.catalogue.models import Listing
from transferase.foundation.ledger import SYSTEM
from transferase.matching import services as matching

READ, WRITE = "catalogue:listing:read", "catalogue:listing:write"
REVIEW = "catalogue:listing:review"
SECRETS = ("REGISTEREDWORD", "INTRODUCEDWORD", "NDAWORD")
PRIVATE_TEXTS = tuple(
    {"language": "en", "tier": tier, "title": f"{word} title", "summary": f"{word} summary"}
    for tier, word in zip(("registered", "introduced", "nda"), SECRETS, strict=True)
)


def content(organisation, **changed):
    return {
        "organisation": organisation.pk,
        "direction": "offer",
        "texts": [
            {"language": "ko", "title": "해조류 포장 필름", "summary": "토양에서 12주 안에 분해되는 필름입니다."}
        ],
        "ipc": ["C08L 5/00"],
        "trl_low": 4,
        "trl_high": 5,
    } | changed


@pytest.fixture
def officer(make_person, make_organisation):
    return make_person(role="transfer_officer", organisation=make_organisation(names={"en": "Own Institute"}))


@pytest.fixture
def own(officer):
    return officer.memberships.get().organisation


# ---- reading


def test_a_visitor_sees_what_is_published_now(visitor, make_listing, now):
    shown = make_listing(at=now, title="해조류 필름", language="ko")
    for state in ("draft", "in_review", "paused", "withdrawn", "taken"):
        make_listing(state=state)
    make_listing(at=now, visible_until=now)
    page = visitor.get("/listings").json()
    assert [item["id"] for item in page["items"]] == [str(shown.pk)]
    assert page["next"] is None
    response = visitor.get(f"/listings/{shown.pk}")
    assert response.json() == page["items"][0]
    assert "해조류 필름" in response.content.decode(), "Korean is written as it is read"


@pytest.mark.parametrize("path", ["/listings", "/listings/{id}", "/search?q=summary", "/search?q=NDAWORD"])
def test_no_private_text_reaches_a_visitor(visitor, make_listing, now, path):
    listing = make_listing(at=now, texts=PRIVATE_TEXTS)
    matching.index_listing(actor=SYSTEM, listing_id=listing.pk, at=now)
    said = visitor.get(path.format(id=listing.pk)).content.decode()
    assert not [word for word in SECRETS if word in said.replace("q=NDAWORD", "")]


def test_tiers_open_one_after_the_other(visitor, door_of, make_listing, make_person, officer, own, now):
    listing = make_listing(at=now, owner=own, texts=PRIVATE_TEXTS)
    path = f"/listings/{listing.pk}"

    def seen(door):
        shown = door.get(path).json()
        return [text["tier"] for text in shown["texts"]], shown["hidden_tiers"]

    assert seen(visitor) == (["public"], ["registered", "introduced", "nda"])
    assert seen(door_of(make_person(), READ)) == (["public", "registered"], ["introduced", "nda"])
    assert seen(door_of(make_person(), "matching:index:write")) == (["public"], ["registered", "introduced", "nda"])
    assert seen(door_of(officer, READ)) == (["public", "registered", "introduced", "nda"], [])


def test_an_anonymous_owner_is_named_nowhere(visitor, door_of, make_listing, officer, own, now):
    listing = make_listing(
        at=now, owner=own, is_anonymous=True, source="own", external_id="OWN-1", source_url="https://own.example.org",
        attribution="Own Institute", rights=[{"kind": "patent", "office": "KR", "number": "10-1234567"}],
    )  # fmt: skip
    matching.index_listing(actor=SYSTEM, listing_id=listing.pk, at=now)
    for path in ("/listings", f"/listings/{listing.pk}", "/search?q=listing"):
        said = visitor.get(path).content.decode()
        assert str(listing.pk) in said
        assert not [word for word in ("Own Institute", "OWN-1", "own.example.org", "1234567") if word in said]
    for filters in ({"organisation": own.pk}, {"external_id": "OWN-1"}):
        assert visitor.get("/listings", **filters).json()["items"] == []
        assert len(door_of(officer, READ).get("/listings", **filters).json()["items"]) == 1
    assert door_of(officer, READ).get(f"/listings/{listing.pk}").json()["owner"]["name"] == "Own Institute"


def test_pages_follow_each_other_without_gap_or_repeat(visitor, make_listing, now):
    made = [str(make_listing(at=now).pk) for _ in range(7)]
    found, cursor = [], ""
    while cursor is not None:
        response = visitor.get("/listings", limit=3, **({"cursor": cursor} if cursor else {}))
        page = response.json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
        assert ('rel="next"' in response.headers.get("Link", "")) == (cursor is not None)
    assert found == made[::-1]


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ({"direction": "need"}, ["Need"]),
        ({"country": "KR"}, ["Film"]),
        ({"ipc": "C08L"}, ["Film"]),
        ({"ipc": "C08"}, ["Film"]),
        ({"ipc": "A01"}, []),
        ({"field": "17"}, ["Film"]),
        ({"transfer_mode": "joint_research"}, ["Need"]),
        ({"trl_from": 5}, ["Film"]),
        ({"trl_to": 4}, ["Film"]),
        ({"trl_from": 6}, []),
        ({"state": "draft"}, []),
    ],
    ids=str,
)
def test_filters(visitor, make_listing, now, filters, titles):
    make_listing(at=now, title="Film", country="KR", ipc=["C08L 5/00", "C08L 7/00"], trl_low=4, trl_high=5)
    make_listing(at=now, title="Need", direction="need", transfer_modes=["joint_research"])
    items = visitor.get("/listings", **filters).json()["items"]
    assert [item["texts"][0]["title"] for item in items] == titles


@pytest.mark.parametrize("path", ["/listings", "/search", "/search?q=listing"])
def test_the_number_of_queries_does_not_grow(visitor, make_listing, now, path):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert visitor.get(path).status_code == 200
        return len(queries)

    def make():
        listing = make_listing(at=now, ipc=["C08L 5/00"], texts=PRIVATE_TEXTS, rights=[{"kind": "patent"}])
        matching.index_listing(actor=SYSTEM, listing_id=listing.pk, at=now)

    make()
    count()
    one = count()
    make()
    make()
    assert count() <= one


# ---- writing


def test_a_listing_is_recorded_revised_and_published(door_of, visitor, officer, own, fence):
    door = door_of(officer, READ, WRITE)
    with fence:
        made = door.post("/listings", content(own, external_id="TLO-7"))
        assert made.status_code == 201
        listing = made.json()
        assert made["Location"].endswith(f"/listings/{listing['id']}")
        assert (listing["state"], listing["owner"]["id"], listing["original_language"]) == ("draft", own.pk, "ko")
        path = f"/listings/{listing['id']}"
        assert visitor.get(path).status_code == 404

        changed = door.patch(path, {"trl_high": 6, "texts": [{"language": "en", "origin": "human", "title": "Film"}]})
        assert changed.status_code == 200
        assert (changed.json()["trl_low"], changed.json()["trl_high"]) == (4, 6)
        assert {text["title"] for text in changed.json()["texts"]} == {"해조류 포장 필름", "Film"}

        replacement = {name: value for name, value in content(own).items() if name not in {"organisation", "direction"}}
        replaced = door.put(path, replacement | {"trl_high": 9})
        assert [text["language"] for text in replaced.json()["texts"]] == ["ko"]
        assert replaced.json()["external_id"] == "TLO-7"

        for act, state in (
            ("submit", "published"),
            ("pause", "paused"),
            ("resume", "published"),
            ("confirm", "published"),
        ):
            response = door.post(f"{path}/{act}")
            assert (response.status_code, response.json()["state"]) == (200, state), act
        assert visitor.get(path).json()["trl_high"] == 9
        assert door.post(f"{path}/withdraw", {"reason": "replaced"}).json()["state"] == "withdrawn"
        assert visitor.get(path).status_code == 404


@pytest.mark.parametrize(("scopes", "state"), [((WRITE,), "in_review"), ((WRITE, REVIEW), "published")])
def test_an_operators_token_publishes_unseen_only_with_the_scope_to_review(
    door_of, make_person, make_organisation, scopes, state
):
    unverified = make_organisation(is_verified=False)
    door = door_of(make_person(role="operator", organisation=unverified), *scopes)
    listing = door.post("/listings", content(unverified)).json()
    assert door.post(f"/listings/{listing['id']}/submit").json()["state"] == state


@pytest.mark.parametrize(("scopes", "state"), [((WRITE,), "in_review"), ((WRITE, REVIEW), "published")])
def test_what_an_operators_token_changes_is_looked_at_unless_it_may_review(
    door_of, make_person, make_organisation, make_listing, now, scopes, state
):
    unverified = make_organisation(is_verified=False)
    listing = make_listing(owner=unverified, at=now)
    door = door_of(make_person(role="operator", organisation=unverified), *scopes)
    assert door.patch(f"/listings/{listing.pk}", {"trl_low": 3}).json()["state"] == state


def test_the_owner_is_the_only_organisation_unless_named(door_of, officer, own, make_person, make_organisation):
    nameless = {name: value for name, value in content(own).items() if name != "organisation"}
    assert door_of(officer, WRITE).post("/listings", nameless).json()["owner"]["id"] == own.pk
    between_chairs = make_person(role="broker", organisation=own)
    between_chairs.memberships.create(organisation=make_organisation(), role="broker", starts_at=own.created_at)
    response = door_of(between_chairs, WRITE).post("/listings", nameless)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "body.organisation")


def test_the_same_number_twice_is_a_conflict(door_of, officer, own):
    door = door_of(officer, WRITE)
    assert door.post("/listings", content(own, external_id="A")).status_code == 201
    again = door.post("/listings", content(own, external_id="A"))
    assert (again.status_code, again.json()["code"]) == (409, "already_recorded")


def test_what_breaks_a_rule_is_told_by_field(door_of, officer, own):
    response = door_of(officer, WRITE).post("/listings", content(own, transfer_modes=["barter"], trl_low=7, trl_high=2))
    assert (response.status_code, response.json()["code"]) == (422, "invalid_content")
    assert {(e["field"], e["code"]) for e in response.json()["errors"]} == {
        ("body.transfer_modes", "unknown_code"), ("body.trl_high", "not_in_order"),
    }  # fmt: skip


def test_what_publishing_lacks_is_told(door_of, officer, own):
    door = door_of(officer, WRITE)
    listing = door.post("/listings", content(own, texts=[{"language": "en", "title": "Film"}])).json()
    response = door.post(f"/listings/{listing['id']}/submit")
    assert (response.status_code, response.json()["code"]) == (409, "not_ready")
    assert [e["field"] for e in response.json()["errors"]] == ["summary"]


def test_a_wrong_state_is_a_conflict(door_of, officer, own, make_listing):
    listing = make_listing(owner=own, state="draft")
    response = door_of(officer, WRITE).post(f"/listings/{listing.pk}/pause")
    assert (response.status_code, response.json()["code"]) == (409, "wrong_state")


@pytest.mark.parametrize("text", ["a\x00b", "x" * 301])
def test_unstorable_text_is_refused(door_of, officer, own, text):
    response = door_of(officer, WRITE).post("/listings", content(own, texts=[{"language": "en", "title": text}]))
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "body.texts.0.title"


def test_markup_stays_plain_text(door_of, officer, own):
    title = "<script>alert(1)</script> 🧪 \u202emirror"
    made = door_of(officer, WRITE).post("/listings", content(own, texts=[{"language": "en", "title": title}])).json()
    assert made["texts"][0]["title"].startswith("<script>alert(1)</script> 🧪")
    assert "\u202e" not in made["texts"][0]["title"]


WRITES = {
    "record": lambda door, listing: door.post("/listings", content(listing.owner)),
    "revise": lambda door, listing: door.patch(f"/listings/{listing.pk}", {"trl_high": 9}),
    "replace": lambda door, listing: door.put(f"/listings/{listing.pk}", {"texts": content(listing.owner)["texts"]}),
    "submit": lambda door, listing: door.post(f"/listings/{listing.pk}/submit"),
    "pause": lambda door, listing: door.post(f"/listings/{listing.pk}/pause"),
    "resume": lambda door, listing: door.post(f"/listings/{listing.pk}/resume"),
    "withdraw": lambda door, listing: door.post(f"/listings/{listing.pk}/withdraw", {"reason": "replaced"}),
    "confirm": lambda door, listing: door.post(f"/listings/{listing.pk}/confirm"),
}


@pytest.mark.parametrize("role", [None, "transfer_officer", "company_user", "broker", "reviewer"])
@pytest.mark.parametrize("write", WRITES)
def test_nobody_writes_for_another_organisation(door_of, make_person, make_listing, now, write, role):
    stranger = make_person(role=role) if role else make_person()
    listing = make_listing(at=now)
    before = Listing.objects.values().get(pk=listing.pk)
    response = WRITES[write](door_of(stranger, READ, WRITE), listing)
    assert response.status_code == 403
    assert response.json()["code"] == "not_allowed"
    assert Listing.objects.values().get(pk=listing.pk) == before
    assert Listing.objects.count() == 1


@pytest.mark.parametrize("write", WRITES)
def test_a_token_without_the_scope_writes_nothing(door_of, officer, own, make_listing, now, write):
    listing = make_listing(at=now, owner=own)
    assert WRITES[write](door_of(officer, READ), listing).status_code == 403
    assert Listing.objects.count() == 1


@pytest.mark.parametrize("write", [write for write in WRITES if write != "record"])
def test_what_cannot_be_seen_does_not_exist(door_of, make_person, make_listing, write):
    response = WRITES[write](door_of(make_person(role="broker"), READ, WRITE), make_listing(state="draft"))
    assert response.status_code == 404


def test_a_member_who_left_writes_no_longer(door_of, officer, own, now):
    door = door_of(officer, WRITE)
    officer.memberships.update(ends_at=now)
    assert door.post("/listings", content(own)).status_code == 403


@pytest.mark.parametrize("act", ["publish", "send_back", "take", "delete"])
def test_acts_of_others_have_no_endpoint(door_of, officer, own, make_listing, act):
    response = door_of(officer, WRITE).post(f"/listings/{make_listing(owner=own, state='in_review').pk}/{act}")
    assert response.status_code == 404


def test_a_listing_of_nobody(door_of, officer):
    assert door_of(officer, WRITE).patch(f"/listings/{uuid.uuid4()}", {"trl_high": 9}).status_code == 404


def test_a_listing_without_a_country_is_where_its_organisation_is(door_of, make_person, make_organisation):
    own = make_organisation(country="CN")
    door = door_of(make_person(role="transfer_officer", organisation=own), WRITE)
    made = door.post("/listings", content(own)).json()
    assert made["country"] == "CN"
    path = f"/listings/{made['id']}"
    assert door.patch(path, {"trl_low": 3}).json()["country"] == "CN"
    assert door.put(path, {"texts": made["texts"]}).json()["country"] == "CN"
    assert door.post("/listings", content(own, country="KR")).json()["country"] == "KR"
