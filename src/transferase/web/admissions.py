"""Coming to an organisation: asking its members, being invited by them, and the answers on the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from transferase.directory import services
from transferase.directory.models import Admission, AdmissionKind, Organisation
from transferase.directory.rules import role_of_founder
from transferase.foundation.errors import DomainError
from transferase.web.accounts import onward, person_of, reading_language
from transferase.web.forms.accounts import AskForm
from transferase.web.forms.errors import blame
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered, typed_before

if TYPE_CHECKING:
    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest

ANSWERS = {"accept": services.accept, "decline": services.decline, "withdraw": services.withdraw}


@registered
@require_http_methods(["GET", "POST"])
def organisation_ask(request: PageRequest, organisation_id: int) -> HttpResponse:
    """Ask to act for an organisation that is here already."""
    person, language = person_of(request), reading_language()
    organisation = get_object_or_404(
        Organisation.objects.visible_to(request.viewer).prefetch_related("names"), pk=organisation_id
    )
    form = AskForm(request.POST or typed_before(request), language=language, first=role_of_founder(organisation.kind))
    if request.method == "POST" and form.is_valid():
        try:
            services.ask_to_join(actor=person, organisation=organisation, at=request.at, **form.cleaned_data)
        except DomainError as error:
            blame(form, error)
        else:
            messages.success(
                request,
                gettext("%(name)s was asked. You are told by mail and here on your desk what they say.")
                % {"name": organisation.name(language)},
            )
            return redirect("desk")
    page = {"form": form, "organisation": organisation, "name": organisation.name(language)}
    return render(request, "account/organisation_ask.html", page, status=422 if form.errors else 200)


@registered
@require_POST
def admission_answer(request: PageRequest, admission_id: int, name: str) -> HttpResponse:
    """Accept, decline or take back a membership that is asked for."""
    answer = ANSWERS.get(name)
    if answer is None:
        raise Http404
    mine = Admission.objects.visible_to(request.viewer).select_related("organisation", "begun_by")
    admission = get_object_or_404(mine.prefetch_related("organisation__names"), pk=admission_id)
    try:
        answer(actor=person_of(request), admission=admission, at=request.at)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(request, _done(name, admission))
    return redirect(onward(request, "desk"))


def _done(name: str, admission: Admission) -> str:
    told = {"person": admission.begun_by, "organisation": admission.organisation.name(reading_language())}
    is_asked = admission.kind == AdmissionKind.ASKED
    if name == "accept":
        if is_asked:
            return gettext("%(person)s acts for %(organisation)s now.") % told
        return gettext("You act for %(organisation)s now.") % told
    if name == "decline":
        return gettext("Declined. The other side is told.")
    return gettext("Taken back.")
