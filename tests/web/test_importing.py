"""Bringing in a file through the browser: preview first, good rows kept, faulty rows told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from transferase.catalogue.models import Listing, State
from transferase.interchange.models import ImportRun, RunState
from transferase.matching.models import ListingIndex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Fence
    from transferase.directory.models import Organisation, Person

pytestmark = pytest.mark.django_db

TABLE = """관리번호,기술명,기술요약,IPC,비고
A-1,전기차 배터리 열관리 기술,배터리 온도를 3도 이내로 유지하는 냉각판,H01M 10/613,=1+1
A-2,해조류 기반 생분해 필름,90일 이내에 분해되는 포장 필름,C08J 5/18,
A-2,번호가 같은 기술,같은 번호가 두 번 나옵니다,C08J 5/18,=cmd()
A-4,<script>alert(1)</script> 필름,<b>굵은</b> 요약,C08J 5/18,
"""


@pytest.fixture(autouse=True)
def files(settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


@pytest.fixture
def institute(make_organisation: Callable[..., Organisation]) -> Organisation:
    return make_organisation(names={"ko": "견본대학교"})


@pytest.fixture
def client(visit: Callable[..., Client], make_person: Callable[..., Person], institute: Organisation) -> Client:
    return visit(make_person(role="transfer_officer", organisation=institute))


def upload(client: Client, raw: bytes, name: str = "tech.csv", **facts: str) -> object:
    told = {"kind": "offers", "source_name": "office", **facts, "file": SimpleUploadedFile(name, raw)}
    return client.post("/en/import", told)


def mapping(run: ImportRun, **facts: str) -> dict[str, str]:
    columns = {f"column-{place}": run.columns.get(name, "") for place, name in enumerate(run.header)}
    return {"encoding": run.encoding, "wanted_state": "published", **columns, **facts}


def test_a_file_is_looked_at_then_brought_in(client: Client, fence: Fence, drain: Callable[[], int]) -> None:
    with fence:
        response = upload(client, TABLE.encode("cp949"))
    run = ImportRun.objects.get()
    assert response["Location"] == f"/en/import/{run.pk}"  # type: ignore[index]
    with fence:
        page = client.get(f"/en/import/{run.pk}").content.decode()
    assert '<option value="cp949" selected>' in page
    assert "전기차 배터리 열관리 기술" in page
    assert "The number A-2 stands in row 3 already." in page
    assert "<script>alert(1)" not in page
    assert not Listing.objects.exists()
    with fence:
        client.post(f"/en/import/{run.pk}", mapping(run, act="start"))
    running = client.get(f"/en/import/{run.pk}").content.decode()
    assert 'hx-trigger="load delay:2s"' in running
    drain()
    asked_by_page = client.get(f"/en/import/{run.pk}?polls=1", headers={"hx-request": "true"})
    assert asked_by_page["HX-Refresh"] == "true"
    result = client.get(f"/en/import/{run.pk}").content.decode()
    assert "Brought in" in result
    assert "해조류 기반 생분해 필름" in result
    assert set(Listing.objects.values_list("state", "country")) == {(State.PUBLISHED, "KR")}
    assert Listing.objects.count() == 3
    faulty = b"".join(client.get(f"/en/import/{run.pk}/faulty-rows.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    header, row = faulty.strip().splitlines()
    assert header == "Row,Reason,관리번호,기술명,기술요약,IPC,비고"
    assert row.startswith("4,The number A-2 stands in row 3 already.,A-2,")
    assert row.endswith(",'=cmd()")


def test_the_result_leads_to_the_needs_that_are_answered(
    client: Client, drain: Callable[[], int], make_listing: Callable[..., Listing]
) -> None:
    make_listing(
        direction="need", title="해조류로 만든 생분해 포장 필름", summary="90일 이내에 분해되는 포장 필름을 찾습니다."
    )
    drain()
    upload(client, TABLE.encode())
    run = ImportRun.objects.get()
    client.post(f"/en/import/{run.pk}", mapping(run, act="start"))
    drain()
    page = client.get(f"/en/import/{run.pk}").content.decode()
    film = Listing.objects.get(external_id="A-2")
    assert f'<a class="tf-sm" href="/en/offers/{film.pk}/matches">Matches: 1<' in page
    assert "Matching is under way." not in page
    ListingIndex.objects.filter(listing=film).update(listing_version=0)
    assert "Matching is under way." in client.get(f"/en/import/{run.pk}").content.decode()


def test_characters_and_columns_can_be_changed(client: Client) -> None:
    upload(client, TABLE.encode("utf-8"))
    run = ImportRun.objects.get()
    client.post(f"/en/import/{run.pk}", mapping(run, **{"column-4": "advantages"}, act="preview"))
    run.refresh_from_db()
    assert run.columns["비고"] == "advantages"
    client.post(f"/en/import/{run.pk}", mapping(run, encoding="gb18030", act="preview"))
    run.refresh_from_db()
    assert run.state in {RunState.UPLOADED, RunState.PREVIEWED}


def test_the_same_file_again_changes_nothing(client: Client, drain: Callable[[], int]) -> None:
    for _ in range(2):
        upload(client, TABLE.encode("utf-8"))
        run = ImportRun.objects.latest("pk")
        client.post(f"/en/import/{run.pk}", mapping(run, act="start"))
        drain()
    run.refresh_from_db()
    assert (run.created, run.updated, run.unchanged, run.rejected) == (0, 0, 3, 1)


@pytest.mark.parametrize(
    ("raw", "name", "said"),
    [
        (b"", "empty.csv", "The file holds no rows."),
        (b"%PDF-1.7 nothing", "paper.pdf", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old.xls", "old format of Excel"),
        (b"PK\x03\x04 broken", "broken.xlsx", "damaged"),
    ],
)
def test_what_is_no_table_is_refused_in_words(client: Client, raw: bytes, name: str, said: str) -> None:
    response = upload(client, raw, name)
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert said in response.content.decode()  # type: ignore[attr-defined]
    assert not ImportRun.objects.exists()


@override_settings(IMPORT_MAX_BYTES=1024 * 1024)
def test_a_file_that_is_too_large_is_refused_with_its_limit(client: Client, tmp_path: Path) -> None:
    response = upload(client, b"a" * (3 * 1024 * 1024))
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert "larger than 1 MB" in response.content.decode()  # type: ignore[attr-defined]
    assert not ImportRun.objects.exists()
    assert not list(tmp_path.rglob("*.csv"))


def test_without_a_file_the_form_says_so(client: Client) -> None:
    response = client.post("/en/import", {"kind": "offers", "source_name": "office"})
    assert response.status_code == 422
    assert "Choose a file." in response.content.decode()


def test_the_upload_asks_for_the_token_of_the_form(make_person: Callable[..., Person], institute: Organisation) -> None:
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(make_person(role="transfer_officer", organisation=institute))
    response = upload(guarded, TABLE.encode())
    assert response.status_code == 403  # type: ignore[attr-defined]
    assert not ImportRun.objects.exists()


def test_an_import_is_stopped(client: Client, drain: Callable[[], int]) -> None:
    upload(client, TABLE.encode("utf-8"))
    run = ImportRun.objects.get()
    client.post(f"/en/import/{run.pk}", mapping(run, act="start"))
    client.post(f"/en/import/{run.pk}/cancel")
    drain()
    assert "Stopped" in client.get(f"/en/import/{run.pk}").content.decode()
    assert not Listing.objects.exists()


def test_imports_of_others_do_not_exist(
    client: Client, visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    upload(client, TABLE.encode("utf-8"))
    run = ImportRun.objects.get()
    stranger = visit(make_person(role="company_user"))
    for path in ("", "/faulty-rows.csv"):
        assert stranger.get(f"/en/import/{run.pk}{path}").status_code == 404
    assert stranger.post(f"/en/import/{run.pk}/cancel").status_code == 404
    assert visit(None).get("/en/import").status_code == 302  # type: ignore[arg-type]


def test_the_source_of_another_organisation_is_not_taken(
    client: Client, visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    upload(client, TABLE.encode("utf-8"))
    response = upload(visit(make_person(role="transfer_officer")), TABLE.encode("utf-8"))
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert "belongs to another organisation" in response.content.decode()  # type: ignore[attr-defined]


def test_a_file_with_a_header_alone_is_empty(client: Client) -> None:
    page = upload(client, "관리번호,기술명,기술요약\n".encode())
    assert page.status_code == 422  # type: ignore[attr-defined]
    assert "The file holds no rows." in page.content.decode()  # type: ignore[attr-defined]
    assert not ImportRun.objects.exists()


def test_a_missing_column_is_named_and_no_made_up_number_shown(client: Client) -> None:
    upload(client, "IPC,비고\nH01M 10/613,a\nC08J 5/18,b\n".encode())
    run = ImportRun.objects.get()
    page = client.get(f"/en/import/{run.pk}").content.decode()
    assert "No column fills: Title" in page
    assert "sha-" not in page
    assert "Bring in the good rows" not in page
    upload(client, "기술명,기술요약\n필름,분해되는 포장 필름\n필름,분해되는 포장 필름\n".encode(), "two.csv")
    twice = client.get(f"/en/import/{ImportRun.objects.latest('pk').pk}").content.decode()
    assert "The same record stands in row 2 already." in twice
    assert "sha-" not in twice
