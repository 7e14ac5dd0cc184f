"""Offers and needs: two directions of one listing, its texts, its facts, and who may see what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from transferase.directory.models import Organisation, Person
from transferase.foundation.ids import uuid7
from transferase.foundation.languages import Language

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.directory.rules import Viewer


class Direction(models.TextChoices):
    """Which way a technology would move."""

    OFFER = "offer"
    NEED = "need"


class State(models.TextChoices):
    """Where a listing stands; the way between states is in `rules.TRANSITIONS`."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    TAKEN = "taken"


class Tier(models.TextChoices):
    """Who may read a text: everybody, persons who signed in, a counterpart once introduced, or under an NDA."""

    PUBLIC = "public"
    REGISTERED = "registered"
    INTRODUCED = "introduced"
    NDA = "nda"


class Origin(models.TextChoices):
    """Who wrote a text in this language."""

    ORIGINAL = "original"
    HUMAN = "human"
    MACHINE = "machine"
    MACHINE_REVIEWED = "machine_reviewed"


class Scheme(models.TextChoices):
    """Classifications whose codes a listing may carry."""

    IPC = "ipc"
    CPC = "cpc"
    FIELD = "field"  # WIPO's 35 fields, derived from IPC
    GREEN_BIO = "green_bio"  # derived from IPC
    UNMAPPED = "unmapped"  # what a source called it and no vocabulary knows


class ListingQuerySet(models.QuerySet["Listing"]):
    """Listings, chosen by who is looking."""

    def public_at(self, at: datetime) -> ListingQuerySet:
        """Published, confirmed and not held back at a time."""
        held = Hold.objects.filter(listing=OuterRef("pk"), lifted_at=None)
        return self.filter(~Exists(held), state=State.PUBLISHED, visible_until__gt=at)

    def visible_to(self, viewer: Viewer, at: datetime) -> ListingQuerySet:
        """What a viewer may know of: published listings, the own ones, and all of them for a reviewer."""
        if viewer.sees_everything:
            return self.all()
        held = Hold.objects.filter(listing=OuterRef("pk"), lifted_at=None)
        public = Q(~Exists(held), state=State.PUBLISHED, visible_until__gt=at)
        return self.filter(public | Q(owner_id__in=viewer.organisations))

    def owned_by(self, viewer: Viewer) -> ListingQuerySet:
        return self.filter(owner_id__in=viewer.organisations)

    def offers(self) -> ListingQuerySet:
        return self.filter(direction=Direction.OFFER)

    def needs(self) -> ListingQuerySet:
        return self.filter(direction=Direction.NEED)


class Listing(models.Model):
    """A technology that is offered or needed.

    Publishing asks for title, summary, owner and a confirmation date; every other fact may stay open and is
    then shown as missing, never guessed. Empty strings, empty arrays and NULL all mean "not stated".
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    direction = models.CharField(max_length=5, choices=Direction)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    state_reason = models.CharField(max_length=40, blank=True)
    state_note = models.TextField(blank=True)  # a reviewer's words to the owner; nobody else reads it
    # Here and below, a key without an index of its own stands first in another one.
    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="listings", db_index=False)
    contact = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    is_anonymous = models.BooleanField(default=False)
    is_sample = models.BooleanField(default=False)
    original_language = models.CharField(max_length=10, choices=[(code, code) for code in Language])
    country = models.CharField(max_length=2, blank=True)

    # maturity: what an offer has, what a need wants
    trl_low = models.PositiveSmallIntegerField(null=True, blank=True)
    trl_high = models.PositiveSmallIntegerField(null=True, blank=True)
    trl_scale = models.CharField(max_length=20, blank=True)
    trl_evidence = models.TextField(blank=True)

    # transfer: codes of the vocabularies transfer_mode, exclusivity, country ("world" alone or ISO codes), partner_kind
    transfer_modes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    exclusivity = models.CharField(max_length=30, blank=True)
    territory = ArrayField(models.CharField(max_length=5), default=list, blank=True)
    field_of_use = models.CharField(max_length=300, blank=True)
    partner_kinds = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    # economics: an offer's price, a need's budget
    price_kind = models.CharField(max_length=20, blank=True)
    price_low = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    price_high = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    payment_kinds = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    # a need only
    need_kind = models.CharField(max_length=20, blank=True)
    decision_date = models.DateField(null=True, blank=True)
    excluded_countries = ArrayField(models.CharField(max_length=5), default=list, blank=True)

    # life
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revised_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    visible_until = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    # where it came from
    source = models.CharField(max_length=60, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    source_url = models.CharField(max_length=500, blank=True)
    attribution = models.CharField(max_length=500, blank=True)
    source_digest = models.CharField(max_length=64, blank=True)

    objects: ClassVar[ListingQuerySet] = ListingQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="listing_source"
            ),
            models.CheckConstraint(
                condition=Q(trl_low=None, trl_high=None)
                | Q(
                    trl_low__isnull=False,
                    trl_high__isnull=False,
                    trl_low__gte=1,
                    trl_high__lte=9,
                    trl_low__lte=models.F("trl_high"),
                ),
                name="listing_trl",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.PUBLISHED) | Q(visible_until__isnull=False, confirmed_at__isnull=False),
                name="listing_published_until",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "state"], name="listing_owner_state"),
            models.Index(fields=["state", "visible_until"], name="listing_state_until"),
            models.Index(fields=["direction", "-published_at"], name="listing_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.pk}"

    @property
    def is_offer(self) -> bool:
        return self.direction == Direction.OFFER

    @property
    def is_need(self) -> bool:
        return self.direction == Direction.NEED

    def is_public_at(self, at: datetime) -> bool:
        """Whether everybody may see it at a time, holds aside (those are rows of their own)."""
        return self.state == State.PUBLISHED and self.visible_until is not None and self.visible_until > at


class ListingTextQuerySet(models.QuerySet["ListingText"]):
    """Texts of listings, chosen by who is looking."""

    def visible_to(self, viewer: Viewer, at: datetime) -> ListingTextQuerySet:
        """The texts whose tier a viewer may read; whether the listing may be seen is asked of the listing."""
        if viewer.sees_everything:
            return self.all()
        readable = Q(tier=Tier.PUBLIC) | Q(listing__owner_id__in=viewer.organisations)
        if viewer.is_registered:
            granted = Access.objects.filter(
                Q(ends_at=None) | Q(ends_at__gt=at),
                listing=OuterRef("listing_id"),
                organisation__in=viewer.organisations,
                tier=OuterRef("tier"),
                starts_at__lte=at,
            )
            readable = readable | Q(tier=Tier.REGISTERED) | Q(Exists(granted))
        return self.filter(readable)


class ListingText(models.Model):
    """What a listing says in one language to the readers of one tier."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="texts", db_index=False)
    language = models.CharField(max_length=10, choices=[(code, code) for code in Language])
    tier = models.CharField(max_length=12, choices=Tier, default=Tier.PUBLIC)
    origin = models.CharField(max_length=20, choices=Origin, default=Origin.ORIGINAL)
    title = models.CharField(max_length=300, blank=True)
    summary = models.TextField(blank=True)
    description = models.TextField(blank=True)
    problem = models.TextField(blank=True)  # which problem it solves, or what the need is about
    alternative = models.TextField(blank=True)  # the leading alternative, or what is used today and its limits
    advantages = models.TextField(blank=True)  # what is better, with numbers
    partner_sought = models.TextField(blank=True)

    objects: ClassVar[ListingTextQuerySet] = ListingTextQuerySet.as_manager()  # type: ignore[assignment]

    BODY: ClassVar[tuple[str, ...]] = (
        "summary", "problem", "alternative", "advantages", "description", "partner_sought",
    )  # fmt: skip

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listing", "language", "tier"], name="listing_text_language_tier")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_machine_made(self) -> bool:
        return self.origin in {Origin.MACHINE, Origin.MACHINE_REVIEWED}


