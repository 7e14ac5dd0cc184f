"""What people do in the directory: register, enter organisations, join them, and hold keys to the API."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from transferase.directory import queries, rules
from transferase.directory.models import (
    AccessToken,
    Admission,
    AdmissionKind,
    AdmissionOutcome,
    Identifier,
    Membership,
    Organisation,
    OrganisationName,
    Person,
    Role,
)
from transferase.directory.rules import Permission
from transferase.foundation.errors import InvalidContent, NotAllowed, Problem
from transferase.foundation.languages import LANGUAGES
from transferase.foundation.ledger import System, record, service
from transferase.foundation.queue import enqueue

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from transferase.directory.rules import OrganisationDraft

LONGEST_PERSON_NAME = 150


@service
def register(
    *,
    actor: Person | System,
    email: str,
    name: str,
    language: str,
    password: str | None,
    at: datetime,
    is_sample: bool = False,
) -> Person:
    """Enter somebody who may sign in; without a password one must be set through a link by mail."""
    _require_operator(actor)
    email = email.strip()
    problems = rules.check_email(email) + _person_problems(name, language)
    if problems:
        raise InvalidContent(problems=problems)
    person = Person(email=email, name=name.strip(), language=language, joined_at=at, is_sample=is_sample)
    if password is None:
        person.set_unusable_password()
    else:
        person.set_password(password)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        raise rules.EmailTaken from error
    record(actor=person if isinstance(actor, System) else actor, action="directory.person.registered", subject=person)
    return person


@service
def revise_person(*, actor: Person | System, person: Person, name: str, language: str, at: datetime) -> Person:
    """Change how somebody is called and in which language the platform speaks to them."""
    _require_self(actor, person)
    problems = _person_problems(name, language)
    if problems:
        raise InvalidContent(problems=problems)
    person.name, person.language = name.strip(), language
    person.save(update_fields=["name", "language"])
    record(actor=actor, action="directory.person.revised", subject=person, at=at.isoformat())
    return person


@service
def change_password(*, actor: Person | System, person: Person, password: str, at: datetime) -> Person:
    """Set a new password; its strength is asked at the door."""
    _require_self(actor, person)
    person.set_password(password)
    person.save(update_fields=["password"])
    record(actor=actor, action="directory.person.password_changed", subject=person, at=at.isoformat())
    return person


@service
def create_organisation(*, actor: Person | System, draft: OrganisationDraft, at: datetime) -> Organisation:
    """Enter an organisation; the person who does becomes its first member, operators aside.

    What operators and the platform enter counts as verified.
    """
    draft = _checked(draft)
    is_official = rules.may(actor, Permission.DIRECTORY_ORGANISATION_VERIFY)
    if draft.is_sample and not is_official:
        raise NotAllowed(permission=str(Permission.DIRECTORY_ORGANISATION_VERIFY))
    organisation = Organisation.objects.create(
        kind=draft.kind,
        country=draft.country,
        region=draft.region,
        website=draft.website,
        is_sample=draft.is_sample,
        source=draft.source,
        external_id=draft.external_id,
        created_at=at,
        verified_at=at if is_official else None,
    )
    _write_names(organisation, draft)
    _write_identifiers(organisation, draft)
    record(actor=actor, action="directory.organisation.created", subject=organisation, is_verified=is_official)
    if isinstance(actor, Person) and not is_official:
        role = rules.role_of_founder(draft.kind)
        _start(actor, actor, organisation, role, at)
    return organisation


@service
def revise_organisation(
    *, actor: Person | System, organisation: Organisation, draft: OrganisationDraft, at: datetime
) -> Organisation:
    """Replace what is known of an organisation; name, country and numbers of a verified one are for operators."""
    rules.require(actor, Permission.DIRECTORY_ORGANISATION_WRITE, organisation.pk)
    draft = _checked(draft)
    is_official = rules.may(actor, Permission.DIRECTORY_ORGANISATION_VERIFY)
    before = queries.draft_of(organisation)
    is_other = (draft.country, dict(draft.identifiers), dict(draft.names)) != (
        before.country,
        dict(before.identifiers),
        dict(before.names),
    )
    if is_other and organisation.is_verified and not is_official:
        raise rules.VerifiedNameFixed
    organisation.kind, organisation.country = draft.kind, draft.country
    organisation.region, organisation.website = draft.region, draft.website
    if is_official:
        organisation.verified_at = organisation.verified_at or at
    organisation.save(update_fields=["kind", "country", "region", "website", "verified_at"])
    _write_names(organisation, draft)
    _write_identifiers(organisation, draft)
    record(
        actor=actor,
        action="directory.organisation.revised",
        subject=organisation,
        is_verified=organisation.is_verified,
    )
    return organisation


@service
def resolve_organisation(*, actor: Person | System, draft: OrganisationDraft, at: datetime) -> Organisation:
    """The organisation that a record speaks of, by number, source or name in its country; entered when unknown."""
    rules.require(actor, Permission.DIRECTORY_ORGANISATION_VERIFY)
    found = queries.find_organisation(rules.clean_organisation(draft))
    return found or create_organisation(actor=actor, draft=draft, at=at)


@service
def verify_organisation(*, actor: Person | System, organisation: Organisation, at: datetime) -> Organisation:
    """Vouch for an organisation: from now on its listings may be published without waiting for a reviewer."""
    rules.require(actor, Permission.DIRECTORY_ORGANISATION_VERIFY)
    organisation.verified_at = at
    organisation.save(update_fields=["verified_at"])
    record(actor=actor, action="directory.organisation.verified", subject=organisation)
    return organisation


@service
def join(*, actor: Person | System, person: Person, organisation: Organisation, role: str, at: datetime) -> Membership:
    """Make somebody a member without asking: for operators and the platform itself; members invite."""
    _require_operator(actor)
    _require_role(actor, role)
    return _start(actor, person, organisation, role, at)


@service
def ask_to_join(*, actor: Person, organisation: Organisation, role: str, note: str, at: datetime) -> Admission:
    """Ask the members of an organisation, or operators where it has none, to be let in."""
    _require_role(None, role)
    if len(note.strip()) > rules.LONGEST_NOTE:
        raise InvalidContent(problems=(Problem("note", "too_long", {"longest": rules.LONGEST_NOTE}),))
    if Membership.objects.in_force(at).filter(person=actor, organisation=organisation, role=role).exists():
        raise rules.AlreadyMember(role=role)
    mine = Admission.objects.open_at(at).filter(kind=AdmissionKind.ASKED, begun_by=actor)
    if mine.count() >= rules.MOST_ASKED:
        raise rules.TooManyOpen(most=rules.MOST_ASKED)
    admission = _begin(
        Admission(kind=AdmissionKind.ASKED, organisation=organisation, email=actor.email, role=role, note=note.strip()),
        actor,
        at,
    )
    record(actor=actor, action="directory.admission.asked", subject=admission, role=role)
    enqueue("directory.tell_of_request", admission_id=admission.pk)
    return admission


@service
def invite(*, actor: Person, email: str, organisation: Organisation, role: str, at: datetime) -> Admission:
    """Invite whoever signs in with an address to act for an organisation; nothing tells whether somebody does."""
    rules.require(actor, Permission.DIRECTORY_MEMBERSHIP_WRITE, organisation.pk)
    _require_role(actor, role)
    if problems := rules.check_email(email.strip()):
        raise InvalidContent(problems=problems)
    waiting = Admission.objects.open_at(at).filter(kind=AdmissionKind.INVITED, begun_by=actor)
    if waiting.count() >= rules.MOST_INVITED:
        raise rules.TooManyOpen(most=rules.MOST_INVITED)
    held = Membership.objects.in_force(at).filter(organisation=organisation, role=role)
    if held.filter(person__email__iexact=email.strip(), person__is_active=True).exists():
        raise rules.AlreadyMember(role=role)
    admission = _begin(
        Admission(kind=AdmissionKind.INVITED, organisation=organisation, email=email.strip(), role=role), actor, at
    )
    record(actor=actor, action="directory.admission.invited", subject=admission, role=role)
    enqueue("directory.tell_of_invitation", admission_id=admission.pk)
    return admission


@service
def accept(*, actor: Person, admission: Admission, at: datetime) -> Membership:
    """Agree to what the other side asked for: the membership begins, once."""
    admission = _answerable(actor, admission, at)
    if admission.kind == AdmissionKind.INVITED:
        person = actor
        # Whoever invited must still be one who may.
        rules.require(admission.begun_by, Permission.DIRECTORY_MEMBERSHIP_WRITE, admission.organisation_id)
        _require_role(admission.begun_by, admission.role)
    else:
        person = admission.begun_by
    _answer(admission, AdmissionOutcome.ACCEPTED, at)
    record(actor=actor, action="directory.admission.accepted", subject=admission, role=admission.role)
    enqueue("directory.tell_of_answer", admission_id=admission.pk)
    return _start(actor, person, admission.organisation, admission.role, at)


@service
def decline(*, actor: Person, admission: Admission, at: datetime) -> Admission:
    """Say no to what the other side asked for."""
    admission = _answerable(actor, admission, at)
    _answer(admission, AdmissionOutcome.DECLINED, at)
    record(actor=actor, action="directory.admission.declined", subject=admission)
    enqueue("directory.tell_of_answer", admission_id=admission.pk)
    return admission


@service
def withdraw(*, actor: Person, admission: Admission, at: datetime) -> Admission:
    """Take back what one asked for oneself, or an invitation of one's organisation."""
    admission = _open(admission, at)
    if admission.begun_by_id != actor.pk:
        if admission.kind == AdmissionKind.ASKED:
            raise NotAllowed(permission=str(Permission.DIRECTORY_MEMBERSHIP_WRITE))
        rules.require(actor, Permission.DIRECTORY_MEMBERSHIP_WRITE, admission.organisation_id)
    _answer(admission, AdmissionOutcome.WITHDRAWN, at)
    record(actor=actor, action="directory.admission.withdrawn", subject=admission)
    return admission


