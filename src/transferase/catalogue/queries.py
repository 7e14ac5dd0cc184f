"""Questions about listings and vocabularies that doors and other floors ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count

from transferase.catalogue import rules
from transferase.catalogue._sheets import Coded as Coded
from transferase.catalogue._sheets import ListingSheet as ListingSheet
from transferase.catalogue._sheets import Passage as Passage
from transferase.catalogue._sheets import SheetClassification as SheetClassification
from transferase.catalogue._sheets import SheetEncumbrance as SheetEncumbrance
from transferase.catalogue._sheets import SheetRequirement as SheetRequirement
from transferase.catalogue._sheets import SheetRight as SheetRight
from transferase.catalogue._sheets import SheetText as SheetText
from transferase.catalogue._sheets import SheetTier as SheetTier
from transferase.catalogue._sheets import sheets as sheets
from transferase.catalogue._term_search import search_terms as search_terms
from transferase.catalogue._vocabulary import VocabularyTerm as VocabularyTerm
from transferase.catalogue._vocabulary import codes_by_label as codes_by_label
from transferase.catalogue._vocabulary import forget_vocabularies as forget_vocabularies
from transferase.catalogue._vocabulary import known_codes as known_codes
from transferase.catalogue._vocabulary import label as label
from transferase.catalogue._vocabulary import labels as labels
from transferase.catalogue._vocabulary import options as options
from transferase.catalogue._vocabulary import vocabulary as vocabulary
from transferase.catalogue._vocabulary import vocabulary_schemes as vocabulary_schemes
from transferase.catalogue.models import Listing, Scheme, State
from transferase.catalogue.rules import ListingDraft, RequirementDraft, RightDraft, TextDraft

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.catalogue.models import ListingQuerySet, ListingText, Requirement, Revision, Right
    from transferase.directory.rules import Viewer


def sheet(listing: Listing, viewer: Viewer, at: datetime, language: str) -> ListingSheet:
    """Everything a page or the API shows of one listing that the viewer may see."""
    return sheets([listing], viewer, at, language)[0]


def draft_of(listing: Listing) -> ListingDraft:
    """The whole content of a listing as a draft, for editing, comparing and export by its owner."""
    codes: dict[str, list[str]] = {}
    for row in listing.classifications.order_by("pk"):
        if not row.is_derived:
            codes.setdefault(row.scheme, []).append(row.code)
    return ListingDraft(
        direction=listing.direction,
        texts=tuple(text_draft(row) for row in listing.texts.order_by("pk")),
        original_language=listing.original_language,
        country=listing.country,
        is_anonymous=listing.is_anonymous,
        ipc=tuple(codes.get(Scheme.IPC, ())),
        cpc=tuple(codes.get(Scheme.CPC, ())),
        unmapped=tuple(codes.get(Scheme.UNMAPPED, ())),
        trl_low=listing.trl_low,
        trl_high=listing.trl_high,
        trl_scale=listing.trl_scale,
        trl_evidence=listing.trl_evidence,
        transfer_modes=tuple(listing.transfer_modes),
        exclusivity=listing.exclusivity,
        territory=tuple(listing.territory),
        field_of_use=listing.field_of_use,
        partner_kinds=tuple(listing.partner_kinds),
        price_kind=listing.price_kind,
        price_low=listing.price_low,
        price_high=listing.price_high,
        currency=listing.currency,
        payment_kinds=tuple(listing.payment_kinds),
        need_kind=listing.need_kind,
        decision_date=listing.decision_date,
        excluded_countries=tuple(listing.excluded_countries),
        rights=tuple(right_draft(row) for row in listing.rights.order_by("pk")),
        requirements=tuple(requirement_draft(row) for row in listing.requirements.order_by("pk")),
        source=listing.source,
        external_id=listing.external_id,
        source_url=listing.source_url,
        attribution=listing.attribution,
        is_sample=listing.is_sample,
    )


def text_draft(row: ListingText) -> TextDraft:
    """A text row as part of a draft."""
    return TextDraft(
        language=row.language,
        tier=row.tier,
        origin=row.origin,
        title=row.title,
        summary=row.summary,
        description=row.description,
        problem=row.problem,
        alternative=row.alternative,
        advantages=row.advantages,
        partner_sought=row.partner_sought,
    )


def right_draft(row: Right) -> RightDraft:
    """A right as part of a draft."""
    return RightDraft(row.kind, row.office, row.number, row.status, row.title, row.filed_date, row.expiry_date)


def requirement_draft(row: Requirement) -> RequirementDraft:
    """A requirement as part of a draft."""
    return RequirementDraft(row.property, row.operator, row.value, row.unit, row.is_must)


def review_queue(viewer: Viewer) -> ListingQuerySet:
    """What waits for a reviewer, longest first; nothing for others."""
    waiting = Listing.objects.filter(state=State.IN_REVIEW).select_related("owner")
    return (waiting if viewer.sees_everything else waiting.none()).order_by("revised_at", "pk")


def own_listings(viewer: Viewer) -> ListingQuerySet:
    """The listings of the viewer's organisations, last changed first."""
    return Listing.objects.owned_by(viewer).select_related("owner").order_by("-revised_at", "-pk")


def expiring_soon(viewer: Viewer, at: datetime) -> ListingQuerySet:
    """The viewer's own listings that vanish within the time of reminding unless they are confirmed, soonest first."""
    soon = own_listings(viewer).filter(
        state__in=(State.PUBLISHED, State.PAUSED), visible_until__gt=at, visible_until__lte=at + rules.REMINDED_BEFORE
    )
    return soon.order_by("visible_until", "pk")


def sent_back(viewer: Viewer) -> ListingQuerySet:
    """The viewer's own drafts that a reviewer returned with a reason."""
    return own_listings(viewer).filter(state=State.DRAFT).exclude(state_reason="")


def counts_by_state(viewer: Viewer) -> dict[str, int]:
    """How many of the viewer's own listings stand in each state."""
    counted = Listing.objects.owned_by(viewer).values_list("state").annotate(Count("pk")).order_by("state")
    return dict(counted)


def public_counts(at: datetime) -> dict[str, int]:
    """How many offers and needs everybody may see."""
    counted = Listing.objects.public_at(at).values_list("direction").annotate(Count("pk")).order_by("direction")
    return {"offer": 0, "need": 0} | dict(counted)


def draft_at(listing: Listing, version: int) -> ListingDraft | None:
    """The whole content of a listing as it was in one of its versions, for whoever may change it."""
    kept = listing.revisions.filter(version=version).values_list("content", flat=True).first()
    return None if kept is None else rules.from_json(kept)


def revisions_of(listing: Listing, viewer: Viewer) -> list[Revision]:
    """Every version of a listing, newest first, for its owner and for reviewers; nothing for others."""
    if listing.owner_id not in viewer.organisations and not viewer.sees_everything:
        return []
    return list(listing.revisions.order_by("-version"))
