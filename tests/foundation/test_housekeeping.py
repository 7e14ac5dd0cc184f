"""What is thrown away by itself: sessions, counters, texts that nobody came back to; and what is not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection

from transferase.foundation import typed
from transferase.foundation.tasks import tidy

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from transferase.directory.models import Person

pytestmark = pytest.mark.django_db


def test_what_has_had_its_day_is_dropped_and_the_rest_stays(at: datetime, make_person: Callable[..., Person]) -> None:
    person = make_person()
    Session.objects.create(session_key="over", session_data="", expire_date=at - timedelta(seconds=1))
    Session.objects.create(session_key="open", session_data="", expire_date=at + timedelta(days=1))
    cache.clear()
    with time_machine.travel(at - timedelta(hours=1), tick=False):
        cache.set("over", 1, 60)
    with time_machine.travel(at, tick=False):
        cache.set("open", 1, 3600)
    typed.keep(owner=person, place="over", content="a", at=at - typed.KEPT_FOR - timedelta(seconds=1))
    typed.keep(owner=person, place="open", content="b", at=at)
    tidy(int(at.timestamp()))
    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM foundation_cache")
        assert cursor.fetchall() == [(":1:open",)]
    assert [row.place for row in typed.all_kept(person)] == ["open"]


def test_what_is_kept_has_bounds(at: datetime, make_person: Callable[..., Person]) -> None:
    person, other = make_person(), make_person()
    assert not typed.keep(owner=person, place="p", content="x" * (typed.MOST_CHARACTERS + 1), at=at)
    typed.keep(owner=other, place="p", content="other", at=at)
    for number in range(typed.MOST_PLACES + 3):
        typed.keep(owner=person, place=f"p{number}", content="x", at=at + timedelta(seconds=number))
    places = [row.place for row in typed.all_kept(person)]
    assert len(places) == typed.MOST_PLACES
    assert "p2" not in places
    assert places[0] == f"p{typed.MOST_PLACES + 2}"
    assert [row.content for row in typed.all_kept(other)] == ["other"]


def test_keeping_again_takes_the_place_of_what_was_kept(at: datetime, make_person: Callable[..., Person]) -> None:
    person = make_person()
    typed.keep(owner=person, place="p", content="first", at=at)
    typed.keep(owner=person, place="p", content="second", at=at)
    left = typed.kept(person, "p")
    assert left is not None
    assert left.content == "second"
    typed.forget(person, "p")
    assert typed.kept(person, "p") is None
