"""What went wrong, in one English sentence that says what to do."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import OperationalError

from transferase.foundation.errors import DomainError
from transferase.foundation.postgres import DatabaseUnavailable

SENTENCES: Final[Mapping[str, str]] = {
    "not_allowed": "The organisation's members may not do this ({permission}).",
    "wrong_state": "A listing in the state {state} cannot do this.",
    "not_ready": "The listing lacks what publishing asks for: {missing}.",
}


class _Known(dict[str, object]):
    """Facts for a sentence; one that is missing stays visible by its name."""

    def __missing__(self, key: str) -> str:
        return key


def sentence(error: DomainError) -> str:
    """One sentence for an error of the trade."""
    return told_code(error.code, error.facts)


def told_code(code: str, facts: Mapping[str, object]) -> str:
    """One sentence for a code with facts; a code without one is told in its own words."""
    if code in SENTENCES:
        return SENTENCES[code].format_map(_Known(facts))
    details = ", ".join(f"{name} {value}" for name, value in facts.items() if value not in (None, "", [], {}))
    words = code.replace("_", " ").capitalize()
    return f"{words}: {details}." if details else f"{words}."


def explained(error: Exception) -> str:
    """One sentence for whatever ended a verb; the traceback of a bug goes to a file."""
    if isinstance(error, DomainError):
        return sentence(error)
    if isinstance(error, DatabaseUnavailable):
        return str(error)
    if isinstance(error, (OperationalError, psycopg.OperationalError)):
        return f"The database cannot be reached ({_first_line(error)}): start it or correct DATABASE_URL."
    if isinstance(error, (DatabaseError, psycopg.Error)):
        return f"The database refused ({_first_line(error)}): run `transferase migrate`, then `transferase check`."
    if isinstance(error, ImproperlyConfigured):
        return f"The settings do not fit: {_first_line(error)}"
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return f"Cannot use{name}: {error.strerror or _first_line(error)}."
    return f"This is a fault of the program ({type(error).__name__}: {_first_line(error)}); {_kept(error)}."


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _kept(error: Exception) -> str:
    """Keep the traceback where whoever mends the fault can read it, and say where."""
    file = Path(os.environ.get("TRANSFERASE_HOME", "var")) / "faults.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
    except OSError:
        return "please report it"
    return f"details are in {file}"
