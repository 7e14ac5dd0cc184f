"""Why a need and an offer belong together or do not, and what is not known: codes of the engine in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from transferase.engine.ranking import Reason
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
    "ipc": _("patent class"),
    "trl": _("readiness level"),
    "transfer_modes": _("way of transfer"),
    "territory": _("territory"),
    "partner_kinds": _("kind of partner sought"),
}
NOT_STATED: Final[Mapping[str, object]] = {
    "offer": _("The offer does not state: %(facts)s"),
    "need": _("The need does not state: %(facts)s"),
}
# The facts that a part of the score is made of; where one is not stated the part earns half its points.
FACT_OF: Final[Mapping[str, str]] = {
    "field": "ipc",
    "readiness": "trl",
    "transfer": "transfer_modes",
    "territory": "territory",
    "partner": "partner_kinds",
}
NOT_COMPARED: Final[Mapping[str, object]] = {
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
    note: str = ""


def fits(because: Iterable[Reason], reader: str) -> list[str]:
    """What fits, in words. Of words shared in several languages those in the reader's are told, else the first."""
    told, shared = [], []
    for reason in because:
        if reason.code == "shared_terms":
            shared.append(reason)
        elif text := fit(reason.code, reason.facts):
            told.append(text)
    shared.sort(key=lambda reason: _language(reason) != reader)
    return [fit(reason.code, reason.facts) for reason in shared[:1]] + told


def _language(reason: Reason) -> str:
    terms: Any = reason.facts["terms"]
    return str(terms[0]["offer"]["language"])


def fit(code: str, facts: Mapping[str, object]) -> str:
    """What fits, in words; nothing for pairs of sentences, which are shown as quotations."""
    pattern = FITS.get(code)
    return str(pattern) % _words(code, facts) if pattern else ""


def misfit(code: str, facts: Mapping[str, object]) -> str:
    """What does not fit, in words."""
    pattern = MISFITS.get(code)
    return str(pattern) % _words(code, facts) if pattern else code


def missing(codes: Iterable[str]) -> list[str]:
    """What is not known, in words: one line for each side, and one for what could not be compared."""
    codes = list(codes)
    told = []
    for side, pattern in NOT_STATED.items():
        names = [code.removeprefix(f"{side}.") for code in codes if code.startswith(f"{side}.")]
        if names:
            told.append(str(pattern) % {"facts": listed(str(MISSING.get(name, name)) for name in names)})
    return told + [str(text) for code, text in NOT_COMPARED.items() if code in codes]


def excluded(code: str) -> str:
    """What rules the pair out, in words."""
    return str(EXCLUSIONS.get(code, code))


def part_lines(
    parts: Sequence[Mapping[str, Any]], points: Mapping[str, int], missing: Iterable[str] = ()
) -> list[PartLine]:
    """The parts of a score in the order of `PARTS`; `points` are whole and sum to the score."""
    unknown = {code.partition(".")[2] for code in missing}
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
                note=str(_("not stated: counts half")) if FACT_OF.get(name) in unknown else "",
            )
        )
        start += value
    return lines


def trl_range(value: object) -> str:
    """A range of readiness levels in words."""
    low, high = (value[0], value[-1]) if isinstance(value, list | tuple) else (value, value)
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
    if code == "shared_terms" and name == "terms":
        return listed(dict.fromkeys(term["offer"]["text"] for term in value))
    return listed(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
