"""What people say of a match, and the news that the other side gets of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transferase.catalogue.models import Listing, Term
from transferase.directory.queries import viewer_of
from transferase.directory.rules import Permission, require
from transferase.foundation.ledger import record, service
from transferase.matching.models import Judgement, Match, Notice, Verdict
from transferase.matching.rules import NoMatch, require_reason, side_of

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.directory.models import Organisation, Person

MATCH_JUDGED = "match_judged"


@service
def judge(
    *,
    actor: Person,
    need: Listing,
    offer: Listing,
    organisation: Organisation,
    verdict: str,
    reason: str = "",
    note: str = "",
    at: datetime,
) -> Judgement:
    """Say for an organisation what its own side thinks of a match; the match as it was shown is kept with it.

    A second judgement takes the place of the first. The other side hears only that a match is interesting, and
    only while it can see the match itself.
    """
    own = side_of(actor, organisation, need, offer)
    require_reason(verdict, reason, _known_reasons())
    visible = Match.objects.visible_to(viewer_of(actor, at), at)
    # Two clicks at once take turns.
    match = visible.select_for_update().filter(need=need, offer=offer).first()
    if match is None:
        raise NoMatch(need=str(need.pk), offer=str(offer.pk))
    earlier = Judgement.objects.filter(need=need, offer=offer, organisation=organisation, withdrawn_at=None)
    earlier.update(withdrawn_at=at)
    judgement = Judgement.objects.create(
        need=need,
        offer=offer,
        organisation=organisation,
        person=actor,
        verdict=verdict,
        reason=reason,
        note=note.strip(),
        at=at,
        snapshot=_snapshot(match),
        engine_version=match.engine_version,
    )
    other = offer if own == need else need
    if verdict == Verdict.INTERESTING:
        _tell(other=other, own=own, at=at)
    else:
        _untell(other=other, own=own)
    record(
        actor=actor,
        action="matching.match.judged",
        subject=judgement,
        need=str(need.pk),
        offer=str(offer.pk),
        organisation=organisation.pk,
        verdict=verdict,
        reason=reason,
    )
    return judgement


@service
def withdraw_judgement(*, actor: Person, judgement: Judgement, at: datetime) -> Judgement:
    """Take a judgement back; news of it that the other side has not seen goes too."""
    own = side_of(actor, judgement.organisation, judgement.need, judgement.offer)
    if judgement.withdrawn_at is None:
        judgement.withdrawn_at = at
        judgement.save(update_fields=["withdrawn_at"])
        _untell(other=judgement.offer if own == judgement.need else judgement.need, own=own)
        record(actor=actor, action="matching.judgement.withdrawn", subject=judgement, verdict=judgement.verdict)
    return judgement


@service
def see_notices(*, actor: Person, organisation: Organisation, at: datetime) -> int:
    """Mark the news of an organisation as seen and say how many there were."""
    require(actor, Permission.MATCHING_MATCH_READ, organisation.pk)
    seen = Notice.objects.filter(organisation=organisation, seen_at=None, at__lte=at).update(seen_at=at)
    if seen:
        record(actor=actor, action="matching.notices.seen", subject=organisation, notices=seen)
    return seen


def _known_reasons() -> frozenset[str]:
    return frozenset(Term.objects.filter(scheme="decline_reason").values_list("code", flat=True))


def _snapshot(match: Match) -> dict[str, object]:
    return {
        "score": match.score,
        "parts": match.parts,
        "because": match.because,
        "misfits": match.misfits,
        "missing": match.missing,
        "found_at": match.found_at.isoformat(),
    }


def _tell(*, other: Listing, own: Listing, at: datetime) -> None:
    if other.owner_id == own.owner_id or not Listing.objects.public_at(at).filter(pk=own.pk).exists():
        return
    Notice.objects.get_or_create(
        organisation_id=other.owner_id, kind=MATCH_JUDGED, listing=other, counterpart=own, defaults={"at": at}
    )


def _untell(*, other: Listing, own: Listing) -> None:
    Notice.objects.filter(
        organisation_id=other.owner_id, kind=MATCH_JUDGED, listing=other, counterpart=own, seen_at=None
    ).delete()
