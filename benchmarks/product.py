"""Quality and speed of search and matching as users get them: through services, on a database of its own.

The sample records are brought in, indexed and matched; then made-up rows, with real vectors and words drawn anew from
a fixed seed, show how the one statement of a search behaves in a large index.
"""

import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils import timezone

from transferase.catalogue.models import Listing
from transferase.catalogue.rules import ListingDraft, TextDraft
from transferase.directory.models import Organisation
from transferase.directory.rules import ANYONE
from transferase.engine.ranking import Role, document_weights, sparse, unit
from transferase.foundation.ids import uuid7
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange
from transferase.matching import _candidates as candidates
from transferase.matching import _facets as facets
from transferase.matching import _model as model
from transferase.matching import _scoring as scoring
from transferase.matching import _statistics as counted
from transferase.matching import queries, services
from transferase.matching._previews import ranking_of
from transferase.matching._reach import public_reach
from transferase.matching.models import ListingIndex, Match, TermFrequency
from transferase.matching.rules import Filters

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


# ---------------------------------------------------------------- a large index


def scale(rows: int) -> dict[str, Any]:
    """The search statement over many made-up offers: time and, through the vector index, recall against exact."""
    figures: dict[str, Any] = {"rows": rows}
    made = random.Random(SEED)  # noqa: S311 - a fixed seed is the point
    rng = np.random.default_rng(SEED)
    version = model.model_version()
    base = np.array(
        [
            row.centred
            for row in ListingIndex.objects.filter(centred__isnull=False, part=0)
            .order_by("text_digest")
            .only("centred")
        ],
        np.float32,
    )
    words = list(
        TermFrequency.objects.filter(language="en", direction="offer", listings__gt=0)
        .exclude(term="")
        .order_by("term")
        .values_list("term", "listings")
    )
    with spent(figures, "load"):
        _fill(rows, base, words, version, made, rng)
    questions = [_question(base, words, version, made, rng) for _ in range(60)]
    reach = public_reach(timezone.now())
    limits = {
        "none": Filters(),
        "country": Filters(countries=("KR",)),
        "country and field": Filters(countries=("KR",), fields=("13",)),
    }
    was = candidates.EXACT_BELOW
    try:
        for name, filters in limits.items():
            asked, parameters = facets.conditions(filters, [])
            limited = {"conditions": " AND ".join(asked.values()) or "TRUE", "parameters": parameters}
            figures[name] = {}
            near: dict[str, list[set[UUID]]] = {}
            for way, below in (("index", 0), ("exact", 10**9)):
                candidates.EXACT_BELOW = below  # type: ignore[misc]
                both = [candidates.Question(**{**question, **limited}) for question in questions]
                for question in both[:5]:
                    candidates.find(question, reach)
                figures[name][way] = percentiles(timed([lambda q=q: candidates.find(q, reach) for q in both]))  # type: ignore[misc]
                alone = [candidates.Question(**{**question, **limited, "asks": {}}) for question in questions]
                near[way] = [{row.listing_id for row in candidates.find(question, reach)} for question in alone]
            held = [len(a & b) / len(b) for a, b in zip(near["index"], near["exact"], strict=True) if b]
            figures[name]["recall_at_100"] = round(sum(held) / len(held), 3)
    finally:
        candidates.EXACT_BELOW = was  # type: ignore[misc]
    at = timezone.now()
    asked = [lambda text=text: queries.search(viewer=ANYONE, at=at, text=text, direction="offer") for text in TYPED]  # type: ignore[misc]
    timed(asked)
    figures["search_page"] = percentiles(timed(asked * 2))
    figures["browse_page"] = percentiles(timed([lambda: queries.search(viewer=ANYONE, at=at)] * 5))
    return figures


