"""A file of records is brought in: previewed, taken in batches, never twice, never half."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from tests.interchange.tables import csv_text, samples, write_csv, write_jsonl, write_xlsx
from transferase.catalogue.models import Direction, Listing, Right, State
from transferase.catalogue.queries import draft_of
from transferase.directory.models import Organisation
from transferase.foundation.errors import NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.models import LedgerEntry
from transferase.interchange import queries, rules, services, tasks
from transferase.interchange.models import ImportRun, RawRecord, RowError

pytestmark = pytest.mark.django_db

KOREAN = [
    "관리번호",
    "기술명",
    "기술요약",
    "IPC",
    "기술성숙도",
    "이전방식",
    "출원번호",
    "권리상태",
    "희망가격",
    "키워드",
]
ROW = [
    "K-1", "해조류 추출물 화장료", "모자반 추출물로 피부 염증을 줄인다.", "A61K 8/9711; A61Q 19/00", "4~6단계",
    "통상실시권, 공동연구", "10-2020-0012345", "등록", "1억원", "해조류, 화장품",
]  # fmt: skip


def offer(external_id="K-1") -> Listing:
    return Listing.objects.get(source="list", external_id=external_id)


def counts(run) -> tuple[int, int, int, int, int]:
    return run.read, run.created, run.updated, run.unchanged, run.rejected


def codes(run) -> list[tuple[int, str, str]]:
    return [(f.row, f.field, f.code) for f in queries.findings_of(run)]


def test_a_korean_list_becomes_offers(tmp_path, bring_in, fence, institute, at):
    with fence:
        run = bring_in(write_csv(tmp_path / "목록.csv", KOREAN, [ROW], "cp949"))
    assert (run.state, counts(run)) == ("finished", (1, 1, 0, 0, 0))
    listing = offer()
    assert (listing.state, listing.owner, listing.original_language) == (State.PUBLISHED, institute, "ko")
    assert listing.visible_until > at
    draft = draft_of(listing)
    assert (draft.texts[0].title, draft.texts[0].origin) == ("해조류 추출물 화장료", "original")
    assert draft.ipc == ("A61K 8/9711", "A61Q 19/00")
    assert (draft.trl_low, draft.trl_high) == (4, 6)
    assert draft.transfer_modes == ("non_exclusive_licence", "joint_research")
    assert (str(draft.price_low), draft.currency, draft.price_kind) == ("100000000.00", "KRW", "asking")
    assert draft.unmapped == ("해조류", "화장품")
    right = draft.rights[0]
    assert (right.kind, right.office, right.number, right.status) == ("patent", "KR", "10-2020-0012345", "granted")
    assert listing.classifications.filter(scheme="field").exists()


def test_a_chinese_workbook_becomes_needs(tmp_path, bring_in):
    header = ["编号", "需求名称", "需求描述", "技术指标", "预算", "截止日期", "需求类型"]
    targets = "能量密度 >= 400 Wh/kg；循环寿命不低于1000次"
    row = ["Z-1", "固态电池", "寻求能量密度更高的固态电池技术。", targets, "300万元", "2027年3月1日", "研发难题"]
    bring_in(write_xlsx(tmp_path / "需求.xlsx", header, [row]), kind="needs")
    draft = draft_of(offer("Z-1"))
    assert (draft.direction, draft.original_language, draft.need_kind) == (Direction.NEED, "zh-Hans", "rd_problem")
    assert [(r.property, r.operator, f"{r.value.normalize():f}", r.unit) for r in draft.requirements] == [
        ("能量密度", "ge", "400", "Wh/kg"),
        ("循环寿命", "ge", "1000", "次"),
    ]
    assert (draft.price_kind, str(draft.price_high), draft.currency) == ("budget", "3000000.00", "CNY")
    assert str(draft.decision_date) == "2027-03-01"
    assert draft.texts[0].summary == "寻求能量密度更高的固态电池技术。"


def test_translations_stand_beside_the_original(tmp_path, bring_in):
    header = [
        "id",
        "language",
        "title",
        "summary",
        "title_en",
        "summary_en",
        "origin_en",
        "title_zh",
        "nda_description",
    ]
    row = ["1", "한국어", "제목", "요약이다.", "Title", "A summary.", "machine", "标题", "비밀 공정 조건"]
    bring_in(write_csv(tmp_path / "t.csv", header, [row]))
    texts = {(t.language, t.tier): t for t in offer("1").texts.all()}
    assert texts["ko", "public"].origin == "original"
    assert texts["en", "public"].origin == "machine"
    assert texts["zh-Hans", "public"].origin == "human"
    assert texts["ko", "nda"].description == "비밀 공정 조건"
    assert texts["ko", "public"].description == ""


def test_the_same_file_again_changes_nothing(tmp_path, bring_in):
    path = write_csv(tmp_path / "t.csv", KOREAN, [ROW, ["K-2", *ROW[1:]]])
    bring_in(path)
    before = list(Listing.objects.order_by("pk").values("pk", "version", "revised_at"))
    run = bring_in(path)
    assert counts(run) == (2, 0, 0, 2, 0)
    assert list(Listing.objects.order_by("pk").values("pk", "version", "revised_at")) == before
    assert not RawRecord.objects.filter(run=run).exists()


def test_a_changed_record_is_updated_in_place(tmp_path, bring_in):
    bring_in(write_csv(tmp_path / "t.csv", KOREAN, [ROW, ["K-2", *ROW[1:]]]))
    identity = offer().pk
    run = bring_in(write_csv(tmp_path / "u.csv", KOREAN, [["K-1", "새 제목", *ROW[2:]], ["K-2", *ROW[1:]]]))
    assert counts(run) == (2, 0, 1, 1, 0)
    assert (offer().pk, offer().version, offer().texts.get().title) == (identity, 2, "새 제목")
    assert Listing.objects.count() == 2


def test_each_row_is_kept_as_it_was_received(tmp_path, bring_in):
    header = ["id", "title", "summary", "담당자"]
    run = bring_in(write_csv(tmp_path / "t.csv", header, [["1", " One  ", "S.", "홍길동"], ["", "no id", "S.", ""]]))
    kept = {r.row: r for r in RawRecord.objects.filter(run=run)}
    assert kept[2].received == {"id": "1", "title": " One  ", "summary": "S.", "담당자": "홍길동"}
    assert (kept[2].listing, kept[2].external_id) == (offer("1"), "1")
    assert (kept[3].listing, kept[3].received["title"]) == (None, "no id")


def test_faulty_rows_are_told_and_good_rows_kept(tmp_path, bring_in):
    rows = [
        ["1", "Good", "S.", "4", "2030-01-01", ""],
        ["", "No id", "S.", "", "", ""],
        ["3", "", "", "", "", ""],
        ["1", "Twice", "S.", "", "", ""],
        ["5", "Long", "x" * 100_000, "", "", ""],
        ["6", "Odd values", "S.", "soon", "someday", "US 1"],
    ]
    header = ["id", "title", "summary", "trl", "filing date", "patent no."]
    run = bring_in(write_csv(tmp_path / "t.csv", header, rows))
    assert counts(run) == (6, 2, 0, 0, 4)
    assert codes(run) == [
        (3, "external_id", "no_external_id"),
        (4, "title", "no_title"),
        (5, "external_id", "duplicate_external_id"),
        (6, "summary", "text_too_long"),
        (7, "trl", "bad_trl"),
        (7, "filed_date", "bad_date"),
    ]
    assert run.warned == 2
    duplicate = RowError.objects.get(run=run, code="duplicate_external_id")
    assert duplicate.facts == {"value": "1", "first_row": 2}
    assert offer("1").texts.get().title == "Good"
    assert [row for row, _, _ in queries.faulty_rows(run)] == [3, 4, 5, 6]
    assert next(queries.faulty_rows(run))[1] == ["", "No id", "S.", "", "", ""]


def test_what_was_read_otherwise_than_it_was_written_is_said(tmp_path, bring_in):
    header = ["id", "title", "summary", "trl", "registration_number", "right_title"]
    rows = [
        ["1", "Turned round", "S.", "9-2", "", ""],
        ["2", "A mark", "S.", "2-9", "x", ""],
        ["3", "A title", "S.", "", "pending", "Film of seaweed"],
        ["4", "A number", "S.", "", "US 123", ""],
    ]
    run = bring_in(write_csv(tmp_path / "t.csv", header, rows))
    assert codes(run) == [
        (2, "trl", "range_reversed"),
        (3, "registration_number", "bad_right"),
        (4, "registration_number", "bad_right"),
    ]
    drafts = [draft_of(offer(number)) for number in "1234"]
    assert (drafts[0].trl_low, drafts[0].trl_high) == (2, 9)
    assert (drafts[1].rights, drafts[1].unmapped) == ((), ("right_number:x",))
    assert [(r.number, r.status, r.title) for r in drafts[2].rights] == [("", "", "Film of seaweed")]
    assert [(r.number, r.status) for r in drafts[3].rights] == [("US 123", "granted")]


def test_unknown_codes_are_set_aside_not_refused(tmp_path, bring_in):
    header = ["id", "title", "summary", "transfer_modes", "country", "ipc", "right_status", "right_number"]
    row = ["1", "T", "S.", "기술스와프; license", "Atlantis", "X99; H01M 10/0525", "???", "US 123"]
    run = bring_in(write_csv(tmp_path / "t.csv", header, [row]))
    draft = draft_of(offer("1"))
    assert (draft.transfer_modes, draft.country, draft.ipc) == (("non_exclusive_licence",), "", ("H01M 10/0525",))
    assert set(draft.unmapped) == {"transfer_mode:기술스와프", "country:Atlantis", "ipc:X99", "right_status:???"}
    assert {code for _, _, code in codes(run)} == {"unknown_code", "unknown_country", "unknown_classification"}
    assert counts(run) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    "label", ["exclusive_licence", "전용실시권", "独占许可", "Exclusive licence", "exclusive LICENCE"]
)
def test_a_code_may_be_given_by_a_label_of_any_language(tmp_path, bring_in, label):
    bring_in(write_csv(tmp_path / "t.csv", ["id", "title", "summary", "transfer_modes"], [["1", "T", "S.", label]]))
    assert offer("1").transfer_modes == ["exclusive_licence"]


def test_records_without_numbers_are_known_by_their_title(tmp_path, bring_in):
    path = write_csv(tmp_path / "t.csv", ["기술명", "기술요약"], [["하나", "요약."], ["둘", "요약."]])
    assert counts(bring_in(path)) == (2, 2, 0, 0, 0)
    again = write_csv(tmp_path / "u.csv", ["기술명", "기술요약"], [["하나", "다른 요약."], ["둘", "요약."]])
    assert counts(bring_in(again)) == (2, 0, 1, 1, 0)


def test_a_list_without_summaries_takes_them_from_descriptions(tmp_path, bring_in):
    header = ["번호", "기술명", "기술내용"]
    run = bring_in(write_csv(tmp_path / "t.csv", header, [["1", "센서", "첫 문장이다. " + "둘째 문장은 길다. " * 80]]))
    text = offer("1").texts.get()
    assert text.summary.startswith("첫 문장이다.")
    assert len(text.summary) <= 600 < len(text.description)
    assert codes(run) == [(2, "summary", "summary_from_description")]
    assert offer("1").state == State.PUBLISHED


def test_a_record_with_a_title_alone_stays_a_draft(tmp_path, bring_in):
    run = bring_in(write_csv(tmp_path / "t.csv", ["번호", "기술명"], [["1", "센서"]]))
    assert offer("1").state == State.DRAFT
    assert codes(run) == [(2, "summary", "stays_draft")] or codes(run) == [(2, "", "stays_draft")]


class TestWhoseRecords:
    def test_an_unverified_organisation_waits_for_review(self, tmp_path, bring_in, make_organisation, make_person):
        stranger = make_organisation(is_verified=False)
        person = make_person(organisation=stranger, role="company_user")
        path = write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]])
        bring_in(path, actor=person, organisation=stranger)
        assert (offer("1").state, offer("1").owner) == (State.IN_REVIEW, stranger)

    def test_drafts_may_be_asked_for(self, tmp_path, receive, officer, at):
        run = receive(write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]]))
        services.preview(actor=officer, run=run, at=at, wanted_state="draft")
        services.bring_in(actor=officer, run=run, at=at)
        assert offer("1").state == State.DRAFT

    def test_operators_bring_records_of_many_owners(self, tmp_path, operator, at, make_organisation):
        known = make_organisation(names={"ko": "동의대학교 산학협력단"}, kind="university")
        header = ["id", "title", "summary", "owner", "country"]
        rows = [
            ["1", "T", "S.", "동의대학교 산학협력단", "KR"],
            ["2", "T", "S.", "새로운연구소", "대한민국"],
            ["3", "T", "S.", "Nowhere Labs", ""],
        ]  # nobody can enter an organisation of no country
        path = write_csv(tmp_path / "t.csv", header, rows)
        run = services.receive(
            actor=operator, organisation=None, source_name="list", kind="offers", file=path, file_name="t.csv", at=at
        )
        shown = services.preview(actor=operator, run=run, at=at)
        assert (shown.created, shown.rejected) == (2, 1)
        assert shown.counts == {"owner_will_be_entered": 1, "unknown_owner": 1}
        assert Organisation.objects.filter(names__name="새로운연구소").count() == 0
        run = services.bring_in(actor=operator, run=run, at=at)
        assert counts(run) == (3, 2, 0, 0, 1)
        assert offer("1").owner == known
        assert offer("2").owner.name("ko") == "새로운연구소"

    def test_a_member_may_not_name_other_owners(self, tmp_path, receive, officer, at):
        run = receive(write_csv(tmp_path / "t.csv", ["id", "title", "owner"], [["1", "T", "Other"]]))
        assert "owner" not in run.columns.values()
        with pytest.raises(rules.UnknownField):
            services.preview(actor=officer, run=run, at=at, columns={"title": "title", "owner": "owner"})

    def test_nobody_writes_to_the_source_of_another(self, tmp_path, bring_in, receive, make_organisation, make_person):
        path = write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]])
        bring_in(path)
        other = make_organisation()
        with pytest.raises(rules.ForeignSource):
            receive(path, actor=make_person(organisation=other), organisation=other)

    def test_nobody_imports_for_an_organisation_of_others(self, tmp_path, receive, make_organisation, make_person):
        path = write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]])
        with pytest.raises(NotAllowed):
            receive(path, actor=make_person(role="transfer_officer"))
        with pytest.raises(NotAllowed):
            receive(path, organisation=None)
        with pytest.raises(NotAllowed):
            receive(path, kind="organisations")

    def test_runs_are_seen_by_their_organisation(self, tmp_path, receive, viewer, officer, operator, make_person):
        run = receive(write_csv(tmp_path / "t.csv", ["id", "title"], [["1", "T"]]))
        assert list(queries.runs(viewer(officer))) == [run]
        assert list(queries.runs(viewer(operator))) == [run]
        assert not queries.runs(viewer(make_person(role="company_user"))).exists()
        assert not queries.runs(viewer(None)).exists()


class TestPreview:
    def test_it_says_exactly_what_would_happen_and_writes_no_record(
        self, tmp_path, bring_in, receive, officer, at, fence
    ):
        bring_in(write_csv(tmp_path / "t.csv", KOREAN, [ROW, ["K-2", *ROW[1:]]]))
        rows = [ROW, ["K-2", "다른 제목", *ROW[2:]], ["K-3", *ROW[1:]], ["", *ROW[1:]], ["K-3", *ROW[1:]]]
        before = Listing.objects.count(), LedgerEntry.objects.filter(action="catalogue.batch.recorded").count()
        with fence:
            run = receive(write_csv(tmp_path / "u.csv", KOREAN, rows))
            shown = services.preview(actor=officer, run=run, at=at)
        told = (shown.created, shown.updated, shown.unchanged, shown.rejected)
        assert told == (1, 1, 1, 2)
        assert [row.outcome for row in shown.rows] == ["unchanged", "updated", "created", "rejected", "rejected"]
        assert shown.rows[1].draft.texts[0].title == "다른 제목"
        assert (shown.is_ready, shown.is_complete, shown.examined) == (True, True, 5)
        assert before == (
            Listing.objects.count(),
            LedgerEntry.objects.filter(action="catalogue.batch.recorded").count(),
        )
        done = services.bring_in(actor=officer, run=run, at=at)
        assert counts(done)[1:] == told

    def test_it_looks_at_the_first_rows_of_a_long_file(self, tmp_path, receive, officer, at):
        rows = [[str(i), f"T{i}", "S."] for i in range(60)]
        run = receive(write_csv(tmp_path / "t.csv", ["id", "title", "summary"], rows))
        shown = services.preview(actor=officer, run=run, at=at, limit=50)
        assert (shown.examined, shown.is_complete, shown.created) == (50, False, 50)
        assert services.preview(actor=officer, run=run, at=at, limit=None).created == 60

    def test_a_column_may_be_mapped_by_hand_and_is_remembered(self, tmp_path, receive, officer, at):
        header = ["순서", "이름표", "뭐하는것", "비고"]
        run = receive(write_csv(tmp_path / "t.csv", header, [["1", "센서", "측정한다.", "x"]]))
        shown = services.preview(actor=officer, run=run, at=at)
        assert (shown.missing, shown.is_ready) == (("title",), False)
        with pytest.raises(rules.MissingColumns):
            services.bring_in(actor=officer, run=run, at=at)
        chosen = {"순서": "external_id", "이름표": "title", "뭐하는것": "summary", "비고": ""}
        shown = services.preview(actor=officer, run=run, at=at, columns=chosen, defaults={"country": "KR"})
        assert (shown.created, shown.is_ready) == (1, True)
        services.bring_in(actor=officer, run=run, at=at)
        assert offer("1").country == "KR"
        later = receive(write_csv(tmp_path / "u.csv", [*header, "IPC"], [["2", "로봇", "움직인다.", "x", "B25J"]]))
        assert later.columns == {"순서": "external_id", "이름표": "title", "뭐하는것": "summary", "IPC": "ipc"}
        assert later.defaults == {"country": "KR"}

    def test_a_doubtful_encoding_must_be_chosen(self, tmp_path, receive, officer, at):
        path = tmp_path / "t.csv"
        path.write_bytes("id,title,summary\n1,가,나\n".encode("cp949"))
        run = receive(path)
        shown = services.preview(actor=officer, run=run, at=at)
        assert (shown.is_confident, shown.is_ready) == (False, False)
        assert "cp949" in shown.candidates
        for act in (services.start, services.bring_in):
            with pytest.raises(rules.DoubtfulEncoding):
                act(actor=officer, run=run, at=at)
        assert not Listing.objects.exists()
        shown = services.preview(actor=officer, run=run, at=at, encoding="euc-kr")
        assert (shown.is_ready, shown.rows[0].draft.texts[0].title) == (True, "가")
        services.bring_in(actor=officer, run=run, at=at)
        assert offer("1").texts.get().title == "가"

    def test_a_wrong_choice_is_refused(self, tmp_path, receive, officer, at):
        run = receive(write_csv(tmp_path / "t.csv", KOREAN, [ROW] * 3, "cp949"))
        with pytest.raises(rules.Undecodable):
            services.preview(actor=officer, run=run, at=at, encoding="utf-8")


class TestInterrupted:
    """A run that was killed goes on; nothing is lost, nothing is taken twice."""

    @pytest.fixture
    def batches_of_ten(self, monkeypatch):
        monkeypatch.setattr(rules, "BATCH", 10)

    @staticmethod
    def file(tmp_path, count=35):
        rows = [[f"R{i}", f"Title {i}", "S."] for i in range(count)] + [["R1", "again", "S."]]
        return write_csv(tmp_path / "t.csv", ["id", "title", "summary"], rows)

    @pytest.mark.usefixtures("batches_of_ten")
    def test_it_goes_on_where_it_stopped(self, tmp_path, receive, officer, at):
        run = receive(self.file(tmp_path))

        def stop(read, expected):
            if read == 20:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            services.bring_in(actor=officer, run=run, at=at, progress=stop)
        run.refresh_from_db()
        assert (run.state, counts(run), Listing.objects.count()) == ("running", (20, 20, 0, 0, 0), 20)
        run = services.bring_in(actor=officer, run=run, at=at)
        assert (run.state, counts(run), Listing.objects.count()) == ("finished", (36, 35, 0, 0, 1), 35)
        assert RawRecord.objects.filter(run=run).count() == 36
        assert LedgerEntry.objects.filter(action="catalogue.batch.recorded").count() == 4
        assert LedgerEntry.objects.filter(action="interchange.import.finished").count() == 1

    @pytest.mark.usefixtures("batches_of_ten")
    def test_the_same_file_received_again_finds_what_was_taken(self, tmp_path, receive, bring_in, officer, at):
        path = self.file(tmp_path)
        run = receive(path)

        def stop(read, expected):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            services.bring_in(actor=officer, run=run, at=at, progress=stop)
        assert counts(bring_in(path)) == (36, 25, 0, 10, 1)

    @pytest.mark.usefixtures("batches_of_ten")
    def test_a_batch_is_taken_whole_or_not_at_all(self, tmp_path, receive, officer, at, monkeypatch):
        run = receive(self.file(tmp_path))
        write = services.write_findings

        def fail_once(run_id, taken):
            if taken[0].row.external_id == "R10":
                raise MemoryError
            return write(run_id, taken)

        monkeypatch.setattr(services, "write_findings", fail_once)
        with pytest.raises(MemoryError):
            services.bring_in(actor=officer, run=run, at=at)
        run.refresh_from_db()
        assert (run.read, Listing.objects.count(), RawRecord.objects.count()) == (10, 10, 10)

    @pytest.mark.usefixtures("batches_of_ten")
    def test_a_cancelled_run_stops_at_the_next_batch(self, tmp_path, receive, officer, at):
        run = receive(self.file(tmp_path))

        def cancel(read, expected):
            if read == 20:
                services.cancel(actor=officer, run=run, at=at)

        done = services.bring_in(actor=officer, run=run, at=at, progress=cancel)
        assert (done.state, Listing.objects.count()) == ("cancelled", 20)
        with pytest.raises(rules.WrongRunState):
            services.start(actor=officer, run=run, at=at)

    @pytest.mark.usefixtures("batches_of_ten")
    def test_two_workers_do_not_take_the_same_rows(self, tmp_path, receive, officer, at):
        run = receive(self.file(tmp_path))
        others = []

        def meanwhile(read, expected):
            if not others:
                others.append(services.bring_in(actor=officer, run=ImportRun.objects.get(pk=run.pk), at=at))

        with pytest.raises(rules.AlreadyRunning):
            services.bring_in(actor=officer, run=run, at=at, progress=meanwhile)
        run.refresh_from_db()
        assert (run.state, counts(run), Listing.objects.count()) == ("finished", (36, 35, 0, 0, 1), 35)

    def test_an_unreadable_end_is_found_before_the_first_row_is_taken(self, tmp_path, receive, officer, at):
        path = write_csv(tmp_path / "t.csv", KOREAN, [[f"K{i}", *ROW[1:]] for i in range(2000)])
        with path.open("ab") as file:
            file.write(b"K-last,\xff\xff\xff\n")
        run = receive(path)
        with pytest.raises(rules.Undecodable):
            services.bring_in(actor=officer, run=run, at=at)
        run.refresh_from_db()
        assert (run.state, run.failure, run.failure_facts["encoding"]) == ("failed", "undecodable", "utf-8")
        assert not Listing.objects.exists()

    def test_a_lost_file_is_told(self, tmp_path, receive, officer, at, settings):
        run = receive(write_csv(tmp_path / "t.csv", ["id", "title"], [["1", "T"]]))
        (settings.MEDIA_ROOT / run.stored_as).unlink()
        with pytest.raises(rules.LostFile):
            services.bring_in(actor=officer, run=run, at=at)


class TestWorker:
    """A started run is taken by the job that `start` leaves behind."""

    @staticmethod
    def work():
        """Run the waiting imports, as a worker would."""
        from procrastinate.contrib.django.models import ProcrastinateJob

        jobs = list(ProcrastinateJob.objects.filter(task_name="interchange.import", status="todo"))
        for job in jobs:
            tasks.bring_in(**job.args)
        return len(jobs)

    def test_a_started_run_is_brought_in_by_the_worker(self, tmp_path, receive, officer, at):
        run = receive(write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]]))
        run = services.start(actor=officer, run=run, at=at)
        services.start(actor=officer, run=run, at=at)
        assert (run.state, Listing.objects.count()) == ("running", 0)
        assert self.work() == 1
        run.refresh_from_db()
        assert (run.state, run.created) == ("finished", 1)

    def test_a_failure_is_written_to_the_run(self, tmp_path, receive, officer, at):
        path = write_csv(tmp_path / "t.csv", KOREAN, [ROW] * 3000)
        with path.open("ab") as file:
            file.write(b"2,\xff\xff\xff\n")
        run = receive(path)
        services.start(actor=officer, run=run, at=at)
        self.work()
        run.refresh_from_db()
        assert (run.state, run.failure) == ("failed", "undecodable")

    def test_a_run_that_lost_its_worker_is_taken_up(self, tmp_path, receive, officer, at, monkeypatch):
        monkeypatch.setattr(rules, "BATCH", 1)
        run = receive(write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."], ["2", "T", "S."]]))

        def stop(read, expected):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            services.bring_in(actor=officer, run=run, at=at, progress=stop)
        tasks.resume(0)
        assert self.work() == 0
        ImportRun.objects.filter(pk=run.pk).update(progressed_at=datetime(2026, 1, 1, tzinfo=UTC))
        tasks.resume(0)
        assert self.work() == 1
        run.refresh_from_db()
        assert (run.state, counts(run)) == ("finished", (2, 2, 0, 0, 0))


def test_files_nobody_went_on_with_are_dropped(tmp_path, receive, settings, django_capture_on_commit_callbacks):
    path = write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]])
    old, new = receive(path), receive(path)
    ImportRun.objects.filter(pk=old.pk).update(started_at=datetime(2020, 1, 1, tzinfo=UTC))
    ImportRun.objects.filter(pk=new.pk).update(started_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        tasks.forget(0)
    old.refresh_from_db()
    assert old.state == "cancelled"
    assert not (settings.MEDIA_ROOT / old.stored_as).exists()
    assert (settings.MEDIA_ROOT / new.stored_as).exists()


def test_files_that_a_lost_process_left_behind_are_dropped(tmp_path, receive, settings):
    run = receive(write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]]))
    folder = settings.MEDIA_ROOT / "imports"
    for name in ("old", "new"):
        (folder / name).write_text("x")
    week_ago = time.time() - 7 * 86400
    for path in (folder / "old", settings.MEDIA_ROOT / run.stored_as):
        os.utime(path, (week_ago, week_ago))
    ImportRun.objects.filter(pk=run.pk).update(started_at=timezone.now())
    tasks.forget(0)
    assert not (folder / "old").exists()
    assert (folder / "new").exists()
    assert (settings.MEDIA_ROOT / run.stored_as).exists()
    assert LedgerEntry.objects.latest("pk").action == "interchange.files.dropped"


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_loses_and_doubles_nothing(tmp_path, receive, officer, at, settings):
    """SIGKILL in the middle of an import, then the same run again."""
    rows = [[f"R{i}", f"Title {i}", "S. " * 50] for i in range(6000)]
    run = receive(write_csv(tmp_path / "t.csv", ["id", "title", "summary"], rows))
    told = settings.DATABASES["default"]
    script = f"""
