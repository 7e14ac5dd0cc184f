"""Questions about organisations and persons that other floors ask."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db.models import F, Q, Value
from django.db.models.functions import Lower, Replace

from transferase.directory import rules
from transferase.directory.models import (
    AccessToken,
    Admission,
    AdmissionKind,
    Identifier,
    Membership,
    Organisation,
    OrganisationName,
    Person,
    Role,
)
from transferase.directory.rules import ANYONE, PLATFORM_GRANTS, OrganisationDraft, Permission, Viewer, may_sign_in

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet


def viewer_of(person: Person | AnonymousUser | None, at: datetime) -> Viewer:
    """Who is looking, from the memberships in force at a time; one query for a person, none for a visitor."""
    if not isinstance(person, Person) or not person.is_active:
        return ANYONE
    organisations: set[int] = set()
    permissions: set[Permission] = set()
    for membership in Membership.objects.filter(person=person, starts_at__lte=at):
        if membership.ends_at is not None and membership.ends_at <= at:
            continue
        permissions |= PLATFORM_GRANTS.get(membership.role, frozenset())
        if membership.role != Role.REVIEWER:
            organisations.add(membership.organisation_id)
    return Viewer(person.pk, frozenset(organisations), frozenset(permissions))


def organisations_of(person: Person, at: datetime) -> list[Organisation]:
    """The organisations a person is a member of now, the one that was joined first in front, with names at hand.

    Anybody may take somebody into a new organisation: it must not become the one that texts are posted for unasked.
    """
    members = Membership.objects.in_force(at).filter(person=person).exclude(role=Role.REVIEWER)
    joined = dict.fromkeys(members.order_by("starts_at", "pk").values_list("organisation_id", flat=True))
    found = {o.pk: o for o in Organisation.objects.filter(pk__in=joined).prefetch_related("names")}
    return [found[pk] for pk in joined]


def memberships_of(person: Person, at: datetime) -> list[Membership]:
    """What a person does for whom now."""
    held = Membership.objects.in_force(at).filter(person=person).select_related("organisation")
    return list(held.prefetch_related("organisation__names").order_by("pk"))


def members_of(organisation: Organisation, at: datetime) -> list[Membership]:
    """Who does what for an organisation now, with the persons at hand."""
    held = Membership.objects.in_force(at).filter(organisation=organisation, person__is_active=True)
    return list(held.select_related("person").order_by("starts_at", "pk"))


def admissions_to_answer(person: Person, viewer: Viewer, at: datetime) -> list[Admission]:
    """What waits for a person's yes or no, oldest first: invitations, and requests to the own organisations.

    Operators answer where an organisation has nobody who could, or where nobody did for a week.
    """
    waiting = Admission.objects.open_at(at).visible_to(viewer)
    invited = Q(kind=AdmissionKind.INVITED, email=person.email.lower())
    asked = Q(kind=AdmissionKind.ASKED, organisation_id__in=viewer.organisations)
    if Permission.DIRECTORY_MEMBERSHIP_WRITE in viewer.permissions:
        manned = Membership.objects.in_force(at).filter(person__is_active=True).exclude(role=Role.REVIEWER)
        asked |= Q(kind=AdmissionKind.ASKED) & (
            Q(begun_at__lte=at - rules.OPERATORS_AFTER) | ~Q(organisation_id__in=manned.values("organisation"))
        )
    found = waiting.filter(invited | asked).exclude(kind=AdmissionKind.ASKED, begun_by=person)
    return list(found.select_related("begun_by", "organisation").prefetch_related("organisation__names").order_by("pk"))


def own_requests(person: Person, at: datetime) -> list[Admission]:
    """Where somebody asked to be let in and has no answer yet."""
    mine = Admission.objects.open_at(at).filter(kind=AdmissionKind.ASKED, begun_by=person)
    return list(mine.select_related("organisation").prefetch_related("organisation__names").order_by("pk"))


def invitations_of(organisation: Organisation, at: datetime) -> list[Admission]:
    """Whom an organisation invited without an answer so far."""
    open_ones = Admission.objects.open_at(at).filter(kind=AdmissionKind.INVITED, organisation=organisation)
    return list(open_ones.order_by("pk"))


def who_lets_in(organisation: Organisation, at: datetime) -> list[Person]:
    """Who hears of a request: the members, and the operators where there are none."""
    members = Membership.objects.in_force(at).filter(organisation=organisation).exclude(role=Role.REVIEWER)
    found = list(Person.objects.filter(is_active=True, pk__in=members.values("person")).order_by("pk"))
    return found or list(operators(at).order_by("pk"))


def operators(at: datetime) -> QuerySet[Person]:
    """Who runs the platform now."""
    held = Membership.objects.in_force(at).filter(role=Role.OPERATOR)
    return Person.objects.filter(is_active=True, pk__in=held.values("person"))


def digest_of_secret(secret: str) -> str:
    """What is kept of a token: its secret is random and long, so a plain digest is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_in_force(secret: str, at: datetime) -> AccessToken | None:
    """The token whose secret this is, with its person, if it still opens the API."""
    tokens = AccessToken.objects.in_force(at).select_related("person")
    token = tokens.filter(digest=digest_of_secret(secret)).first()
    return token if token is not None and may_sign_in(token.person) else None


