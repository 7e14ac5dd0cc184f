"""The figures that everybody may see: stored runs in one form, and answers that give no organisation away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from transferase.catalogue.models import Direction
from transferase.engine.ranking.published import shipped_figures
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry
from transferase.matching import queries, services
from transferase.matching._answers import last_monday
from transferase.matching.models import EvaluationRun, Judgement, Match, Verdict
from transferase.matching.rules import Measurement, NotAMeasurement

if TYPE_CHECKING:
    from collections.abc import Callable

    from transferase.catalogue.models import Listing

pytestmark = pytest.mark.django_db

RUN: dict[str, Any] = {
    "at": "2026-11-20T10:00:00+00:00",
    "commit": "abc1234",
    "machine": {"processor": "a processor", "cores": 2},
    "figures": {
        "engine": {
            "model": "a model",
            "embedding": {"offers_per_cpu_second": 33.0},
            "memory": {"web": {"rss_mb": 512}},
            "sbir": {
                "queries": 218,
                "documents": 5315,
                "lexical": {"ndcg@10": 0.8, "recall@10": 0.9, "recall@100": 0.97},
                "dense": {"ndcg@10": 0.7, "recall@10": 0.8, "recall@100": 0.9},
                "hybrid": {"ndcg@10": 0.85, "recall@10": 0.93, "recall@100": 0.98},
                "engine_version": "2026-11 e5",
                "means_version": "3",
            },
            "translated": {
                "ko first": {
                    "queries": 25,
                    "documents": 5315,
                    "lexical": {"ndcg@10": 0.0, "recall@10": 0.0},
                    "dense": {"ndcg@10": 0.5, "recall@10": 0.6},
                    "hybrid": {"ndcg@10": 0.55, "recall@10": 0.65},
                }
            },
            "bitext": {
                "tatoeba_kor-eng": {
                    "pairs": 1000,
                    "plain": {"mrr_mixed": 0.2},
                    "centred": {"mrr_mixed": 0.7},
                    "centred_held_out": {"mrr_mixed": 0.75},
                    "languages": ["ko", "en"],
                }
            },
        },
        "product": {
            "samples": {
                "known_offer_among_ten": {"zh": {"asked": 25, "found": 24, "mrr": 0.9}},
                "known_offer_among_ten_without_machine_texts": {"zh": {"asked": 25, "found": 22}},
                "search_first": {"p95_ms": 41.5},
            },
            "scale": {"rows": 20000, "search_page": {"p95_ms": 85.1}},
        },
        "large": {"100k": {"load": {"offers": 100000}, "slowest": {"page": 90.0}}},
    },
}


def test_a_run_of_the_benchmark_is_kept_once_and_told_by_language_pair(fence, at):
    with fence:
        run, again = (services.record_benchmark(actor=SYSTEM, run=RUN, at=at) for _ in range(2))
    assert run == again
    assert LedgerEntry.objects.filter(action="matching.evaluation.recorded").count() == 1
    assert (run.engine_version, run.model, run.commit, run.means_version) == ("2026-11 e5", "a model", "abc1234", "3")
    told = queries.quality(at).bench
    assert told is not None
    sbir, translated = told.ranked
    assert (sbir.code, sbir.asked, sbir.offered, sbir.queries, sbir.documents) == ("sbir", "en", "en", 218, 5315)
    assert sbir.legs["hybrid"]["ndcg@10"] == 0.85
    assert (translated.code, translated.asked, translated.offered) == ("translated.ko first", "ko", "en")
    assert set(translated.legs) == {"dense", "hybrid"}, "words find nothing across languages, so they have no figures"
    [bitext] = told.translated
    assert (bitext.languages, bitext.plain, bitext.centred, bitext.held_out) == (("ko", "en"), 0.2, 0.7, 0.75)
    [known] = told.known
    assert (known.asked, known.needs, known.found, known.without_machine_texts) == ("zh-Hans", 25, 24, 22)
    assert {row.code: (row.value, row.unit, row.listings) for row in told.speeds} == {
        "embedding_cpu": (33.0, "a processor second", None),
        "search": (41.5, "ms", None),
        "search_page": (85.1, "ms", 20000),
        "page_large": (90.0, "ms", 100000),
        "memory_web": (512.0, "MB", None),
    }


def test_the_newest_run_is_shown_and_the_others_are_its_history(at):
    for day in (3, 20, 12):
        services.record_benchmark(actor=SYSTEM, run={**RUN, "at": f"2026-11-{day:02}T10:00:00+00:00"}, at=at)
    services.record_benchmark(actor=SYSTEM, run={**RUN, "at": "2027-01-01T10:00:00+00:00"}, at=at)
    told = queries.quality(at)
    assert told.bench is not None
    assert told.bench.run.measured_at.day == 20
    assert [one.run.measured_at.day for one in told.history] == [20, 12, 3]


def test_the_figures_that_ship_fill_the_page_of_a_fresh_platform(at):
    later = datetime(2030, 1, 1, tzinfo=UTC)
    run = services.record_shipped_benchmark(actor=SYSTEM, at=later)
    assert run.is_shipped
    assert run.machine == shipped_figures()["machine"]
    told = queries.quality(later).bench
    assert told is not None
    assert {row.asked for row in told.ranked} == {"ko", "zh-Hans", "en"}
    assert told.translated
    assert told.known
    assert len(told.speeds) > 3


def test_a_single_judged_set_is_kept_beside_the_benchmark(at):
    figures = RUN["figures"]["engine"]["sbir"]
    for number, measured in enumerate((at - timedelta(days=2), at - timedelta(days=1))):
        told = {**figures, "queries": number}
        measurement = Measurement("matching", "ours ko", measured, told, engine_version="2026-11 e5")
        services.record_evaluation(actor=SYSTEM, measurement=measurement, at=at)
    [single] = queries.quality(at).single
    [ranked] = single.ranked
    assert (ranked.queries, ranked.asked, single.run.data_set) == (1, "ko", "ours ko")


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"at": "yesterday", "figures": {"a": 1}},
        {"at": "2026-11-20T10:00:00", "figures": {"a": 1}},
        {"at": "2026-11-20T10:00:00+00:00", "figures": []},
        {"at": "2026-11-20T10:00:00+00:00", "figures": {"a": 1}, "machine": "mine"},
    ],
)
def test_what_is_no_benchmark_is_refused(run, at):
    with pytest.raises(NotAMeasurement):
        services.record_benchmark(actor=SYSTEM, run=run, at=at)
    assert not EvaluationRun.objects.exists()


@pytest.mark.parametrize(
    "figures",
    [
        {"engine": "nothing"},
        {"engine": {"sbir": {"hybrid": {"ndcg@10": "high"}, "queries": None}}},
        {"engine": {"bitext": {"x": {"plain": 3, "centred": {"mrr_mixed": True}}}}, "product": {"samples": [1]}},
    ],
)
def test_figures_of_another_form_leave_gaps_and_break_nothing(figures, at):
    services.record_benchmark(actor=SYSTEM, run={**RUN, "figures": figures}, at=at)
    told = queries.quality(at).bench
    assert told is not None
    assert not told.translated
    assert not told.known
    assert not told.speeds


def test_only_who_may_change_weights_may_keep_figures(make_person, at):
    with pytest.raises(NotAllowed):
        services.record_benchmark(actor=make_person(role="reviewer"), run=RUN, at=at)


# ---- answers on this platform

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC) - timedelta(hours=9)  # midnight in Seoul
BEFORE = MONDAY - timedelta(days=3)


@pytest.fixture
def judge(make_listing: Callable[..., Listing], make_organisation: Callable[..., Any]) -> Callable[..., None]:
    """So many judgements of each of so many organisations."""
    organisations: list[Any] = []

    def make(
        organisation_count: int, each: int, verdict: str, reason: str = "", when: datetime = BEFORE, first: int = 0
    ) -> None:
        while len(organisations) < first + organisation_count:
            organisations.append(make_organisation())
        need = make_listing(direction=Direction.NEED)
        for organisation in organisations[first : first + organisation_count]:
            for _ in range(each):
                Judgement.objects.create(
                    need=need,
                    offer=make_listing(),
                    organisation=organisation,
                    verdict=verdict,
                    reason=reason,
                    at=when,
                )

    return make


def test_the_week_begins_on_monday_where_the_platform_is(at):
    assert last_monday(at) == MONDAY
    assert last_monday(MONDAY) == MONDAY
    assert last_monday(MONDAY - timedelta(seconds=1)) == MONDAY - timedelta(days=7)


def test_answers_are_told_in_whole_percent(judge, make_listing, at):
    judge(6, 2, Verdict.INTERESTING)
    judge(6, 1, Verdict.KNOWN)
    judge(6, 1, Verdict.NOT_FOR_US, "price")
    for found_at in (BEFORE, BEFORE, MONDAY):
        need, offer = make_listing(direction=Direction.NEED), make_listing()
        Match.objects.create(need=need, offer=offer, score=0.5, engine_version="x", found_at=found_at)
    told = queries.quality(at).answers
    assert (told.until, told.is_told, told.judgements) == (MONDAY, True, 20)
    assert (told.interesting, told.known, told.declined) == (50, 25, 25)
    assert told.answered == round(100 * 24 / 26)
    assert told.reasons == (("price", 100),)


@pytest.mark.parametrize(
    ("organisations", "each"), [(0, 0), (6, 3), (4, 10)], ids=["nobody", "few judgements", "few organisations"]
)
def test_nothing_is_told_while_few_have_judged(judge, at, organisations, each):
    judge(organisations, each, Verdict.INTERESTING)
    told = queries.quality(at).answers
    assert not told.is_told
    assert (told.answered, told.interesting, told.reasons, told.judgements) == (None, None, (), None)


def test_nothing_is_told_that_mostly_one_organisation_said(judge, at):
    judge(5, 2, Verdict.INTERESTING)
    judge(1, 20, Verdict.INTERESTING, first=5)
    assert not queries.quality(at).answers.is_told


def test_reasons_of_few_organisations_are_told_together(judge, at):
    judge(6, 3, Verdict.NOT_FOR_US, "wrong_field")
    judge(2, 3, Verdict.NOT_FOR_US, "price")
    judge(2, 3, Verdict.NOT_FOR_US, "timing", first=2)
    told = queries.quality(at).answers
    assert told.reasons == (("wrong_field", 60),)
    assert told.other_reasons == 40


def test_what_is_left_over_of_the_reasons_gives_nobody_away(judge, at):
    """One organisation's rare reason could be found out as the rest of the others, so the rarest of those joins it."""
    judge(6, 4, Verdict.NOT_FOR_US, "wrong_field")
    judge(6, 1, Verdict.NOT_FOR_US, "price")
    judge(1, 1, Verdict.NOT_FOR_US, "timing")
    told = queries.quality(at).answers
    assert told.reasons == (("wrong_field", round(100 * 24 / 31)),)
    assert told.other_reasons == round(100 * 7 / 31)


def test_a_judgement_is_counted_from_the_next_monday_on_and_so_is_its_withdrawal(judge, at):
    judge(6, 4, Verdict.INTERESTING)
    judge(6, 4, Verdict.KNOWN, when=MONDAY + timedelta(hours=1))
    Judgement.objects.filter(verdict=Verdict.INTERESTING).update(withdrawn_at=MONDAY + timedelta(hours=1))
    assert queries.quality(at).answers.interesting == 100
    a_week_on = queries.quality(at + timedelta(days=7)).answers
    assert (a_week_on.interesting, a_week_on.known) == (0, 100)
