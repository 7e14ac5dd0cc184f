"""The secret that signs sessions is one, whoever starts first, and nobody else's to read."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

from transferase.foundation.secret import secret_key

if TYPE_CHECKING:
    from pathlib import Path


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    for attempt in range(20):
        home, start, found = tmp_path / str(attempt), threading.Barrier(8), []

        def read(home: Path = home, start: threading.Barrier = start, found: list[str] = found) -> None:
            start.wait()
            found.append(secret_key({}, home))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == 1
        assert len(found) == 8
        assert len(found[0]) > 50
        assert [path.name for path in home.iterdir()] == ["secret_key"]
        assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
