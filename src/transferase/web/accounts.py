"""Sign-up and sign-in, settings, keys to the API, and the organisations that a person works for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from transferase.directory import queries, services
from transferase.directory.models import AdmissionKind, Membership, Organisation, Person
from transferase.directory.rules import Permission, grants_of, may, may_sign_in, require
from transferase.foundation.errors import DomainError
from transferase.foundation.languages import Language, of_interface
from transferase.foundation.ledger import SYSTEM
from transferase.web.forms.accounts import (
    SCOPE_WORDS,
    ColleagueForm,
    OrganisationForm,
    PersonForm,
    SignupForm,
    TokenForm,
)
from transferase.web.forms.errors import blame
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered, typed_before

if TYPE_CHECKING:
    from allauth.account.models import EmailAddress
    from django.http import HttpRequest, HttpResponse

    from transferase.web.middleware import PageRequest

__all__ = ["AccountAdapter", "SignupForm"]
MOST_FOUND = 8


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Lets allauth do what it does well, while persons are written by services of the directory only."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed."),
        "email_password_mismatch": _("E-mail address and password do not belong together. Check both."),
        "email_taken": _("Somebody is already registered with this e-mail address."),
        "enter_current_password": _("This is not your present password."),
        "incorrect_password": _("This is not your password."),
        "invalid_login": _("E-mail address and password do not belong together. Check both."),
        "invalid_password_reset": _("This link was already used or is too old. Ask for a new one."),
        "too_many_login_attempts": _("Too many attempts. Wait some minutes, then try again."),
        "unknown_email": _("Nobody is registered with this e-mail address."),
        "rate_limited": _("Too many attempts. Wait some minutes, then try again."),
    }

    def save_user(self, request: HttpRequest, user: Person, form: Any, commit: bool = True) -> Person:
        """Register the person through the directory."""
        said = form.cleaned_data
        return services.register(
            actor=SYSTEM,
            email=said["email"],
            name=said["name"],
            language=said["language"],
            password=said["password1"],
            at=timezone.now(),
        )

    def pre_login(self, request: HttpRequest, user: Person, **told: Any) -> HttpResponse | None:
        """Stop persons who may not use the platform, though they know the password."""
        if not may_sign_in(user):
            return self.respond_user_inactive(request, user)  # type: ignore[no-any-return]
        return super().pre_login(request, user, **told)  # type: ignore[no-any-return]

    def set_password(self, user: Person, password: str) -> None:
        """Change the password through the directory; the person at hand keeps the session."""
        person = services.change_password(actor=user, person=user, password=password, at=timezone.now())
        user.password = person.password

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write in the language that the person chose, whatever page asked for the mail."""
        person = context.get("user")
        language = person.language if isinstance(person, Person) else translation.get_language()
        with translation.override(interface_of(language or Language.EN)):
            super().send_mail(template_prefix, email, context)

    def format_email_subject(self, subject: str) -> str:
        return f"Transferase: {subject}"

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("organisation_new")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("front")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("settings")

    def should_send_confirmation_mail(self, request: HttpRequest, email_address: EmailAddress, signup: bool) -> bool:
        """Sample persons have no mailbox."""
        return not email_address.user.is_sample if email_address.user_id else True


def interface_of(language: str) -> str:
    """The interface code for a language of texts."""
    return language.lower()


