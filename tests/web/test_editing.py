"""Writing a listing step by step: saved at each step, nothing lost, nobody else's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.test import Client

from transferase.catalogue import queries
from transferase.catalogue.models import Direction, Listing, Origin, State, Tier
from transferase.foundation.typed import all_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Fence
    from transferase.directory.models import Organisation, Person

pytestmark = pytest.mark.django_db

NEED = {
    "language": "ko",
    "title": "저가형 침수 감지 센서",
    "summary": "홍수 때 수위를 재는 저렴한 센서를 찾습니다.",
    "act": "next",
}
NO_ROWS = {"requirements-TOTAL_FORMS": "0", "requirements-INITIAL_FORMS": "0"}


@pytest.fixture
def company(make_organisation: Callable[..., Organisation]) -> Organisation:
    return make_organisation(kind="company_small", names={"ko": "침수기업"})


@pytest.fixture
def writer(make_person: Callable[..., Person], company: Organisation) -> Person:
    return make_person(role="company_user", organisation=company)


@pytest.fixture
def client(visit: Callable[[Person], Client], writer: Person) -> Client:
    return visit(writer)


@pytest.fixture
def need(make_listing: Callable[..., Listing], company: Organisation) -> Listing:
    return make_listing(owner=company, direction=Direction.NEED, state=State.DRAFT, language="ko", title="센서")


def test_a_need_is_written_in_four_steps_and_published(client: Client, company: Organisation, fence: Fence) -> None:
    with fence:
        response = client.post("/ko/needs/new", NEED)
    need = Listing.objects.get()
    assert (need.owner, need.state, need.country) == (company, State.DRAFT, company.country)
    assert response["Location"] == f"/ko/needs/{need.pk}/edit/facts"
    facts = {
        **NO_ROWS,
        "requirements-TOTAL_FORMS": "2",
        "version": "1",
        "trl_low": "5",
        "ipc": ["G01F 23/00"],
        "territory": ["KR", "world"],
        "transfer_modes": ["joint_research", "option"],
        "requirements-0-property": "수위 오차",
        "requirements-0-operator": "le",
        "requirements-0-value": "１,000.5",
        "requirements-0-unit": "cm",
        "requirements-0-is_must": "nice",
        "act": "next",
    }
    with fence:
        response = client.post(f"/ko/needs/{need.pk}/edit/facts", facts)
    assert response["Location"] == f"/ko/needs/{need.pk}/edit/readers"
    with fence:
        response = client.post(
            f"/ko/needs/{need.pk}/edit/readers",
            {"version": "2", "is_anonymous": "on", "nda": "비밀 설계", "en-title": "Flood sensor", "act": "next"},
        )
    assert response["Location"] == f"/ko/needs/{need.pk}/edit/check"
    page = client.get(response["Location"]).content.decode()
    assert "저가형 침수 감지 센서" in page
    with fence:
        response = client.post(f"/ko/needs/{need.pk}/edit/check")
    assert response["Location"] == f"/ko/needs/{need.pk}/matches"
    need.refresh_from_db()
    draft = queries.draft_of(need)
    assert need.state == State.PUBLISHED
    assert (draft.trl_low, draft.trl_high, draft.ipc, draft.territory) == (5, 5, ("G01F 23/00",), ("world",))
    assert draft.transfer_modes == ("joint_research", "option")
    wanted = draft.requirements[0]
    assert (wanted.property, wanted.operator, str(wanted.value.normalize()), wanted.is_must) == (
        "수위 오차",
        "le",
        "1000.5",
        False,
    )
    assert {(t.language, t.tier, t.origin) for t in draft.texts} == {
        ("ko", Tier.PUBLIC, Origin.ORIGINAL),
        ("ko", Tier.NDA, Origin.ORIGINAL),
        ("en", Tier.PUBLIC, Origin.HUMAN),
    }
    assert draft.is_anonymous


def test_an_offer_keeps_its_rights(client: Client) -> None:
    client.post("/en/offers/new", {**NEED, "language": "en", "title": "Sensor"})
    offer = Listing.objects.get()
    row = {
        "rights-TOTAL_FORMS": "2",
        "rights-INITIAL_FORMS": "0",
        "rights-0-kind": "patent",
        "rights-0-office": "kr",
        "rights-0-number": "10-1234567",
        "rights-0-status": "granted",
        "rights-0-filed_date": "2020.3.1",
        "act": "later",
    }
    assert client.post(f"/en/offers/{offer.pk}/edit/facts", row)["Location"] == "/en/desk"
    right = queries.draft_of(offer).rights[0]
    assert (right.kind, right.office, right.number, str(right.filed_date)) == (
        "patent",
        "KR",
        "10-1234567",
        "2020-03-01",
    )


def test_errors_keep_what_was_typed_and_name_the_field(client: Client, need: Listing) -> None:
    typed = {
        **NO_ROWS,
        "requirements-TOTAL_FORMS": "1",
        "requirements-0-property": "수위 오차",
        "requirements-0-operator": "ge",
        "trl_low": "7",
        "trl_high": "3",
        "price_low": "100",
        "act": "next",
    }
    response = client.post(f"/ko/needs/{need.pk}/edit/facts", typed)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="수위 오차"' in page
    for place in ("id_requirements-0-value", "id_trl_high", "id_currency"):
        assert f'href="#{place}"' in page
        assert f'id="{place}"' in page
    need.refresh_from_db()
    assert (need.version, need.trl_low) == (1, None)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"trl_low": "7", "trl_high": "3"}, "Readiness, upper level</a>: The upper level is below the lower one."),
        ({"price_low": "many"}, "Budget, lower amount</a>: Enter a number in digits, such as 1250 or 0.5."),
        ({"price_low": "-5", "currency": "USD"}, "Budget, lower amount</a>: This number may not be below 0."),
        ({"price_high": "1" * 19, "currency": "USD"}, "upper amount</a>: This number has too many digits."),
        ({"price_high": "7"}, "Currency of the budget</a>: Choose the currency of the amount."),
        ({"decision_date": "soon"}, "Decision by</a>: Enter a day, such as 2026-12-03."),
        ({"field_of_use": "x" * 301}, "Please shorten this: 301 characters, and 300 are allowed."),
    ],
)
def test_faults_of_step_two_name_their_field_and_the_remedy(
    client: Client, need: Listing, typed: dict[str, str], said: str
) -> None:
    page = client.post(f"/en/needs/{need.pk}/edit/facts", {**NO_ROWS, **typed}).content.decode()
    assert said in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"title": ""}, "제목"),
        ({"title": "가" * 301}, "가" * 301),
        ({"description": "글" * 100_000}, "글" * 100_000),
    ],
)
def test_a_step_that_breaks_a_rule_saves_nothing_and_loses_nothing(
    client: Client, typed: dict[str, str], said: str
) -> None:
    response = client.post("/ko/needs/new", {**NEED, **typed})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Listing.objects.exists()


def test_script_emoji_and_directions_stay_harmless_text(client: Client) -> None:
    title = "<script>alert(1)</script> 🌊 \u202egnirts"
    client.post("/en/needs/new", {**NEED, "title": title})
    need = Listing.objects.get()
    page = client.get(f"/en/needs/{need.pk}/edit").content.decode()
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 🌊" in page


def test_finding_a_class_and_adding_a_row_save_nothing(client: Client, need: Listing) -> None:
    address = f"/en/needs/{need.pk}/edit/facts"
    typed = {**NO_ROWS, "requirements-TOTAL_FORMS": "1", "requirements-0-property": "weight", "ipc_words": "G01F"}
    page = client.post(address, {**typed, "act": "find_ipc"}).content.decode()
    assert 'value="weight"' in page
    assert 'name="ipc" value="G01F"' in page
    page = client.post(address, {**typed, "act": "add_requirements"}).content.decode()
    assert 'name="requirements-1-property"' in page
    need.refresh_from_db()
    assert need.version == 1


def test_a_new_listing_sent_twice_is_one_listing(client: Client) -> None:
    page = client.get("/ko/needs/new").content.decode()
    token = re.search(r'name="draft" value="([0-9a-f-]{36})"', page)
    assert token
    first = client.post("/ko/needs/new", {**NEED, "draft": token[1]})
    again = client.post("/ko/needs/new", {**NEED, "draft": token[1]})
    assert again["Location"] == first["Location"]
    need = Listing.objects.get()
    assert (str(need.pk), need.version) == (token[1], 1)
    # Back, a word changed, and sent again: the same draft, revised.
    client.post("/ko/needs/new", {**NEED, "draft": token[1], "title": "침수 감지기"})
    assert [t.title for t in queries.draft_of(Listing.objects.get()).texts] == ["침수 감지기"]
    assert client.get(f"/ko/needs/new?draft={token[1]}")["Location"] == f"/ko/needs/{token[1]}/edit/what"


def test_an_old_page_of_a_new_listing_does_not_undo_what_was_written_since(client: Client) -> None:
    token = str(uuid4())
    client.post("/ko/needs/new", {**NEED, "draft": token})
    client.post(f"/ko/needs/{token}/edit", {**NEED, "version": "1", "title": "더 나은 제목"})
    response = client.post("/ko/needs/new", {**NEED, "draft": token, "title": "옛 제목"})
    assert response.status_code == 422
    assert "더 나은 제목" in response.content.decode()
    assert "다른 창에서" in response.content.decode()
    assert queries.draft_of(Listing.objects.get()).texts[0].title == "더 나은 제목"


def test_the_id_of_somebody_elses_listing_opens_nothing(
    client: Client, make_listing: Callable[..., Listing], fence: Fence
) -> None:
    for state in (State.DRAFT, State.PUBLISHED):
        theirs = make_listing(direction=Direction.NEED, state=state, title="Theirs")
        with fence:
            assert client.post("/ko/needs/new", {**NEED, "draft": str(theirs.pk)}).status_code == 404
        assert queries.draft_of(theirs).texts[0].title == "Theirs"


def test_what_was_typed_and_left_is_found_again(client: Client, visit: Callable[[Person], Client]) -> None:
    token = uuid4()
    typed = {**NEED, "draft": str(token), "nonsense": ""}
    assert client.post(f"/ko/typed/need/{token}/what", typed).status_code == 200
    assert not Listing.objects.exists()
    place = f"/ko/needs/new?draft={token}"
    assert place in client.get("/ko/needs/new").content.decode()
    assert NEED["title"] in client.get("/ko/desk").content.decode()
    page = client.get(place).content.decode()
    assert NEED["summary"] in page
    assert f'name="draft" value="{token}"' in page
    # It is nobody else's, and it goes once it is saved.
    client.post("/ko/needs/new", {**NEED, "draft": str(token)})
    assert "unfinished" not in client.get("/ko/desk").content.decode()


def test_what_one_person_typed_is_not_shown_to_a_colleague(
    client: Client, visit: Callable[[Person], Client], make_person: Callable[..., Person], company: Organisation
) -> None:
    token = uuid4()
    client.post(f"/ko/typed/need/{token}/what", {**NEED, "draft": str(token)})
    colleague = visit(make_person(role="company_user", organisation=company))
    for path in ("desk", "needs/new", f"needs/new?draft={token}"):
        assert NEED["summary"] not in colleague.get(f"/ko/{path}").content.decode()


def test_what_was_typed_into_a_listing_is_offered_again_and_can_be_thrown_away(client: Client, need: Listing) -> None:
    address = f"/ko/needs/{need.pk}/edit/what"
    client.post(f"/ko/typed/need/{need.pk}/what", {**NEED, "version": "1", "title": "반쯤 쓴 제목"})
    page = client.get(address).content.decode()
    assert "반쯤 쓴 제목" not in page
    assert "?typed=1" in page
    assert 'value="반쯤 쓴 제목"' in client.get(f"{address}?typed=1").content.decode()
    thrown = client.post(f"/ko/typed/need/{need.pk}/what/forget", {"next": address})
    assert thrown["Location"] == address
    assert "?typed=1" not in client.get(address).content.decode()


def test_before_publishing_one_is_told_of_what_is_not_saved(client: Client, need: Listing) -> None:
    client.post(f"/ko/typed/need/{need.pk}/facts", {**NO_ROWS, "version": "1", "field_of_use": "수처리"})
    for path in (f"needs/{need.pk}/edit/check", "desk"):
        assert f"/ko/needs/{need.pk}/edit/facts?typed=1" in client.get(f"/ko/{path}").content.decode()
    client.post(f"/ko/typed/need/{need.pk}/facts/forget")
    assert "typed=1" not in client.get(f"/ko/needs/{need.pk}/edit/check").content.decode()


def test_after_signing_in_again_the_new_listing_is_the_one_begun(visit: Callable[..., Client], writer: Person) -> None:
    visitor, token = visit(writer), str(uuid4())
    visitor.post(f"/ko/typed/need/{token}/what", {**NEED, "draft": token})
    visitor.logout()
    visitor.post("/ko/needs/new", {**NEED, "draft": token})
    visitor.force_login(writer)
    assert f'name="draft" value="{token}"' in visitor.get("/ko/needs/new").content.decode()
    visitor.post("/ko/needs/new", {**NEED, "draft": token})
    assert (str(Listing.objects.get().pk), all_kept(writer)) == (token, [])


def test_an_empty_page_and_a_page_that_was_saved_are_not_kept(client: Client, writer: Person) -> None:
    token = uuid4()
    client.post(f"/ko/typed/need/{token}/what", {"language": "ko", "draft": str(token), "title": ""})
    assert all_kept(writer) == []
    client.post("/ko/needs/new", {**NEED, "draft": str(token)})
    # A request that was on its way while the form was sent comes too late.
    assert client.post(f"/ko/typed/need/{token}/what", {**NEED, "draft": str(token)}).status_code == 204
    assert all_kept(writer) == []


def test_nothing_is_kept_of_somebody_who_is_not_signed_in(visit: Callable[..., Client], need: Listing) -> None:
    visitor = visit(None)
    assert visitor.post(f"/ko/typed/need/{need.pk}/what", NEED).status_code == 401
    assert "sessionid" not in visitor.cookies


def test_faults_do_not_lose_what_was_typed_when_the_page_is_left(client: Client, writer: Person) -> None:
    client.post("/ko/needs/new", {**NEED, "draft": str(uuid4()), "title": ""})
    assert len(all_kept(writer)) == 1
    assert NEED["summary"] in client.get("/ko/desk").content.decode()


def test_two_writers_see_each_others_changes_and_choose(
    client: Client,
    need: Listing,
    visit: Callable[[Person], Client],
    make_person: Callable[..., Person],
    company: Organisation,
) -> None:
    address = f"/ko/needs/{need.pk}/edit"
    client.post(address, {**NEED, "version": "1"})
    other = visit(make_person(role="company_user", organisation=company, name="김하늘"))
    other.post(address, {**NEED, "version": "2", "title": "동료의 제목", "problem": "동료가 쓴 문제"})
    response = client.post(address, {**NEED, "version": "2", "title": "나의 제목", "advantages": "내가 쓴 장점"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "김하늘" in page
    # Both titles stand there with a choice; the problem, which only the other touched, is taken over.
    assert "동료의 제목" in page
    assert 'value="나의 제목"' in page
    assert 'name="take" value="title"' in page
    assert 'name="take" value="problem"' not in page
    assert re.search(r'<textarea name="problem"[^>]*>\s*동료가 쓴 문제', page)
    assert 'name="version" value="3"' in page
    assert queries.draft_of(need).texts[0].title == "동료의 제목"
    typed = {**NEED, "title": "나의 제목", "problem": "동료가 쓴 문제", "advantages": "내가 쓴 장점", "version": "3"}
    assert client.post(address, {**typed, "take": "title"}).status_code == 302
    text = queries.draft_of(need).texts[0]
    assert (text.title, text.problem, text.advantages) == ("동료의 제목", "동료가 쓴 문제", "내가 쓴 장점")


def test_rows_and_choices_that_another_changed_are_told_in_words(client: Client, need: Listing) -> None:
    address = f"/en/needs/{need.pk}/edit/facts"
    row = {
        "requirements-TOTAL_FORMS": "1",
        "requirements-INITIAL_FORMS": "0",
        "requirements-0-property": "range",
        "requirements-0-operator": "ge",
        "requirements-0-value": "5",
        "requirements-0-unit": "km",
    }
    start = {**NO_ROWS, "version": "1", "territory": ["KR"], "trl_low": "4", "trl_high": "4"}
    client.post(address, start)
    client.post(address, {**start, **row, "version": "2", "territory": ["CN"], "trl_low": "6", "trl_high": "6"})
    mine = {**start, **row, "requirements-0-value": "9", "version": "2", "territory": ["US"], "price_low": "7"}
    page = client.post(address, {**mine, "currency": "USD"}).content.decode()
    assert "range" in page
    assert "China" in page
    for name, is_contested in {"requirements": True, "territory": True, "trl_low": False}.items():
        assert (f'name="take" value="{name}"' in page) is is_contested
    mine |= {"version": "3", "currency": "USD", "trl_low": "6", "trl_high": "6", "take": ["requirements", "territory"]}
    assert client.post(address, mine).status_code == 302
    need.refresh_from_db()
    draft = queries.draft_of(need)
    assert (draft.territory, draft.trl_low, str(draft.price_low)) == (("CN",), 6, "7.00")
    assert [str(r.value.normalize()) for r in draft.requirements] == ["5"]


def test_a_change_on_another_step_disturbs_nobody(client: Client, need: Listing) -> None:
    client.post(f"/ko/needs/{need.pk}/edit", {**NEED, "version": "1"})
    response = client.post(f"/ko/needs/{need.pk}/edit/readers", {"version": "1", "registered": "가입자에게"})
    assert response.status_code == 302
    need.refresh_from_db()
    assert (need.version, queries.draft_of(need).texts[0].title) == (3, NEED["title"])


def test_a_fault_does_not_hide_that_somebody_else_saved(client: Client, need: Listing) -> None:
    address = f"/ko/needs/{need.pk}/edit"
    client.post(address, {**NEED, "version": "1", "title": "첫 번째"})
    page = client.post(address, {**NEED, "version": "1", "title": ""}).content.decode()
    assert 'name="version" value="1"' in page


def test_a_step_without_a_change_makes_no_version(client: Client, need: Listing) -> None:
    text = queries.draft_of(need).texts[0]
    client.post(f"/ko/needs/{need.pk}/edit", {"language": "ko", "title": text.title, "summary": text.summary})
    need.refresh_from_db()
    assert need.version == 1


def test_what_was_typed_when_the_session_ended_is_there_after_sign_in(
    visit: Callable[..., Client], writer: Person
) -> None:
    visitor = visit(None)
    response = visitor.post("/ko/needs/new", NEED)
    assert response["Location"].startswith("/ko/account/login/")
    visitor.force_login(writer)
    page = visitor.get("/ko/needs/new").content.decode()
    assert NEED["summary"] in page
    assert not Listing.objects.exists()
    assert NEED["summary"] not in visitor.get("/ko/needs/new").content.decode()


def test_without_an_organisation_the_way_leads_over_registering_one(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    response = visit(make_person()).get("/en/offers/new")
    assert response["Location"] == "/en/organisations/new?next=%2Fen%2Foffers%2Fnew"


def test_strangers_do_not_reach_a_listing(
    visit: Callable[..., Client], make_person: Callable[..., Person], make_listing: Callable[..., Listing]
) -> None:
    published = make_listing()
    stranger = visit(make_person(role="company_user"))
    for path in (f"offers/{published.pk}/edit", f"offers/{published.pk}/edit/check", f"listings/{published.pk}/manage"):
        assert stranger.get(f"/en/{path}").status_code == 404
    assert stranger.post(f"/en/listings/{published.pk}/manage/pause").status_code == 404
    published.refresh_from_db()
    assert published.state == State.PUBLISHED


def test_a_visitor_signs_in_first(client: Client, visit: Callable[..., Client], need: Listing) -> None:
    response = visit(None).get(f"/ko/needs/{need.pk}/edit")
    assert response["Location"] == f"/ko/account/login/?next=/ko/needs/{need.pk}/edit"


def test_a_machines_translation_becomes_a_persons_once_it_is_changed(
    client: Client, make_listing: Callable[..., Listing], company: Organisation
) -> None:
    machine = {"language": "en", "origin": Origin.MACHINE, "title": "Sensor ", "summary": "By a machine."}
    need = make_listing(
        owner=company, direction="need", state=State.DRAFT, language="ko", title="센서", texts=[machine]
    )
    address = f"/ko/needs/{need.pk}/edit/readers"
    client.post(address, {"en-title": "Sensor", "en-summary": "By a machine.", "is_anonymous": "on"})
    origins = {t.language: t.origin for t in queries.draft_of(need).texts}
    assert origins["en"] == Origin.MACHINE
    client.post(address, {"en-title": "Sensor", "en-summary": "By a person."})
    origins = {t.language: t.origin for t in queries.draft_of(need).texts}
    assert origins["en"] == Origin.HUMAN


def test_the_language_of_the_text_can_be_changed(client: Client, need: Listing) -> None:
    client.post(f"/ko/needs/{need.pk}/edit/readers", {"nda": "secret"})
    client.post(f"/ko/needs/{need.pk}/edit", {**NEED, "language": "en", "title": "Sensor", "summary": "Seeks one."})
    need.refresh_from_db()
    draft = queries.draft_of(need)
    assert draft.original_language == "en"
    assert {(t.language, t.tier) for t in draft.texts} == {("en", Tier.PUBLIC), ("en", Tier.NDA)}


def test_hints_tell_the_language_and_what_is_missing(client: Client) -> None:
    page = client.post("/en/hints/need", {**NEED, "language": "en"}).content.decode()
    assert "This reads like Korean, but the language above says English." in page
    assert "hint" not in page.lower().replace("tf-hint", "")
    assert client.post("/en/hints/gift", NEED).status_code == 404


def test_terms_are_found_beside_those_chosen(client: Client) -> None:
    page = client.get("/ko/terms/territory", {"territory_words": "독일", "territory": ["KR"]}).content.decode()
    assert 'value="KR" checked' in page
    assert 'value="DE"' in page
    assert client.get("/ko/terms/secret").status_code == 404


def test_the_text_so_far_already_has_matches(client: Client) -> None:
    short = client.post("/en/hints/need/matches", {**NEED, "title": "", "summary": ""}).content.decode()
    assert "Write a little more" in short
    assert "Write a little more" not in client.post("/en/hints/need/matches", NEED).content.decode()
