"""Cells in the forms that people of three countries write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.interchange._parts import recognise_number
from transferase.interchange._values import (
    guarded,
    parse_day,
    parse_list,
    parse_money,
    parse_requirement,
    parse_trl,
    unguarded,
    write_list,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", (4, 4)), ("TRL 4", (4, 4)), ("TRL4~TRL6", (4, 6)), ("4-6", (4, 6)), ("6~4", (6, 4)), ("4단계", (4, 4)),
        ("4~6단계", (4, 6)), ("第4级", (4, 4)), ("４", (4, 4)), ("TRL 6-7: pilot", (6, 7)), ("기술성숙도 5", (5, 5)),
        ("3/9", (3, 3)), ("10", None), ("0", None), ("prototype", None), ("2026-01", None), ("", None),
    ],
)  # fmt: skip
def test_readiness(text, expected):
    assert parse_trl(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-03", date(2026, 12, 3)), ("2026.12.3.", date(2026, 12, 3)), ("2026/12/03", date(2026, 12, 3)),
        ("2026년 12월 3일", date(2026, 12, 3)), ("2026年12月3日", date(2026, 12, 3)), ("20261203", date(2026, 12, 3)),
        ("3 Dec 2026", date(2026, 12, 3)), ("December 3, 2026", date(2026, 12, 3)), ("13/02/2026", date(2026, 2, 13)),
        ("02/13/2026", date(2026, 2, 13)), ("03/03/2026", date(2026, 3, 3)),
        ("2026-12-03T10:00:00Z", date(2026, 12, 3)),
        ("03/04/2026", None), ("2026-13-01", None), ("2026", None), ("곧", None), ("30 Feb 2026", None),
    ],
)  # fmt: skip
def test_days(text, expected):
    assert parse_day(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1억 5천만원", ("150000000", "150000000", "KRW")), ("1~3억원", ("100000000", "300000000", "KRW")),
        ("3,000만 원", ("30000000", "30000000", "KRW")), ("300~500万元", ("3000000", "5000000", "CNY")),
        ("1.2亿元", ("120000000", "120000000", "CNY")), ("US$ 1.5 million", ("1500000", "1500000", "USD")),
        ("50,000-80,000 USD", ("50000", "80000", "USD")), ("€2.5m", ("2500000", "2500000", "EUR")),
        ("KRW 30,000,000", ("30000000", "30000000", "KRW")), ("120", ("120", "120", "")),
        ("협의", None), ("3년간 1억", None), ("면议", None), ("9" * 40, None),
    ],
)  # fmt: skip
def test_money(text, expected):
    found = parse_money(text)
    assert (found and (found.low, found.high, found.currency)) == (
        expected and (Decimal(expected[0]), Decimal(expected[1]), expected[2])
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("energy density >= 300 Wh/kg", ("energy density", "ge", "300", "Wh/kg", True)),
        ("순도 99.9 % 이상", ("순도", "ge", "99.9", "%", True)),
        ("粒径不超过50 nm", ("粒径", "le", "50", "nm", True)),
        ("cost <= 20 $/kg (should)", ("cost", "le", "20", "$/kg", False)),
        ("에너지밀도: 300Wh/kg 이상", ("에너지밀도", "ge", "300", "Wh/kg", True)),
        ("보관 온도 < -20 °C", ("보관 온도", "lt", "-20", "°C", True)),
        ("부피 절감", None),
        (">= 3", None),
    ],
)
def test_requirements(text, expected):
    found = parse_requirement(text)
    assert (found and (*found[:2], str(found.value), *found[3:])) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("10-2020-0012345", ("KR", "patent")), ("1020220012103", ("KR", "patent")),
        ("20-0412345", ("KR", "utility_model")), ("US 10,123,456", ("US", "")),
        ("ZL201910123456.7", ("CN", "patent")), ("CN202120345678.X", ("CN", "utility_model")),
        ("EP3456789B1", ("EP", "")), ("2019-17", ("", "")), ("", ("", "")),
    ],
)  # fmt: skip
def test_numbers_of_rights(number, expected):
    assert recognise_number(number) == expected


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)))
def test_a_list_comes_back_as_it_was_written(items):
    assert parse_list(write_list(items)) == items


@given(st.text())
def test_no_text_breaks_a_parser(text):
    parse_trl(text), parse_day(text), parse_money(text), parse_requirement(text), parse_list(text)
    recognise_number(text)


@given(st.text() | st.sampled_from(["-", "n/a", "'", "''", "'=1", "=1", "없음", "''-", "'x"]))
def test_a_guarded_text_is_safe_and_comes_back(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


@given(st.text(st.sampled_from("가나한汉字技テストabc XYZ,.1"), min_size=3, max_size=120))
def test_the_short_way_to_a_language_agrees_with_the_long_one(text):
    from transferase.engine.text import detect_language
    from transferase.interchange._drafts import language_of

    assert language_of(text) == (detect_language(text) or "en")
