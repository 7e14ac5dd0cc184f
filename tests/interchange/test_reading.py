"""Files become tables, or are refused with a code that says why."""

from __future__ import annotations

import contextlib
import gzip
import time
import tracemalloc
import zipfile

import pytest

from tests.interchange.tables import (
    SHEET,
    csv_text,
    replace_part,
    samples,
    write_csv,
    write_jsonl,
    write_xlsx,
)
from transferase.interchange import rules
from transferase.interchange._reading import count_rows, open_table

SHARED_STRINGS = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
CHINESE = ["编号", "技术名称", "技术简介"]
HEADER = ["번호", "기술명", "기술요약"]


def korean(count: int = 12) -> list[list[str]]:
    return [[f"K{i}", r["title"], r["summary"]] for i, r in enumerate(samples("kipo_patents")[:count])]


def chinese(count: int = 12) -> list[list[str]]:
    return [[f"Z{i}", r["title"], r["summary"]] for i, r in enumerate(samples("chinaxiv_results")[:count])]


def english(count: int = 12) -> list[list[str]]:
    return [[f"E{i}", r["title"], r["summary"]] for i, r in enumerate(samples("sbir_awards")[:count])]


@pytest.mark.parametrize(
    ("rows", "header", "encoding"),
    [
        *[(korean, HEADER, e) for e in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp949", "euc-kr")],
        *[(chinese, CHINESE, e) for e in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030", "gbk")],
        *[(english, ["id", "title", "summary"], e) for e in ("utf-8", "utf-8-sig", "utf-16")],
        (chinese, ["id", "title", "summary"], "gb18030"),
        (korean, ["id", "title", "summary"], "cp949"),
    ],
)  # fmt: skip
def test_the_encoding_is_recognised(tmp_path, rows, header, encoding):
    text = csv_text(header, rows()).encode(encoding, "ignore")
    (tmp_path / "t.csv").write_bytes(text)
    table = open_table(tmp_path / "t.csv")
    assert table.confident
    assert table.header == tuple(header)
    expected = rules.ENCODINGS[encoding]
    assert table.encoding == expected or (expected, table.encoding) == ("utf-16", "utf-16")
    read = list(table.rows())
    assert len(read) == len(rows())
    title = read[0].cells[header[1]]
    assert title == rows()[0][1].encode(encoding, "ignore").decode(encoding)
    assert read[0].number == 2


def test_korean_that_begins_after_a_long_stretch_of_ascii_is_still_recognised(tmp_path):
    rows = [[f"E{i}", f"Plain technology {i}", "x" * 400] for i in range(1200)] + korean()
    path = write_csv(tmp_path / "late.csv", ["id", "title", "summary"], rows, "cp949")
    table = open_table(path)
    assert (table.encoding, table.confident) == ("cp949", True)
    assert [row.cells["title"] for row in table.rows()][-1] == korean()[-1][1]


def test_a_doubtful_file_is_read_but_marked(tmp_path):
    path = tmp_path / "short.csv"
    path.write_bytes("id,title\n1,가\n".encode("cp949"))
    table = open_table(path)
    assert not table.confident
    assert {"cp949", "gb18030"} <= set(table.candidates)
    assert next(table.rows()).cells["id"] == "1"
    assert open_table(path, encoding="EUC-KR").confident
    assert next(open_table(path, encoding="EUC-KR").rows()).cells["title"] == "가"


def test_what_does_not_decode_is_refused_with_the_place(tmp_path):
    path = write_csv(tmp_path / "t.csv", HEADER, korean(), "cp949")
    with pytest.raises(rules.Undecodable) as refused:
        list(open_table(path, encoding="utf-8").rows())
    assert refused.value.facts["encoding"] == "utf-8"


def test_an_error_after_the_sample_is_found_by_counting(tmp_path):
    path = write_csv(tmp_path / "t.csv", HEADER, korean() * 300, "utf-8")
    with path.open("ab") as file:
        file.write(b"X,\xff\xfe\xfa,Y\n")
    table = open_table(path)
    with pytest.raises(rules.Undecodable):
        count_rows(table)


def test_an_unknown_encoding_is_refused(tmp_path):
    path = write_csv(tmp_path / "t.csv", HEADER, korean())
    with pytest.raises(rules.UnknownEncoding):
        open_table(path, encoding="ebcdic-kr")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    rows = [["1", "센서, 액추에이터; 제어", "a|b, c"], ["2", "둘째", "x"]]
    (tmp_path / "t.csv").write_text(csv_text(["id", "title", "summary"], rows, delimiter), encoding="utf-8")
    table = open_table(tmp_path / "t.csv")
    assert table.delimiter == delimiter
    assert [list(row.cells.values()) for row in table.rows()] == rows


def test_the_hint_of_excel_names_the_delimiter(tmp_path):
    (tmp_path / "t.csv").write_text("sep=;\nid;title\n1;one\n", encoding="utf-8")
    table = open_table(tmp_path / "t.csv")
    assert (table.header, [r.cells for r in table.rows()]) == (("id", "title"), [{"id": "1", "title": "one"}])


def test_rows_count_as_in_a_spreadsheet_and_empty_ones_are_passed_over(tmp_path):
    (tmp_path / "t.csv").write_text('id,title\n1,"two\nlines"\n,\n\n2,last\n', encoding="utf-8")
    assert [(row.number, row.cells["id"]) for row in open_table(tmp_path / "t.csv").rows()] == [(2, "1"), (5, "2")]


def test_cells_beside_the_table_are_kept_and_told(tmp_path):
    (tmp_path / "t.csv").write_text("id,title\n1,one,more,\n", encoding="utf-8")
    row = next(open_table(tmp_path / "t.csv").rows())
    assert (row.extra, row.cells["#extra"]) == (1, ["more"])


def test_a_broken_quote_costs_its_rows_and_no_others(tmp_path):
    (tmp_path / "t.csv").write_text('id,title\n1,one\n2,"open\n3,"three"\n4,four\n', encoding="utf-8")
    rows = list(open_table(tmp_path / "t.csv").rows())
    assert [(r.number, r.code, r.facts) for r in rows if r.code] == [(3, "broken_row", {"lines": 2})]
    assert [r.cells["id"] for r in rows if not r.code] == ["1", "4"]


def test_a_quote_that_is_never_closed_is_told(tmp_path):
    (tmp_path / "t.csv").write_text('id,title\n1,one\n2,"open\n3,three\n', encoding="utf-8")
    assert [row.code for row in open_table(tmp_path / "t.csv").rows()] == ["", "broken_row"]


@pytest.mark.parametrize(
    ("content", "error", "facts"),
    [
        (b"", rules.EmptyFile, {}),
        (b"\n\n  \n", rules.EmptyFile, {}),
        (b"\x00" * 4096, rules.EmptyFile, {}),
        (b"\xef\xbb\xbf", rules.EmptyFile, {}),
        (b"%PDF-1.7 ...", rules.NotATable, {"looks_like": "pdf"}),
        (b"\x89PNG\r\n\x1a\n....", rules.NotATable, {"looks_like": "image"}),
        (b"<html><table><tr><td>1</td></tr></table></html>", rules.NotATable, {"looks_like": "html"}),
        (b"<?xml version='1.0'?><a/>", rules.NotATable, {"looks_like": "xml"}),
        (b'[{"id": 1}]', rules.NotATable, {"looks_like": "json_array"}),
        (bytes(range(256)) * 8, rules.NotATable, {"looks_like": "binary"}),
        (b"1,2,3\n4,5,6\n", rules.NoHeader, {}),
        (b"id,title,Title\n1,a,b\n", rules.DuplicateHeader, {"column": "title"}),
        (b"PK\x03\x04 nothing more", rules.BrokenFile, {"format": "xlsx"}),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, rules.OldExcel, {"format": "xls"}),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), rules.PasswordProtected, {}),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, content, error, facts):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(error) as refused:
        open_table(tmp_path / "file")
    assert refused.value.facts == facts


