"""The figures of quality for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.matching.test_quality import RUN
from transferase.foundation.ledger import SYSTEM
from transferase.matching import services

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


def test_everybody_reads_the_same_figures_as_on_the_page(client: Client, at):
    services.record_benchmark(actor=SYSTEM, run=RUN, at=at)
    told = client.get("/api/v1/quality").json()
    bench = told["benchmark"]
    assert bench["run"]["machine"] == RUN["machine"]
    assert bench["run"]["is_shipped"] is False
    assert [(row["asked"], row["offered"]) for row in bench["ranking"]] == [("en", "en"), ("ko", "en")]
    assert bench["ranking"][0]["legs"]["hybrid"] == RUN["figures"]["engine"]["sbir"]["hybrid"]
    assert bench["known_counterparts"] == [
        {"language": "zh-Hans", "needs": 25, "found": 24, "found_without_machine_texts": 22}
    ]
    assert told["history"] == [bench]
    assert told["answers"]["interesting"] is None
    assert told["answers"]["decline_reasons"] == []


def test_without_measurements_there_is_an_answer_all_the_same(client: Client):
    told = client.get("/api/v1/quality").json()
    assert (told["benchmark"], told["single"], told["history"]) == (None, [], [])
