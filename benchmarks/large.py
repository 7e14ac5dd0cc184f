"""What is measured on many made-up listings: times of searches by filter, and recall against exact search."""

import hashlib
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.test import Client
from django.utils import timezone

from benchmarks import corpus, generator, loading
from benchmarks.serving import throughput
from transferase.catalogue.models import Listing, ListingText
from transferase.cli import preparing
from transferase.directory.models import Organisation
from transferase.directory.rules import ANYONE, Viewer
from transferase.engine.ranking import Embedder, load_embedder
from transferase.foundation.ledger import SYSTEM
from transferase.matching import _candidates as candidates
from transferase.matching import _facets as facets
from transferase.matching import _search as search
from transferase.matching import _statistics as counted
from transferase.matching import services
from transferase.matching._candidates import Question
from transferase.matching._reach import reach_of
from transferase.matching._rematching import near_offers
from transferase.matching.models import ListingIndex
from transferase.matching.rules import Filters

ROOT = Path(__file__).resolve().parent.parent
SEED = 20261124
# The needs on the other side: what a full rematch is measured with.
NEEDS = 10_000
# Written when a load is whole; without it whatever stands there is thrown away.
NOTE = "load.json"


class AnotherLoad(RuntimeError):
    """What stands there was made from other sentences, for other tables or for another model."""


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 95th percentile in milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50_ms": round(1000 * statistics.median(ordered), 1),
        "p95_ms": round(1000 * ordered[max(0, round(0.95 * len(ordered)) - 1)], 1),
    }


def timed(calls: Sequence[Callable[[], object]]) -> list[float]:
    """The wall seconds of each call."""
    seconds = []
    for call in calls:
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


# ---------------------------------------------------------------- the load, made once


