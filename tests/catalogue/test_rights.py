"""Access, holds and encumbrances."""

from __future__ import annotations

from datetime import timedelta

import pytest

from transferase.catalogue import rules, services
from transferase.catalogue.models import Listing, ListingText, State
from transferase.directory.models import Role
from transferase.foundation.errors import InvalidContent, NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry


@pytest.fixture
def listing(make_listing):
    tiers = ("registered", "introduced", "nda")
    return make_listing(texts=[{"language": "en", "tier": tier, "description": f"{tier} text"} for tier in tiers])


@pytest.fixture
def officer(make_person, listing):
    return make_person(organisation=listing.owner)


def readable(viewer, at):
    return set(ListingText.objects.visible_to(viewer, at).values_list("tier", flat=True))


def test_each_tier_has_its_readers(listing, officer, make_person, viewer, at):
    assert readable(viewer(), at) == {"public"}
    assert readable(viewer(make_person()), at) == {"public", "registered"}
    everything = {"public", "registered", "introduced", "nda"}
    assert readable(viewer(officer), at) == everything
    assert readable(viewer(make_person(role=Role.REVIEWER)), at) == everything


def test_access_opens_one_tier_to_one_organisation_for_a_time(listing, officer, make_person, viewer, fence, at):
    partner, other = make_person(role=Role.COMPANY_USER), make_person(role=Role.COMPANY_USER)
    day = timedelta(days=1)
    with fence:
        access = services.grant_access(
            actor=officer,
            listing=listing,
            organisation=partner.memberships.get().organisation,
            tier="nda",
            at=at,
            ends_at=at + 30 * day,
            because="deal:1",
        )
    assert readable(viewer(partner), at) == {"public", "registered", "nda"}
    assert readable(viewer(partner), at - day) == {"public", "registered"}
    assert readable(viewer(partner), at + 30 * day) == {"public", "registered"}
    assert readable(viewer(other), at) == {"public", "registered"}
    with fence:
        services.revoke_access(actor=officer, access=access, at=at + day)
    assert readable(viewer(partner), at + day) == {"public", "registered"}
    with pytest.raises(rules.AlreadyEnded):
        services.revoke_access(actor=officer, access=access, at=at + day)
    actions = list(LedgerEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-2:] == ["catalogue.access.granted", "catalogue.access.revoked"]
    assert list(access.events.values_list("pgh_label", flat=True)) == ["insert", "update"]


def test_only_the_owner_opens_tiers_and_only_the_closed_ones(listing, officer, make_person, make_organisation, at):
    stranger = make_person(role=Role.COMPANY_USER)
    given = {"listing": listing, "organisation": make_organisation(), "at": at}
    with pytest.raises(NotAllowed):
        services.grant_access(actor=stranger, tier="nda", **given)
    for tier in ("public", "registered", "all"):
        with pytest.raises(InvalidContent):
            services.grant_access(actor=officer, tier=tier, **given)
    access = services.grant_access(actor=officer, tier="introduced", **given)
    with pytest.raises(NotAllowed):
        services.revoke_access(actor=stranger, access=access, at=at)


def test_a_hold_hides_a_public_listing_until_it_is_lifted(listing, officer, make_person, viewer, fence, at):
    reviewer = make_person(role=Role.REVIEWER)
    with fence:
        hold = services.place_hold(actor=reviewer, listing=listing, reason="screening", at=at)
    assert services.place_hold(actor=SYSTEM, listing=listing, reason="screening", at=at) == hold
    assert not Listing.objects.visible_to(viewer(), at).exists()
    assert not Listing.objects.public_at(at).exists()
    assert Listing.objects.visible_to(viewer(officer), at).exists()
    other = services.place_hold(actor=reviewer, listing=listing, reason="legal", at=at)
    with fence:
        services.lift_hold(actor=reviewer, hold=hold, at=at)
    assert not Listing.objects.visible_to(viewer(), at).exists()
    services.lift_hold(actor=reviewer, hold=other, at=at)
    assert Listing.objects.visible_to(viewer(), at).exists()
    with pytest.raises(rules.AlreadyEnded):
        services.lift_hold(actor=reviewer, hold=other, at=at)
    told = LedgerEntry.objects.filter(action__in=("catalogue.listing.held", "catalogue.listing.released"))
    assert list(told.order_by("pk").values_list("facts__reason", flat=True)) == [
        "screening", "legal", "screening", "legal",
    ]  # fmt: skip


