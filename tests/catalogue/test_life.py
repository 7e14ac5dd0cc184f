"""Each way between states, who may go it, and what the clock does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import translation

from transferase.catalogue import queries, rules, services, tasks
from transferase.catalogue.models import Listing, State
from transferase.directory.models import Role
from transferase.foundation.errors import InvalidContent, NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry

WITHDRAWN = {"reason": "no_longer_available"}
TAKEN = {"reason": "sold"}
BACK = {"reason": "unclear"}
# act -> (service, extra arguments, the ledger's word, whether a reviewer acts)
ACTS = {
    "publish": (services.publish, {}, "published", True),
    "send_back": (services.send_back, BACK, "sent_back", True),
    "pause": (services.pause, {}, "paused", False),
    "resume": (services.resume, {}, "resumed", False),
    "withdraw": (services.withdraw, WITHDRAWN, "withdrawn", False),
    "take": (services.take, TAKEN, "taken", False),
    "confirm": (services.confirm, {}, "confirmed", False),
}
LEGAL = {
    "publish": {State.DRAFT, State.IN_REVIEW, State.WITHDRAWN, State.EXPIRED},
    "send_back": {State.IN_REVIEW},
    "pause": {State.PUBLISHED},
    "resume": {State.PAUSED},
    "withdraw": {State.IN_REVIEW, State.PUBLISHED, State.PAUSED, State.EXPIRED},
    "take": {State.PUBLISHED, State.PAUSED, State.EXPIRED},
    "confirm": {State.PUBLISHED, State.PAUSED},
    "submit": {State.DRAFT, State.WITHDRAWN, State.EXPIRED},
}
LEADS_TO = {
    "publish": State.PUBLISHED,
    "send_back": State.DRAFT,
    "pause": State.PAUSED,
    "resume": State.PUBLISHED,
    "withdraw": State.WITHDRAWN,
    "take": State.TAKEN,
}


@pytest.fixture
def owner(make_organisation):
    return make_organisation()


@pytest.fixture
def officer(make_person, owner):
    return make_person(role=Role.TRANSFER_OFFICER, organisation=owner)


@pytest.fixture
def reviewer(make_person):
    return make_person(role=Role.REVIEWER)


def standing(make_listing, owner, state, at, **facts):
    """A listing in a state, as it would be had it been published a day ago."""
    day = at - timedelta(days=1)
    if state not in {State.DRAFT, State.IN_REVIEW}:
        facts = {"published_at": day, "confirmed_at": day, "visible_until": day + rules.CONFIRMED_FOR} | facts
    return make_listing(owner=owner, state=state, **facts)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State.values)
def test_each_act_starts_only_where_it_may(make_listing, owner, officer, reviewer, fence, at, act, state):
    service, extra, word, is_reviewed = ACTS[act]
    listing = standing(make_listing, owner, state, at)
    actor = reviewer if is_reviewed else officer
    if state not in LEGAL[act]:
        with pytest.raises(rules.WrongState) as refused:
            service(actor=actor, listing=listing, at=at, **extra)
        assert refused.value.facts == {"act": act, "state": state}
        assert Listing.objects.get(pk=listing.pk).state == state
        return
    with fence:
        moved = service(actor=actor, listing=listing, at=at, **extra)
    assert moved.state == LEADS_TO.get(act, state)
    assert Listing.objects.get(pk=listing.pk).state == moved.state
    entry = LedgerEntry.objects.latest("pk")
    assert (entry.action, entry.actor) == (f"catalogue.listing.{word}", f"directory.Person:{actor.pk}")


@pytest.mark.parametrize("state", State.values)
def test_submit_publishes_for_verified_owners(make_listing, owner, officer, fence, at, state):
    listing = standing(make_listing, owner, state, at)
    if state not in LEGAL["submit"]:
        with pytest.raises(rules.WrongState):
            services.submit(actor=officer, listing=listing, at=at)
        return
    with fence:
        moved = services.submit(actor=officer, listing=listing, at=at)
    assert (moved.state, moved.published_at, moved.confirmed_at) == (State.PUBLISHED, at, at)
    assert moved.visible_until == at + rules.CONFIRMED_FOR
    actions = LedgerEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions)[-2:] == ["catalogue.listing.submitted", "catalogue.listing.published"]


@pytest.mark.parametrize(
    ("is_verified", "review", "state"),
    [(False, "unverified", State.IN_REVIEW), (True, "always", State.IN_REVIEW)],
)
def test_submit_waits_for_a_reviewer_where_the_platform_says_so(
    make_listing, make_organisation, make_person, settings, at, is_verified, review, state
):
    settings.REVIEW = review
    owner = make_organisation(is_verified=is_verified)
    listing = make_listing(owner=owner, state=State.DRAFT)
    assert services.submit(actor=make_person(organisation=owner), listing=listing, at=at).state == state


@pytest.mark.parametrize("act", [*ACTS, "submit"])
def test_strangers_and_visitors_of_other_roles_move_nothing(make_listing, owner, make_person, at, act):
    service, extra, _, is_reviewed = ACTS.get(act, (services.submit, {}, "", False))
    listing = standing(make_listing, owner, min(LEGAL[act]), at)
    others = [make_person(), make_person(role=Role.COMPANY_USER)]
    others.append(make_person(organisation=owner) if is_reviewed else make_person(role=Role.REVIEWER))
    for other in others:
        with pytest.raises(NotAllowed):
            service(actor=other, listing=listing, at=at, **extra)


def test_operators_move_everything(make_listing, owner, make_person, at):
    operator = make_person(role=Role.OPERATOR)
    listing = make_listing(owner=owner, state=State.IN_REVIEW)
    for act in ("publish", "pause", "resume", "confirm", "take"):
        service, extra, *_ = ACTS[act]
        listing = service(actor=operator, listing=listing, at=at, **extra)
    assert listing.state == State.TAKEN


def test_nothing_is_published_without_title_and_summary(make_listing, owner, officer, reviewer, at):
    listing = make_listing(owner=owner, state=State.DRAFT)
    listing.texts.update(summary="")
    for service, actor in ((services.submit, officer), (services.publish, reviewer)):
        with pytest.raises(rules.NotReady) as refused:
            service(actor=actor, listing=listing, at=at)
        assert refused.value.facts == {"missing": ("summary",)}


def test_a_hold_stops_publishing_and_submit_waits_for_it(make_listing, owner, officer, reviewer, at):
    listing = make_listing(owner=owner, state=State.DRAFT)
    hold = services.place_hold(actor=reviewer, listing=listing, reason="complaint", at=at)
    assert services.submit(actor=officer, listing=listing, at=at).state == State.IN_REVIEW
    with pytest.raises(rules.Held):
        services.publish(actor=reviewer, listing=listing, at=at)
    services.lift_hold(actor=reviewer, hold=hold, at=at)
    assert services.publish(actor=reviewer, listing=listing, at=at).state == State.PUBLISHED


@pytest.mark.parametrize(
    ("act", "reason"), [("send_back", "dull"), ("withdraw", ""), ("withdraw", "sold"), ("take", "other")]
)
def test_a_reason_comes_from_its_vocabulary(make_listing, owner, officer, reviewer, at, act, reason):
    service, _, _, is_reviewed = ACTS[act]
    listing = standing(make_listing, owner, min(LEGAL[act]), at)
    with pytest.raises(InvalidContent) as refused:
        service(actor=reviewer if is_reviewed else officer, listing=listing, at=at, reason=reason)
    assert refused.value.facts["problems"][0].field == "reason"


def test_a_reviewers_words_reach_the_owner_and_end_with_the_next_attempt(
    make_listing, owner, officer, reviewer, viewer, at
):
    listing = make_listing(owner=owner, state=State.IN_REVIEW)
    services.send_back(actor=reviewer, listing=listing, reason="unclear", note=" 제목을 고쳐 주십시오. ", at=at)
    assert [found.state_note for found in queries.sent_back(viewer(officer))] == ["제목을 고쳐 주십시오."]
    assert not any("제목" in str(entry.facts) for entry in LedgerEntry.objects.all())
    moved = services.submit(actor=officer, listing=listing, at=at)
    assert (moved.state_reason, moved.state_note) == ("", "")


def test_a_confirmation_carries_half_a_year_and_never_past_two_years(make_listing, owner, officer, at):
    listing = standing(make_listing, owner, State.PUBLISHED, at, published_at=at - timedelta(days=700))
    confirmed = services.confirm(actor=officer, listing=listing, at=at)
    assert confirmed.visible_until == at + timedelta(days=30)
    late = at + timedelta(days=30)
    for act in ("confirm", "resume"):
        old = standing(
            make_listing,
            owner,
            State.PUBLISHED if act == "confirm" else State.PAUSED,
            at,
            published_at=at - timedelta(days=700),
        )
        with pytest.raises(rules.WrongState):
            ACTS[act][0](actor=officer, listing=old, at=late)


def test_no_listing_is_seen_past_its_date_even_before_the_clock_has_moved_it(make_listing, viewer, at):
    listing = make_listing(at=at)
    last = listing.visible_until - timedelta(seconds=1)
    assert list(Listing.objects.visible_to(viewer(), last)) == [listing]
    assert list(Listing.objects.visible_to(viewer(), listing.visible_until)) == []
    assert listing.is_public_at(last)
    assert not listing.is_public_at(listing.visible_until)


def test_the_clock_moves_what_nobody_confirmed(make_listing, owner, officer, fence, at):
    due = make_listing(owner=owner)
    paused = standing(make_listing, owner, State.PAUSED, at)
    confirmed = make_listing(owner=owner)
    services.confirm(actor=officer, listing=confirmed, at=at + timedelta(days=100))
    with fence:
        assert services.expire_due(actor=SYSTEM, at=at + timedelta(days=179)) == 1
        assert services.expire_due(actor=SYSTEM, at=at + timedelta(days=180)) == 1
        assert services.expire_due(actor=SYSTEM, at=at + timedelta(days=180)) == 0
    states = {pk: Listing.objects.get(pk=pk).state for pk in (due.pk, paused.pk, confirmed.pk)}
    assert states == {due.pk: State.EXPIRED, paused.pk: State.EXPIRED, confirmed.pk: State.PUBLISHED}
    assert LedgerEntry.objects.filter(action="catalogue.listing.expired").count() == 2


def test_an_expired_listing_comes_back_when_it_is_submitted_again(make_listing, owner, officer, at):
    listing = make_listing(owner=owner)
    later = at + timedelta(days=200)
    services.expire_due(actor=SYSTEM, at=later)
    moved = services.submit(actor=officer, listing=listing, at=later)
    assert (moved.state, moved.visible_until) == (State.PUBLISHED, later + rules.CONFIRMED_FOR)


def test_the_clock_is_not_for_owners(officer, at):
    for service in (services.expire_due, services.remind_due):
        with pytest.raises(NotAllowed):
            service(actor=officer, at=at)


def test_owners_are_reminded_once_for_each_confirmation(make_listing, owner, officer, fence, at):
    listing = make_listing(owner=owner)
    make_listing(is_sample=True)
    soon = listing.visible_until - rules.REMINDED_BEFORE
    with fence:
        assert services.remind_due(actor=SYSTEM, at=soon - timedelta(seconds=1)) == []
        assert services.remind_due(actor=SYSTEM, at=soon) == [listing]
        assert services.remind_due(actor=SYSTEM, at=soon + timedelta(days=1)) == []
    services.confirm(actor=officer, listing=listing, at=soon + timedelta(days=2))
    again = Listing.objects.get(pk=listing.pk).visible_until - rules.REMINDED_BEFORE
    assert services.remind_due(actor=SYSTEM, at=again) == [listing]


def test_one_letter_a_person_in_the_persons_language(make_listing, make_person, owner, drain, at):
    make_person(organisation=owner, email="ko@example.org", language="ko")
    make_person(organisation=owner, email="gone@example.org", is_active=False)
    first = make_listing(owner=owner, title="First offer")
    make_listing(owner=owner, title="Second offer", visible_until=first.visible_until - timedelta(days=1))
    services.remind_due(actor=SYSTEM, at=first.visible_until - timedelta(days=3))
    drain(only="catalogue.")
    assert [letter.to for letter in mail.outbox] == [["ko@example.org"]]
    body = mail.outbox[0].body
    assert body.index("Second offer") < body.index("First offer")
    assert "/ko/desk" in body
    with translation.override("ko"):
        assert mail.outbox[0].subject == translation.ngettext(
            "One listing expires soon: please confirm it", "%(count)d listings expire soon: please confirm them", 2
        ) % {"count": 2}


def test_no_letter_when_nothing_is_left_to_confirm(make_listing, make_person, owner, officer, drain, at):
    listing = make_listing(owner=owner)
    services.remind_due(actor=SYSTEM, at=listing.visible_until - timedelta(days=3))
    services.withdraw(actor=officer, listing=listing, reason="other", at=at)
    drain(only="catalogue.")
    tasks.send_reminder(person_id=0, listing_ids=[str(listing.pk)])
    assert mail.outbox == []


def test_the_worker_runs_both_clocks(make_listing, make_person, owner, officer, at):
    due = make_listing(owner=owner)
    soon = make_listing(owner=owner, visible_until=due.visible_until + timedelta(days=1))
    now = int(due.visible_until.timestamp())
    tasks.expire(now)
    tasks.remind(now)
    assert Listing.objects.get(pk=due.pk).state == State.EXPIRED
    assert Listing.objects.get(pk=soon.pk).reminded_at == due.visible_until