@service
def leave(*, actor: Person | System, membership: Membership, at: datetime) -> Membership:
    """End a membership: one's own, that of a colleague, or any by an operator."""
    if not (isinstance(actor, Person) and actor.pk == membership.person_id):
        rules.require(actor, Permission.DIRECTORY_MEMBERSHIP_WRITE, membership.organisation_id)
        if membership.role in rules.PLATFORM_ROLES:
            rules.require(actor, Permission.DIRECTORY_MEMBERSHIP_WRITE)
    if membership.ends_at is not None:
        raise rules.AlreadyEnded
    if membership.role == Role.OPERATOR and not queries.operators(at).exclude(pk=membership.person_id).exists():
        raise rules.LastOperator
    membership.ends_at = at
    membership.save(update_fields=["ends_at"])
    record(actor=actor, action="directory.membership.ended", subject=membership)
    return membership


@service
def issue_token(
    *,
    actor: Person | System,
    person: Person,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime,
    at: datetime,
) -> tuple[AccessToken, str]:
    """Make a key to the API and return it with its secret, which is shown once and never stored."""
    _require_self(actor, person)
    chosen = {str(scope) for scope in scopes}
    problems = list(rules.check_scopes(chosen))
    if not name.strip() or len(name.strip()) > 100:
        problems.append(Problem("name", "required" if not name.strip() else "too_long", {"longest": 100}))
    if not chosen:
        problems.append(Problem("scopes", "required"))
    if not at < expires_at <= at + rules.LONGEST_TOKEN:
        problems.append(Problem("expires_at", "out_of_range", {"longest_days": rules.LONGEST_TOKEN.days}))
    if problems:
        raise InvalidContent(problems=tuple(problems))
    secret = "tf_" + secrets.token_urlsafe(32)
    token = AccessToken.objects.create(
        person=person,
        name=name.strip(),
        digest=queries.digest_of_secret(secret),
        scopes=sorted(chosen),
        created_at=at,
        expires_at=expires_at,
    )
    record(actor=actor, action="directory.token.issued", subject=token, scopes=token.scopes)
    return token, secret


