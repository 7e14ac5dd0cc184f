"""Letters about news: written once in a transaction, claimed by one worker, sent, and settled.

What a crash can do to them, and why none is sent twice, is told in the decision on digests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.timezone import localtime

from transferase.directory.models import Person
from transferase.directory.queries import viewer_of
from transferase.directory.rules import Permission, may_sign_in, require
from transferase.foundation.ids import uuid7
from transferase.foundation.ledger import record, service
from transferase.matching import rules
from transferase.matching._digests import capped, news_of
from transferase.matching._saving import CLAIMED_FOR, MOST_ATTEMPTS, MOST_REFUSED, REMEMBERED_FOR, WEEK
from transferase.matching.models import Digest, DigestState, Rhythm, Subscription, Told

if TYPE_CHECKING:
    from datetime import date, datetime

    from transferase.foundation.ledger import System

OPEN: Final = (DigestState.WAITING, DigestState.CLAIMED, DigestState.SENDING)
NOT_SENT: Final = (DigestState.EMPTY, DigestState.GIVEN_UP)


@service
def write_digest(*, actor: Person | System, person: Person, at: datetime) -> Digest | None:
    """Write the letter of a person that is due, with what it is about, and remember that this was told.

    There is none while an earlier one is on its way, when the person has had as many as asked for, or without news.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    running = Subscription.objects.select_for_update(of=("self",)).select_related("person")
    subscription = running.filter(person=person).first()
    period = _due_period(subscription, at)
    if subscription is None or period is None:
        return None
    subscription.looked_for = period
    subscription.save(update_fields=["looked_for"])
    if _has_enough(subscription, period, at):
        return None
    news = news_of(subscription, viewer_of(subscription.person, at), at)
    if not (keys := news.keys):
        return None
    digest = Digest.objects.create(
        person=person,
        period=period,
        message_id=f"<{uuid7()}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].strip('<> ') or 'localhost'}>",
        contents=capped(news, subscription.most_items),
        written_at=at,
        try_at=at,
        changed_at=at,
    )
    Told.objects.bulk_create([Told(person=person, key=key, digest=digest, at=at) for key in keys])
    record(actor=actor, action="matching.digest.written", subject=digest, period=period.isoformat(), news=len(keys))
    return digest


@service
def claim_digest(*, actor: Person | System, digest_id: int, at: datetime) -> Digest | None:
    """Take a letter in hand that is due, or that a worker left behind; None if there is nothing to send.

    One that a worker left behind while sending may have arrived: it is settled as unsure and not sent again.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    found = Digest.objects.select_for_update(skip_locked=True, of=("self",)).select_related("person")
    digest = found.filter(pk=digest_id, state__in=OPEN).first()
    if digest is None:
        return None
    is_left = digest.changed_at <= at - CLAIMED_FOR
    if digest.state == DigestState.SENDING and is_left:
        _settle(actor, digest, DigestState.UNSURE, at, trouble="worker_ended")
        return None
    is_due = digest.state == DigestState.WAITING and digest.try_at <= at
    if not (is_due or (digest.state == DigestState.CLAIMED and is_left)):
        return None
    if digest.attempts >= MOST_ATTEMPTS:
        _give_up(actor, digest, at, trouble=digest.trouble or "worker_ended")
        return None
    wanted = Subscription.objects.filter(person=digest.person).exclude(rhythm=Rhythm.OFF).exists()
    if not wanted or not may_sign_in(digest.person):
        _settle(actor, digest, DigestState.EMPTY, at)
        return None
    digest.state, digest.changed_at, digest.attempts = DigestState.CLAIMED, at, digest.attempts + 1
    digest.save(update_fields=["state", "changed_at", "attempts"])
    return digest


@service
def start_sending(*, actor: Person | System, digest: Digest, at: datetime) -> bool:
    """Note, before the first byte of a letter leaves, that it may arrive; False if somebody else took it over."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    mine = Digest.objects.filter(pk=digest.pk, state=DigestState.CLAIMED, attempts=digest.attempts)
    if not mine.update(state=DigestState.SENDING, changed_at=at):
        return False
    record(actor=actor, action="matching.digest.sending", subject=digest, attempt=digest.attempts)
    return True