def test_a_document_is_no_workbook(tmp_path):
    for part, looks_like in (("word/document.xml", "document"), ("content.xml", "ods"), ("a.txt", "zip")):
        with zipfile.ZipFile(tmp_path / "f.xlsx", "w") as archive:
            archive.writestr(part, "x")
        with pytest.raises(rules.NotATable) as refused:
            open_table(tmp_path / "f.xlsx")
        assert refused.value.facts == {"looks_like": looks_like}


def test_too_many_columns_are_refused(tmp_path):
    header = [f"c{i}" for i in range(501)]
    for path in (
        write_csv(tmp_path / "t.csv", header, [header]),
        write_jsonl(tmp_path / "t.jsonl", [dict.fromkeys(header, 1)]),
        write_xlsx(tmp_path / "t.xlsx", header, [header]),
    ):
        with pytest.raises(rules.TooManyColumns):
            list(open_table(path).rows())


def test_too_many_rows_are_refused(tmp_path):
    few = rules.Limits(rows=5)
    for path in (
        write_csv(tmp_path / "t.csv", ["id", "t"], [[i, "x"] for i in range(9)]),
        write_jsonl(tmp_path / "t.jsonl", [{"id": i} for i in range(9)]),
        write_xlsx(tmp_path / "t.xlsx", ["id", "t"], [[i, "x"] for i in range(9)]),
    ):
        with pytest.raises(rules.TooManyRows):
            list(open_table(path, limits=few).rows())


