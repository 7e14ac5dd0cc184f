"""Jobs of the directory: letters about memberships that are asked for."""

from __future__ import annotations

from django.utils import timezone

from transferase.directory import _letters, queries
from transferase.directory.models import Admission, AdmissionQuerySet
from transferase.foundation.queue import task


@task("directory.tell_of_request", queue="mail")
def tell_of_request(*, admission_id: int) -> None:
    """Write to those who may let somebody in, while that is still open."""
    at = timezone.now()
    for admission in _with_names(admission_id).open_at(at):
        for person in queries.who_lets_in(admission.organisation, at):
            _letters.request(person, admission)


@task("directory.tell_of_invitation", queue="mail")
def tell_of_invitation(*, admission_id: int) -> None:
    """Write to the address that is invited; to strangers only for an organisation that an operator knows."""
    for admission in _with_names(admission_id).open_at(timezone.now()):
        reader = queries.person_with_email(admission.email)
        if reader is not None or admission.organisation.is_verified:
            _letters.invitation(reader, admission)


@task("directory.tell_of_answer", queue="mail")
def tell_of_answer(*, admission_id: int) -> None:
    """Write to whoever asked or invited."""
    for admission in _with_names(admission_id).exclude(outcome=""):
        _letters.answer(admission.begun_by, admission)


def _with_names(admission_id: int) -> AdmissionQuerySet:
    found = Admission.objects.filter(pk=admission_id).select_related("begun_by", "organisation")
    return found.prefetch_related("organisation__names")
