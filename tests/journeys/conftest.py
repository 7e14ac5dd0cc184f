"""What journeys need: a folder for imported files, and the model's converted graph kept between runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.EMBEDDING_CACHE = Path(tempfile.gettempdir()) / "transferase-test-models"