def test_a_line_without_end_does_not_come_into_memory(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"id,title\n" + b"x" * 20_000_000)
    tracemalloc.start()
    with pytest.raises(rules.NotATable) as refused:
        open_table(tmp_path / "t.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.facts == {"looks_like": "long_line"}
    assert peak < 60_000_000


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "huge.csv").open("wb") as file:
        file.write(b"id,title\n")
        file.truncate(200 * 1024 * 1024)
    started = time.perf_counter()
    with pytest.raises(rules.TooLarge) as refused:
        open_table(tmp_path / "huge.csv")
    assert time.perf_counter() - started < 0.5
    assert refused.value.facts["size"] == 200 * 1024 * 1024


class TestJSONL:
    def test_keys_are_columns_and_values_keep_their_kind(self, tmp_path):
        path = write_jsonl(tmp_path / "t.jsonl", [{"id": 1, "ipc": ["A61K"]}, {"id": 2, "title": "둘"}])
        table = open_table(path)
        assert (table.format, table.header) == ("jsonl", ("id", "ipc", "title"))
        assert [dict(row.cells) for row in table.rows()] == [{"id": 1, "ipc": ["A61K"]}, {"id": 2, "title": "둘"}]

    def test_faulty_lines_are_told_by_number(self, tmp_path):
        (tmp_path / "t.jsonl").write_text('{"id": 1}\n{"id": \n[1]\n\n{"id": 2}\n{"t": "\\ud800"}\n', encoding="utf-8")
        rows = [(row.number, row.code) for row in open_table(tmp_path / "t.jsonl").rows()]
        assert rows == [(1, ""), (2, "bad_json"), (3, "not_an_object"), (5, ""), (6, "bad_json")]

    def test_other_encodings_are_read_too(self, tmp_path):
        path = tmp_path / "t.jsonl"
        text = write_jsonl(path, [{"제목": title, "요약": summary} for _, title, summary in korean()]).read_text(
            "utf-8"
        )
        path.write_bytes(text.encode("cp949", "ignore"))
        table = open_table(path)
        assert (table.encoding, table.header) == ("cp949", ("제목", "요약"))