def test_owners_neither_place_nor_lift_holds(listing, officer, at):
    with pytest.raises(NotAllowed):
        services.place_hold(actor=officer, listing=listing, reason="legal", at=at)
    hold = services.place_hold(actor=SYSTEM, listing=listing, reason="legal", at=at)
    with pytest.raises(NotAllowed):
        services.lift_hold(actor=officer, hold=hold, at=at)
    for reason in ("", "x" * 61):
        with pytest.raises(InvalidContent):
            services.place_hold(actor=SYSTEM, listing=listing, reason=reason, at=at)


def encumber(actor, listing, at, **facts):
    given = {"exclusivity": "exclusive", "starts_at": at, "field": "C12N", "territory": "KR"}
    return services.encumber(**{"actor": actor, "listing": listing, "at": at} | given | facts)


def test_exclusive_rights_go_with_no_others_that_touch_them(listing, officer, fence, at):
    day = timedelta(days=1)
    with fence:
        first = encumber(officer, listing, at, ends_at=at + 10 * day)
    for touching in (
        {},
        {"field": "c12n1/20", "exclusivity": "non_exclusive"},
        {"field": "C12", "exclusivity": "sole"},
        {"field": ""},
        {"territory": "world"},
        {"starts_at": at + 9 * day},
        {"starts_at": at - day, "ends_at": at + day},
    ):
        with pytest.raises(rules.Encumbered) as refused:
            encumber(officer, listing, at, **touching)
        assert refused.value.facts == {"encumbrance": first.pk}
    for apart in (
        {"field": "A61K"},
        {"territory": "CN"},
        {"starts_at": at + 10 * day, "ends_at": at + 11 * day},
        {"starts_at": at - day, "ends_at": at},
    ):
        encumber(officer, listing, at, **apart)
    assert listing.encumbrances.count() == 5
    assert str(first) == f"exclusive in KR on {listing.pk}"


def test_non_exclusive_rights_go_together_and_bar_exclusive_ones(listing, officer, at):
    for _ in range(2):
        encumber(officer, listing, at, exclusivity="non_exclusive")
    for exclusivity in ("exclusive", "sole"):
        with pytest.raises(rules.Encumbered):
            encumber(officer, listing, at, exclusivity=exclusivity)


def test_released_rights_are_free_again(listing, officer, make_person, fence, at):
    encumbrance = encumber(officer, listing, at)
    later = at + timedelta(days=5)
    with pytest.raises(NotAllowed):
        services.release_encumbrance(actor=make_person(), encumbrance=encumbrance, at=later)
    with fence:
        services.release_encumbrance(actor=officer, encumbrance=encumbrance, at=later)
    with pytest.raises(rules.AlreadyEnded):
        services.release_encumbrance(actor=officer, encumbrance=encumbrance, at=later)
    encumber(officer, listing, at, starts_at=later)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"field": "what"}, "field"),
        ({"territory": "Mars"}, "territory"),
        ({"exclusivity": "mine"}, "exclusivity"),
        ({"days": 0}, "ends_at"),
    ],
)
def test_an_encumbrance_with_problems_is_not_noted(listing, officer, at, facts, field):
    if "days" in facts:
        facts = {"ends_at": at}
    with pytest.raises(InvalidContent) as refused:
        encumber(officer, listing, at, **facts)
    assert [p.field for p in refused.value.facts["problems"]] == [field]


def test_only_offers_of_ones_own_are_encumbered(make_listing, make_person, listing, at):
    need = make_listing(direction="need")
    with pytest.raises(InvalidContent):
        encumber(SYSTEM, need, at)
    with pytest.raises(NotAllowed):
        encumber(make_person(role=Role.BROKER), listing, at)


def test_an_own_listing_is_visible_in_every_state_others_only_when_public(make_listing, make_person, viewer, at):
    listing = make_listing(state=State.DRAFT)
    owner, other = make_person(organisation=listing.owner), make_person(role=Role.BROKER)
    for state in State.values:
        if state == State.PUBLISHED:
            continue
        Listing.objects.filter(pk=listing.pk).update(state=state)
        assert list(Listing.objects.visible_to(viewer(owner), at)) == [listing]
        assert list(Listing.objects.visible_to(viewer(make_person(role=Role.OPERATOR)), at)) == [listing]
        assert list(Listing.objects.visible_to(viewer(other), at)) == []
