"""A record on its way: imported, published, indexed, matched and judged; and the life of a need until it runs out."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from transferase.catalogue import services as catalogue
from transferase.catalogue import tasks as catalogue_tasks
from transferase.catalogue.models import Listing, State
from transferase.catalogue.rules import ListingDraft, TextDraft
from transferase.directory.models import Role
from transferase.foundation import ledger
from transferase.foundation.models import LedgerEntry
from transferase.interchange import services as interchange
from transferase.interchange.models import RawRecord
from transferase.matching import queries as matching
from transferase.matching import services as judging
from transferase.matching.models import (
    LanguageMean,
    ListingIndex,
    Match,
    Notice,
    Sentence,
    TermFrequency,
    Verdict,
)

pytestmark = pytest.mark.django_db

OFFERS = """external_id,title,summary,language,ipc,country
P-1,Closed photobioreactor for marine microalgae,"A closed photobioreactor grows marine microalgae at twice the \
density of open ponds. Seawater is reused.",en,C12M 1/00,KR
P-2,Quiet oscillating bone saw,"A quiet oscillating saw for surgeons that leaves soft tissue unharmed.",en,A61B 17/14,KR
P-3,,"A row without a title.",en,,KR
"""
NEED = ListingDraft(
    direction="need",
    original_language="ko",
    country="KR",
    texts=(
        TextDraft(
            language="ko",
            title="해양 미세조류 대량 배양 기술",
            summary="바닷물을 이용하여 해양 미세조류를 대량으로 배양하는 광생물반응기 기술을 찾습니다.",
        ),
    ),
)


@pytest.fixture
def institute(make_organisation):
    return make_organisation(names={"ko": "해양연구원"}, kind="research_institute", country="KR", is_verified=True)


@pytest.fixture
def company(make_organisation):
    return make_organisation(names={"ko": "조류바이오"}, kind="company_small", country="KR", is_verified=True)


@pytest.fixture
def officer(make_person, institute):
    return make_person(organisation=institute, role=Role.TRANSFER_OFFICER)


@pytest.fixture
def seeker(make_person, company):
    return make_person(organisation=company, role=Role.COMPANY_USER)


@pytest.fixture
def clock(at):
    """The clock of services and jobs; `clock.move_to` sets it."""
    with time_machine.travel(at, tick=False) as traveller:
        yield traveller


def test_from_a_file_to_a_judged_match(institute, company, officer, seeker, viewer, drain, fence, tmp_path, clock, at):
    # The company's need stands before any offer is there.
    with fence:
        need = catalogue.record_listing(actor=seeker, owner=company, draft=NEED, at=at)
        need = catalogue.submit(actor=seeker, listing=need, at=at)
        drain()
    assert need.state == State.PUBLISHED
    assert matching.matches_of(need, viewer(seeker), at) == []

    # An officer brings a file; good rows are taken and published, the raw rows kept.
    path = tmp_path / "offers.csv"
    path.write_text(OFFERS, encoding="utf-8")
    later = at + timedelta(hours=1)
    clock.move_to(later)
    with fence:
        run = interchange.receive(
            actor=officer,
            organisation=institute,
            source_name="patents",
            kind="offers",
            file=path,
            file_name="offers.csv",
            at=later,
        )
        run = interchange.bring_in(actor=officer, run=run, at=later)
        drain()
    assert run.created >= 2
    offer = Listing.objects.get(source="patents", external_id="P-1")
    assert offer.state == State.PUBLISHED
    assert RawRecord.objects.get(external_id="P-1").listing == offer

    # Indexed and matched, and the standing need's owner has heard of it.
    assert ListingIndex.objects.filter(listing=offer, is_open=True).exists()
    (match,) = matching.matches_of(need, viewer(seeker), later)
    assert match.counterpart_id == offer.pk
    assert sum(part.points for part in match.parts) == match.score
    assert {quote["language"] for reason in match.because for quote in quoted(reason)} <= {"ko", "en"}
    (notice,) = matching.notices_of(viewer(seeker), later)
    assert (notice.listing, notice.counterpart) == (need, offer)

    # Judged, and the other side hears of the interest.
    with fence:
        judging.judge(actor=seeker, need=need, offer=offer, organisation=company, verdict=Verdict.INTERESTING, at=later)
    assert [notice.kind for notice in matching.notices_of(viewer(officer), later)] == ["match_judged"]

    # One trace from the first act to the last, sealed.
    told = list(LedgerEntry.objects.order_by("pk").values_list("action", flat=True))
    steps = [
        "catalogue.listing.recorded",
        "catalogue.listing.published",
        "interchange.import.received",
        "interchange.import.finished",
        "matching.index.renewed",
        "matching.match.proposed",
        "matching.match.judged",
    ]
    last = {step: len(told) - 1 - told[::-1].index(step) for step in steps}
    assert sorted(steps, key=last.__getitem__) == steps
    while ledger.seal():
        pass
    assert ledger.verify().is_whole


def quoted(reason):
    for facts in reason.facts.get("terms", [reason.facts]):
        if "need" in facts and isinstance(facts["need"], dict):
            yield from (facts["need"], facts["offer"])


def test_the_life_of_a_need(make_listing, institute, company, officer, seeker, viewer, drain, fence, clock, at):
    offer = make_listing(
        owner=institute,
        at=at - timedelta(days=1),
        title="Closed photobioreactor for marine microalgae",
        summary="A closed photobioreactor grows marine microalgae at twice the density of open ponds.",
    )
    # Everything derived is gone; the worker's sweep makes it again.
    for table in (Match, ListingIndex, Sentence, TermFrequency, LanguageMean):
        table.objects.all().delete()
    from transferase.foundation.queue import enqueue

    enqueue("matching.rebuild", queueing_lock="matching.rebuild")
    drain()
    assert ListingIndex.objects.filter(listing=offer).exists()

    # A need is published: its owner sees the match, the other side's desk has the news.
    with fence:
        need = catalogue.record_listing(actor=seeker, owner=company, draft=NEED, at=at)
        need = catalogue.submit(actor=seeker, listing=need, at=at)
        drain()
    assert [match.counterpart_id for match in matching.matches_of(need, viewer(seeker), at)] == [offer.pk]
    assert [match.counterpart_id for match in matching.matches_of(offer, viewer(officer), at)] == [need.pk]
    assert [notice.kind for notice in matching.notices_of(viewer(officer), at)] == ["match_found"]

    # Past its date nobody finds it, at once and before any job has run.
    end = need.visible_until
    with fence:
        catalogue.confirm(actor=officer, listing=offer, at=end - timedelta(days=30))
        clock.move_to(end - timedelta(days=30))
        drain()
    clock.move_to(end)
    assert matching.matches_of(offer, viewer(officer), end) == []
    assert matching.notices_of(viewer(officer), end) == []
    assert Match.objects.filter(need=need).exists()

    # The clock's job moves it to expired and its matches are gone.
    with fence:
        catalogue_tasks.expire(timestamp=int(end.timestamp()) + 1)
        drain()
    need.refresh_from_db()
    assert need.state == State.EXPIRED
    assert not Match.objects.exists()
    assert not ListingIndex.objects.filter(listing=need).exists()
    assert ListingIndex.objects.filter(listing=offer).exists()
    assert Notice.objects.filter(counterpart=need).exists(), "what was told stays on record"
