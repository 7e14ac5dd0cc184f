"""Codes of vocabularies from what people write: the code, a label in any of the three languages, or a synonym."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from transferase.catalogue import queries as catalogue
from transferase.foundation.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping


def folded(text: str) -> str:
    """A label as it is compared: without spaces, signs of words and letter case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c for c in plain if c.isalnum() or c in "<>=≤≥&+")
    return kept or plain.strip()


REMEMBERED: Final = 20_000
SCHEMES: Final = (
    "country", "direction", "exclusivity", "language", "need_kind", "organisation_kind", "origin", "partner_kind",
    "payment_kind", "price_kind", "right_kind", "right_office", "right_status", "transfer_mode", "trl_scale",
)  # fmt: skip


class Vocabularies:
    """Looks up what people wrote; made anew for each file, so that changed vocabularies count at once.

    Everything is read at once: later look-ups may come from a thread that must not touch the database.
    """

    def __init__(self) -> None:
        self._known = {scheme: self._load(scheme) for scheme in SCHEMES}
        self._found: dict[tuple[str, str], str | None] = {}

    def code(self, scheme: str, text: str) -> str | None:
        """The code that a text stands for, or None where no vocabulary knows it."""
        key = (scheme, text)
        if key not in self._found:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            self._found[key] = self._known[scheme].get(folded(text))
        return self._found[key]

    def _load(self, scheme: str) -> dict[str, str]:
        known: dict[str, str] = {}
        for code, names in _synonyms().get(scheme, {}).items():
            for name in names.split():
                known.setdefault(folded(name), code)
        if scheme == "right_office":
            return self._load("country") | known
        labels = {language: catalogue.labels(scheme, language) for language in LANGUAGES}
        # Labels win over synonyms, codes over both.
        for told in labels.values():
            known.update({folded(label): code for code, label in told.items() if label})
        known.update({folded(code): code for told in labels.values() for code in told})
        return known


@cache
def _synonyms() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(files("transferase.interchange").joinpath("terms.toml").read_text(encoding="utf-8"))
