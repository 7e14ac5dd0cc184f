"""Sentences and parts keep their place in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.text import parts, sentences

TEXT = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("다요。！. ,;\n\n(Fig3A중技")), max_size=400)


@given(TEXT, st.sampled_from(["ko", "zh-Hans", "en", None]))
def test_sentences_stand_where_they_say_and_leave_nothing_out(text, language):
    spans = sentences(text, language)
    at = 0
    for span in spans:
        assert text[span.start : span.end] == span.text
        assert span.text == span.text.strip()
        assert not text[at : span.start].strip()
        assert 0 < len(span.text) <= 500
        at = span.end
    assert not text[at:].strip()


@given(TEXT, st.integers(1, 120))
def test_parts_hold_the_whole_text_in_pieces_that_fit(text, size):
    found = parts(text, size)
    assert all(0 < len(part) <= size for part in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "It works. It is 3.5 mm wide! Is it?", ["It works.", "It is 3.5 mm wide!", "Is it?"]),
        ("en", "See Fig. 3 and Smith et al. for E. coli. Done.", ["See Fig. 3 and Smith et al. for E. coli.", "Done."]),
        ("en", "The U.S. Navy asked Acme Inc. The end.", ["The U.S. Navy asked Acme Inc.", "The end."]),
        ("en", "A wrapped\nline goes on.\nA new one.", ["A wrapped\nline goes on.", "A new one."]),
        ("en", "Goals:\n• cheap\n• light", ["Goals:", "• cheap", "• light"]),
        ("en", 'He said "Stop." Then left.', ['He said "Stop."', "Then left."]),
        (
            "ko",
            "필름을 제조한다.또한 두께는 3.5 mm이다. 값이 싸다",
            ["필름을 제조한다.", "또한 두께는 3.5 mm이다.", "값이 싸다"],
        ),
        ("ko", "기술을 찾습니다! 도와주세요.", ["기술을 찾습니다!", "도와주세요."]),
        ("zh-Hans", "研究了电池。精度为0.5%；成本低！", ["研究了电池。", "精度为0.5%；", "成本低！"]),
        ("zh-Hans", "他说：“可以。”随后离开。", ["他说：“可以。”", "随后离开。"]),
        ("en", "", []),
    ],
)
def test_sentences(language, text, expected):
    assert [span.text for span in sentences(text, language)] == expected


def test_parts_end_at_sentence_ends():
    text = "First sentence here. Second sentence here. Third sentence here."
    assert parts(text, 45) == ["First sentence here. Second sentence here.", "Third sentence here."]
    assert parts(text) == [text]
    assert parts("  \n ") == []
    with pytest.raises(ValueError, match="one character"):
        parts(text, 0)
