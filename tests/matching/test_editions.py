"""Another edition of the index beside the running one: begun, filled by anybody, killed, given up, switched."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from django.db import connection

from tests.matching.conftest import ALGAE, ALGAE_WANTED_EN, BATTERY
from transferase.catalogue.models import Listing, State
from transferase.directory.rules import ANYONE
from transferase.engine.ranking import MODEL_VERSION
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry
from transferase.matching import _candidates as candidates
from transferase.matching import _editions as editions
from transferase.matching import _model as model
from transferase.matching import _search as search
from transferase.matching import _statistics as statistics
from transferase.matching import queries, services, tasks
from transferase.matching._reach import public_reach
from transferase.matching.models import Edition, LanguageMean, ListingIndex, Match, Sentence
from transferase.matching.services import _editions as making

SIZE = 24
PATIENCE = 60


def vector_of(text):
    """The words of a text, hashed into a few numbers."""
    vector = np.zeros(SIZE)
    for word in text.lower().split():
        told = hashlib.sha256(word.strip(".,").encode()).digest()
        vector[told[0] % SIZE] += 1 if told[1] % 2 else -1
    return [*vector[:-1], vector[-1] + 0.1]


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint that counts what it embeds; it may be told to fail, or to hold an answer until it is let go."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.guard:
            self.server.batches += 1
            is_held = self.server.batches == self.server.holds_at
        if is_held:
            self.server.held.set()
            self.server.let_go.wait(PATIENCE)
        status = self.server.status
        if status == 200 and not is_held:
            with self.server.guard:
                self.server.embedded.update(body["input"])
        data = [{"index": n, "embedding": vector_of(text)} for n, text in enumerate(body["input"])]
        told = json.dumps({"data": data}).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)
        except OSError:
            """Whoever asked is gone."""

    def log_message(self, *told):
        """Say nothing."""


@pytest.fixture
def endpoint(settings):
    """Another model, wanted from now on when a test sets it: `settings.EMBEDDING = endpoint.address`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = False
    server.guard, server.embedded, server.batches = threading.Lock(), Counter(), 0
    server.status, server.holds_at = 200, 0
    server.held, server.let_go = threading.Event(), threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}/v1#little"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.let_go.set()
    for key in [key for key in model._loaded if key.startswith(server.address)]:
        model._loaded.pop(key).close()
    model._failed.clear()
    model._silent.clear()
    server.shutdown()
    thread.join()
    server.server_close()


def running():
    return queries.status().model_version


# ---------------------------------------------------------------- another model


@pytest.mark.django_db
def test_the_running_edition_answers_until_the_next_is_whole(
    endpoint, settings, make_offer, make_need, index, propose, at, monkeypatch
):
    monkeypatch.setattr(making, "FEW_LEFT", 0)
    offer, need = make_offer(), make_need(language="en", **ALGAE_WANTED_EN)
    other = make_offer(title="Bone saw", summary="A quiet saw for surgeons that cuts bone and spares soft tissue.")
    index(offer, need, other)
    propose(need)
    services.renew_means(actor=SYSTEM, at=at)
    first = editions.running()

    settings.EMBEDDING = endpoint.address
    services.begin_model(actor=SYSTEM, at=at)
    number = queries.edition_progress().number
    services.fill_batch(actor=SYSTEM, number=number, listing_ids=[offer.pk, need.pk], at=at)
    progress = queries.edition_progress()
    assert (progress.listings, progress.done, progress.since, progress.trouble) == (3, 2, at, "")
    assert not services.finish(actor=SYSTEM, number=number, at=at)
    assert editions.running() == first
    assert queries.search(viewer=ANYONE, at=at, text="microalgae").hits[0].listing_id == offer.pk
    assert [match.offer_id for match in propose(need)] == [offer.pk]
    assert {len(row.raw) for row in ListingIndex.objects.all()} == {384}

    index(make_offer(language="zh-Hans", **BATTERY))  # published meanwhile
    assert services.build(actor=SYSTEM, at=at) == 4
    assert "little" in running()
    rows = list(ListingIndex.objects.all())
    assert {(len(row.raw), row.model_version) for row in rows} == {(SIZE, running())}
    assert {row.means_version for row in rows} == {statistics.current().version}
    assert {len(row.raw) for row in Sentence.objects.all()} == {SIZE}
    assert set(LanguageMean.objects.values_list("model_version", flat=True)) == {running()}
    assert not editions.exists(editions.NEXT.index)
    assert not editions.exists(editions.NEXT.sentences)
    assert max(endpoint.embedded.values()) == 1, "no text is embedded twice"
    hit = queries.search(viewer=ANYONE, at=at, text="closed photobioreactor microalgae", direction="offer").hits[0]
    assert hit.listing_id == offer.pk
    assert "close_meaning" in {reason.code for reason in hit.because}
    assert "endpoint" in queries.status().model
    match = propose(need)[0]
    assert (match.offer_id, match.need_id) == (offer.pk, need.pk)
    assert any(reason["code"] == "sentence_pair" for reason in match.because)


