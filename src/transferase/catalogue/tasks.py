"""Jobs of the catalogue: the clock moves listings, owners are reminded, texts are translated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from transferase.catalogue import _letters, _translation, queries, services
from transferase.catalogue.models import Listing, Origin, State, Tier
from transferase.directory.models import Person
from transferase.directory.queries import viewer_of
from transferase.foundation.languages import LANGUAGES
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.queue import periodic, task


@periodic("catalogue.expire", cron="*/10 * * * *")
def expire(timestamp: int) -> None:
    """Move what nobody confirmed in time to expired."""
    at = datetime.fromtimestamp(timestamp, UTC)
    while services.expire_due(actor=SYSTEM, at=at):
        pass


@periodic("catalogue.remind", cron="17 * * * *")
def remind(timestamp: int) -> None:
    """Ask owners to confirm what expires soon."""
    at = datetime.fromtimestamp(timestamp, UTC)
    while services.remind_due(actor=SYSTEM, at=at):
        pass


@task("catalogue.send_reminder", queue="mail")
def send_reminder(*, person_id: int, listing_ids: list[str]) -> None:
    """Write to one person about listings that expire soon and that the person may still see."""
    at = timezone.now()
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if person is None:
        return
    viewer = viewer_of(person, at)
    due = Listing.objects.owned_by(viewer).filter(pk__in=listing_ids, state__in=(State.PUBLISHED, State.PAUSED))
    if sheets := queries.sheets(list(due.order_by("visible_until")), viewer, at, person.language):
        _letters.remind(person, sheets)


@task("catalogue.translate", queue="translation", retry=5)
def translate(*, listing_id: str) -> None:
    """Fill in the public text in the languages that a listing lacks."""
    listing = Listing.objects.filter(pk=listing_id, state=State.PUBLISHED).first()
    if listing is None or not settings.TRANSLATION_ENDPOINT:
        return
    draft = queries.draft_of(listing)
    original = next((t for t in draft.texts if t.language == draft.original_language and t.tier == Tier.PUBLIC), None)
    present = {t.language for t in draft.texts if t.tier == Tier.PUBLIC}
    if original is None:
        return
    texts = {name: text for name, text in vars(original).items() if name not in {"language", "tier", "origin"}}
    for language in LANGUAGES:
        if language not in present:
            found = _translation.translate(texts, original.language, language)
            text = replace(original, language=language, origin=Origin.MACHINE, **{**dict.fromkeys(texts, ""), **found})
            services.record_translation(actor=SYSTEM, listing=listing, text=text, at=timezone.now(), of=original)
