"""Mails about news: what they say, how they leave, what a crash does to them, and how they are stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import translation

from tests.web.smtp import MailServer
from transferase.catalogue.models import Direction
from transferase.directory.models import Person
from transferase.foundation.ledger import SYSTEM
from transferase.matching import queries, services
from transferase.matching.models import Digest, DigestState, Verdict
from transferase.matching.rules import SearchDraft
from transferase.web import letters, tasks
from transferase.web.stopping import stop_address

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SMTP = "django.core.mail.backends.smtp.EmailBackend"
PATIENCE = 60


@pytest.fixture(autouse=True)
def public(settings):
    settings.PUBLIC_URL = "https://transfer.example.org"
    settings.DEFAULT_FROM_EMAIL = "Transferase <news@transfer.example.org>"


@pytest.fixture
def reader(make_person, at):
    """Somebody who wants a mail every day and keeps a search."""

    def make(**facts):
        person = make_person(**facts)
        day_before = at - DAY
        services.subscribe(actor=person, person=person, rhythm="daily", most_items=10, most_letters=7, at=day_before)
        draft = SearchDraft(name="Algae <b>", text="microalgae", language=person.language)
        services.save_search(actor=person, person=person, draft=draft, at=day_before)
        return person

    return make


@pytest.fixture
def digest(reader, make_listing, index, at):
    """A letter that waits to be sent."""
    offer = make_listing(title="Microalgae <i>reactor</i>", summary="It grows microalgae in seawater.")
    index(offer)
    return services.write_digest(actor=SYSTEM, person=reader(email="kim@example.org", language="ko"), at=at)


@pytest.fixture
def through(settings):
    """Send through a mail server of the test."""

    def use(server):
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", server.port
        return server

    return use


def state_of(digest):
    digest.refresh_from_db()
    return digest.state, digest.trouble


# ---------------------------------------------------------------- what they say


def test_a_letter_says_what_is_new_in_the_language_of_its_reader(digest, mailoutbox, at):
    assert letters.deliver(digest.pk)

    (mail,) = mailoutbox
    assert (mail.to, mail.from_email) == (["kim@example.org"], "Transferase <news@transfer.example.org>")
    (row,) = digest.contents["searches"]
    address = f"https://transfer.example.org/ko/offers/{row['listings'][0]}"
    with translation.override("ko"):
        assert mail.subject == translation.gettext("News: %(title)s") % {"title": "Microalgae <i>reactor</i>"}
        heading = translation.gettext("New for your search “%(name)s”") % {"name": "Algae <b>"}
        why = translation.gettext("Found by words: %(words)s") % {"words": "“microalgae”"}
    html = mail.alternatives[0].content
    assert all(said in mail.body for said in ("Microalgae <i>reactor</i>", address, heading, why))
    assert f'href="{address}"' in html
    assert "Microalgae &lt;i&gt;reactor&lt;/i&gt;" in html
    assert "<b>" not in html
    assert '<html lang="ko">' in html
    assert state_of(digest) == ("sent", "")


def test_a_letter_has_a_way_out_in_its_head(digest, mailoutbox):
    letters.deliver(digest.pk)
    head = mailoutbox[0].message()
    with translation.override("ko"):
        stop = f"https://transfer.example.org{stop_address(digest.person)}"
    assert head["List-Unsubscribe"] == f"<{stop}>"
    assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert head["Message-ID"] == digest.message_id
    assert digest.message_id.endswith("@transfer.example.org>")
    assert stop in mailoutbox[0].body
    assert "kim" not in stop


def test_matches_are_told_with_a_reason_and_the_own_listing(
    reader, make_listing, make_person, mailoutbox, settings, at
):
    text = {"title": "Photobioreactor for microalgae", "summary": "It grows microalgae in seawater at low cost."}
    offer = make_listing(**text)
    need = make_listing(direction=Direction.NEED, **{**text, "title": "Wanted: a photobioreactor for microalgae"})
    for listing in (offer, need):
        services.index_listing(actor=SYSTEM, listing_id=listing.pk, at=at)
    services.propose(actor=SYSTEM, listing_id=need.pk, at=at)
    officer = reader(organisation=offer.owner, language="en")
    seeker = make_person(organisation=need.owner)
    services.judge(actor=seeker, need=need, offer=offer, organisation=need.owner, verdict=Verdict.INTERESTING, at=at)

    letters.deliver(services.write_digest(actor=SYSTEM, person=officer, at=at).pk)

    body = mailoutbox[0].body
    assert "The other side is interested\n\n- Wanted: a photobioreactor for microalgae\n" in body
    assert re.search(r"Need · \d+ of 100 · Both say: .*microalgae", body)
    assert "for yours: Photobioreactor for microalgae" in body
    assert f"/en/matches/{need.pk}/{offer.pk}" in body


@pytest.mark.parametrize("language", ["ko", "zh-Hans", "en"])
def test_every_language_has_words_for_a_letter(reader, make_listing, index, mailoutbox, at, language):
    index(make_listing(title="Microalgae", summary="Microalgae grow here."))
    letters.deliver(services.write_digest(actor=SYSTEM, person=reader(language=language), at=at).pk)
    assert f"https://transfer.example.org/{language.lower()}/desk" in mailoutbox[0].body
    assert mailoutbox[0].message()["Content-Language"] == language


def test_a_letter_with_nothing_left_to_show_is_not_sent(digest, mailoutbox):
    listing = queries.contents_of(digest, letters.viewer_of(digest.person, digest.written_at), digest.written_at)
    from transferase.catalogue.models import Listing

    Listing.objects.filter(pk=listing.searches[0].found[0].listing_id).update(state="withdrawn")
    assert letters.deliver(digest.pk)
    assert mailoutbox == []
    assert state_of(digest) == ("empty", "")


# ---------------------------------------------------------------- how they leave


def test_a_letter_goes_through_a_mail_server_once(digest, through):
    with through(MailServer()) as server:
        tasks.send_digests(timestamp=0)
        tasks.send_digests(timestamp=0)
    (mail,) = server.letters
    assert mail["Message-ID"] == digest.message_id
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "Microalgae <i>reactor</i>" in mail.get_body(("plain",)).get_content()
    assert state_of(digest) == ("sent", "")


def test_while_the_mail_server_is_away_letters_wait(digest, through, clock, at):
    with MailServer() as gone:
        pass
    through(gone)
    tasks.send_digests(timestamp=0)
    assert state_of(digest) == ("waiting", "ConnectionRefusedError")
    with through(MailServer()) as server:
        tasks.send_digests(timestamp=0)
        assert server.letters == [], "its pause is not over"
        clock.move_to(at + timedelta(minutes=5))
        tasks.send_digests(timestamp=0)
    assert [mail["Message-ID"] for mail in server.letters] == [digest.message_id]
    assert state_of(digest) == ("sent", "")


def test_when_the_server_is_away_no_other_letter_is_tried(digest, reader, make_listing, index, through, at):
    index(make_listing(title="More microalgae"))
    other = services.write_digest(actor=SYSTEM, person=reader(), at=at)
    with MailServer() as gone:
        pass
    through(gone)
    tasks.send_digests(timestamp=0)
    assert sorted([state_of(digest)[1], state_of(other)[1]]) == ["", "ConnectionRefusedError"]


@pytest.mark.parametrize(
    ("answers", "state", "trouble"),
    [
        ({"RCPT": "550 no such person"}, DigestState.GIVEN_UP, "SMTP 550"),
        ({"RCPT": "451 come back later"}, DigestState.WAITING, "SMTP 451"),
        ({"MAIL": "530 who are you"}, DigestState.WAITING, "SMTP 530"),
        ({"DONE": "554 we do not like it"}, DigestState.GIVEN_UP, "SMTP 554"),
        ({"DONE": "452 no room"}, DigestState.WAITING, "SMTP 452"),
    ],
)
def test_what_a_mail_server_says_decides(digest, through, answers, state, trouble):
    with through(MailServer(**answers)):
        letters.deliver(digest.pk)
    assert state_of(digest) == (state, trouble)


def test_a_letter_whose_fate_is_unknown_is_not_sent_again(digest, through, clock, at):
    with through(MailServer(drop=True)) as server:
        letters.deliver(digest.pk)
        assert state_of(digest) == ("unsure", "SMTPServerDisconnected")
        clock.move_to(at + DAY)
        tasks.send_digests(timestamp=0)
    assert len(server.letters) == 1


def test_a_letter_that_cannot_be_put_into_words_keeps_no_other_back(
    digest, reader, make_listing, index, mailoutbox, at
):
    Digest.objects.filter(pk=digest.pk).update(contents={})
    index(make_listing(title="More microalgae"))
    other = services.write_digest(actor=SYSTEM, person=reader(), at=at)
    tasks.send_digests(timestamp=0)
    assert state_of(digest) == ("waiting", "KeyError")
    assert (state_of(other), len(mailoutbox)) == (("sent", ""), 1)


def test_the_worker_writes_and_sends_by_the_clock(reader, make_listing, index, mailoutbox, drain, at):
    from procrastinate.contrib.django import app

    periodic = {task.task.name: task for task in app.periodic_registry.periodic_tasks.values()}
    assert {"matching.write_digests", "web.send_digests", "matching.forget_letters"} <= periodic.keys()
    index(make_listing(title="Microalgae", summary="Microalgae grow here."))
    person = reader()
    for name in ("matching.write_digests", "web.send_digests", "matching.forget_letters"):
        app.tasks[name].func(timestamp=int(at.timestamp()))
        drain(only="matching.write_digest")
    assert [mail.to for mail in mailoutbox] == [[person.email]]


# ---------------------------------------------------------------- crashes

SENDER = """
import os, sys, datetime
import time_machine
os.environ["DJANGO_SETTINGS_MODULE"] = "transferase.settings"
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from transferase.web import letters
with time_machine.travel(datetime.datetime.fromisoformat(sys.argv[3]), tick=True):
    letters.deliver(int(sys.argv[2]))
