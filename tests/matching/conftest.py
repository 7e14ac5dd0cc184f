"""Listings on their way through the index; the model's converted graph is kept between runs of the tests."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from transferase.catalogue.models import Direction
from transferase.foundation.ledger import SYSTEM
from transferase.matching import services

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from transferase.catalogue.models import Listing
    from transferase.matching.models import Match


@pytest.fixture(autouse=True)
def _model_is_kept(settings: Any) -> None:
    settings.EMBEDDING_CACHE = Path(tempfile.gettempdir()) / "transferase-test-models"


@pytest.fixture
def words_only(settings: Any) -> None:
    """No embedding model can be had."""
    settings.EMBEDDING = "none"


@pytest.fixture
def index(at: datetime) -> Callable[..., None]:
    """Index some listings as the worker would."""

    def run(*listings: Listing) -> None:
        services.index_batch(actor=SYSTEM, listing_ids=[listing.pk for listing in listings], at=at)

    return run


@pytest.fixture
def propose(at: datetime) -> Callable[[Listing], list[Match]]:
    """Find the matches of a listing as the worker would."""

    def run(listing: Listing) -> list[Match]:
        return services.propose(actor=SYSTEM, listing_id=listing.pk, at=at)

    return run


ALGAE = {
    "title": "Closed photobioreactor for marine microalgae",
    "summary": "A closed photobioreactor grows marine microalgae at twice the density of open ponds. "
    "Seawater is reused, and harvesting by flotation takes a third of the energy of centrifuges.",
}
ALGAE_WANTED = {
    "title": "해양 미세조류 대량 배양 기술",
    "summary": "바닷물을 이용하여 해양 미세조류를 대량으로 배양하는 광생물반응기 기술을 찾습니다. "
    "수확에 드는 에너지를 줄이는 방법도 필요합니다.",
}
ALGAE_WANTED_EN = {
    "title": "Mass culture of marine microalgae",
    "summary": "We look for a photobioreactor that grows marine microalgae in seawater on a large scale. "
    "Harvesting should take less energy than centrifuges.",
}
BATTERY = {
    "title": "锂离子电池正极材料的制备方法",
    "summary": "提供一种高镍锂离子电池正极材料的制备方法，可提高能量密度和循环寿命。"
    "该方法在较低温度下烧结，能耗降低百分之二十。",
}


@pytest.fixture
def make_offer(make_listing: Callable[..., Listing]) -> Callable[..., Listing]:
    """A published English offer of a photobioreactor unless said otherwise."""
    return lambda **facts: make_listing(**{"direction": Direction.OFFER, "language": "en", **ALGAE, **facts})


@pytest.fixture
def make_need(make_listing: Callable[..., Listing]) -> Callable[..., Listing]:
    """A published Korean need for what the offer offers unless said otherwise."""
    return lambda **facts: make_listing(**{"direction": Direction.NEED, "language": "ko", **ALGAE_WANTED, **facts})