def _question(
    base: np.ndarray, words: Sequence[tuple[str, int]], version: str, made: random.Random, rng: np.random.Generator
) -> dict[str, Any]:
    vector = unit(base[made.randrange(len(base))] + 0.04 * rng.standard_normal(base.shape[1]).astype(np.float32))
    terms = [term for term, _ in made.choices(words, [number for _, number in words], k=8)]
    known = counted.lexicon("offer", "en", terms, counted.current())
    return {
        "direction": "offer",
        "vectors": {"en": vector},
        "asks": {"en": candidates.Ask(sparse(known.query_weights(terms)), known.rarest(terms, least_terms=4))},
        "model_version": version,
    }


def _fill(
    rows: int,
    base: np.ndarray,
    words: Sequence[tuple[str, int]],
    version: str,
    made: random.Random,
    rng: np.random.Generator,
) -> None:
    at, until = timezone.now(), timezone.now() + timezone.timedelta(days=180)
    owner = Organisation.objects.order_by("pk").values_list("pk", flat=True)[0]
    weights = [number for _, number in words]
    now = counted.current()
    length = now.length("en", Role.PASSAGE)
    names = [
        "listing_id", "language", "tier", "part", "direction", "is_machine_made", "is_lead", "is_quotable",
        "listing_version", "original_language", "owner_id", "is_anonymous", "country", "is_open", "visible_until",
        "transfer_modes", "ipc", "fields", "lexemes", "words", "attainable", "length", "centred", "model_version",
        "means_version", "text_digest",
    ]  # fmt: skip
    ids = [uuid7() for _ in range(rows)]
    with _without_vector_index(), connection.cursor() as cursor:
        _copy_listings(cursor, ids, owner, at, until)
        with cursor.copy(f"COPY matching_listingindex ({', '.join(names)}) FROM STDIN") as copy:
            for listing in ids:
                vector = unit(base[made.randrange(len(base))] + 0.05 * rng.standard_normal(base.shape[1]).astype("f4"))
                terms = [term for term, _ in made.choices(words, weights, k=made.randint(60, 160))]
                held = sparse(document_weights(terms, length))
                country = "KR" if made.random() < 0.28 else made.choice(["US", "CN", "DE", "JP"])
                row = (
                    listing, "en", "public", 0, "offer", False, True, True, 1, "en", owner, False, country, True, until,
                    [], [], [str(made.randint(1, 35))], _lexemes(terms), candidates.sparse_text(held), 0.0, len(terms),
                    candidates.vector_text(vector), version, now.version, "",
                )  # fmt: skip
                copy.write_row(row)
    counted.count_all_terms()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE matching_listingindex, catalogue_listing, catalogue_listingtext")


def _lexemes(terms: Sequence[str]) -> str:
    return " ".join("'" + term.replace("\\", "\\\\").replace("'", "''") + "'" for term in dict.fromkeys(terms))


def _copy_listings(cursor: Any, ids: Sequence[UUID], owner: int, at: Any, until: Any) -> None:
    defaults = {
        field.column: field.get_db_prep_save(field.get_default(), connection) for field in Listing._meta.concrete_fields
    }
    columns = list(defaults)
    made = {
        "direction": "offer", "state": "published", "owner_id": owner, "original_language": "en",
        "visible_until": until, "confirmed_at": at, "published_at": at, "created_at": at, "revised_at": at,
    }  # fmt: skip
    with cursor.copy(f"COPY catalogue_listing ({', '.join(columns)}) FROM STDIN") as copy:
        for listing in ids:
            row = {**defaults, **made, "id": listing}
            copy.write_row([row[column] for column in columns])
    fields = ("summary", "description", "problem", "alternative", "advantages", "partner_sought")
    with cursor.copy(
        f"COPY catalogue_listingtext (listing_id, language, tier, origin, title, {', '.join(fields)}) FROM STDIN"
    ) as copy:
        for listing in ids:
            copy.write_row((listing, "en", "public", "original", "Made-up offer", *[""] * len(fields)))


@contextmanager
def _without_vector_index() -> Iterator[None]:
    # Built once after a load, the index costs a tenth of what it costs row by row.
    name = "listing_index_offers"
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
        definition = cursor.fetchone()[0]
        cursor.execute(f"DROP INDEX {name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(definition)
