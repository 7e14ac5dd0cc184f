"""The secret that signs sessions: from the environment, else made once and kept in a file only we can read."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def secret_key(environment: Mapping[str, str], home: Path) -> str:
    """The value of SECRET_KEY, or of `home/secret_key`, which is made on first use with mode 0600."""
    if given := environment.get("SECRET_KEY"):
        return given
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(prefix=".secret_key-", dir=home)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        # It appears whole or not at all, and of two processes that start at once the first one gives it.
        with suppress(FileExistsError):
            os.link(made, path)
        Path(made).unlink()
    return path.read_text().strip()
