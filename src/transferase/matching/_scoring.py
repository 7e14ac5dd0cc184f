"""Pairs of a need and an offer: what is compared, the score, and the reasons with their quotes.

Whichever side one looks from, the need is the question and the offer the document, so a pair has one score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import Prefetch, Q

from transferase.catalogue.models import (
    Classification,
    Direction,
    Encumbrance,
    Listing,
    ListingText,
    Origin,
    Scheme,
    Tier,
)
from transferase.engine.ranking import (
    Grant,
    NeedFacts,
    OfferFacts,
    Quote,
    Reason,
    Role,
    Score,
    Side,
    evidence_pairs,
    explain,
    load_weights,
    score_pair,
)
from transferase.engine.text import placed_words
from transferase.foundation.languages import LANGUAGES
from transferase.matching._fits import Subject as Subject
from transferase.matching._fits import TextFit as TextFit
from transferase.matching._fits import TextRow as TextRow
from transferase.matching._fits import meaning_of
from transferase.matching._fits import nearest as nearest
from transferase.matching._fits import subject_of as subject_of
from transferase.matching._fits import text_fits as text_fits
from transferase.matching._indexing import INDEXED_STATES
from transferase.matching._statistics import lexicon
from transferase.matching._texts import fields_of, quoted_digest
from transferase.matching._weights import weights_in_force
from transferase.matching.models import Sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from uuid import UUID

    from numpy.typing import NDArray

    from transferase.catalogue.rules import ListingDraft
    from transferase.engine.ranking import Lexicon, Weights
    from transferase.matching._statistics import Statistics

NEVER_SHOWN = frozenset({"same_owner", "hold"})


def words_that_count(fit: TextFit) -> float | None:
    """The share of words, or None where a translation says less than the vectors of what people wrote.

    A machine-made text may lift a pair, never lower it: it is shorter than what it translates. Where people wrote both
    in one language, their words count anyway, and a translation that shares more can only lift them.
    """
    if fit.words is None or fit.closeness is None or fit.is_written or not fit.is_machine_made:
        return fit.words
    meaning = meaning_of(fit.closeness, across=fit.is_across)
    return fit.words if load_weights().words.value(fit.words) >= meaning else None


def score_of(need: NeedFacts, offer: OfferFacts, fit: TextFit, weights: Weights | None = None) -> Score:
    """The score of a need and an offer whose texts fit so, by the weights in force unless others are given."""
    in_force = weights or weights_in_force()
    if fit.words is None:
        return score_pair(need, offer, fit.closeness, fit.crossed, in_force, across=fit.is_across, crossed=True)
    score = score_pair(need, offer, fit.closeness, words_that_count(fit), in_force, across=fit.is_across)
    # A translation whose words count for nothing was compared all the same.
    return replace(score, missing=tuple(code for code in score.missing if code != "words"))


# ---------------------------------------------------------------- facts


@dataclass
class Facts:
    """What listings state, read once for a run of comparisons."""

    at: datetime
    held: dict[UUID, NeedFacts | OfferFacts] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Weights:
        """The weights in force, the same for the whole run."""
        return weights_in_force()

    def read(self, listings: Iterable[UUID]) -> None:
        """Read what is not held yet; a listing that is over states nothing and is left out."""
        wanted = [listing for listing in listings if listing not in self.held]
        if not wanted:
            return
        in_force = Encumbrance.objects.filter(Q(ends_at=None) | Q(ends_at__gt=self.at), starts_at__lte=self.at)
        codes = Classification.objects.filter(scheme__in=(Scheme.IPC, Scheme.CPC)).order_by("-scheme", "pk")
        rows = (
            Listing.objects.filter(pk__in=wanted, state__in=INDEXED_STATES)
            .select_related("owner")
            .prefetch_related(Prefetch("classifications", codes), Prefetch("encumbrances", in_force))
        )
        self.held.update({listing.pk: facts_of(listing) for listing in rows})

    def score(self, need: UUID, offer: UUID, fit: TextFit) -> Score | None:
        """The score of a pair, or None when one of the two is over."""
        asked, given = self.held.get(need), self.held.get(offer)
        if not isinstance(asked, NeedFacts) or not isinstance(given, OfferFacts):
            return None
        return score_of(asked, given, fit, self.weights)


def facts_of(listing: Listing) -> NeedFacts | OfferFacts:
    """What a listing states, in the form that the ranking weighs."""
    ipc = tuple(dict.fromkeys(row.code for row in listing.classifications.all()))
    grants = tuple(Grant(row.exclusivity, row.territory, row.field) for row in listing.encumbrances.all())
    return stated(listing, ipc, str(listing.owner_id), listing.owner.kind, grants)


def stated(
    content: Listing | ListingDraft,
    ipc: tuple[str, ...],
    owner: str = "",
    owner_kind: str = "",
    grants: tuple[Grant, ...] = (),
) -> NeedFacts | OfferFacts:
    """What a listing or a draft of one states; both name their fields alike."""
    kind = NeedFacts if content.direction == Direction.NEED else OfferFacts
    facts = kind(
        trl_low=content.trl_low,
        trl_high=content.trl_high,
        ipc=ipc,
        transfer_modes=frozenset(content.transfer_modes),
        exclusivity=content.exclusivity,
        country=content.country,
        territory=frozenset(content.territory),
        excluded_countries=frozenset(content.excluded_countries),
        partner_kinds=frozenset(content.partner_kinds),
        owner=owner,
        owner_kind=owner_kind,
    )
    return replace(facts, grants=grants) if isinstance(facts, OfferFacts) else facts


# ---------------------------------------------------------------- reasons


@dataclass
class Sides:
    """The public texts and sentences of listings, made ready for quoting, once for a run of comparisons."""

    statistics: Statistics
    texts: dict[UUID, dict[str, ListingText]] = field(default_factory=dict)
    sentences: dict[UUID, tuple[tuple[Quote, ...], NDArray[np.float32]]] = field(default_factory=dict)
    made: dict[tuple[UUID, str], Side] = field(default_factory=dict)
    lexicons: dict[tuple[UUID, str], Lexicon] = field(default_factory=dict)

    def read(self, listings: Collection[UUID]) -> None:
        """Read what is not held yet."""
        wanted = [listing for listing in listings if listing not in self.texts]
        if not wanted:
            return
        self.texts.update({listing: {} for listing in wanted})
        for text in ListingText.objects.filter(listing__in=wanted, tier=Tier.PUBLIC).order_by("pk"):
            self.texts[text.listing_id][text.language] = text
        rows: dict[UUID, list[tuple[Quote, NDArray[np.float32]]]] = {listing: [] for listing in wanted}
        version = self.statistics.model_version
        for row in Sentence.objects.filter(listing__in=wanted, tier=Tier.PUBLIC, model_version=version).order_by(
            "language", "number"
        ):
            source = self.texts[row.listing_id].get(row.language)
            said = str(getattr(source, row.field, ""))[row.start : row.end]
            if quoted_digest(said) == row.digest:
                quote = Quote(row.field, row.language, row.start, row.end, said)
                vector = np.asarray(row.raw, np.float32)
                rows[row.listing_id].append((quote, self.statistics.centred(vector, row.language, Role.SENTENCE)))
        for listing, found in rows.items():
            shape = len(found), self.statistics.edition.dimension
            vectors = np.array([vector for _, vector in found], np.float32).reshape(shape)
            self.sentences[listing] = (tuple(quote for quote, _ in found), vectors)

    def original(self, listing: UUID) -> ListingText:
        """The public text that a person wrote, of those that were read."""
        texts = self.texts[listing].values()
        return min(texts, key=lambda text: (text.is_machine_made, text.origin != Origin.ORIGINAL, text.pk))

    def side(self, listing: UUID, language: str) -> Side:
        """A listing as one side of a comparison of words in one language."""
        key = (listing, language)
        if key not in self.made:
            text = self.texts[listing].get(language)
            said = {"title": text.title, **fields_of(text)} if text else {}
            self.made[key] = Side(language, said)
        return self.made[key]

    def quoting_side(self, listing: UUID) -> Side:
        """A listing as one side of a comparison of the sentences that people wrote."""
        quotes, vectors = self.sentences[listing]
        return Side(quotes[0].language if quotes else "", {}, quotes, vectors)

    def languages(self, need: UUID, offer: UUID) -> list[str]:
        """The languages in which the words of a pair are compared: all that both have, translations included.

        Those in which people wrote both come first, then the one that the need was written in.
        """
        asked, given = self.texts[need], self.texts[offer]
        own = self.original(need).language if asked else ""
        both = [language for language in LANGUAGES if language in asked and language in given]
        return sorted(
            both,
            key=lambda one: (asked[one].is_machine_made or given[one].is_machine_made, one != own),
        )

    def reasons(self, need: UUID, offer: UUID, facts: Facts) -> tuple[Reason, ...]:
        """Why a need and an offer belong together: sentences, shared words by language, stated facts that fit."""
        return (*self._sentence_pairs(need, offer), *self.said(need, offer, facts))

    def said(self, need: UUID, offer: UUID, facts: Facts) -> tuple[Reason, ...]:
        """The reasons for a need and an offer apart from their sentences."""
        asked, given = facts.held[need], facts.held[offer]
        if not isinstance(asked, NeedFacts) or not isinstance(given, OfferFacts):
            raise TypeError("a need is explained with an offer")
        stated_facts = explain(asked, given, Side("", {}), Side("", {}), load_weights())
        found = [*self._shared_concepts(need, offer)]
        for language in self.languages(need, offer):
            known = self._lexicon(need, language)
            sides = self.side(need, language), self.side(offer, language)
            found += [
                Reason(reason.code, {"language": language, **reason.facts})
                for reason in explain(asked, given, *sides, load_weights(), idf=known.idf, is_common=known.is_common)
                if reason.code == "shared_terms"
            ]
        return (*found, *stated_facts)

    def _shared_concepts(self, need: UUID, offer: UUID) -> tuple[Reason, ...]:
        """Terms of the glossary that both say in the languages they were written in, where no language is shared."""
        asked, given = self.original(need).language, self.original(offer).language
        if self.languages(need, offer) or asked == given:
            return ()
        sides = self.side(need, asked), self.side(offer, given)
        terms = {word.term for said in sides[1].texts.values() for word in placed_words(said, given)}
        known = lexicon(Direction.OFFER, given, terms, self.statistics)
        return explain(NeedFacts(), OfferFacts(), *sides, load_weights(), idf=known.idf, is_common=known.is_common)

    def is_unexplained(self, need: UUID, offer: UUID, reasons: Sequence[Reason]) -> bool:
        """Whether nothing shows why the two belong together; as long as sentences are not embedded nobody knows."""
        sides = self.quoting_side(need), self.quoting_side(offer)
        if not all(side.quotes for side in sides) or any(reason.code != "sentence_pair" for reason in reasons):
            return False
        return not evidence_pairs(*sides, load_weights(), most=1)

    def _sentence_pairs(self, need: UUID, offer: UUID) -> tuple[Reason, ...]:
        # A match always shows what both sides say that comes nearest, however far apart that is.
        sides = self.quoting_side(need), self.quoting_side(offer)
        weights = load_weights()
        if not evidence_pairs(*sides, weights, most=1):
            weights = replace(weights, evidence_least=-1.0, evidence_least_across=-1.0)
            return explain(NeedFacts(), OfferFacts(), *sides, weights)[:1]
        return explain(NeedFacts(), OfferFacts(), *sides, weights)

    def _lexicon(self, need: UUID, language: str) -> Lexicon:
        key = (need, language)
        if key not in self.lexicons:
            subject = subject_of(need, self.statistics)
            terms = next((row.terms for row in subject.rows if row.language == language), ()) if subject else ()
            self.lexicons[key] = lexicon(Direction.OFFER, language, terms, self.statistics)
        return self.lexicons[key]


def stored_reasons(reasons: Iterable[Reason]) -> list[dict[str, object]]:
    """Reasons as a match keeps them: a quote is its place and a digest, never the words themselves."""
    return [{"code": reason.code, "facts": _without_words(reason.facts)} for reason in reasons]


def _without_words(value: object) -> object:
    if isinstance(value, Mapping):
        if {"field", "start", "end", "text"} <= value.keys():
            kept = {name: fact for name, fact in value.items() if name != "text"}
            return {**kept, "digest": quoted_digest(str(value["text"]))}
        return {name: _without_words(fact) for name, fact in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_words(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def stored_parts(score: Score) -> list[dict[str, object]]:
    """The parts of a score as a match keeps them; their contributions sum to it."""
    return [asdict(part) for part in score.parts]


def stored_misfits(score: Score) -> list[dict[str, object]]:
    """What speaks against a pair as a match keeps it."""
    return [{"code": misfit.code, "facts": dict(misfit.facts)} for misfit in score.misfits]
