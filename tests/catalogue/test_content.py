"""Recording, revising, translating and discarding what a listing says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from transferase.catalogue import queries, rules, services
from transferase.catalogue.models import Listing, Origin, State
from transferase.catalogue.rules import ListingDraft, RequirementDraft, RightDraft, TextDraft
from transferase.directory.models import Role
from transferase.foundation.errors import InvalidContent, NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry

PATENT = RightDraft("patent", "KR", "10-1234567", "granted", filed_date=date(2020, 1, 1))


def draft(**facts):
    texts = (TextDraft("ko", title="제목", summary="요약"),)
    return ListingDraft(**{"direction": "offer", "texts": texts, "original_language": "ko"} | facts)


def full_draft():
    return draft(
        texts=(
            TextDraft("ko", title="제목", summary="요약", problem="문제"),
            TextDraft("ko", tier="nda", description="비밀"),
            TextDraft("en", origin="human", title="Title", summary="Summary"),
        ),
        country="KR",
        is_anonymous=True,
        ipc=("C12N 1/20", "A61K 8/97"),
        cpc=("Y02E 10/50",),
        unmapped=("keyword",),
        trl_low=4,
        trl_high=6,
        transfer_modes=("option", "assignment"),
        territory=("KR",),
        price_low=Decimal("10.5"),
        currency="KRW",
        rights=(PATENT, RightDraft("know_how")),
        source_url="https://example.org/1",
    )


def last_entry():
    return LedgerEntry.objects.latest("pk")


@pytest.fixture
def owner(make_organisation):
    return make_organisation()


@pytest.fixture
def officer(make_person, owner):
    return make_person(role=Role.TRANSFER_OFFICER, organisation=owner)


@pytest.fixture
def listing(officer, owner, at):
    return services.record_listing(actor=officer, owner=owner, draft=full_draft(), at=at)


def test_a_recorded_listing_comes_back_as_it_was_told(fence, officer, owner, at):
    with fence:
        listing = services.record_listing(actor=officer, owner=owner, draft=full_draft(), at=at)
    assert (listing.state, listing.version, listing.contact, listing.created_at) == (State.DRAFT, 1, officer, at)
    stored = queries.draft_of(Listing.objects.get(pk=listing.pk))
    assert stored == rules.clean_draft(full_draft())
    assert (last_entry().action, last_entry().subject) == (
        "catalogue.listing.recorded",
        f"catalogue.Listing:{listing.pk}",
    )


def test_fields_follow_from_the_symbols(listing):
    derived = listing.classifications.filter(is_derived=True)
    assert set(derived.values_list("scheme", "code")) == {
        ("field", "14"), ("green_bio", "GB1"), ("green_bio", "GB5"),
    }  # fmt: skip


def test_a_need_keeps_its_numbers(officer, owner, at):
    need = draft(
        direction="need",
        need_kind="challenge",
        requirements=(RequirementDraft("cost", "le", Decimal(300), "EUR"), RequirementDraft("mass", "lt", Decimal(2))),
    )
    listing = services.record_listing(actor=officer, owner=owner, draft=need, at=at)
    assert [str(r) for r in listing.requirements.order_by("pk")] == ["cost le 300 EUR", "mass lt 2"]


def test_a_title_is_enough_for_a_draft(officer, owner, at):
    listing = services.record_listing(
        actor=officer, owner=owner, draft=draft(texts=(TextDraft("ko", title="제목"),)), at=at
    )
    assert listing.texts.get().title == "제목"


def test_nobody_records_for_a_foreign_organisation(make_person, owner, at):
    for role in (Role.TRANSFER_OFFICER, Role.REVIEWER):
        with pytest.raises(NotAllowed):
            services.record_listing(actor=make_person(role=role), owner=owner, draft=draft(), at=at)
    operator = make_person(role=Role.OPERATOR)
    assert services.record_listing(actor=operator, owner=owner, draft=draft(), at=at).owner == owner


def test_a_content_with_problems_is_not_recorded(officer, owner, at):
    with pytest.raises(InvalidContent) as refused:
        services.record_listing(actor=officer, owner=owner, draft=draft(trl_low=12), at=at)
    assert {p.field for p in refused.value.facts["problems"]} == {"trl_low", "trl_high"}
    assert not Listing.objects.exists()


def test_samples_are_made_by_operators_only(officer, owner, at, listing):
    with pytest.raises(NotAllowed):
        services.record_listing(actor=officer, owner=owner, draft=draft(is_sample=True), at=at)
    with pytest.raises(NotAllowed):
        services.revise(actor=officer, listing=listing, draft=replace(full_draft(), is_sample=True), at=at)
    sample = services.record_listing(actor=SYSTEM, owner=owner, draft=draft(is_sample=True), at=at)
    assert (sample.is_sample, sample.contact) == (True, None)


def test_a_record_of_a_source_is_recorded_once(officer, owner, at):
    told = draft(source="bank", external_id="7")
    services.record_listing(actor=officer, owner=owner, draft=told, at=at)
    with pytest.raises(rules.AlreadyRecorded) as refused:
        services.record_listing(actor=officer, owner=owner, draft=told, at=at)
    assert refused.value.facts == {"source": "bank", "external_id": "7"}
    assert Listing.objects.count() == 1


def test_revise_replaces_the_content_and_keeps_the_former_version(fence, officer, listing, at):
    new = replace(
        full_draft(),
        texts=(TextDraft("ko", title="새 제목", summary="요약"),),
        ipc=("H01M 10/00",),
        rights=(PATENT,),
        trl_low=5,
        trl_high=7,
    )
    with fence:
        revised = services.revise(actor=officer, listing=listing, draft=new, at=at)
    assert revised.version == 2
    assert queries.draft_of(Listing.objects.get(pk=listing.pk)) == rules.clean_draft(new)
    assert set(revised.classifications.filter(scheme="field").values_list("code", flat=True)) == {"1"}
    versions = queries.revisions_of(revised, queries_viewer(officer, at))
    assert [(r.version, r.content["texts"][0]["title"]) for r in versions] == [(2, "새 제목"), (1, "제목")]
    assert versions[0].actor == f"directory.Person:{officer.pk}"
    assert last_entry().facts == {"version": 2, "state": "draft"}


def queries_viewer(person, at):
    from transferase.directory.queries import viewer_of

    return viewer_of(person, at)


def test_revise_without_a_change_writes_nothing(officer, listing, at):
    before = LedgerEntry.objects.count()
    assert services.revise(actor=officer, listing=listing, draft=queries.draft_of(listing), at=at).version == 1
    assert (LedgerEntry.objects.count(), listing.revisions.count()) == (before, 1)


def test_revise_keeps_rows_of_rights_that_did_not_change(officer, listing, at):
    kept = listing.rights.get(kind="patent")
    services.revise(
        actor=officer, listing=listing, draft=replace(full_draft(), rights=(PATENT, RightDraft("design"))), at=at
    )
    assert list(listing.rights.order_by("pk").values_list("kind", flat=True)) == ["patent", "design"]
    assert listing.rights.get(kind="patent") == kept
    assert list(kept.events.values_list("pgh_label", flat=True)) == ["insert"]
    history = kept.events.model.objects.filter(kind="know_how").values_list("pgh_label", flat=True)
    assert list(history) == ["insert", "delete"]


def test_direction_and_identity_stay_when_revised(officer, owner, at):
    listing = services.record_listing(actor=officer, owner=owner, draft=draft(source="bank", external_id="7"), at=at)
    new = draft(direction="need", source="other", external_id="8", country="KR")
    revised = services.revise(actor=officer, listing=listing, draft=new, at=at)
    assert (revised.direction, revised.source, revised.external_id, revised.country) == ("offer", "bank", "7", "KR")


def test_strangers_revise_nothing(make_person, listing, at):
    with pytest.raises(NotAllowed):
        services.revise(actor=make_person(role=Role.BROKER), listing=listing, draft=draft(), at=at)


def test_a_taken_listing_is_closed(make_listing, officer, owner, at):
    listing = make_listing(owner=owner, state=State.TAKEN)
    with pytest.raises(rules.WrongState):
        services.revise(actor=officer, listing=listing, draft=draft(), at=at)


def test_a_public_listing_may_not_lose_its_summary(make_listing, officer, owner, at):
    listing = make_listing(owner=owner, language="ko")
    with pytest.raises(rules.NotReady) as refused:
        services.revise(actor=officer, listing=listing, draft=draft(texts=(TextDraft("ko", title="제목"),)), at=at)
    assert refused.value.facts == {"missing": ("summary",)}


@pytest.mark.parametrize(
    ("is_verified", "review", "state"),
    [
        (True, "unverified", State.PUBLISHED),
        (False, "unverified", State.IN_REVIEW),
        (True, "always", State.IN_REVIEW),
    ],
)
def test_what_strangers_change_in_public_is_reviewed_again(
    make_listing, make_organisation, make_person, settings, at, is_verified, review, state
):
    settings.REVIEW = review
    owner = make_organisation(is_verified=is_verified)
    listing = make_listing(owner=owner, language="ko")
    revised = services.revise(actor=make_person(organisation=owner), listing=listing, draft=draft(), at=at)
    assert revised.state == state
    operator = make_person(role=Role.OPERATOR)
    listing = make_listing(owner=owner, language="ko")
    assert services.revise(actor=operator, listing=listing, draft=draft(), at=at).state == State.PUBLISHED


def machine(**facts):
    return TextDraft(**{"language": "en", "origin": "machine", "title": "Title"} | facts)


def test_machine_made_texts_go_when_their_original_changes(officer, owner, at):
    texts = (
        TextDraft("ko", title="제목", summary="요약"),
        machine(),
        TextDraft("zh-Hans", origin="human", title="标题"),
        machine(tier="registered", description="More"),
    )
    listing = services.record_listing(actor=officer, owner=owner, draft=draft(texts=texts), at=at)
    new = (replace(texts[0], title="다른 제목"), *texts[1:])
    services.revise(actor=officer, listing=listing, draft=draft(texts=new), at=at)
    kept = set(listing.texts.values_list("language", "tier"))
    assert kept == {("ko", "public"), ("zh-Hans", "public"), ("en", "registered")}


def test_a_machine_made_text_that_came_with_the_change_stays(officer, owner, at):
    texts = (TextDraft("ko", title="제목"), machine())
    listing = services.record_listing(actor=officer, owner=owner, draft=draft(texts=texts), at=at)
    new = (TextDraft("ko", title="다른 제목"), machine(title="Other title"))
    services.revise(actor=officer, listing=listing, draft=draft(texts=new), at=at)
    assert listing.texts.get(language="en").title == "Other title"


def test_a_translation_is_added_and_a_better_one_takes_its_place(fence, officer, listing, at):
    made = TextDraft("zh-Hans", origin=Origin.MACHINE, title="标题")
    with fence:
        services.record_translation(actor=SYSTEM, listing=listing, text=made, at=at)
        services.record_translation(
            actor=officer, listing=listing, text=replace(made, origin=Origin.HUMAN, title="更好的标题"), at=at
        )
    assert listing.texts.get(language="zh-Hans").title == "更好的标题"
    assert last_entry().facts == {"version": 3, "state": "draft", "translation": "zh-Hans"}
    assert listing.revisions.count() == 3


@pytest.mark.parametrize(
    "text",
    [
        TextDraft("ko", origin="human", title="x"),
        TextDraft("ko", origin="machine", title="x"),
        TextDraft("en", origin="machine", title="x"),
        TextDraft("zh-Hans", origin="original", title="x"),
    ],
)
def test_a_translation_never_takes_the_place_of_something_better(listing, at, text):
    with pytest.raises(rules.OriginalKept):
        services.record_translation(actor=SYSTEM, listing=listing, text=text, at=at)


def test_strangers_translate_nothing(make_person, listing, at):
    with pytest.raises(NotAllowed):
        services.record_translation(
            actor=make_person(), listing=listing, text=TextDraft("zh-Hans", origin="human", title="x"), at=at
        )


def test_a_draft_that_was_never_public_may_be_discarded(fence, officer, listing, at):
    with fence:
        services.discard(actor=officer, listing=listing, at=at)
    assert not Listing.objects.exists()
    assert (last_entry().action, last_entry().subject) == (
        "catalogue.listing.discarded",
        f"catalogue.Listing:{listing.pk}",
    )


def test_what_was_public_or_is_anothers_is_not_discarded(make_listing, make_person, officer, owner, listing, at):
    with pytest.raises(NotAllowed):
        services.discard(actor=make_person(), listing=listing, at=at)
    for former in (make_listing(owner=owner), make_listing(owner=owner, state=State.DRAFT, published_at=at)):
        with pytest.raises(rules.WrongState):
            services.discard(actor=officer, listing=former, at=at)


def test_a_text_keeps_html_and_emoji_and_loses_what_deceives(officer, owner, at):
    title = "<script>alert(1)</script> 🚀 \u202etxt.exe\x00"
    listing = services.record_listing(
        actor=officer, owner=owner, draft=draft(texts=(TextDraft("ko", title=title),)), at=at
    )
    assert listing.texts.get().title == "<script>alert(1)</script> 🚀 txt.exe"
