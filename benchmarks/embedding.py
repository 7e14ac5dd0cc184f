"""How fast texts become vectors: one process, and one process per core at once.

    python -m benchmarks.embedding [--data FOLDER] [--cache FOLDER]

The texts are SBIR awards, joined so that each fills the 256 tokens that a vector covers. A runtime that is not
installed is left out.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from transferase.engine.ranking import Embedder, Role, load_embedder, read_judged

ROOT = Path(__file__).resolve().parent.parent
COUNT = 160
FULL = 1600  # letters of English that are surely more than 256 tokens
RUNTIMES = {"openvino": "", "onnxruntime": "f32_"}


def texts(data: Path) -> list[str]:
    """Texts that fill the cap."""
    joined = " ".join(offer.text for offer in read_judged(data / "sbir", text_only=True).offers[:400])
    return [joined[start : start + FULL] for start in range(0, COUNT * FULL, FULL)]


def measure(embedder: Embedder, given: list[str]) -> dict[str, float]:
    """Texts a second of the clock and of the processor, in this process."""
    embedder.embed(given[:16], Role.PASSAGE)
    wall, cpu = time.perf_counter(), time.process_time()
    embedder.embed(given, Role.PASSAGE)
    return {
        "per_second": round(len(given) / (time.perf_counter() - wall), 1),
        "per_cpu_second": round(len(given) / (time.process_time() - cpu), 1),
    }


def embedding(data: Path, cache: Path) -> dict[str, float]:
    """Both figures of each runtime, and the sum of as many workers at once as there are cores."""
    found: dict[str, float] = {}
    for runtime, prefix in RUNTIMES.items():
        command = [sys.executable, "-m", "benchmarks.embedding", "--data", str(data.resolve()), "--cache", str(cache)]
        command += ["--runtime", runtime]
        for workers, name in ((1, "one_worker"), (os.cpu_count() or 1, "all_cores")):
            running = [
                subprocess.Popen(  # noqa: S603 - this module
                    command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True
                )
                for _ in range(workers)
            ]
            told = [json.loads(worker.communicate()[0] or "{}") for worker in running]
            if all(told):
                found[f"{prefix}{name}_per_second"] = round(sum(each["per_second"] for each in told), 1)
                found[f"{prefix}{name}_per_cpu_second"] = min(each["per_cpu_second"] for each in told)
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "bench" / "models")
    parser.add_argument("--runtime", choices=list(RUNTIMES))
    options = parser.parse_args()
    if options.runtime:
        figures = measure(load_embedder(options.cache, options.runtime), texts(options.data))
    else:
        figures = embedding(options.data, options.cache)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
