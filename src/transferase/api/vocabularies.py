"""The vocabularies: every code that a listing may carry, in three languages."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from transferase.api.auth import ANYBODY
from transferase.api.errors import READ_PROBLEMS, Problem
from transferase.catalogue.queries import vocabulary, vocabulary_schemes

router = Router(tags=["vocabularies"], auth=ANYBODY)


class Scheme(Schema):
    """A vocabulary by name."""

    scheme: str
    terms: int


class Schemes(Schema):
    """All vocabularies."""

    items: list[Scheme]


class Term(Schema):
    """A code with its place in the tree and what it is called."""

    code: str
    parent: str = Field(description="Code of the term above; empty at the top.")
    labels: dict[str, str] = Field(examples=[{"ko": "특허", "zh-Hans": "专利", "en": "Patent"}])


class Vocabulary(Schema):
    """The terms of a vocabulary in their order."""

    scheme: str
    items: list[Term]


@router.get("/vocabularies", response={200: Schemes, READ_PROBLEMS: Problem}, operation_id="list_vocabularies")
def list_vocabularies(request: HttpRequest) -> Schemes:
    """Name every vocabulary."""
    return Schemes(items=[Scheme(scheme=scheme, terms=terms) for scheme, terms in vocabulary_schemes()])


@router.get(
    "/vocabularies/{scheme}", response={200: Vocabulary, READ_PROBLEMS: Problem}, operation_id="read_vocabulary"
)
def read_vocabulary(
    request: HttpRequest,
    scheme: str,
    parent: str | None = Query(None, max_length=40, description="Only the terms right below this code."),  # type: ignore[type-arg]
) -> Vocabulary:
    """Give the terms of a vocabulary."""
    terms = vocabulary(scheme)
    if not terms:
        raise Http404
    return Vocabulary(
        scheme=scheme,
        items=[
            Term(code=term.code, parent=term.parent_code, labels=dict(term.labels))
            for term in terms
            if parent is None or term.parent_code == parent
        ],
    )
