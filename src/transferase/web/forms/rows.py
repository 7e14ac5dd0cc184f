"""Rows of which a listing may have many: numeric requirements of a need, rights of an offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from transferase.catalogue.rules import RequirementDraft, RightDraft
from transferase.web.forms.fields import NOT_STATED, Day, Number, Words, options

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ROWS = 30


class RowForm(forms.Form):
    """One row; a row in which nothing is filled in is no row."""

    # A choice that always has a value says nothing about whether the row was filled in.
    SILENT: tuple[str, ...] = ()

    def __init__(self, *args: Any, language: str, **told: Any) -> None:
        super().__init__(*args, **told)
        self.language = language
        self.empty_permitted = False
        self.use_required_attribute = False

    @property
    def is_blank(self) -> bool:
        return not any(self.cleaned_data.get(name) for name in self.fields if name not in self.SILENT)


class RequirementForm(RowForm):
    """A property that a need asks for in numbers."""

    SILENT = ("operator", "is_must")

    property = Words(label=_("Property"), max_length=120)
    operator = forms.ChoiceField(label=_("Comparison"), required=False)
    value = Number(label=_("Value"), max_digits=20, decimal_places=6)
    unit = Words(label=_("Unit"), max_length=40)
    is_must = forms.ChoiceField(
        label=_("Weight"), required=False, choices=[("must", _("Must have")), ("nice", _("Nice to have"))]
    )

    def __init__(self, *args: Any, language: str, **told: Any) -> None:
        super().__init__(*args, language=language, **told)
        self.fields["operator"].choices = options("requirement_operator", language)  # type: ignore[attr-defined]
        self.fields["operator"].initial = "ge"

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if self.errors or self.is_blank:
            return told
        if not told.get("property"):
            self.add_error("property", _("Name the property that this number is about, or clear the row."))
        if told.get("value") is None:
            self.add_error("value", _("Enter a value, or clear the row."))
        return told

    def draft(self) -> RequirementDraft:
        """The requirement that was filled in."""
        told = self.cleaned_data
        return RequirementDraft(
            property=told["property"],
            operator=told["operator"] or "ge",
            value=told["value"],
            unit=told["unit"],
            is_must=told["is_must"] != "nice",
        )

    @staticmethod
    def told(draft: RequirementDraft) -> dict[str, object]:
        """What the row shows for a requirement."""
        return {
            "property": draft.property,
            "operator": draft.operator,
            "value": f"{draft.value.normalize():f}",
            "unit": draft.unit,
            "is_must": "must" if draft.is_must else "nice",
        }


class RightForm(RowForm):
    """An intellectual-property right that comes with an offer."""

    kind = forms.ChoiceField(label=_("Kind of right"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False)
    office = Words(label=_("Office"), max_length=5, hint=_("Two letters, such as KR, CN, US, EP, WO."))
    number = Words(label=_("Number"), max_length=60)
    title = Words(label=_("Title of the right"), max_length=500)
    filed_date = Day(label=_("Filed on"))
    expiry_date = Day(label=_("Expires on"))

    def __init__(self, *args: Any, language: str, **told: Any) -> None:
        super().__init__(*args, language=language, **told)
        self.fields["kind"].choices = options("right_kind", language, blank=NOT_STATED)  # type: ignore[attr-defined]
        self.fields["status"].choices = options("right_status", language, blank=NOT_STATED)  # type: ignore[attr-defined]

    def clean_office(self) -> str:
        return str(self.cleaned_data["office"]).upper()

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if self.errors or self.is_blank:
            return told
        if not told.get("kind"):
            self.add_error("kind", _("Choose the kind of this right, or clear the row."))
        filed, expiry = told.get("filed_date"), told.get("expiry_date")
        if filed and expiry and expiry < filed:
            self.add_error("expiry_date", _("The right would expire before it was filed. Check both days."))
        return told

    def draft(self) -> RightDraft:
        """The right that was filled in."""
        return RightDraft(**{name: self.cleaned_data[name] for name in self.fields})

    @staticmethod
    def told(draft: RightDraft) -> dict[str, object]:
        """What the row shows for a right."""
        return {name: getattr(draft, name) for name in RightForm.base_fields}


class Rows(forms.BaseFormSet):  # type: ignore[type-arg]
    """The rows of one kind, with blank rows at the end."""

    @property
    def drafts(self) -> tuple[Any, ...]:
        return tuple(form.draft() for form in self.forms if not form.is_blank)


RequirementRows = forms.formset_factory(RequirementForm, formset=Rows, extra=2, max_num=MOST_ROWS, absolute_max=60)
RightRows = forms.formset_factory(RightForm, formset=Rows, extra=1, max_num=MOST_ROWS, absolute_max=60)


def requirement_rows(language: str, drafts: Iterable[RequirementDraft] = (), data: Any = None) -> Any:
    """The requirements of a need as rows to fill in."""
    return RequirementRows(
        data,
        initial=[RequirementForm.told(draft) for draft in drafts],
        prefix="requirements",
        form_kwargs={"language": language},
    )


def right_rows(language: str, drafts: Iterable[RightDraft] = (), data: Any = None) -> Any:
    """The rights of an offer as rows to fill in."""
    return RightRows(
        data, initial=[RightForm.told(draft) for draft in drafts], prefix="rights", form_kwargs={"language": language}
    )


def with_one_more(data: Any, prefix: str) -> Any:
    """What was posted, with one more row of a kind to fill in."""
    more = data.copy()
    name = f"{prefix}-TOTAL_FORMS"
    rows = int(more[name]) if str(more.get(name, "")).isdigit() else 0
    more[name] = str(min(rows + 1, MOST_ROWS))
    return more
