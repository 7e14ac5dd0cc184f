"""Where the database is: the server named by DATABASE_URL, or our own PostgreSQL below TRANSFERASE_HOME.

Needs no configured Django, so that settings can call it. Our own server is started by the first process that needs
it and stopped by the last one that ends.
"""

from __future__ import annotations

import atexit
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from transferase.foundation._postgres_place import OTHER_SERVER, DatabaseUnavailable
from transferase.foundation._postgres_server import EXTENSIONS, Server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = [
    "DatabaseUnavailable",
    "Problem",
    "Server",
    "check_server",
    "database_settings",
    "ensure_database",
    "replica_settings",
]

OLDEST_SERVER = 17
OLDEST_VECTOR = (0, 8)
CONNECT_LIMIT_S = 10
# A replica that is gone must not hold up a page for long.
REPLICA_LIMIT_S = 2
PACKAGES = {"vector": "postgresql-{version}-pgvector"}

_servers: dict[Path, Server] = {}


@dataclass(frozen=True)
class Problem:
    """Something that keeps the platform from working: what is wrong and what to do, a sentence each."""

    code: str
    what: str
    remedy: str
    facts: Mapping[str, str] = field(default_factory=dict)


def database_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """What Django needs to reach the database; starts our own server when DATABASE_URL is not set."""
    url = environment.get("DATABASE_URL", "").strip()
    told = parse_address(url) if url else own_server(environment).address()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": told.pop("dbname", "") or told.get("user", "") or "transferase",
        "USER": told.pop("user", ""),
        "PASSWORD": told.pop("password", ""),
        "HOST": told.pop("host", ""),
        "PORT": told.pop("port", ""),
        "OPTIONS": {"connect_timeout": CONNECT_LIMIT_S, **told},
        "CONN_MAX_AGE": 60,
        # A connection that the server has dropped, as after a crash, is opened again instead of failing.
        "CONN_HEALTH_CHECKS": True,
    }


def replica_settings(environment: Mapping[str, str], primary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What Django needs to reach each replica of DATABASE_REPLICA_URLS, several divided by spaces; they only read."""
    found = {}
    for number, url in enumerate(environment.get("DATABASE_REPLICA_URLS", "").split(), start=1):
        told = parse_address(url, "DATABASE_REPLICA_URLS")
        found[f"replica{number}"] = {
            **primary,
            "NAME": told.pop("dbname", "") or primary["NAME"],
            "USER": told.pop("user", ""),
            "PASSWORD": told.pop("password", ""),
            "HOST": told.pop("host", ""),
            "PORT": told.pop("port", ""),
            "OPTIONS": {
                "connect_timeout": REPLICA_LIMIT_S,
                **told,
                "options": f"{told.get('options', '')} -c default_transaction_read_only=on".strip(),
            },
            "TEST": {"MIRROR": "default"},
        }
    return found


def ensure_database(environment: Mapping[str, str]) -> str:
    """The connection string of the database; starts our own server when DATABASE_URL is not set."""
    return environment.get("DATABASE_URL", "").strip() or own_server(environment).conninfo()


def own_server(environment: Mapping[str, str]) -> Server:
    """Our own server below TRANSFERASE_HOME, running; given back when this process ends."""
    home = Path(environment.get("TRANSFERASE_HOME") or "var").resolve()
    if home not in _servers:
        server = Server(home, fast=environment.get("TRANSFERASE_DATABASE_FAST") == "1")
        server.start()
        _servers[home] = server
        atexit.register(server.stop)
    return _servers[home].start()


def parse_address(url: str, variable: str = "DATABASE_URL") -> dict[str, str]:
    """The parts of a connection string; the sentence for a faulty one does not repeat it, as it holds a password."""
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        raise DatabaseUnavailable(
            f"{variable} cannot be read.",
            "Write it as postgresql://user:password@host:5432/name, special characters percent-encoded.",
        ) from None


def check_server(connection: BaseDatabaseWrapper) -> list[Problem]:
    """What is missing on the database server for the platform to work on it; empty when all is well."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding')"
            )
            version, encoding = cursor.fetchone()
            cursor.execute(EXTENSION_QUERY, [list(EXTENSIONS)])
            found = {name: (default, installed, may_create) for name, default, installed, may_create in cursor}
            problems = [*_server_problems(version, encoding), *_extension_problems(version, found)]
            if found.get("pg_trgm", (None, None, False))[1]:
                cursor.execute("SELECT cardinality(show_trgm('기술')) > 0 AND cardinality(show_trgm('技术')) > 0")
                if not cursor.fetchone()[0]:
                    problems.append(BLIND_TRIGRAMS)
    except Exception as error:
        # Django wraps the error of the driver in its own class, which is only importable once Django is there.
        if not isinstance(error.__cause__ or error, psycopg.OperationalError):
            raise
        return [_unreachable(error)]
    return problems