def fingerprint(offers: int, corpus_print: str) -> str:
    """Changes when a load made now would be another one."""
    told = hashlib.sha256(f"{offers} {NEEDS} {corpus_print}".encode())
    for name in ("corpus.py", "generator.py", "loading.py"):
        told.update((ROOT / "benchmarks" / name).read_bytes())
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT string_agg(attname || ' ' || atttypid::regtype || ' ' || atttypmod, ',' ORDER BY attname)
            FROM pg_attribute WHERE attrelid = 'matching_listingindex'::regclass AND attnum > 0 AND NOT attisdropped
            UNION ALL SELECT string_agg(indexdef, ',' ORDER BY indexname) FROM pg_indexes
            WHERE tablename = 'matching_listingindex'"""
        )
        told.update(repr(cursor.fetchall()).encode())
    return told.hexdigest()[:20]


def prepare(offers: int, data: Path, cache: Path, place: Path) -> dict[str, Any]:
    """The load as it was made, or made now."""
    note = place / NOTE
    embedder = load_embedder(cache / "models")
    with suppress(InconsistentMigrationHistory):
        preparing.prepare()
        made = fingerprint(offers, embedder.model_version + corpus.read(data).fingerprint)
        if not note.exists():
            return _load(offers, data, cache, note, embedder, made)
        told: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        if told["fingerprint"] == made:
            return {**told, "is_kept_from_before": True}
    raise AnotherLoad


def _load(offers: int, data: Path, cache: Path, note: Path, embedder: Embedder, made: str) -> dict[str, Any]:
    started = time.perf_counter()
    made_by = generator.Generator(corpus.prepare(data, embedder, cache / "corpus"), embedder, cache / "corpus")
    ready = time.perf_counter()
    told = loading.load(made_by, offers, NEEDS)
    told |= {
        "fingerprint": made,
        "corpus_seconds": round(ready - started, 1),
        "seconds": round(time.perf_counter() - ready, 1),
        "vectors_against_real_ones": made_by.checked,
        "is_kept_from_before": False,
    }
    note.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


# ---------------------------------------------------------------- what is asked


def questions(count: int) -> list[tuple[str, str]]:
    """Typed words in three languages, taken from titles that some listing may hold, with the reader's language."""
    made = random.Random(SEED)  # noqa: S311 - a fixed seed is the point
    found: list[tuple[str, str]] = []
    for language in ("en", "ko", "zh-Hans"):
        titles = list(
            ListingText.objects.filter(language=language, tier="public")
            .order_by("pk")
            .values_list("title", flat=True)[:4000]
        )
        for title in made.sample(sorted(set(titles)), count // 3):
            if language == "zh-Hans":
                length = made.choice([4, 6, 10, 20])
                begin = made.randrange(max(1, len(title) - length + 1))
                found.append((title[begin : begin + length], language))
            else:
                words = title.split()
                length = made.choice([1, 2, 3, 5, 8])
                begin = made.randrange(max(1, len(words) - length + 1))
                found.append((" ".join(words[begin : begin + length]), language))
    made.shuffle(found)
    return found


def limits() -> dict[str, dict[str, Any]]:
    """Who asks with which filters, by name."""
    owners = list(Organisation.objects.order_by("pk").values_list("pk", flat=True)[:60])
    member = Viewer(1, frozenset({owners[50]}), frozenset())
    return {
        "visitor": {"viewer": ANYONE, "filters": Filters()},
        "member": {"viewer": member, "filters": Filters()},
        "country": {"viewer": ANYONE, "filters": Filters(countries=("KR",))},
        "language": {"viewer": member, "filters": Filters(languages=("zh-Hans",))},
        "country and field": {"viewer": ANYONE, "filters": Filters(countries=("US",), fields=("13",))},
        "readiness": {"viewer": ANYONE, "filters": Filters(trl_low=4, trl_high=6)},
        "IPC class and readiness": {"viewer": ANYONE, "filters": Filters(ipc="G01", trl_low=4, trl_high=6)},
        "way of transfer": {"viewer": ANYONE, "filters": Filters(transfer_modes=("assignment",))},
        "VN and readiness": {"viewer": ANYONE, "filters": Filters(countries=("VN",), trl_low=4, trl_high=6)},
        "one owner": {"viewer": member, "filters": Filters(organisation_id=owners[20])},
    }


@contextmanager
def database_time() -> Iterator[list[float]]:
    """Collects the seconds of every statement."""
    seconds: list[float] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            seconds.append(time.perf_counter() - started)

    with connection.execute_wrapper(note):
        yield seconds


# ---------------------------------------------------------------- measured


def searches(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Hybrid search for the first twenty, by filter: the ranking alone, all statements of a search, the whole call."""
    at = timezone.now()
    figures: dict[str, Any] = {}
    ranking: list[float] = []
    real = search.find

    def find(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return real(*arguments, **named)
        finally:
            ranking.append(time.perf_counter() - started)

    search.find = find
    try:
        for name, limit in limits().items():
            rank, inside, whole, seen = [], [], [], 0
            for text, language in (*asked[:5], *asked):
                ranking.clear()
                with database_time() as seconds:
                    started = time.perf_counter()
                    result = search.search(at=at, text=text, direction="offer", language=language, **limit)
                    whole.append(time.perf_counter() - started)
                inside.append(sum(seconds))
                rank.append(ranking[0])
                seen += len(result.hits)
            figures[name] = {
                "ranking": percentiles(rank[5:]),
                "database": percentiles(inside[5:]),
                "search": percentiles(whole[5:]),
                "hits": round(seen / (len(asked) + 5), 1),
            }
    finally:
        search.find = real
    return figures


def recall(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The share of the hundred nearest that search by vectors finds, by filter, against an exact scan."""
    at = timezone.now()
    figures: dict[str, Any] = {}
    for name, limit in limits().items():
        found = []
        seconds = []
        for text, language in asked:
            question, reach = _dense(text, language, limit, at)
            started = time.perf_counter()
            # As many as a search asks for, of which the first hundred are compared.
            near = sorted(candidates.nearest_rows(question, reach, search.CANDIDATES), key=lambda row: -row[1])[:100]
            seconds.append(time.perf_counter() - started)
            exact = candidates.nearest_rows(question, reach, 100, is_exact=True)
            if exact:
                # Rows at the distance of the last one are as good as it.
                least = exact[-1][1] - 1e-4
                found.append(min(1.0, sum(close >= least for _, close in near) / len(exact)))
        figures[name] = {
            "recall_at_100": round(statistics.mean(found), 3),
            "least": round(min(found), 2),
            **percentiles(seconds),
        }
    return figures


def _dense(text: str, language: str, limit: Mapping[str, Any], at: Any) -> tuple[Any, Any]:

    own = sorted(limit["viewer"].organisations)
    conditions, parameters = facets.conditions(limit["filters"], own)
    now = counted.current()
    query = search.prepared(text, language, now)
    question = Question(
        direction="offer",
        vectors={query.language: query.vector},
        asks={},
        model_version=now.model_version,
        conditions=" AND ".join(conditions.values()) or "TRUE",
        parameters=parameters,
    )
    return question, reach_of(limit["viewer"], at)


def pages(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Whole pages of the website: results for words, for words with a filter, and the newest of all."""
    client = Client(headers={"host": "localhost"})
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.WEB_ANONYMOUS_PER_MINUTE = 10**9
    figures = {}
    for name, more in {"words": {}, "words and country": {"country": "KR"}}.items():
        paths = [f"/{_page_of(language)}/search?{urlencode({'q': text, **more})}" for text, language in asked]
        figures[name] = percentiles(_opened(client, paths))
    figures["newest"] = percentiles(
        _opened(client, ["/en/search", "/ko/search?kind=offer", "/en/search?kind=need"] * 4)
    )
    return figures


def _opened(client: Client, paths: Sequence[str]) -> list[float]:
    for path in paths[:3]:
        answer = client.get(path, follow=True)
        assert answer.status_code == 200, (path, answer.status_code)
    return timed([lambda path=path: client.get(path, follow=True) for path in paths])  # type: ignore[misc]


def _page_of(language: str) -> str:
    return "zh-hans" if language == "zh-Hans" else language


def publishing(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """From a published need to its stored matches, all offers on the other side; nothing is kept of it."""
    at = timezone.now()
    made = random.Random(SEED)  # noqa: S311 - a fixed seed is the point
    needs = list(
        Listing.objects.public_at(at).filter(direction="need").order_by("pk").values_list("pk", flat=True)[:5000]
    )
    seconds = []
    for need in made.sample(needs, min(25, len(asked))):
        with transaction.atomic():
            ListingIndex.objects.filter(listing=need).delete()
            started = time.perf_counter()
            services.index_listing(actor=SYSTEM, listing_id=need, at=at)
            services.propose(actor=SYSTEM, listing_id=need, at=at)
            seconds.append(time.perf_counter() - started)
            transaction.set_rollback(True)
    return percentiles(seconds[2:])


def rematching(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What is near to each of all needs, in blocks of a thousand: processor seconds of this process and the server."""
    at = timezone.now()
    needs = list(Listing.objects.public_at(at).filter(direction="need").order_by("pk").values_list("pk", flat=True))
    edition = counted.current().edition
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    started, before, wall = time.process_time(), _spent(process), time.perf_counter()
    for start in range(0, len(needs), 1000):
        with transaction.atomic():
            near_offers(needs[start : start + 1000], edition, at)
    return {
        "needs": len(needs),
        "cpu_seconds": round(time.process_time() - started + _spent(process) - before, 1),
        "seconds": round(time.perf_counter() - wall, 1),
    }


def _spent(process: Path) -> float:
    return int(process.read_text(encoding="utf-8").split()[0]) / 1e9 if process.exists() else 0.0


def requests(_asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Requests a second of two web workers; each query is another one."""
    return throughput(questions(600))


MEASURED: Mapping[str, Callable[[Sequence[tuple[str, str]]], dict[str, Any]]] = {
    "searches": searches,
    "recall": recall,
    "pages": pages,
    "publishing": publishing,
    "rematching": rematching,
    "throughput": requests,
}
