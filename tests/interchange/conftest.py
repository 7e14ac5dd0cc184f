"""Files, the people who bring them, and one line to bring them in."""

from __future__ import annotations

import pytest

from transferase.interchange import services


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def operator(make_person):
    return make_person(role="operator")


@pytest.fixture
def institute(make_organisation):
    return make_organisation(names={"ko": "한국기술연구원"}, kind="research_institute", country="KR", is_verified=True)


@pytest.fixture
def officer(make_person, institute):
    return make_person(organisation=institute, role="transfer_officer")


@pytest.fixture
def receive(officer, institute, at):
    def receive(path, **facts):
        given = {"actor": officer, "organisation": institute, "source_name": "list", "kind": "offers", "at": at}
        return services.receive(file=path, **{"file_name": path.name} | given | facts)

    return receive


@pytest.fixture
def bring_in(receive, officer, at):
    """Receive a file and take it; returns the finished run."""

    def bring_in(path, **facts):
        run = receive(path, **facts)
        return services.bring_in(actor=facts.get("actor", officer), run=run, at=at)

    return bring_in
