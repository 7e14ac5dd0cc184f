"""Errors as `application/problem+json` (RFC 9457), whatever went wrong and wherever."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpResponse
from ninja import Field, Schema
from ninja.errors import HttpError, ValidationError

from transferase.api.paging import InvalidCursor
from transferase.api.sentences import ANOTHERS_LISTING, ANOTHERS_ORGANISATION, sentence
from transferase.catalogue.rules import NotReady
from transferase.directory.queries import viewer_of
from transferase.foundation.errors import DomainError, InvalidContent, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from django.http import HttpRequest
    from ninja import NinjaAPI

log = logging.getLogger("transferase.api")

CONTENT_TYPE: Final = "application/problem+json"


class FieldProblem(Schema):
    """What is wrong with one field."""

    field: str = Field(description="Where the value stood, such as `body.texts.0.title` or `query.limit`.")
    code: str
    message: str


class Problem(Schema):
    """A problem detail (RFC 9457)."""

    type: str = Field(description="The name of what went wrong; it ends in the code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="What went wrong, stable across versions.")
    errors: list[FieldProblem] | None = Field(None, description="One entry for each field at fault.")

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "type": "urn:transferase:problem:wrong_state",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "A listing in the state draft cannot do this.",
                    "code": "wrong_state",
                }
            ]
        }
    }


# What each kind of endpoint may answer besides its result; the key of ninja's `response=`.
READ_PROBLEMS: Final = frozenset({401, 404, 422, 429, 500})
KEY_PROBLEMS: Final = frozenset({401, 403, 404, 422, 429, 500})
WRITE_PROBLEMS: Final = frozenset({400, 401, 403, 404, 409, 413, 422, 429, 500})


def problem(
    status: int,
    detail: str,
    *,
    code: str,
    errors: Iterable[Mapping[str, object]] | None = None,
) -> HttpResponse:
    """A response that tells what went wrong."""
    content: dict[str, object] = {
        "type": f"urn:transferase:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors is not None:
        content["errors"] = list(errors)
    return HttpResponse(orjson.dumps(content), status=status, content_type=CONTENT_TYPE)


def status_of(error: DomainError) -> int:
    """403 for a missing right, 422 for a faulty value, 409 for what does not fit the state of things."""
    if isinstance(error, NotAllowed):
        return 403
    return 422 if isinstance(error, (InvalidContent, InvalidCursor)) else 409


def _domain_error(request: HttpRequest, error: DomainError) -> HttpResponse:
    errors = None
    if isinstance(error, InvalidContent):
        errors = [_field_problem(told) for told in error.facts.get("problems", ())]  # type: ignore[attr-defined]
    elif isinstance(error, NotReady):
        errors = [
            {"field": str(name), "code": "missing", "message": "Publishing asks for it."}
            for name in error.facts.get("missing", ())  # type: ignore[attr-defined]
        ]
    told = _of_another(request, error) or sentence(error)
    return problem(status_of(error), told, code=error.code, errors=errors)


def _of_another(request: HttpRequest, error: DomainError) -> str:
    """That a listing or an organisation is not the caller's own, where that is what stands in the way."""
    owner, caller = error.facts.get("organisation"), getattr(request, "auth", None)
    if not isinstance(error, NotAllowed) or owner is None or caller is None or caller.person is None:
        return ""
    if error.facts["permission"] not in caller.scopes or owner in viewer_of(caller.person, caller.at).organisations:
        return ""
    is_of_listing = request.resolver_match is not None and "listing_id" in request.resolver_match.kwargs
    return ANOTHERS_LISTING if is_of_listing else ANOTHERS_ORGANISATION


def _field_problem(told: object) -> dict[str, object]:
    if isinstance(told, (list, tuple)):
        field, code, *rest = told
        facts = rest[0] if rest else {}
    else:
        field, code, facts = told.field, told.code, told.facts  # type: ignore[attr-defined]
    details = ", ".join(f"{name}: {value}" for name, value in dict(facts).items())
    message = code.replace("_", " ").capitalize() + (f" ({details})" if details else "")
    return {"field": f"body.{field}", "code": code, "message": message}


def _validation_error(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [
        {
            "field": ".".join(str(step) for step in told["loc"] if step != "content"),
            "code": told["type"],
            "message": told["msg"],
        }
        for told in error.errors
    ]
    return problem(
        422, "The request has values that are not allowed; see errors.", code="invalid_request", errors=errors
    )


# What ninja itself answers: status -> code and sentence.
_HTTP_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("malformed_body", "The body is not valid JSON."),
    401: ("token_needed", "This asks for a token that holds: `Authorization: Bearer …`."),
    429: ("too_many_requests", "Too many requests; wait until the time in Retry-After has passed."),
}


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    code, detail = _HTTP_ERRORS.get(error.status_code, ("refused", str(error)))
    response = problem(error.status_code, detail, code=code)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="transferase"'
    return response


def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, "Nothing here that you may see.", code="not_found")


def _too_big(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(413, "The body is too large; bring in many records as a file.", code="body_too_large")


def unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    """A bug: it is logged with its traceback, and the caller learns only that it happened."""
    log.error("%s %r failed", request.method, request.path, exc_info=error)
    return problem(500, "Something went wrong here; it has been logged.", code="fault")


def no_endpoint(request: HttpRequest) -> HttpResponse:
    """The answer below the API's prefix where no endpoint is."""
    return problem(404, "There is no such endpoint; see openapi.json.", code="no_endpoint")


_ANSWERS: Final[Mapping[type[Exception], Callable[[HttpRequest, Any], HttpResponse]]] = {
    DomainError: _domain_error,
    ValidationError: _validation_error,
    HttpError: _http_error,
    Http404: _not_found,
    RequestDataTooBig: _too_big,
    TooManyFieldsSent: _too_big,
    Exception: unexpected,
}


def explain_errors(api: NinjaAPI) -> None:
    """Answer every exception of an endpoint as a problem."""
    for error, answer in _ANSWERS.items():
        api.add_exception_handler(error, answer)
