"""The API and its description say the same: generated requests never break it, and it changes only on purpose."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client, override_settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests import factories
from transferase.api.v1 import api
from transferase.catalogue import services as catalogue
from transferase.directory import services as directory
from transferase.directory.rules import Permission
from transferase.foundation.ledger import SYSTEM
from transferase.wsgi import application

SNAPSHOT = Path(__file__).with_name("openapi.json")
# The same requests in every run: a failure can be looked at again.
FEW = hypothesis.settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
DESCRIPTION = json.loads(json.dumps(api.get_openapi_schema(), default=str))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
SCHEMA.app = application
# Rules that no schema can tell (a code of a vocabulary, a cursor that was given out, a title or a summary) are answered
# by 422 too.
EXCLUDED = [positive_data_acceptance]
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


def test_the_description_changes_only_on_purpose():
    """After a change that is meant: `WRITE_SNAPSHOT=1 pytest tests/api/test_contract.py` writes it anew."""
    if os.environ.get("WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(DESCRIPTION, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == DESCRIPTION


def test_the_description_is_complete():
    assert DESCRIPTION["openapi"].startswith("3.1")
    for path, operations in DESCRIPTION["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["description"], where
            assert operation["security"], where
            statuses = {int(status) for status in operation["responses"]}
            assert {401, 404, 422, 429, 500} <= statuses, where
            for status, response in operation["responses"].items():
                kind = "application/json" if int(status) < 400 else "application/problem+json"
                assert list(response["content"]) == [kind], where


def example_of(name: str) -> Any:
    return DESCRIPTION["components"]["schemas"][name]["examples"][0]


def test_the_examples_are_accepted(owner: dict[str, Any], client: Client) -> None:
    def ask(method: str, path: str, body: Any) -> Any:
        return getattr(client, method)(
            f"/api/v1/listings{path}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {owner['secret']}"},
        )

    made = ask("post", "", example_of("ListingContent") | {"organisation": owner["organisation"]})
    assert made.status_code == 201, made.json()
    assert ask("patch", f"/{made.json()['id']}", example_of("ListingChange")).status_code == 200
    assert ask("post", f"/{made.json()['id']}/submit", {}).json()["state"] == "published"
    assert ask("post", f"/{made.json()['id']}/withdraw", example_of("WithdrawReason")).status_code == 200


def test_pages_of_the_description(client: Client, db: None):
    described = client.get("/api/v1/openapi.json")
    assert described.json()["info"]["title"] == "Transferase"
    page = client.get("/api/v1/docs")
    said = page.content.decode()
    for path in described.json()["paths"]:
        assert path in said
    # Nothing from elsewhere and nothing inline: the policy of the site would stop it.
    assert "<script" not in said
    assert "style=" not in said
    assert "//" not in "".join(line for line in said.splitlines() if "href=" in line or "src=" in line)


@pytest.fixture(autouse=True)
def _as_a_server(db: None) -> Iterator[None]:
    """Requests reach the WSGI application itself, which must not drop the connection that holds the test's rows."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    with override_settings(API_ANONYMOUS_PER_MINUTE=10**9, API_TOKEN_PER_MINUTE=10**9):
        yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def owner(db: None) -> dict[str, Any]:
    """A member with a token for everything that tokens can do, and listings to be found."""
    now = datetime.now(UTC)
    catalogue.load_vocabularies(actor=SYSTEM)
    person = factories.make_person(role="transfer_officer")
    organisation = person.memberships.get().organisation
    offer = factories.make_listing(owner=organisation, at=now, ipc=["C08L 5/00"], rights=[{"kind": "patent"}])
    need = factories.make_listing(at=now, direction="need", language="ko", title="해조류 필름")
    _token, secret = directory.issue_token(
        actor=person, person=person, name="all", scopes=list(Permission), expires_at=now + timedelta(days=1), at=now
    )
    return {"secret": secret, "organisation": organisation.pk, "offer": str(offer.pk), "need": str(need.pk)}


def names(operation: Any) -> str:
    return str(operation.label)


@pytest.mark.parametrize("operation", OPERATIONS, ids=names)
def test_a_visitor_cannot_break_it(operation: Any) -> None:
    @FEW
    @hypothesis.given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(excluded_checks=EXCLUDED)

    ask()


def asks_for_values(operation: Any) -> bool:
    described = DESCRIPTION["paths"][operation.path][operation.method]
    return bool(described.get("parameters") or described.get("requestBody"))


POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
MEMBERS = [(found, POSITIVE) for found in OPERATIONS] + [
    (found, NEGATIVE) for found in OPERATIONS if asks_for_values(found)
]


@pytest.mark.parametrize(
    ("operation", "mode"), MEMBERS, ids=[f"{mode.value} {names(operation)}" for operation, mode in MEMBERS]
)
def test_a_member_cannot_break_it(operation: Any, mode: Any, owner: dict[str, Any]) -> None:
    """The ids are those of rows that exist, so that generated bodies reach the services."""
    known = {"listing_id": owner["offer"], "counterpart_id": owner["need"], "organisation_id": owner["organisation"]}

    @FEW
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if mode == POSITIVE:
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
            if isinstance(case.body, dict) and "organisation" in case.body:
                case.body["organisation"] = owner["organisation"]
        case.call_and_validate(headers={"Authorization": f"Bearer {owner['secret']}"}, excluded_checks=EXCLUDED)

    ask()
