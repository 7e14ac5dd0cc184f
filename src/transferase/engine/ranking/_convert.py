"""Converts the packaged model, as a process of its own: `python -m ..._convert FOLDER RUNTIME`.

Files are written under temporary names and renamed when whole and checked against the wheel's own engine.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transferase.engine.ranking._conversion import GRAPHS, PIECES
from transferase.engine.ranking._e5_file import WeightFile, packaged_file, sentencepiece_model
from transferase.engine.ranking._graph import write_graph
from transferase.engine.ranking.embedding import Role
from transferase.engine.ranking.packaged import WheelEmbedder, run_graph

_LEAST_AGREEMENT = 0.999


def convert(cache: Path, runtime: str) -> None:
    """Makes what is missing of the files for a runtime; a second process waits for the first."""
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "multilingual-e5-small.lock"):
        weights = WeightFile(packaged_file())
        if not (cache / PIECES).is_file():
            with _whole(cache / PIECES) as unfinished:
                unfinished.write_bytes(sentencepiece_model(weights.pieces(), weights.specials))
        if (cache / GRAPHS[runtime]).is_file():
            return
        if runtime == "openvino":
            _write_openvino(weights, cache)
        else:
            with _whole(cache / GRAPHS[runtime]) as unfinished:
                write_graph(weights, unfinished)
                _check(weights, cache, runtime, unfinished)


def _write_openvino(weights: WeightFile, cache: Path) -> None:
    import openvino  # noqa: PLC0415 - optional

    graph = cache / GRAPHS["openvino"]
    # The 4-bit weights lose nothing that matters in 16 bits, and the file is mapped, not copied, into memory.
    with _whole(cache / f"{graph.stem}.source.onnx") as source, _whole(graph) as unfinished:
        write_graph(weights, source)
        openvino.save_model(openvino.Core().read_model(source), unfinished, compress_to_fp16=True)
        _check(weights, cache, "openvino", unfinished)
        # The runtime looks for the weights beside the graph, so they must be there first.
        unfinished.with_suffix(".bin").replace(graph.with_suffix(".bin"))
        unfinished.replace(graph)
        source.unlink()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a lock between processes; the system lets go of it when a process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary path beside a file, which gets the file's name when the block ends well and is removed otherwise."""
    unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
    try:
        yield unfinished
        if unfinished.is_file():
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
        unfinished.with_suffix(".bin").unlink(missing_ok=True)


_SAMPLES = ("질병 저항성이 높은 밀 품종", "用于锂离子电池的正极材料", "A deployable antenna for small satellites")


def _check(weights: WeightFile, cache: Path, runtime: str, graph: Path) -> None:
    """A fresh graph must agree with the wheel's own engine, where there is one to ask."""
    try:
        reference = WheelEmbedder(weights, cache / PIECES).embed(_SAMPLES, Role.PASSAGE)
    except (ImportError, OSError, RuntimeError):
        return
    vectors = run_graph(weights, cache / PIECES, runtime, graph).embed(_SAMPLES, Role.PASSAGE)
    agreement = float((reference * vectors).sum(1).min())
    if not agreement > _LEAST_AGREEMENT:
        raise RuntimeError(f"the converted graph does not agree with the packaged engine (cosine {agreement:.4f})")


if __name__ == "__main__":
    try:
        convert(Path(sys.argv[1]), sys.argv[2])
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        sys.exit(str(error) or type(error).__name__)
