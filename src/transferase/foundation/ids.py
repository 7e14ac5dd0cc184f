"""Identifiers that can be given before a row exists."""

from __future__ import annotations

import os
import threading
import time
import uuid

_LOCK = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562, section 5.7): ordered by time, so that new rows stand together in an index.

    Within one process ids strictly increase: the 12 bits after the millisecond count up.
    """
    global _last  # noqa: PLW0603 - the counter has to outlive the call
    with _LOCK:
        moment = max((time.time_ns() // 1_000_000) << 12, _last + 1)
        _last = moment
    value = (moment >> 12) << 80 | 0x7 << 76 | (moment & 0xFFF) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    return uuid.UUID(int=value)
