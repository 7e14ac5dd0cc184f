from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from transferase.cli.main import run


@dataclass(frozen=True)
class Ended:
    """How a verb ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def transferase(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a verb in this process: `transferase("search", "film", "--json").json`."""

    def call(*arguments: str) -> Ended:
        status = run(list(arguments))
        said = capsys.readouterr()
        return Ended(status, said.out, said.err)

    return call
