"""Stored texts are clean, and their language is told."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.text import detect_language, normalise, scripts

BIDIRECTIONAL_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("\x00\r\n\x0b\x85\u2028\u202e\u200b\ufeff\u00ad \t가각ᄀ\u1161\u11a8中e\u0301\ud800"),
    ),
    max_size=60,
)


@given(NASTY)
def test_normalise_is_idempotent(text):
    assert normalise(normalise(text)) == normalise(text)


@given(NASTY)
def test_normalised_text_can_be_stored_and_shown(text):
    clean = normalise(text)
    clean.encode()
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == clean.strip()
    assert "  " not in clean
    assert "\n\n\n" not in clean
    for character in clean:
        assert character == "\n" or unicodedata.category(character) != "Cc"
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\x00b", "ab"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("소\u1112\u1161\u11ab국", "소한국"),
        ("one\r\n\r\n\r\n\r\ntwo  \t three ", "one\n\ntwo three"),
        ("면적 3 m² 이하", "면적 3 m² 이하"),
        ("\ufeff提名", "提名"),
        ("👩\u200d🔬 lab", "👩\u200d🔬 lab"),
        ("", ""),
        ("\ud800x", "x"),
    ],
)
def test_normalise(raw, clean):
    assert normalise(raw) == clean


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("질병 저항성이 높은 밀 품종", "ko"),
        ("물", "ko"),
        ("CRISPR-Cas9 및 TALEN 기반 유전자 교정(gene editing) 기술", "ko"),
        ("LTE 단말 RRC Connection Setup 절차", "ko"),
        ("寻求用于锂离子电池的正极材料", "zh-Hans"),
        ("用於鋰離子電池的正極材料", "zh-Hans"),
        ("基于CNN和LSTM的PM2.5预测", "zh-Hans"),
        ("A deployable antenna for small satellites", "en"),
        ("Extract of Panax ginseng (인삼) for skin care", "en"),
        ("LED", "en"),
        ("", None),
        ("12 345 %", None),
        ("AI", None),
        ("これは日本語の文章です。", None),
        ("Это русский текст", None),
        ("Die Erfindung betrifft ein Verfahren zur Herstellung eines Werkstoffs und dessen Verwendung. " * 5, None),
    ],
)
def test_detect_language(text, language):
    assert detect_language(text) == language


@given(st.text(max_size=200))
def test_detect_language_knows_three_or_none(text):
    assert detect_language(text) in {"ko", "zh-Hans", "en", None}


def test_scripts_counts_every_letter_once():
    counted = scripts("Aé가한中の8Ж!")
    assert (counted.latin, counted.hangul, counted.han, counted.kana, counted.other) == (2, 2, 1, 1, 1)
