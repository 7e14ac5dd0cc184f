"""What matching derives from listings, and what people judged.

`ListingIndex`, `Sentence`, `TermFrequency`, `LanguageMean` and `Match` are derived: they may be emptied and rebuilt at
any time, have no identity columns, and hold no database constraint on other tables, so that they can be distributed.
The length of their vectors is that of the model; the tables that an edition is built in state it, the models do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone
from pgvector.django import HalfVectorField, HnswIndex, SparseVectorField

from transferase.catalogue.models import Direction, Listing, Tier
from transferase.directory.models import Organisation, Person
from transferase.foundation.languages import Language
from transferase.matching._following import Digest as Digest
from transferase.matching._following import DigestState as DigestState
from transferase.matching._following import ListingDay as ListingDay
from transferase.matching._following import Rhythm as Rhythm
from transferase.matching._following import SavedSearch as SavedSearch
from transferase.matching._following import Subscription as Subscription
from transferase.matching._following import Told as Told
from transferase.matching._measured import EvaluationKind as EvaluationKind
from transferase.matching._measured import EvaluationRun as EvaluationRun
from transferase.matching._measured import WeightsVersion as WeightsVersion

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.directory.rules import Viewer

# The largest sparse vector that pgvector takes: term ids are hashes below it, so no dictionary is needed.
TERM_SPACE = 1_000_000_000
DIMENSION = 384  # of the model that ships


class Edition(models.Model):
    """One making of the index: one model, one version of the means, one way of weighing words, in every row.

    The running edition is the table of `ListingIndex`. Another one is built beside it in a table of its own, with the
    dimension of its own model, and takes its place when it is whole; so vectors of two models, or centred by two
    means, never meet. Without a row the platform is new and uses what ships.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        BUILDING = "building"

    number = models.PositiveIntegerField(primary_key=True)
    state = models.CharField(max_length=10, choices=State)
    model_version = models.CharField(max_length=80)
    model = models.CharField(max_length=400, blank=True)  # what was configured: how the model is found again
    dimension = models.PositiveIntegerField()
    means_version = models.PositiveIntegerField(default=0)
    words_version = models.CharField(max_length=80, blank=True)
    listings = models.PositiveIntegerField(default=0)  # that were to be taken over when the building began
    trouble = models.CharField(max_length=400, blank=True)  # why it does not go on
    started_at = models.DateTimeField()
    switched_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["state"], name="edition_state_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.state} {self.model_version} means {self.means_version}"


