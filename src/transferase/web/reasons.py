"""Why a need and an offer belong together or do not, and what is not known: codes of the engine in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from transferase.catalogue.rules import RequirementDraft
from transferase.engine.ranking import Reason, load_weights
from transferase.web.sentences import labelled, listed
from transferase.web.templatetags.interface import condition

HIGHEST_TRL: Final = 9
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
    "shared_concepts": _("Both speak of: %(terms)s"),
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
    "country_excluded": _("Partners from this country are not sought: %(country)s"),
    "rights_granted": _("Rights already granted: %(exclusivity)s, %(territory)s"),
}

MISSING: Final[Mapping[str, object]] = {
    "ipc": _("patent class"),
    "trl": _("readiness level"),
    "transfer_modes": _("way of transfer"),
    "territory": _("territory"),
    "partner_kinds": _("kind of partner sought"),
    "requirements": _("what is asked for in numbers"),
}
NOT_STATED: Final[Mapping[str, object]] = {
    "offer": _("The offer does not state: %(facts)s"),
    "need": _("The need does not state: %(facts)s"),
}
# What one side does not state while the other one does, the gravest first: what decides stands beside the gap.
ONE_SIDED: Final[Mapping[str, object]] = {
    "offer.trl": _("Readiness level not given; asked for: %(value)s"),
    "offer.territory": _("No territory given; asked for: %(value)s"),
    "offer.transfer_modes": _("Way of transfer not given; asked for: %(value)s"),
    "offer.ipc": _("No patent class given; the need is in %(value)s"),
    "need.trl": _("No readiness level asked for; offered: %(value)s"),
    "need.territory": _("No territory asked for; offered: %(value)s"),
    "need.transfer_modes": _("No way of transfer asked for; offered: %(value)s"),
    "need.ipc": _("The need has no patent class; the offer is in %(value)s"),
}
# A must of the need in numbers, which no offer states: "tensile strength" and "at least 30 MPa".
TO_CHECK: Final = _("To be checked: %(property)s %(condition)s")
STRENGTHS: Final[Mapping[str, object]] = {
    "strong": _("Strong match"),
    "fair": _("Fair match"),
    "weak": _("Weak match"),
}
# From which closeness on two sentences are told to say nearly the same.
NEARLY_THE_SAME: Final = 0.7
MOST_CLASSES: Final = 2
MOST_GAPS: Final = 3
LONGEST_CLASS: Final = 60
MOST_WORDS: Final = 6
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
    """What fits, in words, as far as it can be told in the reader's language.

    Of words shared in several languages those in the reader's are told; else the concepts that both speak of, which
    have a name in every language; else the words as they are written.
    """
    told, shared, concepts = [], [], []
    for reason in because:
        if reason.code == "shared_terms":
            shared.append(reason)
        elif reason.code == "shared_concepts":
            concepts.append(reason)
        elif text := fit(reason.code, reason.facts, reader):
            told.append(text)
    own = [reason for reason in shared if _language(reason) == reader]
    chosen = (own or concepts or shared)[:1]
    return [fit(reason.code, reason.facts, reader) for reason in chosen] + told


def _language(reason: Reason) -> str:
    terms: Any = reason.facts["terms"]
    return str(terms[0]["offer"]["language"])


def fit(code: str, facts: Mapping[str, object], reader: str = "") -> str:
    """What fits, in words; nothing for pairs of sentences, which are shown as quotations."""
    pattern = FITS.get(code)
    return str(pattern) % _words(code, facts, reader) if pattern else ""


def misfit(code: str, facts: Mapping[str, object]) -> str:
    """What does not fit, in words."""
    pattern = MISFITS.get(code)
    return str(pattern) % _words(code, facts) if pattern else code


def missing(
    codes: Iterable[str], stated: Mapping[str, object] | None = None, asked: Sequence[RequirementDraft] = ()
) -> list[str]:
    """What is not known, in words: first what only one side states, with that; then what else each leaves open.

    `stated` is what each side states, as {"need.trl": ...}; `asked` are the musts of the need in numbers, which come
    first.
    """
    asked_in_words = [to_check(required) for required in asked]
    codes = sorted(codes, key=lambda code: list(ONE_SIDED).index(code) if code in ONE_SIDED else len(ONE_SIDED))
    told: list[str] = []
    open_facts = []
    for code in codes:
        if code == "offer.requirements" and asked:
            continue
        side, _dot, name = code.partition(".")
        other = (stated or {}).get(f"{'offer' if side == 'need' else 'need'}.{name}")
        if code in ONE_SIDED and other and len(told) < MOST_GAPS:
            told.append(str(ONE_SIDED[code]) % {"value": _stated(name, other, is_asked=side == "offer")})
        elif name:
            open_facts.append((side, name))
    for side, pattern in NOT_STATED.items():
        names = [name for there, name in open_facts if there == side]
        if names:
            told.append(str(pattern) % {"facts": listed(str(MISSING.get(name, name)) for name in names)})
    return asked_in_words + told + [str(text) for code, text in NOT_COMPARED.items() if code in codes]


def to_check(required: RequirementDraft) -> str:
    """A requirement in numbers that the need cannot do without, as something to be checked with the other side."""
    return str(TO_CHECK) % {"property": required.property, "condition": condition(required)}


def closeness(value: float, *, across: bool = False) -> str:
    """How near two sentences are, in words; `across` says that they are in two languages.

    What the calibration takes for evidence is close. A match without such a pair shows the nearest sentences all the
    same, and says that they are no more than that: its score stands on the whole texts.
    """
    weights = load_weights()
    least = (
        weights.evidence_across.value(weights.evidence_least_across)
        if across
        else weights.evidence.value(weights.evidence_least)
    )
    if value >= NEARLY_THE_SAME:
        return str(_("nearly the same"))
    return str(_("close")) if value >= round(least, 4) else str(_("nearest sentences"))


def strength(code: str) -> str:
    """How much a score says, in words."""
    return str(STRENGTHS.get(code, code))


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


def trl_range(value: object, *, is_asked: bool = False) -> str:
    """A range of readiness levels in words; one that is asked for may be open at an end."""
    low, high = (value[0], value[-1]) if isinstance(value, list | tuple) else (value, value)
    if is_asked and (high is None or high == HIGHEST_TRL) and low not in {None, HIGHEST_TRL}:
        return str(_("TRL %(low)s or higher")) % {"low": low}
    if is_asked and (low is None or low == 1) and high not in {None, 1}:
        return str(_("TRL %(high)s or lower")) % {"high": high}
    low, high = (high if low is None else low), (low if high is None else high)
    return f"TRL {low}" if low == high else f"TRL {low}–{high}"


def _stated(name: str, value: Any, *, is_asked: bool) -> str:
    if name == "trl":
        return trl_range(value, is_asked=is_asked)
    if name == "ipc":
        return listed(list(dict.fromkeys(code[:4] for code in value))[:MOST_CLASSES])
    return labelled("transfer_mode" if name == "transfer_modes" else "country", value)


def _classes(codes: Iterable[str]) -> str:
    """The classes that codes stand in, with the beginning of their titles."""
    subclasses = dict.fromkeys(code[:4] for code in codes)
    return listed(_titled(code) for code in list(subclasses)[:MOST_CLASSES])


def _titled(code: str) -> str:
    # A main group stands in the vocabulary with its zeros.
    symbol = f"{code}/00" if " " in code and "/" not in code else code
    title = labelled("ipc", symbol)
    if title == symbol:
        return code
    short = re.split(r"[;；]", title)[0].strip()
    if len(short) > LONGEST_CLASS:
        short = re.sub(r"\s+\S*$", "", short[:LONGEST_CLASS]) + "…"
    return f"{code} ({short})"


def _words(code: str, facts: Mapping[str, object], reader: str = "") -> dict[str, str]:
    return {name: _value(name, code, value, reader) for name, value in facts.items()}


def _value(name: str, code: str, value: Any, reader: str = "") -> str:
    if code.startswith("readiness"):
        return trl_range(value, is_asked=name == "wanted")
    if code == "field_differs":
        return _classes(value)
    if code == "shared_field" and name == "node":
        return _titled(str(value))
    if code == "shared_concepts" and name == "terms":
        names = (term["labels"].get(reader) or term["labels"].get("en", "") for term in value)
        return listed(list(dict.fromkeys(filter(None, names)))[:MOST_WORDS])
    if code.startswith("transfer_mode"):
        return labelled("transfer_mode", value)
    if code == "rights_granted" and name == "exclusivity":
        return labelled("exclusivity", value)
    if code.startswith("territory") or name in {"country", "territory"}:
        return labelled("country", value)
    if code.startswith("partner"):
        return labelled("organisation_kind" if name == "kind" else "partner_kind", value)
    if code == "shared_terms" and name == "terms":
        return listed(dict.fromkeys(term["offer"]["text"] for term in value))
    return listed(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
