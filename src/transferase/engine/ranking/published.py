"""The figures that ship with the engine: the newest benchmark of those who made it, as it was written."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

SHIPPED_FIGURES = Path(__file__).parent / "figures" / "bench.json"


@cache
def shipped_figures() -> Mapping[str, Any]:
    """The whole run: `at`, `commit`, `machine` and `figures`."""
    run: Mapping[str, Any] = json.loads(SHIPPED_FIGURES.read_text(encoding="utf-8"))
    return run
