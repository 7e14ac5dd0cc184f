"""Standing matches: they come, are told of, change and go with their listings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Encumbrance, State
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry
from transferase.matching import queries, services
from transferase.matching._scoring import TextFit, words_that_count
from transferase.matching.models import Judgement, Match, Notice

pytestmark = pytest.mark.django_db


def pairs():
    return set(Match.objects.values_list("need_id", "offer_id"))


def test_a_korean_need_matches_an_english_offer_with_parts_that_sum_to_the_score(make_offer, make_need, index, propose):
    offer, need = make_offer(), make_need()
    index(offer, need)

    (match,) = propose(need)

    assert (match.need_id, match.offer_id) == (need.pk, offer.pk)
    assert sum(part["contribution"] for part in match.parts) == pytest.approx(match.score, abs=1e-9)
    assert match.score >= 0.5
    assert {reason["code"] for reason in match.because} >= {"sentence_pair", "shared_concepts"}
    assert set(match.missing) >= {"offer.trl", "need.trl", "need.ipc"}
    assert "words" not in match.missing
    assert match.engine_version.endswith("means 0")


def test_a_pair_has_one_score_from_whichever_side(make_offer, make_need, index, propose):
    offer = make_offer(texts=[{"language": "ko", "origin": "machine", "title": "해양 미세조류 광생물반응기"}])
    need = make_need()
    index(offer, need)

    (from_need,) = propose(need)
    Match.objects.all().delete()
    (from_offer,) = propose(offer)

    assert from_offer.score == pytest.approx(from_need.score, abs=1e-6)
    assert from_offer.because == from_need.because
    assert [part["name"] for part in from_offer.parts] == [part["name"] for part in from_need.parts]


def test_unlike_listings_do_not_match(make_offer, make_need, index, propose):
    offer, need = make_offer(title="Bone saw", summary="A quiet oscillating saw for surgeons."), make_need()
    index(offer, need)

    assert propose(need) == []


def test_the_other_side_is_told_of_a_new_match_once(make_offer, make_need, index, propose, make_person, viewer, at):
    offer, need = make_offer(), make_need()
    index(offer, need)

    propose(need)
    propose(need)
    propose(offer)

    (notice,) = Notice.objects.all()
    assert (notice.organisation_id, notice.kind) == (offer.owner_id, "match_found")
    assert (notice.listing_id, notice.counterpart_id, notice.at) == (offer.pk, need.pk, at)
    officer = make_person(organisation=offer.owner)
    assert queries.notices_of(viewer(officer), at) == [notice]
    assert queries.unseen_notices(viewer(officer), at) == 1
    assert services.see_notices(actor=officer, organisation=offer.owner, at=at) == 1
    assert queries.unseen_notices(viewer(officer), at) == 0


def test_nobody_is_told_of_a_draft_until_it_is_published(make_offer, make_need, index, propose):
    offer, draft = make_offer(), make_need(state=State.DRAFT)
    index(offer, draft)
    propose(draft)
    assert pairs() == {(draft.pk, offer.pk)}
    assert not Notice.objects.exists()

    propose(offer)
    assert pairs() == {(draft.pk, offer.pk)}, "the draft's owner still sees it"

    type(draft).objects.filter(pk=draft.pk).update(
        state=State.PUBLISHED, visible_until=offer.visible_until, confirmed_at=offer.confirmed_at
    )
    index(draft)
    propose(draft)
    assert Notice.objects.get().organisation_id == offer.owner_id


def test_bulk_proposals_tell_nobody_now_or_later(make_offer, make_need, index, propose, at):
    offer, need = make_offer(), make_need()
    index(offer, need)

    assert services.propose_all(actor=SYSTEM, at=at) == 1
    propose(need)

    assert not Notice.objects.exists()


def test_new_means_leave_the_news_to_the_proposals_that_wait(make_offer, make_need, index, propose, at):
    offer, need = make_offer(), make_need()
    index(offer, need)

    services.propose_all(actor=SYSTEM, at=at, telling=services.Telling.LATER)
    assert (pairs(), Notice.objects.count()) == ({(need.pk, offer.pk)}, 0)

    propose(need)
    assert Notice.objects.count() == 1


def test_an_organisation_gets_no_news_of_itself(make_offer, make_need, make_organisation, index, propose):
    owner = make_organisation()
    offer, need = make_offer(owner=owner), make_need(owner=owner)
    index(offer, need)

    assert propose(need) == []
    assert not Notice.objects.exists()


def test_a_match_goes_when_the_texts_no_longer_agree(make_offer, make_need, index, propose):
    offer, need = make_offer(), make_need()
    index(offer, need)
    propose(need)
    offer.texts.update(title="Bone saw", summary="A quiet oscillating saw for surgeons.")
    offer.version += 1
    offer.save()
    index(offer)

    assert propose(offer) == []
    assert pairs() == set()


def test_a_judged_match_stays_though_the_texts_no_longer_agree(make_offer, make_need, index, propose, at):
    offer, need = make_offer(), make_need()
    index(offer, need)
    propose(need)
    Judgement.objects.create(need=need, offer=offer, organisation=need.owner, verdict="interesting", at=at)
    offer.texts.update(title="Bone saw", summary="A quiet oscillating saw for surgeons.")
    offer.version += 1
    offer.save()
    index(offer)

    (match,) = propose(offer)

    assert match.score < 0.5


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.EXPIRED, State.TAKEN])
def test_the_matches_of_a_listing_that_is_over_are_gone(state, make_offer, make_need, index, propose):
    offer, need = make_offer(), make_need()
    index(offer, need)
    propose(need)
    type(need).objects.filter(pk=need.pk).update(state=state)

    index(need)

    assert pairs() == set()
    assert propose(need) == []


def test_matches_are_invisible_the_moment_a_listing_runs_out(
    make_offer, make_need, index, propose, make_person, viewer
):
    offer, need = make_offer(), make_need()
    index(offer, need)
    propose(need)
    officer = viewer(make_person(organisation=offer.owner))
    last = need.visible_until

    assert len(queries.matches_of(offer, officer, last - timedelta(seconds=1))) == 1
    assert queries.matches_of(offer, officer, last) == []
    assert queries.match_counts([offer.pk], officer, last) == {offer.pk: 0}


def test_what_rules_a_pair_out_is_kept_with_the_match_and_not_told(
    make_offer, make_need, index, propose, make_person, viewer, at
):
    offer = make_offer()
    need = make_need(exclusivity="exclusive", territory=["KR"])
    Encumbrance.objects.create(listing=offer, territory="world", exclusivity="exclusive", starts_at=at)
    index(offer, need)

    (match,) = propose(need)

    assert match.excluded_by == ["rights_taken"]
    assert not Notice.objects.exists()
    seeker = viewer(make_person(organisation=need.owner))
    assert queries.matches_of(need, seeker, at)[0].excluded_by == ("rights_taken",)
    assert queries.best_matches(seeker, at) == []


def test_publishing_and_expiring_through_services_and_the_queue(
    make_offer, make_need, make_person, viewer, drain, fence, at
):
    offer = make_offer(at=at - timedelta(days=3))
    need = make_need(state=State.DRAFT)
    seeker = make_person(organisation=need.owner)
    with fence:
        catalogue.confirm(actor=SYSTEM, listing=offer, at=at)
        catalogue.submit(actor=seeker, listing=need, at=at)
        drain()
    assert pairs() == {(need.pk, offer.pk)}
    assert Notice.objects.filter(organisation=offer.owner).count() == 1
    need.refresh_from_db()
    assert not queries.is_waiting(need)

    with fence:
        assert catalogue.expire_due(actor=SYSTEM, at=need.visible_until or at + timedelta(days=800)) == 2
        drain()
    assert pairs() == set()


def test_a_proposal_tells_the_ledger(make_offer, make_need, index, propose):
    offer, need = make_offer(), make_need()
    index(offer, need)
    propose(need)

    entry = LedgerEntry.objects.get(action="matching.match.proposed")
    assert entry.subject == f"catalogue.Listing:{need.pk}"
    assert (entry.facts["matches"], entry.facts["new"], entry.facts["dropped"]) == (1, 1, 0)


def test_words_alone_match_where_no_model_can_be_had(words_only, make_offer, make_need, index, propose):
    from tests.matching.conftest import ALGAE_WANTED_EN

    offer = make_offer()
    need = make_need(language="en", **ALGAE_WANTED_EN)
    index(offer, need)
    services.renew_means(actor=SYSTEM, at=offer.revised_at)

    (match,) = propose(need)

    assert "meaning" in match.missing
    assert match.offer_id == offer.pk


def test_words_that_people_wrote_in_one_language_always_count() -> None:
    """A weaker translation used to hide that both were written in one language (a machine's share is larger)."""
    weak = TextFit(closeness=0.5, words=0.1, language="ko", is_machine_made=True)
    assert words_that_count(weak) is None
    assert words_that_count(replace(weak, is_written=True)) == 0.1
    assert words_that_count(replace(weak, words=0.9)) == 0.9
