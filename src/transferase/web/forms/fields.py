"""Fields that forgive how people type, and choices that come from the vocabularies."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import DecimalValidator, MaxLengthValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from transferase.catalogue import queries, rules
from transferase.foundation.languages import LANGUAGES, OWN_NAMES, Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from django.forms.widgets import Widget
    from django.utils.functional import _StrPromise

FIRST_COUNTRIES = ("KR", "CN", "US")
LANGUAGE_CHOICES = [(code, OWN_NAMES[Language(code)]) for code in LANGUAGES]

TOO_LONG = _("Please shorten this: %(show_value)s characters, and %(limit_value)s are allowed.")
TOO_MANY_DIGITS = _("This number has too many digits.")
NOT_BELOW = _("This number may not be below %(limit_value)s.")


class Words(forms.CharField):
    """A text; the widget gets no `maxlength`, because a browser would cut a pasted text without a word."""

    def __init__(self, *, rows: int = 0, hint: str | _StrPromise = "", **told: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
        told.setdefault("required", False)
        super().__init__(widget=widget, help_text=hint, **told)
        for found in self.validators:
            if isinstance(found, MaxLengthValidator):
                found.message = TOO_LONG

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        attributes: dict[str, Any] = super().widget_attrs(widget)
        attributes.pop("maxlength", None)
        return attributes

    def to_python(self, value: Any) -> str:
        text = str(value or "").replace("\r\n", "\n").replace("\x00", "")
        return super().to_python(text) or ""


class Number(forms.DecimalField):
    """A number as people write it: full-width digits, thousands apart by commas or spaces."""

    def __init__(self, **told: Any) -> None:
        told.setdefault("required", False)
        told.setdefault("error_messages", {"invalid": _("Enter a number in digits, such as 1250 or 0.5.")})
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal"}), **told)
        for found in self.validators:
            if isinstance(found, DecimalValidator):
                found.messages = dict.fromkeys(found.messages, TOO_MANY_DIGITS)  # type: ignore[arg-type]
            elif isinstance(found, MinValueValidator):
                found.message = NOT_BELOW

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        if isinstance(value, str):
            value = unicodedata.normalize("NFKC", value).replace(",", "").replace(" ", "")
        return super().to_python(value)


class Day(forms.DateField):
    """A day, picked or typed as 2026-12-03, 2026.12.3 or 2026年12月3日."""

    def __init__(self, **told: Any) -> None:
        told.setdefault("required", False)
        told.setdefault("error_messages", {"invalid": _("Enter a day, such as 2026-12-03.")})
        super().__init__(
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            input_formats=["%Y-%m-%d", "%Y.%m.%d", "%Y. %m. %d.", "%Y/%m/%d", "%Y年%m月%d日", "%Y년 %m월 %d일"],
            **told,
        )


def options(
    scheme: str, language: str, *, blank: str | _StrPromise | None = None, only: Iterable[str] | None = None
) -> list[tuple[str, str | _StrPromise]]:
    """The codes of a vocabulary with their labels, with an entry for "not stated" in front where asked."""
    wanted = None if only is None else set(only)
    chosen: list[tuple[str, str | _StrPromise]] = [] if blank is None else [("", blank)]
    chosen += [(code, label) for code, label in queries.options(scheme, language) if wanted is None or code in wanted]
    return chosen


def countries(language: str) -> list[tuple[str, str]]:
    """The countries to choose from: those of most listings first, the others by their labels."""
    listed = {code: label for code, label in queries.options("country", language) if len(code) == 2}
    others = sorted((code for code in listed if code not in FIRST_COUNTRIES), key=listed.__getitem__)
    return [(code, listed[code]) for code in (*FIRST_COUNTRIES, *others) if code in listed]


NOT_STATED = _("Not stated")


class Codes(forms.MultipleChoiceField):
    """Any number of codes of a vocabulary, as boxes to tick."""

    def __init__(self, choices: Sequence[tuple[str, Any]] = (), **told: Any) -> None:
        told.setdefault("required", False)
        super().__init__(choices=choices, widget=forms.CheckboxSelectMultiple, **told)


class PickedCodes(forms.MultipleChoiceField):
    """Codes that were found by words in a vocabulary too long to show; what the vocabulary lacks is refused."""

    def __init__(self, scheme: str, *, without: tuple[str, ...] = (), **told: Any) -> None:
        self.scheme = scheme
        self.without = without
        told.setdefault("required", False)
        super().__init__(widget=forms.CheckboxSelectMultiple, **told)

    def valid_value(self, value: str) -> bool:
        # A group of the IPC below those that have titles here is as good as its parent.
        if self.scheme == "ipc":
            return rules.normalise_ipc(value) is not None
        return value not in self.without and value in queries.labels(self.scheme, Language.EN)
