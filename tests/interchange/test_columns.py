"""Columns are understood by their names in three languages."""

from __future__ import annotations

import pytest

from transferase.interchange import rules
from transferase.interchange._columns import check_mapping, guess_mapping


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            ["연번", "기술명", "기술요약", "출원인", "출원번호", "IPC", "기술성숙도(TRL)", "이전방식", "비고"],
            ["external_id", "title", "summary", "owner", "application_number", "ipc", "trl", "transfer_modes", ""],
        ),
        (
            ["编号", "技术名称", "技术简介", "专利权人", "专利号", "IPC分类号", "成熟度", "合作方式", "联系人"],
            ["external_id", "title", "summary", "owner", "right_number", "ipc", "trl", "transfer_modes", ""],
        ),
        (
            ["ID", "Technology Title", "Abstract", "Applicant", "Patent No.", "IPC", "TRL level", "Deal type", "Phone"],
            ["external_id", "title", "summary", "owner", "right_number", "ipc", "trl", "transfer_modes", ""],
        ),
        (
            ["관리번호", "기술명(국문)", "기술명(영문)", "요약 (KO)", "Summary_EN", "기술명[中文]"],
            ["external_id", "title_ko", "title_en", "summary_ko", "summary_en", "title_zh"],
        ),
        (["기술명 (필수)", "IPC 코드", "키워드", "title_en"], ["title", "ipc", "keywords", "title_en"]),
        (["번호", "기술명", "발명의 명칭"], ["external_id", "title", ""]),
        (["id", "external_id", "title", "state", "source"], ["", "external_id", "title", "", ""]),
    ],
)  # fmt: skip
def test_names_of_columns_are_understood(header, expected):
    found = guess_mapping(header, "offers", for_operator=True)
    assert [found.get(column, "") for column in header] == expected


def test_columns_of_needs_organisations_and_rights_are_understood():
    assert guess_mapping(["수요번호", "수요기술명", "수요내용", "목표성능", "마감일"], "needs", for_operator=False) == {
        "수요번호": "external_id", "수요기술명": "title", "수요내용": "description", "목표성능": "requirements",
        "마감일": "decision_date",
    }  # fmt: skip
    assert guess_mapping(["기관명", "사업자등록번호", "홈페이지", "국가"], "organisations", for_operator=True) == {
        "기관명": "name", "사업자등록번호": "kr_business", "홈페이지": "website", "국가": "country",
    }  # fmt: skip
    assert guess_mapping(["기술번호", "출원번호", "상태", "국가"], "rights", for_operator=False) == {
        "기술번호": "external_id", "출원번호": "application_number", "상태": "right_status", "국가": "right_office",
    }  # fmt: skip


def test_only_operators_name_owners():
    assert "owner" not in guess_mapping(["기술명", "출원인"], "offers", for_operator=False).values()


@pytest.mark.parametrize(
    ("columns", "error", "facts"),
    [
        ({"a": "title", "b": "title"}, rules.DuplicateField, {"field": "title"}),
        ({"a": "colour"}, rules.UnknownField, {"field": "colour"}),
        ({"a": "owner", "b": "title"}, rules.UnknownField, {"field": "owner"}),
        ({"a": "ipc"}, rules.MissingColumns, {"fields": ["title"]}),
    ],
)
def test_a_mapping_no_record_could_come_from_is_refused(columns, error, facts):
    with pytest.raises(error) as refused:
        check_mapping(columns, {}, "offers", for_operator=False)
    assert refused.value.facts == facts


def test_every_field_has_its_own_name_as_a_synonym():
    for kind, fields in rules.FIELDS.items():
        assert guess_mapping(fields, kind, for_operator=True) == {name: name for name in fields}
