"""Texts in Korean, Chinese and English: clean, tell the language, find words and sentences, read bytes."""

from transferase.engine.text.characters import (
    CHINESE,
    ENGLISH,
    KOREAN,
    LANGUAGES,
    Scripts,
    detect_language,
    normalise,
    scripts,
)
from transferase.engine.text.encodings import Candidate, Decoded, decode
from transferase.engine.text.sentences import Span, parts, sentences
from transferase.engine.text.snippets import Snippet, snippet
from transferase.engine.text.words import WORDS_VERSION, Word, is_telling, placed_words, words

__all__ = [
    "CHINESE",
    "ENGLISH",
    "KOREAN",
    "LANGUAGES",
    "WORDS_VERSION",
    "Candidate",
    "Decoded",
    "Scripts",
    "Snippet",
    "Span",
    "Word",
    "decode",
    "detect_language",
    "is_telling",
    "normalise",
    "parts",
    "placed_words",
    "scripts",
    "sentences",
    "snippet",
    "words",
]
