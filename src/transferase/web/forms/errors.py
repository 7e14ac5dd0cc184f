"""What the rules of the trade do not allow, beside the field that it is about and in the summary on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from transferase.foundation.errors import InvalidContent
from transferase.web.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.forms import Form

    from transferase.foundation.errors import DomainError


def blame(form: Form, error: DomainError, places: Mapping[str, str] | None = None) -> None:
    """Put an error beside the fields that it names, else on top of the form; `places` renames fields for this form."""
    if not isinstance(error, InvalidContent):
        named = str(error.facts.get("field") or error.facts.get("scheme") or "")
        form.add_error(named if named in form.fields else None, sentence(error.code, error.facts))
        return
    for problem in error.facts["problems"]:  # type: ignore[attr-defined]
        named = (places or {}).get(problem.field) or _place(form, problem.field)
        form.add_error(named or None, sentence(problem.code, problem.facts))


def _place(form: Form, named: str) -> str:
    """The field of a form for what the catalogue calls `texts.ko.nda.description`, or an empty string."""
    parts = named.split(".")
    candidates = [named, parts[-1]]
    if parts[0] == "texts":
        _texts, language, tier, *name = parts
        candidates = [f"{language}-{''.join(name)}", tier, *name]
    return next((candidate for candidate in candidates if candidate in form.fields), "")


def listed(form: Form, rows: Any = None) -> list[dict[str, str]]:
    """Every error with the place where it is mended, for the summary on top."""
    found = [{"id": "", "label": "", "text": str(text)} for text in form.non_field_errors()]
    for field in form:
        anchor = str(field.id_for_label or field.auto_id)
        label = str(getattr(form, "full_labels", {}).get(field.name, field.label))
        found += [{"id": anchor, "label": label, "text": str(text)} for text in field.errors]
    for place, row in enumerate(rows.forms if rows is not None else (), start=1):
        for field in row:
            label = _("%(field)s, row %(row)d") % {"field": field.label, "row": place}
            found += [{"id": str(field.id_for_label), "label": label, "text": str(text)} for text in field.errors]
    return found
