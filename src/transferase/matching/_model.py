"""The models of this process, each loaded when the first text needs it; without one, words still work.

The running edition of the index says by which model its texts are compared; the settings say which one is wanted. While
they differ the next edition is built with the wanted model, and searches go on with the former one.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from django.conf import settings

from transferase.engine.ranking import (
    EmbedderUnavailable,
    Role,
    embedder_version,
    long_parts,
    open_embedder,
    read_prefixes,
    unit,
)
from transferase.matching import _editions as editions
from transferase.matching.models import Edition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from transferase.engine.ranking import Embedder
    from transferase.matching._editions import Standing

WORDS_ONLY: Final = "none"
RETRY_AFTER: Final = 60.0
# A model that did not answer is left alone for so long: nobody's search waits for its time limit again and again.
SILENT_FOR: Final = 10.0
# Seconds that an endpoint may take: while a reader waits for a search, and while a worker makes the index.
READER_WAITS: Final = 5.0
WORKER_WAITS: Final = 60.0
MOST_TYPED: Final = 2048
_LOG = logging.getLogger(__name__)

_loading = threading.Lock()
_loaded: dict[str, Embedder] = {}
_failed: dict[str, float] = {}
_silent: dict[str, float] = {}
_troubles: dict[str, str] = {}


# ---------------------------------------------------------------- which model


def wanted_version() -> str:
    """The vector space of the configured model, without loading it; empty when only words are wanted or it is none."""
    return _version_of(settings.EMBEDDING, settings.EMBEDDING_PREFIXES, settings.EMBEDDING_DIMENSION)


def model_version() -> str:
    """The vector space of the running edition; empty when only words are wanted."""
    return "" if settings.EMBEDDING == WORDS_ONLY else editions.running().model_version


def _version_of(wanted: str, prefixes: str, dimension: int | None) -> str:
    if wanted == WORDS_ONLY:
        return ""
    try:
        version = _named(wanted, prefixes, dimension)
    except EmbedderUnavailable as error:
        _troubles[wanted] = str(error)
        return ""
    return version


@lru_cache(maxsize=8)
def _named(wanted: str, prefixes: str, dimension: int | None) -> str:
    return embedder_version(wanted, prefixes=read_prefixes(prefixes), dimension=dimension)


def _configured(of: Standing) -> str:
    """How the model of an edition is had: by the settings where they still name it, else as it was had before."""
    return str(settings.EMBEDDING) if wanted_version() == of.model_version else of.model


def embedder(of: Standing | None = None, *, is_waited_for: bool = False) -> Embedder | None:
    """The model of an edition, the running one if none is named, or None while it cannot be had.

    A failure is tried again after a minute. Where a reader is waiting, an endpoint is given a few seconds only.
    """
    of = of or editions.running()
    found = None if settings.EMBEDDING == WORDS_ONLY else _had(_configured(of), is_waited_for=is_waited_for)
    # The packaged model of another release may share its name and nothing else.
    return found if found is not None and found.model_version == of.model_version else None


def wanted() -> Embedder | None:
    """The configured model, or None while it cannot be had or only words are wanted."""
    return None if settings.EMBEDDING == WORDS_ONLY else _had(settings.EMBEDDING)


def warm() -> None:
    """Load the model that the next reader needs: of the running edition or, before there are tables, the wanted one."""
    is_prepared = editions.exists(Edition._meta.db_table)
    model = embedder(is_waited_for=True) if is_prepared else wanted()
    if model is not None:
        with suppress(EmbedderUnavailable):
            model.embed(["ready"], Role.QUERY)


def trouble(configured: str) -> str:
    """Why a configured model could not be had or did not answer the last time, in a sentence; empty if it did."""
    return _troubles.get(configured, "")


def wanted_trouble() -> str:
    """Why the configured model could not be had the last time, in a sentence; empty if it could."""
    wanted_version()
    return trouble(settings.EMBEDDING)


def running_trouble() -> str:
    """Why the model of the running edition cannot be had, in a sentence; empty if it can."""
    return trouble(_configured(editions.running()))


def _had(configured: str, *, is_waited_for: bool = False) -> Embedder | None:
    is_hurried = is_waited_for and "://" in configured
    key = f"{configured} hurried" if is_hurried else configured
    if key in _loaded:
        return _loaded[key]
    with _loading:
        if key not in _loaded and time.monotonic() - _failed.get(key, -RETRY_AFTER) >= RETRY_AFTER:
            try:
                _loaded[key] = _load(configured, READER_WAITS if is_hurried else WORKER_WAITS)
                _troubles.pop(configured, None)
            except EmbedderUnavailable as error:
                _failed[key] = time.monotonic()
                _troubles[configured] = str(error)
                _LOG.warning("No embedding model, searching by words only: %s", error)
    return _loaded.get(key)


def _load(configured: str, patience: float) -> Embedder:
    return open_embedder(
        configured,
        cache=settings.EMBEDDING_CACHE,
        key=settings.EMBEDDING_KEY,
        prefixes=read_prefixes(settings.EMBEDDING_PREFIXES),
        dimension=settings.EMBEDDING_DIMENSION,
        patience=patience,
    )


# ---------------------------------------------------------------- vectors


def embed(texts: Sequence[str], role: Role, of: Standing | None = None) -> NDArray[np.float32] | None:
    """Unit vectors of texts by the model of an edition, or None while it cannot be had."""
    of = of or editions.running()
    return _embedded(texts, role, of, embedder(of))


def _embedded(texts: Sequence[str], role: Role, of: Standing, model: Embedder | None) -> NDArray[np.float32] | None:
    configured = _configured(of)
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
    vectors = _embedded(long_parts(text) or [text], Role.QUERY, of, embedder(of, is_waited_for=True))
    return None if vectors is None else unit(vectors.mean(0)).tobytes()


def embed_typed(text: str, of: Standing | None = None) -> NDArray[np.float32] | None:
    """The vector of typed words, or of a whole text in parts, by the model of an edition.

    A reader who turns pages or sets filters asks for the same one again and again, so it is kept for a while.
    """
    of = of or editions.running()
    held = _typed(text, of) if settings.EMBEDDING != WORDS_ONLY else None
    if held is None:
        _typed.cache_clear()
        return None
    return np.frombuffer(held, np.float32)
