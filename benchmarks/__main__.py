"""Quality and speed side by side, on fixed seeds, beside the run before: what `make bench` prints.

    python -m benchmarks [--only engine|product|importing|large|replicas]... [--offers N] [--million] [--no-save]

The engine is measured on the judged sets of the data folder (quality.py, bitext.py, memory.py), the product on the
sample records (product.py), imports on a file of patents (importing.py), search at scale on made-up listings
(large.py), replicas on two servers (replicas.py), each on a PostgreSQL of its own. A million listings take an hour to
load, so they are measured only where they were loaded before and still fit; --million loads them. Each run is kept in
benchmarks/results/ with the machine that it ran on; a figure below its floor makes the exit status 1.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

from benchmarks import bitext, quality, targets
from benchmarks.embedding import embedding as embedding_speed
from benchmarks.memory import memory
from transferase.engine.ranking import Embedder, Role, load_embedder, read_judged

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
BENCH = ROOT / "var" / "bench"
# Rows of a file that is brought in.
IMPORTED = 100_000
# A figure may not fall below (or, of times, rise above) these; a change that breaks one needs a decision record.
AT_LEAST = {
    "engine.sbir.hybrid.ndcg@10": 0.82,
    "engine.demo.en.among_first_ten.hybrid": 22,
    "engine.demo.ko.among_first_ten.hybrid": 14,
    "engine.demo.zh.among_first_ten.hybrid": 18,
    "engine.bitext.tatoeba_cmn-eng.centred.mrr_mixed": 0.85,
    "engine.bitext.tatoeba_kor-eng.centred.mrr_mixed": 0.72,
    "product.samples.known_offer_among_ten.en.found": 22,
    "product.samples.known_offer_among_ten.ko.found": 14,
    "product.samples.known_offer_among_ten.zh.found": 18,
    "large.100k.slowest.recall": 0.9,
}
AT_MOST = {
    "product.samples.search_again.p95_ms": 100,
    "product.samples.browse.p95_ms": 100,
    "product.samples.propose_one.p95_ms": 500,
}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    lines = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in lines.items()}
    flags = set(facts.get("flags", "").split())
    return {
        "processor": facts.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "features": sorted(flags & {"avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_tile"}),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def commit() -> str:
    """The commit that is measured, with a plus when files differ from it."""
    try:
        named = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],  # noqa: S607 - whichever git the developer uses
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return named.stdout.strip()


def engine(data: Path, cache: Path) -> dict[str, Any]:
    """The judged sets."""
    cache.mkdir(parents=True, exist_ok=True)
    real = load_embedder(cache)
    figures: dict[str, Any] = {"model": real.name, "embedding": embedding(data, real)}
    figures["embedding"].update(embedding_speed(data, cache))
    figures["memory"] = memory(cache)
    embedder = quality.RememberingEmbedder(real, cache / "benchmark-vectors.npz")
    for name, measure in {**quality.MEASURED, **bitext.MEASURED}.items():
        print(f"engine: {name}", file=sys.stderr, flush=True)
        figures[name] = measure(data, embedder)
        embedder.save()
    patents = figures["classes"]["kr_patents"]
    patents["times_plain"] = round(patents["centred"]["hit@10"] / max(patents["plain"]["hit@10"], 1e-9), 2)
    return figures


def embedding(data: Path, embedder: Embedder) -> dict[str, float]:
    """How many offers are embedded in a processor second; the judged sets remember their vectors between runs."""
    texts = [offer.text for offer in read_judged(data / "sbir", text_only=True).offers[:192]]
    embedder.embed(texts[:16], Role.PASSAGE)
    started = time.process_time()
    embedder.embed(texts, Role.PASSAGE)
    return {"offers_per_cpu_second": round(len(texts) / (time.process_time() - started), 1)}


@contextmanager
def database() -> Iterator[None]:
    """A database that is made for a measurement and dropped."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transferase.settings")
    django.setup()
    # Deferred: models and the database exist only now that the settings are read.
    from django.db import connection  # noqa: PLC0415

    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def product(data: Path) -> dict[str, Any]:
    """The sample records."""
    with database():
        from benchmarks import product as measured  # noqa: PLC0415 - there are settings and tables now

        return {"samples": measured.samples(data)}


