"""Measures of a ranking against judgements."""

import math
from collections.abc import Collection, Mapping, Sequence


def ndcg(ranking: Sequence[str], relevance: Mapping[str, float], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `depth`, 1 for the best possible order.

    An unjudged document counts as not relevant. Without a relevant document it is 0.
    """
    gained = sum(relevance.get(name, 0.0) / math.log2(rank + 2) for rank, name in enumerate(ranking[:depth]))
    ideal = sorted((value for value in relevance.values() if value > 0), reverse=True)[:depth]
    best = sum(value / math.log2(rank + 2) for rank, value in enumerate(ideal))
    return gained / best if best else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str], depth: int = 10) -> float:
    """One divided by the rank of the first relevant document within `depth`, else 0."""
    for rank, name in enumerate(ranking[:depth], 1):
        if name in relevant:
            return 1 / rank
    return 0.0


def recall(ranking: Sequence[str], relevant: Collection[str], depth: int) -> float:
    """The share of the relevant documents within `depth`."""
    if not relevant:
        return 0.0
    return len(set(ranking[:depth]) & set(relevant)) / len(set(relevant))


def ranking_measures(
    rankings: Mapping[str, Sequence[str]], judged: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """The mean measures over all judged queries that have a relevant document."""
    rows = []
    for query, relevance in judged.items():
        relevant = {name for name, value in relevance.items() if value > 0}
        if not relevant:
            continue
        ranking = rankings.get(query, ())
        rows.append(
            (
                ndcg(ranking, relevance),
                reciprocal_rank(ranking, relevant),
                recall(ranking, relevant, 10),
                recall(ranking, relevant, 50),
                recall(ranking, relevant, 100),
            )
        )
    names = ("ndcg@10", "mrr@10", "recall@10", "recall@50", "recall@100")
    if not rows:
        return dict.fromkeys(names, 0.0)
    return {name: sum(column) / len(rows) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
