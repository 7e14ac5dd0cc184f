"""Quality and speed of search and matching as users get them: through services, on a database of its own.

The sample records are brought in, indexed, matched and searched. Large indexes are measured apart (see large.py).
"""

import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from transferase.catalogue.models import Listing
from transferase.catalogue.rules import ListingDraft, TextDraft
from transferase.directory.rules import ANYONE
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange
from transferase.matching import _scoring as scoring
from transferase.matching import queries, services
from transferase.matching._previews import ranking_of
from transferase.matching.models import ListingIndex, Match

SEED = 20261124
FILES = {
    "organisations.jsonl": "organisations",
    "kipo_patents.jsonl": "offers",
    "chinaxiv_results.jsonl": "offers",
    "sbir_awards.jsonl": "offers",
    "sbir_topics.jsonl": "needs",
}
TYPED = (
    "해양 조류 양식", "lithium battery electrolyte", "锂电池 正极材料", "organic waste microbial", "수질 정화 미생물",
    "wheat disease resistance", "SAR image", "gene therapy for cancer", "태양광 발전", "图像识别 神经网络",
    "LiDAR 센서", "flood forecasting", "항염증 조성물", "植物 抗旱 基因", "wireless temperature sensor",
)  # fmt: skip
LANGUAGE = {"en": "en", "ko": "ko", "zh": "zh-Hans"}


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 95th percentile in milliseconds."""
    return {
        "p50_ms": round(1000 * statistics.median(seconds), 1),
        "p95_ms": round(1000 * float(np.percentile(seconds, 95)), 1),
    }


def timed(calls: Sequence[Callable[[], object]]) -> list[float]:
    """The wall seconds of each call."""
    seconds = []
    for call in calls:
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


@contextmanager
def spent(into: dict[str, Any], name: str) -> Iterator[None]:
    """Notes the wall and processor seconds of a step."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    into[name] = {
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - processor, 1),
    }


# ---------------------------------------------------------------- the sample records


def bring_in_samples() -> None:
    """The sample records of the package, as an operator brings in files."""
    at = timezone.now()
    for name, kind in FILES.items():
        path = settings.PACKAGE / "samples" / name
        run = interchange.receive(
            actor=SYSTEM, organisation=None, source_name="samples", kind=kind, file=path, file_name=name, at=at
        )
        interchange.bring_in(actor=SYSTEM, run=run, at=at)


def samples(data: Path) -> dict[str, Any]:
    """Indexing, matching and searching the sample records, and whether known offers are found."""
    at = timezone.now()
    figures: dict[str, Any] = {}
    bring_in_samples()
    queries.make_ready()
    with spent(figures, "index"):
        services.rebuild(actor=SYSTEM, at=at, with_quotes=False)
    listings = ListingIndex.objects.filter(is_lead=True).count()
    figures["index"]["listings_per_cpu_second"] = round(listings / figures["index"]["cpu_seconds"], 1)
    with spent(figures, "quotes"):
        services.quote_all(actor=SYSTEM, at=at)
    with spent(figures, "propose_all"):
        services.propose_all(actor=SYSTEM, at=at)
    figures["listings"], figures["matches"] = listings, Match.objects.count()

    random.seed(SEED)
    chosen = random.sample(list(Listing.objects.order_by("external_id").values_list("pk", flat=True)), 30)
    figures["propose_one"] = percentiles(
        timed([lambda key=key: services.propose(actor=SYSTEM, listing_id=key, at=at) for key in chosen])  # type: ignore[misc]
    )
    asked = [lambda text=text: queries.search(viewer=ANYONE, at=at, text=text, language="ko") for text in TYPED]  # type: ignore[misc]
    first = timed(asked)
    figures["search_first"] = percentiles(first)
    figures["search_again"] = percentiles(timed(asked * 4))
    figures["browse"] = percentiles(timed([lambda: queries.search(viewer=ANYONE, at=at)] * 20))
    figures["known_offer_among_ten"] = known_offers(data, at)
    figures["known_offer_among_ten_without_machine_texts"] = known_offers(data, at, with_machine_made=False)
    return figures


def known_offers(data: Path, at: Any, *, with_machine_made: bool = True) -> dict[str, Any]:
    """How many sample needs, their titles masked, find the offer that was really made for them."""
    ids = dict(Listing.objects.values_list("pk", "external_id"))
    real = scoring.words_that_count
    if not with_machine_made:
        scoring.words_that_count = lambda fit: None if fit.is_machine_made else real(fit)
    figures: dict[str, Any] = {}
    try:
        for language, code in LANGUAGE.items():
            ranks = []
            for known, told in _needs(data, language):
                text = TextDraft(language=code, summary=told)
                draft = ListingDraft(direction="need", texts=(text,), original_language=code)
                order = [ids[listing] for listing, _ in ranking_of(draft, at)]
                ranks.append(min((order.index(offer) + 1 for offer in known if offer in order), default=10_000))
            figures[language] = {
                "asked": len(ranks),
                "found": sum(rank <= 10 for rank in ranks),
                "mrr": round(sum(1 / rank for rank in ranks) / len(ranks), 3),
            }
    finally:
        scoring.words_that_count = real
    return figures


def _needs(data: Path, language: str) -> Iterator[tuple[list[str], str]]:
    for line in (data / "demo" / "needs.jsonl").read_text(encoding="utf-8").splitlines():
        need = json.loads(line)
        told = need["summary"] if language == "en" else need.get("translations", {}).get(language, {}).get("summary")
        if need.get("known_offers") and told:
            yield need["known_offers"], told
