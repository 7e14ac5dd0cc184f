"""What the figures should be, and how they stand to it: one line each, met or missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """A figure by its path in a run, with the least (or, where `is_most`, the most) that it should be."""

    what: str
    path: str
    value: float
    is_most: bool = False

    def is_met(self, figure: float) -> bool:
        return figure <= self.value if self.is_most else figure >= self.value


def _of_size(size: str, most: float) -> list[Target]:
    return [
        Target(
            f"hybrid search, first 20, {size}: p95 ms of the ranking, slowest filter",
            f"large.{size}.slowest.ranking",
            most,
            True,
        ),
        Target(f"whole page, {size}: p95 ms", f"large.{size}.slowest.page", 120, True),
        Target(f"vector search, {size}: recall@100 against exact, worst filter", f"large.{size}.slowest.recall", 0.95),
    ]


TARGETS: Sequence[Target] = (
    Target("SBIR need to offer, text only: nDCG@10", "engine.sbir.hybrid.ndcg@10", 0.86),
    Target("Chinese needs to English offers, first 25: recall@10", "engine.translated.zh first.hybrid.recall@10", 0.85),
    Target("Chinese needs to English offers, later 35: recall@10", "engine.translated.zh later.hybrid.recall@10", 0.80),
    Target("Korean needs to English offers, first 25: recall@10", "engine.translated.ko first.hybrid.recall@10", 0.75),
    Target("Korean needs to English offers, later 35: recall@10", "engine.translated.ko later.hybrid.recall@10", 0.70),
    Target("Tatoeba Korean-English, mixed pool: MRR", "engine.bitext.tatoeba_kor-eng.centred.mrr_mixed", 0.80),
    Target("Tatoeba Chinese-English, mixed pool: MRR", "engine.bitext.tatoeba_cmn-eng.centred.mrr_mixed", 0.90),
    Target(
        "Chinese and English abstracts, means held out: MRR",
        "engine.bitext.zh_results.centred_held_out.mrr_mixed",
        0.93,
    ),
    Target("Korean abstract to English IPC group: hit@10, times plain", "engine.classes.kr_patents.times_plain", 2.0),
    Target("known item, Korean title to abstract: MRR@10", "engine.known.ko.hybrid.mrr@10", 0.90),
    Target("known item, Chinese title to abstract: MRR@10", "engine.known.zh-Hans.hybrid.mrr@10", 0.90),
    Target("embedding, 256 tokens, all cores: texts a second", "engine.embedding.all_cores_per_second", 40),
    Target("the same in single precision", "engine.embedding.f32_all_cores_per_second", 16),
    Target("rows imported a second, CSV", "importing.csv.rows_per_second", 5000),
    Target("rows imported a second, JSONL", "importing.jsonl.rows_per_second", 5000),
    *_of_size("100k", 30),
    *_of_size("1M", 60),
    Target("published to matches stored, 100k on the other side: p95 ms", "large.100k.publishing.p95_ms", 1000, True),
    Target("full rematch 10,000 x 100,000: processor seconds", "large.100k.rematching.cpu_seconds", 20, True),
    Target(
        "searches a second, 2 web workers, 100k, each once", "large.100k.throughput.each_once.requests_per_second", 60
    ),
    Target("searches a second, 2 web workers, 100k, repeated", "large.100k.throughput.again.requests_per_second", 400),
    Target("memory of a web worker: MB", "engine.memory.web.rss_mb", 600, True),
    Target("memory of an embedding worker: MB", "engine.memory.embedding.rss_mb", 700, True),
    Target("replica lost: searches that failed", "replicas.failed_searches", 0, True),
)


def summed(large: Mapping[str, Any]) -> dict[str, float]:
    """The worst over filters of what is measured by filter."""
    found: dict[str, float] = {}
    if "searches" in large:
        for name in ("ranking", "database", "search"):
            found[name] = max(row[name]["p95_ms"] for row in large["searches"].values())
    if "recall" in large:
        found["recall"] = min(row["recall_at_100"] for row in large["recall"].values())
    if "pages" in large:
        found["page"] = max(row["p95_ms"] for row in large["pages"].values())
    return found


def told(found: Mapping[str, Any], former: Mapping[str, Any]) -> list[str]:
    """A table of all targets: now, before, target, met or missed."""
    lines = [f"{'target':74s}{'now':>10s}{'before':>10s}{'target':>10s}"]
    for target in TARGETS:
        figure, was = found.get(target.path), former.get(target.path, "")
        bound = f"{'<=' if target.is_most else '>='} {target.value:g}"
        if not isinstance(figure, (int, float)):
            lines.append(f"{target.what:74s}{'-':>10s}{_short(was):>10s}{bound:>10s}  not measured")
            continue
        verdict = "met" if target.is_met(figure) else "MISSED"
        lines.append(f"{target.what:74s}{_short(figure):>10s}{_short(was):>10s}{bound:>10s}  {verdict}")
    return lines


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
