"""What persons follow, the letters that they get about it, and how often a listing was found and opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone

from transferase.catalogue.models import Direction, Listing
from transferase.directory.models import Person
from transferase.foundation.languages import Language

if TYPE_CHECKING:
    from transferase.directory.rules import Viewer


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    """Saved searches, chosen by who is looking."""

    def visible_to(self, viewer: Viewer) -> SavedSearchQuerySet:
        """The own ones; nobody reads what somebody else looks for."""
        return self.none() if viewer.person_id is None else self.filter(person_id=viewer.person_id)


class SavedSearch(models.Model):
    """A search that a person wants to hear of again: words in any language, and filters."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    direction = models.CharField(max_length=5, choices=Direction, blank=True)  # empty: offers and needs
    language = models.CharField(max_length=10, choices=[(code, code) for code in Language])  # of the reader
    filters = models.JSONField(default=dict)  # the fields of `rules.Filters` that ask something
    created_at = models.DateTimeField(default=timezone.now)
    looked_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[SavedSearchQuerySet] = SavedSearchQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="saved_search_name")]

    def __str__(self) -> str:
        return self.name


class Rhythm(models.TextChoices):
    """How often somebody wants to get letters."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


class Subscription(models.Model):
    """Whether and how often a person gets a digest, and how much of it; without a row nobody gets one."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="+", primary_key=True)
    rhythm = models.CharField(max_length=10, choices=Rhythm, default=Rhythm.OFF)
    most_items = models.PositiveSmallIntegerField(default=10)  # in one letter
    most_letters = models.PositiveSmallIntegerField(default=7)  # in seven days
    since = models.DateTimeField()  # what is older is no news
    looked_for = models.DateField(null=True, blank=True)  # the period that was last looked through for news
    refused = models.PositiveSmallIntegerField(default=0)  # letters in a row that the other side did not take
    is_returned = models.BooleanField(default=False)  # switched off because letters were not taken

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(most_items__gte=1, most_letters__gte=1, most_letters__lte=7),
                name="subscription_caps",
            )
        ]
        indexes = [
            models.Index(
                fields=["rhythm", "looked_for"], condition=~models.Q(rhythm=Rhythm.OFF), name="subscription_running"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.rhythm}"


class DigestState(models.TextChoices):
    """Where a letter stands; the decision on letters and crashes tells why there are so many states."""

    WAITING = "waiting"
    CLAIMED = "claimed"  # a worker prepares it; nothing left the house
    SENDING = "sending"  # from here on it may have arrived
    SENT = "sent"
    UNSURE = "unsure"  # nobody knows whether it arrived; it is not sent again
    EMPTY = "empty"  # nothing of it could be shown any more
    GIVEN_UP = "given_up"


class Digest(models.Model):
    """One letter to one person for one day or week, written before it is sent: what it is about, as references."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    period = models.DateField()  # the day, or the Monday of the week
    message_id = models.CharField(max_length=200, unique=True)
    contents = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=DigestState, default=DigestState.WAITING)
    written_at = models.DateTimeField()
    try_at = models.DateTimeField()  # not before
    changed_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "period"], name="digest_once")]
        indexes = [
            models.Index(
                fields=["state", "try_at"],
                condition=models.Q(state__in=("waiting", "claimed", "sending")),
                name="digest_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.period}: {self.state}"


class Told(models.Model):
    """Something that a letter told a person, so that no other letter tells it again."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=120)  # listing:ID, match:NEED:OFFER, interest:NEED:OFFER
    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="told")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="told_once")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.key}"


class ListingDay(models.Model):
    """How often other readers found a listing among search results, and opened it, on one day: numbers, no persons.

    It follows the rules of derived tables, so that it can be distributed with them.
    """

    pk = models.CompositePrimaryKey("listing", "day")
    listing = models.ForeignKey(
        Listing, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()
    found = models.PositiveIntegerField(default=0)
    opened = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.listing_id} {self.day}"
