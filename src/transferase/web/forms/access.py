"""Letting another organisation read what stands under a non-disclosure agreement."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transferase.web.forms.fields import Day, Words

if TYPE_CHECKING:
    from transferase.directory.models import Organisation


# Later is a slip of the keyboard.
LAST_DAY = date(2199, 12, 31)


class AccessForm(forms.Form):
    """The organisation, found by its name or register number, and until when."""

    words = Words(label=_("Name or register number of the organisation"), required=True, max_length=200)
    organisation = forms.ChoiceField(label=_("Which of these?"), required=False, widget=forms.RadioSelect)
    until = Day(
        label=_("Until"),
        help_text=_("The last day. Without one it holds until you take it back."),
        validators=[MinValueValidator(timezone.localdate), MaxValueValidator(LAST_DAY)],
    )

    def __init__(self, data: Any = None, *, found: list[Organisation] | None = None, language: str = "en") -> None:
        super().__init__(data, prefix="access")
        if not found:
            del self.fields["organisation"]
            return
        named = [(str(o.pk), f"{o.name(language)} ({o.country})") for o in found]
        self.fields["organisation"].choices = named  # type: ignore[attr-defined]

    @property
    def ends_at(self) -> datetime | None:
        """The end of the last day, where the platform is."""
        day = self.cleaned_data["until"]
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time())) if day else None