@registered
@never_cache
@require_http_methods(["GET", "POST"])
def settings(request: PageRequest) -> HttpResponse:
    """Name, language, memberships, and keys to the API."""
    person = person_of(request)
    form = PersonForm(
        request.POST if request.POST.get("form") == "person" else None,
        initial={"name": person.name, "language": person.language},
    )
    if form.is_bound and form.is_valid():
        services.revise_person(actor=person, person=person, at=request.at, **form.cleaned_data)
        messages.success(request, gettext("Your settings are saved."))
        return redirect("settings")
    memberships = queries.memberships_of(person, request.at)
    permissions = grants_of(person).union(*(grants_of(person, m.organisation_id) for m in memberships))
    token_form = TokenForm(request.POST if request.POST.get("form") == "token" else None, permissions=permissions)
    secret = ""
    if token_form.is_bound and token_form.is_valid():
        _token, secret = services.issue_token(
            actor=person,
            person=person,
            name=token_form.cleaned_data["name"],
            scopes=token_form.cleaned_data["scopes"],
            expires_at=request.at + token_form.validity,
            at=request.at,
        )
        token_form = TokenForm(permissions=permissions)
    page = {
        "form": form,
        "token_form": token_form,
        # It is shown in this answer only: nobody can read it again, we keep its digest.
        "secret": secret,
        "tokens": [(token, scope_words(token.scopes)) for token in person.tokens.in_force(request.at).order_by("pk")],
        "memberships": memberships,
    }
    return render(request, "account/settings_edit.html", page, status=422 if form.errors or token_form.errors else 200)


@registered
@require_POST
def token_revoke(request: PageRequest, token_id: int) -> HttpResponse:
    """End a key before its time."""
    person = person_of(request)
    token = get_object_or_404(person.tokens.in_force(request.at), pk=token_id)
    services.revoke_token(actor=person, token=token, at=request.at)
    messages.success(request, gettext("The key “%(name)s” no longer opens anything.") % {"name": token.name})
    return redirect(f"{resolve_url('settings')}#keys")


