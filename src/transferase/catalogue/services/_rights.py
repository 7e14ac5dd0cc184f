"""Who may read what is not public, what holds a listing back, and which rights somebody has already.

Floors above the catalogue write these rows through here; the catalogue does not know why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transferase.catalogue import queries, rules
from transferase.catalogue.models import Access, Direction, Encumbrance, Hold, Listing, Tier
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import InvalidContent, Problem
from transferase.foundation.ledger import record, service

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.directory.models import Organisation, Person
    from transferase.foundation.ledger import System

LONGEST_REASON = 60


@service
def grant_access(
    *,
    actor: Person | System,
    listing: Listing,
    organisation: Organisation,
    tier: str,
    at: datetime,
    ends_at: datetime | None = None,
    because: str = "",
) -> Access:
    """Let an organisation read one tier of a listing, from now and until a day; `because` refers to what led to it."""
    require(actor, Permission.CATALOGUE_LISTING_WRITE, listing.owner_id)
    if tier not in {Tier.INTRODUCED, Tier.NDA}:
        raise InvalidContent(problems=(Problem("tier", "unknown_code", {"code": tier, "vocabulary": "tier"}),))
    access = Access.objects.create(
        listing=listing, organisation=organisation, tier=tier, starts_at=at, ends_at=ends_at, because=because
    )
    record(
        actor=actor,
        action="catalogue.access.granted",
        subject=listing,
        organisation=organisation.pk,
        tier=tier,
        because=because,
    )
    return access


@service
def revoke_access(*, actor: Person | System, access: Access, at: datetime) -> Access:
    """Close a tier to an organisation again."""
    require(actor, Permission.CATALOGUE_LISTING_WRITE, access.listing.owner_id)
    if access.ends_at is not None and access.ends_at <= at:
        raise rules.AlreadyEnded
    access.ends_at = at
    access.save(update_fields=["ends_at"])
    record(
        actor=actor,
        action="catalogue.access.revoked",
        subject=access.listing,
        organisation=access.organisation_id,
        tier=access.tier,
    )
    return access


@service
def place_hold(*, actor: Person | System, listing: Listing, reason: str, at: datetime) -> Hold:
    """Keep a listing from being published or seen until a check is done; a second hold for one reason is the first."""
    require(actor, Permission.CATALOGUE_LISTING_REVIEW)
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidContent(problems=(Problem("reason", "required" if not reason else "too_long"),))
    hold, is_new = Hold.objects.get_or_create(
        listing=listing, reason=reason, lifted_at=None, defaults={"placed_at": at}
    )
    if is_new:
        record(actor=actor, action="catalogue.listing.held", subject=listing, reason=reason)
    return hold


@service
def lift_hold(*, actor: Person | System, hold: Hold, at: datetime) -> Hold:
    """End a hold; the listing is as visible as its state and its other holds let it be."""
    require(actor, Permission.CATALOGUE_LISTING_REVIEW)
    if hold.lifted_at is not None:
        raise rules.AlreadyEnded
    hold.lifted_at = at
    hold.save(update_fields=["lifted_at"])
    record(actor=actor, action="catalogue.listing.released", subject=hold.listing, reason=hold.reason)
    return hold


@service
def encumber(
    *,
    actor: Person | System,
    listing: Listing,
    exclusivity: str,
    starts_at: datetime,
    at: datetime,
    ends_at: datetime | None = None,
    field: str = "",
    territory: str = "world",
    text_reference: str = "",
) -> Encumbrance:
    """Note which rights in an offer somebody has: field, territory, period, exclusivity.

    Refused where it overlaps with exclusive or sole rights, or would itself be exclusive or sole over others.
    """
    locked = Listing.objects.select_for_update().get(pk=listing.pk)
    require(actor, Permission.CATALOGUE_LISTING_WRITE, locked.owner_id)
    symbol = rules.normalise_ipc(field) if field else ""
    known = queries.known_codes()
    problems = []
    if locked.direction != Direction.OFFER:
        problems.append(Problem("listing", "not_for_direction", {"direction": locked.direction}))
    if symbol is None:
        problems.append(Problem("field", "unknown_code", {"code": field, "vocabulary": "ipc"}))
    for name, code, vocabulary in (("territory", territory, "country"), ("exclusivity", exclusivity, "exclusivity")):
        if code not in known[vocabulary]:
            problems.append(Problem(name, "unknown_code", {"code": code, "vocabulary": vocabulary}))
    if ends_at is not None and ends_at <= starts_at:
        problems.append(Problem("ends_at", "not_in_order"))
    if problems or symbol is None:
        raise InvalidContent(problems=tuple(problems))
    for other in locked.encumbrances.all():
        is_exclusive = exclusivity != rules.NON_EXCLUSIVE or other.exclusivity != rules.NON_EXCLUSIVE
        if is_exclusive and rules.overlaps(
            other, field=symbol, territory=territory, starts_at=starts_at, ends_at=ends_at
        ):
            raise rules.Encumbered(encumbrance=other.pk)
    encumbrance = Encumbrance.objects.create(
        listing=locked,
        field=symbol,
        territory=territory,
        exclusivity=exclusivity,
        starts_at=starts_at,
        ends_at=ends_at,
        text_reference=text_reference,
    )
    record(
        actor=actor,
        action="catalogue.listing.encumbered",
        subject=locked,
        encumbrance=encumbrance.pk,
        at=at.isoformat(),
    )
    return encumbrance


@service
def release_encumbrance(*, actor: Person | System, encumbrance: Encumbrance, at: datetime) -> Encumbrance:
    """Note that rights somebody had in an offer are free again from now on."""
    require(actor, Permission.CATALOGUE_LISTING_WRITE, encumbrance.listing.owner_id)
    if encumbrance.ends_at is not None and encumbrance.ends_at <= at:
        raise rules.AlreadyEnded
    encumbrance.ends_at = max(at, encumbrance.starts_at)
    encumbrance.save(update_fields=["ends_at"])
    record(
        actor=actor,
        action="catalogue.listing.unencumbered",
        subject=encumbrance.listing,
        encumbrance=encumbrance.pk,
    )
    return encumbrance
