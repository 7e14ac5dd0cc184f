"""Whatever goes wrong is told as application/problem+json."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import override_settings


def told(response, status):
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert all(problem[name] for name in ("type", "title", "detail"))
    return problem


def test_an_unknown_listing(visitor):
    told(visitor.get(f"/listings/{uuid.uuid4()}"), 404)


@pytest.mark.parametrize("path", ["/nowhere", "/listings/not-a-uuid", "/listings/", "/", "/organisations/x"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_endpoint(visitor, path, method):
    told(getattr(visitor, method)(path), 404)


def test_a_wrong_method_names_the_right_ones(visitor):
    response = visitor.delete("/listings")
    told(response, 405)
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize("path", ["/search", "/listings"])
def test_a_parameter_that_changes_nothing_is_refused_with_the_known_ones(visitor, path):
    problem = told(visitor.get(path, lang="ko"), 422)
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [("query.lang", "unknown_parameter")]
    assert "direction, " in problem["errors"][0]["message"]


def test_a_wrong_value_names_its_place(visitor):
    problem = told(visitor.get("/listings", limit="1000"), 422)
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [("query.limit", "less_than_equal")]


def test_a_cursor_of_another_list(visitor):
    assert told(visitor.get("/listings", cursor="bm9uc2Vuc2U"), 422)["code"] == "invalid_cursor"


def test_a_missing_token(visitor):
    response = visitor.post("/listings", {"direction": "offer"})
    told(response, 401)
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
    told(response, 400)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_body_that_is_too_large(door_of, make_person):
    door = door_of(make_person(role="transfer_officer"), "catalogue:listing:write")
    told(door.post("/listings", {"direction": "offer", "padding": "x" * 2000}), 413)


def test_a_fault_is_told_without_its_inside(visitor, make_listing, monkeypatch, now, caplog):
    make_listing(at=now)

    def fault(*_arguments, **_facts):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("transferase.api.listings.listings_of", fault)
    with caplog.at_level("CRITICAL", logger="transferase.api"):
        problem = told(visitor.get("/listings"), 500)
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
    told(refused, 429)
    assert refused["Retry-After"] == "40"
    # A person has an allowance of its own, whatever token is used.
    person = make_person(role="company_user")
    for _ in range(2):
        door = door_of(person, "catalogue:listing:read")
        assert door.get("/listings").status_code == door.get("/listings").status_code == 200
    told(door.get("/listings"), 429)
