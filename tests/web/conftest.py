"""What tests of pages lean on: a clock that stands, and clients that are somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person


@pytest.fixture(autouse=True)
def clock(at: datetime) -> Iterator[time_machine.Coordinates]:
    """Pages take their time from the clock, which stands at the time of the test."""
    with time_machine.travel(at, tick=False) as travelling:
        yield travelling


@pytest.fixture(autouse=True)
def fresh_cache(db: None) -> None:
    """Nothing counted in one test is shown in another."""
    cache.clear()


@pytest.fixture
def visit(db: None) -> Callable[[Person | None], Client]:
    """A client that is somebody, or a visitor."""

    def of(person: Person | None = None) -> Client:
        client = Client()
        if person is not None:
            client.force_login(person)
        return client

    return of


@pytest.fixture(autouse=True)
def words_only(settings: Any) -> None:
    """Pages do not wait for a model: what it finds is the business of the tests of matching."""
    settings.EMBEDDING = "none"


@pytest.fixture
def index(db: None, at: datetime) -> Callable[..., None]:
    """Make listings ready for search."""
    from transferase.foundation.ledger import SYSTEM
    from transferase.matching import services

    def these(*listings: Listing) -> None:
        for listing in listings:
            services.index_listing(actor=SYSTEM, listing_id=listing.pk, at=at)

    return these
