"""What a query asks for: a parameter or a value that nobody knows is refused, so that no filter is lost unseen."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from ninja.errors import ValidationError

from transferase.catalogue.queries import known_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from django.http import HttpRequest

# A vocabulary with more terms than this is named instead of listed.
MOST_LISTED: Final = 60


def refuse_unknown_parameters(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a query parameter that the endpoint does not have with the names of those that it has."""

    @functools.wraps(view)
    def ask(request: HttpRequest, **values: Any) -> Any:
        allowed = _parameters(view)
        unknown = [name for name in request.GET if name not in allowed]
        if unknown:
            told = f"This endpoint knows {', '.join(allowed)}." if allowed else "This endpoint has no parameters."
            raise ValidationError([_fault(name, "unknown_parameter", told) for name in unknown])
        return view(request, **values)

    return ask


def require_known(**asked: tuple[str, Iterable[str]]) -> None:
    """Refuse codes that are in no vocabulary: `name=(scheme, codes)` for each parameter."""
    vocabularies: Mapping[str, frozenset[str]] = known_codes()
    faults = []
    for name, (scheme, codes) in asked.items():
        known = vocabularies.get(scheme, frozenset())
        if [code for code in codes if code and code not in known]:
            listed = f": {', '.join(sorted(known))}" if 0 < len(known) <= MOST_LISTED else ""
            faults.append(_fault(name, "unknown_code", f"Allowed are the codes of the vocabulary {scheme}{listed}."))
    if faults:
        raise ValidationError(faults)


def require_ascending(trl_from: int | None, trl_to: int | None) -> None:
    """Refuse a range of readiness that ends before it begins: nothing could be in it."""
    if trl_from is not None and trl_to is not None and trl_from > trl_to:
        raise ValidationError([_fault("trl_from", "not_in_order", f"{trl_from} is above trl_to, which is {trl_to}.")])


def _parameters(view: Callable[..., Any]) -> list[str]:
    # Where ninja leaves what it read from the signature, for decorators like this one.
    models = view._ninja_operation.models  # type: ignore[attr-defined]  # noqa: SLF001
    return [name for model in models if model.__ninja_param_source__ == "query" for name in model.__ninja_flatten_map__]


def _fault(name: str, code: str, message: str) -> dict[str, Any]:
    return {"loc": ("query", name), "type": code, "msg": message}
