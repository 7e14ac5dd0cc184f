"""Looking after an installation: what is wrong with it, and who runs it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from transferase.cli import opening
from transferase.cli.sentences import explained
from transferase.cli.speaking import Unable
from transferase.foundation.postgres import DatabaseUnavailable

SMALLEST_DISK: Final = 1024**3


def problems() -> list[tuple[str, str]]:
    """What is wrong and what to do about it, a sentence each; the gravest first."""
    try:
        with opening.database():
            return _problems_of_database() + _problems_of_machine()
    except DatabaseUnavailable as error:
        return [(error.what, error.remedy)]
    except Exception as error:  # noqa: BLE001 - whatever keeps the platform from starting is what was asked for
        return [(explained(error), "Mend this first, then check again.")]


def _problems_of_database() -> list[tuple[str, str]]:
    from django.db import connection  # noqa: PLC0415 - app ready

    from transferase.cli import preparing  # noqa: PLC0415 - app ready
    from transferase.foundation import ledger  # noqa: PLC0415 - app ready
    from transferase.foundation.postgres import check_server  # noqa: PLC0415 - app ready
    from transferase.matching.queries import letter_troubles  # noqa: PLC0415 - app ready

    found = [(problem.what, problem.remedy) for problem in check_server(connection)]
    if found:
        return found
    if preparing.pending():
        return [("The tables of the database are not up to date.", "Run `transferase migrate`.")]
    found += [
        (f"{name} are not up to date.", "Run `transferase migrate`.")
        for name in preparing.unready()
        if name != "Tables"
    ]
    troubles = letter_troubles(timezone.now())
    if troubles.postponed or troubles.given_up:
        told = f"{troubles.postponed} wait, {troubles.given_up} were given up, {troubles.unsure} may have arrived"
        remedy = "Look at EMAIL_HOST and the log of the mail server; what waits leaves by itself."
        found.append((f"Mails about news do not all leave: {told} (last: {troubles.trouble}).", remedy))
    if not ledger.verify().is_whole:
        found.append(("The chain of the ledger is broken.", "Run `transferase ledger verify` to learn where."))
    return found


def _problems_of_machine() -> list[tuple[str, str]]:
    from django.conf import settings  # noqa: PLC0415 - app ready

    found = []
    home = Path(settings.HOME)
    if not os.access(home, os.W_OK):
        found.append((f"The folder {home} cannot be written to.", "Give it to this account or set TRANSFERASE_HOME."))
    elif shutil.disk_usage(home).free < SMALLEST_DISK:
        found.append((f"Less than 1 GB is free on the disk of {home}.", "Make room, or set TRANSFERASE_HOME."))
    if settings.DEBUG:
        found.append(("TRANSFERASE_DEBUG is on: errors show the inside of the program.", "Unset it."))
    return found + _problems_of_model()


def _problems_of_model() -> list[tuple[str, str]]:
    from transferase.matching import queries as matching  # noqa: PLC0415 - app ready

    trouble = matching.wanted_trouble()
    if not trouble:
        return []
    if matching.is_wanted_model_running():
        remedy = "Search goes on by words; look at TRANSFERASE_EMBEDDING or install the package again."
        return [(f"Texts cannot be compared by meaning ({trouble}).", remedy)]
    remedy = "Search goes on with the former model; mend TRANSFERASE_EMBEDDING or unset it."
    return [(f"The index for another model cannot be built ({trouble}).", remedy)]


def index_report() -> dict[str, object] | None:
    """How the index stands, and how far another edition of it is; None when the database cannot be asked."""
    try:
        with opening.database():
            from transferase.matching import queries as matching  # noqa: PLC0415 - app ready

            status = matching.status()
    except Exception:  # noqa: BLE001 - what keeps the platform from starting is told as a problem
        return None
    building = status.building
    return {
        "model": status.model_version,
        "means": status.means_version,
        "listings": status.listings,
        "with_meaning": status.with_meaning,
        "building": building
        and {
            "model": building.model_version,
            "done": building.done,
            "listings": building.listings,
            "since": building.since.isoformat(),
            "trouble": building.trouble,
        },
    }


def index_sentences(report: dict[str, Any]) -> list[str]:
    """The report on the index in sentences."""
    told = [f"Index: {report['listings']} listings, model {report['model']}, means {report['means']}."]
    building = report["building"]
    if building:
        told.append(
            f"Another edition is being built since {building['since'][:16].replace('T', ' ')}: {building['done']} of"
            f" {building['listings']} listings, model {building['model']}."
        )
    return told


def appoint_operator(*, email: str, name: str, organisation: str, country: str) -> str:
    """Give a person the role of operator, registering person and organisation if they are new; returns a link by
    which the person sets a password, or nothing when there is one already.
    """
    from transferase.directory import services as directory  # noqa: PLC0415 - app ready
    from transferase.directory.models import OrganisationKind, Person, Role  # noqa: PLC0415 - app ready
    from transferase.directory.rules import OrganisationDraft, check_email  # noqa: PLC0415 - app ready
    from transferase.foundation.ledger import SYSTEM  # noqa: PLC0415 - app ready

    if check_email(email):
        raise Unable(f"{email} is not an e-mail address.")
    at = timezone.now()
    person = Person.objects.filter(email__iexact=email).first()
    if person is None:
        person = directory.register(actor=SYSTEM, email=email, name=name or email, language="en", password=None, at=at)
    draft = OrganisationDraft(kind=OrganisationKind.AUTHORITY, country=country, names={"en": organisation})
    body = directory.resolve_organisation(actor=SYSTEM, draft=draft, at=at)
    if not person.memberships.filter(organisation=body, role=Role.OPERATOR, ends_at=None).exists():
        directory.join(actor=SYSTEM, person=person, organisation=body, role=Role.OPERATOR, at=at)
    return "" if person.has_usable_password() else _password_link(person)


def _password_link(person: object) -> str:
    from allauth.account.forms import default_token_generator  # noqa: PLC0415 - app ready
    from allauth.account.utils import user_pk_to_url_str  # noqa: PLC0415 - app ready
    from django.urls import reverse  # noqa: PLC0415 - app ready

    key = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    return reverse(
        "account_reset_password_from_key", kwargs={"uidb36": key.split("-", 1)[0], "key": key.split("-", 1)[1]}
    )
