"""Letters of the directory, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _

from transferase.directory.models import AdmissionKind, AdmissionOutcome
from transferase.foundation.languages import interface_of

if TYPE_CHECKING:
    from transferase.directory.models import Admission, Person


def request(reader: Person, admission: Admission) -> None:
    """Tell a member that somebody asks to be let in."""
    with translation.override(interface_of(reader.language)):
        asker = admission.begun_by
        names = {"person": _line(f"{asker.name} ({asker.email})"), "organisation": _name(admission, reader.language)}
        _send(
            reader,
            _("Somebody asks to act for %(organisation)s") % names,
            _("%(person)s asks to act for %(organisation)s. Say yes or no on your desk:") % names,
            _address(reader.language, "desk"),
            _("Who is let in can change and publish the listings of the organisation. Let in only whom you know."),
        )


def invitation(reader: Person | None, admission: Admission) -> None:
    """Tell an address that an organisation invites it."""
    language = reader.language if reader else admission.begun_by.language
    with translation.override(interface_of(language)):
        names = {
            "person": _line(admission.begun_by.name),
            "organisation": _name(admission, language),
            "email": admission.email,
        }
        subject = _("%(organisation)s invites you") % names
        told = _("%(person)s invites you to act for %(organisation)s. Accept or decline on your desk:") % names
        if reader is not None:
            _send(reader, subject, told, _address(language, "desk"))
            return
        told = (
            _(
                "%(person)s invites you to act for %(organisation)s. Register with this address (%(email)s), "
                "then accept or decline on your desk:"
            )
            % names
        )
        last = _("If you do not know what this is about, do nothing.")
        _write(admission.email, subject, told, _address(language, "account/signup/"), last)


def answer(reader: Person, admission: Admission) -> None:
    """Tell whoever asked or invited what the other side said."""
    with translation.override(interface_of(reader.language)):
        names = {"organisation": _name(admission, reader.language), "email": admission.email}
        is_yes = admission.outcome == AdmissionOutcome.ACCEPTED
        if admission.kind == AdmissionKind.ASKED:
            told = (
                _("You act for %(organisation)s now. Your desk:")
                if is_yes
                else _("%(organisation)s did not let you in. Ask somebody there, or register the right organisation:")
            )
        else:
            told = (
                _("%(email)s acts for %(organisation)s now. Your desk:")
                if is_yes
                else _("%(email)s declined to act for %(organisation)s. Your desk:")
            )
        _send(reader, _("An answer: %(organisation)s") % names, told % names, _address(reader.language, "desk"))


def _send(reader: Person, *parts: str) -> None:
    # Sample persons have no mailbox.
    if reader.is_active and not reader.is_sample:
        _write(reader.email, *parts)


def _write(email: str, subject: str, *parts: str) -> None:
    send_mail(f"Transferase: {_line(subject)}", "\n\n".join(parts), None, [email])


def _name(admission: Admission, language: str) -> str:
    return _line(admission.organisation.name(language))


def _line(text: str) -> str:
    """A text that people chose, in one line: it must not break out of its place in a letter."""
    return " ".join(text.split())


def _address(language: str, path: str) -> str:
    return f"{settings.PUBLIC_URL}/{interface_of(language)}/{path}"
