"""Whoever asks for costly pages faster than people read is asked to wait, in their language."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import time_machine
    from django.test import Client

    from transferase.directory.models import Person

pytestmark = pytest.mark.django_db
FAR = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.WEB_ANONYMOUS_PER_MINUTE = 2
    settings.WEB_PERSON_PER_MINUTE = 3


@pytest.mark.parametrize(
    ("language", "said"), [("ko", "잠시 뒤"), ("zh-hans", "请在"), ("en", "Please wait 60 seconds")]
)
def test_a_visitor_who_searches_too_fast_waits(visit: Callable[..., Client], language: str, said: str) -> None:
    visitor = visit(None)
    for path in ("search?q=a", "offers"):
        assert visitor.get(f"/{language}/{path}", **FAR).status_code == 200
    response = visitor.get(f"/{language}/organisations", **FAR)
    assert response.status_code == 429
    assert response["Retry-After"] == "60"
    assert said in response.content.decode()
    # Other readers, other pages and the next minute are free.
    assert visitor.get(f"/{language}/search", REMOTE_ADDR="203.0.113.8").status_code == 200
    assert visitor.get(f"/{language}/", **FAR).status_code == 200


def test_the_next_minute_is_free(visit: Callable[..., Client], clock: time_machine.Coordinates, at: Any) -> None:
    visitor = visit(None)
    answers = [visitor.get("/en/search", **FAR).status_code for _ in range(3)]
    clock.move_to(at + timedelta(minutes=1))
    assert (*answers, visitor.get("/en/search", **FAR).status_code) == (200, 200, 429, 200)


def test_persons_are_counted_wherever_they_come_from(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    client = visit(make_person(role="company_user"))
    answers = [client.get("/en/search", REMOTE_ADDR=f"203.0.113.{n}").status_code for n in range(4)]
    assert answers == [200, 200, 200, 429]


def test_behind_the_proxy_the_address_that_it_names_counts(visit: Callable[..., Client], settings: Any) -> None:
    settings.IS_SECURE = True
    visitor = visit(None)

    def asks(passed_on: str) -> int:
        return visitor.get(
            "/en/search", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": passed_on}, secure=True
        ).status_code

    # What a reader adds in front of the list changes nothing.
    assert [asks(f"198.51.100.{n}, 203.0.113.7") for n in range(3)] == [200, 200, 429]
    assert asks("203.0.113.9") == 200


def test_without_the_proxy_nobody_names_an_address_for_themselves(visit: Callable[..., Client]) -> None:
    visitor = visit(None)
    answers = [
        visitor.get("/en/search", headers={"X-Forwarded-For": f"198.51.100.{n}"}, **FAR).status_code for n in range(3)
    ]
    assert answers == [200, 200, 429]


def test_the_own_machine_and_platforms_without_a_limit_count_nothing(
    visit: Callable[..., Client], settings: Any
) -> None:
    visitor = visit(None)
    assert {visitor.get("/en/search").status_code for _ in range(4)} == {200}
    settings.WEB_ANONYMOUS_PER_MINUTE = 0
    assert {visitor.get("/en/search", **FAR).status_code for _ in range(4)} == {200}
