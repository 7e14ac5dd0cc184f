"""The same act twice at the same time: two tabs, a double click, a follower that runs again."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Direction
from transferase.catalogue.queries import draft_of
from transferase.catalogue.rules import TextDraft
from transferase.directory import services as directory
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange
from transferase.interchange.models import RunState
from transferase.matching import services
from transferase.matching.models import Judgement, Match, Notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_a_judgement_is_one_judgement(
    make_person: Callable[..., Person], make_listing: Callable[..., Listing], at: datetime
) -> None:
    person = make_person(role="company_user")
    own = person.memberships.get().organisation
    need, offer = make_listing(owner=own, direction=Direction.NEED), make_listing()
    Match.objects.create(need=need, offer=offer, score=0.7, engine_version="1", parts=[])
    start, wrong = threading.Barrier(4), []

    def judge() -> None:
        start.wait()
        try:
            services.judge(actor=person, need=need, offer=offer, organisation=own, verdict="interesting", at=at)
        except Exception as error:  # noqa: BLE001 - told below
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert Judgement.objects.filter(withdrawn_at=None).count() == 1
    assert Notice.objects.count() == 1


@pytest.mark.django_db
def test_a_translation_of_words_that_were_taken_back_is_dropped(
    make_listing: Callable[..., Listing], at: datetime
) -> None:
    """The owner may close a text while the translation service is at work on it."""
    listing = make_listing(title="Open", summary="Secret recipe with yttrium.")
    [original] = draft_of(listing).texts
    closed = replace(original, summary="A recipe.")
    catalogue.revise(actor=SYSTEM, listing=listing, draft=replace(draft_of(listing), texts=(closed,)), at=at)
    text = TextDraft("ko", origin="machine", title="공개", summary="이트륨을 쓰는 비밀 제조법.")
    catalogue.record_translation(actor=SYSTEM, listing=listing, text=text, at=at, of=original)
    assert draft_of(listing).texts == (closed,)


@pytest.mark.django_db
def test_translating_again_changes_nothing(make_listing: Callable[..., Listing], at: datetime) -> None:
    listing = make_listing()
    text = TextDraft("ko", origin="machine", title="펌프", summary="펌프입니다.")
    first = catalogue.record_translation(actor=SYSTEM, listing=listing, text=text, at=at)
    again = catalogue.record_translation(actor=SYSTEM, listing=listing, text=text, at=at)
    assert again.version == first.version


@pytest.mark.django_db
def test_an_import_ends_with_the_membership_of_its_person(
    make_person: Callable[..., Person], at: datetime, tmp_path: Path, settings: Any, drain: Callable[..., int]
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    person = make_person(role="transfer_officer")
    membership = person.memberships.get()
    path = tmp_path / "t.csv"
    path.write_text("external_id,title,summary\n1,T,S.\n", encoding="utf-8")
    run = interchange.receive(
        actor=person, organisation=membership.organisation, source_name="", kind="offers", file=path,
        file_name="t.csv", at=at,
    )  # fmt: skip
    interchange.start(actor=person, run=run, at=at)
    directory.leave(actor=SYSTEM, membership=membership, at=at)
    drain(only="interchange.")
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert not membership.organisation.listings.exists()
