"""Version 1 of the API: what is in it, how it answers, and its description in OpenAPI."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.http import HttpResponseNotAllowed
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.renderers import BaseRenderer

from transferase.api import figures, listings, matches, organisations, quality, search, searches, vocabularies
from transferase.api.asked import refuse_unknown_parameters
from transferase.api.errors import CONTENT_TYPE, explain_errors, no_endpoint, problem, unexpected
from transferase.api.limits import MinuteThrottle
from transferase.api.reference import reference_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.urls import URLResolver

DESCRIPTION: Final = """\
Read published technology offers and needs in Korean, Chinese and English, search them across the languages, and see
with reasons which offer answers which need. With a token: keep the listings of your organisation up to date, and judge
their matches.

Texts have tiers: `public`, `registered`, `introduced`, `nda`; a caller gets those that the same person would see in
the pages. Empty lists, empty strings and null mean "not stated". Codes come from `/vocabularies`.

Lists come in pages: pass `next` as `cursor`. Errors are `application/problem+json` (RFC 9457) with a stable `code`; a
query parameter or value that is not known is one of them. The headers
`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` tell what is left of the present minute.
"""


# The longest text that is taken (5,000 characters of nine bytes each) fits; the server itself cuts off at 64 KiB.
LONGEST_QUERY: Final = 60_000


class PlainRenderer(BaseRenderer):
    """JSON with Korean and Chinese as they are read, not as escapes."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, default=str)


class VersionedAPI(NinjaAPI):
    """An API whose every answer below its prefix, also for what it does not know, is its own."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        endpoints = [
            path(str(found.pattern), _answering(found.callback), name=found.name)
            for found in super()._get_urls()
            if isinstance(found, URLPattern) and found.name != "api-root"
        ]
        return [
            *endpoints,
            path("docs", functools.partial(reference_page, api=self), name="reference"),
            path("", no_endpoint, name="api-root"),
            # Anything at all, line ends included: what is below the prefix is answered in the API's own form.
            re_path(r"^[\s\S]+$", csrf_exempt(no_endpoint)),
        ]

    def get_openapi_schema(self, **asked: Any) -> Any:
        """The description, corrected where ninja cannot say it: problems, visitors."""
        schema = super().get_openapi_schema(**asked)
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"] = {str(status): told for status, told in operation["responses"].items()}
                for status, response in operation["responses"].items():
                    if int(status) >= 400 and "content" in response:
                        response["content"] = {CONTENT_TYPE: response["content"]["application/json"]}
                if operation.get("security") == [{"OptionalTokenAuth": []}]:
                    operation["security"] = [{}, {"TokenAuth": []}]
        schemes = schema["components"].get("securitySchemes", {})
        schemes.pop("OptionalTokenAuth", None)
        schemes["TokenAuth"] = {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from the page Settings; its scopes say what it may do.",
        }
        schema["components"]["securitySchemes"] = schemes
        return schema


def _answering(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer wrong methods and bugs outside an endpoint as problems, and tell what is left of the minute."""

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, **path_values: Any) -> HttpResponse:
        if len(request.META.get("QUERY_STRING", "")) > LONGEST_QUERY:
            return problem(414, f"The query is longer than {LONGEST_QUERY} bytes; shorten it.", code="query_too_long")
        try:
            response = view(request, **path_values)
        except Exception as error:  # noqa: BLE001 - the last place that can still answer in the API's own form
            return unexpected(request, error)
        if isinstance(response, HttpResponseNotAllowed):
            allowed = response["Allow"]
            response = problem(405, f"This endpoint knows {allowed}.", code="method_not_allowed")
            response["Allow"] = allowed
        allowance = getattr(request, "allowance", None)
        if allowance is not None:
            allowance.write_headers(response)
        return response

    return answer


api = VersionedAPI(
    title="Transferase",
    version="1",
    description=DESCRIPTION,
    renderer=PlainRenderer(),
    docs_url=None,
    throttle=MinuteThrottle(),
    openapi_extra={"info": {"license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}},
    urls_namespace="api-v1",
)
explain_errors(api)
api.add_decorator(refuse_unknown_parameters)
for door in (listings, search, searches, matches, figures, organisations, vocabularies, quality):
    api.add_router("", door.router)
