"""Names of organisations and roles, and the sample persons on the sign-in page of a demonstration."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from django import template
from django.conf import settings
from django.utils.translation import get_language

from transferase.catalogue import queries
from transferase.directory.models import Organisation
from transferase.directory.rules import ANYONE
from transferase.foundation.languages import of_interface

register = template.Library()


@register.simple_tag
def sample_persons() -> dict[str, Any] | None:
    """The sample persons with their common password; nothing outside a demonstration."""
    if not settings.DEMO:
        return None
    told = tomllib.loads(resources.files("transferase.samples").joinpath("persons.toml").read_text("utf-8"))
    language = of_interface(get_language() or "en")
    fictional = {organisation["key"]: organisation["names"][language] for organisation in told["organisations"]}
    real = _names_of({person["organisation"] for person in told["persons"]} - fictional.keys(), language)
    persons = [
        {
            "email": person["email"],
            "name": person["names"][language],
            "role": role_name(person["role"]),
            "organisation": (fictional | real).get(person["organisation"], person["organisation"]),
        }
        for person in told["persons"]
    ]
    return {"password": told["password"], "persons": persons}


def _names_of(known_as: set[str], language: str) -> dict[str, str]:
    """What organisations of the samples that are known by a name are called in a language."""
    bodies = Organisation.objects.visible_to(ANYONE).filter(names__name__in=known_as).prefetch_related("names")
    return {name.name: body.name(language) for body in bodies for name in body.names.all() if name.name in known_as}


@register.filter
def role_name(role: str) -> str:
    """What a role is called in the reader's language."""
    return str(queries.labels("role", of_interface(get_language() or "en")).get(role, role))


@register.filter
def scheme_name(scheme: str) -> str:
    """What a register of organisations is called."""
    return str(queries.labels("identifier_scheme", of_interface(get_language() or "en")).get(scheme, scheme))


@register.filter
def name_of(organisation: Organisation) -> str:
    """The name of an organisation in the reader's language, else as it was first given."""
    return organisation.name(of_interface(get_language() or "en"))


@register.filter
def word_in(field: str, words: dict[str, tuple[Any, Any]]) -> Any:
    """What a field of a text is called, from the words of a form."""
    return words.get(field, (field, ""))[0]
