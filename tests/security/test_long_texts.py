"""Long texts that are made to be slow: analysed in time that grows with their length only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from transferase.engine.ranking import long_parts
from transferase.engine.text import detect_language, normalise, sentences, snippet, words

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH = 20_000
PIECES = [
    "a", ".", " ", "1.", "1,", "(", "https://", "a-", "a/", "a'", "“", "1) ", "is", "1", "1%", "e.g.", ". ", "; ",
    "\n", "\t \n", "e\u0301", "\u0301", "😀", "\u202e", "电", "电。", "가", "a가", "电a", "한 ",
]  # fmt: skip
ANALYSES: dict[str, Callable[[str], object]] = {
    "normalise": normalise,
    "language": detect_language,
    "sentences": sentences,
    "parts": long_parts,
    "snippet": lambda text: snippet(text, ["battery"], "en", 240),
    "english": lambda text: words(text, "en"),
    "chinese": lambda text: words(text, "zh-Hans"),
}
# About ten times what the slowest takes on one core.
MOST_SECONDS = 20


@pytest.mark.parametrize("piece", PIECES)
def test_no_text_is_slow(piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    for name, analyse in ANALYSES.items():
        started = time.process_time()
        analyse(text)
        assert time.process_time() - started < MOST_SECONDS, name


def test_a_run_without_marks_takes_no_minute() -> None:
    started = time.process_time()
    words("电" * 100_000, "zh-Hans")
    assert time.process_time() - started < MOST_SECONDS


def test_a_run_that_is_cut_keeps_its_places() -> None:
    run = "锂离子电池正极材料" * 400
    for word in (found := words(run, "zh-Hans")):
        assert word in run
    assert found.count("电池") == 400
