"""Snippets show what was searched for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.text import snippet, words


def marked(found):
    return [found.text[start:end] for start, end in found.marks]


@pytest.mark.parametrize(
    ("language", "query", "text", "shown"),
    [
        ("en", "charging batteries", "Long talk of nothing. " * 20 + "A battery charges fast.", ["battery", "charges"]),
        ("en", "3.5 GHz", "At 2.4 GHz or 3.5 GHz it works.", ["3.5 GHz"]),
        ("ko", "배터리 충전", "소개 글입니다. " * 40 + "배터리를 빠르게 충전한다.", ["배터리", "충전"]),
        ("zh-Hans", "电池材料", "背景介绍。" * 60 + "新型电池的正极材料。", ["电池", "材料"]),
        ("ko", "CRISPR 유전자", "CRISPR를 이용한 유전자 교정", ["CRISPR", "유전자"]),
    ],
)
def test_snippet_marks_the_words_found(language, query, text, shown):
    found = snippet(text, words(query, language), language, 60)
    assert marked(found) == shown
    assert len(found.text) <= 60


def test_snippet_without_a_found_word_is_the_beginning():
    found = snippet("One sentence. " * 50, ["absent"], "en", 100)
    assert found.start == 0
    assert found.marks == ()
    assert found.cut_after
    assert not found.cut_before


@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from("abc 가나 電池.\n")), max_size=300),
    st.lists(st.text(alphabet="abc가나電池", min_size=1, max_size=4), max_size=4),
    st.integers(10, 120),
)
def test_marks_lie_inside_in_order_and_apart(text, terms, width):
    found = snippet(text, terms, None, width)
    assert text[found.start : found.start + len(found.text)] == found.text
    assert len(found.text) <= width
    at = 0
    for start, end in found.marks:
        assert at <= start < end <= len(found.text)
        at = end
