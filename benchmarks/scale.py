"""Search over many made-up listings, on a PostgreSQL of its own: runs the measures of large.py.

    python -m benchmarks.scale --offers 100000 [--data FOLDER] [--place FOLDER] [--only load] [-o FILE]

The load is kept below the place: the next run uses it again when sentences, generator, tables and model are still the
same, which its fingerprint tells.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
QUERIES = 60


def main() -> None:
    """Prepares, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offers", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--place", type=Path, default=ROOT / "var" / "bench")
    parser.add_argument("--only", nargs="*", help="names of measures, or load")
    parser.add_argument("--kept", action="store_true", help="measure only what is loaded already")
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    cache = options.place.resolve()
    place = cache / f"offers-{options.offers}"
    os.environ |= {"TRANSFERASE_HOME": str(place), "DJANGO_SETTINGS_MODULE": "transferase.settings"}
    os.environ.pop("DATABASE_URL", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if not (place / "load.json").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    import django  # noqa: PLC0415 - the settings read the environment that was made above

    django.setup()
    from benchmarks import large  # noqa: PLC0415 - models can be imported only now
    from transferase.matching import queries  # noqa: PLC0415 - models can be imported only now

    try:
        figures: dict[str, Any] = {"load": large.prepare(options.offers, options.data, cache, place)}
    except large.AnotherLoad:
        if options.kept:
            print("  the load of before is another one: not measured", file=sys.stderr, flush=True)
            sys.exit(3)
        print("  the load of before is another one: made anew", file=sys.stderr, flush=True)
        (place / "load.json").unlink()
        # The server of the old load stops with this process.
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.scale", *sys.argv[1:]])  # noqa: S606 - itself
    chosen = [name for name in large.MEASURED if options.only is None or name in options.only]
    if chosen:
        queries.make_ready()
        asked = large.questions(options.queries)
    for name in chosen:
        print(f"  {name}", file=sys.stderr, flush=True)
        figures[name] = large.MEASURED[name](asked)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
