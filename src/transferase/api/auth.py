"""Who asks: a visitor, or a person by a token that opens only what its scopes name.

A browser's session is never looked at: a page elsewhere must not be able to write with the reader's cookies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from ninja.security import HttpBearer

from transferase.directory import queries as directory
from transferase.directory.rules import ANYONE, Permission, Viewer
from transferase.foundation.errors import NotAllowed

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from transferase.directory.models import Person


@dataclass(frozen=True)
class Caller:
    """Who asks, what the token lets them see and do, and when they ask."""

    person: Person | None
    viewer: Viewer
    scopes: frozenset[str]
    at: datetime

    def __str__(self) -> str:
        return f"person {self.person.pk}" if self.person else "visitor"

    def with_scope(self, scope: Permission) -> Person:
        """The person, if the token carries a scope; else `NotAllowed`. The services ask the memberships."""
        if self.person is None or scope not in self.scopes:
            raise NotAllowed(permission=str(scope))
        return self.person

    @property
    def reviews(self) -> bool:
        """Whether the token carries the right to review: without it, not even an operator publishes unseen."""
        return Permission.CATALOGUE_LISTING_REVIEW in self.scopes


# Who may write or judge a listing may read it.
READS: Final = frozenset(
    {
        Permission.CATALOGUE_LISTING_READ,
        Permission.CATALOGUE_LISTING_REVIEW,
        Permission.CATALOGUE_LISTING_WRITE,
        Permission.MATCHING_MATCH_JUDGE,
        Permission.MATCHING_MATCH_READ,
    }
)


def narrowed(viewer: Viewer, scopes: frozenset[str]) -> Viewer:
    """What a viewer sees through a token: without a scope that reads listings, no more than a visitor."""
    if not READS & scopes:
        return ANYONE
    return Viewer(
        viewer.person_id,
        viewer.organisations,
        frozenset(permission for permission in viewer.permissions if permission in scopes),
    )


class TokenAuth(HttpBearer):
    """A token is asked for."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        at = timezone.now()
        key = directory.token_in_force(token, at)
        if key is None:
            return None
        scopes = frozenset(key.scopes)
        return Caller(key.person, narrowed(directory.viewer_of(key.person, at), scopes), scopes, at)


class OptionalTokenAuth(TokenAuth):
    """A visitor may ask too; a token that does not hold is refused, never ignored."""

    def __call__(self, request: HttpRequest) -> Caller | None:
        if "Authorization" in request.headers:
            found: Caller | None = super().__call__(request)
            return found
        return Caller(None, ANYONE, frozenset(), timezone.now())


TOKEN = TokenAuth()
ANYBODY = OptionalTokenAuth()


def caller_of(request: HttpRequest) -> Caller:
    """Who asks: ninja keeps what the authentication found in `auth`."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller
