"""Nothing that a reader may not know is in any answer: private texts, hidden listings, who an anonymous owner is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from transferase.catalogue.models import Direction, Listing, State, Tier
from transferase.directory import services as directory
from transferase.directory.queries import viewer_of
from transferase.directory.rules import Permission
from transferase.foundation.ledger import SYSTEM
from transferase.interchange.queries import export_records
from transferase.matching import queries as matching
from transferase.matching import services as matching_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from transferase.directory.models import Person

PUBLIC = {
    "title": "Seawater pump with ceramic bearing",
    "summary": "A seawater pump with a ceramic bearing runs for ten years without any lubrication.",
}
WANTED = {
    "title": "Seawater pump without lubrication",
    "summary": "We want a seawater pump whose bearing runs for years without any lubrication.",
}
# Each stands in one place only, so that its presence tells which place leaks.
REGISTERED, INTRODUCED, NDA = "zirconquux", "hafniumquux", "yttriumquux"
PRIVATE = (INTRODUCED, NDA)
DRAFT, PAUSED, EXPIRED, HELD = "draftquux", "pausedquux", "expiredquux", "heldquux"
HIDDEN = (DRAFT, PAUSED, EXPIRED, HELD)
OWNER, NUMBER, SOURCE_ID, LINK, CREDIT, RIGHT = (
    "Hidden Harbour Institute", "KR1020990012345", "HHI-SECRET-77", "https://hidden-harbour.example/77",
    "Courtesy of Hidden Harbour", "Bearing of Hidden Harbour",
)  # fmt: skip
IDENTITY = (OWNER, NUMBER, SOURCE_ID, LINK, CREDIT, RIGHT, "Hidden Harbour", "hidden-source")


class World:
    """Listings with something to hide, and the person who must not learn it."""

    def __init__(self, offer: Listing, need: Listing, hidden: list[Listing], person: Person, insider: Person) -> None:
        self.offer, self.need, self.hidden, self.person, self.insider = offer, need, hidden, person, insider
        self.owner_id = offer.owner_id


@pytest.fixture
def world(
    make_organisation: Callable[..., Any],
    make_person: Callable[..., Person],
    make_listing: Callable[..., Listing],
    at: datetime,
) -> World:
    owner = make_organisation(names={"en": OWNER})
    texts = [
        {"language": "en", "tier": tier, "summary": f"The {word} bearing.", "description": f"Made of {word} powder."}
        for tier, word in ((Tier.REGISTERED, REGISTERED), (Tier.INTRODUCED, INTRODUCED), (Tier.NDA, NDA))
    ]
    offer = make_listing(
        owner=owner, is_anonymous=True, texts=texts, source="hidden-source", external_id=SOURCE_ID, source_url=LINK,
        attribution=CREDIT, rights=[{"kind": "patent", "office": "KR", "number": NUMBER, "title": RIGHT}], **PUBLIC,
    )  # fmt: skip
    hidden = [
        make_listing(owner=owner, title=f"Pump {word}", summary=f"A seawater pump {word}.", **facts)
        for word, facts in (
            (DRAFT, {"state": State.DRAFT}),
            (PAUSED, {"state": State.PAUSED, "visible_until": at.replace(year=2027)}),
            (EXPIRED, {"visible_until": at.replace(day=1)}),
            (HELD, {}),
        )
    ]
    hidden[-1].holds.create(reason="screening", placed_at=at)
    person = make_person(role="company_user")
    need = make_listing(owner=person.memberships.get().organisation, direction=Direction.NEED, **WANTED)
    ids = [listing.pk for listing in (offer, need, *hidden)]
    matching_services.index_batch(actor=SYSTEM, listing_ids=ids, at=at)
    for listing_id in ids:
        matching_services.propose(actor=SYSTEM, listing_id=listing_id, at=at)
    return World(offer, need, hidden, person, make_person(organisation=owner))


def pages(world: World, *, is_registered: bool) -> Iterator[str]:
    """Addresses that a reader may try, with words of the hidden things in the questions."""
    words = (*PRIVATE, *HIDDEN, REGISTERED, OWNER, NUMBER, SOURCE_ID, "zirconquuz", "yttriumquuz", "draftquuz")
    yield from ("/en/", "/en/offers", "/en/needs", "/en/organisations", f"/en/organisations/{world.owner_id}")
    yield f"/en/search?organisation={world.owner_id}"
    yield f"/en/search?q=pump&organisation={world.owner_id}"
    for listing in (world.offer, *world.hidden):
        yield f"/en/offers/{listing.pk}"
        if is_registered:
            for rest in ("matches", "edit", "edit/readers", "edit/check"):
                yield f"/en/offers/{listing.pk}/{rest}"
            yield f"/en/listings/{listing.pk}/manage"
            yield f"/en/listings/{listing.pk}/first-matches"
            yield f"/en/matches/{world.need.pk}/{listing.pk}"
    for word in words:
        yield f"/en/search?q={word}"
    if is_registered:
        yield from ("/en/desk", "/en/import", f"/en/needs/{world.need.pk}/matches")


def calls(world: World) -> Iterator[str]:
    yield from ("/listings", "/search", "/search?q=pump", f"/listings?organisation={world.owner_id}")
    yield f"/search?organisation={world.owner_id}"
    yield f"/listings?external_id={SOURCE_ID}"
    yield from (f"/search?q={word}" for word in (*PRIVATE, *HIDDEN, OWNER, NUMBER))
    for listing in (world.need, world.offer, *world.hidden):
        yield f"/listings/{listing.pk}"
        yield f"/listings/{listing.pk}/matches"


def assert_silent(told: str, asked: str, *, may_read: tuple[str, ...] = ()) -> None:
    """Nothing hidden stands in an answer, what the question itself said aside."""
    for word in (*PRIVATE, REGISTERED, *HIDDEN, *IDENTITY):
        if word not in may_read and word.lower() not in asked.lower():
            assert word.lower() not in told.lower(), (asked, word)


@pytest.mark.parametrize("is_registered", [False, True])
def test_no_page_tells(world: World, visit: Callable[..., Client], is_registered: bool) -> None:
    client = visit(world.person if is_registered else None)
    organisation = f"/en/organisations/{world.owner_id}"
    for address in pages(world, is_registered=is_registered):
        told = client.get(address).content.decode()
        # That the organisation exists is no secret; what it owns without its name is.
        is_asked = address in {organisation, "/en/organisations"} or "organisation=" in address
        its_own = (OWNER, "Hidden Harbour") if is_asked else ()
        assert_silent(told, address, may_read=(*its_own, *((REGISTERED,) if is_registered else ())))
        if address == organisation or f"organisation={world.owner_id}" in address:
            assert PUBLIC["title"] not in told, address


@pytest.mark.parametrize("is_registered", [False, True])
def test_hidden_listings_are_as_if_they_were_not(
    world: World, visit: Callable[..., Client], is_registered: bool
) -> None:
    client = visit(world.person if is_registered else None)
    for listing in world.hidden:
        assert client.get(f"/en/offers/{listing.pk}").status_code == 404
        assert client.get(f"/api/v1/listings/{listing.pk}").status_code == 404
    if is_registered:
        for act in ("confirm", "pause", "resume", "withdraw", "take", "discard"):
            for listing in (world.offer, *world.hidden):
                assert client.post(f"/en/listings/{listing.pk}/manage/{act}").status_code == 404
        for path in ("publish", "send-back"):
            assert client.post(f"/en/review/{world.hidden[0].pk}/{path}").status_code == 404


@pytest.mark.parametrize("is_registered", [False, True])
def test_no_call_tells(world: World, is_registered: bool, at: datetime) -> None:
    headers = {}
    if is_registered:
        _token, secret = directory.issue_token(
            actor=world.person, person=world.person, name="all", scopes=[str(p) for p in Permission],
            expires_at=at.replace(month=12), at=at,
        )  # fmt: skip
        headers = {"Authorization": f"Bearer {secret}"}
    client = Client()
    may_read = (REGISTERED,) if is_registered else ()
    for call in calls(world):
        answer = client.get(f"/api/v1{call}", headers=headers)
        assert answer.status_code < 500
        assert_silent(answer.content.decode(), call, may_read=may_read)
    organisation = client.get(f"/api/v1/listings?organisation={world.owner_id}", headers=headers).json()
    assert organisation["items"] == []
    assert client.get(f"/api/v1/search?organisation={world.owner_id}", headers=headers).json()["total"] == 0


@pytest.mark.parametrize("kind", ["offers", "needs", "rights"])
@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
@pytest.mark.parametrize("is_registered", [False, True])
def test_no_export_tells(world: World, at: datetime, kind: str, file_format: str, is_registered: bool) -> None:
    viewer = viewer_of(world.person if is_registered else None, at)
    told = b"".join(export_records(viewer=viewer, at=at, kind=kind, file_format=file_format)).decode()
    assert_silent(told, "")


def test_the_world_holds_what_it_hides(world: World, visit: Callable[..., Client], at: datetime) -> None:
    """The tests above prove something only if insiders do find all this."""
    insider = visit(world.insider)
    page = insider.get(f"/en/offers/{world.offer.pk}").content.decode()
    for word in (REGISTERED, INTRODUCED, NDA, OWNER, NUMBER, LINK):
        assert word in page
    assert insider.get(f"/en/search?q={NDA}").content.decode().count(PUBLIC["title"])
    assert matching.matches_of(world.need, viewer_of(world.person, at), at)


def test_no_suggestion_is_made_of_private_words(world: World, at: datetime) -> None:
    for slip in ("yttriumquuz", "hafniumquuz", "zirconquuz", "draftquuz", "pausedquuz", "heldquuz", "expiredquuz"):
        assert matching.did_you_mean(slip, at) is None, slip


def test_what_was_closed_is_silent_before_the_index_knows(
    world: World, visit: Callable[..., Client], at: datetime
) -> None:
    """The worker may lag: what is no longer public may not be found, matched or noticed by its old rows."""
    Listing.objects.filter(pk=world.offer.pk).update(state=State.PAUSED)
    client = visit(world.person)
    for address in (
        "/en/search?q=ceramic", "/en/search?q=ceramik", "/en/desk", f"/en/needs/{world.need.pk}/matches",
        f"/en/matches/{world.need.pk}/{world.offer.pk}", "/api/v1/search?q=ceramic", "/en/",
    ):  # fmt: skip
        told = client.get(address, follow=True).content.decode()
        assert PUBLIC["title"] not in told, address
        assert str(world.offer.pk) not in told.replace(address.removeprefix("/en/"), ""), address
