"""A large file is composed by a process of its own: the same records come of it, and its end harms nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from tests.interchange.tables import csv_text, write_csv
from transferase.catalogue.models import Listing, Right
from transferase.catalogue.queries import draft_of
from transferase.interchange import queries, rules, services
from transferase.interchange._ahead import LostCompanion, beside
from transferase.interchange._composing import LARGE_BYTES
from transferase.interchange.models import RawRecord

HEADER = ("id", "title", "summary", "ipc", "trl", "transfer_modes", "right_kind", "right_number", "note")
ROWS = 3_500


def rows(padding: str = "x") -> list[tuple[object, ...]]:
    """Records of which one has no title, one no known mode, one the id of another."""
    made: list[tuple[object, ...]] = [
        (
            f"R{i}", f"Offer {i}\twith a tab", "It works.\nIt is \\ cheap. 생분해성 필름", "C08J 5/18", "4-6",
            "licence", "patent", f"10-{i}", padding,
        )
        for i in range(ROWS)
    ]  # fmt: skip
    made[3] = ("R3", "", "", *made[3][3:])
    made[5] = (*made[5][:5], "bartering", *made[5][6:])
    made[7] = ("R2", *made[7][1:])
    return made


def large(path, header=HEADER):
    write_csv(path, header, rows("x" * (LARGE_BYTES // ROWS)))
    assert path.stat().st_size > LARGE_BYTES
    return path


def found(run):
    told = [(f.row, f.field, f.code) for f in queries.findings_of(run)]
    drafts = [draft_of(listing) for listing in Listing.objects.filter(source=run.source.name).order_by("external_id")]
    return (run.state, run.read, run.created, run.updated, run.unchanged, run.rejected), told, drafts


@pytest.mark.django_db
def test_a_large_file_becomes_what_a_small_one_becomes(tmp_path, bring_in):
    small = found(bring_in(write_csv(tmp_path / "small.csv", HEADER, rows())))
    Listing.objects.all().delete()
    assert found(bring_in(large(tmp_path / "large.csv"))) == small
    assert small[0] == ("finished", ROWS, ROWS - 2, 0, 0, 2)
    assert {code for _row, _field, code in small[1]} >= {"unknown_code", "duplicate_external_id"}
    kept = RawRecord.objects.order_by("-pk").first().received
    assert len(kept["note"]) == LARGE_BYTES // ROWS
    assert kept["summary"] == rows()[9][2]


@pytest.mark.django_db
def test_a_large_list_without_rights_leaves_the_rights_alone(tmp_path, bring_in):
    bring_in(large(tmp_path / "first.csv"))
    before = list(Right.objects.order_by("pk").values_list("pk", "number"))
    bare = [[*row[:6], row[8]] for row in rows("y" * (LARGE_BYTES // ROWS + 100))]
    bare[11][1] = "Renamed"
    run = bring_in(write_csv(tmp_path / "second.csv", [*HEADER[:6], HEADER[8]], bare))
    assert (run.updated, run.unchanged) == (1, ROWS - 3)
    assert list(Right.objects.order_by("pk").values_list("pk", "number")) == before


@pytest.mark.django_db
def test_what_cannot_be_read_to_its_end_is_refused_before_anything_is_taken(tmp_path, receive, officer, at):
    path = tmp_path / "broken.csv"
    path.write_bytes(csv_text(HEADER, rows("x" * (LARGE_BYTES // ROWS))).encode() + b"\xff\xfe\xff")
    run = receive(path, encoding="utf-8")
    with pytest.raises(rules.FileRefused):
        services.bring_in(actor=officer, run=run, at=at)
    run.refresh_from_db()
    assert (run.state, run.read, Listing.objects.count()) == ("failed", 0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_end_of_the_composing_process_loses_and_doubles_nothing(tmp_path, receive, officer, at):
    """SIGKILL for the second process in the middle of an import, then the same run again."""
    run = receive(large(tmp_path / "t.csv"))

    def end(_read, _expected):
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)
            child.join()

    with pytest.raises(LostCompanion):
        services.bring_in(actor=officer, run=run, at=at, progress=end)
    run.refresh_from_db()
    assert (run.state, run.read) == ("running", rules.BATCH)
    run = services.bring_in(actor=officer, run=run, at=at)
    assert (run.state, run.read, run.created, run.rejected) == ("finished", ROWS, ROWS - 2, 2)
    assert Listing.objects.count() == ROWS - 2


class Endless:
    """Numbers without end; tells the number of its process first."""

    def __call__(self):
        yield os.getpid()
        yield from iter(int, 1)


class Refusing:
    def __call__(self):
        yield 1
        raise rules.TooManyRows(limit=7)


class Broken:
    def __call__(self):
        yield 1 // 0


def test_items_and_errors_come_across():
    with beside(Refusing()) as items:
        assert next(items) == 1
        with pytest.raises(rules.TooManyRows) as refused:
            next(items)
    assert refused.value.facts == {"limit": 7}
    with beside(Broken()) as items, pytest.raises(RuntimeError, match="ZeroDivisionError"):
        next(items)
    assert multiprocessing.active_children() == []


def test_the_process_ends_when_nobody_listens_any_more():
    """A killed import leaves no process behind: its companion ends when it next hands over an item."""
    script = (
        "import django; django.setup()\n"
        "from tests.interchange.test_large_files import Endless\n"
        "from transferase.interchange._ahead import beside\n"
        "if __name__ == '__main__':\n"
        "    with beside(Endless()) as items:\n"
        "        print(next(items), flush=True)\n"
        "        input()\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "transferase.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        companion = int(process.stdout.readline())
        watched = os.pidfd_open(companion)
        process.kill()
    try:
        assert multiprocessing.connection.wait([watched], timeout=30) == [watched]
    finally:
        os.close(watched)