class Classification(models.Model):
    """A code of a classification that a listing carries."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="classifications", db_index=False)
    scheme = models.CharField(max_length=12, choices=Scheme)
    code = models.CharField(max_length=100)
    is_derived = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listing", "scheme", "code"], name="classification_once"),
        ]
        indexes = [models.Index(fields=["scheme", "code"], name="classification_code")]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.code}"


@pghistory.track()
class Right(models.Model):
    """An intellectual-property right that comes with an offer."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="rights")
    kind = models.CharField(max_length=30)  # vocabulary right_kind
    office = models.CharField(max_length=5, blank=True)
    number = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=20, blank=True)  # vocabulary right_status
    title = models.CharField(max_length=500, blank=True)
    filed_date = models.DateField(null=True, blank=True)
    expiry_date = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["office", "number"], name="right_number")]

    def __str__(self) -> str:
        return f"{self.kind} {self.office} {self.number}".strip()


class Requirement(models.Model):
    """A property that a need asks for in numbers, such as `energy density >= 300 Wh/kg`."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="requirements")
    property = models.CharField(max_length=120)
    operator = models.CharField(max_length=2)  # vocabulary requirement_operator: lt le eq ge gt
    value = models.DecimalField(max_digits=20, decimal_places=6)
    unit = models.CharField(max_length=40, blank=True)
    is_must = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.property} {self.operator} {self.value.normalize():f} {self.unit}".strip()


class Revision(models.Model):
    """A listing as it was after a change; the newest row is how it is now."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="revisions", db_index=False)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=100)
    content = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["listing", "version"], name="revision_version")]

    def __str__(self) -> str:
        return f"{self.listing_id} v{self.version}"


@pghistory.track()
class Access(models.Model):
    """An organisation may read one tier of a listing for a time; upper floors ask for it through services."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="accesses", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    tier = models.CharField(max_length=12, choices=Tier)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    because = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes = [models.Index(fields=["listing", "organisation", "tier"], name="access_who")]

    def __str__(self) -> str:
        return f"{self.organisation_id} reads {self.tier} of {self.listing_id}"


@pghistory.track()
class Hold(models.Model):
    """A check that keeps a listing from being published or seen, until it is lifted."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="holds")
    reason = models.CharField(max_length=60)
    placed_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listing", "reason"], condition=Q(lifted_at=None), name="hold_once")
        ]

    def __str__(self) -> str:
        return f"{self.reason} on {self.listing_id}"


@pghistory.track()
class Encumbrance(models.Model):
    """A part of the rights in an offer that somebody already has: field, territory, period, exclusivity."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="encumbrances")
    field = models.CharField(max_length=20, blank=True)  # an IPC node; empty is every field
    territory = models.CharField(max_length=5, default="world")
    exclusivity = models.CharField(max_length=30)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    text_reference = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return f"{self.exclusivity} in {self.territory} on {self.listing_id}"


class Term(models.Model):
    """A code of a vocabulary, with its place in the tree."""

    scheme = models.CharField(max_length=30)
    code = models.CharField(max_length=40)
    parent_code = models.CharField(max_length=40, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheme", "code"], name="term_code")]
        indexes = [models.Index(fields=["scheme", "parent_code"], name="term_parent")]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.code}"


class TermLabel(models.Model):
    """What a code is called in one language."""

    term = models.ForeignKey(Term, on_delete=models.CASCADE, related_name="labels", db_index=False)
    language = models.CharField(max_length=10, choices=[(code, code) for code in Language])
    label = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["term", "language"], name="term_label_language")]

    def __str__(self) -> str:
        return self.label
