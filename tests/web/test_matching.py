"""The pages of matches: whose they are, what they say, how a judgement is given and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from transferase.foundation import queue
from transferase.matching.models import Judgement, Match, Notice, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.test import Client

    from tests.conftest import Fence
    from transferase.catalogue.models import Listing
    from transferase.directory.models import Organisation, Person

pytestmark = pytest.mark.django_db
WEIGHTS = {"meaning": 0.6, "words": 0.3, "field": 0.1}


def make_match(need: Listing, offer: Listing, *, score: float = 0.7, at: datetime, **facts: Any) -> Match:
    values = {"meaning": 0.8, "words": 0.6, "field": (score - 0.66) * 10}
    parts = [
        {"name": name, "value": values[name], "weight": weight, "contribution": values[name] * weight}
        for name, weight in WEIGHTS.items()
    ]
    return Match.objects.create(
        need=need, offer=offer, score=score, parts=parts, engine_version="test", found_at=at, **facts
    )


@pytest.fixture
def company(make_organisation: Callable[..., Organisation]) -> Organisation:
    return make_organisation(names={"ko": "바다기업", "en": "Sea Company"}, kind="company_small")


@pytest.fixture
def need(make_listing: Callable[..., Listing], company: Organisation) -> Listing:
    return make_listing(
        owner=company, direction="need", language="ko", title="홍수 감지 센서", summary="값싼 센서를 찾습니다."
    )


@pytest.fixture
def offer(make_listing: Callable[..., Listing]) -> Listing:
    return make_listing(title="Flood sensor", summary="A cheap sensor.", country="US")


@pytest.fixture
def matched(need: Listing, offer: Listing, at: datetime) -> Match:
    return make_match(
        need,
        offer,
        at=at,
        misfits=[{"code": "readiness_below", "facts": {"wanted": [6, 9], "stated": [3, 3]}}],
        missing=["offer.trl", "need.ipc", "words"],
    )


@pytest.fixture
def scout(visit: Callable[..., Client], make_person: Callable[..., Person], company: Organisation) -> Client:
    return visit(make_person(role="company_user", organisation=company))


@pytest.fixture
def officer(visit: Callable[..., Client], make_person: Callable[..., Person], offer: Listing) -> Client:
    return visit(make_person(role="transfer_officer", organisation=offer.owner))


def matches_page(client: Client, listing: Listing, interface: str = "en") -> str:
    response = client.get(f"/{interface}/{listing.direction}s/{listing.pk}/matches")
    assert response.status_code == 200
    return response.content.decode()


def judge_at(need: Listing, offer: Listing, interface: str = "en") -> str:
    return f"/{interface}/matches/{need.pk}/{offer.pk}"


@pytest.mark.usefixtures("matched")
@pytest.mark.parametrize(
    ("interface", "heading", "misfit", "open_question"),
    [
        (
            "en",
            "1 offer fits",
            "Not ready enough: TRL 3, asked for is TRL 6 or higher",
            "The offer does not state: readiness level",
        ),
        (
            "ko",
            "맞는 공급기술 1건",
            "기술성숙도가 낮습니다: TRL 3, 요구는 TRL 6 이상",
            "공급에 적혀 있지 않음: 기술성숙도",
        ),
        ("zh-hans", "匹配的技术供给 1 条", "技术就绪度不足：TRL 3，要求为TRL 6 及以上", "供给未说明：技术就绪度"),
    ],
)
def test_a_match_says_what_fits_what_does_not_and_what_is_open(
    scout: Client, need: Listing, interface: str, heading: str, misfit: str, open_question: str
) -> None:
    page = matches_page(scout, need, interface)
    for said in (heading, misfit, open_question, "Flood sensor"):
        assert said in page


@pytest.mark.usefixtures("matched")
def test_points_add_up_to_the_score(scout: Client, need: Listing) -> None:
    page = matches_page(scout, need)
    assert "<b>70</b>" in page
    for points in ("48 / 60", "18 / 30", "4 / 10", "70 / 100"):
        assert points in page


@pytest.mark.usefixtures("matched")
def test_a_part_of_which_something_is_not_stated_says_that_it_counts_half(scout: Client, need: Listing) -> None:
    page = matches_page(scout, need)
    assert page.count("(not stated: counts half)") == 1
    assert "Patent class <span" in page


def test_languages_are_counted_over_all_pages(
    scout: Client, need: Listing, make_listing: Callable[..., Listing], at: datetime
) -> None:
    for number in range(12):
        language, title = ("ko", "센서") if number < 3 else ("en", "Sensor")
        make_match(need, make_listing(language=language, title=f"{title} {number}"), at=at)
    page = matches_page(scout, need)
    assert "12 offers fit" in page
    assert "Korean 3 · English 9" in page


def test_evidence_stands_in_both_languages(scout: Client, need: Listing, offer: Listing, at: datetime) -> None:
    from transferase.matching._texts import quoted_digest

    def quote(text: str, language: str) -> dict[str, object]:
        return {"field": "summary", "language": language, "start": 0, "end": len(text), "digest": quoted_digest(text)}

    facts = {"need": quote("값싼 센서를 찾습니다.", "ko"), "offer": quote("A cheap sensor.", "en"), "closeness": 0.83}
    make_match(need, offer, at=at, because=[{"code": "sentence_pair", "facts": facts}])
    page = matches_page(scout, need)
    assert '<p lang="ko">' in page
    assert "값싼 센서를 찾습니다." in page
    assert "A cheap sensor." in page
    assert "0.83" in page


@pytest.mark.usefixtures("matched")
def test_matches_of_others_do_not_exist(
    visit: Callable[..., Client], make_person: Callable[..., Person], need: Listing, offer: Listing, officer: Client
) -> None:
    stranger = visit(make_person(role="company_user"))
    for address in (f"/en/needs/{need.pk}/matches", f"/en/offers/{offer.pk}/matches"):
        assert stranger.get(address).status_code == 404
        assert visit().get(address)["Location"].startswith("/en/account/login/")
    assert officer.get(f"/en/needs/{need.pk}/matches").status_code == 404
    assert "1 need fits" in matches_page(officer, offer)
    response = stranger.post(judge_at(need, offer), {"verdict": "interesting", "side": "need"})
    assert response.status_code == 302
    assert not Judgement.objects.exists()


@pytest.mark.usefixtures("matched")
def test_a_reviewer_reads_matches_but_judges_none(
    visit: Callable[..., Client], make_person: Callable[..., Person], need: Listing, offer: Listing
) -> None:
    reviewer = visit(make_person(role="reviewer"))
    page = matches_page(reviewer, need)
    assert "tf-judge" not in page
    response = reviewer.post(judge_at(need, offer), {"verdict": "interesting", "side": "need"})
    assert response.status_code == 422
    assert "Your role does not allow this." in response.content.decode()
    assert not Judgement.objects.exists()


@pytest.mark.usefixtures("matched")
@pytest.mark.parametrize(("verdict", "said"), [("interesting", "관심 있음"), ("known", "이미 알고 있음")])
def test_a_judgement_takes_one_click(
    scout: Client, need: Listing, offer: Listing, fence: Fence, verdict: str, said: str
) -> None:
    with fence:
        response = scout.post(judge_at(need, offer, "ko"), {"verdict": verdict, "side": "need"})
    assert (response.status_code, response["Location"]) == (302, f"/ko/needs/{need.pk}/matches#m-{offer.pk}")
    assert Judgement.objects.get().verdict == verdict
    page = matches_page(scout, need, "ko")
    assert f"<b>{said}</b>" in page
    assert "되돌리기" in page


@pytest.mark.usefixtures("matched")
def test_declining_asks_why_and_keeps_the_reason_to_oneself(
    scout: Client, officer: Client, need: Listing, offer: Listing
) -> None:
    response = scout.post(judge_at(need, offer), {"verdict": "not_for_us", "side": "need"})
    assert response.status_code == 422
    assert "Please choose a reason." in response.content.decode()
    said = {"verdict": "not_for_us", "reason": "too_early", "note": "Wait for a pilot", "side": "need"}
    assert scout.post(judge_at(need, offer), said).status_code == 302
    mine, theirs = matches_page(scout, need), matches_page(officer, offer)
    for words in ("Not for us</b> — Too early", "Wait for a pilot"):
        assert words in mine
        assert words not in theirs


@pytest.mark.usefixtures("matched")
def test_a_judgement_is_exchanged_in_place_and_can_be_undone(scout: Client, need: Listing, offer: Listing) -> None:
    headers = {"hx-request": "true"}
    fresh = scout.post(judge_at(need, offer), {"verdict": "interesting", "side": "need"}, headers=headers)
    assert fresh.status_code == 200
    assert fresh.content.decode().lstrip().startswith("<article")
    assert "data-takes-focus" in fresh.content.decode()
    undone = scout.post(judge_at(need, offer), {"act": "withdraw", "side": "need"}, headers=headers)
    assert "Interesting for us" not in undone.content.decode()
    assert Judgement.objects.get().withdrawn_at is not None
    refused = scout.post(judge_at(need, offer), {"verdict": "not_for_us", "side": "need"}, headers=headers)
    assert refused.status_code == 200
    assert 'role="alert"' in refused.content.decode()


@pytest.mark.usefixtures("matched")
def test_the_other_side_hears_of_interest(scout: Client, officer: Client, need: Listing, offer: Listing) -> None:
    assert "The other side is interested" not in matches_page(officer, offer)
    scout.post(judge_at(need, offer), {"verdict": "interesting", "side": "need"})
    assert "The other side is interested" in matches_page(officer, offer)


@pytest.mark.usefixtures("matched")
def test_nobody_judges_for_the_other_side(scout: Client, need: Listing, offer: Listing) -> None:
    response = scout.post(judge_at(need, offer), {"verdict": "interesting", "side": "offer"})
    assert response.status_code == 422
    assert not Judgement.objects.exists()


def test_news_is_marked_until_it_is_judged(
    scout: Client, need: Listing, offer: Listing, matched: Match, company: Organisation, at: datetime
) -> None:
    assert ">New<" not in matches_page(scout, need).replace("</svg>", "")
    Notice.objects.create(organisation=company, kind="match_found", listing=need, counterpart=offer, at=at)
    assert "New</span>" in matches_page(scout, need)
    scout.post(judge_at(need, offer), {"verdict": Verdict.KNOWN, "side": "need"})
    assert "New</span>" not in matches_page(scout, need)


def test_one_match_has_a_page_of_its_own(scout: Client, need: Listing, offer: Listing, matched: Match) -> None:
    page = scout.get(judge_at(need, offer)).content.decode()
    assert "What speaks for these two, and what against" in page
    assert "홍수 감지 센서" in page
    matched.delete()
    gone = scout.get(judge_at(need, offer))
    assert gone.status_code == 404
    assert "This is no longer a match" in gone.content.decode()


def test_without_matches_the_page_says_what_to_add(scout: Client, need: Listing, index: Callable[..., None]) -> None:
    index(need)
    page = matches_page(scout, need)
    assert "No offer fits this need yet" in page
    assert "Say which problem it is about." in page
    assert f"/en/needs/{need.pk}/edit" in page


def test_progress_is_told_while_work_waits(scout: Client, need: Listing, offer: Listing, at: datetime) -> None:
    queue.enqueue("matching.index", queueing_lock=f"matching.index:{need.pk}", listing_id=str(need.pk))
    page = matches_page(scout, need)
    assert "Matching is under way." in page
    address = f"/en/needs/{need.pk}/matches"
    assert f'hx-get="{address}?poll=1&amp;known=0"' in page
    headers = {"hx-request": "true"}
    waiting = scout.get(f"{address}?poll=1&known=0", headers=headers).content.decode()
    assert "poll=2" in waiting
    assert "hx-get" not in scout.get(f"{address}?poll=30&known=0", headers=headers).content.decode()
    queue.drain()
    done = scout.get(f"{address}?poll=2&known=0", headers=headers)
    assert (done.status_code, done["HX-Refresh"]) == (204, "true")


def test_new_matches_wait_behind_a_button(
    scout: Client,
    need: Listing,
    matched: Match,
    make_listing: Callable[..., Listing],
    index: Callable[..., None],
    at: datetime,
) -> None:
    index(need)
    make_match(need, make_listing(title="Second"), at=at)
    told = scout.get(f"/en/needs/{need.pk}/matches?poll=3&known=1", headers={"hx-request": "true"}).content.decode()
    assert "1 new match was found." in told
    assert "Second" not in told


def test_a_page_of_matches_costs_the_same_for_one_and_for_three(
    scout: Client, need: Listing, matched: Match, make_listing: Callable[..., Listing], at: datetime
) -> None:
    matches_page(scout, need)
    with CaptureQueriesContext(connection) as one:
        matches_page(scout, need)
    for title in ("Second", "Third"):
        make_match(need, make_listing(title=title), at=at)
    with CaptureQueriesContext(connection) as three:
        matches_page(scout, need)
    assert len(three) == len(one)


@pytest.mark.usefixtures("matched")
def test_a_listing_says_how_it_fits_ones_own(
    scout: Client, visit: Callable[..., Client], need: Listing, offer: Listing
) -> None:
    mine = scout.get(f"/en/offers/{offer.pk}").content.decode()
    assert "Fits your needs" in mine
    assert "홍수 감지 센서" in mine
    assert f"/en/matches/{need.pk}/{offer.pk}" in mine
    assert "Fits your needs" not in visit().get(f"/en/offers/{offer.pk}").content.decode()
