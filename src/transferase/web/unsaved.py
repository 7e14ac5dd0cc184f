"""What somebody typed when the session had ended: kept until the person has signed in again."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import QueryDict
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponseBase

    from transferase.web.middleware import PageRequest

P = ParamSpec("P")
KEY = "unsaved"
# A session row must not become a store for files; a listing with every text at its limit fits.
MOST_CHARACTERS = 1_500_000


def registered(
    view: Callable[Concatenate[PageRequest, P], HttpResponseBase],
) -> Callable[Concatenate[PageRequest, P], HttpResponseBase]:
    """Let only persons who signed in pass; others sign in first and find again what they had typed."""

    @wraps(view)
    def checked(request: PageRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.person is not None:
            return view(request, *args, **kwargs)
        if request.method == "POST":
            typed = request.POST.urlencode()
            if len(typed) <= MOST_CHARACTERS:
                request.session[KEY] = {"path": request.path, "typed": typed}
        return redirect_to_login(request.get_full_path(), resolve_url("account_login"))

    return checked  # type: ignore[return-value]


def draft_before(request: PageRequest) -> str:
    """The id of the new listing that was being written on this page before the person had to sign in again."""
    kept = request.session.get(KEY)
    return QueryDict(kept["typed"]).get("draft", "") if kept and kept["path"] == request.path else ""


def typed_before(request: PageRequest) -> QueryDict | None:
    """What was typed on this page before the person had to sign in again, once."""
    kept = request.session.get(KEY)
    if request.method != "GET" or not kept or kept["path"] != request.path:
        return None
    del request.session[KEY]
    messages.info(request, _("What you typed before you signed in again stands here. It is not saved yet."))
    return QueryDict(kept["typed"])
