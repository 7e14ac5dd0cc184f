"""Filters as conditions of a statement, and counts of results by the values that filters may take.

The counts of a filter's values honour all other filters, so a reader sees what choosing a value would give.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from transferase.matching._reach import Reach
    from transferase.matching.rules import Filters

_SYMBOL: Final = re.compile(r"([A-HY]\d{2}[A-Z])\s*(\d{1,4})(/\d*)?")
TRL_BANDS: Final = {"1-3": (1, 3), "4-6": (4, 6), "7-9": (7, 9)}
NOT_STATED: Final = "none"
MOST_VALUES: Final = 40

# Whose an anonymous listing is may be neither counted nor asked for, except by its owner.
_KNOWN_OWNER = "(NOT i.is_anonymous OR i.owner_id = ANY(%(facet_own)s))"
_CONDITIONS: Final[Mapping[str, str]] = {
    "fields": "i.fields && %(filter_fields)s::varchar[]",
    "ipc": "EXISTS (SELECT 1 FROM unnest(i.ipc) AS code WHERE starts_with(code, %(filter_ipc)s))",
    "trl": "(i.trl_high >= %(filter_trl_low)s AND i.trl_low <= %(filter_trl_high)s)",
    "countries": "i.country = ANY(%(filter_countries)s)",
    "transfer_modes": "i.transfer_modes && %(filter_transfer_modes)s::varchar[]",
    "languages": "i.original_language = ANY(%(filter_languages)s)",
    "organisation_id": f"(i.owner_id = %(filter_organisation_id)s AND {_KNOWN_OWNER})",
    "published_since": """EXISTS (SELECT 1 FROM catalogue_listing p
        WHERE p.id = i.listing_id AND p.published_at > %(filter_published_since)s)""",
}
_BANDS: Final = ", ".join(f"('{name}', {low}, {high})" for name, (low, high) in TRL_BANDS.items())
# filter -> the values that a listing has for it, as rows of one column
_VALUES: Final[Mapping[str, str]] = {
    "fields": "SELECT unnest(b.fields)",
    "ipc": "SELECT DISTINCT left(code, 4) FROM unnest(b.ipc) AS code",
    "trl": f"""SELECT band FROM (VALUES {_BANDS}) AS bands (band, low, high)
               WHERE b.trl_high >= low AND b.trl_low <= high
               UNION ALL SELECT '{NOT_STATED}' WHERE b.trl_low IS NULL""",  # noqa: S608 - constants
    "countries": "SELECT b.country WHERE b.country <> ''",
    "transfer_modes": "SELECT unnest(b.transfer_modes)",
    "languages": "SELECT b.original_language",
    "organisation_id": "SELECT b.known_owner::text WHERE b.known_owner IS NOT NULL",
    "direction": "SELECT b.direction",
}


def conditions(filters: Filters, own: Sequence[int]) -> tuple[dict[str, str], dict[str, Any]]:
    """The condition of each filter that asks something, by its name, and their parameters."""
    parameters: dict[str, Any] = {
        "facet_own": list(own),
        "filter_fields": list(filters.fields),
        "filter_ipc": _beginning(filters.ipc),
        "filter_trl_low": filters.trl_low or 1,
        "filter_trl_high": filters.trl_high or 9,
        "filter_countries": list(filters.countries),
        "filter_transfer_modes": list(filters.transfer_modes),
        "filter_languages": list(filters.languages),
        "filter_organisation_id": filters.organisation_id,
        "filter_published_since": filters.published_since,
    }
    asked = {
        name: condition
        for name, condition in _CONDITIONS.items()
        if (name == "trl" and (filters.trl_low or filters.trl_high)) or (name != "trl" and getattr(filters, name))
    }
    return asked, parameters


def _beginning(ipc: str) -> str:
    """A code as it is stored, as far as it goes: "h01m10" is the main group "H01M 10/", not the beginning of 100."""
    found = _SYMBOL.fullmatch(ipc.strip().upper())
    if not found:
        return ipc
    subclass, group, rest = found.groups()
    return f"{subclass} {group}{rest or '/'}"


def count(
    *,
    reach: Reach,
    directions: Sequence[str],
    filters: Filters,
    own: Sequence[int],
    listings: Sequence[UUID] | None,
) -> tuple[int, dict[str, list[tuple[str, int]]], dict[str, int]]:
    """How many listings pass the filters, how many for each value of each filter, and how many without each filter.

    Counted are the given listings, or all within reach where none are given.
    """
    asked, parameters = conditions(filters, own)
    parameters |= {**reach.parameters, "directions": list(directions), "listings": list(listings or ())}
    passes = ", ".join(f"({condition}) AS pass_{name}" for name, condition in asked.items())
    chosen = "" if listings is None else "AND i.listing_id = ANY(%(listings)s)"
    base = f"""base AS MATERIALIZED (
        SELECT i.direction, i.fields, i.ipc, i.trl_low, i.trl_high, i.country, i.transfer_modes, i.original_language,
               CASE WHEN {_KNOWN_OWNER} THEN i.owner_id END AS known_owner {"," if passes else ""} {passes}
        FROM matching_listingindex i JOIN catalogue_listing l ON l.id = i.listing_id
        WHERE i.is_lead AND i.direction = ANY(%(directions)s) {chosen} AND {reach.row} AND {reach.listing})"""  # noqa: S608

    def passing(but: str = "") -> str:
        return " AND ".join(f"b.pass_{name}" for name in asked if name != but) or "TRUE"

    parts = [f"SELECT 'total', '', count(*) FROM base b WHERE {passing()}"]  # noqa: S608
    parts += [f"SELECT 'without', '{name}', count(*) FROM base b WHERE {passing(name)}" for name in asked]  # noqa: S608
    parts += [
        f"(SELECT '{name}', value, count(*) FROM base b, LATERAL ({values}) AS v (value) WHERE {passing(name)}"  # noqa: S608
        f" GROUP BY value ORDER BY count(*) DESC, value LIMIT {MOST_VALUES})"
        for name, values in _VALUES.items()
    ]
    total = 0
    facets: dict[str, list[tuple[str, int]]] = {name: [] for name in _VALUES}
    without: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {base} {' UNION ALL '.join(parts)}", parameters)
        for name, value, number in cursor.fetchall():
            if name == "total":
                total = number
            elif name == "without":
                without[value] = number
            else:
                facets[name].append((value, number))
    return total, facets, without


def newest(
    *,
    reach: Reach,
    directions: Sequence[str],
    filters: Filters,
    own: Sequence[int],
    limit: int,
    offset: int,
) -> list[tuple[UUID, str, str]]:
    """The listings that pass the filters, newest first: id, direction, language."""
    asked, parameters = conditions(filters, own)
    parameters |= {**reach.parameters, "directions": list(directions), "limit": limit, "offset": offset}
    where = " AND ".join(["i.is_lead", "i.direction = ANY(%(directions)s)", reach.row, reach.listing, *asked.values()])
    statement = f"""SELECT i.listing_id, i.direction, i.original_language
        FROM matching_listingindex i JOIN catalogue_listing l ON l.id = i.listing_id
        WHERE {where} ORDER BY l.published_at DESC NULLS FIRST, l.id DESC LIMIT %(limit)s OFFSET %(offset)s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
