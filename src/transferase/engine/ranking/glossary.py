"""The glossary: technology terms in three languages, by which words are found across languages.

A term of a text is the longest run of words that some form of a concept matches; it is said again in another
language by all forms of the concept, so that a Korean need asks English offers in English words.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from transferase.engine.ranking.lexicon import QueryKind, repetition
from transferase.engine.text import CHINESE, ENGLISH, KOREAN, Word, placed_words
from transferase.engine.text.vocabulary import GREEK_NAMES
from transferase.engine.text.words import fold

_FILE: Final = Path(__file__).parent.parent / "text" / "terms" / "terms.tsv"
_COLUMNS: Final = {"en": ENGLISH, "zh": CHINESE, "ko": KOREAN}
# A form of more letters, spaces apart, is looked for in no text.
_LONGEST: Final = 40
# An abbreviation of so few letters is a term only where it is written in capitals: AI, but not "am" or "it".
_ABBREVIATION: Final = 4
_GAP: Final = re.compile(r"[\s\-/\u2010-\u2013]*(?:(?:of|the|for|and|in|to|a|an|on|by|with)[\s\-]+)*", re.IGNORECASE)
_JOINTS: Final = frozenset("-·・/")
_BREAKS: Final = frozenset(".,;:!?。，、；：！？()（）[]\n")
# What forms other than the usual one weigh, and how far the words of a longer form share its weight (0: each has all
# of it, 1: together they have it). Chosen by benchmarks/tuning.py.
OTHER_FORMS: Final = 1.0
SHARING: Final = 1.0


@dataclass(frozen=True)
class Concept:
    """What a line of the glossary means, by its forms in each language, the usual one first."""

    number: int
    forms: Mapping[str, tuple[str, ...]]

    def label(self, language: str) -> str:
        """The usual form in a language, or in English."""
        return (self.forms.get(language) or self.forms[ENGLISH])[0]


@dataclass(frozen=True)
class Mention:
    """A place of a text that names a concept, or several where a word means more than one thing."""

    concepts: tuple[int, ...]
    start: int
    end: int


class Glossary:
    """Concepts with their forms in three languages, looked up by the words of a text."""

    def __init__(self, concepts: Iterable[Mapping[str, Sequence[str]]], version: str = "") -> None:
        self.version = version
        self.concepts = tuple(
            Concept(number, {language: tuple(said) for language, said in forms.items()})
            for number, forms in enumerate(concepts)
        )
        self._latin: dict[str, list[int]] = defaultdict(list)
        self._written: dict[str, list[int]] = defaultdict(list)
        self._capitals: set[str] = set()
        self._most_words = 1
        for concept in self.concepts:
            for language, forms in concept.forms.items():
                for form in forms:
                    self._learn(concept.number, language, form)

    def _learn(self, number: int, language: str, form: str) -> None:
        if language == ENGLISH or form.isascii():
            terms = [word.term for word in _longest(placed_words(form, ENGLISH))]
            if not terms:
                return
            self._most_words = max(self._most_words, len(terms))
            key = " ".join(terms)
            known = self._latin[key]
            if form.isupper() and len(form) <= _ABBREVIATION:
                self._capitals.add(key)
        else:
            known = self._written["".join(letter for letter in fold(form) if letter not in _JOINTS and letter != " ")]
        if number not in known:
            known.append(number)

    def mentions(self, text: str, language: str) -> list[Mention]:
        """The concepts that a text names, in reading order: at each place the longest form."""
        return [mention for mention, _ in self._read(text, language) if mention is not None]

    def crossed(
        self, text: str, language: str, into: str, *, other_forms: float = OTHER_FORMS, sharing: float = SHARING
    ) -> dict[str, float]:
        """How much each word of another language counts for a text, as repeated words of a need count.

        Names and figures in Latin letters are written alike everywhere and stand for themselves.
        """
        times: Counter[tuple[int, ...]] = Counter()
        names: Counter[str] = Counter()
        for mention, word in self._read(text, language):
            if mention is not None:
                times[mention.concepts] += 1
            elif word.term[0].isascii() or word.term[0] in GREEK_NAMES.values():
                names[word.term] += 1
        found = {term: repetition(number, QueryKind.NEED) for term, number in names.items()}
        for concepts, number in times.items():
            for concept in concepts:
                for term, share in self._said(concept, into, other_forms, sharing).items():
                    worth = repetition(number, QueryKind.NEED) * share / len(concepts)
                    found[term] = max(found.get(term, 0.0), worth)
        return found

    def _said(self, concept: int, into: str, other_forms: float, sharing: float) -> dict[str, float]:
        """The words of a concept in a language; those of a form of several words share its weight."""
        shares: dict[str, float] = {}
        for place, form in enumerate(self.concepts[concept].forms.get(into, ())):
            terms = _terms(form, into)
            for term in terms:
                share = (other_forms if place else 1.0) / len(terms) ** sharing
                shares[term] = max(shares.get(term, 0.0), share)
        return shares

    def _read(self, text: str, language: str) -> Iterator[tuple[Mention | None, Word]]:
        """The words of a text in reading order, each with the mention that begins there, none inside a mention."""
        folded = fold(text)
        placed = placed_words(text, language)
        whole, parts = _longest(placed), _shortest(placed)
        begun = {word.start: index for index, word in enumerate(parts)}
        boundaries = _boundaries(placed, len(folded))
        at = 0
        for index, word in enumerate(whole):
            if word.start < at:
                continue
            chances = (
                self._latin_mention(text, whole, index),
                self._latin_mention(text, parts, begun[word.start]) if word.start in begun else None,
                self._written_mention(folded, word, word.start, boundaries),
                self._written_mention(folded, word, _begun(folded, word.start, at, boundaries), boundaries),
            )
            mention = max(filter(None, chances), key=lambda one: (one.end, -one.start), default=None)
            at = mention.end if mention else word.end
            yield mention, word

    def _latin_mention(self, text: str, placed: Sequence[Word], index: int) -> Mention | None:
        key, best = "", None
        for number, word in enumerate(placed[index : index + self._most_words]):
            if number and not _GAP.fullmatch(text, placed[index + number - 1].end, word.start):
                break
            key = f"{key} {word.term}" if number else word.term
            if key in self._latin and (number or self._is_meant(key, text[word.start : word.end])):
                best = Mention(tuple(self._latin[key]), placed[index].start, word.end)
        return best

    def _is_meant(self, key: str, said: str) -> bool:
        return key not in self._capitals or said.rstrip("s").isupper()

    def _written_mention(self, folded: str, word: Word, start: int, boundaries: Sequence[bool]) -> Mention | None:
        key, best = "", None
        for end in range(start + 1, min(len(folded), start + _LONGEST) + 1):
            letter = folded[end - 1]
            if letter in _BREAKS:
                break
            if not letter.isspace() and letter not in _JOINTS:
                key += letter
                is_noun = (word.start, word.end) == (start, end) and not word.is_verb
                is_whole = boundaries[end] and (len(key) > 1 or is_noun)
                if is_whole and key in self._written:
                    best = Mention(tuple(self._written[key]), start, end)
        return best


def _longest(placed: Sequence[Word]) -> list[Word]:
    """The words that stand in no other."""
    found: list[Word] = []
    for word in sorted(placed, key=lambda word: (word.start, -word.end)):
        if not found or word.start >= found[-1].end:
            found.append(word)
    return found


def _shortest(placed: Sequence[Word]) -> list[Word]:
    """The words that hold no other."""
    found: list[Word] = []
    for word in sorted(placed, key=lambda word: (word.end, -word.start)):
        if not found or word.start >= found[-1].end:
            found.append(word)
    return found


def _boundaries(placed: Sequence[Word], length: int) -> list[bool]:
    """Whether a term may end at a position: where a word ends, or outside of all words (endings of Korean nouns)."""
    allowed = [True] * (length + 1)
    for word in placed:
        allowed[word.start + 1 : word.end] = [False] * (word.end - word.start - 1)
    for word in placed:
        allowed[word.end] = True
    return allowed


def _begun(folded: str, start: int, least: int, boundaries: Sequence[bool]) -> int:
    """Where the run of letters begins that a word ends: 可 of 可穿戴, 자기 of 자기치유 are no words by themselves."""
    while start > max(least, 0) and boundaries[start - 1] and folded[start - 1].isalnum():
        start -= 1
    return start


@lru_cache(maxsize=20_000)
def _terms(form: str, language: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.term for word in placed_words(form, language)))


def read_glossary(path: Path) -> Glossary:
    """The glossary in a file of tab-separated columns en, zh, ko, forms divided by a bar."""
    said = path.read_text(encoding="utf-8")
    head, *lines = said.splitlines()
    languages = [_COLUMNS[name] for name in head.split("\t")]
    rows = [
        {language: cell.split("|") for language, cell in zip(languages, line.split("\t"), strict=True)}
        for line in lines
    ]
    return Glossary(rows, sha256(said.encode()).hexdigest()[:12])


@cache
def load_glossary() -> Glossary:
    """The packaged glossary."""
    return read_glossary(_FILE)
