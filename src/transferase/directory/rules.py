"""Who may do what: the names of permissions, and what each role brings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from transferase.directory._identifiers import check_identifier as check_identifier
from transferase.directory._identifiers import normalise_identifier as normalise_identifier
from transferase.directory._viewer import Permission as Permission
from transferase.directory._viewer import Viewer as Viewer
from transferase.directory.models import IdentifierScheme, OrganisationKind, Person, Role
from transferase.engine.text import normalise
from transferase.foundation.errors import DomainError, NotAllowed, Problem
from transferase.foundation.languages import LANGUAGES
from transferase.foundation.ledger import System

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet


_MEMBER = frozenset(
    {
        Permission.CATALOGUE_LISTING_READ,
        Permission.CATALOGUE_LISTING_WRITE,
        Permission.DIRECTORY_MEMBERSHIP_WRITE,
        Permission.DIRECTORY_ORGANISATION_WRITE,
        Permission.INTERCHANGE_EXPORT_READ,
        Permission.INTERCHANGE_IMPORT_WRITE,
        Permission.MATCHING_MATCH_JUDGE,
        Permission.MATCHING_MATCH_READ,
        Permission.MATCHING_SEARCH_READ,
        Permission.MATCHING_SEARCH_WRITE,
    }
)

# What a role may do for the organisation that it is held in.
GRANTS: Mapping[str, frozenset[Permission]] = {
    Role.TRANSFER_OFFICER: _MEMBER,
    Role.COMPANY_USER: _MEMBER,
    Role.BROKER: _MEMBER,
    Role.REVIEWER: frozenset({Permission.CATALOGUE_LISTING_READ}),
    Role.OPERATOR: _MEMBER,
}
# What a role may do for every organisation.
PLATFORM_GRANTS: Mapping[str, frozenset[Permission]] = {
    Role.REVIEWER: frozenset({Permission.CATALOGUE_LISTING_REVIEW}),
    Role.OPERATOR: frozenset(Permission),
}


ANYONE = Viewer()


def grants_of(person: Person, organisation_id: int | None = None) -> frozenset[Permission]:
    """What a person may do for an organisation, or for all of them when none is named."""
    held: set[Permission] = set()
    for membership in person.memberships.all():
        if membership.ends_at is not None:
            continue
        held |= PLATFORM_GRANTS.get(membership.role, frozenset())
        if membership.organisation_id == organisation_id:
            held |= GRANTS.get(membership.role, frozenset())
    return frozenset(held) if person.is_active else frozenset()


def may_sign_in(person: Person) -> bool:
    """Whether somebody may use the platform; sample persons, whose password is public, only in a demo."""
    return person.is_active and (settings.DEMO or not person.is_sample)


def may(actor: Person | System, permission: Permission, organisation_id: int | None = None) -> bool:
    """Whether somebody may do an act for an organisation; the platform itself may."""
    return isinstance(actor, System) or permission in grants_of(actor, organisation_id)


def require(actor: Person | System, permission: Permission, organisation_id: int | None = None) -> None:
    """Let an act pass or raise `NotAllowed`."""
    if not may(actor, permission, organisation_id):
        raise NotAllowed(permission=str(permission), organisation=organisation_id)


LONGEST_NAME: Final = 300
LONGEST_REGION: Final = 100
LONGEST_WEBSITE: Final = 200
LONGEST_TOKEN: Final = timedelta(days=366)
LONGEST_NOTE: Final = 500
# How long somebody may take to answer.
ADMISSION_FOR: Final = timedelta(days=30)
# Nobody writes letters to half a country through the platform.
MOST_ASKED: Final = 5
MOST_INVITED: Final = 30
# After this time requests that no member has answered are shown to operators too.
OPERATORS_AFTER: Final = timedelta(days=7)
# Roles that reach beyond one organisation are given by operators only.
PLATFORM_ROLES: Final = frozenset(PLATFORM_GRANTS)
_ROLE_OF_FOUNDER: Final[Mapping[str, str]] = {
    OrganisationKind.COMPANY_LARGE: Role.COMPANY_USER,
    OrganisationKind.COMPANY_MEDIUM: Role.COMPANY_USER,
    OrganisationKind.COMPANY_SMALL: Role.COMPANY_USER,
    OrganisationKind.VENTURE: Role.COMPANY_USER,
    OrganisationKind.BROKER: Role.BROKER,
}


class EmailTaken(DomainError):
    """Somebody has registered with this e-mail address."""

    code = "email_taken"


class IdentifierTaken(DomainError):
    """Another organisation has this number."""

    code = "identifier_taken"


class VerifiedNameFixed(DomainError):
    """An operator vouched for this name, country and numbers; only an operator changes them."""

    code = "verified_name_fixed"


class AlreadyMember(DomainError):
    """The person holds this role already."""

    code = "already_member"


class AlreadyAsked(DomainError):
    """The same is asked for already and waits for an answer."""

    code = "already_asked"


class AdmissionOver(DomainError):
    """It was answered or taken back, or nobody answered in time."""

    code = "admission_over"


class TooManyOpen(DomainError):
    """So much waits for answers already that no more may be asked."""

    code = "too_many_open"


class AlreadyEnded(DomainError):
    """The membership or token is over already."""

    code = "already_ended"


class LastOperator(DomainError):
    """Nobody would be left to run the platform."""

    code = "last_operator"


@dataclass(frozen=True)
class OrganisationDraft:
    """What is known of an organisation, as a form, a file or the API hands it over.

    `names` is {language: name}; the first one, or that of `original_language`, is the original. `machine_made` lists
    the languages whose name a machine wrote. `identifiers` is {scheme: number}.
    """

    kind: str
    country: str
    names: Mapping[str, str]
    original_language: str = ""
    machine_made: frozenset[str] = frozenset()
    region: str = ""
    website: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict)
    is_sample: bool = False
    source: str = ""
    external_id: str = ""


def role_of_founder(kind: str) -> str:
    """The role in which somebody who enters an organisation joins it."""
    return _ROLE_OF_FOUNDER.get(kind, Role.TRANSFER_OFFICER)


def clean_organisation(draft: OrganisationDraft) -> OrganisationDraft:
    """The content as it is stored: names and region in one line, numbers without punctuation."""
    names = {language: line for language, name in draft.names.items() if (line := _line(name))}
    return replace(
        draft,
        country=draft.country.strip().upper(),
        names=names,
        original_language=draft.original_language if draft.original_language in names else next(iter(names), ""),
        region=_line(draft.region),
        website=draft.website.strip(),
        identifiers={
            scheme: normalise_identifier(scheme, value) for scheme, value in draft.identifiers.items() if value.strip()
        },
    )


def check_organisation(draft: OrganisationDraft) -> tuple[Problem, ...]:
    """Everything in a cleaned content that breaks a rule."""
    return tuple(_organisation_problems(draft))


def folded_name(name: str) -> str:
    """A name without its case and spaces, as namesakes are compared."""
    return "".join(normalise(name).lower().split())


def check_email(email: str) -> tuple[Problem, ...]:
    """Whether this can be an e-mail address."""
    try:
        validate_email(email)
    except ValidationError:
        return (Problem("email", "not_an_email"),)
    return ()


def check_scopes(scopes: AbstractSet[str]) -> tuple[Problem, ...]:
    """Scopes of a token that are no permissions."""
    unknown = sorted(scopes - set(Permission))
    return tuple(Problem("scopes", "unknown_code", {"code": scope, "vocabulary": "permission"}) for scope in unknown)


def _line(text: str) -> str:
    return " ".join(normalise(text).split())


def _organisation_problems(draft: OrganisationDraft) -> Iterator[Problem]:
    if draft.kind not in OrganisationKind.values:
        yield Problem("kind", "unknown_code", {"code": draft.kind, "vocabulary": "organisation_kind"})
    if not (len(draft.country) == len("KR") and draft.country.isascii() and draft.country.isalpha()):
        yield Problem("country", "unknown_code", {"code": draft.country, "vocabulary": "country"})
    if not draft.names:
        yield Problem("names", "required")
    for language, name in draft.names.items():
        if language not in LANGUAGES:
            yield Problem(f"names.{language}", "unknown_language", {"language": language})
        if len(name) > LONGEST_NAME:
            yield Problem(f"names.{language}", "too_long", {"longest": LONGEST_NAME, "length": len(name)})
    if len(draft.region) > LONGEST_REGION:
        yield Problem("region", "too_long", {"longest": LONGEST_REGION})
    if draft.website and not _is_web_address(draft.website):
        yield Problem("website", "not_a_web_address")
    for scheme, value in draft.identifiers.items():
        if scheme not in IdentifierScheme.values:
            yield Problem(f"identifiers.{scheme}", "unknown_code", {"code": scheme, "vocabulary": "identifier_scheme"})
        elif not check_identifier(scheme, value):
            yield Problem(f"identifiers.{scheme}", "wrong_number", {"scheme": scheme, "value": value})


def _is_web_address(address: str) -> bool:
    try:
        URLValidator(schemes=["http", "https"])(address)
    except ValidationError:
        return False
    return len(address) <= LONGEST_WEBSITE
