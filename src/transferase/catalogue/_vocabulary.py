"""Vocabularies as readers meet them: codes with labels, kept in memory for a while."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from transferase.catalogue._classification import ancestors_of
from transferase.catalogue.models import Term, TermLabel
from transferase.foundation.languages import LANGUAGES, Language

if TYPE_CHECKING:
    from collections.abc import Mapping

# Other processes hear of a changed vocabulary after this time; the one that changed it at once.
KEPT_SECONDS: Final = 300
SYMBOLS: Final = frozenset({"ipc", "cpc"})


@dataclass(frozen=True)
class VocabularyTerm:
    """A code with its place in the tree and its labels, {language: label}."""

    code: str
    parent_code: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class _Shelf:
    read_at: float
    terms: Mapping[str, Mapping[str, VocabularyTerm]]
    codes: Mapping[str, frozenset[str]]


_lock = threading.Lock()
_shelf: list[_Shelf] = []


def forget_vocabularies() -> None:
    """Read vocabularies anew when they are next asked for."""
    with _lock:
        _shelf.clear()


def _terms() -> Mapping[str, Mapping[str, VocabularyTerm]]:
    return _kept().terms


def _kept() -> _Shelf:
    with _lock:
        if _shelf and time.monotonic() - _shelf[0].read_at < KEPT_SECONDS:
            return _shelf[0]
    labels: dict[int, dict[str, str]] = {}
    for term_id, language, label in TermLabel.objects.values_list("term_id", "language", "label"):
        labels.setdefault(term_id, {})[language] = label
    terms: dict[str, dict[str, VocabularyTerm]] = {}
    rows = Term.objects.order_by("scheme", "position", "code").values_list("pk", "scheme", "code", "parent_code")
    for pk, scheme, code, parent_code in rows:
        terms.setdefault(scheme, {})[code] = VocabularyTerm(code, parent_code, labels.get(pk, {}))
    shelf = _Shelf(time.monotonic(), terms, _Codes({scheme: frozenset(codes) for scheme, codes in terms.items()}))
    with _lock:
        # An empty database is about to be filled; remembering its emptiness would outlive it.
        _shelf[:] = [shelf] if terms else []
    return shelf


class _Codes(dict[str, frozenset[str]]):
    def __missing__(self, scheme: str) -> frozenset[str]:
        return frozenset()


def known_codes() -> Mapping[str, frozenset[str]]:
    """Every code of every vocabulary; what `rules.check_draft` compares with."""
    return _kept().codes


def vocabulary(scheme: str) -> tuple[VocabularyTerm, ...]:
    """The terms of a vocabulary in their order; none when there is no such vocabulary."""
    return tuple(_terms().get(scheme, {}).values())


def vocabulary_schemes() -> tuple[tuple[str, int], ...]:
    """The vocabularies by name, with the number of their terms."""
    return tuple((scheme, len(terms)) for scheme, terms in sorted(_terms().items()))


def labels(scheme: str, language: str) -> dict[str, str]:
    """{code: label} in a language, else in English, else the code itself."""
    return {
        code: term.labels.get(language) or term.labels.get(Language.EN) or code
        for code, term in _terms().get(scheme, {}).items()
    }


def options(scheme: str, language: str) -> tuple[tuple[str, str], ...]:
    """(code, label) in the order of the vocabulary, for a reader to choose from."""
    return tuple(labels(scheme, language).items())


def label(scheme: str, code: str, language: str) -> str:
    """What a code is called; a symbol of IPC or CPC that has no title of its own bears that of the node above."""
    if scheme in SYMBOLS:
        terms = _terms().get("ipc", {})
        for node in (code, *ancestors_of(code)):
            if node in terms and (text := terms[node].labels.get(language)):
                return text
        return code
    term = _terms().get(scheme, {}).get(code)
    return (term.labels.get(language) or term.labels.get(Language.EN) or code) if term else code


def codes_by_label(scheme: str) -> dict[str, str]:
    """{what people write: code} for reading files: codes and labels of all languages, in lower case."""
    names: dict[str, str] = {}
    for code, term in _terms().get(scheme, {}).items():
        for language in LANGUAGES:
            if text := term.labels.get(language):
                names.setdefault(text.lower(), code)
    return names | {code.lower(): code for code in _terms().get(scheme, {})}