@registered
@require_http_methods(["GET", "POST"])
def organisation_new(request: PageRequest) -> HttpResponse:
    """Register the organisation that a person works for; an operator verifies it later."""
    person = person_of(request)
    form = OrganisationForm(request.POST or typed_before(request), language=reading_language())
    is_namesake = (
        request.method == "POST" and form.is_valid() and any(queries.namesakes(form.draft.names.values()).values())
    )
    is_asked = is_namesake and "anyway" not in request.POST
    if request.method == "POST" and form.is_valid() and not is_asked:
        try:
            organisation = services.create_organisation(actor=person, draft=form.draft, at=request.at)
        except DomainError as error:
            blame(form, error, form.places)
        else:
            messages.success(
                request,
                gettext("%(name)s is registered. An operator verifies it; you can write drafts at once.")
                % {"name": organisation.name(reading_language())},
            )
            return redirect(onward(request, "desk"))
    words = request.GET.get("q", "")[:200]
    page = {
        "form": form,
        "is_first": not request.viewer.organisations,
        "is_namesake": is_namesake,
        "words": words,
        "found": queries.search_organisations(request.viewer, words, MOST_FOUND),
        "namesakes": _known_namesakes(request, form) if is_namesake else [],
        "invitations": [
            admission
            for admission in queries.admissions_to_answer(person, request.viewer, request.at)
            if admission.kind == AdmissionKind.INVITED
        ],
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    status = 422 if form.errors or is_asked else 200
    return render(request, "account/organisation_edit.html", page, status=status)


def _known_namesakes(request: PageRequest, form: OrganisationForm) -> list[Organisation]:
    """The organisations of the same name that the person may see, and ask to be let in."""
    same = {o.pk: o for found in queries.namesakes(form.draft.names.values()).values() for o in found}
    visible = Organisation.objects.visible_to(request.viewer).filter(pk__in=same)
    return list(visible.prefetch_related("names").order_by("pk")[:MOST_FOUND])


@registered
@require_http_methods(["GET", "POST"])
def organisation_edit(request: PageRequest, organisation_id: int) -> HttpResponse:
    """Change what is known of an organisation, and who acts for it; allowed to its members and to operators."""
    person = person_of(request)
    organisation = get_object_or_404(Organisation.objects.visible_to(request.viewer), pk=organisation_id)
    require(person, Permission.DIRECTORY_ORGANISATION_WRITE, organisation.pk)
    form = OrganisationForm(
        request.POST if request.POST.get("form") == "organisation" else typed_before(request),
        language=reading_language(),
        organisation=organisation,
    )
    is_fixed = organisation.is_verified and not may(person, Permission.DIRECTORY_ORGANISATION_VERIFY)
    if is_fixed:
        for field in (*form.names, *form.identifiers, form["country"]):
            field.field.disabled = True
    colleague = ColleagueForm(
        request.POST if request.POST.get("form") == "colleague" else None,
        language=reading_language(),
        may_give_all=may(person, Permission.DIRECTORY_MEMBERSHIP_WRITE),
    )
    if request.method == "POST":
        used: OrganisationForm | ColleagueForm = colleague if colleague.is_bound else form
        try:
            if used.is_valid():
                return _save_organisation(request, organisation, used)
        except DomainError as error:
            blame(used, error, getattr(used, "places", None))
    page = {
        "form": form,
        "colleague": colleague,
        "organisation": organisation,
        "is_fixed": is_fixed,
        "members": queries.members_of(organisation, request.at),
        "invitations": queries.invitations_of(organisation, request.at),
    }
    status = 422 if form.errors or colleague.errors else 200
    return render(request, "account/organisation_edit.html", page, status=status)


def _save_organisation(
    request: PageRequest, organisation: Organisation, form: OrganisationForm | ColleagueForm
) -> HttpResponse:
    person = person_of(request)
    if isinstance(form, OrganisationForm):
        services.revise_organisation(actor=person, organisation=organisation, draft=form.draft, at=request.at)
        messages.success(request, gettext("The organisation is saved."))
        return redirect("organisation", organisation.pk)
    services.invite(
        actor=person,
        email=form.cleaned_data["email"],
        organisation=organisation,
        role=form.cleaned_data["role"],
        at=request.at,
    )
    # The same is said whether or not the address is known: that is nobody's business.
    messages.success(request, gettext("Invited. Your colleague accepts or declines; you are told."))
    return redirect("organisation_edit", organisation.pk)


@registered
@require_POST
def organisation_verify(request: PageRequest, organisation_id: int) -> HttpResponse:
    """Say that an organisation is who it says; its listings are published without waiting from then on."""
    organisation = get_object_or_404(Organisation.objects.visible_to(request.viewer), pk=organisation_id)
    person = person_of(request)
    require(person, Permission.DIRECTORY_ORGANISATION_VERIFY)
    if queries.namesakes_of([organisation])[organisation.pk] and "anyway" not in request.POST:
        messages.error(request, gettext("Another organisation has the same name: compare them, then confirm."))
        return redirect(onward(request, "review"))
    services.verify_organisation(actor=person, organisation=organisation, at=request.at)
    messages.success(request, gettext("%(name)s is verified.") % {"name": organisation.name(reading_language())})
    return redirect(onward(request, "review"))


@registered
@require_POST
def membership_end(request: PageRequest, membership_id: int) -> HttpResponse:
    """Leave an organisation, or end what a colleague does for it."""
    mine = Membership.objects.visible_to(request.viewer).in_force(request.at).select_related("organisation", "person")
    membership = get_object_or_404(mine, pk=membership_id)
    try:
        services.leave(actor=person_of(request), membership=membership, at=request.at)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(
            request,
            gettext("%(person)s no longer acts for %(organisation)s.")
            % {"person": membership.person, "organisation": membership.organisation.name(reading_language())},
        )
    return redirect(onward(request, "settings"))


def person_of(request: PageRequest) -> Person:
    """The person who signed in; `registered` has seen to it that there is one."""
    if request.person is None:
        raise PermissionDenied
    return request.person


def scope_words(scopes: list[str]) -> list[str]:
    """What a key may do, in words."""
    return [str(words) for permission, words in SCOPE_WORDS.items() if str(permission) in scopes]


def reading_language() -> Language:
    """The language of the page as a language of texts."""
    return of_interface(translation.get_language() or Language.EN)


def onward(request: PageRequest, otherwise: str) -> str:
    """Where a person was heading, if it is a page of ours."""
    there = request.POST.get("next") or request.GET.get("next") or ""
    # What does not begin with a slash would be taken for the name of a page.
    if there.startswith("/") and url_has_allowed_host_and_scheme(
        there, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return there
    return resolve_url(otherwise)
