"""Saved searches, and the choice of mails about what is new in them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.core.cache import cache
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from transferase.catalogue.queries import labels
from transferase.directory.models import Organisation
from transferase.foundation.errors import DomainError
from transferase.matching import queries, services
from transferase.matching.models import SavedSearch
from transferase.matching.rules import NameTaken, SearchDraft
from transferase.web.accounts import person_of, reading_language
from transferase.web.asked import Asked
from transferase.web.forms.errors import blame
from transferase.web.forms.saving import MailsForm, SearchForm
from transferase.web.templatetags.interface import language_name
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.http import HttpResponse

    from transferase.directory.rules import Viewer
    from transferase.web.middleware import PageRequest

COUNTED_FOR: Final = 300  # seconds that a number of new results is shown
MOST_ON_DESK: Final = 5
MOST_COUNTED: Final = 10  # counted for one page; the others are counted for the next one
LONGEST_PROPOSED: Final = 60


@dataclass(frozen=True)
class Saving:
    """What a page of results offers to somebody who wants to hear of new ones."""

    name: str
    asked: str
    saved: SavedSearch | None
    sign_in: str


@dataclass(frozen=True)
class SavedRow:
    """A saved search in a list: what it asks for, and how much is new; None while nobody has counted."""

    search: SavedSearch
    told: tuple[str, ...]
    new: int | None

    @property
    def address(self) -> str:
        return reverse("saved_search_open", args=[self.search.pk])

    @property
    def new_address(self) -> str:
        return f"{self.address}?new=1"


def saving_of(request: PageRequest, asked: Asked) -> Saving:
    """What is offered for a search: to save it, or, where it began as a saved one, to keep the changes."""
    saved = None
    if asked.saved is not None:
        saved = SavedSearch.objects.visible_to(request.viewer).filter(pk=asked.saved).first()
    query = asked.address().partition("?")[2]
    return Saving(
        name=asked.text[:LONGEST_PROPOSED] or " · ".join(told_of(asked, request.viewer))[:LONGEST_PROPOSED],
        asked=query,
        saved=saved,
        sign_in="" if request.person else f"{reverse('account_login')}?{_next(asked)}",
    )


def _next(asked: Asked) -> str:
    query = QueryDict(mutable=True)
    query["next"] = asked.address()
    return query.urlencode()


@registered
@never_cache
@require_http_methods(["GET", "POST"])
def saved_searches(request: PageRequest) -> HttpResponse:
    """The searches that a person keeps, and how often mails tell what is new."""
    person = person_of(request)
    subscription = queries.subscription_of(person, request.at)
    form = MailsForm(request.POST or None, subscription=subscription)
    if request.method == "POST" and form.is_valid():
        services.subscribe(actor=person, person=person, at=request.at, **form.cleaned_data)
        messages.success(request, _("Your settings are saved."))
        return redirect("saved_searches")
    page = {
        "rows": rows_of(request),
        "form": form,
        "subscription": subscription,
        "email": person.email,
    }
    return render(request, "matching/saved_searches.html", page, status=422 if form.errors else 200)


@registered
@require_POST
def saved_search_new(request: PageRequest) -> HttpResponse:
    """Keep a search; without a name, or with a name that is taken, another one is asked for."""
    form = SearchForm(request.POST)
    asked = _asked(form)
    if asked.is_gone:
        return _gone(request)
    person = person_of(request)
    same = None
    if form.is_valid():
        try:
            draft = _draft(form.cleaned_data["name"], asked)
            services.save_search(actor=person, person=person, draft=draft, at=request.at)
        except NameTaken as error:
            blame(form, error)
            same = SavedSearch.objects.visible_to(request.viewer).filter(name=draft.name.strip()).first()
        except DomainError as error:
            blame(form, error)
        else:
            messages.success(request, _("The search is saved. Here you choose whether mails tell what is new."))
            return redirect("saved_searches")
    page = {"form": form, "told": told_of(asked, request.viewer), "asked": asked, "search": None, "same": same}
    return render(request, "matching/saved_search_edit.html", page, status=422)


@registered
@require_http_methods(["GET", "POST"])
def saved_search_edit(request: PageRequest, search_id: int) -> HttpResponse:
    """Give a saved search another name, or what the address of a search asks for."""
    search = get_object_or_404(SavedSearch.objects.visible_to(request.viewer), pk=search_id)
    form = SearchForm(request.POST or None, initial={"name": search.name})
    asked = _asked(form) if form.is_bound and "asked" in form.data else Asked.from_saved(search)
    if asked.is_gone:
        return _gone(request)
    if form.is_bound and form.is_valid():
        try:
            draft = _draft(form.cleaned_data["name"], asked)
            services.revise_search(actor=person_of(request), search=search, draft=draft, at=request.at)
        except DomainError as error:
            blame(form, error)
        else:
            messages.success(request, _("The search is saved."))
            return redirect("saved_searches")
    asked = asked.settled(request.at)
    page = {"form": form, "told": told_of(asked, request.viewer), "asked": asked, "search": search}
    return render(request, "matching/saved_search_edit.html", page, status=422 if form.errors else 200)


@registered
@require_safe
def saved_search_open(request: PageRequest, search_id: int) -> HttpResponse:
    """Show the results of a saved search, or only the new ones; from now on others count as new."""
    search = get_object_or_404(SavedSearch.objects.visible_to(request.viewer), pk=search_id)
    asked = Asked.from_saved(search, since=search.looked_at if request.GET.get("new") else None)
    services.look_at_search(actor=person_of(request), search=search, at=request.at)
    return redirect(asked.settled(request.at).address())


@registered
@require_POST
def saved_search_forget(request: PageRequest, search_id: int) -> HttpResponse:
    """Delete a saved search."""
    search = get_object_or_404(SavedSearch.objects.visible_to(request.viewer), pk=search_id)
    name = search.name
    services.forget_search(actor=person_of(request), search=search, at=request.at)
    messages.success(request, _("The search “%(name)s” is deleted.") % {"name": name})
    return redirect("saved_searches")


@registered
@never_cache
@require_safe
def saved_searches_new(request: PageRequest) -> HttpResponse:
    """The block of the desk again, with how much is new: the desk itself does not wait for searches."""
    page = {"searches": rows_of(request, MOST_ON_DESK), "is_counted": True}
    return render(request, "desk/desk_show_searches.html", page)


def rows_of(request: PageRequest, most: int | None = None, *, most_counted: int = MOST_COUNTED) -> list[SavedRow]:
    """The saved searches of the person, with what each asks for and how much is new."""
    searches = queries.saved_searches(request.viewer)[:most]
    new = _new_counts(searches, request.viewer, request.at, most_counted)
    return [
        SavedRow(search, tuple(told_of(Asked.from_saved(search), request.viewer)), new.get(search.pk))
        for search in searches
    ]


def _new_counts(searches: Sequence[SavedSearch], viewer: Viewer, at: datetime, most: int) -> dict[int, int]:
    """How much is new in each search; a number stands for some minutes, and no more than `most` are counted anew."""
    keys = {_key(search, viewer): search for search in searches}
    known = cache.get_many(keys)
    counted: dict[str, int] = {}
    for key, search in keys.items():
        if key not in known and len(counted) < most:
            counted[key] = queries.new_count(search, viewer, at)
    if counted:
        cache.set_many(counted, COUNTED_FOR)
    return {keys[key].pk: number for key, number in {**known, **counted}.items()}


def _key(search: SavedSearch, viewer: Viewer) -> str:
    asked = (search.text, search.direction, search.filters, sorted(viewer.organisations), viewer.sees_everything)
    return f"saved:{search.pk}:{search.looked_at.timestamp()}:{zlib.crc32(repr(asked).encode())}"


def told_of(asked: Asked, viewer: Viewer) -> list[str]:
    """What a search asks for besides its words, in words."""
    language = reading_language()
    told = [{"offer": _("Offers"), "need": _("Needs")}[asked.kind]] if asked.kind else []
    for scheme, codes in (("country", asked.countries), ("field", asked.fields), ("transfer_mode", asked.modes)):
        names = labels(scheme, language) if codes else {}
        told += [str(names.get(code, code)) for code in codes]
    told += [language_name(code) for code in asked.languages]
    if asked.trl:
        told.append(f"TRL {asked.trl.replace('-', '–')}")
    if asked.ipc:
        told.append(f"IPC {asked.ipc}")
    if asked.organisation is not None:
        owner = Organisation.objects.visible_to(viewer).prefetch_related("names").filter(pk=asked.organisation).first()
        told += [owner.name(language)] if owner is not None else []
    return told


def _gone(request: PageRequest) -> HttpResponse:
    messages.error(request, _("The long text of this search is no longer kept. Search with it again, then save."))
    return redirect("search")


def _asked(form: SearchForm) -> Asked:
    return Asked.from_address(QueryDict(str(form.data.get("asked", ""))[:20_000]))


def _draft(name: str, asked: Asked) -> SearchDraft:
    return SearchDraft(
        name=name, text=asked.text, direction=asked.kind, filters=asked.filters, language=reading_language()
    )
