"""Answers that belong to no language: health, robots, the icon, and the look that a reader chose."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from transferase.web.context import LOOKS
from transferase.web.middleware import YEAR


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Whether the platform answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers should leave alone: pages for persons, and searches without end."""
    places = ("account/", "desk", "search")
    closed = [f"Disallow: /{code}/{place}" for code, _ in settings.LANGUAGES for place in places]
    return HttpResponse("\n".join(["User-agent: *", "Disallow: /api/", *closed, ""]), content_type="text/plain")


@require_safe
def simplified(request: HttpRequest, place: str) -> HttpResponse:
    """Lead other codes for Chinese to the pages in simplified characters."""
    asked = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"/zh-hans/{quote(place)}{'?' * bool(asked)}{asked}")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon, for browsers that ask at the usual place."""
    return HttpResponseRedirect(static("icon.svg"))


# Only cookies that choose colours are set, so a request forged elsewhere can do no harm; visitors need no token.
@csrf_exempt
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Keep the colours and the contrast that a reader chose, and go back to the page."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    if (theme := request.POST.get("look")) in LOOKS:
        response.set_cookie("look", str(theme), max_age=YEAR, samesite="Lax", secure=settings.IS_SECURE)
    if (contrast := request.POST.get("contrast")) in {"more", "normal"}:
        response.set_cookie("contrast", str(contrast), max_age=YEAR, samesite="Lax", secure=settings.IS_SECURE)
    return response
