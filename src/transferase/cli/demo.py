"""The demo: sample records and persons from the package, indexed, matched, summed up and served."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import click
from django.conf import settings
from django.utils import timezone

from transferase.catalogue import queries as catalogue
from transferase.catalogue.models import Listing
from transferase.cli import preparing, serving
from transferase.cli.reasons import in_words
from transferase.cli.sharing import Hands
from transferase.cli.speaking import Unable, answer, step, tell
from transferase.directory import services as directory
from transferase.directory.models import Organisation, Person
from transferase.directory.rules import OrganisationDraft, Viewer
from transferase.foundation.languages import LANGUAGES, OWN_NAMES, Language
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange
from transferase.matching.models import Match

SOURCE: Final = "samples"
# file of the package -> what its rows are; organisations first, because the others name their owners
FILES: Final[Mapping[str, str]] = {
    "organisations.jsonl": "organisations",
    "kipo_patents.jsonl": "offers",
    "chinaxiv_results.jsonl": "offers",
    "sbir_awards.jsonl": "offers",
    "sbir_topics.jsonl": "needs",
}
HEADINGS: Final[Mapping[str, tuple[str, str, str]]] = {
    Language.KO: ("수요기술", "공급기술", "점"),
    Language.ZH: ("技术需求", "技术供给", "分"),
    Language.EN: ("Need", "Offer", "points"),
}


def show(*, port: int, serves: bool, as_json: bool) -> int:
    """Make the demo ready, tell what it found, and serve it until somebody asks for the end."""
    started = time.monotonic()
    with Hands() as hands:
        preparing.require_fit_server()
        preparing.prepare()
        require_demo_database()
        load_samples()
        hands.index_and_match()
    report = {
        "url": f"http://127.0.0.1:{port}",
        "offers": Listing.objects.offers().count(),
        "needs": Listing.objects.needs().count(),
        "matches": Match.objects.count(),
        "seconds": round(time.monotonic() - started, 1),
    }
    if as_json:
        answer(report)
    else:
        print_summary(report)
    if not serves:
        return 0
    return serving.serve(host="127.0.0.1", port=port, has_worker=True)


def require_demo_database() -> None:
    """Let an empty database pass, or one that a demo made: others must not get made-up persons with a known password."""
    if Person.objects.filter(is_sample=True).exists():
        return
    if Person.objects.exists() or Organisation.objects.exists() or Listing.objects.exists():
        raise Unable(
            "This database holds records that are not of the demo: unset DATABASE_URL or set TRANSFERASE_HOME to "
            "another folder, or serve it with `transferase serve`."
        )


def load_samples() -> None:
    """Bring in persons, organisations, offers and needs that are not there yet."""
    preparing.run_step(preparing.Step("Sample records", lambda: samples("*.jsonl"), _bring_in_all, is_of_database=True))
    preparing.run_step(
        preparing.Step("Sample persons", lambda: samples("persons.toml"), enter_persons, is_of_database=True)
    )


def samples(pattern: str) -> Iterator[Path]:
    """The files of the package that hold samples; a source whose file is gone is left out."""
    return iter(sorted((Path(settings.PACKAGE) / "samples").glob(pattern)))


def _bring_in_all() -> None:
    at = timezone.now()
    for name, kind in FILES.items():
        with as_file(files("transferase.samples") / name) as path:
            if not path.is_file():
                continue
            run = interchange.receive(
                actor=SYSTEM, organisation=None, source_name=SOURCE, kind=kind, file=path, file_name=name, at=at
            )
            run = interchange.bring_in(actor=SYSTEM, run=run, at=at)
        if run.rejected:
            raise Unable(f"{run.rejected} sample records of {name} were not taken: the package is damaged.")


def enter_persons() -> None:
    """Register the made-up persons, each for the organisation and in the role that the file names."""
    at = timezone.now()
    told = tomllib.loads((files("transferase.samples") / "persons.toml").read_text(encoding="utf-8"))
    bodies = {body["key"]: _organisation(body) for body in told["organisations"]}
    for sample in told["persons"]:
        if Person.objects.filter(email__iexact=sample["email"]).exists():
            continue
        named = sample["organisation"]
        body = bodies.get(named) or Organisation.objects.filter(names__name=named).first()
        if body is None:
            # The source that this organisation comes from was left out.
            continue
        language = sample["language"]
        person = directory.register(
            actor=SYSTEM, email=sample["email"], name=sample["names"][language], language=language,
            password=told["password"], at=at, is_sample=True,
        )  # fmt: skip
        directory.join(actor=SYSTEM, person=person, organisation=body, role=sample["role"], at=at)


def _organisation(told: Mapping[str, Any]) -> Organisation:
    draft = OrganisationDraft(
        kind=told["kind"], country=told["country"], names=told["names"], original_language=Language.EN,
        is_sample=True, source=SOURCE, external_id=told["key"],
    )  # fmt: skip
    return directory.resolve_organisation(actor=SYSTEM, draft=draft, at=timezone.now())


# ---- the summary


def print_summary(report: Mapping[str, Any]) -> None:
    """The best match of a need with an offer in each language, told in that language."""
    click.echo(f"\n{report['offers']} offers, {report['needs']} needs, {report['matches']} matches")
    for language in LANGUAGES:
        best = (
            Match.objects.filter(offer__original_language=language)
            .select_related("need", "offer")
            .order_by("-score")
            .first()
        )
        if best is not None:
            click.echo(f"\n{OWN_NAMES[Language(language)]}")
            click.echo(_told(best, language))


def _told(match: Match, language: str) -> str:
    need_word, offer_word, points = HEADINGS[Language(language)]
    need, offer = catalogue.sheets([match.need, match.offer], Viewer(), timezone.now(), language)
    lines = [
        f"  {need_word}: {need.title.text}",
        f"  {offer_word}: {offer.title.text} ({offer.owner_name or '-'})",
        f"  {100 * match.score:.0f} {points}",
    ]
    lines += [f"  + {in_words(reason, language)}" for reason in match.because[:3]]
    lines += [f"  - {in_words(misfit, language)}" for misfit in match.misfits[:2]]
    return "\n".join(lines)