@service
def revoke_token(*, actor: Person | System, token: AccessToken, at: datetime) -> AccessToken:
    """Make a key useless at once."""
    _require_self(actor, token.person)
    if token.revoked_at is not None:
        raise rules.AlreadyEnded
    token.revoked_at = at
    token.save(update_fields=["revoked_at"])
    record(actor=actor, action="directory.token.revoked", subject=token)
    return token


def _require_operator(actor: Person | System) -> None:
    rules.require(actor, Permission.DIRECTORY_MEMBERSHIP_WRITE)


def _require_role(actor: Person | System | None, role: str) -> None:
    """The role exists, and one of the whole platform is given by operators."""
    if role not in Role.values:
        raise InvalidContent(problems=(Problem("role", "unknown_code", {"code": role, "vocabulary": "role"}),))
    if role in rules.PLATFORM_ROLES:
        if actor is None:
            raise NotAllowed(permission=str(Permission.DIRECTORY_MEMBERSHIP_WRITE))
        _require_operator(actor)


def _begin(admission: Admission, actor: Person, at: datetime) -> Admission:
    admission.email = admission.email.lower()
    admission.begun_by, admission.begun_at, admission.ends_at = actor, at, at + rules.ADMISSION_FOR
    # What nobody answered in time stands in nobody's way.
    same = Admission.objects.filter(organisation=admission.organisation, email=admission.email, outcome="")
    same.filter(ends_at__lte=at).update(outcome=AdmissionOutcome.WITHDRAWN, answered_at=at)
    try:
        with transaction.atomic():
            admission.save(force_insert=True)
    except IntegrityError as error:
        raise rules.AlreadyAsked from error
    return admission


