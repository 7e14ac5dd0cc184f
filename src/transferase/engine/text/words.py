"""Words: a text as the terms by which it is found, each with its position.

Latin runs are analysed as English, Hangul by Kiwi and Chinese characters by jieba, whatever language the
text is in, because technical texts mix them. Patent numbers, numbers with units, chemical and gene names
stay whole. The analysers are loaded when the first text needs them.
"""

import re
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import Stemmer

from transferase.engine.text.characters import HAN, HANGUL, KANA, KOREAN, simplified_characters
from transferase.engine.text.quantities import pattern as quantity_pattern
from transferase.engine.text.quantities import quantities
from transferase.engine.text.vocabulary import (
    CHINESE_GENERIC_WORDS,
    CHINESE_STOP_WORDS,
    ENGLISH_GENERIC_WORDS,
    ENGLISH_PREFIXES,
    ENGLISH_SPELLINGS,
    ENGLISH_STOP_WORDS,
    GREEK_NAMES,
    KOREAN_GENERIC_WORDS,
    KOREAN_STOP_WORDS,
)

# Changes with the terms that a text gives: what was stored with another version is to be analysed anew.
WORDS_VERSION = "3"


@dataclass(frozen=True)
class Word:
    """A term and where the text says it."""

    term: str
    start: int
    end: int
    is_verb: bool = field(
        default=False, compare=False
    )  # a Korean verb or adjective, of which only the stem stands here


LONGEST_TERM = 64
# No sentence is so long without a mark; the time of the Chinese analyser grows with the square of such a run.
LONGEST_RUN = 1000
_LETTERS = "a-z0-9\u00df-\u00f6\u00f8-\u024f\u0370-\u03ff\u1e00-\u1eff"
_OFFICE = "us|ep|cn|jp|kr|wo|de|fr|gb|tw|au|ca|in|ru"
_PATTERN = re.compile(
    rf"""
    (?P<patent>
        (?<![{_LETTERS}])(?:
            (?:pct/)?(?:{_OFFICE})\s?(?:\d{{2}}-)?(?:19|20)\d{{2}}[-/]\d{{5,7}}
          | 10-(?:19|20)\d{{2}}-\d{{7}} | 10-\d{{7}}
          | zl\s?\d{{8,12}}\.[\dx]
          | (?:{_OFFICE})\s?(?:\d{{1,3}}(?:,\d{{3}}){{2,3}}|\d{{6,13}})(?:\s?[abcuy]\d?)?
        )(?![{_LETTERS}])
    )
  | (?P<cas>(?<![\d-])\d{{2,7}}-\d{{2}}-\d(?![\d{_LETTERS}-]))
  | (?P<quantity>{quantity_pattern(_LETTERS)})
  | (?P<formula>(?<![{_LETTERS}])[a-z]+\d*\.\d+[a-z][a-z0-9]*(?:\.\d+[a-z0-9]*)*)
  | (?P<special>(?<![{_LETTERS}])(?:c\+\+|c\#|f\#|\.net)(?![{_LETTERS}]))
  | (?P<name>[{_LETTERS}]+(?:[-\u2010-\u2013,'\u2032+][{_LETTERS}]+)+)
  | (?P<latin>[{_LETTERS}]+)
  | (?P<hangul>[{HANGUL}]+)
  | (?P<han>[{HAN}]+)
  | (?P<kana>[{KANA}]+)
  | (?P<other>[^\W\d_]+)
    """,
    re.VERBOSE,
)
_FOLDED = {code: unicodedata.normalize("NFKC", chr(code)) for code in (*range(0xFF01, 0xFF5F), *range(0x2080, 0x208A))}
_FOLDED |= {
    code: unicodedata.normalize("NFKC", chr(code)) for code in (0xB2, 0xB3, 0xB9, 0x2070, *range(0x2074, 0x207A))
}
# Traditional Chinese characters are found by simplified ones and the reverse.
_FOLDED |= simplified_characters()
_HAS_HANGUL = re.compile(f"[{HANGUL}]")
_NAME_PARTS = re.compile(rf"[{_LETTERS}]+")
_DIGIT = re.compile(r"\d")
_LATIN_LETTER = re.compile("[a-z\u00df-\u024f]")
_GREEK = re.compile("[\u0370-\u03ff]")
_ACCENT = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_KIND_CODE = re.compile(r"(?<=\d)\s?[abcuy]\d?$")