import django, signal
from django.conf import settings
settings.DATABASES["default"]["NAME"] = {told["NAME"]!r}
settings.MEDIA_ROOT = {str(settings.MEDIA_ROOT)!r}
django.setup()
from django.utils import timezone
from transferase.interchange import services
from transferase.interchange.models import ImportRun
from transferase.foundation.ledger import SYSTEM
run = ImportRun.objects.get(pk={run.pk})
services.bring_in(actor=SYSTEM, run=run, at=timezone.now(), progress=lambda read, _: print(read, flush=True))
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "transferase.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        for line in process.stdout:
            if int(line) >= 2000:
                process.kill()
                break
    run.refresh_from_db()
    taken = run.read
    assert run.state == "running"
    assert 2000 <= taken < 6000
    assert Listing.objects.count() == RawRecord.objects.count() == taken
    run = services.bring_in(actor=officer, run=run, at=at)
    assert (run.state, counts(run)) == ("finished", (6000, 6000, 0, 0, 0))
    assert Listing.objects.count() == RawRecord.objects.count() == 6000


class TestOtherKinds:
    def test_organisations_are_entered_and_completed(self, tmp_path, operator, at):
        def run(path):
            found = services.receive(
                actor=operator, organisation=None, source_name="orgs", kind="organisations", file=path,
                file_name=path.name, at=at,
            )  # fmt: skip
            return services.bring_in(actor=operator, run=found, at=at)

        path = write_jsonl(tmp_path / "o.jsonl", samples_of_organisations())
        first = run(path)
        assert (first.created, first.rejected) == (len(samples_of_organisations()), 0)
        assert run(path).unchanged == len(samples_of_organisations())
        added = csv_text(["기관명", "국가", "홈페이지"], [["동의대학교 산학협력단", "대한민국", "www.example.org"]])
        (tmp_path / "u.csv").write_text(added, encoding="utf-8")
        assert run(tmp_path / "u.csv").updated == 1
        organisation = Organisation.objects.get(names__name="동의대학교 산학협력단")
        assert (organisation.website, organisation.kind) == ("https://www.example.org", "university")
        assert organisation.name("en") == "Dong-eui University Industry-Academic Cooperation Foundation"

    def test_faulty_organisations_are_told(self, tmp_path, operator, at):
        rows = [["A", "", ""], ["B", "KR", "1234567890"], ["", "KR", ""]]
        path = write_csv(tmp_path / "o.csv", ["name", "country", "kr_business"], rows)
        run = services.receive(
            actor=operator,
            organisation=None,
            source_name="o",
            kind="organisations",
            file=path,
            file_name="o.csv",
            at=at,
        )
        run = services.bring_in(actor=operator, run=run, at=at)
        assert codes(run) == [
            (2, "country", "no_country"),
            (3, "kr_business", "bad_identifier"),
            (4, "name", "no_name"),
        ]
        assert counts(run) == (3, 1, 0, 0, 2)

    def test_rights_join_the_offers_of_their_source(self, tmp_path, bring_in):
        bring_in(write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."], ["2", "T", "S."]]))
        rights = [
            ["1", "10-2020-0012345", "출원"],
            ["1", "10-2021-0012345", "등록"],
            ["9", "10-2022-0012345", "등록"],
            ["2", "", ""],
        ]
        path = write_csv(tmp_path / "r.csv", ["기술번호", "특허번호", "상태"], rights)
        run = bring_in(path, kind="rights")
        assert counts(run) == (4, 0, 2, 0, 2)
        assert codes(run) == [(4, "external_id", "unknown_offer"), (5, "right_number", "no_right")]
        assert sorted(Right.objects.values_list("listing__external_id", "number", "status")) == [
            ("1", "10-2020-0012345", "filed"),
            ("1", "10-2021-0012345", "granted"),
        ]
        assert bring_in(path, kind="rights").unchanged == 2
        later = write_csv(tmp_path / "u.csv", ["기술번호", "특허번호", "상태"], [["1", "10-2020-0012345", "등록"]])
        assert bring_in(later, kind="rights").updated == 1
        assert Right.objects.get(number="10-2020-0012345").status == "granted"

    def test_a_list_of_offers_without_rights_does_not_take_them_away(self, tmp_path, bring_in):
        path = write_csv(tmp_path / "t.csv", ["id", "title", "summary"], [["1", "T", "S."]])
        bring_in(path)
        bring_in(write_csv(tmp_path / "r.csv", ["id", "특허번호"], [["1", "10-2020-0012345"]]), kind="rights")
        bring_in(write_csv(tmp_path / "u.csv", ["id", "title", "summary"], [["1", "New", "S."]]))
        assert offer("1").texts.get().title == "New"
        assert offer("1").rights.count() == 1

    def test_the_shipped_records_come_in_whole(self, tmp_path, at):
        def run(kind, name):
            path = write_jsonl(tmp_path / f"{name}.jsonl", samples(name))
            found = services.receive(
                actor=SYSTEM, organisation=None, source_name="samples", kind=kind, file=path, file_name=path.name, at=at
            )
            return services.bring_in(actor=SYSTEM, run=found, at=at)

        run("organisations", "organisations")
        offers = ("kipo_patents", "chinaxiv_results", "sbir_awards")
        for kind, name in (*(("offers", name) for name in offers), ("needs", "sbir_topics")):
            done = run(kind, name)
            assert (done.created, done.rejected) == (len(samples(name)), 0), codes(done)
        assert not Listing.objects.exclude(state=State.PUBLISHED).exists()
        assert not Listing.objects.filter(is_sample=False).exists()
        translated = Listing.objects.filter(texts__origin="machine").distinct().count()
        assert translated > 100


def samples_of_organisations():
    return samples("organisations")[:12]


def test_every_finding_has_a_known_code():
    assert set(rules.ROW_ERRORS) & set(rules.ROW_WARNINGS) == set()
