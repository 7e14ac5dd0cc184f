"""Why a need and an offer belong together or do not, and what is not known: codes of the engine in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from transferase.web.sentences import labelled, listed

# The parts of a score, in the order in which they are shown.
PARTS: Final[Mapping[str, object]] = {
    "meaning": _("Meaning"),
    "words": _("Shared words"),
    "field": _("Patent class"),
    "readiness": _("Readiness"),
    "transfer": _("Way of transfer"),
    "territory": _("Territory"),
    "partner": _("Kind of partner"),
}

MISFITS: Final[Mapping[str, object]] = {
    "field_differs": _("The patent classes are in different fields: %(need)s is asked for, %(offer)s is offered"),
    "readiness_below": _("Not ready enough: %(stated)s, asked for is %(wanted)s"),
    "readiness_above": _("Further along than asked for: %(stated)s, asked for is %(wanted)s"),
    "transfer_mode_differs": _("Another way of transfer: %(given)s is offered, %(wanted)s is asked for"),
    "transfer_mode_excluded": _("No common way of transfer: %(given)s is offered, %(wanted)s is asked for"),
    "exclusivity_differs": _("Exclusive rights are asked for; only non-exclusive rights are offered"),
    "territory_outside": _("The territory does not cover %(wanted)s; offered is %(given)s"),
    "partner_differs": _("A different kind of partner is sought: %(sought)s"),
}

MISSING: Final[Mapping[str, object]] = {
    "offer.ipc": _("The offer names no patent class"),
    "need.ipc": _("The need names no patent class"),
    "offer.trl": _("The offer does not state its readiness level"),
    "need.trl": _("The need does not state a readiness level"),
    "offer.transfer_modes": _("The offer does not say how it may be transferred"),
    "need.transfer_modes": _("The need does not say which way of transfer is wanted"),
    "offer.territory": _("The offer names no territory"),
    "need.territory": _("The need names no territory"),
    "offer.partner_kinds": _("The kind of partner sought is not stated"),
    "need.partner_kinds": _("The need does not say which kind of partner is sought"),
    "offer.rights": _("No right is registered with the offer"),
    "words": _("Words could not be compared: the two are written in different languages"),
    "meaning": _("Meanings could not be compared"),
}


@dataclass(frozen=True)
class PartLine:
    """A part of a score as the page shows it: points of 100, and where its stretch of the bar begins."""

    name: str
    label: str
    points: int
    of: int
    start: float
    width: float
    share: float
    number: int


def misfit(code: str, facts: Mapping[str, object]) -> str:
    """What does not fit, in words."""
    pattern = MISFITS.get(code)
    return str(pattern) % {name: _value(name, code, value) for name, value in facts.items()} if pattern else code


def missing(code: str) -> str:
    """What is not known, in words."""
    return str(MISSING.get(code, code))


def part_lines(parts: Sequence[Mapping[str, object]], score: int, points: Mapping[str, int]) -> list[PartLine]:
    """The parts of a score in the order of `PARTS`; their points sum to the score."""
    by_name = {str(part["name"]): part for part in parts}
    lines, start = [], 0.0
    for position, name in enumerate((name for name in PARTS if name in by_name), start=1):
        weight = float(str(by_name[name]["weight"]))
        value = points[name]
        lines.append(
            PartLine(
                name=name,
                label=str(PARTS[name]),
                points=value,
                of=round(100 * weight),
                start=start,
                width=max(0.0, value - 0.5),
                share=100 * float(str(by_name[name]["value"])),
                number=position,
            )
        )
        start += value
    return lines


def trl_range(value: object) -> str:
    """A range of readiness levels in words."""
    low, high = (list(value) + [None, None])[:2] if isinstance(value, list | tuple) else (value, value)
    return f"TRL {low}" if low == high else f"TRL {low}–{high}"


def _value(name: str, code: str, value: object) -> str:
    if code.startswith("readiness"):
        return trl_range(value)
    if code.startswith("transfer_mode"):
        return labelled("transfer_mode", value)
    if code.startswith("territory"):
        return labelled("country", value)
    if code.startswith("partner") and name in {"sought", "kind"}:
        return labelled("partner_kind", value)
    return listed(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