def words(text: str, language: str) -> list[str]:
    """The analysed terms of a text in reading order, repeated as often as they occur."""
    return [word.term for word in placed_words(text, language)]


def placed_words(text: str, language: str) -> list[Word]:
    """The analysed terms of a text with their positions in exactly this text; a term has at most 64 characters."""
    return [
        word if len(word.term) <= LONGEST_TERM else replace(word, term=word.term[:LONGEST_TERM])
        for word in _placed(text, language)
    ]


def _placed(text: str, language: str) -> list[Word]:
    folded = fold(text)
    korean = iter(()) if not _HAS_HANGUL.search(folded) else _korean_words(text)
    found: list[Word] = []
    waiting = next(korean, None)
    for match in _PATTERN.finditer(folded):
        kind = match.lastgroup
        if kind == "hangul" or (kind == "han" and language == KOREAN):
            while waiting is not None and waiting.start < match.end():
                if waiting.start >= match.start():
                    found.append(waiting)
                waiting = next(korean, None)
            if kind == "han" and (not found or found[-1].end <= match.start()):
                found.append(Word(match.group(), match.start(), match.end()))
            continue
        found.extend(_terms(kind or "", match.group(), match.start(), match.end()))
    return found


def fold(text: str) -> str:
    """Small letters, plain digits and simplified Chinese, one character for one, so that positions stay true."""
    text = text.translate(_FOLDED)
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _terms(kind: str, token: str, start: int, end: int) -> Iterable[Word]:
    if kind == "latin":
        return (Word(term, start, end) for term in _latin_terms(token))
    if kind == "name":
        return _name_terms(token, start, end)
    if kind == "han":
        return _chinese_words(token, start)
    if kind == "quantity":
        return (Word(found.term, start + found.start, start + found.end) for found in quantities(token))
    if kind == "cas":
        return (Word(token.replace("-", ""), start, end),)
    if kind == "patent":
        return (Word(_patent(token), start, end),)
    return (Word(unicodedata.normalize("NFKC", token).casefold(), start, end),)


def _latin_terms(token: str) -> Iterator[str]:
    token = _plain(token)
    if len(token) > 1 and token not in ENGLISH_STOP_WORDS:
        yield (stem(token) if _LATIN_LETTER.search(token) and not _DIGIT.search(token) else token)


def _plain(token: str) -> str:
    """Latin letters without accents (naïve, Möbius), which many people leave out."""
    if token.isascii():
        return token
    apart = unicodedata.normalize("NFKD", token).casefold()
    return unicodedata.normalize("NFC", _ACCENT.sub("", apart))


def _name_terms(token: str, start: int, end: int) -> Iterator[Word]:
    """A hyphenated token: a name with digits or Greek letters also as one term (IL-6 = IL6, CRISPR-Cas9).

    A word with a prefix is one term as well (multi-spectral = multispectral), and a Greek letter is found by its name
    (TNF-alpha = TNF-α).
    """
    if "'" in token or "\u2032" in token:
        token = re.sub("['\u2032]s$", "", token)
        if token in ENGLISH_STOP_WORDS:
            return
    pieces = list(_NAME_PARTS.finditer(token))
    said = [GREEK_NAMES.get(piece.group(), piece.group()) for piece in pieces]
    whole = "".join(said)
    is_name = bool(_LATIN_LETTER.search(whole)) and bool(_DIGIT.search(whole) or _GREEK.search(whole))
    if is_name and len(whole) <= 24:
        yield Word(_plain(whole), start, end)
        pieces = [piece for piece in pieces if len(piece.group()) > 2 and piece.group() not in GREEK_NAMES]
    elif len(pieces) == 2 and said[0] in ENGLISH_PREFIXES:
        for term in _latin_terms(whole):
            yield Word(term, start, end)
    for piece in pieces:
        for term in _latin_terms(piece.group()):
            yield Word(term, start + piece.start(), start + piece.end())


def _patent(token: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _KIND_CODE.sub("", token))


# ---------------------------------------------------------------- English

