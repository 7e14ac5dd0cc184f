"""A page that lists the endpoints, written on the server: it needs no script and nothing from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from ninja import NinjaAPI

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} API, version {version}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{tabler}">
<link rel="stylesheet" href="{theme}">
</head>
<body>
<main class="container-xl py-4">
<h1>{title} API, version {version}</h1>
{paragraphs}
<p><a href="{description}">OpenAPI description (JSON)</a></p>
{operations}
</main>
</body>
</html>
"""


def reference_page(request: HttpRequest, *, api: NinjaAPI) -> HttpResponse:
    """Every endpoint with its parameters and answers, from the same description that programs read."""
    schema = api.get_openapi_schema()
    operations = [
        _operation(method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    paragraphs = format_html_join("\n", "<p>{}</p>", ((told,) for told in api.description.split("\n\n")))
    return HttpResponse(
        format_html(
            PAGE,
            title=api.title,
            version=api.version,
            icon=static("icon.svg"),
            tabler=static("vendor/tabler.min.css"),
            theme=static("theme.css"),
            paragraphs=paragraphs,
            description=reverse(f"{api.urls_namespace}:openapi-json"),
            operations=format_html_join("\n", "{}", ((operation,) for operation in operations)),
        )
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> SafeString:
    parameters = format_html_join(
        "\n",
        "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
        (
            (
                p["name"],
                p["in"],
                "yes" if p.get("required") else "",
                p.get("description") or p["schema"].get("description", ""),
            )
            for p in operation.get("parameters", [])
        ),
    )
    table = (
        format_html(
            '<div class="table-responsive"><table class="table"><thead><tr><th scope="col">Parameter</th>'
            '<th scope="col">In</th><th scope="col">Required</th><th scope="col">Meaning</th></tr></thead>'
            "<tbody>{}</tbody></table></div>",
            parameters,
        )
        if parameters
        else ""
    )
    security = operation.get("security", [])
    key = "A token is needed." if security and {} not in security else "Needs no token."
    return format_html(
        '<section id="{}"><h2><code>{} {}</code></h2><p>{}</p><p>{} Answers: {}.</p>{}</section>',
        operation["operationId"],
        method.upper(),
        path,
        operation.get("description") or operation.get("summary", ""),
        key,
        ", ".join(operation["responses"]),
        table,
    )
