"""Forms of persons and organisations: sign-up, sign-in, passwords, settings, keys to the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from allauth.account import forms as allauth
from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from transferase.directory.models import IdentifierScheme, Role
from transferase.directory.queries import draft_of
from transferase.directory.rules import LONGEST_NOTE, PLATFORM_ROLES, OrganisationDraft, Permission
from transferase.foundation.languages import LANGUAGES, OWN_NAMES, Language, of_interface
from transferase.web.forms.fields import LANGUAGE_CHOICES, Words, countries, options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from transferase.directory.models import Organisation

SCOPE_WORDS: dict[Permission, _StrPromise] = {
    Permission.CATALOGUE_LISTING_READ: _("Read listings"),
    Permission.CATALOGUE_LISTING_REVIEW: _("Publish and send back what waits for review"),
    Permission.CATALOGUE_LISTING_WRITE: _("Post and change own listings"),
    Permission.CATALOGUE_VOCABULARY_WRITE: _("Load vocabularies"),
    Permission.DIRECTORY_MEMBERSHIP_WRITE: _("Add and end memberships"),
    Permission.DIRECTORY_ORGANISATION_VERIFY: _("Verify organisations"),
    Permission.DIRECTORY_ORGANISATION_WRITE: _("Change own organisations"),
    Permission.INTERCHANGE_EXPORT_READ: _("Export listings"),
    Permission.INTERCHANGE_IMPORT_WRITE: _("Import files"),
    Permission.MATCHING_INDEX_WRITE: _("Rebuild the search index"),
    Permission.MATCHING_MATCH_JUDGE: _("Judge matches"),
    Permission.MATCHING_MATCH_READ: _("Read matches"),
    Permission.MATCHING_SEARCH_READ: _("Read own saved searches"),
    Permission.MATCHING_SEARCH_WRITE: _("Save and delete own searches"),
    Permission.MATCHING_WEIGHTS_WRITE: _("Fit and approve the weights of matching"),
}
LIFETIMES = {"30": _("30 days"), "90": _("90 days"), "365": _("one year")}


def _plain(form: forms.Form, labels: Mapping[str, _StrPromise]) -> None:
    """Our labels, and no placeholder that repeats them: it would vanish as soon as somebody types."""
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        if name in labels:
            field.label = labels[name]


class LoginForm(allauth.LoginForm):  # type: ignore[misc]
    """Sign-in by e-mail address and password."""

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        _plain(self, {"login": _("E-mail address"), "password": _("Password"), "remember": _("Stay signed in")})
        self.fields["password"].help_text = ""


class SignupForm(allauth.SignupForm):  # type: ignore[misc]
    """What a new person tells; the organisation comes in the next step."""

    name = Words(label=_("Your name"), required=True, max_length=150)
    language = forms.ChoiceField(label=_("Language of mails"), choices=LANGUAGE_CHOICES, widget=forms.RadioSelect)
    field_order = ("name", "email", "password1", "language")

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        _plain(self, {"email": _("E-mail address"), "password1": _("Password")})
        self.fields["language"].initial = of_interface(get_language() or Language.EN)
        self.fields["name"].widget.attrs["autocomplete"] = "name"


class ResetPasswordForm(allauth.ResetPasswordForm):  # type: ignore[misc]
    """Asks for a link by which a new password can be set."""

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        _plain(self, {"email": _("E-mail address")})


class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    """Sets a new password after following the link."""

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        _plain(self, {"password1": _("New password"), "password2": _("New password once more")})


class ChangePasswordForm(allauth.ChangePasswordForm):  # type: ignore[misc]
    """Sets a new password while signed in."""

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        _plain(
            self,
            {
                "oldpassword": _("Present password"),
                "password1": _("New password"),
                "password2": _("New password once more"),
            },
        )
        self.fields["oldpassword"].help_text = ""


class ReauthenticateForm(allauth.ReauthenticateForm):  # type: ignore[misc]
    """Asks for the password once more before something weighty."""

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        _plain(self, {"password": _("Password")})


class PersonForm(forms.Form):
    """What a person may change about herself or himself."""

    name = Words(label=_("Your name"), required=True, max_length=150)
    language = forms.ChoiceField(label=_("Language of mails"), choices=LANGUAGE_CHOICES, widget=forms.RadioSelect)


class TokenForm(forms.Form):
    """A new key to the API: what it is for, what it may do, how long."""

    name = Words(label=_("What is it for?"), required=True, max_length=100)
    scopes = forms.MultipleChoiceField(label=_("What it may do"), widget=forms.CheckboxSelectMultiple)
    lifetime = forms.ChoiceField(label=_("Valid for"), choices=list(LIFETIMES.items()), initial="90")

    def __init__(self, data: Any = None, *, permissions: frozenset[Permission], **told: Any) -> None:
        super().__init__(data, **told)
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (str(permission), words) for permission, words in SCOPE_WORDS.items() if permission in permissions
        ]
        self.fields["scopes"].error_messages["required"] = _("Tick at least one thing that the key may do.")

    @property
    def validity(self) -> timedelta:
        return timedelta(days=int(self.cleaned_data["lifetime"]))


class OrganisationForm(forms.Form):
    """An organisation: its names, where it is, and the numbers by which registers know it."""

    kind = forms.ChoiceField(label=_("Kind of organisation"))
    country = forms.ChoiceField(label=_("Country"))
    region = Words(label=_("Region or city"), max_length=100)
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    ror = Words(label=_("ROR number"), max_length=50, hint=_("Research institutes: ror.org, such as 05abbep66."))
    kr_business = Words(
        label=_("Korean business registration number"), max_length=50, hint=_("Ten digits, such as 123-45-67890.")
    )
    cn_credit = Words(
        label=_("Chinese unified social credit code"), max_length=50, hint=_("Eighteen digits and capital letters.")
    )
    lei = Words(label=_("LEI"), max_length=50, hint=_("Twenty digits and capital letters."))
    eu_pic = Words(label=_("EU participant number (PIC)"), max_length=50, hint=_("Nine digits."))

    def __init__(
        self, data: Any = None, *, language: str, organisation: Organisation | None = None, **told: Any
    ) -> None:
        super().__init__(data, initial=self.told_by(organisation) if organisation else {}, **told)
        self.first_language = language
        self.organisation = organisation
        self.fields["kind"].choices = options("organisation_kind", language, blank=_("Please choose"))  # type: ignore[attr-defined]
        self.fields["country"].choices = [("", _("Please choose")), *countries(language)]  # type: ignore[attr-defined]
        for code in sorted(LANGUAGES, key=lambda other: other != language):
            label = _("Name in %(language)s") % {"language": OWN_NAMES[Language(code)]}
            self.fields[f"name-{code}"] = Words(label=label, max_length=300)
            self.fields[f"name-{code}"].widget.attrs["lang"] = code
        self.fields[f"name-{language}"].help_text = _("One name is enough; the others help readers abroad.")
        names = [f"name-{code}" for code in sorted(LANGUAGES, key=lambda other: other != language)]
        self.order_fields([*names, "kind", "country", "region", "website", *IdentifierScheme.values])

    @staticmethod
    def told_by(organisation: Organisation) -> dict[str, object]:
        """What the form shows for an organisation."""
        return {
            "kind": organisation.kind,
            "country": organisation.country,
            "region": organisation.region,
            "website": organisation.website,
            **{f"name-{name.language}": name.name for name in organisation.names.all()},
            **{identifier.scheme: identifier.value for identifier in organisation.identifiers.all()},
        }

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if not any(told.get(f"name-{code}") for code in LANGUAGES):
            self.add_error(f"name-{self.first_language}", _("Give the name in at least one language."))
        return told

    @property
    def draft(self) -> OrganisationDraft:
        told = self.cleaned_data
        names = {code: told[f"name-{code}"] for code in LANGUAGES if told[f"name-{code}"]}
        before = draft_of(self.organisation) if self.organisation else OrganisationDraft("", "", {})
        return replace(
            before,
            kind=told["kind"],
            country=told["country"],
            names=names,
            original_language=before.original_language or (self.first_language if self.first_language in names else ""),
            # A name that a person typed over is no longer a machine's.
            machine_made=frozenset(c for c in before.machine_made if names.get(c) == before.names.get(c)),
            region=told["region"],
            website=told["website"],
            identifiers={scheme: told[scheme] for scheme in IdentifierScheme.values if told[scheme]},
        )

    @property
    def places(self) -> dict[str, str]:
        """Where this form shows what the directory calls by its own names."""
        names = {f"names.{code}": f"name-{code}" for code in LANGUAGES}
        numbers = {f"identifiers.{scheme}": scheme for scheme in IdentifierScheme.values}
        return {"names": f"name-{self.first_language}", **names, **numbers}

    @property
    def names(self) -> list[forms.BoundField]:
        return [field for field in self if field.name.startswith("name-")]

    @property
    def identifiers(self) -> list[forms.BoundField]:
        return [self[scheme] for scheme in IdentifierScheme.values]


class ColleagueForm(forms.Form):
    """Somebody who is invited to act for an organisation too."""

    email = forms.EmailField(label=_("E-mail address of your colleague"))
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, data: Any = None, *, language: str, may_give_all: bool, **told: Any) -> None:
        super().__init__(data, **told)
        given = [role for role in Role.values if may_give_all or role not in PLATFORM_ROLES]
        self.fields["role"].choices = options("role", language, only=given)  # type: ignore[attr-defined]


class AskForm(forms.Form):
    """Asks the members of an organisation to be let in."""

    role = forms.ChoiceField(label=_("What you do there"))
    note = Words(
        label=_("A word to those who decide"),
        rows=3,
        max_length=LONGEST_NOTE,
        hint=_("Your department, or who knows you there."),
    )

    def __init__(self, data: Any = None, *, language: str, first: str, **told: Any) -> None:
        super().__init__(data, initial={"role": first}, **told)
        given = [role for role in Role.values if role not in PLATFORM_ROLES]
        self.fields["role"].choices = options("role", language, only=given)  # type: ignore[attr-defined]
