"""What every request carries: who is looking, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language_from_path
from django.utils.translation import gettext as _

from transferase.directory.models import Person
from transferase.directory.queries import viewer_of
from transferase.foundation import limits
from transferase.foundation.errors import DomainError, NotAllowed
from transferase.web import errors
from transferase.web.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.http import HttpResponse, HttpResponseBase
    from django_htmx.middleware import HtmxDetails

    from transferase.directory.rules import Viewer

MOST_DIGITS = 20
YEAR = 365 * 24 * 3600
# Pages that search, compare or count over many rows.
COSTLY = frozenset(
    {
        "search",
        "offers",
        "needs",
        "organisations",
        "organisation_new",
        "offer_matches",
        "need_matches",
        "match",
        "text_matches",
        "listing_matches_preview",
        "listing_hints",
        "term_search",
    }
)


class PageRequest(HttpRequest):
    """A request as views see it, after the middleware."""

    person: Person | None
    viewer: Viewer
    at: datetime
    htmx: HtmxDetails


class _Viewing:
    """Sets `person`, `viewer` and `at`; remembers the language whose pages somebody opens; explains refused acts."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.answer = answer

    def __call__(self, request: PageRequest) -> HttpResponseBase:
        request.at = timezone.now()
        request.person = request.user if isinstance(request.user, Person) else None
        request.viewer = viewer_of(request.person, request.at)
        response = errors.too_large(request) if _is_too_large(request) else self.answer(request)
        if response.status_code == 405 and get_language_from_path(request.path_info):
            told = errors.only_sent(request)
            told["Allow"] = response["Allow"]
            response = told
        if request.person is not None:
            # What somebody sees who is signed in is kept by no cache between here and the browser.
            patch_cache_control(response, private=True)
        language = get_language_from_path(request.path_info)
        if language and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) != language:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax", secure=settings.IS_SECURE
            )
        return response

    def process_view(
        self, request: PageRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], facts: dict[str, Any]
    ) -> HttpResponse | None:
        """Turn down whoever asks for costly pages faster than a person can read them."""
        match = request.resolver_match
        allowance = _allowance(request) if match is not None and match.url_name in COSTLY else None
        if allowance is None or not allowance.is_used_up:
            return None
        response = errors.too_many(request, allowance.seconds)
        allowance.write_headers(response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn an act that the rules refuse, and that the view did not expect, into a page that says so."""
        if isinstance(exception, NotAllowed):
            return errors.forbidden(request, exception)
        if isinstance(exception, DomainError):
            trouble = errors.Trouble(409, _("This is not possible now"), sentence(exception.code, exception.facts))
            return errors.page(request, trouble)
        return None


def _allowance(request: PageRequest) -> limits.Allowance | None:
    """What a reader has left of this minute; nothing is counted on the own machine or where there is no limit."""
    if request.person is not None:
        limit, who = settings.WEB_PERSON_PER_MINUTE, f"person:{request.person.pk}"
    else:
        address = limits.address_of(request)
        if limits.is_own_machine(address):
            return None
        limit, who = settings.WEB_ANONYMOUS_PER_MINUTE, limits.visitor_of(address)
    return limits.count(f"web:{who}", limit) if limit else None


def _is_too_large(request: HttpRequest) -> bool:
    """Whether a form says itself that it is longer than Django reads; told before anything tries to read it."""
    said = request.META.get("CONTENT_LENGTH") or ""
    is_form = request.content_type == "application/x-www-form-urlencoded"
    return is_form and said.isdecimal() and int(said[:MOST_DIGITS]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def viewer(answer: Callable[[HttpRequest], HttpResponseBase]) -> _Viewing:
    """The middleware that Django builds from the settings."""
    return _Viewing(answer)
