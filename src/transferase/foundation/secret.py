"""The secret that signs sessions: from the environment, else made once and kept in a file only we can read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def secret_key(environment: Mapping[str, str], home: Path) -> str:
    """The value of SECRET_KEY, or of `home/secret_key`, which is made on first use with mode 0600."""
    if given := environment.get("SECRET_KEY"):
        return given
    path = home / "secret_key"
    home.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()
