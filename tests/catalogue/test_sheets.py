"""What one viewer is shown of a listing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from transferase.catalogue import queries, services
from transferase.catalogue.models import Listing, ListingText, State
from transferase.directory.models import Role
from transferase.foundation.ledger import SYSTEM


@pytest.fixture
def owner(make_organisation):
    return make_organisation(names={"ko": "한국기계연구원", "en": "Korea Institute of Machinery"})


@pytest.fixture
def listing(make_listing, owner):
    return make_listing(
        owner=owner,
        language="ko",
        title="미생물 제제",
        summary="요약",
        texts=[
            {"language": "en", "origin": "machine", "title": "Microbial preparation"},
            {"language": "ko", "tier": "registered", "description": "가입자 설명"},
            {"language": "ko", "tier": "nda", "description": "비밀 설명"},
        ],
        ipc=["C12N 1/20"],
        rights=[
            {"kind": "patent", "office": "KR", "number": "10-1", "status": "granted", "filed_date": date(2020, 1, 1)}
        ],
        country="KR",
        trl_low=4,
        trl_high=5,
        transfer_modes=["exclusive_licence"],
        territory=["world"],
        source="bank",
        external_id="7",
        source_url="https://example.org/7",
        attribution="Bank",
    )


def test_the_original_is_never_far_and_no_field_is_empty(listing, viewer, at):
    sheet = queries.sheet(listing, viewer(), at, "en")
    assert (sheet.title.text, sheet.title.is_machine_made) == ("Microbial preparation", True)
    assert (sheet.original_title.text, sheet.original_title.language) == ("미생물 제제", "ko")
    assert (sheet.text.language, sheet.text.is_machine_made, sheet.original.title) == ("en", True, "미생물 제제")
    assert [(p.field, p.text, p.language) for p in sheet.passages] == [("summary", "요약", "ko")]
    assert not sheet.passages[0].is_machine_made


def test_readers_of_the_original_and_of_a_missing_language_get_the_original(listing, viewer, at):
    for language in ("ko", "zh-Hans"):
        sheet = queries.sheet(listing, viewer(), at, language)
        assert (sheet.title.text, sheet.original_title, sheet.original) == ("미생물 제제", None, None)


def test_tiers_say_what_there_is_and_what_may_be_read(listing, make_person, viewer, at):
    def tiers(person):
        sheet = queries.sheet(listing, viewer(person), at, "en")
        return {t.tier: (t.is_readable, t.has_text) for t in sheet.tiers}, {t.tier for t in sheet.texts}

    assert tiers(None) == (
        {"public": (True, True), "registered": (False, True), "introduced": (False, False), "nda": (False, True)},
        {"public"},
    )
    partner = make_person(role=Role.COMPANY_USER)
    assert tiers(partner)[1] == {"public", "registered"}
    services.grant_access(
        actor=SYSTEM, listing=listing, organisation=partner.memberships.get().organisation, tier="nda", at=at
    )
    readable, texts = tiers(partner)
    assert (readable["nda"], texts) == ((True, True), {"public", "registered", "nda"})
    assert tiers(make_person(organisation=listing.owner))[0]["introduced"] == (True, False)


def test_facts_are_told_in_the_readers_language(listing, viewer, at):
    sheet = queries.sheet(listing, viewer(), at, "zh-Hans")
    assert (sheet.country.code, sheet.country.label) == ("KR", "韩国")
    assert [m.label for m in sheet.transfer_modes] == ["独占许可"]
    assert [t.label for t in sheet.territory] == ["全球"]
    assert sheet.trl_label == "相关环境下验证"
    assert sheet.state.label == "已发布"
    assert [(f.code, f.label) for f in sheet.fields] == [("15", "生物技术")]
    assert [c.code for c in sheet.ipc] == ["C12N 1/20"]
    assert {c.scheme for c in sheet.classifications} == {"ipc", "field", "green_bio"}
    right = sheet.rights[0]
    assert (right.kind.label, right.status.label, right.number) == ("发明专利", "已授权", "10-1")
    assert (sheet.price_kind, sheet.exclusivity, sheet.trl_scale) == (None, None, None)
    assert (sheet.owner_name, sheet.owner_is_verified) == ("한국기계연구원", True)
    assert queries.sheet(listing, viewer(), at, "en").owner_name == "Korea Institute of Machinery"


def test_what_is_not_stated_is_named(listing, make_listing, viewer, at):
    assert queries.sheet(listing, viewer(), at, "en").missing == ("problem", "alternative", "advantages", "price")
    need = make_listing(direction="need", requirements=[{"property": "cost", "operator": "le", "value": 3}])
    sheet = queries.sheet(need, viewer(), at, "en")
    assert sheet.missing == (
        "problem", "alternative", "advantages", "trl", "ipc", "transfer_modes", "territory", "price", "decision_date",
    )  # fmt: skip
    assert [(r.property, r.operator.label, r.value) for r in sheet.requirements] == [("cost", "at most", Decimal(3))]


def test_an_anonymous_owner_is_named_to_insiders_only(listing, make_person, viewer, at):
    Listing.objects.filter(pk=listing.pk).update(is_anonymous=True, state_note="words", state_reason="unclear")
    listing.refresh_from_db()
    for outsider in (None, make_person(role=Role.COMPANY_USER)):
        sheet = queries.sheet(listing, viewer(outsider), at, "ko")
        assert (sheet.owner_id, sheet.owner_name, sheet.owner_kind, sheet.owner_is_verified) == (
            None,
            None,
            None,
            False,
        )
        assert (sheet.source, sheet.external_id, sheet.source_url, sheet.attribution) == ("", "", "", "")
        right = sheet.rights[0]
        assert (right.kind.code, right.number, right.title, right.filed_date) == ("patent", "", "", None)
        assert (sheet.state_note, sheet.state_reason) == ("", "")
        assert "한국기계연구원" not in repr(sheet)
        assert "Institute of Machinery" not in repr(sheet)
    for insider in (make_person(organisation=listing.owner), make_person(role=Role.REVIEWER)):
        sheet = queries.sheet(listing, viewer(insider), at, "ko")
        assert (sheet.owner_name, sheet.rights[0].number, sheet.external_id) == ("한국기계연구원", "10-1", "7")
        assert sheet.state_note == "words"


def test_encumbrances_and_holds_of_now_are_shown(listing, make_person, viewer, at):
    day = timedelta(days=1)
    given = {"actor": SYSTEM, "listing": listing, "exclusivity": "exclusive", "at": at}
    services.encumber(**given, starts_at=at - day, field="C12N", territory="KR")
    services.encumber(**given, starts_at=at - 2 * day, ends_at=at, territory="CN")
    services.encumber(**given, starts_at=at + day, territory="JP")
    services.place_hold(actor=SYSTEM, listing=listing, reason="legal", at=at)
    sheet = queries.sheet(listing, viewer(make_person(organisation=listing.owner)), at, "ko")
    assert [(e.field, e.territory.label, e.exclusivity.label) for e in sheet.encumbrances] == [
        ("C12N", "대한민국", "독점")
    ]
    assert sheet.is_held
    assert sheet.is_mine


def test_many_sheets_cost_as_many_queries_as_one(make_listing, viewer, at, django_assert_num_queries):
    queries.known_codes()
    for _ in range(3):
        make_listing(ipc=["H01M 10/00"], rights=[{"kind": "patent"}])
    listings = list(Listing.objects.all())
    for count in (1, 3):
        with django_assert_num_queries(9):
            assert len(queries.sheets(listings[:count], viewer(), at, "en")) == count
    assert queries.sheets([], viewer(), at, "en") == []


def test_a_listing_without_a_readable_text_has_an_empty_title(make_listing, viewer, at):
    listing = make_listing()
    ListingText.objects.all().update(tier="nda")
    sheet = queries.sheet(listing, viewer(), at, "en")
    assert (sheet.title.text, sheet.text.title, sheet.passages) == ("", "", ())


def test_desk_lists(make_listing, make_person, owner, viewer, at):
    person = make_person(organisation=owner)
    mine = viewer(person)
    published = make_listing(owner=owner, visible_until=at + timedelta(days=5))
    draft = make_listing(owner=owner, state=State.DRAFT, at=at + timedelta(days=1))
    back = make_listing(owner=owner, state=State.DRAFT, state_reason="unclear", at=at - timedelta(days=1))
    waiting = make_listing(state=State.IN_REVIEW)
    assert list(queries.own_listings(mine)) == [draft, published, back]
    assert list(queries.expiring_soon(mine, at)) == [published]
    assert list(queries.expiring_soon(mine, at + timedelta(days=5))) == []
    assert list(queries.sent_back(mine)) == [back]
    assert queries.counts_by_state(mine) == {"draft": 2, "published": 1}
    assert queries.public_counts(at) == {"offer": 1, "need": 0}
    assert list(queries.review_queue(mine)) == []
    assert list(queries.review_queue(viewer(make_person(role=Role.REVIEWER)))) == [waiting]


def test_revisions_are_for_owners_and_reviewers(make_person, owner, viewer, at):
    from transferase.catalogue.rules import ListingDraft, TextDraft

    listing = services.record_listing(
        actor=SYSTEM, owner=owner, draft=ListingDraft("offer", (TextDraft("en", title="T"),)), at=at
    )
    assert queries.revisions_of(listing, viewer(make_person(role=Role.BROKER))) == []
    for insider in (make_person(organisation=owner), make_person(role=Role.REVIEWER)):
        assert [r.version for r in queries.revisions_of(listing, viewer(insider))] == [1]


def test_offers_and_needs_are_two_faces_of_one_table(make_listing):
    offer, need = make_listing(), make_listing(direction="need")
    assert (offer.is_offer, offer.is_need, need.is_offer, need.is_need) == (True, False, False, True)
    assert (list(Listing.objects.offers()), list(Listing.objects.needs())) == ([offer], [need])
