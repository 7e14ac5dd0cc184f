"""The way out of the mails about news: a signed link that works without signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core import signing
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from transferase.foundation.ledger import SYSTEM
from transferase.matching import queries, services

if TYPE_CHECKING:
    from django.http import HttpResponse

    from transferase.directory.models import Person
    from transferase.web.middleware import PageRequest

SALT: Final = "transferase.letters"


def stop_address(person: Person) -> str:
    """Where a person stops the mails without signing in."""
    return reverse("letters_stop", args=[signing.dumps(person.pk, salt=SALT)])


def reader_of(token: str) -> Person | None:
    """Whose mails a link stops; None for a link that we did not make."""
    try:
        number = int(signing.loads(token, salt=SALT))
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return queries.reader_with(number)


# Mail programs post here without cookies (RFC 8058); the signed link says whose mails are meant.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def letters_stop(request: PageRequest, token: str) -> HttpResponse:
    """Stop the mails to the person whose mail held this link, without signing in.

    Opening the link only asks: programs that look at links in mails must not switch anything off.
    """
    person = reader_of(token)
    if person is None:
        return render(request, "matching/letters_stop.html", {"state": "unknown"}, status=404)
    state = "asked"
    if request.method == "POST":
        services.unsubscribe(actor=SYSTEM, person=person, at=request.at)
        state = "stopped"
    return render(request, "matching/letters_stop.html", {"state": state})
