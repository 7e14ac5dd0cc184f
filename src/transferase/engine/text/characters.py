"""Characters: what a stored text may hold, and which script a letter belongs to."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KOREAN = "ko"
CHINESE = "zh-Hans"
ENGLISH = "en"
LANGUAGES = (KOREAN, CHINESE, ENGLISH)

HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb"
HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KANA = "\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\uff66-\uff9d"
LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"

# Bidirectional controls can make a stored text read differently from what it says; zero-width
# spaces and soft hyphens split words unseen. The joiners U+200C and U+200D stay: emoji and some
# scripts need them.
_INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_SPACE_AT_LINE_END = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")


def normalise(text: str) -> str:
    """The text as it is stored: composed, without control, bidirectional and invisible characters, white space folded.

    Line breaks stay, with at most one blank line between paragraphs. Compatibility forms (full-width letters,
    superscripts) stay as written; `words` folds them for searching.
    """
    text = _LINE_END.sub("\n", text)
    text = _INVISIBLE.sub("", _CONTROL.sub("", text))
    text = unicodedata.normalize("NFC", text)
    text = _SPACE_AT_LINE_END.sub("\n", _SPACES.sub(" ", text))
    return _BLANK_LINES.sub("\n\n", text).strip()


@dataclass(frozen=True)
class Scripts:
    """How many letters of each script a text has."""

    hangul: int
    han: int
    kana: int
    latin: int
    other: int


_SCRIPTS = {
    "hangul": re.compile(f"[{HANGUL}]"),
    "han": re.compile(f"[{HAN}]"),
    "kana": re.compile(f"[{KANA}]"),
    "latin": re.compile(f"[{LATIN}]"),
}
_LETTER = re.compile(r"[^\W\d_]")


def scripts(text: str) -> Scripts:
    """Counts the letters of a text by script."""
    counts = Counter({name: len(pattern.findall(text)) for name, pattern in _SCRIPTS.items()})
    other = len(_LETTER.findall(text)) - sum(counts.values())
    return Scripts(counts["hangul"], counts["han"], counts["kana"], counts["latin"], max(0, other))


# One syllable or Chinese character carries about as much as three Latin letters.
_WEIGHT = 3
_LEAST_LETTERS = 3
_SAMPLE = 20_000
_JUDGED_WORDS = 40
_LEAST_FUNCTION_WORDS = 0.04
_FUNCTION_WORDS = """
the of and to in is for with that are by on this be as from or an at it which can has have was not will
"""
_ENGLISH_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
_LATIN_WORD = re.compile(f"[{LATIN}]+")


def detect_language(text: str) -> str | None:
    """The product language of a text, or None when there is too little of it or it is none of the three.

    Korean and Chinese are told by their scripts. A long Latin text without English function words is no English.
    Traditional Chinese counts as Chinese.
    """
    counted = scripts(text[:_SAMPLE])
    korean = _WEIGHT * counted.hangul
    chinese = _WEIGHT * counted.han
    japanese = _WEIGHT * counted.kana
    if max(korean + chinese, counted.latin) < _LEAST_LETTERS:
        return None
    if counted.other > max(korean + chinese, counted.latin):
        return None
    # Korean and Chinese technical texts are full of Latin abbreviations, English texts hardly ever hold Hangul.
    if japanese > (korean + chinese + japanese) / 8 and japanese > korean:
        return None
    if 2 * (korean + chinese) >= counted.latin:
        return KOREAN if 2 * korean >= chinese else CHINESE
    return ENGLISH if _is_english(text[:_SAMPLE]) else None


def _is_english(text: str) -> bool:
    found = [word.lower() for word in _LATIN_WORD.findall(text)]
    if len(found) < _JUDGED_WORDS:
        return True
    known = sum(word in _ENGLISH_FUNCTION_WORDS for word in found)
    return known / len(found) >= _LEAST_FUNCTION_WORDS


@cache
def simplified_characters() -> dict[int, str]:
    """The simplified form of each traditional Chinese character, for `str.translate`; one character for one."""
    said = (Path(__file__).parent / "traditional.txt").read_text(encoding="utf-8").splitlines()[1:]
    return {
        ord(old): new
        for traditional, simplified in zip(said[::2], said[1::2], strict=True)
        for old, new in zip(traditional, simplified, strict=True)
    }
