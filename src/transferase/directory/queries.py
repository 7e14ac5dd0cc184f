"""Questions about organisations and persons that other floors ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transferase.directory.models import Membership, Person, Role
from transferase.directory.rules import ANYONE, PLATFORM_GRANTS, Permission, Viewer

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser


def viewer_of(person: Person | AnonymousUser | None, at: datetime) -> Viewer:
    """Who is looking, from the memberships in force at a time; one query for a person, none for a visitor."""
    if not isinstance(person, Person) or not person.is_active:
        return ANYONE
    organisations: set[int] = set()
    permissions: set[Permission] = set()
    for membership in Membership.objects.filter(person=person, starts_at__lte=at):
        if membership.ends_at is not None and membership.ends_at <= at:
            continue
        permissions |= PLATFORM_GRANTS.get(membership.role, frozenset())
        if membership.role != Role.REVIEWER:
            organisations.add(membership.organisation_id)
    return Viewer(person.pk, frozenset(organisations), frozenset(permissions))
