"""What a listing says: recorded, revised, translated, discarded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
from django.conf import settings
from django.db import IntegrityError, transaction

from transferase.catalogue import queries, rules
from transferase.catalogue._copying import LISTS, PLAIN, classifications_of
from transferase.catalogue.models import (
    Classification,
    Listing,
    ListingText,
    Origin,
    Requirement,
    Revision,
    Right,
    State,
)
from transferase.directory.models import Person
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import InvalidContent
from transferase.foundation.ledger import System, record, reference, service
from transferase.foundation.queue import enqueue

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from transferase.catalogue.rules import ListingDraft, TextDraft
    from transferase.directory.models import Organisation


# Fields that a listing and its draft share by name.
@service
def record_listing(
    *,
    actor: Person | System,
    owner: Organisation,
    draft: ListingDraft,
    at: datetime,
    listing_id: UUID | None = None,
) -> Listing:
    """Keep a new offer or need as a draft; a title or a summary is enough, the rest is asked for later.

    Who chooses the id beforehand cannot record the same thing twice: the second time is `AlreadyRecorded`.
    """
    require(actor, Permission.CATALOGUE_LISTING_WRITE, owner.pk)
    require_sample_rights(actor, draft)
    draft = _checked(draft)
    listing = Listing(
        owner=owner,
        direction=draft.direction,
        contact=actor if isinstance(actor, Person) else None,
        created_at=at,
        source=draft.source,
        external_id=draft.external_id,
        source_digest=rules.digest_of(draft) if draft.external_id else "",
    )
    if listing_id is not None:
        listing.pk = listing_id
    _fill(listing, draft, at)
    try:
        with transaction.atomic():
            listing.save(force_insert=True)
    except IntegrityError as error:
        raise rules.AlreadyRecorded(source=draft.source, external_id=draft.external_id) from error
    _write_parts(listing, draft)
    _keep_revision(listing, draft, actor, at)
    record(actor=actor, action="catalogue.listing.recorded", subject=listing, direction=listing.direction)
    return listing


@service
def revise(
    *,
    actor: Person | System,
    listing: Listing,
    draft: ListingDraft,
    at: datetime,
    seen: int | None = None,
    reviews: bool = True,
) -> Listing:
    """Replace the whole content and keep the former version; nothing happens when nothing changed.

    What strangers wrote is looked at again: a public listing of an unverified organisation returns to review.
    Machine-made texts go when the text they were made from changes. With `seen`, the version that the draft was
    made from, a listing that somebody else changed since is left as it is. With `reviews` false a reviewer or an
    operator makes no use of that right here, as with a key to the API that was not given it.
    """
    listing = _locked(listing)
    require(actor, Permission.CATALOGUE_LISTING_WRITE, listing.owner_id)
    if listing.state == State.TAKEN:
        raise rules.WrongState(act="revise", state=listing.state)
    if seen is not None and seen != listing.version:
        raise rules.ChangedMeanwhile(version=listing.version)
    before = queries.draft_of(listing)
    if draft.is_sample != before.is_sample:
        require_sample_rights(actor, replace(draft, is_sample=True))
    draft = _checked(replace(draft, direction=listing.direction, source=before.source, external_id=before.external_id))
    if rules.as_json(draft) == rules.as_json(before):
        return listing
    draft = _without_stale_translations(draft, before)
    is_seen = listing.state in {State.PUBLISHED, State.PAUSED, State.IN_REVIEW}
    if is_seen and (missing := rules.missing_for_publishing(draft)):
        raise rules.NotReady(missing=missing)
    if listing.state in {State.PUBLISHED, State.PAUSED} and not may_skip_review(actor, listing, reviews=reviews):
        listing.state = State.IN_REVIEW
    listing.version += 1
    _fill(listing, draft, at)
    listing.save()
    _write_parts(listing, draft)
    _keep_revision(listing, draft, actor, at)
    record(
        actor=actor,
        action="catalogue.listing.revised",
        subject=listing,
        version=listing.version,
        state=str(listing.state),
    )
    if listing.state == State.PUBLISHED:
        ask_for_translation(listing.pk)
    return listing


@service
def record_translation(
    *, actor: Person | System, listing: Listing, text: TextDraft, at: datetime, of: TextDraft | None = None
) -> Listing:
    """Add what a listing says in another language, or replace an earlier translation.

    A machine may not take the place of a person's words, and nobody that of the original. Nothing happens when the
    text it was made `of` was changed or closed meanwhile.
    """
    listing = _locked(listing)
    require(actor, Permission.CATALOGUE_LISTING_WRITE, listing.owner_id)
    before = queries.draft_of(listing)
    if of is not None and of not in before.texts:
        return listing
    present = next((t for t in before.texts if (t.language, t.tier) == (text.language, text.tier)), None)
    is_by_machine = text.origin == Origin.MACHINE
    if text.origin == Origin.ORIGINAL or (
        present and (present.origin == Origin.ORIGINAL or (is_by_machine and present.origin != Origin.MACHINE))
    ):
        raise rules.OriginalKept(language=text.language, tier=text.tier)
    others = tuple(t for t in before.texts if t is not present)
    draft = _checked(replace(before, texts=(*others, text)))
    if set(draft.texts) == set(before.texts):
        return listing
    listing.version += 1
    listing.revised_at = at
    listing.save(update_fields=["version", "revised_at"])
    _write_parts(listing, draft)
    _keep_revision(listing, draft, actor, at)
    record(
        actor=actor,
        action="catalogue.listing.revised",
        subject=listing,
        version=listing.version,
        state=str(listing.state),
        translation=text.language,
    )
    return listing


@service
def discard(*, actor: Person | System, listing: Listing, at: datetime) -> None:
    """Delete a draft that was never published; its ledger entry stays."""
    listing = _locked(listing)
    require(actor, Permission.CATALOGUE_LISTING_WRITE, listing.owner_id)
    if listing.state != State.DRAFT or listing.published_at is not None:
        raise rules.WrongState(act="discard", state=listing.state)
    record(actor=actor, action="catalogue.listing.discarded", subject=listing, at=at.isoformat())
    listing.delete()


def may_skip_review(actor: Person | System, listing: Listing, *, reviews: bool = True) -> bool:
    """Whether what an actor publishes is seen at once: all of somebody who `reviews`, else as the owner is trusted."""
    return (reviews and rules.may_review(actor)) or needs_no_review(is_verified=listing.owner.is_verified)


def needs_no_review(*, is_verified: bool) -> bool:
    """Whether the platform trusts an owner to publish: the verified ones, unless it always reviews."""
    return is_verified and settings.REVIEW == "unverified"


def ask_for_translation(listing_id: UUID) -> None:
    """Have the missing languages of a public listing filled in, where a translation service is configured."""
    if settings.TRANSLATION_ENDPOINT:
        enqueue("catalogue.translate", queueing_lock=f"catalogue.translate:{listing_id}", listing_id=str(listing_id))


def _locked(listing: Listing) -> Listing:
    return Listing.objects.select_for_update(of=("self",)).select_related("owner").get(pk=listing.pk)


def require_sample_rights(actor: Person | System, draft: ListingDraft) -> None:
    """Let only operators and the platform call something a sample."""
    if draft.is_sample:
        require(actor, Permission.CATALOGUE_VOCABULARY_WRITE)


def _checked(draft: ListingDraft) -> ListingDraft:
    cleaned = rules.clean_draft(draft)
    if problems := rules.check_draft(cleaned, queries.known_codes()):
        raise InvalidContent(problems=problems)
    return cleaned


def _without_stale_translations(draft: ListingDraft, before: ListingDraft) -> ListingDraft:
    old = {(t.language, t.tier): t for t in before.texts}
    changed = {
        t.tier for t in draft.texts if t.language == draft.original_language and old.get((t.language, t.tier)) != t
    }
    kept = tuple(
        t
        for t in draft.texts
        if not (t.tier in changed and t.origin == Origin.MACHINE and old.get((t.language, t.tier)) == t)
    )
    return replace(draft, texts=kept)


def _fill(listing: Listing, draft: ListingDraft, at: datetime) -> None:
    for name in PLAIN:
        setattr(listing, name, getattr(draft, name))
    for name in LISTS:
        setattr(listing, name, list(getattr(draft, name)))
    listing.revised_at = at


def _write_parts(listing: Listing, draft: ListingDraft) -> None:
    _write_texts(listing, draft)
    wanted = classifications_of(draft)
    present = {(c.scheme, c.code): c for c in listing.classifications.all()}
    Classification.objects.filter(pk__in=[c.pk for key, c in present.items() if key not in wanted]).delete()
    Classification.objects.bulk_create(
        Classification(listing=listing, scheme=scheme, code=code, is_derived=is_derived)
        for (scheme, code), is_derived in wanted.items()
        if (scheme, code) not in present
    )
    # Rights that did not change keep their rows, so that their history shows real changes only.
    rights = {queries.right_draft(right): right for right in listing.rights.all()}
    Right.objects.filter(pk__in=[right.pk for key, right in rights.items() if key not in draft.rights]).delete()
    for right in draft.rights:
        if right not in rights:
            Right.objects.create(listing=listing, **vars(right))
    if tuple(queries.requirement_draft(r) for r in listing.requirements.order_by("pk")) != draft.requirements:
        listing.requirements.all().delete()
        Requirement.objects.bulk_create(Requirement(listing=listing, **vars(r)) for r in draft.requirements)


def _write_texts(listing: Listing, draft: ListingDraft) -> None:
    present = {(text.language, text.tier): text for text in listing.texts.all()}
    wanted = {(text.language, text.tier): text for text in draft.texts}
    listing.texts.filter(pk__in=[text.pk for key, text in present.items() if key not in wanted]).delete()
    for key, text in wanted.items():
        row = present.get(key)
        if row is None:
            ListingText.objects.create(listing=listing, **vars(text))
        elif queries.text_draft(row) != text:
            for name, value in vars(text).items():
                setattr(row, name, value)
            row.save()


def _keep_revision(listing: Listing, draft: ListingDraft, actor: Person | System, at: datetime) -> None:
    Revision.objects.create(
        listing=listing,
        version=listing.version,
        at=at,
        actor=reference(actor),
        content=orjson.loads(rules.as_json(draft)),
    )
