"""Organisations on their way in; only operators enter organisations by file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from transferase.directory import queries as directory
from transferase.directory import services as directory_services
from transferase.directory.models import OrganisationKind
from transferase.directory.rules import OrganisationDraft, check_organisation, clean_organisation
from transferase.engine.text import detect_language
from transferase.foundation.errors import DomainError, Problem
from transferase.foundation.languages import Language
from transferase.interchange import rules
from transferase.interchange._drafts import Reader, derived_id
from transferase.interchange._owners import scheme_of
from transferase.interchange._rows import (
    CREATED,
    UNCHANGED,
    UPDATED,
    Circumstances,
    Composed,
    Findings,
    RowRefused,
    Taken,
    refused,
)
from transferase.interchange._values import parse_truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transferase.directory.models import Organisation
    from transferase.interchange._reading import Row
    from transferase.interchange._vocabulary import Vocabularies

SCHEMES = ("ror", "kr_business", "cn_credit", "lei", "eu_pic")


class OrganisationIntake:
    """Bodies that own listings: entered when new, completed when known; nothing that a file leaves out is removed."""

    def __init__(self, circumstances: Circumstances, vocabularies: Vocabularies) -> None:
        self._around = circumstances
        self._vocabularies = vocabularies
        self._reader = Reader(circumstances.columns, circumstances.defaults, circumstances.file_format)
        self._has_ids = "external_id" in circumstances.columns.values()

    def compose(self, row: Row) -> Composed:
        findings = Findings()
        external_id = ""
        try:
            values = self._reader.values(row, findings)
            external_id = self._external_id(values)
            draft = self._draft(values, external_id, findings)
        except RowRefused as stop:
            warnings = tuple(findings.warnings)
            return Composed(row.number, row.cells, external_id, problem=stop.problem, warnings=warnings)
        problem = next(iter(check_organisation(draft)), None)
        return Composed(row.number, row.cells, external_id, draft, problem=problem, warnings=tuple(findings.warnings))

    def _external_id(self, values: Mapping[str, Any]) -> str:
        given = str(values.get("external_id", "")).strip()
        if given:
            return given[:200]
        if self._has_ids:
            raise RowRefused("external_id", "no_external_id")
        names = [str(values[n]) for n in ("name", "name_ko", "name_zh", "name_en") if n in values]
        return derived_id({"title": names[0] if names else "", "owner": values.get("country", "")})

    def _draft(self, values: Mapping[str, Any], external_id: str, findings: Findings) -> OrganisationDraft:
        names: dict[str, str] = {}
        code = self._vocabularies.code("language", str(values["language"])) if "language" in values else None
        original = ""
        if "name" in values:
            original = code or detect_language(str(values["name"])) or Language.EN
            names[original] = str(values["name"])
        for suffix, language in rules.LANGUAGE_SUFFIXES.items():
            if f"name_{suffix}" in values:
                names.setdefault(language, str(values[f"name_{suffix}"]))
        if not names:
            raise RowRefused("name", "no_name")
        country = self._code("country", "country", values, findings)
        if not country:
            raise RowRefused("country", "no_country")
        website = str(values.get("website", ""))
        if website and not website.startswith(("http://", "https://")):
            website = f"https://{website}" if "." in website and " " not in website else ""
        return clean_organisation(
            OrganisationDraft(
                kind=self._code("kind", "organisation_kind", values, findings) or OrganisationKind.OTHER,
                country=country,
                names=names,
                original_language=original or next(iter(names)),
                machine_made=frozenset(
                    language
                    for suffix, language in rules.LANGUAGE_SUFFIXES.items()
                    if self._vocabularies.code("origin", str(values.get(f"origin_{suffix}", ""))) == "machine"
                ),
                region=str(values.get("region", ""))[:100],
                website=website,
                identifiers=self._identifiers(values, findings),
                is_sample=parse_truth(str(values.get("is_sample", ""))) is True,
                source=self._around.source,
                external_id=external_id,
            )
        )

    def _code(self, name: str, scheme: str, values: Mapping[str, Any], findings: Findings) -> str:
        text = str(values.get(name, ""))
        code = self._vocabularies.code(scheme, text) if text else ""
        if code is None or code == "world":
            findings.warn(name, "unknown_country" if scheme == "country" else "unknown_code", value=text)
            return ""
        return code

    def _identifiers(self, values: Mapping[str, Any], findings: Findings) -> dict[str, str]:
        found = {scheme: str(values[scheme]) for scheme in SCHEMES if scheme in values}
        if "identifier" in values:
            number = str(values["identifier"])
            if scheme := scheme_of(number):
                found.setdefault(scheme, number)
            else:
                findings.warn("identifier", "bad_identifier", value=number)
        for scheme, number in list(found.items()):
            probe = OrganisationDraft(kind="other", country="KR", names={"en": "x"}, identifiers={scheme: number})
            if check_organisation(clean_organisation(probe)):
                findings.warn(scheme, "bad_identifier", value=number)
                del found[scheme]
        return found

    def foresee(self, rows: Sequence[Composed]) -> list[Taken]:
        return [self._outcome(row)[0] for row in rows]

    def take(self, rows: Sequence[Composed]) -> list[Taken]:
        return [self._take(row) for row in rows]

    def _outcome(self, row: Composed) -> tuple[Taken, Organisation | None, OrganisationDraft | None]:
        if row.problem:
            return refused(row, row.problem), None, None
        known = directory.find_organisation(row.draft)
        if known is None:
            return Taken(row, CREATED, warnings=row.warnings), None, row.draft
        before = directory.draft_of(known)
        after = _completed(before, row.draft)
        outcome = UNCHANGED if clean_organisation(before) == after else UPDATED
        return Taken(row, outcome, None, known.pk, warnings=row.warnings), known, after

    def _take(self, row: Composed) -> Taken:
        around = self._around
        taken, known, draft = self._outcome(row)
        if draft is None or taken.outcome == UNCHANGED:
            return taken
        try:
            if known is None:
                made = directory_services.create_organisation(actor=around.actor, draft=draft, at=around.at)
                return replace(taken, organisation_id=made.pk)
            directory_services.revise_organisation(actor=around.actor, organisation=known, draft=draft, at=around.at)
        except DomainError as error:
            return refused(row, Problem("", error.code, error.facts))
        return taken


def _completed(before: OrganisationDraft, given: OrganisationDraft) -> OrganisationDraft:
    """What is known, with what the file adds or says anew."""
    names = {**before.names, **given.names}
    machine = (before.machine_made - set(given.names)) | given.machine_made
    return clean_organisation(
        replace(
            given,
            names=names,
            original_language=before.original_language or given.original_language,
            machine_made=frozenset(machine),
            region=given.region or before.region,
            website=given.website or before.website,
            identifiers={**before.identifiers, **given.identifiers},
            kind=before.kind if given.kind == OrganisationKind.OTHER else given.kind,
            is_sample=before.is_sample,
            source=before.source,
            external_id=before.external_id,
        )
    )
