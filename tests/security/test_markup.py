"""Whatever people write is text on every page: no tag, no attribute, no formula, no line of a mail's head."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

import pytest

from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Classification, Direction, Listing, Revision, State
from transferase.catalogue.queries import draft_of
from transferase.catalogue.rules import as_json
from transferase.directory.models import Role
from transferase.directory.queries import viewer_of
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import services as interchange
from transferase.interchange.queries import export_records
from transferase.matching import services as matching

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from django.test import Client

    from transferase.directory.models import Person

NASTY = "\"'><script>nasty()</script><img src=x onerror=nasty()> {{ 7|add:7 }} {% now 'Y' %}</script><!--"
# What stands in a page when a text became markup: a tag, or an attribute that a quote made.
BROKEN = re.compile(r"<script>nasty|<img src=x|\s'><|\"\"'>")
PUMP = "A seawater pump with a ceramic bearing runs for ten years without any lubrication at all."


@pytest.fixture
def nasty_world(
    make_person: Callable[..., Person], make_listing: Callable[..., Listing], make_organisation: Callable[..., Any],
    at: datetime, tmp_path: Path, settings: Any,
) -> tuple[Person, Person, Listing, Listing]:  # fmt: skip
    settings.MEDIA_ROOT = tmp_path / "media"
    named = {"en": NASTY, "ko": f"기관 {NASTY}"}
    owner = make_organisation(names=named, region=NASTY[:90])
    other = make_organisation(names=named, is_verified=False)
    person = make_person(organisation=owner, name=NASTY[:140])
    operator = make_person(role=Role.OPERATOR)
    body = dict.fromkeys(("description", "problem", "alternative", "advantages", "partner_sought"), f"{PUMP} {NASTY}")
    texts = [{"language": "ko", "origin": "machine", "title": f"펌프 {NASTY}", "summary": f"{PUMP} {NASTY}", **body}]
    facts = {"title": f"Pump {NASTY}", "summary": f"{PUMP} {NASTY}", "trl_evidence": NASTY, "field_of_use": NASTY}
    offer = make_listing(
        owner=owner, texts=[*texts, {"language": "en", "tier": "nda", **body}], attribution=NASTY,
        rights=[{"kind": "patent", "office": "KR", "number": NASTY[:60], "title": NASTY}], trl_low=3, trl_high=4,
        source=NASTY[:60], external_id=NASTY, source_url=f"https://example.org/{NASTY}", **facts,
    )  # fmt: skip
    need = make_listing(
        owner=owner, direction=Direction.NEED, texts=texts,
        requirements=[{"property": NASTY[:100], "operator": "ge", "value": 3, "unit": NASTY[:40]}], **facts,
    )  # fmt: skip
    Classification.objects.create(listing=offer, scheme="unmapped", code=NASTY[:100])
    for state in (State.DRAFT, State.IN_REVIEW):
        note = {"state_reason": "unclear", "state_note": NASTY} if state == State.DRAFT else {}
        make_listing(owner=other if state == State.IN_REVIEW else owner, state=state, **note, **facts)
    for listing in (offer, need):
        Revision.objects.create(listing=listing, version=1, at=at, actor=NASTY, content={"title": NASTY})
        matching.index_listing(actor=SYSTEM, listing_id=listing.pk, at=at)
    foreign = make_listing(direction=Direction.NEED, texts=texts, **facts)
    matching.index_listing(actor=SYSTEM, listing_id=foreign.pk, at=at)
    for listing in (foreign, offer, need):
        matching.propose(actor=SYSTEM, listing_id=listing.pk, at=at)
    return person, operator, offer, foreign


def test_no_page_takes_a_text_for_markup(
    nasty_world: tuple[Person, Person, Listing, Listing], visit: Callable[..., Client], tmp_path: Path, at: datetime
) -> None:
    person, operator, offer, foreign = nasty_world
    owner = offer.owner
    path = tmp_path / "t.csv"
    head = ["external_id", "title", "summary", NASTY]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, ["1", NASTY, PUMP, NASTY], ["1", NASTY, PUMP, NASTY]])
    run = interchange.receive(
        actor=person, organisation=owner, source_name=NASTY, kind="offers", file=path, file_name=NASTY, at=at
    )
    mine, boss, visitor = visit(person), visit(operator), visit(None)
    run_page = f"import/{run.pk}"
    asked = [
        (visitor, ["", "search?q=pump+ceramic", "offers", "organisations", f"organisations/{owner.pk}"]),
        (mine, [run_page, "import", "desk", "desk/settings", f"organisations/{owner.pk}/edit"]),
        (boss, ["review", "desk", "import", f"organisations/{owner.pk}"]),
        (mine, [f"offers/{offer.pk}/{rest}" for rest in ("matches", "edit", "edit/facts", "edit/readers")]),
        (mine, [f"offers/{offer.pk}/edit/check"]),
        (mine, [f"listings/{offer.pk}/manage", f"listings/{offer.pk}/first-matches"]),
        (mine, [f"matches/{foreign.pk}/{offer.pk}", f"needs/{foreign.pk}"]),
    ]  # fmt: skip
    asked += [(client, [f"offers/{offer.pk}", f"needs/{foreign.pk}"]) for client in (visitor, mine, boss)]
    for language in ("en", "ko"):
        for client, addresses in asked:
            for address in addresses:
                answer = client.get(f"/{language}/{address}")
                assert answer.status_code == 200, address
                told = answer.content.decode()
                assert not BROKEN.search(told), (address, BROKEN.search(told))
                assert "{{ 14" not in told
                assert "14 {%" not in told, address
    for query in ("q", "country", "field", "ipc", "mode"):
        for address in ("search", "organisations"):
            told = visitor.get(f"/en/{address}", {query: NASTY}).content.decode()
            assert not BROKEN.search(told), (address, query)
    interchange.bring_in(actor=person, run=run, at=at)
    for address in (run_page, "desk", "import"):
        assert not BROKEN.search(mine.get(f"/en/{address}").content.decode()), address


def test_data_for_search_engines_stays_in_its_script(
    nasty_world: tuple[Person, Person, Listing, Listing], visit: Callable[..., Client]
) -> None:
    told = visit(None).get(f"/en/offers/{nasty_world[2].pk}").content.decode()
    [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', told, re.DOTALL)
    assert "nasty()" in data
    assert "<" not in data


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\uff1d"])
def test_no_spreadsheet_runs_what_somebody_wrote(
    make_person: Callable[..., Person], make_listing: Callable[..., Listing], at: datetime, start: str
) -> None:
    person = make_person(role="transfer_officer")
    make_listing(
        owner=person.memberships.get().organisation, title=f"{start}cmd|' /C calc'!A1", summary=f"{start}1+1",
        attribution=f"{start}1", trl_evidence=f"{start}1", source="s", external_id=f"{start}1",
    )  # fmt: skip
    told = b"".join(export_records(viewer=viewer_of(person, at), at=at, kind="offers", file_format="csv")).decode()
    rows = list(csv.reader(io.StringIO(told.removeprefix("\ufeff"))))
    for cell in rows[1]:
        assert not cell.lstrip(" \t\r\n").startswith(("=", "+", "-", "@", "\uff1d")), cell


def test_what_was_refused_comes_back_inert(
    make_person: Callable[..., Person], visit: Callable[..., Client], tmp_path: Path, settings: Any, at: datetime
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    person = make_person(role="transfer_officer")
    path = tmp_path / "t.csv"
    path.write_text("external_id,title,=cmd|x!A1\n1,T,=1+1\n1,T, =2+2\n", encoding="utf-8")
    run = interchange.receive(
        actor=person, organisation=person.memberships.get().organisation, source_name="", kind="offers", file=path,
        file_name="t.csv", at=at,
    )  # fmt: skip
    run = interchange.bring_in(actor=person, run=run, at=at)
    answer = visit(person).get(f"/en/import/{run.pk}/faulty-rows.csv")
    told = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    for row in csv.reader(io.StringIO(told.removeprefix("\ufeff"))):
        for cell in row:
            assert not cell.strip().startswith(("=", "+", "-", "@")), cell


def test_a_name_of_two_lines_breaks_no_letter(
    make_person: Callable[..., Person], make_listing: Callable[..., Listing], at: datetime, mailoutbox: Any,
    drain: Callable[..., int],
) -> None:  # fmt: skip
    person = make_person(role="transfer_officer", name="A\nBcc: x@example.org")
    title = "Pump\r\nBcc: x@example.org"
    make_listing(
        owner=person.memberships.get().organisation, title=title, confirmed_at=at.replace(month=6),
        visible_until=at.replace(month=12, day=1),
    )  # fmt: skip
    catalogue.remind_due(actor=SYSTEM, at=at)
    drain(only="catalogue.")
    [letter] = mailoutbox
    assert letter.to == [person.email]
    assert "Bcc" not in letter.message()
    assert as_json(draft_of(Listing.objects.get()))
