"""Weights from judgements: proposed when they are better, in force once approved, taken back by one act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from transferase.catalogue.models import Direction
from transferase.engine.ranking import load_weights
from transferase.engine.ranking.refitting import weighed
from transferase.foundation import queue
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry
from transferase.matching import queries, services
from transferase.matching._weights import weights_in_force
from transferase.matching.models import Judgement, ListingIndex, Match, Verdict, WeightsVersion
from transferase.matching.rules import (
    AlreadyInForce,
    NothingApproved,
    OtherBase,
    TooFewJudgements,
    UnknownWeights,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from transferase.catalogue.models import Listing

pytestmark = pytest.mark.django_db

SHIPPED = load_weights()
TRUTH = dict.fromkeys(SHIPPED.parts, 0.0) | {"meaning": 0.2, "words": 0.1, "readiness": 0.7}


def stored(values: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {"name": name, "value": value, "weight": SHIPPED.parts[name], "contribution": SHIPPED.parts[name] * value}
        for name, value in values.items()
    ]


@pytest.fixture
def judged(
    make_listing: Callable[..., Listing], make_organisation: Callable[..., Any], at: datetime
) -> Callable[..., None]:
    """So many judgements by people who look at readiness more than the shipped weights do."""

    def make(number: int, *, engine_version: str = SHIPPED.engine_version, organisations: int = 6) -> None:
        chance = np.random.default_rng(5)
        needs = [make_listing(direction=Direction.NEED) for _ in range(20)]
        offers = [make_listing() for _ in range((number + 19) // 20)]
        judges = [make_organisation() for _ in range(organisations)]
        rows = []
        for place in range(number):
            values = dict(zip(SHIPPED.parts, chance.uniform(0, 1, len(SHIPPED.parts)).tolist(), strict=True))
            is_fit = chance.uniform() < 1 / (1 + np.exp(-14 * (weighed(values, TRUTH) - 0.5)))
            rows.append(
                Judgement(
                    need=needs[place % 20],
                    offer=offers[place // 20],
                    organisation=judges[place % organisations],
                    verdict=Verdict.INTERESTING if is_fit else Verdict.NOT_FOR_US,
                    reason="" if is_fit else "too_early",
                    at=at,
                    snapshot={"parts": stored(values)},
                    engine_version=f"{engine_version} means 1",
                )
            )
        Judgement.objects.bulk_create(rows)

    return make


def test_better_weights_are_kept_with_the_figures_that_justify_them(judged, fence, at):
    judged(400)
    with fence:
        report = services.refit_weights(actor=SYSTEM, at=at)
    row = WeightsVersion.objects.get()
    assert report.version == row.version == f"{SHIPPED.version}-r1"
    assert row.parts == dict(report.refit.parts)
    assert row.parts["readiness"] > SHIPPED.parts["readiness"]
    assert row.figures["before"]["auc"] < row.figures["after"]["auc"]
    assert row.figures["judgements"] | {"left_out": {}} == {
        "for": report.refit.fits,
        "against": report.refit.misfits,
        "organisations": 6,
        "needs": 20,
        "left_out": {},
    }
    assert weights_in_force() is SHIPPED
    assert LedgerEntry.objects.get(action="matching.weights.proposed").facts["version"] == row.version


def test_the_same_judgements_are_not_proposed_twice(judged, at):
    judged(200)
    first, second = (services.refit_weights(actor=SYSTEM, at=at) for _ in range(2))
    assert first.version == second.version
    assert WeightsVersion.objects.count() == 1


def test_too_few_judgements_are_refused_with_their_number(judged, at):
    judged(30)
    with pytest.raises(TooFewJudgements) as refused:
        services.refit_weights(actor=SYSTEM, at=at)
    assert refused.value.facts["judged"] == 30
    assert not WeightsVersion.objects.exists()


def test_judgements_that_say_nothing_of_the_pair_are_left_out(judged, at):
    judged(300)
    declined = list(Judgement.objects.filter(verdict=Verdict.NOT_FOR_US).values_list("pk", flat=True))
    Judgement.objects.filter(pk__in=declined[:20]).update(reason="price")
    Judgement.objects.filter(pk__in=declined[20:30]).update(withdrawn_at=at)
    known = Judgement.objects.filter(verdict=Verdict.INTERESTING).first()
    Judgement.objects.filter(pk=known.pk).update(verdict=Verdict.KNOWN)
    report = services.refit_weights(actor=SYSTEM, at=at)
    assert report.left_out == {"reason": 20, "known": 1}
    assert report.refit.fits + report.refit.misfits == 300 - 31


def test_values_of_another_engine_are_taken_as_they_are_now_or_left_out(judged, make_listing, at):
    judged(200)
    older = list(Judgement.objects.order_by("pk")[:10])
    Judgement.objects.filter(pk__in=[row.pk for row in older]).update(engine_version="2020-01 other means 1")
    row = older[0]
    Match.objects.create(
        need=row.need, offer=row.offer, score=0.5, parts=row.snapshot["parts"], engine_version="now", found_at=at
    )
    report = services.refit_weights(actor=SYSTEM, at=at)
    assert report.left_out == {"engine": 9}
    type(row.need).objects.filter(pk=row.need_id).update(revised_at=at.replace(year=2027))
    assert services.refit_weights(actor=SYSTEM, at=at).left_out == {"engine": 10}


@pytest.fixture
def fitted(at: datetime) -> WeightsVersion:
    parts = dict.fromkeys(SHIPPED.parts, 0.0) | {"meaning": 0.1, "words": 0.1, "readiness": 0.8}
    return WeightsVersion.objects.create(
        version=f"{SHIPPED.version}-r1",
        base_version=SHIPPED.version,
        parts=parts,
        figures={},
        proposed_at=at,
        proposed_by="system",
    )


def test_approved_weights_score_every_match_anew_without_embedding_and_can_be_taken_back(
    fitted, make_offer, make_need, index, propose, fence, drain, at, settings
):
    offer, need = make_offer(trl_low=6, trl_high=6), make_need(trl_low=6, trl_high=7)
    index(offer, need)
    [match] = propose(need)
    vectors = list(ListingIndex.objects.order_by("listing_id", "part").values_list("raw", "means_version"))
    with fence:
        services.approve_weights(actor=SYSTEM, version=fitted.version, at=at)
    assert weights_in_force().version == fitted.version
    assert queue.is_waiting("matching.reweigh")
    drain(only="matching.")
    after = Match.objects.get()
    readiness = next(part for part in after.parts if part["name"] == "readiness")
    assert (readiness["weight"], readiness["value"]) == (0.8, 1.0)
    assert sum(part["contribution"] for part in after.parts) == pytest.approx(after.score)
    assert after.engine_version.startswith(f"{fitted.version} ")
    assert list(ListingIndex.objects.order_by("listing_id", "part").values_list("raw", "means_version")) == vectors
    with fence:
        assert services.undo_weights(actor=SYSTEM, at=at) == SHIPPED.version
    drain(only="matching.")
    assert Match.objects.get().score == pytest.approx(match.score)
    assert weights_in_force() is SHIPPED
    actions = LedgerEntry.objects.filter(action__startswith="matching.weights.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "matching.weights.approved",
        "matching.weights.withdrawn",
    ]


def test_what_would_change_is_told_from_the_stored_matches(fitted, make_listing, at):
    need = make_listing(direction=Direction.NEED)
    near, ready = make_listing(), make_listing()
    neutral = dict.fromkeys(SHIPPED.parts, 0.5)
    for offer, values in (
        (near, neutral | {"meaning": 0.9, "words": 0.9, "readiness": 0.0}),
        (ready, neutral | {"meaning": 0.5, "words": 0.5, "readiness": 1.0}),
    ):
        score = weighed(values, SHIPPED.parts)
        Match.objects.create(need=need, offer=offer, score=score, parts=stored(values), engine_version="x", found_at=at)
    told = queries.what_would_change(fitted)
    assert (told.needs, told.matches, told.first_changed, told.dropped) == (1, 2, 1, 1)
    moved = {row.offer_id: (row.rank, row.new_rank) for row in told.moved}
    assert moved == {near.pk: (1, 0), ready.pk: (2, 1)}


def test_weights_fitted_beside_others_than_those_that_ship_never_count(fitted, at):
    services.approve_weights(actor=SYSTEM, version=fitted.version, at=at)
    WeightsVersion.objects.update(base_version="2020-01")
    assert weights_in_force() is SHIPPED
    with pytest.raises(OtherBase):
        services.approve_weights(actor=SYSTEM, version=fitted.version, at=at)


def test_what_cannot_be_is_refused(fitted, at, make_person):
    with pytest.raises(UnknownWeights):
        services.approve_weights(actor=SYSTEM, version="2026-11-r9", at=at)
    with pytest.raises(NothingApproved):
        services.undo_weights(actor=SYSTEM, at=at)
    services.approve_weights(actor=SYSTEM, version=fitted.version, at=at)
    with pytest.raises(AlreadyInForce):
        services.approve_weights(actor=SYSTEM, version=fitted.version, at=at)
    officer = make_person(role="transfer_officer")
    for act in (
        lambda: services.refit_weights(actor=officer, at=at),
        lambda: services.approve_weights(actor=officer, version=fitted.version, at=at),
        lambda: services.undo_weights(actor=officer, at=at),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_an_operator_may_approve_and_the_ledger_says_who(fitted, at, make_person):
    operator = make_person(role="operator")
    row = services.approve_weights(actor=operator, version=fitted.version, at=at)
    assert row.approved_by == f"directory.Person:{operator.pk}"
    assert queries.weights_status().approved == row
    assert queries.weights_status().version == fitted.version
