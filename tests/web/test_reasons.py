"""Reasons in words: what a reader sees of a match in ten seconds."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import translation

from tests.web.test_matching import company as company  # fixtures
from tests.web.test_matching import make_match, matches_page
from tests.web.test_matching import need as need
from tests.web.test_matching import offer as offer
from tests.web.test_matching import scout as scout
from transferase.catalogue.models import ListingText, Requirement
from transferase.catalogue.rules import RequirementDraft
from transferase.catalogue.services import load_vocabularies
from transferase.engine.ranking import Reason, load_weights
from transferase.foundation.ledger import SYSTEM
from transferase.matching._texts import quoted_digest
from transferase.matching._views import strength_of
from transferase.web import reasons

if TYPE_CHECKING:
    from datetime import datetime

    from django.test import Client

    from transferase.catalogue.models import Listing

pytestmark = pytest.mark.django_db


@pytest.fixture
def vocabularies() -> None:
    load_vocabularies(actor=SYSTEM)


@pytest.mark.parametrize(
    ("levels", "asked", "stated"),
    [
        ([4, 6], "TRL 4–6", "TRL 4–6"),
        ([6, 9], "TRL 6 or higher", "TRL 6–9"),
        ([6, None], "TRL 6 or higher", "TRL 6"),
        ([None, 4], "TRL 4 or lower", "TRL 4"),
        ([1, 4], "TRL 4 or lower", "TRL 1–4"),
        ([9, 9], "TRL 9", "TRL 9"),
        ([1, 1], "TRL 1", "TRL 1"),
    ],
)
def test_levels_that_are_asked_for_may_be_open_at_an_end(levels, asked, stated):
    assert reasons.trl_range(levels, is_asked=True) == asked
    assert reasons.trl_range(levels) == stated


def test_a_gap_names_what_the_other_side_asks_for(vocabularies):
    stated = {
        "need.trl": [6, None],
        "need.territory": ["KR"],
        "need.transfer_modes": ["joint_research"],
        "offer.ipc": ["G01F 23/00", "G01F 1/00", "H04N 7/18"],
    }
    codes = ("offer.trl", "offer.territory", "offer.transfer_modes", "need.ipc", "offer.partner_kinds", "words")
    told = reasons.missing(codes, stated)
    assert told[0] == "Readiness level not given; asked for: TRL 6 or higher"
    assert told[1].startswith("No territory given; asked for:")
    assert "Korea" in told[1]
    assert told[2] == "Way of transfer not given; asked for: Joint research"
    assert told[3] == "The offer does not state: kind of partner sought"
    assert told[4] == "The need does not state: patent class"
    assert told[5].startswith("Words could not be compared")
    assert reasons.missing(codes[3:], stated)[0] == "The need has no patent class; the offer is in G01F, H04N"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "To be checked: 인장 강도 at least 30 MPa"),
        ("ko", "확인할 조건: 인장 강도 30 MPa 이상"),
        ("zh-hans", "待确认条件：인장 강도 不低于 30 MPa"),
    ],
)
def test_a_must_in_numbers_is_something_to_check(language, told):
    required = RequirementDraft("인장 강도", "ge", Decimal("30.000000"), "MPa", is_must=True)
    with translation.override(language):
        assert reasons.missing(("offer.requirements",), asked=[required]) == [told]


def test_what_neither_side_states_is_one_line_a_side():
    assert reasons.missing(("offer.trl", "need.trl", "offer.ipc", "need.ipc")) == [
        "The offer does not state: readiness level, patent class",
        "The need does not state: readiness level, patent class",
    ]


@pytest.mark.parametrize(("reader", "said"), [("en", "secondary"), ("ko", "배터리"), ("zh-Hans", "电池")])
def test_concepts_are_named_in_the_readers_language(reader, said):
    quote = {"field": "title", "language": "en", "start": 0, "end": 3, "text": "x"}
    labels = {"en": "secondary cell", "ko": "배터리", "zh-Hans": "电池"}
    concepts = Reason("shared_concepts", {"terms": [{"labels": labels, "need": quote, "offer": quote, "share": 1.0}]})
    words = Reason("shared_terms", {"terms": [{"need": quote, "offer": {**quote, "language": "und"}, "share": 1.0}]})
    with translation.override({"zh-Hans": "zh-hans"}.get(reader, reader)):
        [told] = reasons.fits([words, concepts], reader)
    assert said in told


def test_a_patent_class_is_told_by_its_title(vocabularies):
    with translation.override("ko"):
        [told] = reasons.fits([Reason("shared_field", {"node": "H01M 10", "nodes": ["H01M 10"]})], "ko")
    assert "H01M 10 (" in told
    assert len(told) < 140
    [told] = reasons.fits([Reason("shared_field", {"node": "H01M 10", "nodes": ["H01M 10"]})], "en")
    assert told == "Both are in the patent class H01M 10 (Secondary cells)"


@pytest.mark.parametrize("across", [False, True])
def test_what_counts_as_evidence_is_close_and_less_is_only_the_nearest(across):
    weights = load_weights()
    calibration = weights.evidence_across if across else weights.evidence
    least = weights.evidence_least_across if across else weights.evidence_least
    # A match keeps four digits.
    near = [round(calibration.value(cosine), 4) for cosine in (0.0, least - 0.01, least)]
    assert [reasons.closeness(value, across=across) for value in (*near, 0.69, 0.7, 1.0)] == [
        "nearest sentences",
        "nearest sentences",
        "close",
        "close",
        "nearly the same",
        "nearly the same",
    ]


def test_strength_follows_the_threshold():
    threshold = load_weights().threshold
    told = [strength_of(threshold + more, threshold) for more in (0.0, 0.09, 0.11, 0.24, 0.26)]
    assert told == ["weak", "weak", "fair", "fair", "strong"]


def test_weak_matches_stand_below_a_line_and_look_weak(
    scout: Client, need: Listing, offer: Listing, make_listing: Any, at: datetime
):
    threshold = load_weights().threshold
    make_match(need, offer, score=0.7, at=at)
    for number in (1, 2):
        weak = make_listing(title=f"Weak counterpart {number}")
        make_match(need, weak, score=threshold + 0.01 * number, at=at)
    page = matches_page(scout, need, "en")
    assert page.count("tf-match tf-weak") == 2
    assert page.count("tf-match tf-strong") == 1
    assert page.count("tf-weakline") == 1
    assert page.index("Flood sensor") < page.index("tf-weakline") < page.index("Weak counterpart 2")


@pytest.mark.parametrize(
    ("translated", "is_shown"),
    [("하천 수위를 잽니다. 배터리로 움직입니다.", True), ("하천 수위를 재며 배터리로 움직입니다.", False)],
    ids=["as many sentences", "another number of sentences"],
)
def test_a_quote_stands_with_its_sentence_in_the_readers_language(
    scout: Client, need: Listing, offer: Listing, at: datetime, translated: str, is_shown: bool
):
    said = "It measures river levels. It runs on a battery."
    ListingText.objects.filter(listing=offer).update(summary=said)
    ListingText.objects.create(listing=offer, language="ko", title="수위 센서", summary=translated, origin="machine")
    asked = "값싼 센서를 찾습니다."
    place = {"field": "summary", "language": "en", "start": 26, "end": len(said), "digest": quoted_digest(said[26:])}
    mine = {"field": "summary", "language": "ko", "start": 0, "end": len(asked), "digest": quoted_digest(asked)}
    pair = {"code": "sentence_pair", "facts": {"need": mine, "offer": place, "closeness": 0.5}}
    make_match(need, offer, score=0.7, at=at, because=[pair])
    page = matches_page(scout, need, "ko")
    assert "It runs on a battery." in page
    assert ("배터리로 움직입니다." in page) == is_shown
    assert "It runs on a battery." in matches_page(scout, need, "en")
    assert "배터리로 움직입니다." not in matches_page(scout, need, "en")


def test_a_must_of_the_need_stands_on_the_card_and_what_is_nice_does_not(scout, need, offer, at):
    for value, is_must in ((30, True), (50, False)):
        Requirement.objects.create(
            listing=need, property="인장 강도", operator="ge", value=value, unit="MPa", is_must=is_must
        )
    make_match(need, offer, at=at)
    page = matches_page(scout, need, "en")
    assert "To be checked: 인장 강도 at least 30 MPa" in page
    assert "50 MPa" not in page
