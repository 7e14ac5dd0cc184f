"""Small words and marks that templates need: languages, states, dates, controls."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms, template
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from transferase.catalogue.models import State
from transferase.catalogue.queries import label
from transferase.foundation.languages import Language, of_interface

if TYPE_CHECKING:
    from django.forms import BoundField, Widget

    from transferase.catalogue.queries import SheetRequirement
    from transferase.catalogue.rules import RequirementDraft

register = template.Library()

MARKS: dict[str, str] = {Language.KO: "한", Language.ZH: "中", Language.EN: "EN"}
DAY_FORMATS = {Language.KO: "Y년 n월 j일", Language.ZH: "Y年n月j日", Language.EN: "j M Y"}
SOON_DAYS = 7
NEAR_DAYS = 31
STATE_LOOKS: dict[str, tuple[str, str]] = {
    State.DRAFT: ("", "edit"),
    State.IN_REVIEW: ("note", "eye"),
    State.PUBLISHED: ("fit", "check"),
    State.PAUSED: ("", "pause"),
    State.WITHDRAWN: ("", "cross"),
    State.EXPIRED: ("due", "clock"),
    State.TAKEN: ("note", "check"),
}


@register.filter
def language_name(code: str) -> str:
    """The name of a text's language, in the reader's."""
    names: dict[str, str] = {Language.KO: _("Korean"), Language.ZH: _("Chinese"), Language.EN: _("English")}
    return names.get(code, code)


@register.filter
def language_mark(code: str) -> str:
    """The short mark of a language: 한, 中 or EN."""
    return MARKS.get(code, code)


@register.filter
def state_name(state: str) -> str:
    """What a state of a listing is called."""
    names: dict[str, str] = {
        State.DRAFT: pgettext("state", "Draft"),
        State.IN_REVIEW: pgettext("state", "In review"),
        State.PUBLISHED: pgettext("state", "Published"),
        State.PAUSED: pgettext("state", "Paused"),
        State.WITHDRAWN: pgettext("state", "Withdrawn"),
        State.EXPIRED: pgettext("state", "Expired"),
        State.TAKEN: pgettext("state", "Taken"),
    }
    return names.get(state, state)


@register.filter
def state_kind(state: str) -> str:
    """The colour class of a state; the word always stands beside it."""
    return STATE_LOOKS.get(state, ("", ""))[0]


@register.filter
def state_icon(state: str) -> str:
    """The icon of a state."""
    return STATE_LOOKS.get(state, ("", "info"))[1]


@register.filter
def day(value: date | datetime | None) -> str:
    """A date as the reader's language writes it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value)
    return format_date(value, DAY_FORMATS[of_interface(get_language() or "en")])


@register.filter
def moment(value: datetime | None) -> str:
    """A date with its time and the time zone."""
    return f"{day(value)} {timezone.localtime(value):%H:%M} {zone(value)}" if value is not None else ""


@register.filter
def zone(value: datetime) -> str:
    """The time zone in which dates and times are told: KST, or UTC+08 where it has no name."""
    name = f"{timezone.localtime(value):%Z}"
    return f"UTC{name}" if name.startswith(("+", "-")) else name


@register.filter
def iso(value: date | datetime | None) -> str:
    """A date for machines and tables."""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="minutes")
    return value.isoformat() if value is not None else ""


@register.filter
def due_kind(value: date | datetime, now: datetime | str | None = None) -> str:
    """Whether a deadline is late, soon, or calm."""
    days = _days(value, now)
    if days < 0:
        return "late"
    return "soon" if days <= SOON_DAYS else ""


@register.filter
def due_words(value: date | datetime, now: datetime | str | None = None) -> str:
    """A deadline in words: days when they are few, else the date."""
    days = _days(value, now)
    if days < 0:
        return _("%(date)s, overdue") % {"date": day(value)}
    if days == 0:
        return _("today")
    if days <= NEAR_DAYS:
        return ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}
    return _("until %(date)s") % {"date": day(value)}


@register.filter
def number(value: float | Decimal | None) -> str:
    """A number with separators of thousands and no idle zeros."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        value = value.normalize()
        return f"{value:,f}"
    return f"{value:,}"


@register.filter
def condition(row: SheetRequirement | RequirementDraft) -> str:
    """What a requirement asks for, in the order in which a language says it: "at most 40 ℃", "40 ℃ 이하"."""
    asked = {
        "lt": _("less than %(value)s"),
        "le": _("at most %(value)s"),
        "eq": _("exactly %(value)s"),
        "ge": _("at least %(value)s"),
        "gt": _("more than %(value)s"),
    }
    value = f"{number(row.value)} {row.unit}".strip()
    operator = row.operator if isinstance(row.operator, str) else row.operator.code
    return asked.get(operator, "%(value)s") % {"value": value}


@register.filter
def country(code: str) -> str:
    """What a country, or the office of a country, is called."""
    return label("country", code, of_interface(get_language() or "en")) if code else ""


@register.filter
def is_group(widget: Widget) -> bool:
    """Whether a widget is a group of choices, which needs a fieldset."""
    return isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple)


@register.filter
def control(field: BoundField) -> Any:
    """The widget of a field in the look of the house."""
    widget = field.field.widget
    if is_group(widget):
        # Django would put the class on the box around the choices too.
        widget.attrs["class"] = "form-check-input"
        choices = ((choice.id_for_label, choice.tag(), choice.choice_label) for choice in field.subwidgets)
        boxes = format_html_join("", '<label for="{}">{}<span>{}</span></label>', choices)
        return format_html('<div class="tf-boxes" id="{}">{}</div>', field.auto_id, boxes)
    if isinstance(widget, forms.CheckboxInput):
        return field.as_widget(attrs={"class": "form-check-input"})
    look = "form-select" if isinstance(widget, forms.Select) else "form-control"
    return field.as_widget(attrs={"class": f"{widget.attrs.get('class', '')} {look}".strip()})


def _days(value: date | datetime, now: datetime | str | None) -> int:
    moment_now = now if isinstance(now, datetime) else timezone.now()
    last = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return (last - timezone.localtime(moment_now).date()).days
