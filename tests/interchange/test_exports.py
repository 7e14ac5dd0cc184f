"""Records go out as their viewer may see them, and come back as the same records."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Listing
from transferase.catalogue.queries import draft_of, known_codes
from transferase.catalogue.rules import (
    ListingDraft,
    RequirementDraft,
    RightDraft,
    TextDraft,
    as_json,
    check_draft,
    clean_draft,
)
from transferase.directory.rules import ANYONE
from transferase.foundation.errors import NotAllowed
from transferase.interchange import queries, rules, services

pytestmark = pytest.mark.django_db

FULL = ListingDraft(
    direction="offer",
    original_language="ko",
    texts=(
        TextDraft(
            "ko",
            title="해조류; 추출물",
            summary="=SUM(A1:A9) 로 시작하는 요약",
            advantages="'-50 % 비용",
            description="가\n\n나",
        ),
        TextDraft("en", title='Seaweed, "extract"', summary="+82 is no formula", origin="machine"),
        TextDraft("zh-Hans", title="海藻提取物", summary="@摘要", origin="human"),
        TextDraft("ko", tier="nda", description="비밀 공정"),
        TextDraft("en", tier="registered", origin="human", summary="For those who signed in."),
    ),
    country="KR",
    ipc=("A61K 8/97", "A61Q 19/00"),
    cpc=("A61K 8/97",),
    unmapped=("해조류; 모자반", "transfer_mode:기술스와프", "[x]"),
    trl_low=4,
    trl_high=6,
    trl_scale="kr",
    trl_evidence="파일럿 시험\n2회",
    transfer_modes=("exclusive_licence", "joint_research"),
    exclusivity="non_exclusive",
    territory=("KR", "CN"),
    field_of_use="화장품",
    partner_kinds=("company_small",),
    price_kind="range",
    price_low=Decimal("100000000.00"),
    price_high=Decimal("300000000.50"),
    currency="KRW",
    payment_kinds=("lump_sum", "running_royalty"),
    rights=(
        RightDraft("patent", "KR", "10-2020-0012345", "granted", "추출물", date(2020, 1, 31), date(2040, 1, 31)),
        RightDraft("know_how"),
    ),
    source_url="https://example.org/1?a=1&b=2",
    attribution="한국기술연구원",
)  # fmt: skip
NEED = ListingDraft(
    direction="need",
    original_language="en",
    texts=(TextDraft("en", title="Battery", summary="Seeks a solid battery."),),
    need_kind="rd_problem",
    decision_date=date(2027, 3, 1),
    excluded_countries=("JP",),
    price_kind="budget",
    price_high=Decimal("5000.00"),
    currency="USD",
    requirements=(
        RequirementDraft("energy density", "ge", Decimal(400), "Wh/kg"),
        RequirementDraft("cost; total", "lt", Decimal("-0.125"), "", is_must=False),
    ),
)


def record(officer, institute, at, draft, *, public=True) -> Listing:
    listing = catalogue.record_listing(actor=officer, owner=institute, draft=draft, at=at)
    return catalogue.submit(actor=officer, listing=listing, at=at) if public else listing


def exported(viewer, at, kind="offers", file_format="csv", **facts) -> bytes:
    return b"".join(queries.export_records(viewer=viewer, at=at, kind=kind, file_format=file_format, **facts))


def told(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def content(draft: ListingDraft) -> dict[str, object]:
    """What a record says, whatever the order of its texts and where it came from."""
    said = json.loads(as_json(draft))
    for name in ("source", "external_id"):
        said.pop(name)
    for name in ("price_low", "price_high"):
        said[name] = said[name] and Decimal(said[name])
    for requirement in said["requirements"]:
        requirement["value"] = Decimal(requirement["value"])
    said["texts"] = sorted(said["texts"], key=lambda text: (text["tier"], text["language"]))
    return said


@pytest.fixture
def come_back(officer, institute, at, tmp_path):
    """Export the own records of a kind, bring the file in as a new source, and return what came of it."""

    def come_back(viewer, kind, file_format):
        path = tmp_path / f"out.{file_format}"
        path.write_bytes(exported(viewer, at, kind, file_format, own_only=True))
        run = services.receive(
            actor=officer, organisation=institute, source_name="back", kind=kind, file=path, file_name=path.name, at=at
        )
        run = services.bring_in(actor=officer, run=run, at=at)
        assert run.rejected == 0, queries.findings_of(run)
        return [draft_of(listing) for listing in Listing.objects.filter(source="back").order_by("pk")]

    return come_back


@pytest.mark.parametrize("file_format", queries.EXPORT_FORMATS)
@pytest.mark.parametrize(("draft", "kind"), [(FULL, "offers"), (NEED, "needs")])
def test_export_then_import_gives_the_same_record(officer, institute, at, viewer, come_back, draft, kind, file_format):
    record(officer, institute, at, draft)
    [back] = come_back(viewer(officer), kind, file_format)
    assert content(back) == content(clean_draft(draft))


TEXT = st.text(st.characters(exclude_categories=["Cs", "Co", "Cn"]), max_size=60) | st.sampled_from(
    [
        "=1+1",
        "'=1+1",
        "''@x",
        "-",
        "n/a",
        "없음",
        "a;b|c、d",
        '["x"]',
        "{}",
        "\t=x",
        "#N/A",
        "'quoted'",
        "　",
        "é̄",
        "👩‍🔬",
    ]
)
LONG = st.builds(lambda word, n: word * n, st.sampled_from(["가나다 ", "abc. ", "汉字，"]), st.integers(1, 12_000))


@st.composite
def drafts(draw):
    codes = known_codes()
    languages = draw(st.lists(st.sampled_from(["ko", "zh-Hans", "en"]), min_size=1, max_size=3, unique=True))
    texts = [
        TextDraft(
            language,
            title=draw(TEXT) if position else "T" + draw(TEXT),
            summary=draw(TEXT) if position else "S" + draw(TEXT),
            description=draw(TEXT | LONG),
            partner_sought=draw(TEXT),
            origin=draw(st.sampled_from(["human", "machine"])) if position else "original",
        )
        for position, language in enumerate(languages)
    ]
    if draw(st.booleans()):
        texts.append(
            TextDraft(
                languages[0],
                tier=draw(st.sampled_from(["registered", "introduced", "nda"])),
                description="D" + draw(TEXT),
            )
        )
    trl = sorted(draw(st.lists(st.integers(1, 9), min_size=2, max_size=2)))
    amount = draw(st.none() | st.decimals(0, 10**9, places=2))
    return ListingDraft(
        direction="offer",
        original_language=languages[0],
        texts=tuple(texts),
        country=draw(st.sampled_from(["", "KR", "CN"])),
        is_anonymous=draw(st.booleans()),
        ipc=tuple(draw(st.lists(st.sampled_from(["A61K 8/97", "H01M", "C12N 1/20"]), unique=True))),
        unmapped=tuple(draw(st.lists(TEXT, max_size=3))),
        trl_low=trl[0],
        trl_high=trl[1],
        trl_evidence=draw(TEXT),
        transfer_modes=tuple(draw(st.lists(st.sampled_from(sorted(codes["transfer_mode"])), unique=True, max_size=3))),
        exclusivity=draw(st.sampled_from(["", *sorted(codes["exclusivity"])])),
        territory=tuple(draw(st.lists(st.sampled_from(["world", "KR", "US"]), unique=True, max_size=2))),
        field_of_use=draw(TEXT),
        price_low=amount,
        currency="KRW" if amount is not None else "",
        rights=tuple(
            RightDraft("patent", "KR", number=f"10-1{draw(TEXT)}", title=draw(TEXT))
            for _ in range(draw(st.integers(0, 2)))
        ),
        attribution=draw(TEXT),
    )


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), file_format=st.sampled_from(queries.EXPORT_FORMATS))
def test_any_record_comes_back(officer, institute, at, viewer, come_back, data, file_format):
    draft = clean_draft(data.draw(drafts()))
    if check_draft(draft, known_codes()):
        return
    with transaction.atomic():
        Listing.objects.filter(source="back").delete()
        record(officer, institute, at, draft)
        [back] = come_back(viewer(officer), "offers", file_format)
        transaction.set_rollback(True)
    assert content(back) == content(draft)


def test_long_texts_survive_a_workbook(officer, institute, at, viewer, come_back):
    long = "가나다라 마바사. " * 4_900
    draft = clean_draft(ListingDraft("offer", (TextDraft("ko", title="T", summary="S", description=long),), "ko"))
    record(officer, institute, at, draft)
    [back] = come_back(viewer(officer), "offers", "xlsx")
    assert back.texts[0].description == draft.texts[0].description
    assert len(back.texts[0].description) > 32_767


def test_the_same_source_finds_its_export_unchanged(officer, institute, at, viewer, tmp_path, bring_in):
    from tests.interchange.tables import samples, write_jsonl

    rows = [{k: v for k, v in row.items() if k not in {"owner", "is_sample"}} for row in samples("kipo_patents")[:10]]
    assert bring_in(write_jsonl(tmp_path / "t.jsonl", rows)).created == 10
    for file_format in queries.EXPORT_FORMATS:
        path = tmp_path / f"out.{file_format}"
        path.write_bytes(exported(viewer(officer), at, file_format=file_format))
        run = bring_in(path)
        assert (run.unchanged, run.updated, run.created, run.rejected) == (10, 0, 0, 0), file_format


class TestWhoSeesWhat:
    @pytest.fixture
    def listing(self, officer, institute, at):
        return record(officer, institute, at, FULL)

    @pytest.mark.parametrize("file_format", ["csv", "jsonl"])
    def test_private_texts_leave_with_the_owner_only(self, listing, officer, at, viewer, make_person, file_format):
        secrets = ["비밀 공정", "For those who signed in."]
        own = exported(viewer(officer), at, file_format=file_format).decode()
        assert all(secret in own for secret in secrets)
        for person in (
            None,
            make_person(role="company_user"),
            make_person(role="reviewer"),
            make_person(role="operator"),
        ):
            others = exported(viewer(person), at, file_format=file_format).decode()
            assert "海藻提取物" in others
            assert not any(secret in others for secret in secrets)
            assert "nda_" not in others

    def test_everything_is_for_those_who_see_every_record(self, listing, at, viewer, operator, officer):
        assert "비밀 공정" in exported(viewer(operator), at, everything=True).decode()
        with pytest.raises(NotAllowed):
            exported(viewer(officer), at, everything=True)

    def test_drafts_stay_at_home(self, officer, institute, at, viewer, make_person):
        record(officer, institute, at, FULL, public=False)
        assert len(told(exported(viewer(officer), at))) == 1
        assert told(exported(viewer(make_person(role="company_user")), at)) == []
        assert told(exported(ANYONE, at)) == []

    def test_nothing_tells_who_an_anonymous_owner_is(self, officer, institute, at, viewer, make_person, fence):
        from dataclasses import replace

        record(officer, institute, at, replace(FULL, is_anonymous=True))
        stranger = viewer(make_person(role="company_user"))
        for kind in ("offers", "rights"):
            data = exported(stranger, at, kind=kind, file_format="jsonl").decode()
            assert "한국기술연구원" not in data
            assert "10-2020-0012345" not in data
            assert "example.org/1" not in data
        [own] = told(exported(viewer(officer), at))
        assert own["owner"] == "한국기술연구원"

    def test_an_unknown_format_or_kind_is_refused(self, at):
        with pytest.raises(rules.UnknownFormat):
            exported(ANYONE, at, file_format="pdf")


def test_no_cell_is_run_as_a_formula(officer, institute, at, viewer):
    record(officer, institute, at, FULL)
    [row] = told(exported(viewer(officer), at))
    assert not [value for value in row.values() if value and value[0] in "=+-@\t\r＝＋－＠"]
    assert row["summary_ko"] == "'=SUM(A1:A9) 로 시작하는 요약"
    data = exported(viewer(officer), at, file_format="xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert {cell.data_type for line in sheet.iter_rows() for cell in line} <= {"s", "n", "inlineStr"}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_exports_of_rights_and_organisations_come_back(officer, institute, at, viewer, operator, tmp_path):
    from transferase.catalogue.models import Right

    record(officer, institute, at, FULL)
    [patent, know_how] = told(exported(viewer(officer), at, kind="rights"))
    assert (patent["right_number"], patent["right_status"]) == ("10-2020-0012345", "granted")
    assert patent["filed_date"] == "2020-01-31"
    assert know_how["right_kind"] == "know_how"
    assert Right.objects.count() == 2
    path = tmp_path / "organisations.csv"
    path.write_bytes(exported(viewer(operator), at, kind="organisations"))
    run = services.receive(
        actor=operator, organisation=None, source_name="back", kind="organisations", file=path, file_name="o.csv", at=at
    )
    run = services.bring_in(actor=operator, run=run, at=at)
    assert (run.created, run.updated, run.rejected) == (0, 0, 0)


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_queries_does_not_grow(officer, institute, at, viewer, django_assert_num_queries, count):
    for _ in range(count):
        record(officer, institute, at, FULL)
    own = viewer(officer)
    with django_assert_num_queries(7):
        assert len(told(exported(own, at))) == count
