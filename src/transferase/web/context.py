"""What every page knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, object]:
    """The things around a page."""
    return {"viewer": getattr(request, "viewer", None)}
