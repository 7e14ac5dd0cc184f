"""Pages for what went wrong: what happened, and where to go from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from transferase.foundation.languages import of_interface

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True)
class Trouble:
    """What a page of trouble says."""

    status: int
    title: str
    text: str


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the browser sent something that cannot be read."""
    return _alone(
        Trouble(400, _("This request cannot be read"), _("Please go back, check what you entered and send it again."))
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: signed in, but not entitled."""
    return page(
        request,
        Trouble(
            403,
            _("You may not open this"),
            _("This page belongs to another organisation or another role. Ask your organisation for access."),
        ),
    )


def out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 when a form's token does not fit: the page stood open too long, or cookies are off."""
    return page(
        request,
        Trouble(
            403,
            _("This page was open for too long"),
            _("For your safety the form was not sent. Go back, load the page again and repeat the last step."),
        ),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing is here, or nothing that this reader may know of."""
    return page(
        request,
        Trouble(
            404,
            _("There is no page here"),
            _("The address may be wrong, or the listing is no longer shown. Search may find what you need."),
        ),
    )


def only_sent(request: HttpRequest) -> HttpResponse:
    """405: the address of a button was opened like a page."""
    return page(
        request,
        Trouble(
            405,
            _("This address is no page"),
            _("It belongs to a button on another page. Go back, or to your desk, and use the button there."),
        ),
    )


def too_large(request: HttpRequest) -> HttpResponse:
    """413: more text than a form may send."""
    return page(
        request,
        Trouble(
            413,
            _("This is too long"),
            _("The texts are longer than can be taken at once. Go back, shorten them and send them again."),
        ),
    )


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """429: more searches and lists than one reader gets in a minute."""
    return page(
        request,
        Trouble(
            429,
            _("You are asking faster than we can answer"),
            ngettext(
                "Please wait %(seconds)s second, then load the page again. Programs use the API.",
                "Please wait %(seconds)s seconds, then load the page again. Programs use the API.",
                seconds,
            )
            % {"seconds": seconds},
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our mistake; the page needs nothing that may be broken."""
    return _alone(
        Trouble(
            500,
            _("Something broke on our side"),
            _("What you did last may not have been saved. Please try again in a minute."),
        )
    )


def page(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    """Trouble inside the usual frame."""
    return render(request, "errors/page.html", {"trouble": trouble}, status=trouble.status)


def _alone(trouble: Trouble) -> HttpResponse:
    language = of_interface(get_language() or "en")
    return HttpResponse(
        render_to_string("errors/alone.html", {"trouble": trouble, "language": language}), status=trouble.status
    )