class TestPacked:
    def test_every_format_may_be_packed(self, tmp_path):
        for path in (
            write_csv(tmp_path / "a.csv", HEADER, korean(), "cp949"),
            write_jsonl(tmp_path / "b.jsonl", [dict(zip(HEADER, row, strict=True)) for row in korean()]),
            write_xlsx(tmp_path / "c.xlsx", HEADER, korean()),
        ):
            packed = path.with_suffix(path.suffix + ".gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            table = open_table(packed)
            assert table.header == tuple(HEADER)
            assert [row.cells["번호"] for row in table.rows()] == [row[0] for row in korean()]

    def test_a_bomb_stops_at_the_limit(self, tmp_path):
        path = tmp_path / "bomb.csv.gz"
        with gzip.open(path, "wb") as file:
            file.write(b"id,title\n")
            for _ in range(60):
                file.write(b"1," + b"0" * 999_997 + b"\n")
        assert path.stat().st_size < 100_000
        with pytest.raises(rules.TooLarge):
            count_rows(open_table(path, limits=rules.Limits(unpacked_bytes=20_000_000)))

    def test_a_cut_off_file_is_broken(self, tmp_path):
        path = tmp_path / "t.csv.gz"
        path.write_bytes(gzip.compress(csv_text(HEADER, korean() * 50).encode())[:-2000])
        with pytest.raises(rules.BrokenFile):
            list(open_table(path).rows())


class TestWorkbook:
    def test_cells_come_as_a_person_sees_them(self, tmp_path):
        from datetime import UTC, date, datetime

        moment = datetime(2026, 12, 3, 14, 30, tzinfo=UTC).replace(tzinfo=None)
        path = write_xlsx(
            tmp_path / "t.xlsx",
            ["id", "number", "day", "moment", "flag", "none", "문자"],
            [[1020200012345, 4.0, date(2026, 12, 3), moment, True, None, "값"]],
        )  # fmt: skip
        table = open_table(path)
        row = next(table.rows())
        assert dict(row.cells) == {
            "id": "1020200012345", "number": "4", "day": "2026-12-03", "moment": "2026-12-03 14:30:00", "flag": "true",
            "none": "", "문자": "값",
        }  # fmt: skip
        assert table.expected == 1

    def test_the_first_sheet_with_cells_is_read(self, tmp_path):
        import openpyxl

        book = openpyxl.Workbook()
        book.active.title = "empty"
        hidden = book.create_sheet("hidden")
        hidden.append(["secret"])
        hidden.sheet_state = "hidden"
        sheet = book.create_sheet("기술")
        for row in ([None], ["id", "기술명"], ["1", "하나"]):
            sheet.append(row)
        book.save(tmp_path / "t.xlsx")
        table = open_table(tmp_path / "t.xlsx")
        assert table.header == ("id", "기술명")
        assert [(row.number, row.cells["기술명"]) for row in table.rows()] == [(3, "하나")]

    def test_an_empty_workbook_is_empty(self, tmp_path):
        with pytest.raises(rules.EmptyFile):
            open_table(write_xlsx(tmp_path / "t.xlsx", [], []))

    def test_a_false_size_hides_no_rows(self, tmp_path):
        path = write_xlsx(tmp_path / "t.xlsx", ["id", "title"], [[i, "x"] for i in range(20)])
        with zipfile.ZipFile(path) as archive:
            sheet = archive.read(SHEET)
        replace_part(path, SHEET, sheet.replace(b"A1:B21", b"A1:A2"))
        assert len(list(open_table(path).rows())) == 20

    def test_tightly_packed_parts_are_refused_before_they_are_unpacked(self, tmp_path):
        path = write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]])
        replace_part(path, SHEET, b"<worksheet>" + b"<row/>" * 20_000_000 + b"</worksheet>")
        started = time.perf_counter()
        with pytest.raises(rules.XlsxBomb) as refused:
            open_table(path)
        assert refused.value.facts["reason"] == "ratio"
        assert time.perf_counter() - started < 1

    def test_large_shared_parts_are_refused(self, tmp_path):
        path = write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]])
        replace_part(path, "xl/styles.xml", b"<styleSheet>" + b"<xf></xf>  " * 200_000 + b"</styleSheet>")
        with pytest.raises(rules.XlsxBomb) as refused:
            open_table(path, limits=rules.Limits(held_bytes=1_000_000))
        assert refused.value.facts["reason"] == "unpacked"

    @pytest.mark.parametrize(
        ("part", "content"),
        [
            ("xl/sharedStrings.xml", b"<sst>%s</sst>" % (b"<si/>" * 500_000)),
            ("xl/sharedStrings.xml", b"<sst><si>%s</si></sst>" % (b"<r/>" * 500_000)),
            ("xl/sharedStrings.xml", b"<sst>%s</sst>" % (b"<si><t>%s</t></si>" % (b"abcd" * 250) * 12_000)),
            (SHEET, b"<worksheet><sheetData><row>%s</row></sheetData></worksheet>" % (b"<c/>" * 500_000)),
            (SHEET, b"<worksheet><sheetData>%s</sheetData></worksheet>" % (b"<row/>" * 400_000)),
            (SHEET, b"<worksheet><sheetData>%s</sheetData></worksheet>" % (b'<row r="1"/>' * 200_000)),
            (SHEET, b"<worksheet>%s<sheetData/></worksheet>" % (b"<col/>" * 400_000)),
        ],
        ids=["texts", "runs", "long texts", "cells", "rows", "same row", "columns"],
    )
    def test_large_parts_take_little_memory(self, tmp_path, part, content):
        path = write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]])
        with zipfile.ZipFile(path) as archive:
            types = archive.read("[Content_Types].xml")
        listed = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % SHARED_STRINGS
        replace_part(path, "[Content_Types].xml", types.replace(b"</Types>", listed))
        if part != SHEET:
            last = content.count(b"<si") - 1
            sheet = b'<worksheet><sheetData><row><c t="s"><v>%d</v></c></row></sheetData></worksheet>' % last
            replace_part(path, SHEET, sheet)
        replace_part(path, part, content)
        del content
        tracemalloc.start()
        try:
            with contextlib.suppress(rules.FileRefused):
                list(open_table(path, limits=rules.Limits(ratio=10**9)).rows())
            assert tracemalloc.get_traced_memory()[1] < 12_000_000
        finally:
            tracemalloc.stop()

    def test_texts_are_read_as_a_spreadsheet_shows_them(self, tmp_path):
        path = write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]])
        with zipfile.ZipFile(path) as archive:
            types = archive.read("[Content_Types].xml")
        listed = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % SHARED_STRINGS
        replace_part(path, "[Content_Types].xml", types.replace(b"</Types>", listed))
        texts = (
            "<sst><si><r><t>수</t></r><r><t xml:space='preserve'>위 </t></r></si>"
            "<si><t>東京</t><rPh><t>トウキョウ</t></rPh></si><si><t>a_x000A_b</t></si><si/></sst>"
        )
        replace_part(path, "xl/sharedStrings.xml", texts.encode())
        row = "".join(f'<c t="s"><v>{number}</v></c>' for number in (2, 1, 0, 3))
        inline = (
            "<c t='inlineStr'><is><t>x</t><rPh><t>y</t></rPh></is></c><c t='b'><v>1</v></c><c t='e'><v>#N/A</v></c>"
        )
        sheet = (
            "<worksheet><sheetData><row><c t='str'><v>a</v></c><c r='G1' t='str'><v>g</v></c></row>"
            f"<row r='4'>{row}{inline}</row></sheetData></worksheet>"
        )
        replace_part(path, SHEET, sheet.encode())
        row = next(open_table(path).rows())
        assert row.number == 4
        assert list(row.cells.values()) == ["a\nb", "東京", "수위 ", "", "x", "true", "#N/A"]

    def test_a_cell_longer_than_any_spreadsheet_allows_is_refused(self, tmp_path):
        path = write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]])
        cell = b"<c t='str'><v>%s</v></c>" % (b"a" * 1_000_001)
        replace_part(path, SHEET, b"<worksheet><sheetData><row>%s</row></sheetData></worksheet>" % cell)
        with pytest.raises(rules.XlsxBomb):
            open_table(path, limits=rules.Limits(ratio=10**9))

    def test_too_many_parts_are_refused(self, tmp_path):
        path = write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]])
        with zipfile.ZipFile(path, "a") as archive:
            for number in range(2001):
                archive.writestr(f"xl/media/{number}", b"")
        with pytest.raises(rules.XlsxBomb) as refused:
            open_table(path)
        assert refused.value.facts["reason"] == "entries"

    @pytest.mark.parametrize("part", ["xl/sharedStrings.xml", SHEET, "xl/workbook.xml", "xl/styles.xml"])
    def test_entities_are_refused(self, tmp_path, part):
        path = write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]])
        laughs = (
            b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><sst><si><t>&b;</t></si></sst>'
        )
        with zipfile.ZipFile(path) as archive:
            types = archive.read("[Content_Types].xml")
        listed = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % SHARED_STRINGS
        if part == "xl/sharedStrings.xml":
            replace_part(path, "[Content_Types].xml", types.replace(b"</Types>", listed))
        replace_part(path, part, laughs)
        with pytest.raises(rules.XlsxBomb) as refused:
            list(open_table(path).rows())
        assert refused.value.facts["reason"] == "entities"

    def test_a_row_far_below_is_told_and_costs_little(self, tmp_path):
        path = write_xlsx(tmp_path / "t.xlsx", ["id", "title"], [["1", "x"]])
        with zipfile.ZipFile(path) as archive:
            sheet = archive.read(SHEET)
        replace_part(
            path,
            SHEET,
            sheet.replace(b'<row r="2"', b'<row r="999999999"').replace(b'r="A2"', b"").replace(b'r="B2"', b""),
        )
        started = time.perf_counter()
        with pytest.raises(rules.TooManyRows):
            list(open_table(path).rows())
        assert time.perf_counter() - started < 8

    @pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET, "[Content_Types].xml"])
    def test_a_damaged_workbook_is_broken(self, tmp_path, part):
        path = replace_part(write_xlsx(tmp_path / "t.xlsx", ["id"], [["1"]]), part, b"<not xml")
        with pytest.raises(rules.BrokenFile):
            list(open_table(path).rows())
