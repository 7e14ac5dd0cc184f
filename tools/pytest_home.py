"""A pytest plugin: tests run in a home of their own, `var/test`, on a database server without fsync.

Django reads its settings before any conftest is loaded, so this is a plugin named in pyproject.toml. Workers of
pytest-xdist inherit the home and share its server. A second run at the same time takes `var/test-2`, and so on.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHOSEN = "TRANSFERASE_TEST_HOME"
RUNS_AT_ONCE = 16


def choose_home() -> None:
    """Point TRANSFERASE_HOME at a test home that no other run uses, unless one is named already."""
    if CHOSEN not in os.environ:
        for number in range(1, RUNS_AT_ONCE + 1):
            home = ROOT / "var" / ("test" if number == 1 else f"test-{number}")
            home.mkdir(parents=True, exist_ok=True)
            # Kept open on purpose: the lock lasts as long as this run.
            lock = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            os.environ[CHOSEN] = str(home)
            break
        else:
            raise SystemExit(f"{RUNS_AT_ONCE} test runs are at work in this folder: wait for one of them to end.")
    os.environ["TRANSFERASE_HOME"] = os.environ[CHOSEN]
    os.environ["TRANSFERASE_DATABASE_FAST"] = "1"


choose_home()
