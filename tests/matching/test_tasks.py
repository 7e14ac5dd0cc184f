"""Jobs of matching: what a change, an import, the clock and growth set in motion."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from procrastinate.contrib.django.models import ProcrastinateJob

from transferase.catalogue.models import Encumbrance
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.queue import waiting
from transferase.matching import _candidates as candidates
from transferase.matching import receivers, services, tasks
from transferase.matching.models import LanguageMean, ListingIndex, Match, Notice, Sentence

pytestmark = pytest.mark.django_db


def names():
    return list(ProcrastinateJob.objects.filter(status="todo").order_by("id").values_list("task_name", flat=True))


def test_changes_of_one_listing_wait_as_one_job(make_offer):
    offer = make_offer()
    entry = SimpleNamespace(subject=f"catalogue.Listing:{offer.pk}")
    receivers.listing_changed(entry)
    receivers.listing_changed(entry)
    receivers.import_finished(SimpleNamespace(subject="interchange.ImportRun:1", facts={}))
    receivers.import_finished(SimpleNamespace(subject="interchange.ImportRun:2", facts={}))

    assert names() == ["matching.index", "matching.rebuild"]
    assert ProcrastinateJob.objects.first().args == {"listing_id": str(offer.pk)}


def test_indexing_a_listing_leads_to_its_matches_and_new_means(make_offer, make_need, drain):
    offer, need = make_offer(), make_need()
    for listing in (offer, need):
        tasks.index(listing_id=str(listing.pk))
    assert names() == ["matching.propose", "matching.renew", "matching.propose"]

    drain()

    assert Match.objects.get().engine_version.endswith("means 1")
    assert Notice.objects.count() == 1
    assert waiting() == 0


def test_a_few_listings_at_once_are_told_of(make_offer, make_need, drain):
    make_need()
    tasks.rebuild()
    drain()
    offers = [make_offer() for _ in range(3)]
    tasks.rebuild()
    drain()

    assert Match.objects.count() == len(offers)
    assert Notice.objects.count() == len(offers)
    assert Sentence.objects.exists()


def test_a_load_of_listings_is_matched_first_and_quoted_later_and_told_to_nobody(
    make_offer, make_need, drain, monkeypatch
):
    monkeypatch.setattr(tasks, "FEW", 2)
    make_need()
    for _ in range(3):
        make_offer()
    tasks.rebuild()
    drain(limit=2)
    assert names() == ["matching.quote"]
    assert not any(reason["code"] == "sentence_pair" for match in Match.objects.all() for reason in match.because)

    drain()

    assert Match.objects.count() == 3
    assert any(reason["code"] == "sentence_pair" for match in Match.objects.all() for reason in match.because)
    assert not Notice.objects.exists()


def test_the_sweep_takes_up_what_was_left_and_does_nothing_else(make_offer, drain):
    make_offer()
    tasks.sweep(timestamp=0)
    assert ListingIndex.objects.count() == 1
    entries = LanguageMean.objects.count()
    tasks.sweep(timestamp=0)
    drain()
    assert LanguageMean.objects.count() == entries


def test_renewing_means_finds_matches_anew_without_news(make_offer, make_need, index, at):
    index(make_offer(), make_need())
    tasks.renew()
    assert Match.objects.get().is_told is False
    assert not Notice.objects.exists()
    tasks.renew()
    assert LanguageMean.objects.values("version").distinct().count() == 1


def test_the_vector_index_finds_what_the_exact_scan_finds(make_offer, make_need, index, propose, monkeypatch, at):
    offers = [make_offer(), *(make_offer(title=f"Saw {n}", summary=f"A quiet bone saw of kind {n}.") for n in range(5))]
    need = make_need()
    index(*offers, need)
    exact = [(match.offer_id, match.score) for match in propose(need)]
    monkeypatch.setattr(candidates, "EXACT_BELOW", 0)
    assert [(match.offer_id, match.score) for match in propose(need)] == exact
    assert services.propose_all(actor=SYSTEM, at=at) == len(exact) == 1


def test_rights_that_end_by_the_clock_bring_a_match_back(make_offer, make_need, drain, at):
    offer, need = make_offer(), make_need()
    Encumbrance.objects.create(
        listing=offer, exclusivity="exclusive", starts_at=at - timedelta(days=9), ends_at=at + timedelta(hours=1)
    )
    with time_machine.travel(at, tick=False) as clock:
        for listing in (offer, need):
            tasks.index(listing_id=str(listing.pk))
        drain()
        assert Match.objects.get().excluded_by == ["rights_taken"]

        clock.move_to(at + timedelta(hours=2))
        tasks.sweep(timestamp=0)
        drain()
        assert Match.objects.get().excluded_by == []
        tasks.sweep(timestamp=0)
        assert names() == []