EXTENSION_QUERY = """
    SELECT available.name, available.default_version, available.installed_version,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
           OR (version.trusted AND has_database_privilege(current_database(), 'CREATE'))
      FROM pg_available_extensions AS available
      JOIN pg_available_extension_versions AS version
        ON version.name = available.name AND version.version = available.default_version
     WHERE available.name = ANY(%s)
"""
BLIND_TRIGRAMS = Problem(
    "trigrams_blind",
    "The locale of this database does not know Korean and Chinese letters, so that search would not find them.",
    "Make the database anew: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin "
    "BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'.",
)


def _unreachable(error: Exception) -> Problem:
    told = str(error).strip().splitlines() or ["no answer"]
    return Problem(
        "server_unreachable",
        f"The database server does not let us in: {told[-1]}.",
        "Check DATABASE_URL, and that the server runs and lets this account in.",
    )


def _server_problems(version: int, encoding: str) -> list[Problem]:
    problems = []
    if version < OLDEST_SERVER:
        problems.append(
            Problem(
                "server_too_old",
                f"The database server is PostgreSQL {version}, and version {OLDEST_SERVER} or newer is needed.",
                f"{OTHER_SERVER} Without DATABASE_URL the platform runs a server of its own.",
                {"version": str(version), "needed": str(OLDEST_SERVER)},
            )
        )
    if encoding != "UTF8":
        problems.append(
            Problem(
                "encoding_not_utf8",
                f"The database stores text as {encoding}, which cannot hold three languages.",
                "Make the database anew: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8'.",
                {"encoding": encoding},
            )
        )
    return problems


def _extension_problems(version: int, found: Mapping[str, tuple[str, str | None, bool]]) -> list[Problem]:
    problems = []
    for extension in EXTENSIONS:
        default, installed, may_create = found.get(extension, (None, None, False))
        facts = {"extension": extension, "available": default or "", "installed": installed or ""}
        package = PACKAGES.get(extension, "postgresql-contrib").format(version=version)
        is_old = extension == "vector" and default is not None and _numbers(default) < OLDEST_VECTOR
        if default is None or (is_old and not installed):
            problems.append(
                Problem(
                    "extension_missing",
                    f"The database server lacks the extension {extension}{' 0.8 or newer' if is_old else ''}.",
                    f"Install it on the server (Debian: {package}), then run as a superuser in this database: "
                    f"CREATE EXTENSION {extension};",
                    facts,
                )
            )
        elif installed is None and not may_create:
            problems.append(
                Problem(
                    "extension_not_created",
                    f"The extension {extension} is not active in this database.",
                    f"Run as a superuser in this database: CREATE EXTENSION {extension};",
                    facts,
                )
            )
        elif extension == "vector" and installed is not None and _numbers(installed) < OLDEST_VECTOR:
            first = f"Install a newer one on the server (Debian: {package}), then run" if is_old else "Run"
            problems.append(
                Problem(
                    "extension_too_old",
                    f"The extension vector is version {installed}, and 0.8 or newer is needed.",
                    f"{first} as a superuser in this database: ALTER EXTENSION vector UPDATE;",
                    facts,
                )
            )
    return problems


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