@service
def settle_digest(
    *, actor: Person | System, digest: Digest, state: DigestState, trouble: str = "", at: datetime
) -> bool:
    """Say how an attempt ended: sent, empty, or unsure; False if somebody else settled the letter before."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    current = _current(digest, (DigestState.CLAIMED, DigestState.SENDING, DigestState.UNSURE))
    if current is None:
        return False
    _settle(actor, current, state, at, trouble=trouble)
    if state == DigestState.SENT:
        Subscription.objects.filter(person=current.person_id).update(refused=0)
    return True


@service
def postpone_digest(*, actor: Person | System, digest: Digest, trouble: str, at: datetime) -> bool:
    """Try a letter again later that surely did not leave: after a pause that grows, and not for ever.

    Of a letter that is given up the news is told by the next one.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    current = _current(digest, (DigestState.CLAIMED, DigestState.SENDING))
    if current is None:
        return False
    if current.attempts >= MOST_ATTEMPTS:
        _give_up(actor, current, at, trouble=trouble)
    else:
        current.try_at = at + rules.pause_after(current.attempts)
        _settle(actor, current, DigestState.WAITING, at, trouble=trouble)
    return True


@service
def refuse_digest(*, actor: Person | System, digest: Digest, trouble: str, at: datetime) -> bool:
    """Give a letter up that the other side refused for good; after some in a row no more are written."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    current = _current(digest, (DigestState.CLAIMED, DigestState.SENDING))
    if current is None:
        return False
    _give_up(actor, current, at, trouble=trouble)
    subscription = Subscription.objects.select_for_update().filter(person=current.person_id).first()
    if subscription is not None:
        subscription.refused += 1
        if subscription.refused >= MOST_REFUSED:
            subscription.rhythm, subscription.is_returned = Rhythm.OFF, True
            record(actor=actor, action="matching.subscription.returned", subject=current.person)
        subscription.save(update_fields=["refused", "rhythm", "is_returned"])
    return True


@service
def forget_letters(*, actor: Person | System, at: datetime) -> int:
    """Delete letters, and what was told, that are too old to matter; says how many rows went."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    old = at - REMEMBERED_FOR
    gone = Digest.objects.filter(written_at__lte=old).exclude(state__in=OPEN).delete()[0]
    if gone:
        record(actor=actor, action="matching.digests.forgotten", subject="matching.Digest", rows=gone)
    return gone


def _due_period(subscription: Subscription | None, at: datetime) -> date | None:
    if subscription is None or subscription.person.is_sample or not may_sign_in(subscription.person):
        return None
    period = rules.period_of(subscription.rhythm, localtime(at))
    is_done = period is None or (subscription.looked_for is not None and subscription.looked_for >= period)
    if is_done or Digest.objects.filter(person=subscription.person_id, state__in=OPEN).exists():
        return None
    return period


def _has_enough(subscription: Subscription, period: date, at: datetime) -> bool:
    letters = Digest.objects.filter(person=subscription.person_id)
    if letters.filter(period=period).exists():
        return True
    today = localtime(at).date()
    week = letters.filter(period__gt=today - WEEK).exclude(state__in=NOT_SENT)
    return week.count() >= subscription.most_letters


def _current(digest: Digest, states: tuple[DigestState, ...]) -> Digest | None:
    """The letter as it stands, if this attempt is still the last one."""
    found = Digest.objects.select_for_update(of=("self",)).select_related("person")
    return found.filter(pk=digest.pk, attempts=digest.attempts, state__in=states).first()


def _give_up(actor: Person | System, digest: Digest, at: datetime, *, trouble: str) -> None:
    digest.told.all().delete()
    _settle(actor, digest, DigestState.GIVEN_UP, at, trouble=trouble)


def _settle(actor: Person | System, digest: Digest, state: DigestState, at: datetime, *, trouble: str = "") -> None:
    digest.state, digest.changed_at, digest.trouble = state, at, trouble[:100]
    digest.save(update_fields=["state", "changed_at", "trouble", "try_at"])
    record(
        actor=actor,
        action="matching.digest.settled",
        subject=digest,
        state=str(state),
        trouble=digest.trouble,
        attempt=digest.attempts,
    )
