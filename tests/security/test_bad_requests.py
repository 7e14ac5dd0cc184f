"""Addresses and forms that no page of ours makes: each gets an answer, none an error of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person

# NUL, a digit that is none to int(), more digits than int() takes, half a surrogate pair, an override of direction.
TRICKY = ["\x00", "²", "9" * 5000, "\u202e", "xx", "😀", "'\">x", "-1"]
OPEN = {
    "/en/search": ["q", "kind", "field", "ipc", "trl", "country", "mode", "language", "organisation", "page"],
    "/en/organisations": ["q", "country", "page"],
    "/en/account/login/": ["next"],
}
CLOSED = {
    "/en/desk": ["state"],
    "/en/terms/ipc": ["ipc_words", "ipc"],
    "/en/terms/territory": ["territory_words", "territory"],
    "/en/needs/new": ["text"],
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in OPEN.items() for name in names])
def test_no_value_in_an_address_breaks_a_page(db: None, path: str, name: str) -> None:
    client = Client()
    for value in TRICKY:
        assert client.get(path, {name: value}).status_code < 500, value


def test_no_value_in_an_address_breaks_a_page_behind_the_sign_in(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    client = visit(make_person(role="transfer_officer"))
    for path, names in CLOSED.items():
        for name in names:
            for value in TRICKY:
                assert client.get(path, {name: value}).status_code < 500, (path, name, value)


@pytest.mark.parametrize("version", TRICKY)
def test_a_version_that_is_none_is_taken_for_an_old_one(
    visit: Callable[..., Client], make_person: Callable[..., Person], make_listing: Callable[..., Listing], version: str
) -> None:
    person = make_person(role="transfer_officer")
    listing = make_listing(owner=person.memberships.get().organisation)
    form = {"title": "Changed", "summary": "Changed.", "language": "en", "version": version}
    answer = visit(person).post(f"/en/offers/{listing.pk}/edit/what", form)
    assert answer.status_code == 422
    assert listing.texts.get().title != "Changed"


@pytest.mark.parametrize("language", TRICKY)
def test_hints_in_no_language_of_ours_are_those_of_the_page(
    visit: Callable[..., Client], make_person: Callable[..., Person], language: str
) -> None:
    client = visit(make_person(role="company_user"))
    form = {"language": language, "title": "A pump", "summary": "A pump for sea water is wanted by us."}
    assert client.post("/en/hints/need/matches", form).status_code == 200
    assert client.post("/en/hints/need", form).status_code == 200


@pytest.mark.parametrize(
    "there", ["front", "xx", "//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_away(visit: Callable[..., Client], make_person: Callable[..., Person], there: str) -> None:
    person = make_person(role="transfer_officer")
    membership = person.memberships.get()
    answer = visit(person).post(f"/en/desk/memberships/{membership.pk}/end", {"next": there})
    assert answer["Location"] == "/en/desk/settings"


def test_numbers_that_nothing_has_are_not_found(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    client = visit(make_person(role="transfer_officer"))
    for path in ("organisations/" + "9" * 30, "import/" + "9" * 30, "offers/xyz", "%00"):
        assert client.get(f"/en/{path}").status_code == 404
