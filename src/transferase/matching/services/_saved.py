"""Searches that persons keep, and whether they want letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime

from transferase.directory.models import Person
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import InvalidContent
from transferase.foundation.ledger import System, record, service
from transferase.matching import rules
from transferase.matching._saving import MOST_SEARCHES
from transferase.matching.models import Rhythm, SavedSearch, Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.matching.rules import SearchDraft


@service
def save_search(*, actor: Person | System, person: Person, draft: SearchDraft, at: datetime) -> SavedSearch:
    """Keep a search for a person, who hears of what is published from now on."""
    _require_self(actor, person)
    cleaned = _checked(draft)
    # Two at once take turns, so that nobody gets past the limit.
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    if SavedSearch.objects.filter(person=person).count() >= MOST_SEARCHES:
        raise rules.TooManySearches(most=MOST_SEARCHES)
    saved = SavedSearch(person=person, created_at=at, looked_at=at)
    _write(saved, cleaned)
    record(actor=actor, action="matching.search.saved", subject=saved)
    return saved


@service
def revise_search(*, actor: Person | System, search: SavedSearch, draft: SearchDraft, at: datetime) -> SavedSearch:
    """Give a saved search another name, other words or other filters; what is new counts from when it was looked at."""
    _require_self(actor, search.person)
    _write(search, _checked(draft))
    record(actor=actor, action="matching.search.revised", subject=search, at=at.isoformat())
    return search


@service
def forget_search(*, actor: Person | System, search: SavedSearch, at: datetime) -> None:
    """Delete a saved search."""
    _require_self(actor, search.person)
    record(actor=actor, action="matching.search.forgotten", subject=search, at=at.isoformat())
    search.delete()


@service
def look_at_search(*, actor: Person | System, search: SavedSearch, at: datetime) -> SavedSearch:
    """Count from now on what is new in a saved search; the mark is derived from visits and has no entry."""
    _require_self(actor, search.person)
    search.looked_at = at
    search.save(update_fields=["looked_at"])
    return search


@service
def subscribe(
    *, actor: Person | System, person: Person, rhythm: str, most_items: int, most_letters: int, at: datetime
) -> Subscription:
    """Choose how often a person gets letters, with how many items each, and how many letters in seven days at most.

    What was there before letters were switched on is no news.
    """
    _require_self(actor, person)
    if problems := tuple(rules.check_subscription(rhythm, most_items, most_letters)):
        raise InvalidContent(problems=problems)
    subscription, _is_new = Subscription.objects.select_for_update().get_or_create(
        person=person, defaults={"since": at, "rhythm": Rhythm.OFF}
    )
    if subscription.rhythm == Rhythm.OFF:
        # The first letter is that of the next day or week.
        subscription.since, subscription.looked_for = at, rules.current_period(rhythm, localtime(at))
    subscription.rhythm = rhythm
    subscription.most_items, subscription.most_letters = most_items, most_letters
    subscription.refused, subscription.is_returned = 0, False
    subscription.save()
    record(
        actor=actor,
        action="matching.subscription.changed",
        subject=person,
        rhythm=rhythm,
        most_items=most_items,
        most_letters=most_letters,
    )
    return subscription


@service
def unsubscribe(*, actor: Person | System, person: Person, at: datetime) -> bool:
    """Send a person no more letters; says whether there were any to stop. Whoever holds a letter may ask for it."""
    _require_self(actor, person)
    stopped = Subscription.objects.filter(person=person).exclude(rhythm=Rhythm.OFF).update(rhythm=Rhythm.OFF)
    if stopped:
        record(actor=actor, action="matching.subscription.ended", subject=person, at=at.isoformat())
    return bool(stopped)


def _require_self(actor: Person | System, person: Person) -> None:
    if not (isinstance(actor, Person) and actor.pk == person.pk):
        require(actor, Permission.DIRECTORY_MEMBERSHIP_WRITE)


def _checked(draft: SearchDraft) -> SearchDraft:
    cleaned = rules.clean_search(draft)
    if problems := tuple(rules.check_search(cleaned)):
        raise InvalidContent(problems=problems)
    return cleaned


def _write(search: SavedSearch, draft: SearchDraft) -> None:
    search.name, search.text, search.direction = draft.name, draft.text, draft.direction
    search.language, search.filters = draft.language, rules.stored_filters(draft.filters)
    try:
        with transaction.atomic():
            search.save()
    except IntegrityError as error:
        raise rules.NameTaken(field="name") from error
