"""Many listings at once: what is written, what is left alone, what is turned away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from transferase.catalogue import queries, rules, services
from transferase.catalogue.models import Listing, State
from transferase.catalogue.rules import ListingDraft, RequirementDraft, RightDraft, TextDraft
from transferase.catalogue.services import Incoming
from transferase.directory.models import Role
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry


@pytest.fixture
def owner(make_organisation):
    return make_organisation()


@pytest.fixture
def officer(make_person, owner):
    return make_person(role=Role.TRANSFER_OFFICER, organisation=owner)


def draft(number=1, **facts):
    texts = (
        TextDraft("ko", title=f"기술 {number}", summary="줄바꿈\n탭\t역슬래시 \\N \\. 따옴표 \" '"),
        TextDraft("en", origin="machine", title=f"Technology {number}"),
        TextDraft("ko", tier="nda", description="비밀"),
    )
    given = {
        "direction": "offer",
        "texts": texts,
        "original_language": "ko",
        "country": "KR",
        "ipc": ("C12N 1/20", "H01M 10/00"),
        "unmapped": ('key, "word" {x}',),
        "trl_low": 4,
        "trl_high": 5,
        "transfer_modes": ("option", "assignment"),
        "price_low": Decimal("10.50"),
        "currency": "KRW",
        "rights": (RightDraft("patent", "KR", f"10-{number}", "granted"),),
        "source": "bank",
        "external_id": f"X{number}",
    }
    return ListingDraft(**given | facts)


def bring(actor, owner, drafts, at, publish=True, source="bank"):
    rows = [Incoming(d, owner.pk) for d in drafts]
    return services.record_batch(actor=actor, source=source, rows=rows, at=at, publish=publish)


def outcomes(batch):
    return [row.outcome for row in batch.rows]


def test_a_batch_writes_what_one_by_one_would_write(fence, officer, owner, at):
    need = draft(2, direction="need", rights=(), requirements=(RequirementDraft("cost", "le", Decimal(300), "EUR"),))
    with fence:
        batch = bring(officer, owner, [draft(), need], at)
    assert outcomes(batch) == ["created", "created"]
    listings = [Listing.objects.get(pk=row.listing_id) for row in batch.rows]
    for listing, told in zip(listings, (draft(), need), strict=True):
        assert queries.draft_of(listing) == rules.clean_draft(told)
        assert (listing.version, listing.revisions.get().version, listing.owner) == (1, 1, owner)
        assert listing.classifications.filter(scheme="field").count() == 2
        twin = services.record_listing(actor=officer, owner=owner, draft=replace(told, external_id="t"), at=at)
        plain = {f.name for f in Listing._meta.concrete_fields} - {
            "id", "contact", "external_id", "source_digest", "state", "published_at", "confirmed_at", "visible_until",
        }  # fmt: skip
        assert {n: getattr(listing, n) for n in plain} == {n: getattr(twin, n) for n in plain}
        assert set(listing.classifications.values_list("scheme", "code", "is_derived")) == set(
            twin.classifications.values_list("scheme", "code", "is_derived")
        )
        services.discard(actor=officer, listing=twin, at=at)


def test_a_batch_is_one_entry_in_the_ledger(officer, owner, at):
    before = LedgerEntry.objects.count()
    bring(officer, owner, [draft(n) for n in range(5)], at)
    entry = LedgerEntry.objects.latest("pk")
    assert LedgerEntry.objects.count() == before + 1
    assert (entry.action, entry.subject) == ("catalogue.batch.recorded", "source:bank")
    assert entry.facts == {
        "publish": True, "confirmed": 0, "created": 5, "updated": 0, "unchanged": 0, "rejected": 0,
    }  # fmt: skip


def test_a_batch_costs_the_same_queries_for_one_and_for_many(officer, owner, at, django_assert_max_num_queries):
    with django_assert_max_num_queries(24):
        bring(officer, owner, [draft(n) for n in range(200)], at)


def test_the_same_again_changes_nothing(officer, owner, at):
    first = bring(officer, owner, [draft(1), draft(2)], at)
    second = bring(officer, owner, [draft(2), draft(1)], at)
    assert outcomes(second) == ["unchanged", "unchanged"]
    assert [row.listing_id for row in second.rows] == [row.listing_id for row in reversed(first.rows)]
    assert set(Listing.objects.values_list("version", flat=True)) == {1}


def test_what_changed_is_replaced_and_the_former_version_kept(fence, officer, owner, at):
    first = bring(officer, owner, [draft(1), draft(2)], at)
    later = at + timedelta(days=30)
    new = draft(1, texts=(TextDraft("ko", title="새 기술", summary="요약"),), ipc=("G06F 1/00",), trl_low=6, trl_high=6)
    with fence:
        batch = bring(officer, owner, [new, draft(2)], later)
    assert outcomes(batch) == ["updated", "unchanged"]
    listing = Listing.objects.get(pk=first.rows[0].listing_id)
    assert queries.draft_of(listing) == rules.clean_draft(new)
    assert (listing.version, listing.revised_at, listing.created_at) == (2, later, at)
    assert list(listing.revisions.order_by("version").values_list("version", flat=True)) == [1, 2]
    assert list(listing.rights.get().events.all()) == []


def test_rights_that_changed_are_rewritten(officer, owner, at):
    first = bring(officer, owner, [draft()], at)
    bring(officer, owner, [draft(rights=(RightDraft("design"),))], at)
    rights = Listing.objects.get(pk=first.rows[0].listing_id).rights
    assert list(rights.values_list("kind", flat=True)) == ["design"]


def test_edits_on_the_platform_stay_until_the_source_changes(officer, owner, at):
    listing = Listing.objects.get(pk=bring(officer, owner, [draft()], at).rows[0].listing_id)
    own = replace(queries.draft_of(listing), trl_low=7, trl_high=7)
    services.revise(actor=officer, listing=listing, draft=own, at=at)
    assert outcomes(bring(officer, owner, [draft()], at)) == ["unchanged"]
    assert Listing.objects.get(pk=listing.pk).trl_low == 7
    assert outcomes(bring(officer, owner, [draft(country="CN")], at)) == ["updated"]
    assert Listing.objects.get(pk=listing.pk).trl_low == 4


def test_good_rows_are_kept_and_bad_ones_turned_away_with_reasons(make_organisation, officer, owner, at):
    rows = [
        draft(1),
        draft(2, trl_low=0, trl_high=5),
        draft(1),
        draft(3, external_id=" "),
        draft(4, direction="gift"),
        draft(5),
    ]
    batch = bring(officer, owner, rows, at)
    assert outcomes(batch) == ["created", "rejected", "rejected", "rejected", "rejected", "created"]
    assert [[(p.field, p.code) for p in row.problems] for row in batch.rows[1:5]] == [
        [("trl_low", "out_of_range")],
        [("external_id", "given_twice")],
        [("external_id", "required")],
        [("direction", "unknown_code")],
    ]
    assert (batch.count("created"), batch.count("rejected"), Listing.objects.count()) == (2, 4, 2)


def test_a_row_may_not_take_over_what_is_anothers_or_change_its_direction(make_organisation, officer, owner, at):
    other = make_organisation()
    bring(SYSTEM, other, [draft(1)], at)
    bring(officer, owner, [draft(2), draft(3)], at)
    Listing.objects.filter(external_id="X3").update(state=State.TAKEN)
    batch = bring(
        officer, owner, [draft(1), draft(2, direction="need", rights=(), country=""), draft(3, country="CN")], at
    )
    assert [row.problems[0].code for row in batch.rows] == ["owned_by_other", "direction_changed", "wrong_state"]


def test_an_unknown_owner_is_a_problem_of_the_row(owner, at):
    batch = services.record_batch(
        actor=SYSTEM, source="bank", rows=[Incoming(draft(1), owner.pk), Incoming(draft(2), 0)], at=at, publish=True
    )
    assert outcomes(batch) == ["created", "rejected"]
    assert batch.rows[1].problems[0].code == "unknown_owner"


def test_who_may_bring_what(make_person, make_organisation, officer, owner, at):
    with pytest.raises(NotAllowed):
        bring(officer, make_organisation(), [draft()], at)
    with pytest.raises(NotAllowed):
        bring(officer, owner, [draft(is_sample=True)], at)
    assert outcomes(bring(make_person(role=Role.OPERATOR), owner, [draft(is_sample=True)], at)) == ["created"]


@pytest.mark.parametrize(
    ("is_verified", "publish", "state"),
    [(True, True, State.PUBLISHED), (False, True, State.IN_REVIEW), (True, False, State.DRAFT)],
)
def test_new_records_are_seen_as_their_owner_is_trusted(
    make_person, make_organisation, at, is_verified, publish, state
):
    owner = make_organisation(is_verified=is_verified)
    actor = make_person(organisation=owner)
    listing = Listing.objects.get(pk=bring(actor, owner, [draft()], at, publish).rows[0].listing_id)
    assert listing.state == state
    assert listing.visible_until == (at + rules.CONFIRMED_FOR if state == State.PUBLISHED else None)
    operator = make_person(role=Role.OPERATOR)
    again = Listing.objects.get(pk=bring(operator, owner, [draft()], at, publish).rows[0].listing_id)
    assert again.state == (State.DRAFT if not publish else State.PUBLISHED if is_verified else State.IN_REVIEW)


def test_a_record_without_a_summary_stays_a_draft_and_says_so(officer, owner, at):
    batch = bring(officer, owner, [draft(texts=(TextDraft("ko", title="제목"),))], at)
    assert [(p.field, p.code) for p in batch.rows[0].problems] == [("summary", "required")]
    assert Listing.objects.get(pk=batch.rows[0].listing_id).state == State.DRAFT


def test_a_source_that_still_carries_a_record_confirms_it(officer, owner, at):
    drafts = [draft(n) for n in range(3)]
    bring(officer, owner, drafts, at)
    Listing.objects.filter(external_id="X1").update(state=State.PAUSED)
    later = at + timedelta(days=100)
    assert set(outcomes(bring(officer, owner, drafts, later, publish=False))) == {"unchanged"}
    assert set(Listing.objects.values_list("confirmed_at", flat=True)) == {at}
    bring(officer, owner, drafts, later)
    confirmed = dict(Listing.objects.values_list("external_id", "confirmed_at"))
    assert confirmed == {"X0": later, "X1": at, "X2": later}
    assert LedgerEntry.objects.latest("pk").facts["confirmed"] == 2


def test_an_expired_record_that_its_source_still_carries_comes_back(officer, owner, at):
    bring(officer, owner, [draft()], at)
    late = at + timedelta(days=800)
    services.expire_due(actor=SYSTEM, at=late)
    bring(officer, owner, [draft()], late)
    listing = Listing.objects.get()
    assert (listing.state, listing.published_at) == (State.PUBLISHED, late)
    # still published, but older than the longest validity
    Listing.objects.update(published_at=at, visible_until=late)
    bring(officer, owner, [draft()], late)
    assert Listing.objects.get().visible_until == late + rules.CONFIRMED_FOR


def test_what_people_withdrew_or_hold_back_stays_so(officer, owner, at):
    bring(officer, owner, [draft(1), draft(2)], at)
    withdrawn, held = Listing.objects.get(external_id="X1"), Listing.objects.get(external_id="X2")
    services.withdraw(actor=officer, listing=withdrawn, reason="mistake", at=at)
    services.withdraw(actor=officer, listing=held, reason="mistake", at=at)
    Listing.objects.filter(pk=held.pk).update(state=State.DRAFT)
    services.place_hold(actor=SYSTEM, listing=held, reason="legal", at=at)
    bring(officer, owner, [draft(1, country="CN"), draft(2, country="CN")], at)
    assert Listing.objects.get(pk=withdrawn.pk).state == State.WITHDRAWN
    assert Listing.objects.get(pk=held.pk).state == State.IN_REVIEW


def test_a_changed_public_record_of_strangers_is_reviewed_again(make_person, make_organisation, at):
    owner = make_organisation(is_verified=False)
    actor = make_person(organisation=owner)
    bring(SYSTEM, owner, [draft()], at)
    assert Listing.objects.get().state == State.PUBLISHED
    bring(actor, owner, [draft(country="CN")], at)
    assert Listing.objects.get().state == State.IN_REVIEW


def test_sources_do_not_meet(officer, owner, at):
    bring(officer, owner, [draft()], at)
    assert outcomes(bring(officer, owner, [draft()], at, source="other")) == ["created"]
    assert Listing.objects.filter(external_id="X1").count() == 2


def test_an_empty_batch_is_recorded_too(officer, owner, at):
    assert bring(officer, owner, [], at).rows == ()
