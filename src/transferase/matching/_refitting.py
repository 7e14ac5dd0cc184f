"""What people judged, as pairs that weights can be fitted to, and what other weights would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from transferase.catalogue.models import Listing
from transferase.engine.ranking import load_weights
from transferase.engine.ranking.refitting import JudgedPair, Refit, values_of, weighed
from transferase.matching.models import Judgement, Match, Verdict, WeightsVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from transferase.engine.ranking import Weights

# Declines that speak of the pair. Others speak of a price, a moment or a text, and say nothing of the match.
AGAINST_THE_MATCH: Final = frozenset({"wrong_field", "too_early", "rights_unavailable", "benefit_unclear"})
# What would change is looked for among so many stored matches, and so many of the first of a need are its top.
MOST_COMPARED: Final = 20_000
TOP: Final = 5
MOST_EXAMPLES: Final = 12


@dataclass(frozen=True)
class Judged:
    """Judgements to fit weights to, and how many were left out, by the cause."""

    pairs: tuple[JudgedPair, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class RefitReport:
    """What a refit found; `version` is empty where the new weights are no better and so were not kept."""

    version: str
    present_version: str
    refit: Refit
    left_out: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {"version": self.version, **figures_of(self)}


@dataclass(frozen=True)
class Moved:
    """A match that would stand elsewhere in the list of its need: its rank (0: no longer a match) and score."""

    need_id: UUID
    offer_id: UUID
    rank: int
    new_rank: int
    score: float
    new_score: float


@dataclass(frozen=True)
class WhatIf:
    """What other weights would change in the matches that are stored; those below the threshold are not stored."""

    needs: int
    matches: int
    first_changed: int
    top_changed: int
    dropped: int
    moved: tuple[Moved, ...]


def judged_pairs() -> Judged:
    """What people judged of matches, as they saw them.

    "Interesting" speaks for a match, a decline for a reason that lies in the pair against it; what is known already
    says neither. Figures that another version of the engine made are taken as they are now, if nobody has changed the
    two listings since; else the judgement is left out.
    """
    pairs: list[JudgedPair] = []
    left_out: Counter[str] = Counter()
    comparable = _comparable_versions()
    for batch in _batches(Judgement.objects.filter(withdrawn_at=None).order_by("pk").iterator(chunk_size=1000)):
        now = _present_parts([row for row in batch if _version(row.engine_version) not in comparable])
        for row in batch:
            if row.verdict == Verdict.KNOWN:
                left_out["known"] += 1
            elif row.verdict == Verdict.NOT_FOR_US and row.reason not in AGAINST_THE_MATCH:
                left_out["reason"] += 1
            else:
                is_as_seen = _version(row.engine_version) in comparable
                parts = row.snapshot.get("parts") if is_as_seen else now.get((row.need_id, row.offer_id))
                if parts:
                    pairs.append(_pair(row, parts))
                else:
                    left_out["engine"] += 1
    return Judged(tuple(pairs), dict(left_out))


def figures_of(report: RefitReport) -> dict[str, Any]:
    """A refit as a version of the weights keeps it."""
    found = report.refit
    return {
        "present_version": report.present_version,
        "present": dict(found.present),
        "parts": dict(found.parts),
        "judgements": {
            "for": found.fits,
            "against": found.misfits,
            "organisations": found.judges,
            "needs": found.needs,
            "left_out": dict(report.left_out),
        },
        "before": _told(found, "before"),
        "after": _told(found, "after"),
        "is_better": found.is_better,
    }


def what_if(present: Weights, other: Weights) -> WhatIf:
    """What other weights would change in the lists of needs, from the values that are stored with each match."""
    lists: dict[UUID, list[tuple[UUID, float, float]]] = {}
    rows = Match.objects.filter(excluded_by=[]).order_by("need_id", "-score", "offer_id")
    matches = 0
    for need, offer, parts in rows.values_list("need_id", "offer_id", "parts")[:MOST_COMPARED].iterator(1000):
        values = values_of(parts, present)
        pair = offer, weighed(values, present.parts), weighed(values, other.parts)
        lists.setdefault(need, []).append(pair)
        matches += 1
    moved: list[Moved] = []
    first = top = dropped = 0
    for need, offers in lists.items():
        before = [offer for offer, _, _ in sorted(offers, key=lambda row: (-row[1], str(row[0])))]
        standing = [row for row in offers if row[2] >= other.threshold]
        after = [offer for offer, _, _ in sorted(standing, key=lambda row: (-row[2], str(row[0])))]
        dropped += len(before) - len(after)
        first += before[:1] != after[:1]
        top += set(before[:TOP]) != set(after[:TOP])
        ranks = {offer: place for place, offer in enumerate(after, 1)}
        moved += [
            Moved(need, offer, before.index(offer) + 1, ranks.get(offer, 0), score, new)
            for offer, score, new in offers
            if before.index(offer) < TOP and ranks.get(offer, 0) != before.index(offer) + 1
        ]
    moved.sort(key=lambda one: (-abs(one.new_score - one.score), one.rank, str(one.offer_id)))
    return WhatIf(len(lists), matches, first, top, dropped, tuple(moved[:MOST_EXAMPLES]))


def _batches(rows: Iterable[Judgement], size: int = 1000) -> Iterable[list[Judgement]]:
    batch: list[Judgement] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def _comparable_versions() -> frozenset[str]:
    """The versions of the weights whose values mean the same as those that are made now."""
    shipped = load_weights().version
    fitted = WeightsVersion.objects.filter(base_version=shipped).values_list("version", flat=True)
    return frozenset({shipped, *fitted})


def _version(engine_version: str) -> str:
    return engine_version.partition(" ")[0]


def _present_parts(judgements: Sequence[Judgement]) -> dict[tuple[UUID, UUID], list[dict[str, Any]]]:
    """The parts of judged matches as they are now, where neither listing was changed since the judgement."""
    if not judgements:
        return {}
    ids = {listing for row in judgements for listing in (row.need_id, row.offer_id)}
    revised = dict(Listing.objects.filter(pk__in=ids).values_list("pk", "revised_at"))
    unchanged = {
        (row.need_id, row.offer_id)
        for row in judgements
        if all(listing in revised and revised[listing] <= row.at for listing in (row.need_id, row.offer_id))
    }
    matches = Match.objects.filter(need__in=[need for need, _ in unchanged])
    return {
        (match.need_id, match.offer_id): match.parts
        for match in matches
        if (match.need_id, match.offer_id) in unchanged
    }


def _pair(row: Judgement, parts: Iterable[Mapping[str, Any]]) -> JudgedPair:
    return JudgedPair(
        need=str(row.need_id),
        offer=str(row.offer_id),
        judge=str(row.organisation_id),
        values=values_of(parts, load_weights()),
        is_fit=row.verdict == Verdict.INTERESTING,
    )


def _told(found: Refit, name: str) -> dict[str, float | None]:
    figures = getattr(found, name)
    return {
        "auc": round(figures.auc, 4),
        "log_loss": round(figures.log_loss, 4),
        "ndcg": None if figures.ndcg is None else round(figures.ndcg, 4),
    }
