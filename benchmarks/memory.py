"""How much memory a process of the product takes, as one JSON object; each kind is measured in a process of its own.

    python -m benchmarks.memory [--cache FOLDER] [-o FILE]

| name | what is loaded |
| --- | --- |
| embedding | an embedding worker: the engine, the packaged model, 200 texts of all lengths embedded |
| web | a web worker: the whole product, analysers of three languages, the model, 30 typed searches embedded |

`rss_mb` is what the process has in memory, `own_mb` the part that it shares with no file or other process.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def embedding(cache: Path) -> dict[str, Any]:
    """Embeds texts of all lengths."""
    from transferase.engine.ranking import Role, load_embedder  # noqa: PLC0415 - counted

    embedder = load_embedder(cache)
    embedder.embed(["wheat " * number for number in range(1, 201)], Role.PASSAGE)
    return {"model": embedder.name, **taken()}


def web(cache: Path) -> dict[str, Any]:
    """Loads all that a search needs, without a database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transferase.settings")
    import transferase.wsgi  # noqa: F401, PLC0415 - counted; loads every app
    from transferase.engine.ranking import Role, load_embedder  # noqa: PLC0415 - counted
    from transferase.engine.text import words  # noqa: PLC0415 - counted

    before = taken()
    for text, language in (("growing wheat", "en"), ("밀 품종 육종", "ko"), ("锂离子电池", "zh-Hans")):
        words(text, language)
    embedder = load_embedder(cache)
    for number in range(1, 31):
        embedder.embed(["wheat " * number], Role.QUERY)
    return {"model": embedder.name, "without_engine_rss_mb": before["rss_mb"], **taken()}


def taken() -> dict[str, float]:
    """What the system says of this process."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if ":" in line)
    size = {name: int(value.split()[0]) / 1024 for name, value in rows.items() if value.strip().endswith("kB")}
    return {"rss_mb": round(size["Rss"]), "own_mb": round(size["Private_Dirty"] + size["Private_Clean"])}


MEASURED = {"embedding": embedding, "web": web}


def memory(cache: Path) -> dict[str, Any]:
    """Every kind, each in a fresh process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TRANSFERASE_HOME": str(cache.parent)}
    found = {}
    for name in MEASURED:
        command = [sys.executable, "-m", "benchmarks.memory", "--only", name, "--cache", str(cache)]
        told = subprocess.run(  # noqa: S603 - this module
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        found[name] = json.loads(told.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "bench" / "models")
    parser.add_argument("--only", choices=list(MEASURED))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    figures = MEASURED[options.only](options.cache) if options.only else memory(options.cache)
    text = json.dumps(figures, ensure_ascii=False)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
