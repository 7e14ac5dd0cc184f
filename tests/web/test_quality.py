"""The public page on quality, and the operators' page on weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.matching.test_quality import RUN
from transferase.catalogue.models import Direction
from transferase.engine.ranking import load_weights
from transferase.foundation import queue
from transferase.foundation.ledger import SYSTEM
from transferase.matching import services
from transferase.matching.models import Judgement, Match, Verdict, WeightsVersion

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client

pytestmark = pytest.mark.django_db
SHIPPED = load_weights()


@pytest.fixture
def measured(at: datetime) -> None:
    services.record_benchmark(actor=SYSTEM, run=RUN, at=at)


@pytest.mark.parametrize(
    ("interface", "said"),
    [("ko", "매칭은 얼마나 정확한가"), ("zh-hans", "匹配的准确程度"), ("en", "How good the matching is")],
)
def test_everybody_reads_the_figures_in_three_languages(client: Client, measured, interface, said):
    page = client.get(f"/{interface}/quality").content.decode()
    assert f"<h1>{said}</h1>" in page
    assert "24" in page
    assert "0.850" in page
    assert "abc1234" in page


def test_figures_name_their_languages_data_date_version_and_machine(client: Client, measured):
    page = client.get("/en/quality").content.decode()
    for said in (
        "Korean → English",
        "218 needs, 5,315 offers",
        "20 Nov 2026",
        "2026-11 e5",
        "a processor, 2 cores",
        "24 of 25",
        "22 of 25",
        "42 ms",
        "Page of search results, 20,000 listings",
        "Page of search results, 100,000 listings",
        "512 MB",
    ):
        assert said in page, said
    assert "Measured by whoever runs this platform" in page


def test_shipped_figures_say_that_they_were_not_measured_here(client: Client, at):
    services.record_shipped_benchmark(actor=SYSTEM, at=at.replace(year=2030))
    from transferase.matching.models import EvaluationRun

    EvaluationRun.objects.update(measured_at=at)
    page = client.get("/en/quality").content.decode()
    assert "its makers measured them on their machine, not here" in page


def test_a_platform_without_measurements_says_so(client: Client):
    page = client.get("/en/quality").content.decode()
    assert "Nothing was measured yet" in page
    assert "Shares appear from 20 judgements by 5 organisations on" in page


def test_answers_and_reasons_are_told_once_enough_have_judged(client: Client, make_listing, make_organisation, at):
    need = make_listing(direction=Direction.NEED)
    for organisation in [make_organisation() for _ in range(6)]:
        for verdict, reason in [(Verdict.INTERESTING, "")] * 3 + [(Verdict.NOT_FOR_US, "price")]:
            Judgement.objects.create(
                need=need,
                offer=make_listing(),
                organisation=organisation,
                verdict=verdict,
                reason=reason,
                at=at.replace(day=20),
            )
    page = client.get("/en/quality").content.decode()
    assert "Judgements up to 23 Nov 2026: 20 or a few more" in page
    assert "75 %" in page
    assert "Price" in page


def test_the_method_is_explained(client: Client):
    for interface in ("ko", "zh-hans", "en"):
        assert client.get(f"/{interface}/quality/method").status_code == 200


def test_front_page_and_footer_lead_to_the_figures(client: Client, measured):
    page = client.get("/en/").content.decode()
    assert page.count('href="/en/quality"') == 2
    assert "24 of 25" in page


# ---- weights


@pytest.fixture
def waiting(at: datetime) -> WeightsVersion:
    parts = dict.fromkeys(SHIPPED.parts, 0.0) | {"meaning": 0.1, "words": 0.1, "readiness": 0.8}
    side = {"auc": 0.7, "ndcg": None, "log_loss": 0.6}
    judgements = {"for": 60, "against": 40, "needs": 20, "organisations": 6, "left_out": {"reason": 7}}
    return WeightsVersion.objects.create(
        version=f"{SHIPPED.version}-r1",
        base_version=SHIPPED.version,
        parts=parts,
        figures={"before": side, "after": side | {"auc": 0.8}, "judgements": judgements},
        proposed_at=at,
        proposed_by="system",
    )


def test_an_operator_sees_old_and_new_side_by_side_and_approves(
    visit: Callable[..., Client], make_person, make_listing, waiting, at
):
    need, offer = make_listing(direction=Direction.NEED, title="A need"), make_listing(title="An offer")
    values = dict.fromkeys(SHIPPED.parts, 0.5) | {"readiness": 0.0}
    parts: list[dict[str, Any]] = [
        {"name": name, "value": value, "weight": 0.1, "contribution": value / 10} for name, value in values.items()
    ]
    Match.objects.create(need=need, offer=offer, score=0.5, parts=parts, engine_version="x", found_at=at)
    client = visit(make_person(role="operator"))
    page = client.get("/en/quality/weights").content.decode()
    assert f"{SHIPPED.version} and {waiting.version} side by side" in page
    assert "+73.0" in page
    assert "60 judgements for and 40 against a match, on 20 needs, by 6 organisations" in page
    assert "7 were left out" in page
    assert "no match (10 points)" in page
    response = client.post("/en/quality/weights/approve", {"version": waiting.version}, follow=True)
    assert "In force. Every match is being scored anew." in response.content.decode()
    assert queue.is_waiting("matching.reweigh")
    assert WeightsVersion.objects.get().approved_at == at
    response = client.post("/en/quality/weights/undo", follow=True)
    assert "Taken back." in response.content.decode()
    assert WeightsVersion.objects.get().withdrawn_at == at


def test_too_few_judgements_are_said_on_the_page(visit: Callable[..., Client], make_person):
    client = visit(make_person(role="operator"))
    response = client.post("/en/quality/weights/refit", follow=True)
    assert "There are 0 judgements that weights can be fitted to" in response.content.decode()


@pytest.mark.parametrize("version", ["", "2026-11-r9", "\x00", "'; DROP TABLE"])
def test_a_version_that_is_none_is_refused(visit: Callable[..., Client], make_person, waiting, version):
    client = visit(make_person(role="operator"))
    response = client.post("/en/quality/weights/approve", {"version": version}, follow=True)
    assert response.status_code == 200
    assert WeightsVersion.objects.get().approved_at is None


@pytest.mark.parametrize("role", ["transfer_officer", "company_user", "reviewer"])
def test_weights_do_not_exist_for_others(visit: Callable[..., Client], make_person, waiting, role):
    client = visit(make_person(role=role))
    assert client.get("/en/quality/weights").status_code == 404
    for act in ("refit", "approve", "undo"):
        assert client.post(f"/en/quality/weights/{act}", {"version": waiting.version}).status_code == 404
    assert WeightsVersion.objects.get().approved_at is None


def test_visitors_sign_in_before_they_see_weights(client: Client):
    assert client.get("/en/quality/weights").status_code == 302
