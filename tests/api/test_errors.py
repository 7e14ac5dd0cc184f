"""Whatever goes wrong is told as application/problem+json."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import override_settings

from transferase.catalogue import services as catalogue
from transferase.foundation.ledger import SYSTEM


def told(response, status, code=None):
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert all(problem[name] for name in ("type", "title", "detail", "code"))
    assert problem["type"] == f"urn:transferase:problem:{problem['code']}"
    assert code in {None, problem["code"]}
    return problem


def test_an_unknown_listing(visitor):
    told(visitor.get(f"/listings/{uuid.uuid4()}"), 404, "not_found")


@pytest.mark.parametrize("path", ["/nowhere", "/listings/not-a-uuid", "/listings/", "/", "/organisations/x"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_endpoint(visitor, path, method):
    told(getattr(visitor, method)(path), 404, "no_endpoint")


def test_a_wrong_method_names_the_right_ones(visitor):
    response = visitor.delete("/listings")
    told(response, 405, "method_not_allowed")
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


def test_a_wrong_value_names_its_place(visitor):
    problem = told(visitor.get("/listings", limit="1000"), 422)
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [("query.limit", "less_than_equal")]


@pytest.mark.parametrize("path", ["/search", "/listings", "/vocabularies", "/quality"])
def test_an_unknown_parameter_names_those_that_there_are(visitor, path):
    problem = told(visitor.get(path, kind="foo", lang="xx"), 422, "invalid_request")
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [
        ("query.kind", "unknown_parameter"),
        ("query.lang", "unknown_parameter"),
    ]
    if path in {"/search", "/listings"}:
        assert "direction" in problem["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/search", "/listings"])
@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ({"direction": "foo"}, "query.direction", "literal_error"),
        ({"transfer_mode": "foo"}, "query.transfer_mode", "unknown_code"),
        ({"field": "999"}, "query.field", "unknown_code"),
        ({"country": "XQ"}, "query.country", "unknown_code"),
        ({"trl_from": "9", "trl_to": "1"}, "query.trl_from", "not_in_order"),
    ],
)
def test_a_value_that_nothing_has_is_refused(visitor, path, asked, field, code):
    catalogue.load_vocabularies(actor=SYSTEM)
    problem = told(visitor.get(path, **asked), 422, "invalid_request")
    (fault,) = problem["errors"]
    assert (fault["field"].removesuffix(".0"), fault["code"]) == (field, code)
    if asked.get("transfer_mode"):
        assert "exclusive_licence" in fault["message"]


def test_values_that_are_known_pass(visitor):
    catalogue.load_vocabularies(actor=SYSTEM)
    asked = {"trl_from": "1", "trl_to": "9", "country": "KR", "transfer_mode": "exclusive_licence", "field": "1"}
    for path in ("/search", "/listings"):
        assert visitor.get(path, **asked).status_code == 200


def test_a_query_that_is_too_long(visitor):
    told(visitor.get("/search", q="x" * 61_000), 414, "query_too_long")
    told(visitor.get("/search", q="x" * 6_000), 422, "invalid_request")


def test_what_belongs_to_another_organisation_is_said_to(door_of, make_person, make_listing, make_organisation, now):
    door = door_of(make_person(role="transfer_officer"), "catalogue:listing:write", "matching:match:read")
    listing = make_listing(at=now)
    for answer in (
        door.patch(f"/listings/{listing.pk}", {"trl_low": 5}),
        door.post(f"/listings/{listing.pk}/withdraw", {"reason": "replaced"}),
        door.get(f"/listings/{listing.pk}/matches"),
    ):
        detail = told(answer, 403, "not_allowed")["detail"]
        assert detail == "The listing belongs to another organisation; the token works for your own only."
    for number in (make_organisation().pk, 10**9):
        body = {"organisation": number, "direction": "offer", "texts": [{"language": "en", "title": "A film"}]}
        assert "you are no member of it" in told(door.post("/listings", body), 403, "not_allowed")["detail"]


def test_a_missing_scope_is_still_named(door_of, make_person, make_listing, now):
    door = door_of(make_person(role="transfer_officer"), "catalogue:listing:read")
    answer = door.patch(f"/listings/{make_listing(at=now).pk}", {"trl_low": 5})
    assert "catalogue:listing:write" in told(answer, 403, "not_allowed")["detail"]


def test_a_cursor_of_another_list(visitor):
    assert told(visitor.get("/listings", cursor="bm9uc2Vuc2U"), 422)["code"] == "invalid_cursor"


def test_a_missing_token(visitor):
    response = visitor.post("/listings", {"direction": "offer"})
    told(response, 401, "token_needed")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_does_not_hold_is_refused_even_where_none_is_needed(visitor):
    visitor.headers = {"Authorization": "Bearer tf_nonsense"}
    told(visitor.get("/listings"), 401)


def test_a_session_is_no_token(visitor, make_person):
    visitor.client.force_login(make_person(role="operator"), backend="django.contrib.auth.backends.ModelBackend")
    told(visitor.post("/listings", {"direction": "offer"}), 401)


def test_a_body_that_is_no_json(door_of, make_person):
    door = door_of(make_person(role="transfer_officer"), "catalogue:listing:write")
    response = door.client.post("/api/v1/listings", "{", content_type="application/json", headers=door.headers)
    told(response, 400, "malformed_body")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_body_that_is_too_large(door_of, make_person):
    door = door_of(make_person(role="transfer_officer"), "catalogue:listing:write")
    told(door.post("/listings", {"direction": "offer", "padding": "x" * 2000}), 413, "body_too_large")


def test_a_fault_is_told_without_its_inside(visitor, make_listing, monkeypatch, now, caplog):
    make_listing(at=now)

    def fault(*_arguments, **_facts):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("transferase.api.listings.listings_of", fault)
    with caplog.at_level("CRITICAL", logger="transferase.api"):
        problem = told(visitor.get("/listings"), 500, "fault")
    assert "secret" not in str(problem)


@override_settings(API_ANONYMOUS_PER_MINUTE=3, API_TOKEN_PER_MINUTE=4)
def test_too_many_requests(visitor, door_of, make_person, now):
    with time_machine.travel(now.replace(second=20), tick=False):
        _use_up_the_minute(visitor, door_of, make_person)
    with time_machine.travel(now.replace(second=20) + timedelta(minutes=1), tick=False):
        assert visitor.get("/listings").status_code == 200


def _use_up_the_minute(visitor, door_of, make_person):
    left = [visitor.get("/listings")["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = visitor.get("/listings")
    told(refused, 429, "too_many_requests")
    assert refused["Retry-After"] == "40"
    # A person has an allowance of its own, whatever token is used.
    person = make_person(role="company_user")
    for _ in range(2):
        door = door_of(person, "catalogue:listing:read")
        assert door.get("/listings").status_code == door.get("/listings").status_code == 200
    told(door.get("/listings"), 429)
