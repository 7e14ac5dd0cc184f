"""Where the database is: the server named by DATABASE_URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping


def database_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """What Django needs to reach the database; it starts nothing."""
    told = conninfo_to_dict(environment.get("DATABASE_URL", ""))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": told.get("dbname", "transferase"),
        "USER": told.get("user", ""),
        "PASSWORD": told.get("password", ""),
        "HOST": told.get("host", ""),
        "PORT": told.get("port", ""),
    }
