"""A text under an agreement is opened to the organisation that was meant, by its owner, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from transferase.catalogue.models import Access, Tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person


@pytest.fixture
def listing(make_person: Callable[..., Person], make_listing: Callable[..., Listing]) -> Listing:
    owner = make_person(role="transfer_officer", name="Owner").memberships.get().organisation
    nda = {"language": "en", "tier": Tier.NDA, "description": "The yttriumquux recipe."}
    return make_listing(owner=owner, texts=[nda])


@pytest.fixture
def owner(listing: Listing) -> Person:
    person: Person = listing.owner.memberships.get().person
    return person


def grant(client: Client, listing: Listing, **form: str) -> Any:
    told = {f"access-{name}": value for name, value in form.items()}
    return client.post(f"/en/listings/{listing.pk}/access", told)


def test_a_part_of_a_name_opens_nothing_by_itself(
    visit: Callable[..., Client], listing: Listing, owner: Person, make_organisation: Callable[..., Any]
) -> None:
    other = make_organisation(names={"en": "Ocean Works of Busan"})
    client = visit(owner)
    answer = grant(client, listing, words="Ocean")
    assert "Ocean Works of Busan" in answer.content.decode()
    assert not Access.objects.exists()
    grant(client, listing, words="Ocean", organisation=str(other.pk))
    assert Access.objects.get().organisation == other


def test_the_whole_name_is_enough(
    visit: Callable[..., Client], listing: Listing, owner: Person, make_organisation: Callable[..., Any]
) -> None:
    other = make_organisation(names={"en": "Ocean Works of Busan", "ko": "부산해양"})
    grant(visit(owner), listing, words=" ocean works  of BUSAN ")
    assert Access.objects.get().organisation == other


def test_nobody_chooses_what_was_not_found(
    visit: Callable[..., Client], listing: Listing, owner: Person, make_organisation: Callable[..., Any]
) -> None:
    make_organisation(names={"en": "Ocean Works"})
    hidden = make_organisation(names={"en": "Ocean Impostor"}, is_verified=False)
    grant(visit(owner), listing, words="Ocean", organisation=str(hidden.pk))
    assert not Access.objects.exists()


@pytest.mark.parametrize("until", ["9999-12-31", "0001-01-01", "x", "\x00", "²"])
@pytest.mark.parametrize("words", ["\x00", "Ocean Works", "", "a" * 100_000])
def test_no_value_breaks_the_page(
    visit: Callable[..., Client], listing: Listing, owner: Person, make_organisation: Callable[..., Any],
    until: str, words: str,
) -> None:  # fmt: skip
    make_organisation(names={"en": "Ocean Works"})
    assert grant(visit(owner), listing, words=words, until=until).status_code < 500


def test_others_open_and_close_nothing(
    visit: Callable[..., Client], listing: Listing, make_person: Callable[..., Person], at: datetime
) -> None:
    stranger = make_person(role="company_user")
    mine = stranger.memberships.get().organisation
    client = visit(stranger)
    assert grant(client, listing, words=mine.name()).status_code == 404
    assert not Access.objects.exists()
    access = listing.accesses.create(organisation=mine, tier=Tier.NDA, starts_at=at)
    assert "yttriumquux" in client.get(f"/en/offers/{listing.pk}").content.decode()
    assert client.post(f"/en/listings/{listing.pk}/access/{access.pk}/revoke").status_code == 404
    mine.memberships.update(ends_at=at)
    assert "yttriumquux" not in client.get(f"/en/offers/{listing.pk}").content.decode()
