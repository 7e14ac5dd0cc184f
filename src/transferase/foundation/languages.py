"""The three languages of the platform, named the same way everywhere."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """A language that texts and the interface are written in (BCP 47)."""

    KO = "ko"
    ZH = "zh-Hans"
    EN = "en"


LANGUAGES: tuple[str, ...] = tuple(Language)
# Each language in its own words: a reader must find it whatever language the page is in.
OWN_NAMES = {Language.KO: "한국어", Language.ZH: "简体中文", Language.EN: "English"}


def of_interface(code: str) -> Language:
    """The language of texts for a code of Django's interface ("zh-hans" is "zh-Hans")."""
    folded = code.lower()
    if folded.startswith("ko"):
        return Language.KO
    return Language.ZH if folded.startswith("zh") else Language.EN


def interface_of(language: str) -> str:
    """The code of Django's interface for a language of texts."""
    return language.lower()