def importing(data: Path) -> dict[str, Any]:
    """Files of records."""
    with database():
        from benchmarks import importing as measured  # noqa: PLC0415 - there are settings and tables now

        return measured.importing(data, IMPORTED)


def large(data: Path, offers: int, *, million: bool) -> dict[str, Any]:
    """Search at scale: a hundred thousand listings, and a million where they are loaded already."""
    figures = {}
    for name, count in (("100k", offers), ("1M", 10 * offers)):
        if name == "1M" and not million and not (BENCH / f"offers-{count}" / "load.json").exists():
            print(f"large: {count} offers are not loaded (--million)", file=sys.stderr, flush=True)
            continue
        print(f"large: {count} offers", file=sys.stderr, flush=True)
        kept = [] if million or name == "100k" else ["--kept"]
        found = apart("benchmarks.scale", "--offers", str(count), "--data", str(data), *kept)
        if found:
            figures[name] = {**found, "slowest": targets.summed(found)}
    return figures


def apart(module: str, *options: str) -> dict[str, Any]:
    """The figures of a measure that needs a process, and a database, of its own; nothing if it would not measure."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "figures.json"
        command = [sys.executable, "-m", module, *options, "--output", str(output)]
        environment = {key: value for key, value in os.environ.items() if key != "TRANSFERASE_HOME"}
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
        if done.returncode or not output.exists():
            print(f"{module} ended with status {done.returncode}", file=sys.stderr, flush=True)
            return {}
        found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return found


def flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | int | str]]:
    """Every figure with its path."""
    for name, value in figures.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}.")
        elif isinstance(value, (int, float, str)):
            yield path, value


def before() -> Mapping[str, Any] | None:
    """The newest run that was kept."""
    kept = sorted(RESULTS.glob("*.json"))
    return json.loads(kept[-1].read_text(encoding="utf-8")) if kept else None


def compare(now: Mapping[str, Any], former: Mapping[str, Any] | None) -> list[str]:
    """Prints quality beside speed, each figure beside the one before, and names the ones that break a floor."""
    figures, old = now["figures"], former["figures"] if former else {}
    if "engine" in figures:
        _print_legs(figures["engine"], old.get("engine", {}))
        _print_bitext(figures["engine"].get("bitext", {}), old.get("engine", {}).get("bitext", {}))
    if "product" in figures:
        _print_product(figures["product"], old.get("product", {}))
    if "large" in figures:
        _print_large(figures["large"])
    found = dict(flat(figures))
    print("\n" + "\n".join(targets.told(found, dict(flat(old)))))
    broken = [path for path, floor in AT_LEAST.items() if path in found and float(found[path]) < floor]
    slow = [path for path, floor in AT_MOST.items() if path in found and float(found[path]) > floor]
    told = now["machine"]
    if max(told["load_before"], told["load_after"]) > told["cores"] + 1:
        print("\nThe machine was busy with other things: times are not judged.")
    else:
        broken += slow
    for path in broken:
        print(f"BROKEN {path}: {found[path]} (floor {AT_LEAST.get(path, AT_MOST.get(path))})")
    return broken


def _reports(figures: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in figures.items():
        if isinstance(value, Mapping) and "hybrid" in value:
            yield f"{name}{key}", value
        elif isinstance(value, Mapping):
            yield from _reports(value, f"{name}{key} ")


def _print_legs(figures: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    former = dict(_reports(old))
    heads = ("nDCG@10", "(before)", "MRR@10", "R@10", "R@100", "p50 ms", "p95 ms")
    speed, was = (run.get("embedding", {}).get("offers_per_cpu_second", "") for run in (figures, old))
    print(f"{figures['model']}: {_short(speed)} offers embedded in a processor second (before: {_short(was)})\n")
    print(f"{'judged set':24s}{'by':10s}" + "".join(f"{head:>10s}" for head in heads))
    for name, report in _reports(figures):
        for leg in ("lexical", "dense", "hybrid"):
            if not report[leg]["recall@100"]:
                continue
            was = former.get(name, {}).get(leg, {}).get("ndcg@10", "")
            row = [report[leg]["ndcg@10"], was, report[leg]["mrr@10"], report[leg]["recall@10"]]
            row += [report[leg]["recall@100"]]
            row += [report["query_ms"]["p50"], report["query_ms"]["p95"]] if leg == "hybrid" else ["", ""]
            print(f"{name:24s}{leg:10s}" + "".join(f"{_short(value):>10s}" for value in row))


def _print_bitext(figures: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    heads = ("pairs", "plain", "centred", "(before)", "held out")
    print(f"\n{'translations, MRR in the mixed pool':36s}" + "".join(f"{head:>12s}" for head in heads))
    for name, report in figures.items():
        was = old.get(name, {}).get("centred", {}).get("mrr_mixed", "")
        row = [report["pairs"], report["plain"]["mrr_mixed"], report["centred"]["mrr_mixed"], was]
        row.append(report["centred_held_out"]["mrr_mixed"])
        print(f"{name:36s}" + "".join(f"{_short(value):>12s}" for value in row))


def _print_product(figures: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    former = dict(flat(old))
    print(f"\n{'as users get it':64s}{'now':>12s}{'before':>12s}{'floor':>9s}")
    for path, value in flat(figures):
        floor = AT_LEAST.get(f"product.{path}", AT_MOST.get(f"product.{path}", ""))
        columns = f"{_short(value):>12s}{_short(former.get(path, '')):>12s}{_short(floor):>9s}"
        print(f"{path:64s}{columns}")


def _print_large(figures: Mapping[str, Any]) -> None:
    for size, found in figures.items():
        load = found["load"]
        told = "kept from before" if load["is_kept_from_before"] else "made now"
        print(f"\n{size}: {load['offers']} offers, {load['needs']} needs, loaded in {load['seconds']} s ({told})")
        heads = ("ranking p50", "p95", "database p95", "search p95", "recall@100")
        print(f"{'filter':28s}" + "".join(f"{head:>14s}" for head in heads))
        for name, row in found.get("searches", {}).items():
            columns = [row["ranking"]["p50_ms"], row["ranking"]["p95_ms"], row["database"]["p95_ms"]]
            columns += [row["search"]["p95_ms"], found.get("recall", {}).get(name, {}).get("recall_at_100", "")]
            print(f"{name:28s}" + "".join(f"{_short(value):>14s}" for value in columns))


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:11]


def main() -> int:
    """Measures, prints, keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--only", action="append", choices=["engine", "product", "importing", "large", "replicas"])
    parser.add_argument("--offers", type=int, default=100_000, help="made-up offers of the large index")
    parser.add_argument("--million", action="store_true", help="load ten times as many, too, which takes an hour")
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"There is no data at {options.data}: set TRANSFERASE_DATA.", file=sys.stderr)
        return 2
    os.environ["TRANSFERASE_HOME"] = str(BENCH)
    options.data = options.data.resolve()
    run: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "figures": {},
    }
    measures = {
        "engine": lambda: engine(options.data, BENCH / "models"),
        "product": lambda: product(options.data),
        "importing": lambda: importing(options.data),
        "large": lambda: large(options.data, options.offers, million=options.million),
        "replicas": lambda: apart("benchmarks.replicas", "--data", str(options.data)),
    }
    for name, measure in measures.items():
        if not options.only or name in options.only:
            started = time.perf_counter()
            run["figures"][name] = measure()
            print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    run["machine"]["load_after"] = round(os.getloadavg()[0], 1)
    broken = compare(run, before())
    if not options.no_save:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{run['at'][:19].replace(':', '')}.json"
        path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"\nKept in {path.relative_to(ROOT)}")
    print(json.dumps(run["machine"], ensure_ascii=False))
    if broken:
        print(f"{len(broken)} figures break their floor: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
