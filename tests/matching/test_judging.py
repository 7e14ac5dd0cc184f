"""What each side says of a match, and what the other side hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from transferase.catalogue.models import State
from transferase.directory.models import Role
from transferase.foundation.errors import NotAllowed
from transferase.foundation.models import LedgerEntry
from transferase.matching import queries, services
from transferase.matching.models import Judgement, Match, Notice, Verdict
from transferase.matching.rules import NoMatch, ReasonNeeded

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(make_offer, make_need, index, propose):
    """A need and an offer that match, the news of it seen."""
    offer, need = make_offer(), make_need()
    index(offer, need)
    propose(need)
    Notice.objects.all().delete()
    return need, offer


@pytest.fixture
def say(pair, at):
    """Judge the match for the owner of one of the two."""

    def run(person, side, verdict, **more):
        need, offer = pair
        organisation = {"need": need, "offer": offer}[side].owner
        facts = {"verdict": verdict, "at": at, **more}
        return services.judge(actor=person, need=need, offer=offer, organisation=organisation, **facts)

    return run


def test_interest_is_kept_with_the_match_as_it_was_shown_and_told(pair, say, make_person, fence, at):
    need, offer = pair
    seeker = make_person(organisation=need.owner)
    shown = Match.objects.get()

    with fence:
        judgement = say(seeker, "need", Verdict.INTERESTING, note=" call them ")

    assert (judgement.person, judgement.organisation, judgement.note) == (seeker, need.owner, "call them")
    assert judgement.snapshot["score"] == shown.score
    assert judgement.snapshot["parts"] == shown.parts
    assert judgement.engine_version == shown.engine_version
    (notice,) = Notice.objects.all()
    assert (notice.organisation, notice.kind) == (offer.owner, "match_judged")
    assert (notice.listing_id, notice.counterpart_id) == (offer.pk, need.pk)
    entry = LedgerEntry.objects.get(action="matching.match.judged")
    assert entry.facts == {
        "need": str(need.pk),
        "offer": str(offer.pk),
        "organisation": need.owner_id,
        "verdict": "interesting",
        "reason": "",
    }


@pytest.mark.parametrize(
    ("verdict", "reason"), [(Verdict.KNOWN, ""), (Verdict.NOT_FOR_US, "too_early"), (Verdict.NOT_FOR_US, "price")]
)
def test_the_other_side_does_not_hear_of_anything_but_interest(pair, say, make_person, verdict, reason, viewer, at):
    need, offer = pair
    say(make_person(organisation=need.owner), "need", verdict, reason=reason)

    assert not Notice.objects.exists()
    (match,) = queries.matches_of(offer, viewer(make_person(organisation=offer.owner)), at)
    assert (match.judgement, match.is_other_interested) == (None, False)


def test_each_side_judges_for_itself(pair, say, make_person, viewer, at):
    need, offer = pair
    seeker, officer = make_person(organisation=need.owner), make_person(organisation=offer.owner)
    say(seeker, "need", Verdict.INTERESTING)
    say(officer, "offer", Verdict.NOT_FOR_US, reason="price")

    (own,) = queries.matches_of(need, viewer(seeker), at)
    (other,) = queries.matches_of(offer, viewer(officer), at)
    assert (own.judgement.verdict, own.is_other_interested) == ("interesting", False)
    assert (other.judgement.verdict, other.is_other_interested) == ("not_for_us", True)


@pytest.mark.parametrize("role", [Role.COMPANY_USER, Role.TRANSFER_OFFICER, Role.BROKER, Role.OPERATOR])
def test_members_of_a_side_may_judge_in_these_roles(role, pair, say, make_person):
    need, _ = pair
    assert say(make_person(organisation=need.owner, role=role), "need", Verdict.KNOWN).pk


def test_others_may_not_judge(pair, say, make_person):
    need, _ = pair
    outsiders = [
        (make_person(), "need"),
        (make_person(organisation=need.owner), "offer"),
        (make_person(organisation=need.owner, role=Role.REVIEWER), "need"),
    ]
    for person, side in outsiders:
        with pytest.raises(NotAllowed):
            say(person, side, Verdict.INTERESTING)
    assert not Judgement.objects.exists()


def test_declining_needs_a_reason_of_the_vocabulary(pair, say, make_person):
    seeker = make_person(organisation=pair[0].owner)
    for verdict, reason in [(Verdict.NOT_FOR_US, ""), (Verdict.NOT_FOR_US, "no_fun"), ("maybe", "")]:
        with pytest.raises(ReasonNeeded):
            say(seeker, "need", verdict, reason=reason)
    assert not Judgement.objects.exists()


def test_only_a_match_that_can_be_seen_can_be_judged(pair, say, make_person, at):
    need, offer = pair
    seeker = make_person(organisation=need.owner)
    with pytest.raises(NoMatch):
        say(seeker, "need", Verdict.KNOWN, at=offer.visible_until)
    Match.objects.all().delete()
    with pytest.raises(NoMatch):
        say(seeker, "need", Verdict.KNOWN)


def test_a_second_judgement_takes_the_place_of_the_first(pair, say, make_person, at):
    seeker = make_person(organisation=pair[0].owner)
    first = say(seeker, "need", Verdict.INTERESTING)
    later = at + timedelta(hours=1)
    say(seeker, "need", Verdict.NOT_FOR_US, reason="timing", at=later)

    first.refresh_from_db()
    assert first.withdrawn_at == later
    assert Judgement.objects.get(withdrawn_at=None).verdict == "not_for_us"
    assert not Notice.objects.exists(), "news that nobody has seen goes with the interest"


def test_a_judgement_can_be_taken_back_by_its_own_side(pair, say, make_person, viewer, fence, at):
    need, offer = pair
    seeker = make_person(organisation=need.owner)
    judgement = say(seeker, "need", Verdict.INTERESTING)
    with pytest.raises(NotAllowed):
        services.withdraw_judgement(actor=make_person(organisation=offer.owner), judgement=judgement, at=at)

    with fence:
        services.withdraw_judgement(actor=seeker, judgement=judgement, at=at)
        services.withdraw_judgement(actor=seeker, judgement=judgement, at=at)

    assert queries.matches_of(need, viewer(seeker), at)[0].judgement is None
    assert not Notice.objects.exists()
    assert LedgerEntry.objects.filter(action="matching.judgement.withdrawn").count() == 1


def test_news_that_was_seen_stays(pair, say, make_person, at):
    need, offer = pair
    seeker, officer = make_person(organisation=need.owner), make_person(organisation=offer.owner)
    judgement = say(seeker, "need", Verdict.INTERESTING)
    services.see_notices(actor=officer, organisation=offer.owner, at=at)

    services.withdraw_judgement(actor=seeker, judgement=judgement, at=at)

    assert Notice.objects.get().seen_at == at


def test_interest_in_an_own_draft_tells_nobody(make_offer, make_need, index, propose, make_person, at):
    offer, draft = make_offer(), make_need(state=State.DRAFT)
    index(offer, draft)
    propose(draft)

    services.judge(
        actor=make_person(organisation=draft.owner),
        need=draft,
        offer=offer,
        organisation=draft.owner,
        verdict=Verdict.INTERESTING,
        at=at,
    )

    assert not Notice.objects.exists()


def test_declined_matches_stand_at_the_end(make_offer, make_need, index, propose, make_person, viewer, at):
    best, next_best = make_offer(), make_offer(summary="A photobioreactor for marine microalgae in seawater.")
    need = make_need()
    index(best, next_best, need)
    first, second = (match.offer for match in propose(need))
    seeker = make_person(organisation=need.owner)

    services.judge(
        actor=seeker,
        need=need,
        offer=first,
        organisation=need.owner,
        verdict=Verdict.NOT_FOR_US,
        reason="capacity",
        at=at,
    )

    shown = [match.counterpart_id for match in queries.matches_of(need, viewer(seeker), at)]
    assert shown == [second.pk, first.pk]


def test_news_may_be_read_by_members_only(pair, say, make_person, at):
    need, offer = pair
    say(make_person(organisation=need.owner), "need", Verdict.INTERESTING)

    with pytest.raises(NotAllowed):
        services.see_notices(actor=make_person(), organisation=offer.owner, at=at)
    officer = make_person(organisation=offer.owner)
    assert services.see_notices(actor=officer, organisation=offer.owner, at=at) == 1
    assert services.see_notices(actor=officer, organisation=offer.owner, at=at) == 0
    assert LedgerEntry.objects.filter(action="matching.notices.seen").count() == 1
