"""What every page knows: the way around, the language, the look, and who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from transferase.directory.rules import ANYONE
from transferase.foundation.languages import OWN_NAMES, Language, of_interface

if TYPE_CHECKING:
    from django.http import HttpRequest

    from transferase.directory.models import Person
    from transferase.directory.rules import Viewer

LOOKS = ("light", "dark", "system")


@dataclass(frozen=True)
class Entry:
    """A place in the main navigation."""

    text: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class LanguageLink:
    """The same page in one of the languages."""

    code: str
    name: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class Frame:
    """The things around a page's content."""

    language: str
    interface: str
    site: str
    path: str
    person: Person | None
    viewer: Viewer
    look: str
    theme: str
    is_high_contrast: bool
    is_demo: bool
    navigation: tuple[Entry, ...]
    languages: tuple[LanguageLink, ...]


def text_language() -> Language:
    """The language of texts that goes with the page's language."""
    return of_interface(get_language() or settings.LANGUAGE_CODE)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The frame of a page; it costs no query."""
    interface = get_language() or settings.LANGUAGE_CODE
    person = getattr(request, "person", None)
    look = request.COOKIES.get("look", "system")
    look = look if look in LOOKS else "system"
    return {
        "frame": Frame(
            language=of_interface(interface),
            interface=interface,
            site=f"{request.scheme}://{request.get_host()}",
            path=request.get_full_path(),
            person=person,
            viewer=getattr(request, "viewer", ANYONE),
            look=look,
            theme="dark" if look == "dark" else "light",
            is_high_contrast=request.COOKIES.get("contrast") == "more",
            is_demo=settings.DEMO,
            navigation=_navigation(request.path, person),
            languages=_languages(request.get_full_path(), interface),
        )
    }


def _navigation(path: str, person: Person | None) -> tuple[Entry, ...]:
    places = [
        ("search", _("Search")),
        ("offers", _("Offers")),
        ("needs", _("Needs")),
        ("organisations", _("Organisations")),
    ]
    if person is not None:
        places.insert(0, ("desk", _("My desk")))
        places.append(("import_new", _("Import")))
    return tuple(Entry(text, reverse(name), path.startswith(reverse(name))) for name, text in places)


def _languages(full_path: str, current: str) -> tuple[LanguageLink, ...]:
    rest = full_path
    for code, _name in settings.LANGUAGES:
        if full_path == f"/{code}" or full_path.startswith(f"/{code}/"):
            rest = full_path[len(code) + 1 :]
            break
    return tuple(
        LanguageLink(of_interface(code), OWN_NAMES[Language(of_interface(code))], f"/{code}{rest}", code == current)
        for code, _name in settings.LANGUAGES
    )
