"""Who finds what: no private text shows through search, snippets, suggestions, counts or matches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.matching.conftest import ALGAE
from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Access, Hold, State
from transferase.directory.models import Role
from transferase.directory.rules import ANYONE
from transferase.foundation.ledger import SYSTEM
from transferase.matching import queries
from transferase.matching.models import ListingIndex, Match, Sentence, TermFrequency

SECRET = "zirconocene"
PRIVATE = {
    "language": "en",
    "tier": "nda",
    "title": "Recipe",
    "summary": f"The catalyst is a bridged {SECRET} on silica, activated by aluminoxane before the reactor is filled.",
}

pytestmark = pytest.mark.django_db


def found(viewer, at, text, **more):
    return [hit.listing_id for hit in queries.search(viewer=viewer, at=at, text=text, **more).hits]


def found_by_words(viewer, at, text):
    hits = queries.search(viewer=viewer, at=at, text=text).hits
    return [hit.listing_id for hit in hits for reason in hit.because if reason.code == "found_words"]


def test_a_word_of_an_nda_text_finds_nothing_for_outsiders(make_offer, make_person, viewer, index, at):
    offer = make_offer(texts=[PRIVATE])
    other = make_offer(title="Polymer film", summary="A polymer film that keeps food fresh for weeks.")
    index(offer, other)

    for person in (None, make_person(role=Role.COMPANY_USER)):
        result = queries.search(viewer=viewer(person), at=at, text=SECRET)
        assert found_by_words(viewer(person), at, SECRET) == []
        assert not any(SECRET in hit.snippet.text for hit in result.hits if hit.snippet)
        assert result.did_you_mean is None
        assert queries.suggestions(viewer=viewer(person), at=at, text="zirconocen", language="en") == []


def test_the_owner_a_reviewer_and_who_has_access_find_the_private_text(
    make_offer, make_person, make_organisation, viewer, index, at
):
    owner = make_organisation()
    offer = make_offer(owner=owner, texts=[PRIVATE])
    index(offer)
    member = make_person(organisation=owner)
    reviewer = make_person(role=Role.REVIEWER)
    partner = make_person(role=Role.COMPANY_USER)
    Access.objects.create(
        listing=offer, organisation=partner.memberships.get().organisation, tier="nda", starts_at=at, ends_at=None
    )

    for person in (member, reviewer, partner):
        hits = queries.search(viewer=viewer(person), at=at, text=SECRET).hits
        assert [hit.listing_id for hit in hits] == [offer.pk]
        assert SECRET in hits[0].snippet.text
        assert found_by_words(viewer(person), at, SECRET) == [offer.pk]

    assert found_by_words(viewer(partner), at - timedelta(seconds=1), SECRET) == []


def test_access_that_has_ended_or_is_for_another_tier_opens_nothing(make_offer, make_person, viewer, index, at):
    offer = make_offer(texts=[PRIVATE])
    index(offer)
    partner = make_person(role=Role.COMPANY_USER)
    organisation = partner.memberships.get().organisation
    Access.objects.create(listing=offer, organisation=organisation, tier="introduced", starts_at=at)
    Access.objects.create(
        listing=offer, organisation=organisation, tier="nda", starts_at=at - timedelta(days=9), ends_at=at
    )

    assert found_by_words(viewer(partner), at, SECRET) == []


def test_a_registered_text_is_found_by_who_signed_in_only(make_offer, make_person, viewer, index, at):
    text = {"language": "en", "tier": "registered", "summary": "It runs on a quaternary heliostat for years on end."}
    offer = make_offer(texts=[text])
    index(offer)

    assert found_by_words(viewer(None), at, "heliostat") == []
    assert found_by_words(viewer(make_person()), at, "heliostat") == [offer.pk]


def test_a_private_text_moves_no_rank_score_or_count_of_an_outsider(make_offer, make_need, index, propose, at):
    plain = make_offer()
    need = make_need()
    index(plain, need)
    questions = ("photobioreactor seawater", SECRET, "microalgae", "")
    before = [ranked(question, at) for question in questions]
    scores = {match.offer_id: match.score for match in propose(need)}
    counts = {row.term: row.listings for row in TermFrequency.objects.all()}

    catalogue.revise(actor=SYSTEM, listing=plain, draft=with_private_text(plain), at=at)
    index(plain)

    assert [ranked(question, at) for question in questions] == before
    assert {match.offer_id: match.score for match in propose(need)} == scores
    assert {row.term: row.listings for row in TermFrequency.objects.all()} == counts
    assert ListingIndex.objects.filter(listing=plain, tier="nda").exists()
    assert not Sentence.objects.filter(tier="nda").exists()
    assert SECRET not in str(list(Match.objects.values()))


def ranked(question, at):
    result = queries.search(viewer=ANYONE, at=at, text=question)
    hits = [(hit.listing_id, hit.score, hit.because, hit.snippet) for hit in result.hits]
    return hits, result.total, result.facets, result.did_you_mean


def with_private_text(listing):
    from dataclasses import replace

    from transferase.catalogue.queries import draft_of
    from transferase.catalogue.rules import TextDraft

    draft = draft_of(listing)
    return replace(draft, texts=(*draft.texts, TextDraft(**PRIVATE)))


@pytest.mark.parametrize("state", [State.DRAFT, State.IN_REVIEW, State.PAUSED])
def test_a_listing_that_is_not_public_is_found_by_its_owner_only(
    state, make_offer, make_person, make_organisation, viewer, index, at
):
    owner = make_organisation()
    offer = make_offer(owner=owner, state=state)
    index(offer)

    assert found(ANYONE, at, "photobioreactor") == []
    assert found(ANYONE, at, "") == []
    assert queries.search(viewer=ANYONE, at=at, text="photobioreactor").total == 0
    assert found(viewer(make_person(organisation=owner)), at, "photobioreactor") == [offer.pk]


def test_nothing_is_found_past_its_date_even_before_the_worker_knows(make_offer, index, at):
    offer = make_offer()
    index(offer)
    last = offer.visible_until

    assert found(ANYONE, last - timedelta(seconds=1), "photobioreactor") == [offer.pk]
    assert found(ANYONE, last, "photobioreactor") == []
    assert found(ANYONE, last, "") == []


def test_a_pause_or_a_hold_hides_at_once_before_the_worker_knows(make_offer, index, at):
    paused, held, open_ = make_offer(), make_offer(), make_offer()
    index(paused, held, open_)
    paused.state = State.PAUSED
    paused.save()
    Hold.objects.create(listing=held, reason="screening", placed_at=at)

    assert found(ANYONE, at, "photobioreactor") == [open_.pk]
    assert found(ANYONE, at, "") == [open_.pk]
    assert queries.search(viewer=ANYONE, at=at, text="").total == 1


def test_a_text_that_was_taken_back_is_not_found_before_the_worker_knows(make_offer, index, at):
    offer = make_offer(texts=[{"language": "ko", "title": "광생물반응기", "summary": "미세조류를 배양합니다."}])
    index(offer)
    offer.texts.filter(language="en").update(tier="nda")

    assert found_by_words(ANYONE, at, "photobioreactor") == []


def test_whose_an_anonymous_listing_is_cannot_be_asked_or_counted(
    make_offer, make_organisation, make_person, viewer, index, at
):
    owner = make_organisation()
    offer = make_offer(owner=owner, is_anonymous=True)
    index(offer)
    filters = queries.Filters(organisation_id=owner.pk)

    result = queries.search(viewer=ANYONE, at=at, text="", filters=filters)
    assert (result.hits, result.total) == ((), 0)
    assert queries.search(viewer=ANYONE, at=at, text="").facets["organisation_id"] == []

    member = viewer(make_person(organisation=owner))
    assert found(member, at, "", filters=filters) == [offer.pk]


def test_an_outsider_sees_no_match_and_the_other_side_none_of_a_draft(
    make_offer, make_need, make_organisation, make_person, viewer, index, propose, at
):
    ours, theirs = make_organisation(), make_organisation()
    offer = make_offer(owner=theirs)
    draft = make_need(owner=ours, state=State.DRAFT)
    index(offer, draft)
    propose(draft)

    own_side = viewer(make_person(organisation=ours))
    other_side = viewer(make_person(organisation=theirs))
    assert [match.counterpart_id for match in queries.matches_of(draft, own_side, at)] == [offer.pk]
    assert queries.matches_of(offer, other_side, at) == []
    assert queries.matches_of(offer, ANYONE, at) == []
    assert queries.match_between(draft, offer, other_side, at) is None


def test_a_preview_compares_public_listings_only(make_offer, index, at):
    from transferase.catalogue.rules import ListingDraft, TextDraft

    shown, hidden = make_offer(), make_offer(state=State.DRAFT)
    index(shown, hidden)
    draft = ListingDraft(direction="need", texts=(TextDraft(language="en", **ALGAE),))

    matches = queries.matches_for_text(viewer=ANYONE, at=at, draft=draft, language="en")

    assert [match.listing_id for match in matches] == [shown.pk]
