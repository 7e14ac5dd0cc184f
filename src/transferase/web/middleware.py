"""What every request carries: who is looking, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from transferase.directory.queries import viewer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase


def viewer(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Set `request.at`, `request.person` and `request.viewer`."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.at = timezone.now()  # type: ignore[attr-defined]
        request.person = request.user if request.user.is_authenticated else None  # type: ignore[attr-defined]
        request.viewer = viewer_of(request.person, request.at)  # type: ignore[attr-defined]
        return answer(request)

    return middleware