def _open(admission: Admission, at: datetime) -> Admission:
    locked = Admission.objects.select_for_update(of=("self",)).select_related("organisation", "begun_by")
    admission = locked.get(pk=admission.pk)
    if admission.outcome or admission.ends_at <= at:
        raise rules.AdmissionOver
    return admission


def _answerable(actor: Person, admission: Admission, at: datetime) -> Admission:
    """The open admission, if it is the actor's to answer: an invitation by its address, a request by a member."""
    admission = _open(admission, at)
    if admission.kind == AdmissionKind.INVITED:
        if admission.email != actor.email.lower():
            raise NotAllowed(permission=str(Permission.DIRECTORY_MEMBERSHIP_WRITE))
    else:
        rules.require(actor, Permission.DIRECTORY_MEMBERSHIP_WRITE, admission.organisation_id)
    return admission


def _answer(admission: Admission, outcome: str, at: datetime) -> None:
    admission.outcome, admission.answered_at = outcome, at
    admission.save(update_fields=["outcome", "answered_at"])


def _require_self(actor: Person | System, person: Person) -> None:
    if not (isinstance(actor, Person) and actor.pk == person.pk):
        _require_operator(actor)


def _person_problems(name: str, language: str) -> tuple[Problem, ...]:
    problems = []
    if len(name.strip()) > LONGEST_PERSON_NAME:
        problems.append(Problem("name", "too_long", {"longest": LONGEST_PERSON_NAME}))
    if language not in LANGUAGES:
        problems.append(Problem("language", "unknown_language", {"language": language}))
    return tuple(problems)


def _checked(draft: OrganisationDraft) -> OrganisationDraft:
    cleaned = rules.clean_organisation(draft)
    if problems := rules.check_organisation(cleaned):
        raise InvalidContent(problems=problems)
    return cleaned


def _write_names(organisation: Organisation, draft: OrganisationDraft) -> None:
    organisation.names.exclude(language__in=draft.names).delete()
    for language, name in draft.names.items():
        OrganisationName.objects.update_or_create(
            organisation=organisation,
            language=language,
            defaults={
                "name": name,
                "is_original": language == draft.original_language,
                "is_machine_made": language in draft.machine_made,
            },
        )


def _write_identifiers(organisation: Organisation, draft: OrganisationDraft) -> None:
    for scheme, value in draft.identifiers.items():
        taken = Identifier.objects.filter(scheme=scheme, value=value).exclude(organisation=organisation)
        if taken.exists():
            raise rules.IdentifierTaken(scheme=scheme, value=value)
    kept = {(i.scheme, i.value): i for i in organisation.identifiers.all()}
    for key, identifier in kept.items():
        if key not in draft.identifiers.items():
            identifier.delete()
    for key in draft.identifiers.items():
        if key not in kept:
            Identifier.objects.create(organisation=organisation, scheme=key[0], value=key[1])


def _start(actor: Person | System, person: Person, organisation: Organisation, role: str, at: datetime) -> Membership:
    try:
        with transaction.atomic():
            membership = Membership.objects.create(person=person, organisation=organisation, role=role, starts_at=at)
    except IntegrityError as error:
        raise rules.AlreadyMember(role=role) from error
    record(actor=actor, action="directory.membership.started", subject=membership, role=role)
    return membership
