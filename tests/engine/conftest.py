"""What engine tests share: the packaged model, loaded once, its graph kept between runs."""

import importlib.util
import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from transferase.engine.ranking import load_embedder


def pytest_collection_modifyitems(items):
    """Every test in this folder is an engine test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def model_cache():
    """A folder of the user's own where the converted graph outlives a test run."""
    folder = Path(tempfile.gettempdir()) / f"transferase-models-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def embedder(model_cache):
    return load_embedder(model_cache)


@pytest.fixture(scope="session")
def needs_runtime():
    """Skips loudly where a runtime is not installed."""

    def check(name):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"NOT TESTED: {name} is not installed, so its vectors were not compared")

    return check


class LettersEmbedder:
    """Counts letter pairs: a deterministic stand-in for a model where a test is about ranking, not meaning."""

    name = "letter pairs"
    model_version = "letter-pairs"
    dimension = 64

    def embed(self, texts, role):
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for first, second in itertools.pairwise(text):
                rows[row, (ord(first) * 31 + ord(second)) % self.dimension] += 1
        rows += 1e-6
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def letters():
    return LettersEmbedder()
