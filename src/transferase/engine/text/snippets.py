"""Snippets: the stretch of a text that shows the words that were searched for."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from transferase.engine.text.characters import HAN, HANGUL
from transferase.engine.text.sentences import sentences
from transferase.engine.text.words import Word, fold, stem

_LATIN_WORD = re.compile("[a-z0-9\u00df-\u024f\u0370-\u03ff]+")
_LATIN_TERM = re.compile("[a-z0-9\u00df-\u024f\u0370-\u03ff%.]+")
_CJK = re.compile(f"[{HANGUL}{HAN}]")
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Snippet:
    """Part of a text; `marks` are the found words as (start, end) within `text`, in order, without overlap."""

    text: str
    start: int
    marks: tuple[tuple[int, int], ...]
    cut_before: bool
    cut_after: bool


def snippet(text: str, terms: Collection[str], language: str | None = None, width: int = 240) -> Snippet:
    """The window of about `width` characters that holds the most of the terms (as `words` gives them).

    It begins at the beginning of a sentence where that costs no found word. Without a found word it is the
    beginning of the text. Korean and Chinese terms are looked for as written, without analysing the text again.
    """
    shown = text[:_LONGEST_TEXT]
    found = _found(shown, frozenset(terms))
    if len(text) <= width:
        return Snippet(text, 0, _marks(found, 0, len(text)), False, False)
    start, end = _window(shown, found, width, language)
    return Snippet(text[start:end], start, _marks(found, start, end), start > 0, end < len(text))


def _found(text: str, terms: frozenset[str]) -> list[Word]:
    folded = fold(text)
    hits: list[Word] = []
    latin = {term for term in terms if _LATIN_TERM.fullmatch(term)}
    if latin:
        for match in _LATIN_WORD.finditer(folded):
            token = match.group()
            for term in (token, stem(token)):
                if term in latin:
                    hits.append(Word(term, match.start(), match.end()))
                    break
    for term in terms:
        if term not in latin or any(character.isdigit() for character in term):
            hits.extend(_occurrences(folded, term))
    return sorted(hits, key=lambda hit: (hit.start, -hit.end))


def _occurrences(folded: str, term: str) -> list[Word]:
    if not term or (len(term) == 1 and not _CJK.match(term)):
        return []
    loose = r"[\s,\-\u2010-\u2013]?".join(map(re.escape, term)) if term.isascii() else re.escape(term)
    bounded = rf"(?<![a-z0-9]){loose}(?![a-z0-9])" if term.isascii() else loose
    return [Word(term, match.start(), match.end()) for match in re.finditer(bounded, folded)]


def _window(text: str, found: list[Word], width: int, language: str | None) -> tuple[int, int]:
    starts = [span.start for span in sentences(text, language)]
    if not found:
        return _trimmed(text, starts[0] if starts else 0, width)
    best, best_worth = found[0].start, -1.0
    for index, first in enumerate(found):
        seen: dict[str, int] = {}
        for hit in found[index:]:
            if hit.end > first.start + width:
                break
            seen[hit.term] = seen.get(hit.term, 0) + 1
        worth = len(seen) + sum(min(count, 3) - 1 for count in seen.values()) / 10
        if worth > best_worth:
            best, best_worth = first.start, worth
    last = max(hit.end for hit in found if (best <= hit.start and hit.end <= best + width) or hit.start == best)
    # Room that the found words leave is given to the beginning of their sentence, else to words before them.
    begins = [start for start in starts if start <= best and last - start <= width]
    if begins:
        return _trimmed(text, begins[-1] if best - begins[-1] < width else best, width)
    return _trimmed(text, max(0, best - max(0, width - (last - best)) // 3), width)


def _trimmed(text: str, start: int, width: int) -> tuple[int, int]:
    """Cuts at white space where there is some within reach, never inside a Latin word."""
    end = min(len(text), start + width)
    start = max(0, min(start, len(text) - width))
    if start and not text[start - 1].isspace():
        space = re.search(r"\s", text[start : start + 20])
        start += space.end() if space and _LATIN_WORD.match(fold(text[start])) else 0
    if end < len(text) and not text[end].isspace() and _LATIN_WORD.match(fold(text[end])):
        space_at = text.rfind(" ", max(start, end - 20), end)
        end = space_at if space_at > start else end
    return start, end


def _marks(found: list[Word], start: int, end: int) -> tuple[tuple[int, int], ...]:
    marks: list[tuple[int, int]] = []
    for hit in found:
        if hit.start < start or hit.end > end:
            continue
        if marks and hit.start - start < marks[-1][1]:
            marks[-1] = (marks[-1][0], max(marks[-1][1], hit.end - start))
        else:
            marks.append((hit.start - start, hit.end - start))
    return tuple(marks)
