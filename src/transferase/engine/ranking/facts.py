"""What is stated about a need and an offer, as far as the ranking weighs it.

An empty value is "not stated", never "none". Codes are those of the platform's vocabularies; countries are
ISO 3166 alpha-2; "world" is every country.
"""

from dataclasses import dataclass

WORLD = "world"


@dataclass(frozen=True)
class Grant:
    """A right already given to somebody: a field (an IPC node, empty for every field) in a territory."""

    exclusivity: str
    territory: str = WORLD
    field: str = ""


@dataclass(frozen=True)
class NeedFacts:
    """What a need states."""

    trl_low: int | None = None
    trl_high: int | None = None
    ipc: tuple[str, ...] = ()
    transfer_modes: frozenset[str] = frozenset()
    exclusivity: str = ""
    country: str = ""
    territory: frozenset[str] = frozenset()
    excluded_countries: frozenset[str] = frozenset()
    partner_kinds: frozenset[str] = frozenset()
    owner: str = ""
    owner_kind: str = ""
    is_held: bool = False


@dataclass(frozen=True)
class OfferFacts:
    """What an offer states."""

    trl_low: int | None = None
    trl_high: int | None = None
    ipc: tuple[str, ...] = ()
    transfer_modes: frozenset[str] = frozenset()
    exclusivity: str = ""
    country: str = ""
    territory: frozenset[str] = frozenset()
    excluded_countries: frozenset[str] = frozenset()
    partner_kinds: frozenset[str] = frozenset()
    owner: str = ""
    owner_kind: str = ""
    is_held: bool = False
    grants: tuple[Grant, ...] = ()
