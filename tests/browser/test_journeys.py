"""What people come to do, done in a browser: search, post, import, judge, and nothing leaks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Dialog, Page

    from tests.browser.conftest import Site, Visit

ASKED = {
    "ko": "전고체 전지용 고체 전해질",
    "zh-hans": "固态电池的固体电解质",
    "en": "solid electrolyte for batteries",
}
NEED = {
    "title": "리튬 이차전지용 고체 전해질과 전극 소재",
    "summary": "안전한 전고체 리튬 전지를 만들기 위해 이온 전도도가 높은 고체 전해질과 전극 보호 기술을 찾습니다.",
    "problem": "액체 전해질은 불이 붙기 쉽고 저온에서 성능이 떨어집니다.",
}
FILE = """관리번호,기술명,기술요약,IPC
J-1,하천 수위 영상 측정 장치,카메라 영상으로 하천 수위를 1 cm 이내로 잽니다,G01F 23/00
J-1,번호가 겹친 기술,같은 번호가 두 번 나옵니다,G01F 23/00
J-3,<script>document.title='x'</script> 센서,굵은 <b>글자</b>가 든 요약,G01F
,번호 없는 기술,번호가 없습니다,G01F
"""


@pytest.mark.parametrize("language", ["ko", "zh-hans", "en"])
def test_a_visitor_searches_in_the_own_language(visit: Callable[..., Visit], language: str) -> None:
    page = visit().open(f"/{language}/")
    page.fill("#q", ASKED[language])
    page.press("#q", "Enter")
    expect(page.locator(".tf-count")).to_be_visible()
    found = page.locator(".tf-item")
    assert found.count() >= 3
    titles = " ".join(found.locator("h3").all_inner_texts())
    assert {"ko": "고체", "zh-hans": "固", "en": "olid"}[language] in titles
    found.locator("h3 a").first.click()
    expect(page.locator("h1")).to_be_visible()


def test_a_need_posted_in_korean_finds_technologies_in_three_languages(visit: Callable[..., Visit], site: Site) -> None:
    here = visit("scout")
    page = here.open("/ko/needs/new")
    for name, text in NEED.items():
        page.fill(f"#id_{name}", text)
    page.locator("#id_problem").blur()
    expect(page.locator("#first ol li").first).to_be_visible()
    page.click("button.btn-primary[value=next]")
    page.wait_for_url("**/edit/facts*")
    page.fill("#id_ipc_words", "H01M 10/0562")
    page.check("#ipc-picked .tf-found input >> nth=0")
    page.fill("#id_requirements-0-property", "이온 전도도")
    page.click("button.btn-primary[value=next]")
    summary = page.locator(".tf-errors")
    expect(summary).to_be_focused()
    expect(page.locator("#ipc-picked input:checked")).to_have_count(1)
    summary.locator("a").first.click()
    expect(page.locator("#id_requirements-0-value")).to_be_focused()
    page.keyboard.type("1")
    page.click("button.btn-primary[value=next]")
    page.wait_for_url("**/edit/readers*")
    page.fill("#id_nda", "공정 조건은 계약 뒤에 알립니다.")
    page.click("button.btn-primary[value=next]")
    page.wait_for_url("**/edit/check*")
    expect(page.locator("main")).to_contain_text("이온 전도도")
    page.click("main form button.btn-primary")
    page.wait_for_url("**/matches*")
    site.work()
    page.reload(wait_until="networkidle")
    matches = page.locator(".tf-match")
    expect(matches.first).to_be_visible()
    # What stands beside a title tells the language that an offer was written in; without it, it is the page's.
    tags = set(matches.locator(".tf-orig > .tf-tag > [aria-hidden]").all_inner_texts())
    assert {"中", "EN"} <= tags, tags
    assert matches.filter(has_not=page.locator(".tf-orig")).count() >= 1, "offers written in Korean have no translation"
    expect(matches.first.locator(".tf-reasons")).to_contain_text(re.compile(r"\S"))


def test_a_file_with_faulty_rows_is_brought_in(visit: Callable[..., Visit], site: Site, tmp_path: Path) -> None:
    file = tmp_path / "기술목록.csv"
    file.write_bytes(FILE.encode("cp949"))
    page = visit("officer").open("/en/import")
    page.fill("#id_source_name", "journey")
    page.set_input_files("#id_file", file)
    page.click("main form button.btn-primary")
    expect(page.locator("h1")).to_have_text("What would happen")
    expect(page.locator("#id_encoding")).to_have_value("cp949")
    expect(page.locator("main")).to_contain_text("The number J-1 stands in row 2 already.")
    expect(page.locator("main")).to_contain_text("The record has no number of its own")
    page.click("button[value=start]")
    expect(page.locator("progress")).to_be_visible()
    site.work()
    expect(page.locator("h1")).to_have_text("Brought in", timeout=10_000)
    assert page.locator(".tf-nums dd").all_inner_texts()[:4] == ["2", "0", "0", "2"]
    expect(page.locator("main")).to_contain_text("<script>document.title='x'</script> 센서")
    assert "x ·" not in page.title()
    with page.expect_download() as saved:
        page.click("a[href$='faulty-rows.csv']")
    lines = saved.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "Row,Reason,관리번호,기술명,기술요약,IPC"
    assert len(lines) == 3


def test_a_match_is_judged_and_the_other_side_is_told(visit: Callable[..., Visit], site: Site) -> None:
    from transferase.matching.models import Match

    korean = site.organisations["institute"]
    pair = Match.objects.filter(need__in=site.needs, offer__owner=korean, excluded_by=[]).order_by("-score").first()
    assert pair is not None
    seeker = visit("scout").open(f"/en/needs/{pair.need_id}/matches")
    card = seeker.locator(".tf-match", has=seeker.locator(f"a[href$='/offers/{pair.offer_id}']"))
    title = card.locator("h3").inner_text()
    card.locator("button[value=interesting]").click()
    judged = seeker.locator(".tf-match", has_text=title)
    expect(judged.locator(".tf-judged")).to_contain_text("Interesting")
    desk = visit("officer").open("/en/desk")
    expect(desk.locator("tr", has_text="Interested").first).to_contain_text(title)
    judged.locator("button[value=withdraw]").click()
    expect(seeker.locator(".tf-match", has_text=title).locator("button[value=interesting]")).to_be_visible()
    other = seeker.locator(".tf-match", has=seeker.locator("button[value=not_for_us]")).first
    other.locator("summary", has_text="Not for us").click()
    other.locator("input[value=too_early]").check()
    other.locator("button[value=not_for_us]").click()
    expect(seeker.locator(".tf-judged").first).to_contain_text("Too early")


def test_a_visitor_sees_no_private_text(visit: Callable[..., Visit], site: Site) -> None:
    from django.utils import timezone

    from transferase.catalogue import queries, services
    from transferase.catalogue.rules import TextDraft

    offer, owner = site.offers[0], site.persons["officer"]
    draft = queries.draft_of(offer)
    secret = {"registered": "zirconiumregistered", "nda": "vanadiumundernda"}
    private = tuple(
        TextDraft(offer.original_language, tier, description=f"The secret is {word}.") for tier, word in secret.items()
    )
    changed = type(draft)(**{**vars(draft), "texts": (*draft.texts, *private)})
    services.revise(actor=owner, listing=offer, draft=changed, at=timezone.now())
    site.work()
    outside = visit()
    for path in (f"offers/{offer.pk}", "offers", "search?q=zirconiumregistered", "search?q=vanadiumundernda"):
        page = outside.open(f"/en/{path}")
        content = page.content().replace("search?q=", "").replace('value="', "")
        words = [word for word in secret.values() if f"The secret is {word}" in content]
        assert not words, (path, words)
    assert outside.open("/en/search?q=zirconiumregistered").locator(".tf-item", has_text="zirconium").count() == 0
    own = visit("officer").open(f"/en/offers/{offer.pk}").content()
    assert all(f"The secret is {word}" in own for word in secret.values())
    scout = visit("scout").open(f"/en/offers/{offer.pk}").content()
    assert f"The secret is {secret['registered']}" in scout
    assert f"The secret is {secret['nda']}" not in scout


def test_a_need_is_posted_with_the_keyboard_alone(visit: Callable[..., Visit]) -> None:
    page = visit().open("/en/account/login/?next=/en/needs/new")
    page.keyboard.press("Tab")
    expect(page.locator(".tf-skip")).to_be_focused()
    page.keyboard.press("Enter")
    _tab_to(page, "#id_login")
    page.keyboard.type("scout@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/needs/new")
    _tab_to(page, "#id_title")
    page.keyboard.type("Sensor that hears leaks in water pipes")
    page.keyboard.press("Tab")
    page.keyboard.type("Seeks a low-cost acoustic sensor that finds leaks in buried water pipes within one metre.")
    _tab_to(page, "button.btn-primary[value=next]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/edit/facts*")
    _tab_to(page, "#id_trl_low")
    page.keyboard.press("ArrowDown")
    _tab_to(page, "button.btn-primary[value=next]", limit=150)
    page.keyboard.press("Enter")
    page.wait_for_url("**/edit/readers*")
    _tab_to(page, "#id_is_anonymous")
    page.keyboard.press("Space")
    _tab_to(page, "button.btn-primary[value=next]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/edit/check*")
    _tab_to(page, "main form button.btn-primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**/matches*")
    expect(page.locator("h1")).to_be_visible()


def test_what_was_typed_is_found_again_after_leaving(visit: Callable[..., Visit]) -> None:
    page = visit("scout").open("/en/needs/new")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        # The writer stays where text would be lost.
        dialog.dismiss()

    page.on("dialog", answer)
    page.click(".tf-lang.wide a[hreflang=ko]")
    page.wait_for_url("**/ko/needs/new")
    page.click("#id_title")
    page.keyboard.type("막 소재")
    page.click(".tf-lang.wide a[hreflang=en]", no_wait_after=True)
    expect(page.locator("#id_title")).to_have_value("막 소재")
    assert asked == ["beforeunload"], "what is not kept yet is asked about"
    expect(page.locator("#kept svg")).to_be_visible()
    assert "?draft=" in page.url
    page.click(".tf-lang.wide a[hreflang=en]")
    page.wait_for_url("**/en/needs/new")
    assert asked == ["beforeunload"], "what is kept needs no question"
    page.click(".tf-call a")
    page.wait_for_url("**/needs/new?draft=*")
    expect(page.locator("#id_title")).to_have_value("막 소재")
    page.click("button.btn-primary[value=next]")
    page.wait_for_url("**/edit/facts*")
    saved = page.url
    page.go_back()
    page.click("button.btn-primary[value=next]")
    page.wait_for_url("**/edit/facts*")
    assert page.url == saved, "the same draft, not a second one"
    assert asked == ["beforeunload"], "what is saved needs no question"


def test_the_pages_work_without_script(visit: Callable[..., Visit], site: Site) -> None:
    page = visit("scout", java_script_enabled=False).page
    page.goto("/en/needs/new")
    page.fill("#id_title", "Membrane for redox flow batteries")
    page.fill("#id_summary", "Seeks a selective membrane for vanadium redox flow batteries.")
    page.click("button.btn-primary[value=next]")
    page.fill("#id_ipc_words", "H01M 8/18")
    page.click("button[value=find_ipc]")
    page.check("#ipc-picked .tf-found input >> nth=0")
    page.click("button[value=add_requirements]")
    assert page.locator("#requirements tbody tr").count() == 3
    page.click("button.btn-primary[value=next]")
    page.click("button.btn-primary[value=next]")
    assert "/edit/check" in page.url
    page.goto(f"/en/needs/{site.needs[0].pk}/matches")
    assert page.locator(".tf-match").count() >= 1


def _tab_to(page: Page, selector: str, limit: int = 60) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(limit):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{selector} cannot be reached with the Tab key")
