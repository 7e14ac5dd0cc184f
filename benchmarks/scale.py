"""Search over many made-up listings: times, recall of the vector index against exact search, requests a second.

    python -m benchmarks.scale --offers 100000 [--data FOLDER] [--place FOLDER] [-o FILE]

Runs on a PostgreSQL of its own below the place. The load is kept there: the next run uses it again when sentences,
generator, tables and model are still the same, which its fingerprint tells.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SEED = 20261124
QUERIES = 60
# The needs on the other side: what a full rematch is measured with.
NEEDS = 10_000
# Written when a load is whole; without it whatever stands there is thrown away.
NOTE = "load.json"


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
    from django.db import connection  # noqa: PLC0415 - settings ready

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
    from django.core.management import call_command  # noqa: PLC0415 - settings ready
    from django.db import connection  # noqa: PLC0415 - settings ready

    from benchmarks import corpus, generator, loading  # noqa: PLC0415 - settings ready
    from transferase.engine.ranking import load_embedder  # noqa: PLC0415 - slow

    call_command("migrate", verbosity=0)
    embedder = load_embedder(cache / "models")
    made = fingerprint(offers, embedder.model_version + corpus.read(data).fingerprint)
    note = place / f"load-{offers}.json"
    note = place / NOTE
    if note.exists():
        told: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        if told["fingerprint"] == made:
            return {**told, "is_kept_from_before": True}
        print("  the load of before is another one: made anew", file=sys.stderr, flush=True)
        note.unlink()
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.scale", *sys.argv[1:]])  # noqa: S606 - itself
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
    from transferase.catalogue.models import ListingText  # noqa: PLC0415 - settings ready

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
    from transferase.directory.models import Organisation  # noqa: PLC0415 - settings ready
    from transferase.directory.rules import ANYONE, Viewer  # noqa: PLC0415 - settings ready
    from transferase.matching.rules import Filters  # noqa: PLC0415 - settings ready

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
    from django.db import connection  # noqa: PLC0415 - settings ready

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
    from django.utils import timezone  # noqa: PLC0415 - settings ready

    from transferase.matching import _search as search  # noqa: PLC0415 - settings ready

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
    from django.utils import timezone  # noqa: PLC0415 - settings ready

    from transferase.matching import _candidates as candidates  # noqa: PLC0415 - settings ready

    at = timezone.now()
    figures: dict[str, Any] = {}
    for name, limit in limits().items():
        found = []
        seconds = []
        for text, language in asked:
            question, reach = _dense(text, language, limit, at)
            started = time.perf_counter()
            near = candidates.nearest_rows(question, reach, 100)
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
    from transferase.matching import _facets as facets  # noqa: PLC0415 - settings ready
    from transferase.matching import _search as search  # noqa: PLC0415 - settings ready
    from transferase.matching import _statistics as counted  # noqa: PLC0415 - settings ready
    from transferase.matching._candidates import Question  # noqa: PLC0415 - settings ready
    from transferase.matching._reach import reach_of  # noqa: PLC0415 - settings ready

    own = sorted(limit["viewer"].organisations)
    conditions, parameters = facets.conditions(limit["filters"], own)
    now = counted.current()
    query = search._prepared(text, language, now)
    question = Question(
        direction="offer",
        vectors={query.language: query.vector},
        asks={},
        model_version=now.model_version,
        conditions=" AND ".join(conditions.values()) or "TRUE",
        parameters=parameters,
    )
    return question, reach_of(limit["viewer"], at)


# ---------------------------------------------------------------- the run


def main() -> None:
    """Prepares, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offers", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--place", type=Path, default=ROOT / "var" / "bench")
    parser.add_argument("--only", nargs="*", choices=[*MEASURED, "load"], default=list(MEASURED))
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    place = options.place.resolve() / f"offers-{options.offers}"
    os.environ |= {"TRANSFERASE_HOME": str(place), "DJANGO_SETTINGS_MODULE": "transferase.settings"}
    os.environ.pop("DATABASE_URL", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if not (place / NOTE).exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    import django  # noqa: PLC0415 - the settings read the environment that was made above

    django.setup()
    figures: dict[str, Any] = {"load": prepare(options.offers, options.data, options.place.resolve(), place)}
    if set(options.only) & set(MEASURED):
        from transferase.matching import queries  # noqa: PLC0415 - settings ready

        queries.make_ready()
        asked = questions(options.queries)
        for name in options.only:
            if name in MEASURED:
                print(f"  {name}", file=sys.stderr, flush=True)
                figures[name] = MEASURED[name](asked)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


MEASURED: Mapping[str, Callable[[Sequence[tuple[str, str]]], dict[str, Any]]] = {
    "searches": searches,
    "recall": recall,
}

if __name__ == "__main__":
    main()
