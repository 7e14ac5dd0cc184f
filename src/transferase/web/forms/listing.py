"""The steps in which a listing is written: what it is, its facts, who reads what.

A step reads its fields from a `ListingDraft` (`told_by`) and lays what was typed back into it (`lay_into`), so that
each step changes its own fields only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from transferase.catalogue.models import Direction, Origin, Tier
from transferase.catalogue.rules import LONGEST_SUMMARY, LONGEST_TEXT, LONGEST_TITLE, WORLD, ListingDraft, TextDraft
from transferase.foundation.languages import LANGUAGES, OWN_NAMES, Language
from transferase.web.forms.fields import LANGUAGE_CHOICES, NOT_STATED, Codes, Day, Number, PickedCodes, Words, options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.utils.functional import _StrPromise

BODY = ("title", "summary", "problem", "alternative", "advantages", "description", "partner_sought")
NEVER_PICKED = {"excluded_countries": (WORLD,)}
NEAR_COUNTRIES = ("world", "KR", "CN", "JP", "US", "VN", "DE", "GB", "SG")

# What a field of a text is called and what helps to fill it in, for an offer and for a need.
OFFER_WORDS: dict[str, tuple[_StrPromise, _StrPromise]] = {
    "title": (_("Title"), _("One line that says what the technology does. Leave out the name of your organisation.")),
    "summary": (_("Summary"), _("Two or three sentences for somebody from another field. Needed for publishing.")),
    "problem": (_("Problem it solves"), _("Who has this problem today, and what does it cost them?")),
    "alternative": (_("Leading alternative"), _("What do people use now, and where does it fall short?")),
    "advantages": (_("Advantages in numbers"), _("How much better, measured how? One number says more than a page.")),
    "description": (_("Description"), _("How it works, what was tested, what it could become part of.")),
    "partner_sought": (_("Partner sought"), _("Who should write to you, and what would they do?")),
}
NEED_WORDS: dict[str, tuple[_StrPromise, _StrPromise]] = {
    "title": (_("Title"), _("One line that says what the technology must do. Leave out the name of your company.")),
    "summary": (_("Summary"), _("Two or three sentences on what you seek and what it is for. Needed for publishing.")),
    "problem": (_("Problem to be solved"), _("What goes wrong today, where, and what does it cost?")),
    "alternative": (
        _("What you use today and its limits"),
        _("“We use this, but it lacks that” brings better answers."),
    ),
    "advantages": (_("What would be a success"), _("Targets in words; exact numbers have a table of their own.")),
    "description": (_("Description"), _("Conditions on site, standards, what you have tried.")),
    "partner_sought": (_("Partner sought"), _("Who should write to you, and what would they do?")),
}


def words_of(direction: str) -> dict[str, tuple[_StrPromise, _StrPromise]]:
    """Labels and hints of the fields of a text, for the direction of a listing."""
    return OFFER_WORDS if direction == Direction.OFFER else NEED_WORDS


def text_of(draft: ListingDraft, language: str, tier: str = Tier.PUBLIC) -> TextDraft | None:
    """The text of a draft in a language for the readers of a tier."""
    return next((text for text in draft.texts if (text.language, text.tier) == (language, tier)), None)


def with_text(draft: ListingDraft, text: TextDraft) -> ListingDraft:
    """The draft with a text in place of the one it had for the same language and tier; an empty text goes."""
    others = tuple(t for t in draft.texts if (t.language, t.tier) != (text.language, text.tier))
    holds_words = any(getattr(text, name) for name in BODY)
    return replace(draft, texts=(*others, text) if holds_words else others)


class WhatForm(forms.Form):
    """Step 1: what the technology does, in the language of the writer."""

    language = forms.ChoiceField(label=_("Language of the text"), choices=LANGUAGE_CHOICES, widget=forms.RadioSelect)
    title = Words(required=True, max_length=LONGEST_TITLE)
    summary = Words(rows=4, max_length=LONGEST_SUMMARY)
    problem = Words(rows=3, max_length=LONGEST_TEXT)
    alternative = Words(rows=3, max_length=LONGEST_TEXT)
    advantages = Words(rows=3, max_length=LONGEST_TEXT)
    description = Words(rows=6, max_length=LONGEST_TEXT)
    partner_sought = Words(rows=2, max_length=LONGEST_TEXT)

    def __init__(self, data: Any = None, *, draft: ListingDraft, **told: Any) -> None:
        super().__init__(data, initial=self.told_by(draft), **told)
        self.draft = draft
        for name, (label, hint) in words_of(draft.direction).items():
            self.fields[name].label, self.fields[name].help_text = label, hint
        self.fields["title"].error_messages["required"] = _("Give it a title; the draft is kept under it.")

    @staticmethod
    def told_by(draft: ListingDraft) -> dict[str, object]:
        """What the step shows for a draft."""
        text = text_of(draft, draft.original_language)
        shown: dict[str, object] = {name: getattr(text, name) for name in BODY} if text else {}
        return {"language": draft.original_language, **shown}

    def clean_language(self) -> str:
        language = str(self.cleaned_data["language"])
        if language != self.draft.original_language and text_of(self.draft, language) and len(self.draft.texts) > 1:
            raise forms.ValidationError(
                _(
                    "There is already a translation in this language. "
                    "Remove it in step 3 before you change the language."
                )
            )
        return language

    def lay_into(self, draft: ListingDraft) -> ListingDraft:
        """The draft with what was typed here; texts for other tiers follow when the language changes."""
        told = self.cleaned_data
        language, before = told["language"], draft.original_language
        original = TextDraft(language=language, **{name: told[name] for name in BODY})
        others = tuple(
            replace(text, language=language) if text.language == before and text.tier != Tier.PUBLIC else text
            for text in draft.texts
            if (text.language, text.tier) != (before, Tier.PUBLIC)
        )
        return with_text(replace(draft, original_language=language, texts=others), original)


class FactsForm(forms.Form):
    """Step 2: what can be compared: readiness, field, transfer, territory, money."""

    trl_low = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    trl_high = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    trl_evidence = Words(
        label=_("Evidence for the readiness"), rows=2, max_length=2000,
        hint=_("Test report, pilot customer, certificate: what could you show?"),
    )  # fmt: skip
    ipc = PickedCodes("ipc", label=_("Patent classes (IPC)"))
    ipc_words = Words(label=_("Find a class by words or code"), max_length=100)
    transfer_modes = Codes()
    exclusivity = forms.ChoiceField(label=_("Exclusivity"), required=False)
    territory = PickedCodes("country", label=_("Territory"))
    territory_words = Words(label=_("Find another country"), max_length=100)
    field_of_use = Words(label=_("Field of use"), max_length=300)
    partner_kinds = Codes(label=_("Kind of partner"))
    price_kind = forms.ChoiceField(required=False)
    price_low = Number(label=_("From"), max_digits=18, decimal_places=2, min_value=0)
    price_high = Number(label=_("To"), max_digits=18, decimal_places=2, min_value=0)
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    payment_kinds = Codes(label=_("Payment"))
    need_kind = forms.ChoiceField(label=_("Kind of need"), required=False)
    decision_date = Day(label=_("Decision by"))
    excluded_countries = PickedCodes(
        "country",
        without=NEVER_PICKED["excluded_countries"],
        label=_("Countries that you do not want to work with"),
    )
    excluded_countries_words = Words(label=_("Find a country"), max_length=100)

    OFFER_ONLY: ClassVar[tuple[str, ...]] = ("trl_evidence", "payment_kinds")
    NEED_ONLY: ClassVar[tuple[str, ...]] = (
        "need_kind", "decision_date", "excluded_countries", "excluded_countries_words",
    )  # fmt: skip
    CURRENCIES: ClassVar[tuple[str, ...]] = ("KRW", "CNY", "USD", "EUR", "JPY", "GBP")
    OFFER_PRICES: ClassVar[frozenset[str]] = frozenset({"asking", "free"})
    NEED_PRICES: ClassVar[frozenset[str]] = frozenset({"budget"})
    SAME: ClassVar[tuple[str, ...]] = (
        "trl_low", "trl_high", "trl_evidence", "ipc", "transfer_modes", "exclusivity", "territory", "field_of_use",
        "partner_kinds", "price_kind", "price_low", "price_high", "currency", "payment_kinds", "need_kind",
        "decision_date", "excluded_countries",
    )  # fmt: skip

    def __init__(self, data: Any = None, *, draft: ListingDraft, language: str, **told: Any) -> None:
        super().__init__(data, initial={name: getattr(draft, name) for name in self.SAME}, **told)
        is_offer = draft.direction == Direction.OFFER
        for name in self.NEED_ONLY if is_offer else self.OFFER_ONLY:
            del self.fields[name]
        levels = [("", NOT_STATED), *((code, f"{code} – {label}") for code, label in options("trl", language))]
        choices = {
            "trl_low": levels,
            "trl_high": levels,
            "transfer_modes": options("transfer_mode", language),
            "exclusivity": options("exclusivity", language, blank=NOT_STATED),
            "partner_kinds": options("partner_kind", language),
            "price_kind": [
                (code, label)
                for code, label in options("price_kind", language, blank=NOT_STATED)
                if code not in (self.NEED_PRICES if is_offer else self.OFFER_PRICES)
            ],
            "currency": [("", NOT_STATED), *((code, code) for code in self.CURRENCIES)],
            "payment_kinds": options("payment_kind", language),
            "need_kind": options("need_kind", language, blank=NOT_STATED),
        }
        for name, listed in choices.items():
            if name in self.fields:
                self.fields[name].choices = listed  # type: ignore[attr-defined]
        labels: dict[str, _StrPromise] = {
            "trl_low": _("Readiness (TRL) from") if is_offer else _("Readiness wanted (TRL) from"),
            "trl_high": _("to"),
            "transfer_modes": _("Forms of transfer") if is_offer else _("Forms of transfer that suit you"),
            "price_kind": _("Price") if is_offer else _("Budget"),
        }
        for name, label in labels.items():
            self.fields[name].label = label
        # Two fields of a range stand side by side under one name; away from there each needs a name of its own.
        self.full_labels: dict[str, _StrPromise] = {
            "trl_low": _("Readiness, lower level"),
            "trl_high": _("Readiness, upper level"),
            "price_low": _("Price, lower amount") if is_offer else _("Budget, lower amount"),
            "price_high": _("Price, upper amount") if is_offer else _("Budget, upper amount"),
            "currency": _("Currency of the price") if is_offer else _("Currency of the budget"),
        }

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        low, high = told.get("trl_low"), told.get("trl_high")
        if low and high and low > high:
            self.add_error("trl_high", _("The upper level is below the lower one."))
        if high and not low:
            told["trl_low"] = high
        if low and not high:
            told["trl_high"] = low
        cheap, dear = told.get("price_low"), told.get("price_high")
        if cheap is not None and dear is not None and cheap > dear:
            self.add_error("price_high", _("The upper amount is below the lower one."))
        if (cheap is not None or dear is not None) and not told.get("currency"):
            self.add_error("currency", _("Choose the currency of the amount."))
        return told

    def lay_into(self, draft: ListingDraft) -> ListingDraft:
        """The draft with the facts of this step; the whole world stands alone."""
        told = {name: self.cleaned_data[name] for name in self.SAME if name in self.fields}
        for name, value in told.items():
            if isinstance(value, list):
                told[name] = tuple(value)
        if "world" in told["territory"]:
            told["territory"] = ("world",)
        return replace(draft, **told)


class ReadersForm(forms.Form):
    """Step 3: what only some may read, whether the owner is named, and the text in the other languages."""

    is_anonymous = forms.BooleanField(required=False, label=_("Do not name my organisation"))
    registered = Words(label=_("For persons who signed in"), rows=4, max_length=LONGEST_TEXT)
    nda = Words(label=_("Under a non-disclosure agreement"), rows=4, max_length=LONGEST_TEXT)

    def __init__(self, data: Any = None, *, draft: ListingDraft, **told: Any) -> None:
        super().__init__(data, initial=self.told_by(draft), **told)
        self.draft = draft
        words = words_of(draft.direction)
        for language in self.other_languages:
            for name in BODY:
                limit = {"title": LONGEST_TITLE, "summary": LONGEST_SUMMARY}.get(name, LONGEST_TEXT)
                rows = {"title": 0, "summary": 3}.get(name, 2)
                self.fields[f"{language}-{name}"] = Words(label=words[name][0], rows=rows, max_length=limit)
                self.fields[f"{language}-{name}"].widget.attrs["lang"] = language

    @property
    def other_languages(self) -> list[str]:
        return [code for code in LANGUAGES if code != self.draft.original_language]

    @property
    def translations(self) -> list[dict[str, object]]:
        """One entry for each other language: its fields, and who made the text that stands there."""
        return [
            {
                "language": language,
                "name": OWN_NAMES[Language(language)],
                "fields": [self[f"{language}-{name}"] for name in BODY],
                "has_errors": any(f"{language}-{name}" in self.errors for name in BODY),
                "text": text_of(self.draft, language),
            }
            for language in self.other_languages
        ]

    @staticmethod
    def told_by(draft: ListingDraft) -> dict[str, object]:
        """What the step shows for a draft."""
        shown: dict[str, object] = {"is_anonymous": draft.is_anonymous}
        for field, tier in (("registered", Tier.REGISTERED), ("nda", Tier.NDA)):
            text = text_of(draft, draft.original_language, tier)
            shown[field] = text.description if text else ""
        for text in draft.texts:
            if text.language != draft.original_language and text.tier == Tier.PUBLIC:
                shown |= {f"{text.language}-{name}": getattr(text, name) for name in BODY}
        return shown

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        for language in self.other_languages:
            written = [name for name in BODY if told.get(f"{language}-{name}")]
            if written and "title" not in written and f"{language}-title" not in self.errors:
                self.add_error(f"{language}-title", _("A translation needs a title."))
        return told

    def lay_into(self, draft: ListingDraft) -> ListingDraft:
        """The draft with what was typed here; a machine's translation that was changed is a person's from then on."""
        told = self.cleaned_data
        draft = replace(draft, is_anonymous=told["is_anonymous"])
        for field, tier in (("registered", Tier.REGISTERED), ("nda", Tier.NDA)):
            before = text_of(draft, draft.original_language, tier) or TextDraft(draft.original_language, tier)
            draft = with_text(draft, replace(before, description=told[field]))
        for language in self.other_languages:
            written = {name: told[f"{language}-{name}"] for name in BODY}
            before = text_of(draft, language) or TextDraft(language, origin=Origin.HUMAN)
            # A browser changes line ends and our fields strip spaces: neither makes a person the author.
            if any(_bare(getattr(before, name)) != text for name, text in written.items()):
                draft = with_text(draft, replace(before, origin=Origin.HUMAN, **written))
        return draft


def changed(before: ListingDraft, after: ListingDraft) -> bool:
    """Whether two drafts differ, whatever the order of their texts."""

    def told(draft: ListingDraft) -> ListingDraft:
        return replace(draft, texts=_in_order(draft.texts))

    return told(before) != told(after)


def _bare(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _in_order(texts: Iterable[TextDraft]) -> tuple[TextDraft, ...]:
    return tuple(sorted(texts, key=lambda text: (text.language, text.tier)))
