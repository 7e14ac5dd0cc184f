from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from transferase.directory import services as directory
from transferase.directory.models import Person

PREFIX = "/api/v1"


class Door:
    """The API as a program sees it: JSON in and out, with or without a token."""

    def __init__(self, secret: str = "") -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def ask(path: str, body: Any = None, **query: Any) -> Any:
            arguments: dict[str, Any] = {"headers": self.headers}
            if body is not None:
                arguments |= {"data": body, "content_type": "application/json"}
            elif query:
                arguments["query_params"] = query
            return getattr(self.client, method)(f"{PREFIX}{path}", **arguments)

        return ask


@pytest.fixture(autouse=True)
def _full_allowance(db: None) -> None:
    cache.clear()


@pytest.fixture
def now() -> datetime:
    """The API reads the clock at its door, so listings of these tests are published now."""
    return datetime.now(UTC)


@pytest.fixture
def visitor() -> Door:
    return Door()


@pytest.fixture
def door_of(db: None, now: datetime) -> Callable[..., Door]:
    """The API through a token of a person: `door_of(person, *scopes)`."""

    def of(person: Person, *scopes: str) -> Door:
        _token, secret = directory.issue_token(
            actor=person, person=person, name="test", scopes=scopes, expires_at=now + timedelta(days=1), at=now
        )
        return Door(secret)

    return of
