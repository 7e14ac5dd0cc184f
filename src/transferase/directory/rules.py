"""Who may do what: the names of permissions, and what each role brings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from transferase.directory.models import Person, Role
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ledger import System

if TYPE_CHECKING:
    from collections.abc import Mapping


class Permission(StrEnum):
    """Every permission of the platform, `scope:resource:action`, in alphabetical order."""

    CATALOGUE_LISTING_READ = "catalogue:listing:read"
    CATALOGUE_LISTING_REVIEW = "catalogue:listing:review"
    CATALOGUE_LISTING_WRITE = "catalogue:listing:write"
    CATALOGUE_VOCABULARY_WRITE = "catalogue:vocabulary:write"
    DIRECTORY_MEMBERSHIP_WRITE = "directory:membership:write"
    DIRECTORY_ORGANISATION_VERIFY = "directory:organisation:verify"
    DIRECTORY_ORGANISATION_WRITE = "directory:organisation:write"
    INTERCHANGE_EXPORT_READ = "interchange:export:read"
    INTERCHANGE_IMPORT_WRITE = "interchange:import:write"
    MATCHING_INDEX_WRITE = "matching:index:write"
    MATCHING_MATCH_JUDGE = "matching:match:judge"
    MATCHING_MATCH_READ = "matching:match:read"


_MEMBER = frozenset(
    {
        Permission.CATALOGUE_LISTING_READ,
        Permission.CATALOGUE_LISTING_WRITE,
        Permission.DIRECTORY_ORGANISATION_WRITE,
        Permission.INTERCHANGE_EXPORT_READ,
        Permission.INTERCHANGE_IMPORT_WRITE,
        Permission.MATCHING_MATCH_JUDGE,
        Permission.MATCHING_MATCH_READ,
    }
)

# What a role may do for the organisation that it is held in.
GRANTS: Mapping[str, frozenset[Permission]] = {
    Role.TRANSFER_OFFICER: _MEMBER,
    Role.COMPANY_USER: _MEMBER,
    Role.BROKER: _MEMBER,
    Role.REVIEWER: frozenset({Permission.CATALOGUE_LISTING_READ}),
    Role.OPERATOR: _MEMBER,
}
# What a role may do for every organisation.
PLATFORM_GRANTS: Mapping[str, frozenset[Permission]] = {
    Role.REVIEWER: frozenset({Permission.CATALOGUE_LISTING_REVIEW}),
    Role.OPERATOR: frozenset(Permission),
}


@dataclass(frozen=True)
class Viewer:
    """Who is looking: what reads are filtered by. `ANYONE` is a visitor who has not signed in."""

    person_id: int | None = None
    organisations: frozenset[int] = frozenset()
    permissions: frozenset[Permission] = frozenset()

    @property
    def is_registered(self) -> bool:
        return self.person_id is not None

    @property
    def sees_everything(self) -> bool:
        """Reviewers and operators read every listing, whatever its state and tier."""
        return Permission.CATALOGUE_LISTING_REVIEW in self.permissions


ANYONE = Viewer()


def grants_of(person: Person, organisation_id: int | None = None) -> frozenset[Permission]:
    """What a person may do for an organisation, or for all of them when none is named."""
    held: set[Permission] = set()
    for membership in person.memberships.all():
        if membership.ends_at is not None:
            continue
        held |= PLATFORM_GRANTS.get(membership.role, frozenset())
        if membership.organisation_id == organisation_id:
            held |= GRANTS.get(membership.role, frozenset())
    return frozenset(held) if person.is_active else frozenset()


def may(actor: Person | System, permission: Permission, organisation_id: int | None = None) -> bool:
    """Whether somebody may do an act for an organisation; the platform itself may."""
    return isinstance(actor, System) or permission in grants_of(actor, organisation_id)


def require(actor: Person | System, permission: Permission, organisation_id: int | None = None) -> None:
    """Let an act pass or raise `NotAllowed`."""
    if not may(actor, permission, organisation_id):
        raise NotAllowed(permission=str(permission), organisation=organisation_id)
