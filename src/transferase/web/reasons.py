"""Why a need and an offer belong together or do not, and what is not known: codes of the engine in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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

FITS: Final[Mapping[str, object]] = {
    "shared_terms": _("Both say: %(terms)s"),
    "shared_field": _("Both are in the patent class %(node)s"),
    "readiness_fits": _("Readiness %(stated)s is within what is asked for (%(wanted)s)"),
    "transfer_mode_fits": _("Common way of transfer: %(modes)s"),
    "territory_fits": _("The territory covers %(wanted)s"),
    "partner_fits": _("The kind of partner fits: %(kind)s"),
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
    "words": _("Words could not be compared: the two are written in different languages"),
    "meaning": _("Meanings could not be compared"),
}


# What rules a pair out, however near the texts are.
EXCLUSIONS: Final[Mapping[str, object]] = {
    "transfer_mode": _("Ruled out: there is no common way of transfer"),
    "country": _("Ruled out: one side does not work with the other's country"),
    "rights_taken": _("Ruled out: the rights that are asked for are already taken"),
}


@dataclass(frozen=True)
class PartLine:
    """A part of a score as the page shows it: points of 100, its stretch of the bar, and how full its own bar is."""

    name: str
    label: str
    points: int
    of: int
    number: int
    x: str
    w: str
    s: str


def fit(code: str, facts: Mapping[str, object]) -> str:
    """What fits, in words; nothing for pairs of sentences, which are shown as quotations."""
    pattern = FITS.get(code)
    return str(pattern) % _words(code, facts) if pattern else ""


def misfit(code: str, facts: Mapping[str, object]) -> str:
    """What does not fit, in words."""
    pattern = MISFITS.get(code)
    return str(pattern) % _words(code, facts) if pattern else code


def missing(code: str) -> str:
    """What is not known, in words."""
    return str(MISSING.get(code, code))


def excluded(code: str) -> str:
    """What rules the pair out, in words."""
    return str(EXCLUSIONS.get(code, code))


def part_lines(parts: Sequence[Mapping[str, Any]], points: Mapping[str, int]) -> list[PartLine]:
    """The parts of a score in the order of `PARTS`; `points` are whole and sum to the score."""
    by_name = {part["name"]: part for part in parts}
    lines, start = [], 0
    for number, name in enumerate(PARTS, start=1):
        if name not in by_name:
            continue
        value = points[name]
        lines.append(
            PartLine(
                name=name,
                label=str(PARTS[name]),
                points=value,
                of=round(100 * by_name[name]["weight"]),
                number=number,
                x=f"{start}",
                w=f"{max(0.5, value - 0.5):g}",
                s=f"{100 * by_name[name]['value']:.0f}",
            )
        )
        start += value
    return lines


def trl_range(value: object) -> str:
    """A range of readiness levels in words."""
    low, high = (list(value) + [None, None])[:2] if isinstance(value, list | tuple) else (value, value)
    return f"TRL {low}" if low == high else f"TRL {low}–{high}"


def _words(code: str, facts: Mapping[str, object]) -> dict[str, str]:
    return {name: _value(name, code, value) for name, value in facts.items()}


def _value(name: str, code: str, value: Any) -> str:
    if code.startswith("readiness"):
        return trl_range(value)
    if code.startswith("transfer_mode"):
        return labelled("transfer_mode", value)
    if code.startswith("territory"):
        return labelled("country", value)
    if code.startswith("partner"):
        return labelled("organisation_kind" if name == "kind" else "partner_kind", value)
    if code == "shared_terms":
        return listed(term["offer"]["text"] for term in value)
    return listed(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
