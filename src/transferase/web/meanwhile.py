"""Two people at one listing: what the other changed since a page was opened, field by field, beside one's own text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.forms import BooleanField, ChoiceField, MultipleChoiceField
from django.utils.translation import gettext as _

from transferase.catalogue import queries
from transferase.web.accounts import reading_language
from transferase.web.forms.fields import PickedCodes
from transferase.web.forms.rows import RequirementForm, RightForm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from django.forms import Field, Form
    from django.http import QueryDict

    from transferase.catalogue.rules import RequirementDraft, RightDraft

ROW_FORMS: dict[str, Any] = {"requirements": RequirementForm, "rights": RightForm}


@dataclass(frozen=True)
class Change:
    """A field that somebody else changed: what it was, what they made of it, and what the writer has typed."""

    name: str
    label: str
    before: str
    theirs: str
    mine: str
    is_contested: bool


def changes(form: Form, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """The fields of a filled-in step that others changed and that do not stand in it that way already."""
    found = []
    for name, field in form.fields.items():
        if name.endswith("_words") or name == "owner":
            continue
        old, new, mine = before.get(name), now.get(name), form.cleaned_data.get(name)
        if _plain(new) in {_plain(old), _plain(mine)}:
            continue
        label = str(getattr(form, "full_labels", {}).get(name, field.label))
        if "-" in name:
            # The texts in other languages share their labels.
            label = f"{queries.label('language', name.partition('-')[0], reading_language())}: {label}"
        before_words, theirs, mine_words = (_shown(field, value) for value in (old, new, mine))
        found.append(Change(name, label, before_words, theirs, mine_words, _plain(mine) != _plain(old)))
    return found


def row_changes(
    prefix: str, label: str, before: Collection[Any], now: Collection[Any], mine: Collection[Any]
) -> list[Change]:
    """The same for the rows of a kind, which are compared as a whole."""
    if tuple(now) in {tuple(before), tuple(mine)}:
        return []
    old, theirs, own = ("\n".join(_row(prefix, row) for row in rows) for rows in (before, now, mine))
    return [Change(prefix, label, old, theirs, own, tuple(mine) != tuple(before))]


def with_theirs(data: QueryDict, form: Form, now: Mapping[str, Any], names: Iterable[str]) -> QueryDict:
    """What was posted, with the present value in some fields."""
    mixed = data.copy()
    for name in names:
        if name in ROW_FORMS:
            _lay_rows(mixed, name, now[name])
            continue
        field, value = form.fields.get(name), now.get(name)
        if field is None:
            continue
        if isinstance(field, MultipleChoiceField):
            mixed.setlist(name, [str(code) for code in value or ()])
        elif isinstance(field, BooleanField):
            mixed.pop(name, None)
            if value:
                mixed[name] = "on"
        else:
            mixed[name] = "" if value is None else str(value)
    return mixed


def _lay_rows(data: QueryDict, prefix: str, rows: Collection[RequirementDraft | RightDraft]) -> None:
    for name in [name for name in data if name.startswith(f"{prefix}-")]:
        del data[name]
    data[f"{prefix}-TOTAL_FORMS"] = str(len(rows) + 1)
    data[f"{prefix}-INITIAL_FORMS"] = "0"
    for place, row in enumerate(rows):
        for name, value in ROW_FORMS[prefix].told(row).items():
            data[f"{prefix}-{place}-{name}"] = "" if value is None else str(value)


def _plain(value: Any) -> object:
    """A value without what browsers and databases do to it."""
    if isinstance(value, (list, tuple)):
        return tuple(sorted(map(str, value)))
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return value
    return str(value).replace("\r\n", "\n").strip() if value else ""


def _shown(field: Field, value: Any) -> str:
    language = reading_language()
    if isinstance(field, BooleanField):
        return _("Yes") if value else _("No")
    if isinstance(field, PickedCodes):
        return ", ".join(queries.label(field.scheme, code, language) for code in value or ())
    if isinstance(field, ChoiceField):
        labels = {str(code): str(label) for code, label in field.choices}  # type: ignore[misc, union-attr]
        codes = value if isinstance(value, (list, tuple)) else [value]
        return ", ".join(labels.get(str(code), str(code)) for code in codes if code not in {None, ""})
    return str(_plain(value))


def _row(prefix: str, row: Any) -> str:
    language = reading_language()
    if prefix == "requirements":
        operator = queries.label("requirement_operator", row.operator, language)
        weight = _("Must have") if row.is_must else _("Nice to have")
        return f"{row.property} {operator} {row.value.normalize():f} {row.unit} ({weight})"
    parts = (
        queries.label("right_kind", row.kind, language),
        row.office,
        row.number,
        queries.label("right_status", row.status, language) if row.status else "",
        row.title,
        _plain(row.filed_date),
        _plain(row.expiry_date),
    )
    return " ".join(str(part) for part in parts if part)
