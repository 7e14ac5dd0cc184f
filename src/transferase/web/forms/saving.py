"""Forms of saved searches and of the mails about news."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from transferase.matching.models import Rhythm
from transferase.matching.rules import ITEMS, LETTERS, LONGEST_NAME
from transferase.web.forms.fields import Words

if TYPE_CHECKING:
    from transferase.matching.models import Subscription


class SearchForm(forms.Form):
    """What a saved search is called, and what it asks for, as the address of a search says it."""

    name = Words(label=_("Name"), required=True, max_length=LONGEST_NAME)
    asked = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)


class MailsForm(forms.Form):
    """How often somebody wants mails about news, and how much of it."""

    rhythm = forms.ChoiceField(
        label=_("How often"),
        choices=[
            (Rhythm.OFF, _("No mails")),
            (Rhythm.DAILY, _("Every morning, if there is news")),
            (Rhythm.WEEKLY, _("Every Monday morning, if there is news")),
        ],
        widget=forms.RadioSelect,
    )
    most_items = forms.TypedChoiceField(label=_("How much in one mail"), coerce=int)
    most_letters = forms.TypedChoiceField(label=_("How many mails a week at most"), coerce=int)

    def __init__(self, data: Any = None, *, subscription: Subscription) -> None:
        told = ("rhythm", "most_items", "most_letters")
        super().__init__(data, initial={name: getattr(subscription, name) for name in told})
        self.fields["most_items"].choices = [  # type: ignore[attr-defined]
            (number, ngettext("%(n)d listing", "%(n)d listings", number) % {"n": number}) for number in ITEMS
        ]
        self.fields["most_letters"].choices = [(number, str(number)) for number in LETTERS]  # type: ignore[attr-defined]
