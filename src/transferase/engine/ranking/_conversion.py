"""The packaged model as files that runtimes read, kept in a cache folder and made there once.

Conversion takes the memory of the whole model several times, so a process of its own does it (`_convert.py`).
"""

import os
import subprocess
import sys
from pathlib import Path

PIECES = "multilingual-e5-small-1.pieces"
GRAPHS = {"openvino": "multilingual-e5-small-1.xml", "onnxruntime": "multilingual-e5-small-1.onnx"}
_CONVERTER = "transferase.engine.ranking._convert"
_SECONDS = 300


def converted(cache: Path, runtime: str) -> Path:
    """The graph for a runtime; the pieces lie beside it. Raises OSError or RuntimeError when it cannot be made."""
    graph = cache / GRAPHS[runtime]
    if graph.is_file() and (cache / PIECES).is_file():
        return graph
    command = [sys.executable, "-m", _CONVERTER, str(cache), runtime]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        made = subprocess.run(  # noqa: S603 - a module of ours, run by this interpreter
            command, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError("the conversion of the model took too long") from error
    if made.returncode:
        said = made.stderr.strip().splitlines()
        raise RuntimeError(f"the model cannot be converted: {said[-1] if said else made.returncode}")
    return graph


def forget(cache: Path, runtime: str) -> None:
    """Removes files that turned out to be damaged, so that they are made again."""
    for path in (cache / GRAPHS[runtime], cache / PIECES):
        path.unlink(missing_ok=True)