def search_organisations(viewer: Viewer, words: str, limit: int = 20) -> list[Organisation]:
    """Organisations whose name in any language holds the words, or whose number they are; names at hand."""
    words = " ".join(words.replace("\x00", "").split())
    if not words:
        return []
    number = words.replace("-", "")
    found = (
        Organisation.objects.visible_to(viewer)
        .filter(
            Q(pk__in=OrganisationName.objects.filter(name__icontains=words).values("organisation"))
            | Q(pk__in=Identifier.objects.filter(value__iexact=number).values("organisation"))
        )
        .prefetch_related("names")
        .order_by("pk")
    )
    folded = words.lower()
    return sorted(
        found[: limit * 5],
        key=lambda o: (not any(n.name.lower().startswith(folded) for n in o.names.all()), o.pk),
    )[:limit]


def find_organisation(draft: OrganisationDraft) -> Organisation | None:
    """The organisation that a cleaned record speaks of: by number, by source, else by name in the same country.

    What strangers say of themselves decides nothing: a number or a name counts only of a verified organisation.
    """
    verified = Organisation.objects.filter(verified_at__isnull=False)
    for scheme, value in draft.identifiers.items():
        if found := verified.filter(identifiers__scheme=scheme, identifiers__value=value).first():
            return found
    if draft.external_id and (
        found := Organisation.objects.filter(source=draft.source, external_id=draft.external_id).first()
    ):
        return found
    names = [name.lower() for name in draft.names.values()]
    # Lower("name") has an index, which name__iexact (UPPER) would not use.
    named = OrganisationName.objects.alias(folded=Lower("name")).filter(folded__in=names)
    same = verified.filter(pk__in=named.values("organisation"))
    if draft.country:
        same = same.filter(country=draft.country)
    # Numbers that differ tell two bodies of one name apart.
    for organisation in same.prefetch_related("identifiers").order_by("pk"):
        numbers = {i.scheme: i.value for i in organisation.identifiers.all()}
        if all(numbers.get(scheme, value) == value for scheme, value in draft.identifiers.items()):
            return organisation
    return None


def namesakes(names: Collection[str]) -> dict[str, list[Organisation]]:
    """The organisations that go by some names, in any language, by folded name; verified ones first, names at hand."""
    folded = {rules.folded_name(name) for name in names} - {""}
    # Spaces are of no account: one body writes them in its name, another does not.
    same = OrganisationName.objects.alias(folded=Replace(Lower("name"), Value(" "), Value(""))).filter(
        folded__in=folded
    )
    found: dict[str, list[Organisation]] = {name: [] for name in folded}
    organisations = Organisation.objects.filter(pk__in=same.values("organisation")).prefetch_related("names")
    for organisation in organisations.order_by(F("verified_at").asc(nulls_last=True), "pk"):
        for name in {rules.folded_name(row.name) for row in organisation.names.all()} & folded:
            found[name].append(organisation)
    return found


def namesakes_of(organisations: Collection[Organisation]) -> dict[int, list[Organisation]]:
    """The other organisations that share a name with each of some organisations."""
    known = {o.pk: {rules.folded_name(row.name) for row in o.names.all()} for o in organisations}
    found = namesakes({name for names in known.values() for name in names})
    return {
        pk: list({o.pk: o for name in sorted(names) for o in found.get(name, ()) if o.pk != pk}.values())
        for pk, names in known.items()
    }


def taken_identifier(draft: OrganisationDraft) -> tuple[str, str] | None:
    """A number of a cleaned record that some organisation has already, as (scheme, value)."""
    for scheme, value in draft.identifiers.items():
        if Identifier.objects.filter(scheme=scheme, value=value).exists():
            return scheme, value
    return None


def person_with_email(email: str) -> Person | None:
    """The active person who signs in with an e-mail address, whatever its case."""
    return Person.objects.filter(email__iexact=email.strip(), is_active=True).first()


def person_named(reference: str, viewer: Viewer, at: datetime) -> str:
    """The name of somebody that the ledger or a version refers to: a colleague's, else nothing."""
    kind, _, number = reference.partition(":")
    if kind != Person._meta.label or not number.isdecimal():
        return ""
    colleagues = Membership.objects.visible_to(viewer).in_force(at).filter(person_id=int(number))
    found = colleagues.select_related("person").first()
    return str(found.person) if found else ""


def draft_of(organisation: Organisation) -> OrganisationDraft:
    """The whole content of an organisation as a draft, for editing and comparing."""
    names = sorted(organisation.names.all(), key=lambda n: (not n.is_original, n.pk))
    return OrganisationDraft(
        kind=organisation.kind,
        country=organisation.country,
        names={n.language: n.name for n in names},
        original_language=next((n.language for n in names if n.is_original), ""),
        machine_made=frozenset(n.language for n in names if n.is_machine_made),
        region=organisation.region,
        website=organisation.website,
        identifiers={i.scheme: i.value for i in organisation.identifiers.all()},
        is_sample=organisation.is_sample,
        source=organisation.source,
        external_id=organisation.external_id,
    )
