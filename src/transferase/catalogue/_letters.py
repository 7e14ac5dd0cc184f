"""Letters of the catalogue, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from transferase.foundation.languages import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transferase.catalogue.queries import ListingSheet
    from transferase.directory.models import Person


def interface_code(language: str) -> str:
    """The code that addresses and gettext use for a language of texts."""
    return "zh-hans" if language == Language.ZH else str(language)


def remind(person: Person, sheets: Sequence[ListingSheet]) -> None:
    """Ask a person to confirm listings that expire soon, soonest first."""
    code = interface_code(person.language)
    with translation.override(code):
        count = len(sheets)
        subject = ngettext(
            "One listing expires soon: please confirm it", "%(count)d listings expire soon: please confirm them", count
        ) % {"count": count}
        lines = [
            _("These listings are shown until the date beside them. Confirm those that still hold on your desk."),
            "",
            *(f"{sheet.visible_until:%Y-%m-%d}  {sheet.title.text}" for sheet in sheets),
            "",
            f"{settings.PUBLIC_URL}/{code}/desk",
        ]
        send_mail(subject, "\n".join(lines), None, [person.email])
