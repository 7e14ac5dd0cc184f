"""The score of a need and an offer: parts from 0 to 1, what speaks against, what is missing, what excludes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from transferase.engine.ranking.classification import Rarity, ipc_path, ipc_similarity
from transferase.engine.ranking.facts import WORLD, Grant, NeedFacts, OfferFacts
from transferase.engine.ranking.weighing import Weights

NEUTRAL = 0.5
_TAKING = frozenset({"exclusive", "sole"})


@dataclass(frozen=True)
class Part:
    """One part of a score: its value from 0 to 1, its weight, and what it adds to the score."""

    name: str
    value: float
    weight: float
    contribution: float


@dataclass(frozen=True)
class Misfit:
    """Something stated on both sides that does not go together, as a code with the facts."""

    code: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Score:
    """A score from 0 to 1; the contributions of the parts sum to it.

    `missing` names what is not stated, as "offer.trl" or "need.ipc"; such a part counts as neutral. `excluded_by`
    holds the codes of what rules the pair out however good the score is.
    """

    value: float
    parts: tuple[Part, ...]
    misfits: tuple[Misfit, ...]
    missing: tuple[str, ...]
    excluded_by: tuple[str, ...]
    engine_version: str


@dataclass
class _Sheet:
    """What is found out about a pair while it is scored."""

    need: NeedFacts
    offer: OfferFacts
    weights: Weights
    idf: Rarity | None
    misfits: list[Misfit] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)

    def lacks(self, name: str, need: bool, offer: bool) -> bool:
        """Whether either side does not state something; notes which."""
        if not offer:
            self.missing.append(f"offer.{name}")
        if not need:
            self.missing.append(f"need.{name}")
        return not (need and offer)

    def against(self, code: str, **facts: object) -> None:
        self.misfits.append(Misfit(code, facts))


def score_pair(
    need: NeedFacts,
    offer: OfferFacts,
    dense: float | None,
    bm25: float | None,
    weights: Weights,
    *,
    across: bool | None = None,
    crossed: bool = False,
    idf: Rarity | None = None,
) -> Score:
    """The score of one need and one offer; it depends on nothing but the two.

    `dense` is the cosine of the centred vectors, `bm25` the BM25 as a share of what the need can attain
    (`Lexicon.attainable`). Where one of them cannot be had, because the two share no language or the model is down,
    its weight goes to the other; so a pair across languages is neither punished nor favoured. `across` says whether
    the two vectors are of texts in different languages; left open, a pair without words counts as one. `crossed` says
    that the words were compared through the glossary (`Lexicon.attainable_of`), which tells less.
    """
    sheet = _Sheet(need, offer, weights, idf)
    values: dict[str, float] = {name: rate(sheet) for name, rate in _RATED.items()}
    shares = dict(weights.parts)
    if bm25 is None:
        shares["meaning"] += shares.pop("words")
        sheet.missing.append("words")
    elif crossed:
        text = shares["meaning"] + shares["words"]
        shares |= {"meaning": text * (1 - weights.crossed_share), "words": text * weights.crossed_share}
        values["words"] = weights.words_crossed.value(bm25)
    else:
        values["words"] = weights.words.value(bm25)
    if dense is None:
        freed = shares.pop("meaning")
        sheet.missing.append("meaning")
        if bm25 is None:
            values["words"] = 0.0
        shares["words"] = shares.get("words", 0.0) + freed
    else:
        is_across = bm25 is None if across is None else across
        values["meaning"] = (weights.meaning_across if is_across else weights.meaning).value(dense)
    _exclude(sheet)
    parts = tuple(Part(name, values[name], share, values[name] * share) for name, share in shares.items())
    return Score(
        value=math.fsum(part.contribution for part in parts),
        parts=parts,
        misfits=tuple(sheet.misfits),
        missing=tuple(sheet.missing),
        excluded_by=tuple(sheet.excluded),
        engine_version=weights.engine_version,
    )


def points(score: Score) -> tuple[int, dict[str, int]]:
    """The score and its parts as whole points of 100, so rounded that the parts still sum to the score."""
    total = math.floor(100 * score.value + 0.5)
    floors = {part.name: math.floor(100 * part.contribution) for part in score.parts}
    left = total - sum(floors.values())
    by_rest = sorted(score.parts, key=lambda part: math.floor(100 * part.contribution) - 100 * part.contribution)
    for part in by_rest[: max(0, left)]:
        floors[part.name] += 1
    return total, floors


# ---------------------------------------------------------------- structured parts


def _field(sheet: _Sheet) -> float:
    need = [code for code in sheet.need.ipc if ipc_path(code)]
    offer = [code for code in sheet.offer.ipc if ipc_path(code)]
    if sheet.lacks("ipc", bool(need), bool(offer)):
        return NEUTRAL
    fit = ipc_similarity(need, offer, sheet.idf)
    if not fit.shared_node:
        sheet.against("field_differs", need=sorted(need), offer=sorted(offer))
    return fit.value


def trl_range(low: int | None, high: int | None, *, open_end: int) -> tuple[int, int] | None:
    """A range of readiness levels from what is stated; one end alone is open to `open_end` or is the level itself."""
    if low is None and high is None:
        return None
    first = low if low is not None else 1
    last = high if high is not None else max(first, open_end)
    return min(first, last), max(first, last)


def _readiness(sheet: _Sheet) -> float:
    wanted = trl_range(sheet.need.trl_low, sheet.need.trl_high, open_end=9)
    low = sheet.offer.trl_low if sheet.offer.trl_low is not None else sheet.offer.trl_high
    stated = trl_range(low, sheet.offer.trl_high, open_end=0)
    if sheet.lacks("trl", wanted is not None, stated is not None) or wanted is None or stated is None:
        return NEUTRAL
    below = max(0, wanted[0] - stated[1])
    above = max(0, stated[0] - wanted[1])
    decay = sheet.weights.readiness_decay
    if below:
        sheet.against("readiness_below", wanted=list(wanted), stated=list(stated))
        return math.exp(-below / decay)
    if above:
        sheet.against("readiness_above", wanted=list(wanted), stated=list(stated))
        return 1 - sheet.weights.readiness_above * (1 - math.exp(-above / decay))
    return 1.0


def _transfer(sheet: _Sheet) -> float:
    wanted, given = sheet.need.transfer_modes, sheet.offer.transfer_modes
    if sheet.lacks("transfer_modes", bool(wanted), bool(given)):
        return NEUTRAL
    value = 1.0
    if not wanted & given:
        facts = {"wanted": sorted(wanted), "given": sorted(given)}
        families = sheet.weights.transfer_families
        known = frozenset().union(*families)
        if any(family & wanted and family & given for family in families) or not (wanted <= known and given <= known):
            sheet.against("transfer_mode_differs", **facts)
            value = sheet.weights.related_transfer
        else:
            sheet.against("transfer_mode_excluded", **facts)
            sheet.excluded.append("transfer_mode")
            value = 0.0
    if sheet.need.exclusivity in _TAKING and sheet.offer.exclusivity == "non_exclusive":
        sheet.against("exclusivity_differs", wanted=sheet.need.exclusivity, given=sheet.offer.exclusivity)
        value /= 2
    return value


def _wanted_territory(need: NeedFacts) -> frozenset[str]:
    return need.territory or (frozenset({need.country}) if need.country else frozenset())


def _territory(sheet: _Sheet) -> float:
    wanted, given = _wanted_territory(sheet.need), sheet.offer.territory
    if sheet.lacks("territory", bool(wanted), bool(given)):
        return NEUTRAL
    if WORLD in given:
        return 1.0
    share = len(wanted & given) / len(wanted)
    if share < 1:
        sheet.against("territory_outside", wanted=sorted(wanted), given=sorted(given))
    return share


def _partner(sheet: _Sheet) -> float:
    sides = [
        ("need", sheet.offer.partner_kinds, sheet.need.owner_kind),
        ("offer", sheet.need.partner_kinds, sheet.offer.owner_kind),
    ]
    told = [(side, sought, kind) for side, sought, kind in sides if sought and kind]
    if not told:
        sheet.missing.append("offer.partner_kinds")
        return NEUTRAL
    for side, sought, kind in told:
        if kind not in sought:
            sheet.against("partner_differs", side=side, sought=sorted(sought), kind=kind)
    return sum(kind in sought for _, sought, kind in told) / len(told)


_RATED: dict[str, Callable[[_Sheet], float]] = {
    "field": _field,
    "readiness": _readiness,
    "transfer": _transfer,
    "territory": _territory,
    "partner": _partner,
}


# ---------------------------------------------------------------- what excludes


def _exclude(sheet: _Sheet) -> None:
    need, offer = sheet.need, sheet.offer
    if need.owner and need.owner == offer.owner:
        sheet.excluded.append("same_owner")
    if need.is_held or offer.is_held:
        sheet.excluded.append("hold")
    for side, country in (("need", offer.country), ("offer", need.country)):
        refused = need.excluded_countries if side == "need" else offer.excluded_countries
        if country and country in refused:
            sheet.against("country_excluded", side=side, country=country)
            sheet.excluded.append("country")
            break
    taking = _TAKING if need.exclusivity not in _TAKING else None
    grants = [grant for grant in offer.grants if taking is None or grant.exclusivity in taking]
    _take(sheet, [grant for grant in grants if _covers_field(grant.field, need.ipc)])


def _take(sheet: _Sheet, grants: list[Grant]) -> None:
    """Tell which of the rights that a need is about others have; if they have all of them, nothing is left for it."""
    wanted = _wanted_territory(sheet.need)
    taken = {grant.territory for grant in grants}
    touched = taken if WORLD in taken or WORLD in wanted else wanted & taken
    if not touched:
        return
    told = [grant for grant in grants if grant.territory in touched]
    sheet.against(
        "rights_granted",
        exclusivity=sorted({grant.exclusivity for grant in told}),
        territory=sorted(touched),
        field=sorted({grant.field for grant in told if grant.field}),
    )
    if WORLD in taken or (bool(wanted) and WORLD not in wanted and wanted <= taken):
        sheet.excluded.append("rights_taken")


def _covers_field(node: str, ipc: tuple[str, ...]) -> bool:
    if not node:
        return True
    taken = ipc_path(node)
    paths = [path for code in ipc if (path := ipc_path(code))]
    return bool(taken) and bool(paths) and all(path[: len(taken)] == taken for path in paths)
