"""How content is cleaned, checked and compared."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.catalogue import queries, rules
from transferase.catalogue.rules import ListingDraft, RequirementDraft, RightDraft, TextDraft
from transferase.engine.text import normalise

LONG = {"title": 301, "summary": 5001, "description": 50_001}


def draft(**facts):
    texts = (TextDraft("ko", title="제목", summary="요약"),)
    return ListingDraft(**{"direction": "offer", "texts": texts} | facts)


def checked(given):
    return [(p.field, p.code) for p in rules.check_draft(rules.clean_draft(given), queries.known_codes())]


@given(st.text(max_size=200))
def test_cleaning_a_line_is_what_normalising_does(text):
    cleaned = rules.clean_draft(draft(texts=(TextDraft("en", title=text, description=text),)))
    expected = " ".join(normalise(text).split())
    if expected:
        assert (cleaned.texts[0].title, cleaned.texts[0].description) == (expected, normalise(text))
    else:
        assert cleaned.texts == ()


@given(st.text(max_size=200))
def test_cleaning_is_idempotent(text):
    given_draft = draft(
        texts=(TextDraft("en", title=text, summary=text),), ipc=(text,), unmapped=(text,), trl_evidence=text
    )
    once = rules.clean_draft(given_draft)
    assert rules.clean_draft(once) == once


def test_cleaning_brings_facts_into_one_form():
    cleaned = rules.clean_draft(
        draft(
            texts=(TextDraft("ko", title="가\x00 나\n다"), TextDraft("en", origin="machine", title=" ")),
            ipc=("C12N1/20", "c12n 1/20", "what"),
            cpc=("Y02E 10/50", "??"),
            trl_high=5,
            territory=("KR", "world"),
            transfer_modes=("option", "option"),
            price_low=Decimal(3),
            requirements=(RequirementDraft(" cost ", "le", Decimal(300), unit=" EUR "),),
        )
    )
    assert [t.title for t in cleaned.texts] == ["가 나 다"]
    assert cleaned.original_language == "ko"
    assert (cleaned.ipc, cleaned.cpc) == (("C12N 1/20",), ("Y02E 10/50",))
    assert cleaned.unmapped == ("ipc:what", "cpc:??")
    assert (cleaned.trl_low, cleaned.trl_high) == (5, 5)
    assert (cleaned.territory, cleaned.transfer_modes) == (("world",), ("option",))
    assert str(cleaned.price_low) == "3.00"
    assert cleaned.requirements == (RequirementDraft("cost", "le", Decimal("300.000000"), unit="EUR"),)


def test_a_requirement_of_zero_stays_zero():
    cleaned = rules.clean_draft(draft(requirements=(RequirementDraft("x", "eq", Decimal(0)),)))
    assert str(cleaned.requirements[0].value) == "0.000000"


def test_a_full_content_has_no_problem(db):
    full = draft(
        country="KR",
        ipc=("C12N 1/20",),
        trl_low=4,
        trl_high=6,
        trl_scale="kr",
        transfer_modes=("exclusive_licence", "joint_research"),
        exclusivity="exclusive",
        territory=("KR", "CN"),
        partner_kinds=("company_small",),
        price_kind="range",
        price_low=Decimal(10),
        price_high=Decimal(20),
        currency="KRW",
        payment_kinds=("running_royalty",),
        rights=(RightDraft("patent", "KR", "10-1234567", "granted", filed_date=date(2020, 1, 1)),),
        source="bank",
        external_id="1",
        source_url="https://example.org/1",
    )
    assert checked(full) == []
    need = draft(
        direction="need",
        need_kind="challenge",
        decision_date=date(2027, 1, 1),
        excluded_countries=("US",),
        requirements=(RequirementDraft("energy density", "ge", Decimal(300), "Wh/kg"),),
    )
    assert checked(need) == []


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"direction": "gift"}, ("direction", "unknown_code")),
        ({"texts": ()}, ("title", "required")),
        ({"texts": (TextDraft("ko", description="only"),)}, ("title", "required")),
        ({"texts": (TextDraft("ko", "registered", title="x"),)}, ("title", "required")),
        ({"original_language": "en"}, ("title", "required")),
        ({"country": "XX"}, ("country", "unknown_code")),
        ({"country": "world"}, ("country", "unknown_code")),
        ({"direction": "need", "excluded_countries": ("world",)}, ("excluded_countries", "unknown_code")),
        ({"trl_low": 0, "trl_high": 5}, ("trl_low", "out_of_range")),
        ({"trl_low": 6, "trl_high": 4}, ("trl_high", "not_in_order")),
        ({"trl_scale": "mine"}, ("trl_scale", "unknown_code")),
        ({"trl_evidence": "x" * 50_001}, ("trl_evidence", "too_long")),
        ({"transfer_modes": ("theft",)}, ("transfer_modes", "unknown_code")),
        ({"exclusivity": "mine"}, ("exclusivity", "unknown_code")),
        ({"territory": ("Mars",)}, ("territory", "unknown_code")),
        ({"field_of_use": "x" * 301}, ("field_of_use", "too_long")),
        ({"partner_kinds": ("friend",)}, ("partner_kinds", "unknown_code")),
        ({"price_kind": "much"}, ("price_kind", "unknown_code")),
        ({"price_low": Decimal(-1), "currency": "EUR"}, ("price_low", "out_of_range")),
        ({"price_low": Decimal("1e15"), "currency": "EUR"}, ("price_low", "out_of_range")),
        ({"price_low": Decimal(1)}, ("currency", "required")),
        ({"currency": "euro"}, ("currency", "unknown_code")),
        ({"price_low": Decimal(2), "price_high": Decimal(1), "currency": "EUR"}, ("price_high", "not_in_order")),
        ({"payment_kinds": ("cake",)}, ("payment_kinds", "unknown_code")),
        ({"need_kind": "challenge"}, ("need_kind", "not_for_direction")),
        ({"decision_date": date(2027, 1, 1)}, ("decision_date", "not_for_direction")),
        ({"direction": "need", "rights": (RightDraft("patent"),)}, ("rights", "not_for_direction")),
        ({"rights": (RightDraft("wish"),)}, ("rights.0.kind", "unknown_code")),
        ({"rights": (RightDraft("patent", status="nice"),)}, ("rights.0.status", "unknown_code")),
        ({"rights": (RightDraft("patent", number="1" * 61),)}, ("rights.0.number", "too_long")),
        ({"external_id": "1"}, ("source", "required")),
        ({"source_url": "javascript:alert(1)"}, ("source_url", "not_a_web_address")),
        ({"attribution": "x" * 501}, ("attribution", "too_long")),
    ],
)
def test_a_problem_names_field_and_rule(db, facts, problem):
    assert checked(draft(**facts)) == [problem]


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"language": "fr"}, ("texts.fr.public", "unknown_language")),
        ({"tier": "secret"}, ("texts.en.secret", "unknown_code")),
        ({"origin": "ghost"}, ("texts.en.public", "unknown_code")),
        *(({name: "x" * length}, (f"texts.en.public.{name}", "too_long")) for name, length in LONG.items()),
    ],
)
def test_a_problem_of_a_text_names_it(db, facts, problem):
    text = TextDraft(**{"language": "en", "title": "T", "origin": "human"} | facts)
    assert checked(draft(texts=(TextDraft("ko", title="제목"), text))) == [problem]


def test_one_text_for_each_language_and_tier(db):
    assert checked(draft(texts=(TextDraft("ko", title="가"), TextDraft("ko", title="나")))) == [
        ("texts.ko.public", "given_twice")
    ]


@pytest.mark.parametrize(
    ("facts", "field", "code"),
    [
        ({"property": ""}, "property", "required"),
        ({"property": "x" * 121}, "property", "too_long"),
        ({"operator": "about"}, "operator", "unknown_code"),
        ({"value": Decimal("NaN")}, "value", "out_of_range"),
        ({"value": Decimal("1e14")}, "value", "out_of_range"),
        ({"unit": "x" * 41}, "unit", "too_long"),
    ],
)
def test_a_problem_of_a_requirement_names_it(db, facts, field, code):
    requirement = RequirementDraft(**{"property": "x", "operator": "ge", "value": Decimal(1)} | facts)
    assert checked(draft(direction="need", requirements=(requirement,))) == [(f"requirements.0.{field}", code)]


def test_unknown_codes_of_a_source_are_set_aside_with_a_warning(db):
    told = draft(
        country="XX",
        transfer_modes=("option", "barter"),
        exclusivity="maybe",
        rights=(RightDraft("patent", status="pending"), RightDraft("hunch"), RightDraft("design", status="granted")),
        unmapped=("key word",),
    )
    kept, warnings = rules.set_aside_unknown(told, queries.known_codes())
    assert (kept.country, kept.transfer_modes, kept.exclusivity) == ("", ("option",), "")
    assert kept.rights == (RightDraft("patent"), RightDraft("design", status="granted"))
    assert kept.unmapped == (
        "key word", "country:XX", "transfer_mode:barter", "exclusivity:maybe", "right:patent pending", "right:hunch",
    )  # fmt: skip
    assert [w.field for w in warnings] == ["country", "transfer_modes", "exclusivity", "rights", "rights"]
    assert checked(kept) == []


def test_a_digest_tells_contents_apart():
    one = rules.clean_draft(draft())
    assert rules.digest_of(one) == rules.digest_of(rules.clean_draft(draft()))
    assert rules.digest_of(one) != rules.digest_of(replace(one, trl_low=4))


def test_what_publishing_lacks():
    assert rules.missing_for_publishing(rules.clean_draft(draft())) == ()
    assert rules.missing_for_publishing(draft(texts=())) == ("title", "summary")
    only_title = rules.clean_draft(draft(texts=(TextDraft("ko", title="제목"), TextDraft("en", summary="x"))))
    assert rules.missing_for_publishing(only_title) == ("summary",)


def test_quality_hints_ask_for_what_helps_most_and_fall_silent():
    bare = rules.clean_draft(draft())
    assert rules.quality_hints(bare)[:3] == ("problem", "alternative", "numbers")
    assert "requirements" in rules.quality_hints(replace(bare, direction="need"))
    assert "problem" in rules.quality_hints(replace(bare, texts=()))
    full = replace(
        bare,
        texts=(TextDraft("ko", title="제목", summary="30 % 절감", problem="문제", alternative="대안"),),
        trl_low=4,
        ipc=("C12N",),
        transfer_modes=("option",),
        territory=("world",),
        rights=(RightDraft("patent"),),
    )
    assert rules.quality_hints(full) == ("trl_evidence",)
    assert rules.quality_hints(replace(full, trl_evidence="시험 성적서")) == ()


def test_a_kept_content_is_read_back_as_it_was() -> None:
    draft = rules.ListingDraft(
        direction="need",
        texts=(rules.TextDraft("ko", title="센서"), rules.TextDraft("en", origin="human", title="Sensor")),
        original_language="ko",
        ipc=("G01F 23/00",),
        price_low=Decimal("7.50"),
        decision_date=date(2027, 1, 31),
        territory=("KR", "CN"),
        rights=(rules.RightDraft("patent", filed_date=date(2020, 3, 1)),),
        requirements=(rules.RequirementDraft("range", "ge", Decimal("5.000000"), "km", is_must=False),),
    )
    assert rules.from_json(json.loads(rules.as_json(draft))) == draft


def test_a_content_of_an_earlier_version_is_read_as_far_as_it_is_known() -> None:
    kept = {"direction": "offer", "texts": [{"language": "en", "title": "A", "colour": "red"}], "gone": [1]}
    assert rules.from_json(kept) == rules.ListingDraft("offer", (rules.TextDraft("en", title="A"),))
