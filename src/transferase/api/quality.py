"""How good matching is, for machines: the same figures as the public page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from transferase.api.auth import ANYBODY, caller_of
from transferase.api.errors import READ_PROBLEMS, Problem
from transferase.matching import queries

router = Router(tags=["quality"], auth=ANYBODY)


class Run(Schema):
    """What was measured, when, by which version of the engine, on which machine."""

    kind: str = Field(
        description="`bench`: a whole run; `matching`: one judged set; `bitext`: one set of translations."
    )
    data_set: str
    measured_at: datetime
    engine_version: str
    model: str
    means_version: str
    commit: str = Field(description="Version of the source that was measured.")
    is_shipped: bool = Field(description="Measured by the makers of the platform, not on this one.")
    machine: dict[str, Any]


class Ranking(Schema):
    """How well needs found their offers: `legs` is {lexical, dense, hybrid: {measure: 0 to 1}}."""

    code: str
    asked: str = Field(description="Language of the needs; empty where it is not known.")
    offered: str = Field(description="Language of the offers; empty where offers of all languages stood together.")
    queries: int
    documents: int
    legs: dict[str, dict[str, float]]


class Translations(Schema):
    """The mean of 1/rank at which a text finds its translation among the texts of both languages."""

    code: str
    languages: list[str]
    pairs: int
    plain: float
    centred: float
    centred_held_out: float | None


class KnownCounterparts(Schema):
    """For how many needs in a language the offer known to answer stood among the first ten, as users get it."""

    language: str
    needs: int
    found: int
    found_without_machine_texts: int | None


class Speed(Schema):
    """A time (95th percentile), a speed or a size."""

    code: str
    value: float
    unit: str
    listings: int | None = Field(description="Among how many it was measured, where that matters.")


class Findings(Schema):
    """A run and what it found."""

    run: Run
    ranking: list[Ranking]
    translations: list[Translations]
    known_counterparts: list[KnownCounterparts]
    speed: list[Speed]


class DeclineReason(Schema):
    """A code of the vocabulary `decline_reason` and its share of all declines."""

    reason: str
    percent: int


class Answers(Schema):
    """Answers to matches up to a Monday, in whole percent; null while too few have judged to tell."""

    until: datetime
    judgements: int | None = Field(description="Rounded down to tens.")
    answered: int | None = Field(description="Matches that at least one side has judged.")
    interesting: int | None
    known: int | None
    not_for_us: int | None
    decline_reasons: list[DeclineReason]
    other_decline_reasons: int = Field(description="Share of reasons that too few have given to be named.")


class Quality(Schema):
    """Everything that is public of the quality of matching."""

    benchmark: Findings | None
    single: list[Findings] = Field(description="Judged sets that the operator of this platform measured.")
    history: list[Findings] = Field(description="Whole runs, newest first; the first is `benchmark`.")
    answers: Answers


@router.get(
    "/quality", response={200: Quality, READ_PROBLEMS: Problem}, operation_id="read_quality", url_name="read_quality"
)
def read_quality(request: HttpRequest) -> Quality:
    """Give the measured quality of search and matching, and how people answer matches on this platform."""
    known = queries.quality(caller_of(request).at)
    told = known.answers
    return Quality(
        benchmark=_findings(known.bench) if known.bench else None,
        single=[_findings(one) for one in known.single],
        history=[_findings(one) for one in known.history],
        answers=Answers(
            until=told.until,
            judgements=told.judgements,
            answered=told.answered,
            interesting=told.interesting,
            known=told.known,
            not_for_us=told.declined,
            decline_reasons=[DeclineReason(reason=reason, percent=share) for reason, share in told.reasons],
            other_decline_reasons=told.other_reasons,
        ),
    )


def _findings(found: queries.Findings) -> Findings:
    run = found.run
    return Findings(
        run=Run(
            kind=run.kind,
            data_set=run.data_set,
            measured_at=run.measured_at,
            engine_version=run.engine_version,
            model=run.model,
            means_version=run.means_version,
            commit=run.commit,
            is_shipped=run.is_shipped,
            machine=run.machine,
        ),
        ranking=[
            Ranking(
                code=row.code,
                asked=row.asked,
                offered=row.offered,
                queries=row.queries,
                documents=row.documents,
                legs={leg: dict(measures) for leg, measures in row.legs.items()},
            )
            for row in found.ranked
        ],
        translations=[
            Translations(
                code=row.code,
                languages=[code for code in row.languages if code],
                pairs=row.pairs,
                plain=row.plain,
                centred=row.centred,
                centred_held_out=row.held_out,
            )
            for row in found.translated
        ],
        known_counterparts=[
            KnownCounterparts(
                language=row.asked,
                needs=row.needs,
                found=row.found,
                found_without_machine_texts=row.without_machine_texts,
            )
            for row in found.known
        ],
        speed=[Speed(code=row.code, value=row.value, unit=row.unit, listings=row.listings) for row in found.speeds],
    )
