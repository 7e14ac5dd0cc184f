"""What every request carries: who is looking, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language_from_path

from transferase.directory.models import Person
from transferase.directory.queries import viewer_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.http import HttpResponseBase
    from django_htmx.middleware import HtmxDetails

    from transferase.directory.rules import Viewer

YEAR = 365 * 24 * 3600


class PageRequest(HttpRequest):
    """A request as views see it, after the middleware."""

    person: Person | None
    viewer: Viewer
    at: datetime
    htmx: HtmxDetails


def viewer(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Set `person`, `viewer` and `at`, and remember the language whose pages somebody opens."""

    def middleware(request: PageRequest) -> HttpResponseBase:
        request.at = timezone.now()
        request.person = request.user if isinstance(request.user, Person) else None
        request.viewer = viewer_of(request.person, request.at)
        response = answer(request)
        language = get_language_from_path(request.path_info)
        if language and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) != language:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax", secure=settings.IS_SECURE
            )
        return response

    return middleware  # type: ignore[return-value]
