"""Counting who asks how often: by the minute, by network, without keeping addresses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from transferase.foundation import limits
from transferase.foundation.models import Usage

if TYPE_CHECKING:
    from datetime import datetime


def test_each_minute_begins_anew_for_each_of_them(db: None, at: datetime) -> None:
    with time_machine.travel(at + timedelta(seconds=20), tick=False):
        assert [limits.count("a", 2).is_used_up for _ in range(3)] == [False, False, True]
        assert not limits.count("b", 2).is_used_up
        assert limits.count("a", 2).seconds == 40
    with time_machine.travel(at + timedelta(minutes=1), tick=False):
        assert limits.count("a", 2).used == 1
    assert Usage.objects.count() == 2


def test_old_counts_are_forgotten(db: None, at: datetime) -> None:
    for name, minutes in (("old", -5), ("new", 0)):
        with time_machine.travel(at + timedelta(minutes=minutes), tick=False):
            limits.count(name, 1)
    assert limits.forget_old(at) == 1
    assert Usage.objects.get().who == "new"


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("what is this", "something else", False),
    ],
)
def test_an_address_stands_for_the_network_of_one_reader(one: str, other: str, are_same: bool) -> None:
    assert (limits.visitor_of(one) == limits.visitor_of(other)) is are_same
    assert one not in limits.visitor_of(one)


@pytest.mark.parametrize(
    ("address", "is_own"), [("127.0.0.1", True), ("::1", True), ("", True), ("203.0.113.7", False), ("x", False)]
)
def test_the_own_machine_is_known(address: str, is_own: bool) -> None:
    assert limits.is_own_machine(address) is is_own
