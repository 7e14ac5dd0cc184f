"""How the own listings fare: counts without persons, answers that nobody can be recognised in, and advice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from transferase.catalogue.models import Direction
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ids import uuid7
from transferase.foundation.ledger import SYSTEM
from transferase.matching import queries, services
from transferase.matching.models import Judgement, ListingDay, Match, Verdict
from transferase.matching.queries import Gap

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 24)


@pytest.fixture
def count(at):
    def run(visits):
        return services.count_visits(actor=SYSTEM, visits=visits, at=at)

    return run


def test_counts_add_up_by_listing_and_day(make_listing, count, fence):
    one, other = make_listing(), make_listing()
    with fence:
        count({(one.pk, TODAY): (3, 1), (other.pk, TODAY): (1, 0)})
        count({(one.pk, TODAY): (2, 2), (one.pk, TODAY - timedelta(days=1)): (0, 1)})
        assert count({}) == 0
    rows = {(row.listing_id, row.day): (row.found, row.opened) for row in ListingDay.objects.all()}
    assert rows == {
        (one.pk, TODAY): (5, 3),
        (one.pk, TODAY - timedelta(days=1)): (0, 1),
        (other.pk, TODAY): (1, 0),
    }


def test_visits_to_what_was_deleted_are_dropped(count):
    assert count({(uuid7(), TODAY): (1, 1)}) == 0


def test_only_the_platform_counts(make_person, at):
    with pytest.raises(NotAllowed):
        services.count_visits(actor=make_person(role="transfer_officer"), visits={}, at=at)


def test_months_are_told_with_those_without_anything(make_listing, make_person, count, viewer, at):
    listing = make_listing(published_at=at - timedelta(days=70))
    count(
        {(listing.pk, TODAY): (4, 2), (listing.pk, date(2026, 9, 30)): (1, 1), (listing.pk, date(2026, 9, 1)): (1, 0)}
    )
    told = queries.figures_of(listing, viewer(make_person(organisation=listing.owner)), at)
    assert (told.totals.found, told.totals.opened) == (6, 3)
    assert [(month.month, month.found, month.opened) for month in told.months] == [
        (date(2026, 9, 1), 2, 1),
        (date(2026, 10, 1), 0, 0),
        (date(2026, 11, 1), 4, 2),
    ]


def test_a_year_of_months_is_told(make_listing, make_person, viewer, at):
    listing = make_listing(published_at=at - timedelta(days=900))
    months = queries.figures_of(listing, viewer(make_person(organisation=listing.owner)), at).months
    assert (len(months), months[0].month, months[-1].month) == (12, date(2025, 12, 1), date(2026, 11, 1))


def test_figures_are_for_the_owner_and_for_reviewers(make_listing, make_person, viewer, at):
    listing = make_listing()
    for stranger in (viewer(), viewer(make_person()), viewer(make_person(role="transfer_officer"))):
        with pytest.raises(NotAllowed):
            queries.figures_of(listing, stranger, at)
        assert queries.totals_of([listing], stranger, at) == {}
    assert queries.figures_of(listing, viewer(make_person(role="reviewer")), at).totals.found == 0


@pytest.fixture
def judged(make_listing, make_organisation, at):
    """Judgements of other organisations on matches with an offer, a fortnight ago unless said otherwise."""

    def run(offer, *said, when=at - timedelta(days=14)):
        for verdict, reason in said:
            need = make_listing(direction=Direction.NEED)
            Judgement.objects.create(
                need=need, offer=offer, organisation=need.owner, verdict=verdict, reason=reason, at=when
            )

    return run


def replies(listing, viewer, make_person, at):
    return queries.figures_of(listing, viewer(make_person(organisation=listing.owner)), at).totals.replies


def test_interest_is_told_and_few_declines_are_not(make_listing, judged, viewer, make_person, at):
    offer = make_listing()
    judged(
        offer,
        (Verdict.INTERESTING, ""),
        (Verdict.NOT_FOR_US, "price"),
        (Verdict.NOT_FOR_US, "too_early"),
    )
    told = replies(offer, viewer, make_person, at)
    assert (told.interesting, told.known, told.declined, told.reasons) == (1, None, None, None)


def test_declines_of_three_organisations_are_told_with_their_reasons(make_listing, judged, viewer, make_person, at):
    offer = make_listing()
    judged(offer, *[(Verdict.NOT_FOR_US, reason) for reason in ("price", "too_early", "price")], (Verdict.KNOWN, ""))
    told = replies(offer, viewer, make_person, at)
    assert (told.known, told.declined, told.reasons) == (1, 3, (("price", 2), ("too_early", 1)))


def test_one_organisation_that_declines_often_is_not_told(make_listing, make_organisation, viewer, make_person, at):
    offer, one = make_listing(), make_organisation()
    for _ in range(5):
        need = make_listing(direction=Direction.NEED, owner=one)
        Judgement.objects.create(
            need=need,
            offer=offer,
            organisation=one,
            verdict=Verdict.NOT_FOR_US,
            reason="price",
            at=at - timedelta(days=14),
        )
    assert replies(offer, viewer, make_person, at).declined is None


def test_a_decline_cannot_be_seen_to_arrive(make_listing, judged, viewer, make_person, at):
    offer = make_listing()
    judged(offer, *[(Verdict.NOT_FOR_US, "price")] * 3)
    judged(offer, (Verdict.NOT_FOR_US, "timing"), when=at - timedelta(minutes=1))
    assert replies(offer, viewer, make_person, at).reasons == (("price", 3),)
    assert replies(offer, viewer, make_person, at + timedelta(days=7)).declined == 4


def test_what_the_own_side_says_and_what_was_withdrawn_do_not_count(make_listing, judged, viewer, make_person, at):
    offer = make_listing()
    judged(offer, (Verdict.INTERESTING, ""))
    Judgement.objects.update(withdrawn_at=at)
    need = make_listing(direction=Direction.NEED)
    Judgement.objects.create(need=need, offer=offer, organisation=offer.owner, verdict=Verdict.INTERESTING, at=at)
    told = queries.figures_of(offer, viewer(make_person(organisation=offer.owner)), at)
    assert told.totals.replies.interesting == 0
    assert sum(month.interesting for month in told.months) == 0


def test_the_listings_of_a_desk_cost_the_same_queries(
    make_listing, make_organisation, make_person, viewer, django_assert_num_queries, at
):
    owner = make_organisation()
    who = viewer(make_person(organisation=owner))
    for number in (1, 3):
        listings = [make_listing(owner=owner) for _ in range(number)]
        with django_assert_num_queries(2):
            assert len(queries.totals_of(listings, who, at)) == number


# ---------------------------------------------------------------- what to add


@pytest.fixture
def matched(make_listing, at):
    def run(offer, need, *missing, **facts):
        return Match.objects.create(
            need=need, offer=offer, score=0.5, missing=list(missing), engine_version="1", found_at=at, **facts
        )

    return run


def test_advice_names_what_informs_most_matches(make_listing, make_person, matched, viewer, at):
    offer = make_listing(language="ko")
    korean = [make_listing(direction=Direction.NEED, language="ko") for _ in range(2)]
    chinese = make_listing(direction=Direction.NEED, language="zh-Hans")
    matched(offer, korean[0], "offer.trl", "offer.territory", "need.territory")
    matched(offer, korean[1], "offer.trl", "words")
    matched(offer, chinese, "offer.trl", "offer.ipc", "need.transfer_modes")

    told = queries.gaps_of(offer, viewer(make_person(organisation=offer.owner)), at)

    assert told == [Gap("trl", 3), Gap("ipc", 1), Gap("zh-Hans", 1)], "what neither side states informs nobody"


def test_advice_for_a_need_and_the_kind_of_partner(make_listing, make_person, matched, viewer, at):
    need = make_listing(direction=Direction.NEED)
    matched(make_listing(), need, "need.trl", "offer.partner_kinds", "offer.ipc")
    told = queries.gaps_of(need, viewer(make_person(organisation=need.owner)), at)
    assert told == [Gap("trl", 1), Gap("partner_kinds", 1)]


def test_advice_leaves_out_what_others_may_not_see(make_listing, make_person, matched, viewer, at):
    offer = make_listing()
    matched(offer, make_listing(direction=Direction.NEED, state="draft"), "offer.trl")
    matched(offer, make_listing(direction=Direction.NEED), "offer.ipc", excluded_by=["country"])
    assert queries.gaps_of(offer, viewer(make_person(organisation=offer.owner)), at) == []


def test_a_translation_that_is_there_is_not_asked_for(make_listing, make_person, matched, viewer, at):
    texts = [{"language": "ko", "title": "막", "summary": "물을 거릅니다."}]
    offer = make_listing(texts=texts)
    matched(offer, make_listing(direction=Direction.NEED, language="ko"))
    assert queries.gaps_of(offer, viewer(make_person(organisation=offer.owner)), at) == []
