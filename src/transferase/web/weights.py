"""The weights of matching for those who run the platform: old and new side by side, and what would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from transferase.directory.rules import Permission
from transferase.foundation.errors import DomainError
from transferase.matching import queries, services
from transferase.web.accounts import person_of
from transferase.web.cards import cards
from transferase.web.context import text_language
from transferase.web.reasons import PARTS
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpResponse

    from transferase.matching.models import WeightsVersion
    from transferase.matching.queries import WeightsStatus, WhatIf
    from transferase.web.cards import Card
    from transferase.web.middleware import PageRequest


@dataclass(frozen=True)
class WeightLine:
    """The weight of a part in points of 100, as it is and as it would be."""

    label: str
    now: str
    then: str
    now_length: str
    then_length: str
    change: str


@dataclass(frozen=True)
class MovedLine:
    """A match that would stand elsewhere."""

    need: Card
    offer: Card
    before: str
    after: str
    address: str


@registered
@require_safe
def weights(request: PageRequest) -> HttpResponse:
    """The weights in force, the version that waits for approval, and all that were fitted."""
    _let_operators_pass(request)
    now = queries.weights_status()
    waiting = next(
        (row for row in now.versions if row.approved_at is None and row.base_version == now.base_version), None
    )
    change = queries.what_would_change(waiting) if waiting else None
    return render(
        request,
        "quality/weights_show.html",
        {
            "now": now,
            "waiting": waiting,
            "lines": _lines(now.parts, waiting.parts if waiting else now.parts),
            "figures": _figures(waiting.figures) if waiting else [],
            "judged": waiting.figures.get("judgements", {}) if waiting else {},
            "left_out": sum(waiting.figures["judgements"]["left_out"].values()) if waiting else 0,
            "change": change,
            "moved": _moved(request, change) if change else [],
            "versions": [(row, _state(row, now)) for row in now.versions],
        },
    )


@registered
@require_POST
def weights_refit(request: PageRequest) -> HttpResponse:
    """Fit weights to what people judged until now."""
    _let_operators_pass(request)
    try:
        report = services.refit_weights(actor=person_of(request), at=request.at)
    except DomainError as error:
        messages.info(request, sentence(error.code, error.facts))
    else:
        if report.version:
            messages.success(request, _("Fitted. The new weights stand beside the present ones."))
        else:
            messages.info(request, _("Fitted weights are no better than the present ones. Nothing was kept."))
    return redirect("weights")


@registered
@require_POST
def weights_approve(request: PageRequest) -> HttpResponse:
    """Put a version into force."""
    _let_operators_pass(request)
    version = request.POST.get("version", "").replace("\0", "")
    try:
        services.approve_weights(actor=person_of(request), version=version, at=request.at)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(request, _("In force. Every match is being scored anew."))
    return redirect("weights")


@registered
@require_POST
def weights_undo(request: PageRequest) -> HttpResponse:
    """Take back the version that was approved last."""
    _let_operators_pass(request)
    try:
        services.undo_weights(actor=person_of(request), at=request.at)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(request, _("Taken back. Every match is being scored anew."))
    return redirect("weights")


def _let_operators_pass(request: PageRequest) -> None:
    if Permission.MATCHING_WEIGHTS_WRITE not in request.viewer.permissions:
        raise Http404


def _lines(now: Mapping[str, float], then: Mapping[str, float]) -> list[WeightLine]:
    return [
        WeightLine(
            label=str(PARTS.get(name, name)),
            now=f"{100 * weight:.1f}",
            then=f"{100 * then.get(name, 0.0):.1f}",
            now_length=f"{100 * weight:.1f}",
            then_length=f"{100 * then.get(name, 0.0):.1f}",
            # Adding zero turns a rounded -0.0 into 0.0.
            change=f"{round(100 * (then.get(name, 0.0) - weight), 1) + 0.0:+.1f}",
        )
        for name, weight in now.items()
    ]


def _figures(told: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    names = (
        ("auc", _("Match above no match (AUC)"), _("1 is best, 0.5 is chance")),
        ("ndcg", _("Order within a need (nDCG)"), _("1 is best")),
        ("log_loss", _("Surprise by a judgement (log loss)"), _("0 is best")),
    )
    return [(label, note, _number(told["before"][name]), _number(told["after"][name])) for name, label, note in names]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _moved(request: PageRequest, change: WhatIf) -> Sequence[MovedLine]:
    ids = [listing for row in change.moved for listing in (row.need_id, row.offer_id)]
    known = cards(ids, viewer=request.viewer, at=request.at, language=text_language())
    return [
        MovedLine(
            need=known[row.need_id],
            offer=known[row.offer_id],
            before=_place(row.rank, row.score),
            after=_place(row.new_rank, row.new_score),
            address=known[row.need_id].matches_address,
        )
        for row in change.moved
        if row.need_id in known and row.offer_id in known
    ]


def _place(rank: int, score: float) -> str:
    points = f"{100 * score:.0f}"
    if not rank:
        return _("no match (%(points)s points)") % {"points": points}
    return _("No. %(rank)s with %(points)s points") % {"rank": rank, "points": points}


def _state(row: WeightsVersion, now: WeightsStatus) -> str:
    if row.version == now.version:
        return _("in force")
    if row.base_version != now.base_version:
        return _("fitted beside former weights, out of use")
    if row.withdrawn_at:
        return _("taken back")
    return _("replaced by a later one") if row.approved_at else _("waits for approval")
