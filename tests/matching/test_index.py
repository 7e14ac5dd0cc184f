"""Rows of the index: what is embedded, what is only counted, what is never done twice, and how means are renewed."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.matching.conftest import ALGAE, BATTERY
from transferase.catalogue.models import Classification, State
from transferase.directory.rules import ANYONE
from transferase.engine.ranking import Lexicon, Role, load_embedder
from transferase.engine.text import words
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry
from transferase.matching import _model as model
from transferase.matching import queries, services
from transferase.matching._texts import whole
from transferase.matching.models import LanguageMean, ListingIndex, Sentence, TermFrequency

pytestmark = pytest.mark.django_db


@pytest.fixture
def embedded(monkeypatch):
    """The texts that were embedded, in order: the real model still does the work."""
    told = []
    real = model.embed

    def watching(texts, role, of=None):
        told.extend((str(role), text) for text in texts)
        return real(texts, role, of)

    monkeypatch.setattr(model, "embed", watching)
    return told


def test_originals_have_vectors_and_sentences_machine_made_texts_have_words_only(make_offer, index):
    offer = make_offer(
        texts=[
            {
                "language": "ko",
                "origin": "machine",
                "title": "해양 미세조류 광생물반응기",
                "summary": "밀도가 두 배이다.",
            },
            {
                "language": "zh-Hans",
                "origin": "human",
                "title": "海洋微藻光生物反应器",
                "summary": "培养密度是开放式池塘的两倍以上。",
            },
        ]
    )
    index(offer)

    rows = {row.language: row for row in ListingIndex.objects.all()}
    assert {language: row.raw is not None for language, row in rows.items()} == {
        "en": True,
        "ko": False,
        "zh-Hans": True,
    }
    assert rows["ko"].is_machine_made
    assert rows["ko"].length > 0
    assert [language for language, row in rows.items() if row.is_lead] == ["en"]
    assert set(Sentence.objects.values_list("language", flat=True)) == {"en", "zh-Hans"}
    assert all(row.is_quotable for row in rows.values())


def test_a_long_need_is_embedded_in_parts_and_as_a_whole(make_need, index):
    sentence = "We look for a photobioreactor that grows marine microalgae in seawater on a large scale. "
    need = make_need(language="en", title="Microalgae", summary="In short.", texts=[])
    need.texts.update(description=sentence * 40)
    index(need)

    rows = list(ListingIndex.objects.order_by("part"))
    assert len(rows) > 3
    mean = np.mean([row.raw for row in rows[1:]], axis=0)
    assert np.dot(rows[0].raw, mean / np.linalg.norm(mean)) == pytest.approx(1, abs=1e-3)
    assert [bool(row.length) for row in rows] == [True] + [False] * (len(rows) - 1)
    assert [row.is_lead for row in rows] == [True] + [False] * (len(rows) - 1)


def test_nothing_is_embedded_twice(make_offer, index, embedded):
    offer = make_offer()
    index(offer)
    assert len(embedded) == 3, "the text and two sentences"
    embedded.clear()

    Classification.objects.create(listing=offer, scheme="ipc", code="C12M 1/00")
    offer.trl_low, offer.trl_high, offer.version = 4, 5, offer.version + 1
    offer.save()
    index(offer)
    assert embedded == []
    row = ListingIndex.objects.get()
    assert (row.trl_low, row.ipc, row.listing_version, row.is_quotable) == (4, ["C12M 1/00"], offer.version, True)

    offer.texts.update(summary=ALGAE["summary"] + " It is cleaned in place.")
    offer.version += 1
    offer.save()
    index(offer)
    assert [role for role, _ in embedded] == ["passage", "sentence"]


def test_a_change_of_reach_leaves_words_and_vectors_as_they_are(make_offer, index, embedded):
    offer = make_offer()
    index(offer)
    embedded.clear()
    assert TermFrequency.objects.get(term="photobioreactor").listings == 1

    offer.state = State.PAUSED
    offer.save()
    index(offer)

    assert embedded == []
    assert not ListingIndex.objects.get().is_open
    assert TermFrequency.objects.get(term="photobioreactor").listings == 0


def test_words_are_counted_for_public_texts_of_open_listings(make_offer, make_need, index):
    nda = {"language": "en", "tier": "nda", "summary": "A bridged zirconocene."}
    index(make_offer(texts=[nda]), make_offer(state=State.DRAFT), make_need(language="en", **ALGAE))

    counted = {(row.direction, row.term): row.listings for row in TermFrequency.objects.filter(term__in=["", "seawat"])}
    assert counted == {("offer", ""): 1, ("offer", "seawat"): 1, ("need", ""): 1, ("need", "seawat"): 1}
    assert not TermFrequency.objects.filter(term__startswith="zircon").exists()


def test_counting_in_steps_and_counting_anew_agree(make_offer, make_need, index, at):
    offers = [make_offer(), make_offer(language="zh-Hans", **BATTERY), make_offer()]
    index(*offers, make_need())
    offers[0].delete()
    index(offers[0])
    offers[2].texts.update(title="Bone saw")
    type(offers[2]).objects.filter(pk=offers[2].pk).update(version=2)
    index(offers[2])
    in_steps = set(
        TermFrequency.objects.filter(listings__gt=0).values_list("direction", "language", "term", "listings")
    )

    services.renew_means(actor=SYSTEM, at=at, is_forced=True)

    assert set(TermFrequency.objects.values_list("direction", "language", "term", "listings")) == in_steps


def test_renewed_rows_are_those_that_indexing_anew_would_make(make_offer, make_need, index, at, embedded):
    index(make_offer(), make_offer(language="zh-Hans", **BATTERY), make_need())
    embedded.clear()

    assert services.renew_means(actor=SYSTEM, at=at) == 3
    assert embedded == []
    assert LanguageMean.objects.filter(version=1).count() == 9
    renewed = {row.pk: row for row in ListingIndex.objects.all()}
    listings = {row.listing_id for row in renewed.values()}
    ListingIndex.objects.all().delete()
    services.index_batch(actor=SYSTEM, listing_ids=sorted(listings), at=at)

    for row in ListingIndex.objects.all():
        other = renewed[row.pk]
        assert row.means_version == other.means_version == 1
        assert np.allclose(row.centred, other.centred, atol=2e-3)
        assert row.words.indices() == other.words.indices()
        assert np.allclose(row.words.values(), other.words.values(), rtol=1e-4)
        assert row.attainable == pytest.approx(other.attainable, rel=1e-6)


def test_means_are_renewed_when_the_texts_have_grown_by_a_fifth(make_offer, index, at):
    index(*[make_offer() for _ in range(10)])
    assert services.renew_means(actor=SYSTEM, at=at) == 10
    index(make_offer(), make_offer())
    assert services.renew_means(actor=SYSTEM, at=at) == 0
    index(make_offer())
    assert services.renew_means(actor=SYSTEM, at=at) == 13
    assert set(LanguageMean.objects.values_list("version", flat=True)) == {1, 2}
    assert LedgerEntry.objects.filter(action="matching.means.renewed").count() == 2


def test_the_weights_of_words_are_bm25(make_offer, index, at):
    offers = [make_offer(), make_offer(title="Algae pond", summary="An open pond for algae and shrimp farming.")]
    index(*offers)
    services.renew_means(actor=SYSTEM, at=at)

    said = {offer.pk: words(whole(offer.texts.get()), "en") for offer in offers}
    lexicon = Lexicon.of(said.values())
    for row in ListingIndex.objects.all():
        expected = lexicon.document_weights(said[row.listing_id])
        assert sorted(row.words.values()) == pytest.approx(sorted(expected.values()), abs=1e-4)


def test_rebuild_indexes_what_is_missing_or_stale_and_nothing_else(make_offer, make_need, at, embedded):
    offer, need = make_offer(), make_need()
    gone = make_offer()
    progress = []
    assert services.rebuild(actor=SYSTEM, at=at, progress=lambda *step: progress.append(step)) == 3
    assert progress == [(3, 3)]
    assert services.rebuild(actor=SYSTEM, at=at) == 0

    embedded.clear()
    type(offer).objects.filter(pk=offer.pk).update(version=9)
    type(need).objects.filter(pk=need.pk).update(visible_until=offer.visible_until + timedelta(days=9))
    gone.delete()
    assert services.rebuild(actor=SYSTEM, at=at) == 3
    assert embedded == []
    assert set(ListingIndex.objects.values_list("listing_id", flat=True)) == {offer.pk, need.pk}


def test_shares_of_a_rebuild_are_disjoint_and_whole(make_offer, at):
    for _ in range(12):
        make_offer()
    done = [services.rebuild(actor=SYSTEM, at=at, share=(number, 3)) for number in range(3)]
    assert sum(done) == 12
    assert max(done) < 12


def test_without_quotes_listings_are_found_first_and_quoted_later(make_offer, at, embedded):
    offer = make_offer()
    services.rebuild(actor=SYSTEM, at=at, with_quotes=False)
    assert {role for role, _ in embedded} == {"passage"}
    assert queries.search(viewer=ANYONE, at=at, text="microalgae").hits[0].listing_id == offer.pk
    assert not Sentence.objects.exists()

    assert services.quote_all(actor=SYSTEM, at=at) == 1
    assert services.quote_all(actor=SYSTEM, at=at) == 0
    assert Sentence.objects.count() == 2


def test_without_a_model_words_are_indexed_and_meaning_follows(settings, make_offer, at):
    settings.EMBEDDING = "none"
    offer = make_offer()
    services.rebuild(actor=SYSTEM, at=at)
    assert ListingIndex.objects.get().raw is None
    result = queries.search(viewer=ANYONE, at=at, text="microalgae")
    assert ([hit.listing_id for hit in result.hits], result.meaning_is_available) == ([offer.pk], False)
    assert queries.status().model == ""

    settings.EMBEDDING = ""
    assert services.rebuild(actor=SYSTEM, at=at) == 1
    assert ListingIndex.objects.get().raw is not None
    status = queries.status()
    assert (status.listings, status.with_meaning, status.means_version) == (1, 1, 2)
    assert status.model.startswith("multilingual-e5-small")


def test_the_vector_of_an_offer_is_that_of_the_engine(make_offer, index, settings):
    offer = make_offer()
    index(offer)
    text = "\n".join(ALGAE.values())
    expected = load_embedder(settings.EMBEDDING_CACHE).embed([text], Role.PASSAGE)[0]
    assert np.dot(ListingIndex.objects.get().raw, expected) == pytest.approx(1, abs=1e-3)


def test_only_the_platform_and_operators_may_index(make_offer, make_person, at):
    offer = make_offer()
    member = make_person(organisation=offer.owner)
    for act in (services.rebuild, services.propose_all, services.renew_means, services.quote_all):
        with pytest.raises(NotAllowed):
            act(actor=member, at=at)
    assert services.index_listing(actor=make_person(role="operator"), listing_id=offer.pk, at=at) == 1


def test_an_unknown_model_setting_leaves_the_running_index_as_it_is(settings, make_offer, index, at):
    index(make_offer())
    settings.EMBEDDING = "abacus"
    assert not services.begin_model(actor=SYSTEM, at=at)
    assert queries.search(viewer=ANYONE, at=at, text="microalgae").meaning_is_available
    assert "abacus" in model.trouble("abacus")
