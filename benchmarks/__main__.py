"""Quality and speed side by side, on fixed seeds, beside the run before: what `make bench` prints.

    python -m benchmarks [--only engine|product] [--rows N] [--no-save]

The engine is measured on the judged sets of the data folder (see quality.py), the product on the sample records and on
a large made-up index in a database of its own (see product.py). Each run is kept in benchmarks/results/ with the
machine that it ran on; a figure below its floor makes the exit status 1.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

from benchmarks import quality
from transferase.engine.ranking import Embedder, Role, load_embedder, read_judged

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
# A figure may not fall below (or, of times, rise above) these; a change that breaks one needs a decision record.
AT_LEAST = {
    "engine.sbir.hybrid.ndcg@10": 0.82,
    "engine.demo.en.among_first_ten.hybrid": 22,
    "engine.demo.ko.among_first_ten.hybrid": 14,
    "engine.demo.zh.among_first_ten.hybrid": 18,
    "engine.bitext.tatoeba_cmn-eng.centred.mrr_mixed": 0.85,
    "engine.bitext.tatoeba_kor-eng.centred.mrr_mixed": 0.69,
    "product.samples.known_offer_among_ten.en.found": 22,
    "product.samples.known_offer_among_ten.ko.found": 14,
    "product.samples.known_offer_among_ten.zh.found": 18,
    "product.scale.none.recall_at_100": 0.9,
    "product.scale.country.recall_at_100": 0.9,
    "product.scale.country and field.recall_at_100": 0.9,
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
    embedder = quality.RememberingEmbedder(real, cache / "benchmark-vectors.npz")
    for name, measure in quality.MEASURED.items():
        print(f"engine: {name}", file=sys.stderr, flush=True)
        figures[name] = measure(data, embedder)
        embedder.save()
    return figures


def embedding(data: Path, embedder: Embedder) -> dict[str, float]:
    """How many offers are embedded in a processor second; the judged sets remember their vectors between runs."""
    texts = [offer.text for offer in read_judged(data / "sbir", text_only=True).offers[:192]]
    embedder.embed(texts[:16], Role.PASSAGE)
    started = time.process_time()
    embedder.embed(texts, Role.PASSAGE)
    return {"offers_per_cpu_second": round(len(texts) / (time.process_time() - started), 1)}


def product(data: Path, rows: int) -> dict[str, Any]:
    """The sample records and a large index, in a database that is made for this and dropped."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transferase.settings")
    django.setup()
    # Deferred: models and the database exist only now that the settings are read.
    from django.db import connection  # noqa: PLC0415

    from benchmarks import product as measured  # noqa: PLC0415

    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        print("product: samples", file=sys.stderr, flush=True)
        figures = {"samples": measured.samples(data)}
        if rows:
            print(f"product: {rows} rows", file=sys.stderr, flush=True)
            figures["scale"] = measured.scale(rows)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    return figures


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
    found = dict(flat(figures))
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


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:11]


def main() -> int:
    """Measures, prints, keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--only", choices=["engine", "product"])
    parser.add_argument("--rows", type=int, default=20_000, help="made-up rows of the large index; 0 leaves it out")
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"There is no data at {options.data}: set TRANSFERASE_DATA.", file=sys.stderr)
        return 2
    os.environ["TRANSFERASE_HOME"] = str(ROOT / "var" / "bench")
    run: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "figures": {},
    }
    if options.only != "product":
        run["figures"]["engine"] = engine(options.data, ROOT / "var" / "bench" / "models")
    if options.only != "engine":
        run["figures"]["product"] = product(options.data, options.rows)
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
