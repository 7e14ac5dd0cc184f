"""Who may find what: the one place where the conditions of every search and match statement are written.

The index copies what decides over reach, so that candidates are chosen among what the viewer may see; the listing and
its text are asked again for the few rows that are shown, because the copy is renewed by a worker a moment later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from transferase.directory.rules import Viewer

_GRANTED = """(i.listing_id, i.tier) IN (
    SELECT a.listing_id, a.tier FROM catalogue_access a
    WHERE a.organisation_id = ANY(%(reach_own)s) AND a.starts_at <= %(reach_at)s
      AND (a.ends_at IS NULL OR a.ends_at > %(reach_at)s))"""
_OWN = "{alias}.owner_id = ANY(%(reach_own)s)"
_OPEN = "i.is_open AND i.visible_until > %(reach_at)s"
_PUBLIC = """l.state = 'published' AND l.visible_until > %(reach_at)s AND NOT EXISTS (
    SELECT 1 FROM catalogue_hold h WHERE h.listing_id = l.id AND h.lifted_at IS NULL)"""
_TEXT = """EXISTS (SELECT 1 FROM catalogue_listingtext t
    WHERE t.listing_id = i.listing_id AND t.language = i.language AND t.tier = i.tier)"""


@dataclass(frozen=True)
class Reach:
    """Conditions on a row of the index (alias `i`) and on its listing (alias `l`), and their parameters."""

    row: str
    listing: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def reach_of(viewer: Viewer, at: datetime) -> Reach:
    """What a viewer may find at a time: open listings in the tiers that are open to them, and the own ones."""
    parameters = {"reach_own": sorted(viewer.organisations), "reach_at": at}
    if viewer.sees_everything:
        return Reach("TRUE", _TEXT, parameters)
    tiers = "i.tier = 'public'"
    if viewer.is_registered:
        tiers = "i.tier IN ('public', 'registered')"
    if viewer.organisations:
        tiers = f"({tiers} OR {_GRANTED})"
    row = f"(({_OPEN} AND {tiers}) OR {_OWN.format(alias='i')})"
    listing = f"(({_PUBLIC}) OR {_OWN.format(alias='l')}) AND {_TEXT}"
    return Reach(row, listing, parameters)


def public_reach(at: datetime) -> Reach:
    """What everybody may find at a time: matches are made of nothing else."""
    return Reach(f"({_OPEN} AND i.tier = 'public')", f"({_PUBLIC}) AND {_TEXT}", {"reach_at": at})
