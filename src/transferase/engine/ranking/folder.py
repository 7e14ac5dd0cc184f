"""Embedding by a sentence-transformer in a folder of this machine, exported to ONNX.

What the folder says is kept to: tokenizer.json, the pooling of 1_Pooling/config.json, the longest text of
sentence_bert_config.json or tokenizer_config.json, the prompts of config_sentence_transformers.json. The graph is
model.onnx or onnx/model.onnx, with weights inside or beside it; OpenVINO runs it, else ONNX Runtime.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.ranking.embedding import EmbedderUnavailable, Prefixes, Role, token_batches, unit

MOST_TOKENS = 512
_PLACES = ("model.onnx", "onnx/model.onnx", "model_optimized.onnx", "onnx/model_optimized.onnx")
_KNOWN_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})
_POOLED_OUTPUTS = ("sentence_embedding", "sentence_embeddings", "text_embeds", "pooled_embeddings")
_POOLINGS = {
    "pooling_mode_cls_token": "first",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "most",
    "pooling_mode_mean_sqrt_len_tokens": "mean",  # the same once vectors have length one
    "pooling_mode_lasttoken": "last",
}
_HASHED = 1 << 20

Arrays = Mapping[str, npt.NDArray[np.int64]]
Run = Callable[[Arrays], Mapping[str, npt.NDArray[Any]]]


@dataclass(frozen=True)
class FolderModel:
    """What the files of a folder say about its model; the graph itself is not loaded."""

    folder: Path
    graph: Path
    pooling: str
    most_tokens: int
    lower_case: bool
    prefixes: Prefixes
    version: str


def read_folder(folder: Path, prefixes: Prefixes | None = None) -> FolderModel:
    """Reads the small files of a folder; raises EmbedderUnavailable, naming what is missing or damaged."""
    if not folder.is_dir():
        raise EmbedderUnavailable(f"the folder {folder} does not exist")
    graph = _graph(folder)
    if not (folder / "tokenizer.json").is_file():
        raise EmbedderUnavailable(f"{folder} has no tokenizer.json")
    lengths = _json(folder, "sentence_bert_config.json")
    tokens = lengths.get("max_seq_length") or _json(folder, "tokenizer_config.json").get("model_max_length")
    positions = _json(folder, "config.json").get("max_position_embeddings")
    caps = [int(cap) for cap in (tokens, positions) if isinstance(cap, (int, float)) and cap >= 8]
    most_tokens = min([MOST_TOKENS, *caps])
    pooling = _pooling(folder)
    told = prefixes if prefixes is not None else _prompts(folder)
    digest = hashlib.sha256()
    for part in (pooling, str(most_tokens), *(told.get(role, "") for role in Role)):
        digest.update(part.encode() + b"\0")
    for path in (folder / "tokenizer.json", graph):
        digest.update(_fingerprint(path))
    version = f"{folder.resolve().name[:60]}/{digest.hexdigest()[:12]}"
    return FolderModel(folder, graph, pooling, most_tokens, bool(lengths.get("do_lower_case")), told, version)


def _graph(folder: Path) -> Path:
    for place in _PLACES:
        if (folder / place).is_file():
            return folder / place
    found = sorted([*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx")])
    if len(found) == 1:
        return found[0]
    what = "several graphs and none is called model.onnx" if found else "no model.onnx"
    raise EmbedderUnavailable(f"{folder} has {what}")


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        return {}
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmbedderUnavailable(f"{path} cannot be read") from error
    return raw if isinstance(raw, dict) else {}


def _pooling(folder: Path) -> str:
    stated = _json(folder, "1_Pooling/config.json")
    chosen = [name for key, name in _POOLINGS.items() if stated.get(key)]
    if len(chosen) > 1:
        raise EmbedderUnavailable(f"{folder} joins several kinds of pooling, which is not supported")
    return chosen[0] if chosen else "mean"


def _prompts(folder: Path) -> Prefixes:
    raw = _json(folder, "config_sentence_transformers.json").get("prompts")
    prompts = {name: said for name, said in raw.items() if isinstance(said, str)} if isinstance(raw, dict) else {}
    asked = prompts.get("query", "")
    offered = next((prompts[name] for name in ("passage", "document", "corpus") if name in prompts), "")
    return {Role.QUERY: asked, Role.PASSAGE: offered, Role.SENTENCE: offered} if asked or offered else {}


def _fingerprint(path: Path) -> bytes:
    # Weights may take gigabytes: size, head and tail tell two models apart.
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HASHED)
        file.seek(max(0, size - _HASHED))
        return hashlib.sha256(size.to_bytes(8, "big") + head + file.read(_HASHED)).digest()


class FolderEmbedder:
    """A sentence-transformer in a folder."""

    def __init__(self, folder: Path, prefixes: Prefixes | None = None) -> None:
        """Loads the graph and embeds one text; raises EmbedderUnavailable with the reason when that fails."""
        self._model = read_folder(folder, prefixes)
        try:
            from tokenizers import Tokenizer  # noqa: PLC0415 - slow

            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.enable_truncation(self._model.most_tokens)
            self._tokenizer.no_padding()
        except Exception as error:  # the library raises plain Exceptions
            raise EmbedderUnavailable(f"{folder / 'tokenizer.json'} cannot be read: {_first_line(error)}") from error
        self._run, self._inputs, self._runtime = _load(self._model.graph)
        unknown = sorted(self._inputs - _KNOWN_INPUTS)
        if unknown:
            raise EmbedderUnavailable(f"{self._model.graph} wants {', '.join(unknown)}, which no text encoder does")
        self._lock = threading.Lock()
        try:
            self._dimension = int(self._batch(self._ids(["dimension"])).shape[1])
        except EmbedderUnavailable:
            raise
        except Exception as error:  # runtimes raise classes of their own
            raise EmbedderUnavailable(f"{self._model.graph} does not run: {_first_line(error)}") from error

    @property
    def name(self) -> str:
        """Folder and runtime."""
        return f"{self._model.folder.resolve().name}, {self._runtime}"

    @property
    def model_version(self) -> str:
        """Changes with the files of the folder and with the prefixes."""
        return self._model.version

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], role: Role) -> Floats:
        """Unit vectors of the texts, each up to the longest that the model reads."""
        prefix = self._model.prefixes.get(role, "")
        rows = self._ids([prefix + text for text in texts])
        vectors = np.empty((len(rows), self._dimension), np.float32)
        for batch in token_batches([len(row) for row in rows]):
            try:
                vectors[batch] = self._batch([rows[index] for index in batch])
            except EmbedderUnavailable:
                raise
            except Exception as error:  # runtimes raise classes of their own
                raise EmbedderUnavailable(f"{self._model.graph} failed: {_first_line(error)}") from error
        return vectors

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        if self._model.lower_case:
            texts = [text.lower() for text in texts]
        found = [list(self._tokenizer.encode(text).ids) for text in texts]
        return [row or [0] for row in found]

    def _batch(self, rows: Sequence[Sequence[int]]) -> Floats:
        width = max(map(len, rows))
        ids = np.zeros((len(rows), width), np.int64)
        real = np.zeros((len(rows), width), np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            real[number, : len(row)] = 1
        given = {
            "input_ids": ids,
            "attention_mask": real,
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(np.arange(width), ids.shape).copy(),
        }
        with self._lock:
            outputs = self._run({name: given[name] for name in self._inputs})
        vectors = _pooled(outputs, real, self._model.pooling)
        if vectors is None or len(vectors) != len(rows):
            raise EmbedderUnavailable(f"{self._model.graph} gives neither vectors of tokens nor of texts")
        if not np.isfinite(vectors).all():
            raise EmbedderUnavailable(f"{self._model.graph} gives vectors that are no numbers")
        return unit(vectors)


def _pooled(outputs: Mapping[str, npt.NDArray[Any]], real: npt.NDArray[np.int64], pooling: str) -> Floats | None:
    for name in _POOLED_OUTPUTS:
        if name in outputs and outputs[name].ndim == 2:
            return outputs[name].astype(np.float32)
    tokens = next((value for value in outputs.values() if value.ndim == 3), None)
    if tokens is None:
        return None
    mask = real[..., None].astype(np.float32)
    tokens = tokens.astype(np.float32)
    if pooling == "first":
        return np.asarray(tokens[:, 0], np.float32)
    if pooling == "last":
        return np.asarray(tokens[np.arange(len(tokens)), real.sum(1) - 1], np.float32)
    if pooling == "most":
        return np.asarray(np.where(mask > 0, tokens, -np.inf).max(1), np.float32)
    return np.asarray((tokens * mask).sum(1) / mask.sum(1), np.float32)


# ---------------------------------------------------------------- runtimes


def _load(graph: Path) -> tuple[Run, frozenset[str], str]:
    reasons = []
    for load in (_openvino, _onnxruntime):
        try:
            return load(graph)
        except Exception as error:  # noqa: BLE001 - runtimes raise classes of their own
            reasons.append(f"{load.__name__[1:]}: {_first_line(error)}")
    raise EmbedderUnavailable(f"{graph} cannot be loaded ({'; '.join(reasons)})")


def _openvino(graph: Path) -> tuple[Run, frozenset[str], str]:
    import openvino  # noqa: PLC0415 - optional

    core = openvino.Core()
    precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    compiled = core.compile_model(str(graph), "CPU", settings)
    request = compiled.create_infer_request()
    names = [(port, port.get_any_name()) for port in compiled.outputs]

    def run(given: Arrays) -> Mapping[str, npt.NDArray[Any]]:
        result = request.infer(dict(given))
        return {name: np.array(result[port]) for port, name in names}

    return run, frozenset(port.get_any_name() for port in compiled.inputs), f"OpenVINO {precision}"


def _onnxruntime(graph: Path) -> tuple[Run, frozenset[str], str]:
    import onnxruntime  # noqa: PLC0415 - optional

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(given: Arrays) -> Mapping[str, npt.NDArray[Any]]:
        return dict(zip(names, session.run(names, dict(given)), strict=True))

    return run, frozenset(port.name for port in session.get_inputs()), "ONNX Runtime"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
