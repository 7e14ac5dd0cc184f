"""The page on the state of the index: for operators, with the edition that is being built and why it does not go on."""

from __future__ import annotations

import pytest

from transferase.foundation.ledger import SYSTEM
from transferase.matching import services
from transferase.matching.models import Edition

pytestmark = pytest.mark.django_db


def test_operators_see_how_the_index_stands(client, make_person, make_listing, at):
    listing = make_listing(title="A pump", summary="It pumps water without valves and without noise.")
    services.index_listing(actor=SYSTEM, listing_id=listing.pk, at=at)
    services.begin_means(actor=SYSTEM, at=at, is_forced=True)
    Edition.objects.filter(state="building").update(trouble="the endpoint refuses the key")
    client.force_login(make_person(role="operator"))

    page = client.get("/en/quality/index").content.decode()

    assert "0 of 1" in page
    assert "the endpoint refuses the key" in page
    assert "multilingual-e5-small" in page
    assert "/en/quality/index" in client.get("/en/quality").content.decode()


def test_nobody_else_does(client, make_person):
    client.force_login(make_person())
    assert client.get("/en/quality/index").status_code == 404
    assert "/en/quality/index" not in client.get("/en/quality").content.decode()
