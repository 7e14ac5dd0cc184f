"""Find codes of a vocabulary by what people type: a code, words of a title in any language, or everyday words."""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from transferase.catalogue._classification import normalise_ipc
from transferase.catalogue._vocabulary import SYMBOLS, label, vocabulary
from transferase.engine.text.words import fold, stem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Titles of patent classes speak of "processes or means for the direct conversion of chemical energy" where people say
# "battery"; what they say stands in a file of its own.
_EVERYDAY_FILE: Final = {"ipc": "ipc_words.tsv"}
_LATIN = re.compile(r"[^\W\d_]+", re.ASCII)
# A shorter everyday word inside a longer run of characters is found too often by chance.
_SHORTEST_PART: Final = 2
_SHORTEST_LATIN: Final = 3
_BY_EVERYDAY_WORD, _BY_EVERYDAY_WORDS, _BY_TITLE, _BY_BOTH, _IN_PART = range(5)


def search_terms(scheme: str, words: str, language: str, limit: int = 20) -> tuple[tuple[str, str], ...]:
    """(code, label) of terms whose code begins with the words or that any language calls by them.

    Codes come first, then what everyday words name, then titles that hold all words, higher nodes before lower ones;
    where nothing holds all words, what holds the most of them. A valid symbol of IPC without a title is offered too.
    """
    wanted = fold(words).split()
    if not wanted:
        return ()
    bare = "".join(wanted).upper()
    by_code: list[str] = []
    found: list[tuple[int, int, int, str]] = []  # place, length of the code, code
    for term in vocabulary(scheme):
        if term.code.replace(" ", "").upper().startswith(bare):
            by_code.append(term.code)
        elif (place := _place(wanted, tuple(term.labels.values()), _everyday(scheme).get(term.code, ()))) is not None:
            found.append((*place, len(term.code), term.code))
    if any(rank < _IN_PART for rank, *_ in found):
        found = [one for one in found if one[0] < _IN_PART]
    symbol = normalise_ipc(words) if scheme in SYMBOLS else None
    typed = [symbol] if symbol and symbol not in by_code else []
    codes = dict.fromkeys([*typed, *by_code, *(code for *_, code in sorted(found, key=lambda one: one[:3]))])
    return tuple((code, label(scheme, code, language)) for code in list(codes)[:limit])


def _place(wanted: Sequence[str], titles: Sequence[str], everyday: Sequence[str]) -> tuple[int, int] | None:
    """How well a term answers, (kind, what lacks), smaller is better; None when it does not."""
    whole = _key(" ".join(wanted))
    if any(_key(form) == whole for form in everyday):
        return _BY_EVERYDAY_WORD, 0
    if any(all(_holds(form, word) for word in wanted) for form in everyday):
        return _BY_EVERYDAY_WORDS, 0
    if any(all(_holds(title, word) for word in wanted) for title in titles):
        return _BY_TITLE, 0
    held = [word for word in wanted if any(_holds(text, word) for text in (*titles, *everyday))]
    if len(held) == len(wanted):
        return _BY_BOTH, 0
    telling = [word for word in held if len(word) >= _SHORTEST_LATIN or not word.isascii()]
    parts = [word for word in wanted if any(_is_part(form, word) for form in everyday)]
    if not telling and not parts:
        return None
    is_named = any(_key(form) == _key(word) for form in everyday for word in telling)
    return _IN_PART, 2 * (len(wanted) - max(len(telling), len(parts))) - is_named


def _holds(text: str, word: str) -> bool:
    small = _small(text)
    return word in small or (word.isascii() and stem(word) in _stems(small))


def _is_part(form: str, word: str) -> bool:
    """Whether a word that is written together with others, as Chinese and Korean do, holds an everyday word."""
    return not word.isascii() and len(form) >= _SHORTEST_PART and _small(form) in word


@lru_cache(maxsize=32768)
def _small(text: str) -> str:
    return fold(text)


@lru_cache(maxsize=32768)
def _stems(small: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _LATIN.findall(small))


@lru_cache(maxsize=32768)
def _key(text: str) -> str:
    """A form without what typing varies: capitals, spaces and hyphens, plural endings."""
    small = _LATIN.sub(lambda word: stem(word.group()), fold(text))
    return re.sub(r"[\s\-]", "", small)


@cache
def _everyday(scheme: str) -> Mapping[str, tuple[str, ...]]:
    """{code: everyday words in three languages}; none for most vocabularies."""
    name = _EVERYDAY_FILE.get(scheme)
    if name is None:
        return {}
    text = files("transferase.catalogue").joinpath("vocabularies", name).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {row["code"]: tuple(form for cell in list(row.values())[1:] for form in cell.split("|")) for row in rows}
