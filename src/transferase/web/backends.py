"""Who may be signed in."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend

from transferase.directory.models import Person
from transferase.directory.rules import may_sign_in


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]
    """Knows only persons who may use the platform, with every request anew."""

    def user_can_authenticate(self, user: Person) -> bool:
        return may_sign_in(user)
