"""Whose record a row is: the organisation of the import, or the one that an operator's file names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from transferase.directory import queries as directory
from transferase.directory import services as directory_services
from transferase.directory.models import IdentifierScheme, Organisation, OrganisationKind
from transferase.directory.rules import OrganisationDraft, check_organisation, clean_organisation
from transferase.engine.text import detect_language
from transferase.foundation.errors import Problem
from transferase.foundation.languages import Language
from transferase.interchange import rules

if TYPE_CHECKING:
    from transferase.interchange._rows import Circumstances

# The records that ship with the platform bring their organisations under this name of a source.
SHIPPED: Final = "samples"
# The warning that an organisation of this name is going to be entered.
ENTERED: Final = "owner_will_be_entered"
FORMS: Final = (
    (IdentifierScheme.ROR, re.compile(r"^(?:https?://ror\.org/)?0[a-z0-9]{6}\d{2}$", re.IGNORECASE)),
    (IdentifierScheme.CN_CREDIT, re.compile(r"^[0-9A-HJ-NPQRTUWXY]{18}$")),
    (IdentifierScheme.LEI, re.compile(r"^[0-9A-Z]{18}\d{2}$")),
    (IdentifierScheme.KR_BUSINESS, re.compile(r"^\d{3}-?\d{2}-?\d{5}$")),
    (IdentifierScheme.EU_PIC, re.compile(r"^\d{9}$")),
)

Owner = tuple[Organisation | None, Problem | None]


def scheme_of(number: str) -> str:
    """The register that the form of a number speaks for, or an empty string."""
    plain = number.strip().upper() if not number.lower().startswith("http") else number.strip()
    return next((str(scheme) for scheme, form in FORMS if form.match(plain)), "")


class OwnerBook:
    """Looks owners up once for each name in a file."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._around = circumstances
        self._is_operator = rules.is_operator(circumstances.actor)
        self._found: dict[tuple[str, str, str], Owner] = {}

    def foresee(self, owner: tuple[str, str, str]) -> Owner:
        """The owner as far as it is known; one that taking the row would enter is told as a problem."""
        return self._look_up(owner)

    def resolve(self, owner: tuple[str, str, str]) -> Owner:
        """The owner, entered in the directory when it is new."""
        found, problem = self._look_up(owner)
        if found is None and problem and problem.code == ENTERED:
            found = directory_services.resolve_organisation(
                actor=self._around.actor, draft=self._draft(owner), at=self._around.at
            )
            self._found[owner] = (found, None)
        return self._found.get(owner, (found, problem))

    def _look_up(self, owner: tuple[str, str, str]) -> Owner:
        if owner not in self._found:
            self._found[owner] = self._search(owner)
        return self._found[owner]

    def _search(self, owner: tuple[str, str, str]) -> Owner:
        name, number, _ = owner
        if not name and not number:
            missing = Problem("owner", "unknown_owner", {"value": ""})
            return self._around.organisation, None if self._around.organisation else missing
        if not self._is_operator:
            return None, Problem("owner", "owner_not_allowed", {"value": name or number})
        by_id = Organisation.objects.filter(external_id=name, source__in=(self._around.source, SHIPPED))
        if name and (found := by_id.order_by("pk").first()):
            return found, None
        draft = clean_organisation(self._draft(owner))
        if found := directory.find_organisation(draft):
            return found, None
        if not name or check_organisation(draft):
            return None, Problem("owner", "unknown_owner", {"value": name or number})
        if taken := directory.taken_identifier(draft):
            return None, Problem("owner", "identifier_taken", {"scheme": taken[0], "value": taken[1]})
        return None, Problem("owner", ENTERED, {"value": name})

    def _draft(self, owner: tuple[str, str, str]) -> OrganisationDraft:
        name, number, country = owner
        # Whoever brings the list is likely to sit where its owners do; a wrong country is corrected in one place.
        country = country or (self._around.organisation.country if self._around.organisation else "")
        scheme = scheme_of(number) if number else ""
        return OrganisationDraft(
            kind=OrganisationKind.OTHER,
            country=country,
            names={detect_language(name) or Language.EN: name} if name else {},
            identifiers={scheme: number} if scheme else {},
        )