"""


@pytest.fixture
def sender(at):
    """A process of its own that sends one letter through a mail server; killed at the latest with the test."""
    started = []

    def start(digest, server):
        environment = {
            **os.environ,
            "EMAIL_BACKEND": SMTP,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(server.port),
            "TRANSFERASE_EMBEDDING": "none",
        }
        command = [sys.executable, "-c", SENDER, connection.settings_dict["NAME"], str(digest.pk), at.isoformat()]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_sending_and_noting_it_sends_nothing_twice(digest, sender, through, clock, at):
    with MailServer(hold=True) as server:
        process = sender(digest, server)
        assert server.received.wait(PATIENCE)
        assert Digest.objects.get().state == "sending"
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(PATIENCE) == -signal.SIGKILL

    with through(MailServer()) as second:
        for minutes in (1, 11, 600):
            clock.move_to(at + timedelta(minutes=minutes))
            tasks.send_digests(timestamp=0)
            services.write_digest(actor=SYSTEM, person=digest.person, at=at + timedelta(minutes=minutes))

    assert (len(server.letters), second.letters) == (1, [])
    assert state_of(digest) == ("unsure", "worker_ended")


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_before_sending_loses_nothing(digest, sender, through, clock, at):
    with MailServer(silent=True) as server:
        process = sender(digest, server)
        assert server.connected.wait(PATIENCE)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(PATIENCE) == -signal.SIGKILL
    assert Digest.objects.get().state == "claimed"

    with through(MailServer()) as second:
        for minutes in (1, 11, 12):
            clock.move_to(at + timedelta(minutes=minutes))
            tasks.send_digests(timestamp=0)

    assert [mail["Message-ID"] for mail in second.letters] == [digest.message_id]
    assert state_of(digest) == ("sent", "")


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one_letter(digest, sender):
    with MailServer() as server:
        processes = [sender(digest, server) for _ in range(2)]
        assert [process.wait(PATIENCE) for process in processes] == [0, 0]
    assert len(server.letters) == 1
    assert state_of(digest) == ("sent", "")


# ---------------------------------------------------------------- the way out


def test_opening_the_link_only_asks(reader, visit, at):
    person = reader()
    address = stop_address(person)
    page = visit().get(address)
    assert page.status_code == 200
    assert person.email not in page.content.decode()
    assert queries.subscription_of(person, at).rhythm == "daily"


def test_the_link_stops_the_mails_without_signing_in(reader, visit, at):
    person = reader()
    answer = visit().post(stop_address(person), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert queries.subscription_of(person, at).rhythm == "off"
    assert visit().post(stop_address(person)).status_code == 200, "twice does no harm"


def test_mail_programs_need_no_cookie(reader, at):
    from django.test import Client

    person = reader()
    client = Client(enforce_csrf_checks=True)
    answer = client.post(stop_address(person), "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert queries.subscription_of(person, at).rhythm == "off"


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: "x" + t, lambda t: "1:x:y"])
def test_a_link_that_we_did_not_make_stops_nothing(reader, visit, at, change):
    person = reader()
    before, _, token = stop_address(person).rpartition("/")
    answer = visit().post(f"{before}/{change(token)}")
    assert answer.status_code == 404
    assert queries.subscription_of(person, at).rhythm == "daily"


def test_a_link_of_somebody_who_is_gone_stops_nothing(reader, visit):
    person = reader()
    address = stop_address(person)
    Person.objects.filter(pk=person.pk).delete()
    assert visit().post(address).status_code == 404
