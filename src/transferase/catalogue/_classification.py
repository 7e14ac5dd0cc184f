"""Patent classification: the form codes are stored in, and what follows from them.

WIPO's concordance of 35 fields (Schmoch 2008, IPC/CE/41/5, and later revisions) and the five areas of Korea's
green-bio plan of 2020 stand in `vocabularies/field.csv` and `vocabularies/green_bio.csv`, with their prefixes.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SYMBOL = re.compile(
    r"""(?P<section>[A-HY])
        (?: (?P<class_>\d{2})
            (?: (?P<subclass>[A-Z])
                (?: [\s\-_]* 0*(?P<group>[1-9]\d{0,3})
                    (?: \s*/\s* (?P<subgroup>\d{2,6}) )?
                )?
            )?
        )?$""",
    re.VERBOSE,
)
# WIPO standard ST.8: subclass, main group in four digits, subgroup in six, filled up with zeros behind.
_PADDED = re.compile(r"([A-HY]\d{2}[A-Z])(\d{4})(\d{6})$")
_EDITION = re.compile(r"[\[(]\s*\d{4}(?:\.\d{2})?\s*[\])]|\s+[AFILN]{1,2}$")
_TOKEN = re.compile(
    r"(?P<node>[A-HY]\d{2}[A-Z]?)"
    r"(?:(?P<group>\d+)(?:-(?P<group_to>\d+))?(?:/(?P<subgroup>\d+)(?:-(?P<subgroup_to>\d+))?)?)?$"
)
# Fields 14 and 15 leave a document to pharmaceuticals when it also carries A61K; cosmetics stay in 14.
_PHARMACEUTICALS: Final = "A61K"
_NEVER_LEFT: Final = frozenset({"A61K8", "A61Q"})
_LEFT_TO_PHARMACEUTICALS: Final = frozenset({"14", "15"})
# Split subclasses whose main group is not known.
_FALLBACK: Final = {"B01D": "23", "E01F": "35", "H04N": "2"}


@dataclass(frozen=True)
class Symbol:
    """A symbol taken apart; what it leaves open is empty."""

    section: str
    class_: str = ""
    subclass: str = ""
    group: str = ""
    subgroup: str = ""

    def __str__(self) -> str:
        head = self.section + self.class_ + self.subclass
        return f"{head} {self.group}/{self.subgroup or '00'}" if self.group else head


@lru_cache(maxsize=65536)
def _parse(code: str) -> Symbol | None:
    text = _EDITION.sub("", code.strip().upper()).strip()
    if padded := _PADDED.fullmatch(text):
        text = (
            f"{padded[1]} {int(padded[2])}/{padded[3][:2]}{padded[3][2:].rstrip('0')}" if int(padded[2]) else padded[1]
        )
    found = _SYMBOL.fullmatch(text)
    return Symbol(**{name: value or "" for name, value in found.groupdict().items()}) if found else None


def normalise_ipc(code: str) -> str | None:
    """A symbol of IPC or CPC as it is stored ("C12N 1/20", "A61K 8/00", "H01L", "C12"), or None when it is none."""
    symbol = _parse(code)
    return str(symbol) if symbol else None


def ancestors_of(code: str) -> tuple[str, ...]:
    """The nodes above a stored symbol, nearest first: "C12N 1/20" stands below "C12N 1/00", "C12N", "C12", "C"."""
    symbol = _parse(code)
    if symbol is None:
        return ()
    chain = [str(symbol)]
    if symbol.group:
        chain.append(f"{symbol.section}{symbol.class_}{symbol.subclass} {symbol.group}/00")
    chain += [
        symbol.section + symbol.class_ + symbol.subclass,
        symbol.section + symbol.class_,
        symbol.section,
    ]
    return tuple(dict.fromkeys(node for node in chain if node != chain[0]))


def _rows(name: str) -> list[dict[str, str]]:
    text = files("transferase.catalogue").joinpath("vocabularies", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _field_of_prefix() -> dict[str, str]:
    return {prefix: row["code"] for row in _rows("field.csv") for prefix in row["ipc_prefixes"].split()}


@cache
def _area_tokens() -> list[tuple[str, re.Match[str]]]:
    return [
        (row["code"], found)
        for row in _rows("green_bio.csv")
        for token in row["ipc_prefixes"].split()
        if (found := _TOKEN.fullmatch(token))
    ]


def _prefixes(symbol: Symbol) -> tuple[str, ...]:
    """From main group to class, so that the first one known is the longest."""
    subclass = symbol.section + symbol.class_ + symbol.subclass
    return (subclass + symbol.group, subclass, symbol.section + symbol.class_)


def derive_fields(ipc: Sequence[str]) -> tuple[str, ...]:
    """WIPO's fields of technology ("1" to "35") that the symbols of one document lead to, in their order.

    A symbol that the concordance does not know leads to no field.
    """
    symbols = [symbol for code in ipc if (symbol := _parse(code)) and symbol.class_]
    has_pharmaceuticals = any(_prefixes(symbol)[1] == _PHARMACEUTICALS for symbol in symbols)
    found: set[str] = set()
    for symbol in symbols:
        prefixes = _prefixes(symbol)
        prefix = next((p for p in prefixes if p in _field_of_prefix()), None)
        field = _field_of_prefix()[prefix] if prefix else _FALLBACK.get(prefixes[1])
        if field is None:
            continue
        is_left = has_pharmaceuticals and field in _LEFT_TO_PHARMACEUTICALS and prefix not in _NEVER_LEFT
        if not is_left:
            found.add(field)
    return tuple(sorted(found, key=int))


def _is_below(symbol: Symbol, token: re.Match[str]) -> bool:
    node = symbol.section + symbol.class_ + symbol.subclass
    if not token["group"]:
        return node == token["node"] or (len(token["node"]) == len("A01") and node.startswith(token["node"]))
    if node != token["node"] or not symbol.group:
        return False
    if not int(token["group"]) <= int(symbol.group) <= int(token["group_to"] or token["group"]):
        return False
    low = token["subgroup"]
    if not low or not low.strip("0"):
        return True
    # Subgroups stand in the order of their digits (35/741 below 35/74), not of their value.
    high = token["subgroup_to"] or low
    return low <= symbol.subgroup and symbol.subgroup[: len(high)] <= high


@lru_cache(maxsize=65536)
def _areas_of(code: str) -> tuple[str, ...]:
    symbol = _parse(code)
    return tuple(area for area, token in _area_tokens() if symbol and _is_below(symbol, token))


def derive_green_bio(codes: Iterable[str]) -> tuple[str, ...]:
    """The green-bio areas that symbols of IPC or CPC lead to; a document may lead to several."""
    return tuple(sorted({area for code in codes for area in _areas_of(code)}))
