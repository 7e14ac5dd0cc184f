"""The demo: sample records and persons from the package, indexed, matched, summed up and served."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click
from django.conf import settings
from django.utils import timezone

from transferase.catalogue import queries as catalogue
from transferase.catalogue.models import Direction, Listing, Origin
from transferase.cli import preparing, serving, sharing
from transferase.cli.preparing import Step
from transferase.cli.reasons import different_reasons, in_words, left_open
from transferase.cli.speaking import Quarters, Unable, answer
from transferase.directory import services as directory
from transferase.directory.models import Organisation, Person
from transferase.directory.rules import OrganisationDraft, Permission, Viewer
from transferase.foundation.languages import LANGUAGES, OWN_NAMES, Language
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.queue import enqueue
from transferase.interchange import services as interchange
from transferase.matching import queries as matching_queries
from transferase.matching import services as matching
from transferase.matching.models import Match
from transferase.matching.queries import MatchView

SOURCE: Final = "samples"
# file of the package -> what its rows are; organisations first, because the others name their owners
FILES: Final[Mapping[str, str]] = {
    "organisations.jsonl": "organisations",
    "kipo_patents.jsonl": "offers",
    "chinaxiv_results.jsonl": "offers",
    "sbir_awards.jsonl": "offers",
    "sbir_topics.jsonl": "needs",
    "made_up_needs.jsonl": "needs",
}
PERSONS: Final = "persons.toml"
HEADINGS: Final[Mapping[str, tuple[str, str, str]]] = {
    Language.KO: ("수요기술", "공급기술", "점"),
    Language.ZH: ("技术需求", "技术供给", "分"),
    Language.EN: ("Need", "Offer", "points"),
}
MACHINE: Final[Mapping[str, str]] = {
    Language.KO: "기계 번역",
    Language.ZH: "机器翻译",
    Language.EN: "machine-translated",
}
MOST_REASONS: Final = 3
MOST_AGAINST: Final = 2
EVERYTHING: Final = Viewer(permissions=frozenset(Permission))


def show(*, port: int, serves: bool, as_json: bool) -> int:
    """Make the demo ready, tell what it found, and serve it until somebody asks for the end."""
    started = time.monotonic()
    with ExitStack() as stack:
        helper = None
        if preparing.is_new():
            # Nothing is there yet: the helper loads its models while this process makes tables and reads records.
            helper = stack.enter_context(sharing.Helper())
            helper.begin(sharing.WARM)
        preparing.prepare()
        require_demo_database()
        preparing.run_steps(_steps(helper))
    matches = _best_of_each_language()
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
        _print_summary(report, matches)
    if not serves:
        return 0
    return serving.serve(host="127.0.0.1", port=port, has_worker=True)


def require_demo_database() -> None:
    """Let an empty database pass, or one that a demo made: others must not get persons with a known password."""
    if Person.objects.filter(is_sample=True).exists():
        return
    if Person.objects.exists() or Organisation.objects.exists() or Listing.objects.exists():
        raise Unable(
            "This database holds records that are not of the demo: unset DATABASE_URL or set TRANSFERASE_HOME to "
            "another folder, or serve it with `transferase serve`."
        )


def _steps(helper: sharing.Helper | None) -> Iterable[Step]:
    records = [_samples() / name for name in FILES]
    return (
        Step("Sample persons", lambda: [_samples() / PERSONS], enter_persons, is_of_database=True),
        Step("Sample records", lambda: [p for p in records if p.is_file()], bring_in_records, is_of_database=True),
        Step("Members of organisations", lambda: [_samples() / PERSONS], join_persons, is_of_database=True),
        Step(
            "Index",
            lambda: [p for p in records if p.is_file()],
            lambda: index(helper),
            is_of_database=True,
            is_long=True,
        ),
        Step(
            "Matches",
            lambda: [p for p in records if p.is_file()],
            lambda: propose(helper),
            is_of_database=True,
            is_long=True,
        ),
    )


def _samples() -> Path:
    return Path(settings.PACKAGE) / "samples"


def _persons() -> dict[str, Any]:
    return tomllib.loads((_samples() / PERSONS).read_text(encoding="utf-8"))


def enter_persons() -> None:
    """Register the made-up persons and enter the made-up organisations; first, as they mark a database of the demo."""
    at = timezone.now()
    told = _persons()
    for sample in told["persons"]:
        if not Person.objects.filter(email__iexact=sample["email"]).exists():
            language = sample["language"]
            directory.register(
                actor=SYSTEM, email=sample["email"], name=sample["names"][language], language=language,
                password=told["password"], at=at, is_sample=True,
            )  # fmt: skip
    for body in told["organisations"]:
        draft = OrganisationDraft(
            kind=body["kind"], country=body["country"], names=body["names"], original_language=Language.EN,
            is_sample=True, source=SOURCE, external_id=body["key"],
        )  # fmt: skip
        directory.resolve_organisation(actor=SYSTEM, draft=draft, at=at)


def bring_in_records() -> None:
    """Bring in what the package holds, as an operator brings in a file; a source whose file is gone is left out."""
    at = timezone.now()
    for name, kind in FILES.items():
        path = _samples() / name
        if not path.is_file():
            continue
        run = interchange.receive(
            actor=SYSTEM, organisation=None, source_name=SOURCE, kind=kind, file=path, file_name=name, at=at
        )
        run = interchange.bring_in(actor=SYSTEM, run=run, at=at)
        if run.rejected:
            raise Unable(f"{run.rejected} sample records of {name} were not taken: install the package again.")


def join_persons() -> None:
    """Make each made-up person a member of an organisation; one whose source was left out stays without."""
    at = timezone.now()
    for sample in _persons()["persons"]:
        person = Person.objects.get(email__iexact=sample["email"])
        named = sample["organisation"]
        body = (
            Organisation.objects.filter(source=SOURCE, external_id=named).first()
            or Organisation.objects.filter(names__name=named, is_sample=True).first()
            or Organisation.objects.filter(names__name=named).first()
        )
        if body and not person.memberships.filter(organisation=body, role=sample["role"], ends_at=None).exists():
            directory.join(actor=SYSTEM, person=person, organisation=body, role=sample["role"], at=at)


def index(helper: sharing.Helper | None) -> None:
    """Make all listings ready for search, in two processes where there is a helper."""
    if helper is None:
        matching.rebuild(
            actor=SYSTEM, at=timezone.now(), progress=Quarters("Index"), with_quotes=False, size=sharing.AT_ONCE
        )
        return
    helper.end()
    helper.begin(sharing.INDEX, 1, 2)
    sharing.index(0, 2, Quarters("Index"))
    helper.end()
    matching.renew_means(actor=SYSTEM, at=timezone.now())


def propose(helper: sharing.Helper | None) -> None:
    """Find the matches of all needs, then quote sentences for the best ones; the worker quotes for the rest."""
    needs = list(Listing.objects.needs().order_by("pk").values_list("pk", flat=True))
    if helper is not None:
        helper.begin(sharing.PROPOSE, needs[1::2])
    sharing.propose(needs[::2] if helper is not None else needs)
    if helper is not None:
        helper.end()
    shown = [listing for view in _best_of_each_language().values() for listing in (view.need_id, view.offer_id)]
    at = timezone.now()
    matching.quote_batch(actor=SYSTEM, listing_ids=shown, at=at)
    matching.propose_batch(actor=SYSTEM, listing_ids=[n for n in needs if n in shown], at=at)
    enqueue("matching.quote", queueing_lock="matching.quote")


# ---- the summary


def _best_of_each_language() -> dict[str, MatchView]:
    """The best match of a need with an offer written in each language; no listing twice."""
    best: dict[str, MatchView] = {}
    languages = dict(Listing.objects.filter(direction=Direction.OFFER).values_list("pk", "original_language"))
    taken: set[object] = set()
    for view in matching_queries.best_matches(EVERYTHING, timezone.now(), limit=100):
        language = languages[view.offer_id]
        if language not in best and view.need_id not in taken:
            best[language] = view
            taken.add(view.need_id)
    return best


def _print_summary(report: Mapping[str, Any], matches: Mapping[str, MatchView]) -> None:
    click.echo(f"\n{report['offers']} offers, {report['needs']} needs, {report['matches']} matches")
    for language in LANGUAGES:
        if language in matches:
            click.echo(f"\n{OWN_NAMES[Language(language)]}\n{_told(matches[language], language)}")
    click.echo()


def _told(view: MatchView, language: str) -> str:
    """A match in the language of its offer, with the reasons for and against."""
    need_word, offer_word, points = HEADINGS[language]
    rows = {row.pk: row for row in Listing.objects.filter(pk__in=(view.need_id, view.offer_id)).select_related("owner")}
    need, offer = catalogue.sheets([rows[view.need_id], rows[view.offer_id]], Viewer(), timezone.now(), language)
    lines = []
    for word, sheet in ((need_word, need), (offer_word, offer)):
        mark = f" [{MACHINE[language]}]" if sheet.title.origin == Origin.MACHINE else ""
        lines.append(f"  {word}: {sheet.title.text}{mark} – {sheet.owner_name or '-'}")
    lines.append(f"  {view.score} {points}")
    lines += [f"  + {sentence}" for sentence in different_reasons(view.because, language)[:MOST_REASONS]]
    against = [f"  - {in_words(misfit, language)}" for misfit in view.misfits[:MOST_AGAINST]]
    lines += against or [f"  ? {sentence}" for sentence in left_open(view.missing, language)]
    return "\n".join(lines)
