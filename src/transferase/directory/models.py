"""Organisations, the persons who sign in, and what each may do for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from transferase.foundation.languages import Language

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.directory._viewer import Viewer


class OrganisationKind(models.TextChoices):
    """What an organisation is; labels come from the vocabulary `organisation_kind`."""

    RESEARCH_INSTITUTE = "research_institute"
    UNIVERSITY = "university"
    COMPANY_LARGE = "company_large"
    COMPANY_MEDIUM = "company_medium"
    COMPANY_SMALL = "company_small"
    VENTURE = "venture"
    BROKER = "broker"
    AUTHORITY = "authority"
    OTHER = "other"


class IdentifierScheme(models.TextChoices):
    """Registers that give organisations a number."""

    ROR = "ror"
    KR_BUSINESS = "kr_business"  # 사업자등록번호, ten digits
    CN_CREDIT = "cn_credit"  # 统一社会信用代码, eighteen characters
    LEI = "lei"
    EU_PIC = "eu_pic"


class Role(models.TextChoices):
    """What a person does for an organisation."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    TRANSFER_OFFICER = "transfer_officer"
    COMPANY_USER = "company_user"
    BROKER = "broker"


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Organisations, chosen by who is looking."""

    def visible_to(self, viewer: Viewer) -> OrganisationQuerySet:
        """Verified organisations and the viewer's own; all of them for reviewers and operators."""
        if viewer.sees_everything:
            return self.all()
        return self.filter(models.Q(verified_at__isnull=False) | models.Q(pk__in=viewer.organisations))


class Organisation(models.Model):
    """A body that owns listings; its name stands in `OrganisationName`, one row per language."""

    kind = models.CharField(max_length=30, choices=OrganisationKind)
    country = models.CharField(max_length=2)
    region = models.CharField(max_length=100, blank=True)
    website = models.URLField(blank=True)
    # Listings of a verified organisation are published without waiting for a reviewer.
    verified_at = models.DateTimeField(null=True, blank=True)
    is_sample = models.BooleanField(default=False)
    source = models.CharField(max_length=60, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[OrganisationQuerySet] = OrganisationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~models.Q(external_id=""), name="organisation_source"
            ),
            models.CheckConstraint(condition=models.Q(country__regex=r"^[A-Z]{2}$"), name="organisation_country"),
        ]

    def __str__(self) -> str:
        return self.name()

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None

    def name(self, language: str = Language.EN) -> str:
        """The name in a language, else in the language that it was first given in."""
        names = sorted(self.names.all(), key=lambda n: (n.language != language, not n.is_original, n.pk))
        return names[0].name if names else f"#{self.pk}"


class OrganisationName(models.Model):
    """What an organisation is called in one language."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="names", db_index=False)
    language = models.CharField(max_length=10, choices=[(code, code) for code in Language])
    name = models.CharField(max_length=300)
    is_original = models.BooleanField(default=False)
    is_machine_made = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "language"], name="organisation_name_language")]
        indexes = [models.Index(Lower("name"), name="organisation_name_lower")]

    def __str__(self) -> str:
        return self.name


class Identifier(models.Model):
    """A number by which a register knows an organisation."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="identifiers")
    scheme = models.CharField(max_length=20, choices=IdentifierScheme)
    value = models.CharField(max_length=50)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheme", "value"], name="identifier_value")]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


class PersonManager(BaseUserManager["Person"]):
    """Finds persons by e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email__iexact=username)


class Person(AbstractBaseUser):
    """Somebody who signs in. Rights come from memberships only; there are no superusers."""

    # Signing in would write the row past the services; sessions tell who is here.
    last_login = None
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=150)
    language = models.CharField(max_length=10, default=Language.EN, choices=[(code, code) for code in Language])
    is_active = models.BooleanField(default=True)
    is_sample = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="person_email")]

    def __str__(self) -> str:
        return self.name or self.email


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships, chosen by time and by who is looking."""

    def in_force(self, at: datetime) -> MembershipQuerySet:
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=at), starts_at__lte=at)

    def visible_to(self, viewer: Viewer) -> MembershipQuerySet:
        """The own memberships and those of one's organisations; all of them for reviewers and operators."""
        if viewer.sees_everything:
            return self.all()
        theirs = models.Q(organisation_id__in=viewer.organisations)
        return self.filter(theirs if viewer.person_id is None else theirs | models.Q(person_id=viewer.person_id))


@pghistory.track()
class Membership(models.Model):
    """What a person does for an organisation, from a day and until a day (half open)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "organisation", "role"],
                condition=models.Q(ends_at=None),
                name="membership_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role} {self.organisation_id}"


class AdmissionKind(models.TextChoices):
    """From which side a membership is asked for."""

    ASKED = "asked"
    INVITED = "invited"


class AdmissionOutcome(models.TextChoices):
    """How it ended; an open one has none yet."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class AdmissionQuerySet(models.QuerySet["Admission"]):
    """Memberships that are asked for, chosen by time and by who is looking."""

    def open_at(self, at: datetime) -> AdmissionQuerySet:
        """Those that may still be answered."""
        return self.filter(outcome="", ends_at__gt=at)

    def visible_to(self, viewer: Viewer) -> AdmissionQuerySet:
        """One's own and those of one's organisations; all of them for reviewers and operators."""
        if viewer.sees_everything:
            return self.all()
        if viewer.person_id is None:
            return self.none()
        own = Person.objects.filter(pk=viewer.person_id).values(folded=Lower("email"))
        return self.filter(models.Q(organisation_id__in=viewer.organisations) | models.Q(email__in=own))


class Admission(models.Model):
    """A membership that one side asks for and the other has to agree to.

    Somebody asks to act for an organisation, or its members invite an address; whose it is may not be known yet.
    """

    kind = models.CharField(max_length=10, choices=AdmissionKind)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="admissions")
    # In lower case; an invitation is for whoever signs in with this address.
    email = models.EmailField(max_length=254, db_index=True)
    role = models.CharField(max_length=20, choices=Role)
    note = models.CharField(max_length=500, blank=True)
    begun_by = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    begun_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=AdmissionOutcome, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[AdmissionQuerySet] = AdmissionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "email"], condition=models.Q(outcome=""), name="admission_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.role} {self.organisation_id}"


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    """Tokens that still open the API."""

    def in_force(self, at: datetime) -> AccessTokenQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=at, person__is_active=True)

    def visible_to(self, viewer: Viewer) -> AccessTokenQuerySet:
        """A person's own tokens; nobody reads those of others."""
        return self.none() if viewer.person_id is None else self.filter(person_id=viewer.person_id)


@pghistory.track(exclude=["digest"])
class AccessToken(models.Model):
    """A key to the API with a limited set of permissions; only its digest is kept."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[AccessTokenQuerySet] = AccessTokenQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name
