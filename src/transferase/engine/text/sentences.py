"""Sentences with their positions, and long texts in parts."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from transferase.engine.text.characters import HAN, HANGUL, KANA


@dataclass(frozen=True)
class Span:
    """A stretch of a text: `text` stands at `start` up to but not including `end`."""

    start: int
    end: int
    text: str


_CLOSING = "\"'”’»」』）)\\]】〉》"
_CANDIDATE = re.compile(rf"[.!?]+[{_CLOSING}]*|[。！？｡．]+[{_CLOSING}]*|[；]|\n+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[“\"'])"
    r"(?:figs?|eqs?|refs?|sec|secs|tabs?|ch|vol|nos?|pp?|al|etc|approx|ca|cf|vs|resp|viz|e\.g|i\.e|a\.k\.a|ph\.d|m\.d|b\.s|m\.s"
    r"|dr|mr|mrs|ms|prof|st|inc|ltd|corp|co|dept|univ|assoc|est|max|min|temp|avg|sp|spp|var|subsp|cv"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|u\.s|u\.k|e\.u|[a-z])$",
    re.IGNORECASE,
)
# A company name may well end a sentence; before a capital letter these abbreviations do.
_MAY_END = re.compile(r"(?:inc|ltd|corp|co|etc|al)$", re.IGNORECASE)
_CJK = re.compile(f"[{HANGUL}{HAN}{KANA}]")
_LIST_ITEM = re.compile(r"(?:[-•·*▪◦○●■□◆▶※]|\(?\d{1,2}[.)]|\(?[a-zA-Z가-힣][.)])\s")
_LONGEST = 500
_CUT = re.compile(r"[;；](?=\s|[^\x00-\x7f])|[,，、](?=\s|[^\x00-\x7f])|\s")


def sentences(text: str, language: str | None = None) -> list[Span]:
    """The sentences of a text in reading order, each with its position in exactly this text.

    Decimals, abbreviations and initials do not end a sentence; a run of more than about 500 characters
    is cut at a comma or space, so that every piece can be shown and compared.
    """
    found: list[Span] = []
    start = 0
    for candidate in _CANDIDATE.finditer(text):
        if candidate.end() > start and _ends_sentence(text, candidate, language):
            _add(found, text, start, candidate.end())
            start = candidate.end()
    _add(found, text, start, len(text))
    return found


def _ends_sentence(text: str, candidate: re.Match[str], language: str | None) -> bool:
    mark = candidate.group()
    after = text[candidate.end() : candidate.end() + 1]
    if mark[0] == "\n":
        return _line_ends_sentence(text, candidate)
    if mark[0] in "。！？｡．；" or not after:
        return True
    if mark[0] in "!?":
        return after.isspace() or bool(_CJK.match(after))
    before = text[candidate.start() - 1 : candidate.start()]
    if not after.isspace():
        # 한다.또한 and 방법.이: Korean texts often lack the space after the full stop.
        return bool(_CJK.match(after)) and not before.isdigit() and (language != "en" or bool(_CJK.match(before)))
    return bool(_CJK.match(before)) or _full_stop_ends_sentence(text, candidate)


def _full_stop_ends_sentence(text: str, candidate: re.Match[str]) -> bool:
    """A full stop before white space ends a sentence, unless it belongs to an abbreviation or a heading's number."""
    following = text[candidate.end() : candidate.end() + 12].lstrip()
    if following[:1].islower():
        return False
    head = text[max(0, candidate.start() - 12) : candidate.start()]
    if len(candidate.group().rstrip(_CLOSING)) == 1 and (short := _ABBREVIATION.search(head)):
        return bool(_MAY_END.search(short.group())) and following[:1].isupper() and not following[1:2].isspace()
    line = text.rfind("\n", 0, candidate.start()) + 1
    return not re.fullmatch(r"\s*\(?[\dIVX]{1,3}", text[line : candidate.start()])


def _line_ends_sentence(text: str, candidate: re.Match[str]) -> bool:
    """A single line break before a small letter is a wrapped line; any other is an end."""
    if len(candidate.group()) > 1:
        return True
    following = text[candidate.end() : candidate.end() + 6]
    return bool(_LIST_ITEM.match(following)) or not following[:1].islower()


def _add(found: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > _LONGEST:
        cut = _last_cut(text, start, start + _LONGEST)
        _add(found, text, start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if end > start:
        found.append(Span(start, end, text[start:end]))


def _last_cut(text: str, start: int, limit: int) -> int:
    earliest = start + _LONGEST // 2
    best, rank = limit, 0
    for cut in _CUT.finditer(text, earliest, limit):
        weight = 3 if cut.group() in ";；" else 2 if cut.group() in ",，、" else 1
        if weight >= rank:
            best, rank = cut.end(), weight
    return best


def parts(text: str, size: int = 1000) -> list[str]:
    """A long text in parts of at most `size` characters that end at sentence ends where possible."""
    if size < 1:
        raise ValueError(f"a part needs at least one character, not {size}")
    if len(text) <= size:
        return [text] if text.strip() else []
    found = sentences(text)
    ends = [span.end for span in found]
    cut: list[str] = []
    first = 0
    while first < len(found):
        start = found[first].start
        last = bisect_right(ends, start + size, lo=first)
        if last == first:
            piece = found[first].text
            cut += [piece[offset : offset + size] for offset in range(0, len(piece), size)]
            first += 1
            continue
        cut.append(text[start : found[last - 1].end])
        first = last
    return cut
