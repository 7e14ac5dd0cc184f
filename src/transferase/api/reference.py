"""A page that lists the endpoints, written on the server: it needs no script and nothing from elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from ninja import NinjaAPI

PAGE: Final = """<!DOCTYPE html>
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
<nav aria-label="Endpoints"><ul>
{contents}
</ul></nav>
{operations}
</main>
</body>
</html>
"""
SECTION: Final = """<section id="{name}" class="py-3">
<h2><code>{method} {path}</code></h2>
<p>{told}</p>
<p>{key} Answers: {answers}.</p>
{parameters}{example}
</section>"""
TABLE: Final = """<div class="table-responsive"><table class="table">
<thead><tr><th scope="col">Parameter</th><th scope="col">In</th><th scope="col">Meaning</th></tr></thead>
<tbody>
{rows}
</tbody></table></div>
"""


def reference_page(request: HttpRequest, *, api: NinjaAPI) -> HttpResponse:
    """Every endpoint with its parameters and answers, from the same description that programs read."""
    schema = api.get_openapi_schema()
    operations = [
        (method.upper(), path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    bodies = schema["components"]["schemas"]
    return HttpResponse(
        format_html(
            PAGE,
            title=api.title,
            version=api.version,
            icon=static("icon.svg"),
            tabler=static("vendor/tabler.min.css"),
            theme=static("theme.css"),
            paragraphs=format_html_join("\n", "<p>{}</p>", ((marked(p),) for p in api.description.split("\n\n"))),
            description=reverse(f"{api.urls_namespace}:openapi-json"),
            contents=format_html_join(
                "\n",
                '<li><a href="#{}"><code>{} {}</code></a></li>',
                ((operation["operationId"], method, path) for method, path, operation in operations),
            ),
            operations=format_html_join("\n", "{}", ((_section(*found, bodies),) for found in operations)),
        )
    )


def marked(text: str) -> SafeString:
    """A text with what stands in backticks set as code."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", p) if n % 2 else p,) for n, p in enumerate(parts))
    )


def _section(method: str, path: str, operation: dict[str, Any], bodies: dict[str, Any]) -> SafeString:
    needs_key = {} not in operation["security"]
    return format_html(
        SECTION,
        name=operation["operationId"],
        method=method,
        path=path,
        told=marked(operation["description"]),
        key="A token is needed." if needs_key else "Needs no token.",
        answers=", ".join(sorted(operation["responses"])),
        parameters=_table(operation.get("parameters", [])),
        example=_example(operation, bodies),
    )


def _table(parameters: list[dict[str, Any]]) -> SafeString:
    rows = format_html_join(
        "\n",
        "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
        ((p["name"], p["in"], marked(p.get("description") or p["schema"].get("description", ""))) for p in parameters),
    )
    return format_html(TABLE, rows=rows) if parameters else SafeString("")


def _example(operation: dict[str, Any], bodies: dict[str, Any]) -> SafeString:
    """The example of the body, where its schema has one."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    examples = bodies.get(name, {}).get("examples")
    if not examples:
        return SafeString("")
    return format_html(
        '<pre tabindex="0"><code>{}</code></pre>\n', json.dumps(examples[0], ensure_ascii=False, indent=2)
    )
