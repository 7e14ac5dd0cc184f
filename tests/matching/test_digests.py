"""Letters about news: what is news, when a letter is due, and what becomes of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from transferase.catalogue.models import State
from transferase.directory.queries import viewer_of
from transferase.foundation.errors import InvalidContent
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry
from transferase.matching import queries, rules, services
from transferase.matching.models import Digest, DigestState, Match, Subscription, Told, Verdict
from transferase.matching.rules import SearchDraft

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def words_searched(settings):
    settings.EMBEDDING = "none"


@pytest.fixture
def subscribe(at):
    """Switch letters on, a day before the time of the test."""

    def run(person, rhythm="daily", *, most_items=10, most_letters=7, since=at - DAY):
        return services.subscribe(
            actor=person, person=person, rhythm=rhythm, most_items=most_items, most_letters=most_letters, at=since
        )

    return run


@pytest.fixture
def save(at):
    def run(person, text="microalgae", name="Algae", since=at - DAY, **facts):
        draft = SearchDraft(name=name, text=text, **facts)
        return services.save_search(actor=person, person=person, draft=draft, at=since)

    return run


@pytest.fixture
def write(at):
    def run(person, when=at):
        return services.write_digest(actor=SYSTEM, person=person, at=when)

    return run


@pytest.fixture
def news(make_person, subscribe, save, make_offer, index, words_searched):
    """A reader with a saved search, and an offer that it finds."""
    person, offer = make_person(), make_offer()
    subscribe(person)
    save(person)
    index(offer)
    return person, offer


def told(digest):
    return [listing for row in digest.contents["searches"] for listing in row["listings"]]


# ---------------------------------------------------------------- what is news


def test_a_letter_tells_new_results_of_saved_searches_once(news, write, fence, at):
    person, offer = news
    with fence:
        digest = write(person)
        assert write(person) is None

    assert told(digest) == [str(offer.pk)]
    assert (digest.state, digest.period) == ("waiting", date(2026, 11, 24))
    assert Told.objects.get().key == f"listing:{offer.pk}"
    entry = LedgerEntry.objects.get(action="matching.digest.written")
    assert entry.facts == {"period": "2026-11-24", "news": 1}

    settled = services.claim_digest(actor=SYSTEM, digest_id=digest.pk, at=at)
    services.start_sending(actor=SYSTEM, digest=settled, at=at)
    services.settle_digest(actor=SYSTEM, digest=settled, state=DigestState.SENT, at=at)
    assert write(person, at + DAY) is None, "what was told is no news the day after"


def test_two_searches_that_find_the_same_tell_it_once(news, save, write):
    person, offer = news
    save(person, name="Sea", text="seawater")
    assert told(write(person)) == [str(offer.pk)]


def test_without_news_there_is_no_letter(make_person, subscribe, save, write, words_searched):
    person = make_person()
    subscribe(person)
    save(person)
    assert write(person) is None
    assert not Digest.objects.exists()
    assert queries.readers_due(Subscription.objects.get().since + 2 * DAY) == [person.pk]


def test_what_was_there_before_is_no_news(make_person, subscribe, save, write, make_offer, index, words_searched, at):
    person = make_person()
    index(make_offer(at=at - 3 * DAY))
    subscribe(person)
    save(person)
    assert write(person) is None


def test_own_listings_and_those_that_wait_are_no_news(
    make_person, subscribe, save, write, make_offer, index, words_searched
):
    own, draft = make_offer(), make_offer(state=State.DRAFT)
    person = make_person(organisation=own.owner)
    index(own, draft)
    subscribe(person)
    save(person)
    assert write(person) is None


def test_a_listing_that_was_indexed_late_is_told_later(
    make_person, subscribe, save, write, make_offer, index, at, words_searched
):
    person, late = make_person(), make_offer()
    subscribe(person)
    save(person)
    assert write(person) is None
    index(late)
    assert told(write(person, at + DAY)) == [str(late.pk)]


@pytest.fixture
def pair(make_offer, make_need, index, propose):
    offer, need = make_offer(), make_need()
    index(offer, need)
    propose(need)
    return need, offer


def test_a_letter_tells_new_matches_and_the_interest_of_the_other_side(pair, make_person, subscribe, write, fence, at):
    need, offer = pair
    seeker, officer = make_person(organisation=need.owner), make_person(organisation=offer.owner)
    subscribe(seeker)
    subscribe(officer)
    services.judge(actor=seeker, need=need, offer=offer, organisation=need.owner, verdict=Verdict.INTERESTING, at=at)

    letter = write(officer)

    assert (letter.contents["interests"], letter.contents["matches"]) == ([[str(need.pk), str(offer.pk)]], [])
    assert write(seeker) is None, "the own side has judged it"
    contents = queries.contents_of(letter, viewer_of(officer, at), at)
    assert [view.counterpart_id for view in contents.interests] == [need.pk]
    assert contents.interests[0].because


def test_matches_that_are_only_made_anew_are_no_news(pair, make_person, subscribe, write, at):
    need, _ = pair
    person = make_person(organisation=need.owner)
    subscribe(person, since=at + DAY)
    Match.objects.update(found_at=at + 2 * DAY)
    assert write(person, at + 3 * DAY) is None


def test_a_letter_shows_only_what_may_be_seen_when_it_is_sent(pair, make_person, subscribe, write, at):
    need, offer = pair
    person = make_person(organisation=need.owner)
    subscribe(person)
    letter = write(person)
    assert queries.contents_of(letter, viewer_of(person, at), at).items == 1

    offer.state = State.WITHDRAWN
    offer.save()

    assert queries.contents_of(letter, viewer_of(person, at), at).is_empty


def test_a_result_that_was_hidden_since_is_left_out(news, write, viewer, at):
    person, offer = news
    letter = write(person)
    (found,) = queries.contents_of(letter, viewer(person), at).searches
    assert [(row.listing_id, row.hit.because[0].code) for row in found.found] == [(offer.pk, "found_words")]

    offer.visible_until = at
    offer.save()

    assert queries.contents_of(letter, viewer(person), at).is_empty


@pytest.mark.usefixtures("words_searched")
def test_one_letter_holds_as_much_as_its_reader_wants(
    make_person, subscribe, save, write, make_offer, index, viewer, at
):
    person = make_person()
    subscribe(person, most_items=5)
    save(person)
    save(person, name="Pumps", text="pump")
    index(*[make_offer() for _ in range(7)])
    index(*[make_offer(title="A pump", summary="It pumps water.") for _ in range(2)])

    letter = write(person)

    assert [(len(row["listings"]), row["more"]) for row in letter.contents["searches"]] == [(3, 4), (2, 0)]
    assert Told.objects.count() == 9, "the others stand on the desk and are no news tomorrow"
    assert queries.contents_of(letter, viewer(person), at).items == 5


# ---------------------------------------------------------------- when a letter is due


def test_a_day_or_a_week_has_one_letter(news, subscribe, make_offer, index, write, at):
    person, _ = news
    subscribe(person, "weekly")
    assert write(person) is None, "the first letter is that of the next week"
    monday = at + 6 * DAY
    assert write(person, monday).period == date(2026, 11, 30)
    Digest.objects.update(state=DigestState.SENT)
    index(make_offer(published_at=monday))
    assert write(person, monday + 2 * DAY) is None
    assert write(person, monday + 7 * DAY).period == date(2026, 12, 7)


def test_letters_leave_in_the_morning(news, write, at):
    person, _ = news
    midnight = at + timedelta(hours=6)
    assert write(person, midnight + timedelta(hours=6)) is None, "six in the morning in Seoul"
    assert write(person, midnight + timedelta(hours=7)).period == date(2026, 11, 25)


def test_nobody_gets_more_letters_a_week_than_wanted(news, subscribe, make_offer, index, write, at):
    person, _ = news
    Subscription.objects.update(most_letters=2)
    written = []
    for day in range(8):
        index(make_offer(published_at=at + day * DAY))
        letter = write(person, at + day * DAY)
        Digest.objects.update(state=DigestState.SENT)
        written.append(letter and letter.contents["searches"][0]["listings"])
    assert [bool(letter) for letter in written] == [True, True, False, False, False, False, False, True]
    assert len(written[-1]) == 6, "what was not told in between is told then"


def test_while_a_letter_is_on_its_way_no_other_is_written(news, make_offer, index, write, at):
    person, _ = news
    write(person)
    index(make_offer(published_at=at + DAY))
    assert write(person, at + DAY) is None
    Digest.objects.update(state=DigestState.SENT)
    assert len(told(write(person, at + DAY + timedelta(minutes=15)))) == 1


@pytest.mark.parametrize("facts", [{"is_active": False}, {"is_sample": True}])
def test_some_persons_get_no_letters(news, write, facts):
    person, _ = news
    type(person).objects.filter(pk=person.pk).update(**facts)
    assert write(person) is None


def test_only_those_whose_letter_is_due_are_looked_for(make_person, subscribe, at):
    daily, weekly, none = make_person(), make_person(), make_person()
    subscribe(daily)
    subscribe(weekly, "weekly")
    subscribe(none, "off")
    assert queries.readers_due(at) == [daily.pk]
    assert queries.readers_due(at + 6 * DAY) == [daily.pk, weekly.pk]
    assert queries.readers_due(at + timedelta(hours=9)) == [], "it is three in the morning"


@pytest.mark.parametrize(
    ("choice", "field"),
    [(("hourly", 10, 7), "rhythm"), (("daily", 11, 7), "most_items"), (("daily", 10, 0), "most_letters")],
)
def test_a_choice_of_letters_follows_rules(make_person, at, choice, field):
    person = make_person()
    with pytest.raises(InvalidContent) as refused:
        services.subscribe(
            actor=person, person=person, rhythm=choice[0], most_items=choice[1], most_letters=choice[2], at=at
        )
    assert [problem.field for problem in refused.value.facts["problems"]] == [field]


def test_letters_can_be_switched_off_and_on(news, subscribe, write, make_offer, index, fence, at):
    person, _ = news
    with fence:
        assert services.unsubscribe(actor=SYSTEM, person=person, at=at)
        assert not services.unsubscribe(actor=SYSTEM, person=person, at=at)
    assert write(person) is None
    assert queries.subscription_of(person, at).rhythm == "off"
    assert LedgerEntry.objects.filter(action="matching.subscription.ended").count() == 1
    subscribe(person, since=at)
    assert write(person, at + DAY) is None, "what happened in between is no news"


# ---------------------------------------------------------------- what becomes of a letter


def claim(digest, when):
    return services.claim_digest(actor=SYSTEM, digest_id=digest.pk, at=when)


@pytest.fixture
def letter(news, write):
    return write(news[0])


def test_a_letter_is_claimed_once(letter, at):
    assert queries.digests_due(at, 10) == [letter.pk]
    claimed = claim(letter, at)
    assert (claimed.state, claimed.attempts) == ("claimed", 1)
    assert claim(letter, at) is None
    assert queries.digests_due(at, 10) == []


def test_a_worker_that_died_before_sending_is_replaced_and_cannot_send_later(letter, at):
    slow = claim(letter, at)
    later = at + timedelta(minutes=10)
    assert queries.digests_due(later, 10) == [letter.pk]
    second = claim(letter, later)
    assert second.attempts == 2
    assert not services.start_sending(actor=SYSTEM, digest=slow, at=later)
    assert services.start_sending(actor=SYSTEM, digest=second, at=later)
    assert not services.start_sending(actor=SYSTEM, digest=second, at=later)


def test_a_worker_that_died_while_sending_leaves_the_letter_unsure(letter, fence, at):
    claimed = claim(letter, at)
    services.start_sending(actor=SYSTEM, digest=claimed, at=at)
    assert queries.digests_due(at + timedelta(minutes=9), 10) == []
    later = at + timedelta(minutes=10)
    assert queries.digests_due(later, 10) == [letter.pk]
    with fence:
        assert claim(letter, later) is None
    letter.refresh_from_db()
    assert (letter.state, letter.trouble) == ("unsure", "worker_ended")
    assert Told.objects.exists(), "it may have arrived, so it is not told again"
    assert queries.letter_troubles(later).unsure == 1
    # The worker was only slow after all.
    assert services.settle_digest(actor=SYSTEM, digest=claimed, state=DigestState.SENT, at=later)
    letter.refresh_from_db()
    assert letter.state == "sent"


def test_a_letter_that_cannot_leave_is_tried_again_with_growing_pauses_and_not_for_ever(letter, write, news, at):
    now, pauses = at, []
    while (claimed := claim(letter, now)) is not None:
        services.postpone_digest(actor=SYSTEM, digest=claimed, trouble="ConnectionRefusedError", at=now)
        letter.refresh_from_db()
        if letter.state == DigestState.GIVEN_UP:
            break
        assert queries.letter_troubles(now).postponed == 1
        assert claim(letter, letter.try_at - timedelta(seconds=1)) is None
        pauses.append(letter.try_at - now)
        now = letter.try_at
    assert pauses[:3] == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    assert pauses == sorted(pauses)
    assert (len(pauses), max(pauses)) == (11, timedelta(hours=12))
    assert timedelta(days=2) < now - at < timedelta(days=4)
    troubles = queries.letter_troubles(now)
    assert (troubles.given_up, troubles.postponed, troubles.trouble) == (1, 0, "ConnectionRefusedError")
    assert not Told.objects.exists()
    assert told(write(news[0], at + 4 * DAY)) == told(letter), "the next letter tells it"


def test_letters_that_come_back_stop_after_three(news, write, at):
    person, _ = news
    for day in range(3):
        claimed = claim(write(person, at + day * DAY), at + day * DAY)
        services.start_sending(actor=SYSTEM, digest=claimed, at=at + day * DAY)
        services.refuse_digest(actor=SYSTEM, digest=claimed, trouble="SMTP 550", at=at + day * DAY)
    subscription = queries.subscription_of(person, at)
    assert (subscription.rhythm, subscription.is_returned) == ("off", True)
    assert LedgerEntry.objects.filter(action="matching.subscription.returned").count() == 1
    assert write(person, at + 4 * DAY) is None


def test_nothing_is_sent_to_somebody_who_switched_letters_off(letter, news, at):
    services.unsubscribe(actor=SYSTEM, person=news[0], at=at)
    assert claim(letter, at) is None
    letter.refresh_from_db()
    assert letter.state == "empty"


def test_a_letter_that_was_settled_stays_so(letter, at):
    claimed = claim(letter, at)
    services.start_sending(actor=SYSTEM, digest=claimed, at=at)
    assert services.settle_digest(actor=SYSTEM, digest=claimed, state=DigestState.SENT, at=at)
    assert not services.postpone_digest(actor=SYSTEM, digest=claimed, trouble="x", at=at)
    assert not services.refuse_digest(actor=SYSTEM, digest=claimed, trouble="x", at=at)
    assert not services.settle_digest(actor=SYSTEM, digest=claimed, state=DigestState.EMPTY, at=at)
    letter.refresh_from_db()
    assert letter.state == "sent"


def test_old_letters_are_forgotten(letter, fence, at):
    with fence:
        assert services.forget_letters(actor=SYSTEM, at=at + 61 * DAY) == 0, "it waits to be sent"
    Digest.objects.update(state=DigestState.SENT)
    with fence:
        assert services.forget_letters(actor=SYSTEM, at=at + 59 * DAY) == 0
        assert services.forget_letters(actor=SYSTEM, at=at + 60 * DAY) == 2
    assert not Told.objects.exists()


def test_pauses_are_bounded():
    assert rules.pause_after(1) == timedelta(minutes=5)
    assert rules.pause_after(1000) == timedelta(hours=12)
