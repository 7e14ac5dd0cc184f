"""How a listing moves between states, and how the clock moves it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.db.models import F, Q

from transferase.catalogue import queries, rules
from transferase.catalogue.models import Hold, Listing, State
from transferase.catalogue.services._content import ask_for_translation, may_skip_review
from transferase.directory.models import Membership
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import InvalidContent, Problem
from transferase.foundation.ledger import System, record, service
from transferase.foundation.queue import enqueue

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from transferase.directory.models import Person

# The clock works in portions, so that no transaction holds many rows for long.
PORTION = 500


@service
def submit(*, actor: Person | System, listing: Listing, at: datetime, reviews: bool = True) -> Listing:
    """Ask for a listing to be seen: at once if the owner is verified, else it waits for a reviewer.

    A reviewer or an operator who submits has looked at it; with `reviews` false they make no use of that right.
    """
    listing = _claimed(actor, listing, "submit")
    _require_ready(listing)
    listing.state, listing.state_reason, listing.state_note = State.IN_REVIEW, "", ""
    listing.save(update_fields=["state", "state_reason", "state_note"])
    record(actor=actor, action="catalogue.listing.submitted", subject=listing)
    if may_skip_review(actor, listing, reviews=reviews) and not _is_held(listing):
        _publish(actor, listing, at)
    return listing


@service
def publish(*, actor: Person | System, listing: Listing, at: datetime) -> Listing:
    """Let everybody see a listing; for reviewers, operators and the platform."""
    listing = _locked(listing)
    require(actor, Permission.CATALOGUE_LISTING_REVIEW)
    rules.require_start("publish", listing)
    _require_ready(listing)
    if _is_held(listing):
        raise rules.Held
    _publish(actor, listing, at)
    return listing


@service
def send_back(*, actor: Person | System, listing: Listing, reason: str, at: datetime, note: str = "") -> Listing:
    """Return a listing to its owner with a coded reason and, if need be, some words that only the owner reads."""
    listing = _locked(listing)
    require(actor, Permission.CATALOGUE_LISTING_REVIEW)
    rules.require_start("send_back", listing)
    _require_reason(reason, rules.SEND_BACK_REASONS, "send_back_reason")
    listing.state, listing.state_reason, listing.state_note = State.DRAFT, reason, note.strip()
    listing.save(update_fields=["state", "state_reason", "state_note"])
    record(actor=actor, action="catalogue.listing.sent_back", subject=listing, reason=reason, at=at.isoformat())
    return listing


@service
def pause(*, actor: Person | System, listing: Listing, at: datetime) -> Listing:
    """Hide a listing for a while; its confirmation date runs on."""
    listing = _claimed(actor, listing, "pause")
    listing.state = State.PAUSED
    listing.save(update_fields=["state"])
    record(actor=actor, action="catalogue.listing.paused", subject=listing, at=at.isoformat())
    return listing


@service
def resume(*, actor: Person | System, listing: Listing, at: datetime) -> Listing:
    """Show a paused listing again, which also confirms it."""
    listing = _claimed(actor, listing, "resume")
    _renew(listing, "resume", at)
    listing.state = State.PUBLISHED
    listing.save(update_fields=["state", "confirmed_at", "visible_until"])
    record(actor=actor, action="catalogue.listing.resumed", subject=listing, until=str(listing.visible_until))
    return listing


@service
def confirm(*, actor: Person | System, listing: Listing, at: datetime) -> Listing:
    """Say that a listing still holds, so that it stays visible; once expired it has to be submitted again."""
    listing = _locked(listing)
    require(actor, Permission.CATALOGUE_LISTING_WRITE, listing.owner_id)
    if listing.state not in {State.PUBLISHED, State.PAUSED}:
        raise rules.WrongState(act="confirm", state=str(listing.state))
    _renew(listing, "confirm", at)
    listing.save(update_fields=["confirmed_at", "visible_until"])
    record(actor=actor, action="catalogue.listing.confirmed", subject=listing, until=str(listing.visible_until))
    return listing


@service
def withdraw(*, actor: Person | System, listing: Listing, reason: str, at: datetime) -> Listing:
    """Take a listing out of sight for good or until it is submitted again, and say why."""
    _require_reason(reason, rules.WITHDRAW_REASONS, "withdraw_reason")
    listing = _claimed(actor, listing, "withdraw")
    listing.state, listing.state_reason = State.WITHDRAWN, reason
    listing.save(update_fields=["state", "state_reason"])
    record(actor=actor, action="catalogue.listing.withdrawn", subject=listing, reason=reason, at=at.isoformat())
    return listing


@service
def take(*, actor: Person | System, listing: Listing, reason: str, at: datetime) -> Listing:
    """Close a listing because the technology has gone to somebody or the need is met; there is no way back."""
    _require_reason(reason, rules.TAKEN_REASONS, "taken_reason")
    listing = _claimed(actor, listing, "take")
    listing.state, listing.state_reason = State.TAKEN, reason
    listing.save(update_fields=["state", "state_reason"])
    record(actor=actor, action="catalogue.listing.taken", subject=listing, reason=reason, at=at.isoformat())
    return listing


@service
def expire_due(*, actor: Person | System, at: datetime) -> int:
    """Move what nobody confirmed in time to expired, a portion at a time, and say how many; zero when none is left."""
    require(actor, Permission.CATALOGUE_LISTING_REVIEW)
    due = Listing.objects.filter(state__in=(State.PUBLISHED, State.PAUSED), visible_until__lte=at)
    count = 0
    for listing in due.select_for_update(skip_locked=True).order_by("visible_until")[:PORTION]:
        rules.require_start("expire", listing)
        listing.state = State.EXPIRED
        listing.save(update_fields=["state"])
        record(actor=actor, action="catalogue.listing.expired", subject=listing, at=at.isoformat())
        count += 1
    return count


@service
def remind_due(*, actor: Person | System, at: datetime) -> list[Listing]:
    """Ask the members of owners, one mail a person, to confirm what expires soon; once for each confirmation."""
    require(actor, Permission.CATALOGUE_LISTING_REVIEW)
    due = Listing.objects.filter(
        Q(reminded_at=None) | Q(reminded_at__lt=F("confirmed_at")),
        state__in=(State.PUBLISHED, State.PAUSED),
        visible_until__gt=at,
        visible_until__lte=at + rules.REMINDED_BEFORE,
        is_sample=False,
    )
    reminded = list(due.select_for_update(skip_locked=True).order_by("visible_until")[:PORTION])
    owned: dict[int, list[str]] = defaultdict(list)
    for listing in reminded:
        listing.reminded_at = at
        listing.save(update_fields=["reminded_at"])
        owned[listing.owner_id].append(str(listing.pk))
        record(actor=actor, action="catalogue.listing.reminded", subject=listing, until=str(listing.visible_until))
    members = Membership.objects.in_force(at).filter(organisation__in=owned, person__is_active=True)
    letters: dict[int, list[str]] = defaultdict(list)
    for person_id, organisation_id in members.values_list("person_id", "organisation_id").distinct():
        letters[person_id] += owned[organisation_id]
    for person_id, listing_ids in letters.items():
        enqueue("catalogue.send_reminder", person_id=person_id, listing_ids=listing_ids)
    return reminded


def _locked(listing: Listing) -> Listing:
    return Listing.objects.select_for_update(of=("self",)).select_related("owner").get(pk=listing.pk)


def _claimed(actor: Person | System, listing: Listing, act: str) -> Listing:
    """The row as it stands now, locked, if the actor may edit it and the act may start from its state."""
    current = _locked(listing)
    require(actor, Permission.CATALOGUE_LISTING_WRITE, current.owner_id)
    rules.require_start(act, current)
    return current


def _require_ready(listing: Listing) -> None:
    if missing := rules.missing_for_publishing(queries.draft_of(listing)):
        raise rules.NotReady(missing=missing)


def _require_reason(reason: str, known: Collection[str], vocabulary: str) -> None:
    if reason not in known:
        problem = Problem(
            "reason", "unknown_code" if reason else "required", {"code": reason, "vocabulary": vocabulary}
        )
        raise InvalidContent(problems=(problem,))


def _is_held(listing: Listing) -> bool:
    return Hold.objects.filter(listing=listing, lifted_at=None).exists()


def _publish(actor: Person | System, listing: Listing, at: datetime) -> None:
    listing.state, listing.state_reason, listing.state_note = State.PUBLISHED, "", ""
    listing.published_at = at
    _renew(listing, "publish", at)
    listing.save(update_fields=["state", "state_reason", "state_note", "published_at", "confirmed_at", "visible_until"])
    record(actor=actor, action="catalogue.listing.published", subject=listing, until=str(listing.visible_until))
    ask_for_translation(listing.pk)


def _renew(listing: Listing, act: str, at: datetime) -> None:
    until = rules.visible_until(published_at=listing.published_at or at, at=at)
    if until <= at:
        # Older than the longest validity: it has to be submitted, and so perhaps reviewed, again.
        raise rules.WrongState(act=act, state=str(listing.state))
    listing.confirmed_at, listing.visible_until = at, until