_local = threading.local()
_SPELLING = re.compile("^(?:" + "|".join(sorted(ENGLISH_SPELLINGS, key=len, reverse=True)) + ")")
_ISE = re.compile(r"(?<=[a-z]{3})is(e[ds]?|er|ing|ation|ations)$")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The Snowball stem of an English word in its American spelling."""
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        # A Stemmer keeps state between calls, so every thread has its own.
        stemmer = _local.stemmer = Stemmer.Stemmer("english", 0)
    spelt = _SPELLING.sub(lambda match: ENGLISH_SPELLINGS[match.group()], word)
    return str(stemmer.stemWord(_ISE.sub(r"iz\1", spelt)))


# ---------------------------------------------------------------- Korean


class _Deferred:
    """An analyser that is loaded once, by the first thread that needs it."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._loaded: Any = None

    def __call__(self) -> Any:
        if self._loaded is None:
            with self._loading:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded


def _load_kiwi() -> Any:
    from kiwipiepy import Kiwi  # noqa: PLC0415 - slow

    # The dictionary of multi-word names costs 170 MB and joins compounds that are better found by part.
    return Kiwi(num_workers=1, load_multi_dict=False, load_typo_dict=False)


_korean_analyser = _Deferred(_load_kiwi)
# Nouns, roots, verbs, adjectives and Chinese characters; endings, particles and bound nouns find nothing.
_KOREAN_TAGS = frozenset({"NNG", "NNP", "XR", "VV", "VA", "VV-I", "VA-I", "VV-R", "VA-R", "SH", "NR"})
_NOUN_TAGS = frozenset({"NNG", "NNP", "XR"})


def _korean_words(text: str) -> Iterator[Word]:
    prefix = noun = None
    for token in _korean_analyser().tokenize(text):
        tag, form, start, end = token.tag, token.form, token.start, token.start + token.len
        is_noun = tag in _NOUN_TAGS
        if is_noun and prefix is not None and prefix.end == start:
            yield Word(prefix.term + form, prefix.start, end)
        prefix = Word(form, start, end) if tag == "XPN" else None
        if is_noun and len(form) == 1 and noun is not None and noun.end == start:
            # 양극 + 재 is the word 양극재, which in another sentence is not taken apart.
            noun = Word(noun.term + form, noun.start, end)
            yield noun
            continue
        noun = Word(form, start, end) if is_noun else None
        if tag in _KOREAN_TAGS and form not in KOREAN_STOP_WORDS:
            said = fold(form) if tag == "SH" else form
            yield Word(said, start, end, is_verb=tag.startswith(("VV", "VA")))


# ---------------------------------------------------------------- Chinese


def _load_jieba() -> Any:
    # Its source holds escapes that newer versions of Python warn of when they compile it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba  # noqa: PLC0415 - slow

    analyser = jieba.Tokenizer()
    # Its own start-up keeps a marshalled dictionary in the shared temporary folder, where any account could have put
    # another; reading the packaged dictionary takes half a second.
    with (Path(jieba.__file__).parent / "dict.txt").open("rb") as dictionary:
        analyser.FREQ, analyser.total = analyser.gen_pfdict(dictionary)
    analyser.initialized = True
    return analyser


_chinese_analyser = _Deferred(_load_jieba)


def _chinese_words(run: str, offset: int) -> Iterator[Word]:
    for begin in range(0, len(run), LONGEST_RUN):
        run_folded = unicodedata.normalize("NFC", run[begin : begin + LONGEST_RUN])
        for term, start, end in _chinese_analyser().tokenize(run_folded, mode="search"):
            if term not in CHINESE_STOP_WORDS:
                yield Word(term, offset + begin + start, offset + begin + end)


# ---------------------------------------------------------------- words worth showing


def is_telling(word: Word) -> bool:
    """Whether a word says by itself what a text is about: no verb stem, no lone letter or number, no generic word."""
    return len(word.term) > 1 and not word.is_verb and not word.term.isdecimal() and word.term not in _generic()


@lru_cache(maxsize=1)
def _generic() -> frozenset[str]:
    told = {*CHINESE_GENERIC_WORDS.split(), *KOREAN_GENERIC_WORDS.split()}
    return frozenset(told | {stem(word) for word in ENGLISH_GENERIC_WORDS.split()})
