"""What `check` says of the index: its model, another edition that is being built, and a model that cannot be had."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from transferase.cli import operating
from transferase.foundation.ledger import SYSTEM
from transferase.matching import services
from transferase.matching.models import Edition

pytestmark = pytest.mark.django_db


def test_check_tells_how_the_index_stands(transferase, settings):
    settings.EMBEDDING = "none"
    told = json.loads(transferase("check", "--json").out)
    assert (told["index"]["listings"], told["index"]["means"], told["index"]["building"]) == (0, 0, None)
    assert "Index: 0 listings" in transferase("check").out


def test_check_tells_how_far_another_edition_is(transferase, settings, make_listing, at):
    settings.EMBEDDING = "none"
    listing = make_listing(title="A pump", summary="It pumps water without valves and without noise.")
    services.index_listing(actor=SYSTEM, listing_id=listing.pk, at=at)
    services.begin_means(actor=SYSTEM, at=at, is_forced=True)
    building = json.loads(transferase("check", "--json").out)["index"]["building"]
    assert (building["done"], building["listings"], building["trouble"]) == (0, 1, "")
    assert "being built since 2026-11-24 09:00: 0 of 1 listings" in transferase("check").out


@pytest.mark.parametrize("wanted", ["abacus", "/no/such/folder", "http://127.0.0.1:9/v1#little"])
def test_check_says_why_another_model_cannot_be_had_and_that_the_former_goes_on(wanted, settings):
    settings.EMBEDDING = wanted
    ((what, remedy),) = operating._problems_of_model()
    assert "cannot be built (" in what
    assert "former model" in remedy
    services.begin_model(actor=SYSTEM, at=timezone.now())
    assert not Edition.objects.filter(state="running").exists()