@pytest.mark.django_db
def test_the_index_of_the_new_edition_is_that_of_the_running_one(endpoint, settings, make_offer, index, at):
    def indexes():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexdef FROM pg_indexes WHERE tablename IN (%s, %s) ORDER BY 1",
                [editions.RUNNING.index, editions.RUNNING.sentences],
            )
            return [row[0] for row in cursor.fetchall()]

    before = indexes()
    index(make_offer())
    settings.EMBEDDING = endpoint.address
    services.begin_model(actor=SYSTEM, at=at)
    assert services.build(actor=SYSTEM, at=at) == 1
    assert indexes() == before
    services.renew_means(actor=SYSTEM, at=at, is_forced=True)
    assert indexes() == before


@pytest.mark.django_db
def test_a_new_platform_begins_with_the_model_that_is_wanted(endpoint, settings, make_offer, drain, at):
    settings.EMBEDDING = endpoint.address
    make_offer()
    tasks.rebuild()
    drain()
    assert "little" in running()
    assert {len(row.raw) for row in ListingIndex.objects.all()} == {SIZE}


@pytest.mark.django_db
def test_a_model_that_does_not_answer_leaves_the_running_index_as_it_is(
    endpoint, settings, make_offer, index, drain, at
):
    offer = make_offer()
    index(offer)
    endpoint.status = 500
    settings.EMBEDDING = endpoint.address
    tasks.sweep(timestamp=0)
    drain()
    status = queries.status()
    assert status.model_version == MODEL_VERSION
    assert status.building.trouble
    assert queries.search(viewer=ANYONE, at=at, text="microalgae").meaning_is_available

    settings.EMBEDDING = ""
    tasks.sweep(timestamp=0)
    assert queries.status().building is None
    assert LedgerEntry.objects.filter(action="matching.edition.given_up").count() == 1


@pytest.mark.django_db
def test_a_model_that_falls_silent_in_the_middle_is_told_of_and_taken_up_again(
    endpoint, settings, make_offer, index, at
):
    offers = [make_offer(title=f"Offer {n}") for n in range(3)]
    index(*offers)
    settings.EMBEDDING = endpoint.address
    services.begin_model(actor=SYSTEM, at=at)
    number = queries.edition_progress().number
    services.fill_batch(actor=SYSTEM, number=number, listing_ids=[offers[0].pk], at=at)
    endpoint.status = 500
    assert services.build(actor=SYSTEM, at=at) == 0
    assert (queries.edition_progress().done, running()) == (1, MODEL_VERSION)
    assert queries.edition_progress().trouble

    endpoint.status = 200
    model._silent.clear()
    assert services.build(actor=SYSTEM, at=at) == 3
    assert max(endpoint.embedded.values()) == 1


@pytest.mark.django_db
def test_blocks_are_jobs_that_any_worker_takes(
    endpoint, settings, make_offer, make_need, index, drain, at, monkeypatch
):
    monkeypatch.setattr(tasks, "FEW", 1)
    monkeypatch.setattr(tasks, "BLOCK", 2)
    need = make_need(language="en", **ALGAE_WANTED_EN)
    index(*[make_offer(title=f"Photobioreactor {n}") for n in range(5)], need)
    settings.EMBEDDING = endpoint.address
    tasks.renew()
    assert running() == MODEL_VERSION
    drain()
    assert "little" in running()
    assert Match.objects.exists()
    assert max(endpoint.embedded.values()) == 1


