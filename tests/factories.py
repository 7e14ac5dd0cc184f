"""Rows for the arrangement of tests, each in one line; they write past services, so the fence stays off for them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from transferase.catalogue.models import (
    Classification,
    Direction,
    Listing,
    ListingText,
    Requirement,
    Right,
    Scheme,
    State,
)
from transferase.catalogue.rules import CONFIRMED_FOR, derive_fields, derive_green_bio
from transferase.directory.models import Membership, Organisation, OrganisationName, Person, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_count = itertools.count(1)
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def make_organisation(
    *,
    names: Mapping[str, str] | None = None,
    kind: str = "research_institute",
    country: str = "KR",
    is_verified: bool = True,
    **facts: Any,
) -> Organisation:
    """An organisation, verified unless said otherwise; `names` is {language: name}."""
    if is_verified:
        facts.setdefault("verified_at", AT)
    organisation = Organisation.objects.create(kind=kind, country=country, **facts)
    names = names or {"en": f"Institute {next(_count)}"}
    for position, (language, name) in enumerate(names.items()):
        OrganisationName.objects.create(
            organisation=organisation, language=language, name=name, is_original=position == 0
        )
    return organisation


def make_person(
    *, role: str | None = None, organisation: Organisation | None = None, password: str = "", **facts: Any
) -> Person:
    """A person; with a role (or an organisation) also the membership, by default of a new organisation."""
    number = next(_count)
    facts.setdefault("email", f"person{number}@example.org")
    facts.setdefault("name", f"Person {number}")
    person = Person(**facts)
    if password:
        person.set_password(password)
    else:
        person.set_unusable_password()
    person.save()
    if role or organisation:
        Membership.objects.create(
            person=person,
            organisation=organisation or make_organisation(),
            role=role or Role.TRANSFER_OFFICER,
            starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    return person


def make_listing(
    *,
    owner: Organisation | None = None,
    direction: str = Direction.OFFER,
    state: str = State.PUBLISHED,
    language: str = "en",
    title: str = "",
    summary: str = "",
    texts: Iterable[Mapping[str, Any]] = (),
    ipc: Iterable[str] = (),
    rights: Iterable[Mapping[str, Any]] = (),
    requirements: Iterable[Mapping[str, Any]] = (),
    at: datetime = AT,
    **facts: Any,
) -> Listing:
    """A listing with its texts, published for as long as a confirmation lasts unless said otherwise.

    `title` and `summary` fill the original public text; `texts` are further rows as keyword arguments.
    """
    number = next(_count)
    if state == State.PUBLISHED:
        facts = {"published_at": at, "confirmed_at": at, "visible_until": at + CONFIRMED_FOR} | facts
    listing = Listing.objects.create(
        owner=owner or make_organisation(),
        direction=direction,
        state=state,
        original_language=language,
        revised_at=at,
        **facts,
    )
    ListingText.objects.create(
        listing=listing,
        language=language,
        title=title or f"Listing {number}",
        summary=summary or f"What listing {number} is about.",
    )
    for text in texts:
        ListingText.objects.create(listing=listing, **text)
    codes = tuple(ipc)
    for code in codes:
        Classification.objects.create(listing=listing, scheme=Scheme.IPC, code=code)
    for scheme, derived in ((Scheme.FIELD, derive_fields(codes)), (Scheme.GREEN_BIO, derive_green_bio(codes))):
        for code in derived:
            Classification.objects.create(listing=listing, scheme=scheme, code=code, is_derived=True)
    for right in rights:
        Right.objects.create(listing=listing, **right)
    for requirement in requirements:
        Requirement.objects.create(listing=listing, **requirement)
    return listing
