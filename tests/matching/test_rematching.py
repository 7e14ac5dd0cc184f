"""A full rematch finds what each need finds for itself, with the offers read once for many needs."""

from __future__ import annotations

import pytest

from tests.matching.conftest import ALGAE_WANTED_EN, BATTERY
from transferase.catalogue.models import State
from transferase.foundation.ledger import SYSTEM
from transferase.matching import _editions as editions
from transferase.matching import _rematching as rematching
from transferase.matching import _scoring as scoring
from transferase.matching import _statistics as statistics
from transferase.matching import services, tasks
from transferase.matching._candidates import Question, find
from transferase.matching._reach import public_reach
from transferase.matching.models import Match

pytestmark = pytest.mark.django_db

KINDS = ("algae", "battery", "saw", "wheat", "antenna", "enzyme")


@pytest.fixture
def many(make_offer, make_need, index):
    """Some offers of several kinds, some of them not open, and needs in two languages."""
    offers = [
        make_offer(title=f"{kind} {n}", summary=f"A {kind} of kind {n} that works at {10 * n} degrees in the field.")
        for kind in KINDS
        for n in range(3)
    ]
    hidden = [make_offer(title="algae paused", state=State.PAUSED), make_offer(title="algae draft", state=State.DRAFT)]
    chinese = make_offer(language="zh-Hans", **BATTERY)
    needs = [make_need(), make_need(language="en", **ALGAE_WANTED_EN), make_need(language="en", title="A quiet saw")]
    index(*offers, *hidden, chinese, *needs)
    return needs, [*offers, chinese]


def test_what_is_near_to_many_is_what_each_finds(many, at):
    needs, offers = many
    now = statistics.current()
    near = rematching.near_offers([need.pk for need in needs], now.edition, at, candidates=5)

    assert set(near) == {need.pk for need in needs}
    for need in needs:
        subject = scoring.subject_of(need.pk, now)
        vectors = {row.language: row.vector for row in subject.rows}
        question = Question("offer", vectors, {}, now.model_version, conditions="i.part = 0")
        assert set(near[need.pk]) == {row.listing_id for row in find(question, public_reach(at), candidates=5)}
    everything = rematching.near_offers([needs[0].pk], now.edition, at)
    assert set(everything[needs[0].pk]) == {offer.pk for offer in offers}


def test_a_block_finds_the_matches_that_each_need_finds(many, at, monkeypatch):
    needs, _ = many
    for need in needs:
        services.propose(actor=SYSTEM, listing_id=need.pk, at=at)
    alone = {match.pk: (match.score, match.because) for match in Match.objects.all()}
    assert alone
    Match.objects.all().delete()

    monkeypatch.setattr(rematching, "WORTH_IT", 1)
    found = services.propose_block(actor=SYSTEM, listing_ids=[need.pk for need in needs], at=at)

    assert found == len(alone)
    assert {match.pk: (match.score, match.because) for match in Match.objects.all()} == alone


def test_nothing_is_near_in_an_empty_index(db, make_need, at):
    need = make_need()
    assert rematching.near_offers([need.pk], editions.running(), at) == {}


def test_vectors_of_another_edition_are_not_read(many, at):
    before = editions.running()
    services.renew_means(actor=SYSTEM, at=at, is_forced=True)
    with pytest.raises(editions.EditionChanged):
        rematching.near_offers([many[0][0].pk], before, at)


def test_a_large_rematch_is_given_out_in_blocks(many, at, drain, monkeypatch):
    monkeypatch.setattr(tasks, "FEW", 1)
    monkeypatch.setattr(tasks, "NEEDS_BLOCK", 2)
    tasks.reweigh()
    assert not Match.objects.exists()
    assert drain() == 3
    assert Match.objects.exists()


def test_reasons_are_looked_for_again_only_where_a_text_changed(many, index, at, monkeypatch):
    needs, _ = many
    services.propose_all(actor=SYSTEM, at=at)
    before = {match.pk: match.because for match in Match.objects.all()}
    asked = []
    reasons = scoring.Sides.reasons

    def watching(self, need, offer, facts):
        asked.append((need, offer))
        return reasons(self, need, offer, facts)

    monkeypatch.setattr(scoring.Sides, "reasons", watching)
    services.renew_means(actor=SYSTEM, at=at, is_forced=True)
    services.propose_all(actor=SYSTEM, at=at)
    after = {match.pk: match.because for match in Match.objects.all()}
    still = before.keys() & after.keys()
    assert still
    assert not set(asked) & still
    assert {pair: after[pair] for pair in still} == {pair: before[pair] for pair in still}
    assert {match.engine_version.rpartition(" ")[2] for match in Match.objects.all()} == {"1"}

    asked.clear()
    changed = needs[1]
    changed.texts.update(summary=ALGAE_WANTED_EN["summary"] + " It must be cleaned in place.")
    type(changed).objects.filter(pk=changed.pk).update(version=2)
    index(changed)
    services.propose_all(actor=SYSTEM, at=at)
    assert {pair for pair in asked if pair in after} == {pair for pair in after if pair[0] == changed.pk}