BUILDER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "transferase.settings"
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from django.utils import timezone
from transferase.foundation.ledger import SYSTEM
from transferase.matching import services
from transferase.matching.services import _editions as making
making.BATCH = 2
services.build(actor=SYSTEM, at=timezone.now())
"""


@pytest.fixture
def builder(endpoint, settings, at):
    """A process of its own that builds the edition; killed at the latest with the test."""
    started = []

    def start():
        environment = {**os.environ, "TRANSFERASE_EMBEDDING": endpoint.address}
        command = [sys.executable, "-c", BUILDER, connection.settings_dict["NAME"]]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    # The tables keep the length of their vectors when they are emptied for the next test.
    Listing.objects.all().delete()
    settings.EMBEDDING = ""
    services.begin_model(actor=SYSTEM, at=at)
    services.build(actor=SYSTEM, at=at)


@pytest.mark.django_db(transaction=True)
def test_a_builder_that_is_killed_is_missed_by_nobody(endpoint, settings, make_offer, index, builder, at):
    index(*[make_offer(title=f"Offer {n}", summary=f"Summary {n}.") for n in range(9)])
    settings.EMBEDDING = endpoint.address
    services.begin_model(actor=SYSTEM, at=at)
    endpoint.batches, endpoint.holds_at = 0, 4

    process = builder()
    assert endpoint.held.wait(PATIENCE)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    endpoint.let_go.set()
    done = queries.edition_progress().done
    assert 0 < done < 9
    assert running() == MODEL_VERSION

    second = builder()
    assert second.wait(PATIENCE) == 0, second.stderr.read()
    assert "little" in running()
    assert ListingIndex.objects.count() == 9
    texts = [text for text in endpoint.embedded if "Offer" in text]
    assert len(texts) >= 9
    assert sum(count > 1 for count in endpoint.embedded.values()) <= 3, "only what the killed block had not stored"


@pytest.mark.django_db(transaction=True)
def test_two_builders_share_the_work(endpoint, settings, make_offer, index, builder, at):
    index(*[make_offer(title=f"Offer {n}", summary=f"Summary {n}.") for n in range(12)])
    settings.EMBEDDING = endpoint.address
    services.begin_model(actor=SYSTEM, at=at)

    processes = [builder() for _ in range(2)]
    assert [process.wait(PATIENCE) for process in processes] == [0, 0]

    services.build(actor=SYSTEM, at=at)
    assert "little" in running()
    assert ListingIndex.objects.count() == 12
    counts = Counter({text: count for text, count in endpoint.embedded.items() if "dimension" not in text})
    assert max(counts.values()) == 1


# ---------------------------------------------------------------- other means


@pytest.mark.django_db
def test_rows_of_old_means_never_meet_queries_of_new_ones(make_offer, make_need, index, at, monkeypatch):
    index(*[make_offer(title=f"Offer {n}") for n in range(6)], make_need())
    services.begin_means(actor=SYSTEM, at=at, is_forced=True)
    number = queries.edition_progress().number
    everything = sorted(ListingIndex.objects.values_list("listing_id", flat=True))
    for listing in everything:
        services.fill_batch(actor=SYSTEM, number=number, listing_ids=[listing], at=at)
        assert (
            set(ListingIndex.objects.values_list("means_version", flat=True)) == {statistics.current().version} == {0}
        )
    asked = statistics.current()
    vector = model.embed_typed("microalgae", asked.edition)
    question = candidates.Question(
        "offer", {"en": asked.centred(vector, "en", "query")}, {}, asked.model_version, edition=asked.edition.number
    )
    assert len(candidates.find(question, public_reach(at))) == 6

    assert services.finish(actor=SYSTEM, number=number, at=at)

    assert set(ListingIndex.objects.values_list("means_version", flat=True)) == {1}
    assert statistics.current().version == 1
    with pytest.raises(editions.EditionChanged):
        candidates.find(question, public_reach(at))


@pytest.mark.django_db
def test_a_search_that_meets_the_switch_is_made_again_for_the_new_edition(make_offer, index, at, monkeypatch):
    offer = make_offer()
    index(offer)
    prepared = search.prepared
    asked = []

    def and_switch(text, language, now):
        query = prepared(text, language, now)
        asked.append(now.version)
        if len(asked) == 1:
            services.renew_means(actor=SYSTEM, at=at, is_forced=True)
        return query

    monkeypatch.setattr(search, "prepared", and_switch)
    assert queries.search(viewer=ANYONE, at=at, text="microalgae").hits[0].listing_id == offer.pk
    assert asked == [0, 1]


@pytest.mark.django_db
def test_what_changes_while_means_are_made_is_in_the_new_edition(make_offer, index, at):
    offers = [make_offer(title=f"Offer {n}") for n in range(4)]
    index(*offers)
    services.begin_means(actor=SYSTEM, at=at, is_forced=True)
    number = queries.edition_progress().number
    ids = [offer.pk for offer in offers]
    services.fill_batch(actor=SYSTEM, number=number, listing_ids=ids, at=at)

    offers[0].texts.update(summary=ALGAE["summary"] + " It is cleaned in place.")
    type(offers[0]).objects.filter(pk=ids[0]).update(version=2)
    type(offers[1]).objects.filter(pk=ids[1]).update(state=State.WITHDRAWN)
    type(offers[2]).objects.filter(pk=ids[2]).update(state=State.PAUSED)
    new = make_offer(title="Another")
    index(*offers, new)
    assert services.finish(actor=SYSTEM, number=number, at=at)

    rows = {row.listing_id: row for row in ListingIndex.objects.all()}
    assert set(rows) == {ids[0], ids[2], ids[3], new.pk}
    assert rows[ids[0]].listing_version == 2
    assert [rows[key].is_open for key in (ids[2], ids[3])] == [False, True]
    assert {row.means_version for row in rows.values()} == {1}
    assert Edition.objects.get().means_version == 1


@pytest.mark.django_db
def test_means_are_not_made_twice_and_wait_for_a_new_model(endpoint, settings, make_offer, index, at):
    index(make_offer())
    assert services.begin_means(actor=SYSTEM, at=at)
    assert not services.begin_means(actor=SYSTEM, at=at, is_forced=True)
    settings.EMBEDDING = endpoint.address
    assert services.begin_model(actor=SYSTEM, at=at), "a new model makes way for itself"
    assert not services.begin_means(actor=SYSTEM, at=at, is_forced=True)
    assert services.build(actor=SYSTEM, at=at) == 1
    assert LedgerEntry.objects.filter(action="matching.edition.switched").count() == 1


@pytest.mark.django_db
def test_rows_of_other_rules_for_words_are_made_anew_without_embedding(make_offer, make_need, index, at, monkeypatch):
    index(make_offer(), make_need())
    services.renew_means(actor=SYSTEM, at=at)
    Edition.objects.update(words_version="of an earlier release")
    asked = []
    monkeypatch.setattr(model, "embed", lambda texts, role, of=None: asked.append(texts))

    assert services.begin_model(actor=SYSTEM, at=at)
    assert services.build(actor=SYSTEM, at=at) == 2
    assert editions.running().words_version == editions.words_version()
    assert asked == []
    assert ListingIndex.objects.filter(centred__isnull=False, is_quotable=True).count() == 2
    assert not services.begin_model(actor=SYSTEM, at=at)


@pytest.mark.django_db
def test_where_a_logical_replica_follows_rows_are_poured_and_not_swapped(make_offer, index, at):
    index(make_offer(), make_offer(title="Other"))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE PUBLICATION followed FOR TABLE {editions.RUNNING.index}")
        cursor.execute("SELECT %s::regclass::oid", [editions.RUNNING.index])
        before = cursor.fetchone()
        assert services.renew_means(actor=SYSTEM, at=at) == 2
        cursor.execute("SELECT %s::regclass::oid", [editions.RUNNING.index])
        assert cursor.fetchone() == before
    assert set(ListingIndex.objects.values_list("means_version", flat=True)) == {1}
    assert not editions.exists(editions.NEXT.index)
