"""Pages of a list: an opaque cursor says where the next one begins."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from ninja import Query

from transferase.foundation.errors import DomainError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LARGEST_PAGE: Final = 100
# A ranking is read from its top; who needs all of it exports it.
DEEPEST_OFFSET: Final = 1000

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many items a page holds at most.")]
Cursor = Annotated[str, Query(max_length=200, description="`next` of the page before; absent for the first page.")]


class InvalidCursor(DomainError):
    """The cursor was not given out by this list."""

    code = "invalid_cursor"


def _pack(kind: str, value: str) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{value}".encode()).decode().rstrip("=")


def _unpack(kind: str, cursor: str) -> str:
    try:
        told = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if not told.startswith(f"{kind}:"):
        raise InvalidCursor
    return told.removeprefix(f"{kind}:")


def after_id(listing_id: UUID) -> str:
    """The cursor of what follows a listing in a list ordered by id."""
    return _pack("id", listing_id.hex)


def id_of(cursor: str) -> UUID:
    """The listing that a cursor follows."""
    try:
        return UUID(_unpack("id", cursor))
    except ValueError as error:
        raise InvalidCursor from error


def at_offset(offset: int) -> str:
    """The cursor of a place in a ranking."""
    return _pack("at", str(offset))


def offset_of(cursor: str) -> int:
    """The place in a ranking where a page begins; no cursor is the top."""
    if not cursor:
        return 0
    told = _unpack("at", cursor)
    if not (told.isascii() and told.isdigit() and int(told) <= DEEPEST_OFFSET):
        raise InvalidCursor
    return int(told)


def link_next(request: HttpRequest, response: HttpResponse, cursor: str | None) -> None:
    """Name the next page in a `Link` header too, for clients that follow those."""
    if cursor is None:
        return
    query = request.GET.copy()
    query["cursor"] = cursor
    response["Link"] = f'<{request.build_absolute_uri(request.path)}?{query.urlencode()}>; rel="next"'
