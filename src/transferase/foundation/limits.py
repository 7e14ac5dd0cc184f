"""How often somebody may ask in a minute of the clock, counted for all server processes together."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from transferase.foundation.models import Usage

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

WINDOW_SECONDS: Final = 60
# A household or an office has a whole network of this length in IPv6, and may take any address of it.
NETWORK_OF_ONE: Final = 64


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


def count(who: str, limit: int) -> Allowance:
    """Count one more request of somebody, and say what is left."""
    minute, passed = divmod(int(time.time()), WINDOW_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO foundation_usage AS known (who, minute, used) VALUES (%s, %s, 1)
            ON CONFLICT (who) DO UPDATE SET
                used = CASE WHEN known.minute = excluded.minute THEN known.used + 1 ELSE 1 END,
                minute = excluded.minute
            RETURNING used
            """,
            [who, minute],
        )
        (used,) = cursor.fetchone()
    return Allowance(limit, used, WINDOW_SECONDS - passed)


def address_of(request: HttpRequest) -> str:
    """Where a request comes from; behind the proxy that ends TLS, what that proxy says, which is the last entry."""
    passed_on = request.headers.get("X-Forwarded-For", "") if settings.IS_SECURE else ""
    return passed_on.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


def visitor_of(address: str) -> str:
    """A name for whoever comes from an address, from which the address cannot be read."""
    try:
        told = ipaddress.ip_address(address)
    except ValueError:
        network = address
    else:
        mapped = getattr(told, "ipv4_mapped", None)
        whole = mapped or (ipaddress.ip_network((told, NETWORK_OF_ONE), strict=False) if told.version == 6 else told)
        network = str(whole)
    return f"address:{salted_hmac('transferase.limits', network).hexdigest()[:32]}"


def is_own_machine(address: str) -> bool:
    """Whether a request comes from this machine, or from nobody knows where: a proxy that tells no addresses."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return not address


def forget_old(at: datetime) -> int:
    """Drop what was counted in minutes long past."""
    return Usage.objects.filter(minute__lt=int(at.timestamp()) // WINDOW_SECONDS - 1).delete()[0]
