"""What the database itself does not let pass, and how rows are named in logs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from transferase.catalogue import models, rules, services
from transferase.catalogue.models import Listing, State
from transferase.foundation.ledger import SYSTEM


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"trl_low": 5}, "listing_trl"),
        ({"trl_low": 0, "trl_high": 3}, "listing_trl"),
        ({"trl_low": 3, "trl_high": 10}, "listing_trl"),
        ({"trl_low": 5, "trl_high": 3}, "listing_trl"),
        ({"visible_until": None}, "listing_published_until"),
        ({"confirmed_at": None}, "listing_published_until"),
    ],
)
def test_a_listing_that_breaks_a_rule_is_not_stored(make_listing, facts, constraint):
    listing = make_listing()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Listing.objects.filter(pk=listing.pk).update(**facts)


def test_one_record_of_a_source_and_many_of_none(make_listing):
    make_listing(source="bank")
    make_listing(source="bank")
    make_listing(source="bank", external_id="7")
    with pytest.raises(IntegrityError, match="listing_source"), transaction.atomic():
        make_listing(source="bank", external_id="7")


def test_one_text_for_each_language_and_tier(make_listing):
    listing = make_listing()
    with pytest.raises(IntegrityError, match="listing_text_language_tier"), transaction.atomic():
        listing.texts.create(language="en")


def test_members_of_the_owner_edit(make_listing, make_person):
    listing = make_listing()
    assert rules.may_edit(make_person(organisation=listing.owner), listing)
    assert not rules.may_edit(make_person(role="broker"), listing)


def test_names_in_logs(make_listing, make_organisation, at):
    listing = make_listing(title="T", ipc=["C12N"], rights=[{"kind": "patent", "office": "KR", "number": "1"}])
    need = make_listing(
        direction="need",
        state=State.DRAFT,
        requirements=[{"property": "cost", "operator": "le", "value": Decimal(3), "unit": "EUR"}],
    )
    need.requirements.model.objects.get()
    given = {"actor": SYSTEM, "listing": listing, "at": at}
    rows = [
        listing,
        listing.texts.get(),
        listing.classifications.get(scheme="ipc"),
        listing.rights.get(),
        need.requirements.get(),
        services.grant_access(**given, organisation=make_organisation(), tier="nda"),
        services.place_hold(**given, reason="legal"),
        services.encumber(**given, exclusivity="sole", starts_at=at),
        models.Revision(listing=listing, version=2),
        models.Term(scheme="state", code="draft"),
        models.TermLabel(label="Draft"),
    ]
    pk = listing.pk
    reader = rows[5].organisation_id
    assert [str(row) for row in rows] == [
        f"offer {pk}", "T", "ipc:C12N", "patent KR 1", "cost le 3 EUR", f"{reader} reads nda of {pk}",
        f"legal on {pk}", f"sole in world on {pk}", f"{pk} v2", "state:draft", "Draft",
    ]  # fmt: skip
