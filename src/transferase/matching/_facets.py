"""Filters as conditions of a statement, and counts of results by the values that filters may take.

The counts of a filter's values honour all other filters, so a reader sees what choosing a value would give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from transferase.foundation.replicas import reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from django.db.backends.utils import CursorWrapper

    from transferase.matching._reach import Reach
    from transferase.matching.rules import Filters

_SYMBOL: Final = re.compile(r"([A-HY]\d{2}[A-Z])\s*(\d{1,4})(/\d*)?")
TRL_BANDS: Final = {"1-3": (1, 3), "4-6": (4, 6), "7-9": (7, 9)}
NOT_STATED: Final = "none"
MOST_VALUES: Final = 40

# Whose an anonymous listing is may be neither counted nor asked for, except by its owner.
_KNOWN_OWNER = "(NOT i.is_anonymous OR i.owner_id = ANY(%(facet_own)s))"
# Without a text this many of the newest are counted in an index of so many rows and more.
COUNTED: Final = 5_000
EXACT_BELOW: Final = 30_000
_COLUMNS: Final = f"""SELECT i.direction, i.fields, i.ipc, i.trl_low, i.trl_high, i.country, i.transfer_modes,
    i.original_language, CASE WHEN {_KNOWN_OWNER} THEN i.owner_id END AS known_owner"""
_CONDITIONS: Final[Mapping[str, str]] = {
    "fields": "i.fields && %(filter_fields)s::varchar[]",
    "ipc": """(matching_ipc_nodes(i.ipc) @> ARRAY[%(filter_ipc_node)s]
        AND EXISTS (SELECT 1 FROM unnest(i.ipc) AS code WHERE starts_with(code, %(filter_ipc)s)))""",
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
        "filter_ipc_node": _node(_beginning(filters.ipc)),
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


def _node(beginning: str) -> str:
    """The nearest node at or above the beginning of a code: what the index knows listings by."""
    if "/" in beginning:
        return beginning[: beginning.index("/") + 1]
    return beginning[: max((length for length in (1, 3, 4) if length <= len(beginning)), default=0)]


@dataclass(frozen=True)
class Counts:
    """How many listings pass the filters, for each value of each filter, and without each filter.

    In a large index, where no text narrows the choice, only the newest are counted; `is_capped` says that there are
    more than `total`.
    """

    total: int
    facets: Mapping[str, Sequence[tuple[str, int]]]
    without: Mapping[str, int]
    is_capped: bool = False


def count(
    *,
    reach: Reach,
    directions: Sequence[str],
    filters: Filters,
    own: Sequence[int],
    listings: Sequence[UUID] | None,
) -> Counts:
    """The counts of the given listings, or of all within reach where none are given."""
    asked, parameters = conditions(filters, own)
    parameters |= {**reach.parameters, "directions": list(directions), "listings": list(listings or ())}
    with reading().cursor() as cursor:
        if listings is None:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'matching_listingindex'::regclass")
            if cursor.fetchone()[0] >= EXACT_BELOW:
                return _newest_counted(cursor, asked, parameters, reach, directions)
        return _counted(cursor, asked, parameters, reach, is_all=listings is None)


def _counted(
    cursor: CursorWrapper, asked: Mapping[str, str], parameters: Mapping[str, Any], reach: Reach, *, is_all: bool
) -> Counts:
    passes = "".join(f", ({condition}) AS pass_{name}" for name, condition in asked.items())
    chosen = "" if is_all else "AND i.listing_id = ANY(%(listings)s)"
    base = f"""base AS MATERIALIZED ({_COLUMNS} {passes}
        FROM matching_listingindex i JOIN catalogue_listing l ON l.id = i.listing_id
        WHERE i.is_lead AND i.direction = ANY(%(directions)s) {chosen} AND {reach.row} AND {reach.listing})"""

    def passing(but: str = "") -> str:
        return " AND ".join(f"b.pass_{name}" for name in asked if name != but) or "TRUE"

    parts = [_total("base", passing())]
    parts += [_without(name, "base", passing(name)) for name in asked]
    parts += [_values(name, "base", passing(name)) for name in _VALUES]
    cursor.execute(f"WITH {base} {' UNION ALL '.join(parts)}", parameters)
    return _told(cursor.fetchall())


def _newest_counted(
    cursor: CursorWrapper,
    asked: Mapping[str, str],
    parameters: Mapping[str, Any],
    reach: Reach,
    directions: Sequence[str],
) -> Counts:
    """Counts of the newest that pass, for each set of filters that a count honours a look of its own.

    What the index copies of the listings is taken as it is: a count that says "more than" bears being a moment old.
    """
    tables: dict[str, str] = {}
    for but in ("", *asked):
        where = " AND ".join(["i.is_lead", reach.row, *(told for name, told in asked.items() if name != but)])
        each = " UNION ALL ".join(
            f"""({_COLUMNS} FROM matching_listingindex i WHERE i.direction = '{direction}' AND {where}
            ORDER BY i.listing_id DESC LIMIT {COUNTED + 1})"""
            for direction in directions
        )
        tables[f"but_{but}"] = f"but_{but} AS MATERIALIZED ({each})"
    parts = [_total("but_", "TRUE")]
    parts += [_without(name, f"but_{name}", "TRUE") for name in asked]
    parts += [_values(name, f"but_{name}" if name in asked else "but_", "TRUE") for name in _VALUES]
    cursor.execute(f"WITH {', '.join(tables.values())} {' UNION ALL '.join(parts)}", parameters)
    counts = _told(cursor.fetchall())
    more = sum(number > COUNTED for _, number in counts.facets["direction"])
    return replace(counts, total=counts.total - more, is_capped=more > 0)


def _total(table: str, where: str) -> str:
    return f"SELECT 'total', '', count(*) FROM {table} b WHERE {where}"  # noqa: S608 - constants


def _without(name: str, table: str, where: str) -> str:
    return f"SELECT 'without', '{name}', count(*) FROM {table} b WHERE {where}"  # noqa: S608 - constants


def _values(name: str, table: str, where: str) -> str:
    return f"""(SELECT '{name}', value, count(*) FROM {table} b, LATERAL ({_VALUES[name]}) AS v (value) WHERE {where}
        GROUP BY value ORDER BY count(*) DESC, value LIMIT {MOST_VALUES})"""  # noqa: S608 - constants


def _told(rows: Sequence[tuple[str, str, int]]) -> Counts:
    total = 0
    facets: dict[str, list[tuple[str, int]]] = {name: [] for name in _VALUES}
    without: dict[str, int] = {}
    for name, value, number in rows:
        if name == "total":
            total = number
        elif name == "without":
            without[value] = number
        else:
            facets[name].append((value, number))
    return Counts(total, facets, without)


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
    parameters |= {**reach.parameters, "limit": limit, "offset": offset, "most": limit + offset}
    where = " AND ".join(["i.is_lead", reach.row, reach.listing, *asked.values()])
    # Of each direction alone the newest stand first in an index.
    each = " UNION ALL ".join(
        f"""(SELECT l.id, l.direction, i.original_language, l.published_at
        FROM catalogue_listing l JOIN matching_listingindex i ON i.listing_id = l.id
        WHERE l.direction = '{direction}' AND {where}
        ORDER BY l.published_at DESC NULLS FIRST, l.id DESC LIMIT %(most)s)"""  # noqa: S608 - constants
        for direction in directions
    )
    statement = f"""SELECT id, direction, original_language FROM ({each}) newest
        ORDER BY published_at DESC NULLS FIRST, id DESC LIMIT %(limit)s OFFSET %(offset)s"""  # noqa: S608 - constants
    with reading().cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
