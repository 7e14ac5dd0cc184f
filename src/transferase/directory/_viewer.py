"""Who is looking, and the names of what one may do; models and rules both speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    MATCHING_SEARCH_READ = "matching:search:read"
    MATCHING_SEARCH_WRITE = "matching:search:write"
    MATCHING_WEIGHTS_WRITE = "matching:weights:write"


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
