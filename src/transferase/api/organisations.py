"""Organisations that own listings."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema

from transferase.api.auth import ANYBODY, caller_of
from transferase.api.errors import READ_PROBLEMS, Problem
from transferase.directory.models import Organisation as OrganisationRow
from transferase.foundation.languages import Language

router = Router(tags=["organisations"])


class OrganisationName(Schema):
    """A name in one language."""

    language: str
    name: str
    is_original: bool
    is_machine_made: bool


class Organisation(Schema):
    """A body that owns listings; its listings are at `/listings?organisation=`."""

    id: int
    name: str = Field(examples=["Sample Technology Transfer Agency"])
    names: list[OrganisationName]
    kind: str = Field(description="Vocabulary `organisation_kind`.", examples=["research_institute"])
    country: str = Field(examples=["KR"])
    region: str
    website: str
    identifiers: dict[str, str] = Field(examples=[{"kr_business": "1234567890"}])
    is_verified: bool
    is_sample: bool


@router.get(
    "/organisations/{int:organisation_id}", auth=ANYBODY, response={200: Organisation, READ_PROBLEMS: Problem},
    operation_id="read_organisation",
)  # fmt: skip
def read_organisation(request: HttpRequest, organisation_id: int) -> Organisation:
    """One organisation with its names and numbers."""
    caller = caller_of(request)
    found = OrganisationRow.objects.visible_to(caller.viewer).prefetch_related("names", "identifiers")
    # A larger number than the database can hold names nothing.
    organisation = found.filter(pk=organisation_id).first() if organisation_id < 2**63 else None
    if organisation is None:
        raise Http404
    return Organisation(
        id=organisation.pk,
        name=organisation.name(Language.EN),
        names=[
            OrganisationName(
                language=name.language,
                name=name.name,
                is_original=name.is_original,
                is_machine_made=name.is_machine_made,
            )
            for name in sorted(organisation.names.all(), key=lambda name: (not name.is_original, name.pk))
        ],
        kind=organisation.kind,
        country=organisation.country,
        region=organisation.region,
        website=organisation.website,
        identifiers={identifier.scheme: identifier.value for identifier in organisation.identifiers.all()},
        is_verified=organisation.is_verified,
        is_sample=organisation.is_sample,
    )
