"""How often somebody may ask: visitors are counted by address, persons by their tokens together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import cache
from ninja.throttling import BaseThrottle

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

WINDOW_SECONDS: Final = 60


@dataclass(frozen=True)
class Allowance:
    """What is left of the present minute."""

    limit: int
    used: int
    seconds: int

    @property
    def is_used_up(self) -> bool:
        return self.used > self.limit

    def write_headers(self, response: HttpResponse) -> None:
        """Tell the caller the limit, what is left, and the seconds until it is full again."""
        response["RateLimit-Limit"] = str(self.limit)
        response["RateLimit-Remaining"] = str(max(0, self.limit - self.used))
        response["RateLimit-Reset"] = str(self.seconds)
        if self.is_used_up:
            response["Retry-After"] = str(self.seconds)


class MinuteThrottle(BaseThrottle):
    """So many requests in a minute of the clock, counted in the cache that all server processes share.

    Two requests at the same instant may be counted as one: a limit for fairness needs no more.
    """

    def allow_request(self, request: HttpRequest) -> bool:
        caller = request.auth  # type: ignore[attr-defined]
        if caller.person is None:
            limit = settings.API_ANONYMOUS_PER_MINUTE
            who = f"address:{_address(request)}"
        else:
            limit = settings.API_TOKEN_PER_MINUTE
            who = f"person:{caller.person.pk}"
        minute, passed = divmod(int(time.time()), WINDOW_SECONDS)
        key = f"api:{who}:{minute}"
        used = int(cache.get(key, 0)) + 1
        cache.set(key, used, 2 * WINDOW_SECONDS)
        allowance = Allowance(limit, used, WINDOW_SECONDS - passed)
        request.allowance = allowance  # type: ignore[attr-defined]
        return not allowance.is_used_up

    def wait(self) -> float | None:
        """Nothing: the allowance of the request writes the header."""
        return None


def _address(request: HttpRequest) -> str:
    """Where a request comes from; behind the proxy that ends TLS, what that proxy says, which is the last entry."""
    passed_on = request.headers.get("X-Forwarded-For", "") if settings.IS_SECURE else ""
    return passed_on.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))
