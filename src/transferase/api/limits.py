"""How often somebody may ask: visitors are counted by address, persons by their tokens together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from ninja.throttling import BaseThrottle

from transferase.foundation import limits

if TYPE_CHECKING:
    from django.http import HttpRequest


class MinuteThrottle(BaseThrottle):
    """So many requests in a minute of the clock, whichever server process they reach."""

    def allow_request(self, request: HttpRequest) -> bool:
        caller = request.auth  # type: ignore[attr-defined]
        if caller.person is None:
            limit = settings.API_ANONYMOUS_PER_MINUTE
            who = limits.visitor_of(limits.address_of(request))
        else:
            limit = settings.API_TOKEN_PER_MINUTE
            who = f"person:{caller.person.pk}"
        allowance = limits.count(f"api:{who}", limit)
        request.allowance = allowance  # type: ignore[attr-defined]
        return not allowance.is_used_up

    def wait(self) -> float | None:
        """Nothing: the allowance of the request writes the header."""
        return None