class ListingIndex(models.Model):
    """One part of one text of a listing, made ready for search.

    The tier is part of the key, so a private text can never lift the rank of a listing for a reader who may not see
    it. A machine-made text has words but no vector.
    """

    pk = models.CompositePrimaryKey("listing", "language", "tier", "part")
    listing = models.ForeignKey(Listing, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    language = models.CharField(max_length=10, choices=[(code, code) for code in Language])
    tier = models.CharField(max_length=12, choices=Tier)
    part = models.PositiveSmallIntegerField()
    direction = models.CharField(max_length=5, choices=Direction)
    is_machine_made = models.BooleanField(default=False)
    # One row of each listing stands for it in counts: the one that most readers may see, in the original language.
    is_lead = models.BooleanField(default=False)
    is_quotable = models.BooleanField(default=False)  # the sentences of the listing stand in `Sentence`
    # copied from the listing, so that one statement ranks and filters
    listing_version = models.PositiveIntegerField(default=1)
    original_language = models.CharField(max_length=10)
    owner_id = models.BigIntegerField()
    is_anonymous = models.BooleanField(default=False)
    country = models.CharField(max_length=2, blank=True)
    is_open = models.BooleanField(default=False)  # published and not held
    visible_until = models.DateTimeField(null=True)
    trl_low = models.PositiveSmallIntegerField(null=True)
    trl_high = models.PositiveSmallIntegerField(null=True)
    transfer_modes = ArrayField(models.CharField(max_length=40), default=list)
    ipc = ArrayField(models.CharField(max_length=20), default=list)
    fields = ArrayField(models.CharField(max_length=12), default=list)
    # words
    lexemes = SearchVectorField()
    words = SparseVectorField(dimensions=TERM_SPACE)  # as a document: how much each word says, at its mean length
    # A need's words as a question to offers: how often it says each, and about the most that an offer could answer
    # (renewed with the means). Both are stored, so that a pair has one score from whichever side one looks.
    asked = SparseVectorField(dimensions=TERM_SPACE, null=True)
    attainable = models.FloatField(default=0)
    # Two neighbouring words as one, as a document or as a question; they weigh pairs, but find none.
    phrases = SparseVectorField(dimensions=TERM_SPACE, null=True)
    # What a need could attain in the words of another language, which the glossary puts among those that it asks.
    crossed = models.JSONField(null=True)
    length = models.PositiveIntegerField()
    # meaning
    raw = HalfVectorField(null=True)
    centred = HalfVectorField(null=True)
    model_version = models.CharField(max_length=80, blank=True)
    means_version = models.PositiveIntegerField(default=0)
    text_digest = models.CharField(max_length=64)

    class Meta:
        indexes = [
            GinIndex(fields=["lexemes"], name="listing_index_lexemes"),
            HnswIndex(
                fields=["centred"],
                name="listing_index_offers",
                m=24,
                ef_construction=160,
                opclasses=["halfvec_ip_ops"],
                condition=models.Q(direction="offer"),
            ),
            HnswIndex(
                fields=["centred"],
                name="listing_index_needs",
                m=24,
                ef_construction=160,
                opclasses=["halfvec_ip_ops"],
                condition=models.Q(direction="need"),
            ),
            models.Index(fields=["owner_id"], name="listing_index_owner"),
            models.Index(fields=["text_digest"], name="listing_index_digest"),  # what was embedded before
            models.Index(fields=["direction"], condition=models.Q(is_lead=True), name="listing_index_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.language} {self.tier} {self.part}"


class Sentence(models.Model):
    """A sentence of an original text with its vector: what reasons quote."""

    pk = models.CompositePrimaryKey("listing", "language", "tier", "number")
    listing = models.ForeignKey(Listing, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    language = models.CharField(max_length=10, choices=[(code, code) for code in Language])
    tier = models.CharField(max_length=12, choices=Tier)
    number = models.PositiveSmallIntegerField()
    field = models.CharField(max_length=20)  # the field of ListingText that it stands in
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    digest = models.CharField(max_length=16)  # of the sentence: a reason that quotes other words is not shown
    raw = HalfVectorField()
    model_version = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["digest"], name="sentence_digest")]  # what was embedded before

    def __str__(self) -> str:
        return f"{self.listing_id} {self.language} {self.field}[{self.start}:{self.end}]"


class TermFrequency(models.Model):
    """In how many listings of a direction a term stands, by language; the term "" counts the listings."""

    pk = models.CompositePrimaryKey("direction", "language", "term")
    direction = models.CharField(max_length=5, choices=Direction)
    language = models.CharField(max_length=10)
    term = models.CharField(max_length=200)
    listings = models.BigIntegerField()
    length = models.BigIntegerField(default=0)  # total length in terms; only in the row of ""

    class Meta:
        # did you mean: the nearest known word to one that nobody wrote
        indexes = [GinIndex(fields=["term"], name="term_frequency_trigrams", opclasses=["gin_trgm_ops"])]

    def __str__(self) -> str:
        return f"{self.term}: {self.listings}"


class LanguageMean(models.Model):
    """The mean vector and the mean length of a language's texts in a role; versions follow the growth of the corpus.

    The mean vector is subtracted before vectors are compared; the mean length is what the weights of words in a
    document are normalised by. Both are frozen in a version, so that rows made at different times can be compared.
    """

    pk = models.CompositePrimaryKey("language", "role", "version")
    language = models.CharField(max_length=10)
    role = models.CharField(max_length=10)  # query: needs; passage: offers
    version = models.PositiveIntegerField()
    model_version = models.CharField(max_length=80)
    texts = models.PositiveIntegerField()
    vectors = models.PositiveIntegerField(default=0)  # of so many of the texts; a platform may begin with words only
    average_length = models.FloatField()
    vector = HalfVectorField()

    def __str__(self) -> str:
        return f"{self.language} {self.role} v{self.version}"


class MatchQuerySet(models.QuerySet["Match"]):
    """Matches, chosen by who is looking."""

    def visible_to(self, viewer: Viewer, at: datetime) -> MatchQuerySet:
        """Matches between two public listings of which the viewer owns one, or all for a reviewer.

        The owner sees matches of the own listing before it is published; the other side must be public.
        """
        public = Listing.objects.public_at(at).values("pk")
        if viewer.sees_everything:
            return self.all()
        mine = Listing.objects.owned_by(viewer).values("pk")
        return self.filter(
            models.Q(need__in=mine, offer__in=public)
            | models.Q(offer__in=mine, need__in=public)
            | models.Q(need__in=mine, offer__in=mine)
        )


class Match(models.Model):
    """A need and an offer that seem to belong together, and why. Derived; judgements are kept elsewhere.

    `parts` are {name, value, weight, contribution}, the contributions sum to `score` (0 to 1); `because` and
    `misfits` are {code, facts}, `missing` are codes. `excluded_by` are the codes of what rules the pair out however
    good its score is. Only public texts enter a match, and a quote is stored as its place, never as its words.
    """

    pk = models.CompositePrimaryKey("need", "offer")
    need = models.ForeignKey(Listing, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    offer = models.ForeignKey(Listing, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    score = models.FloatField()
    parts = models.JSONField(default=list)
    because = models.JSONField(default=list)
    misfits = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    excluded_by = ArrayField(models.CharField(max_length=40), default=list)
    engine_version = models.CharField(max_length=120)
    made_from = models.CharField(max_length=32, blank=True)  # what the reasons are made from; while it is so, they stay
    found_at = models.DateTimeField(default=timezone.now)
    is_told = models.BooleanField(default=False)  # the other side heard of it, or it came with a bulk of others

    objects: ClassVar[MatchQuerySet] = MatchQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = [
            models.Index(fields=["need", "-score"], name="match_need_score"),
            models.Index(fields=["offer", "-score"], name="match_offer_score"),
        ]

    def __str__(self) -> str:
        return f"{self.need_id} - {self.offer_id}: {self.score:.3f}"


class Verdict(models.TextChoices):
    """What a person thinks of a match."""

    INTERESTING = "interesting"
    KNOWN = "known"
    NOT_FOR_US = "not_for_us"


class Judgement(models.Model):
    """What one side said of a match, with the match as it was shown; it outlives the match."""

    need = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    offer = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    verdict = models.CharField(max_length=20, choices=Verdict)
    reason = models.CharField(max_length=40, blank=True)  # vocabulary decline_reason
    note = models.TextField(blank=True)
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    snapshot = models.JSONField(default=dict)
    engine_version = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["need", "offer", "organisation"],
                condition=models.Q(withdrawn_at=None),
                name="judgement_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(verdict=Verdict.NOT_FOR_US) | ~models.Q(reason=""), name="judgement_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id}: {self.verdict}"


class Notice(models.Model):
    """News for an organisation's desk: a new match of one of its listings, a judgement by the other side."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=30)  # match_found, match_judged
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")  # the own listing
    counterpart = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind", "listing", "counterpart"], name="notice_once")
        ]
        indexes = [models.Index(fields=["organisation", "-at"], name="notice_newest")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.organisation_id}"
