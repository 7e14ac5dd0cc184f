"""Files of imports: whose they are, where they lie, and what a stranger may make the platform read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from transferase.directory.models import Role
from transferase.foundation.errors import DomainError
from transferase.interchange import services
from transferase.interchange.models import ImportRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from django.test import Client, RequestFactory

    from transferase.directory.models import Person


@pytest.fixture
def run(make_person: Callable[..., Person], tmp_path: Path, settings: Any, at: datetime) -> ImportRun:
    settings.MEDIA_ROOT = tmp_path / "media"
    person = make_person(role=Role.TRANSFER_OFFICER)
    path = tmp_path / "t.csv"
    path.write_text("external_id,title,summary\n1,T,S.\n", encoding="utf-8")
    return services.receive(
        actor=person, organisation=person.memberships.get().organisation, source_name="", kind="offers", file=path,
        file_name="../../etc/secret-list.csv", at=at,
    )  # fmt: skip


@pytest.mark.parametrize("role", [Role.TRANSFER_OFFICER, Role.REVIEWER, None])
def test_others_do_not_learn_of_an_import(
    run: ImportRun, visit: Callable[..., Client], make_person: Callable[..., Person], role: str | None
) -> None:
    client = visit(make_person(role=role) if role else make_person())
    assert client.get(f"/en/import/{run.pk}").status_code == 404
    assert client.get(f"/en/import/{run.pk}/faulty-rows.csv").status_code == 404
    assert client.post(f"/en/import/{run.pk}", {"act": "start"}).status_code == 404
    assert client.post(f"/en/import/{run.pk}/cancel").status_code == 404
    for page in ("desk", "import"):
        assert "secret-list" not in client.get(f"/en/{page}", follow=True).content.decode()


def test_nobody_imports_for_an_organisation_of_others(
    run: ImportRun, visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    client = visit(make_person(role=Role.TRANSFER_OFFICER))
    file = SimpleUploadedFile("t.csv", b"external_id,title,summary\n1,T,S.\n")
    form = {"organisation": run.organisation_id, "source_name": "mine", "kind": "offers", "file": file}
    client.post("/en/import", form)
    assert ImportRun.objects.filter(organisation=run.organisation_id).count() == 1


def test_a_name_leads_nowhere(run: ImportRun, tmp_path: Path) -> None:
    assert run.file_name == "secret-list.csv"
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file() and path.name != "t.csv"] == ["imports"]


def test_nothing_that_a_stranger_sends_is_read(visit: Callable[..., Client]) -> None:
    class Unread:
        """The body of a request, which nobody should ask for."""

        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    client = visit(None)
    answer = client.generic(
        "POST",
        "/en/import",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH="1000",
        **{"wsgi.input": Unread()},
    )
    assert answer.status_code == 302
    assert answer["Location"].startswith("/en/account/login/")


@pytest.mark.parametrize("field", ["is_sample", "owner", "owner_identifier"])
def test_what_only_operators_say_is_not_said_by_a_mapping(run: ImportRun, at: datetime, field: str) -> None:
    actor = run.person
    assert actor is not None
    for chosen in ({"defaults": {field: "true"}}, {"columns": {**run.columns, "title": field, "external_id": "title"}}):
        with pytest.raises(DomainError):
            services.preview(actor=actor, run=run, at=at, **chosen)
            services.start(actor=actor, run=run, at=at)


def test_forms_that_ask_for_no_file_keep_none(rf: RequestFactory) -> None:
    told = {"login": "x", "file": SimpleUploadedFile("big.bin", b"x" * 3_000_000)}
    request = rf.post("/en/account/login/", told)
    assert request.POST["login"] == "x"
    assert not request.FILES


def test_no_cache_between_keeps_what_a_person_sees(
    visit: Callable[..., Client], make_person: Callable[..., Person]
) -> None:
    person = make_person(role=Role.TRANSFER_OFFICER)
    for page in ("", "desk", "search"):
        assert "private" in visit(person).get(f"/en/{page}")["Cache-Control"]
    assert "Cache-Control" not in visit(None).get("/en/search")
