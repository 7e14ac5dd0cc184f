"""Bytes of unknown origin are read rightly or not surely."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.text import decode

KOREAN = (
    "번호,제목,요약\n1,해조류 추출물을 이용한 생분해성 포장 필름,"
    "본 발명은 해조류에서 얻은 원료를 사용하여 산소 차단성과 "
    "열접착성이 우수한 포장 필름을 제조하는 방법에 관한 것이다.\n2,리튬이온전지용 양극재,에너지 밀도가 높고 수명이 긴 "
    "전지를 제공한다.\n3,질병 저항성 밀 품종,유전자 마커를 이용하여 저항성 품종을 선발하는 방법이다.\n"
)
CHINESE = (
    "编号,标题,摘要\n1,可生物降解包装薄膜,本研究以淀粉和海藻为原料制备了具有良好阻氧性能的薄膜，并分析了其力学性能。\n"
    "2,锂离子电池正极材料,提出了一种低成本的制备方法，有效提高了电池的能量密度和循环寿命。\n"
    "3,抗病小麦品种,利用分子标记技术进行选育，结果表明该方法具有较高的准确性。\n"
)
KOREAN_SENTENCES = [line.split(",", 1)[1] for line in KOREAN.splitlines()[1:]]
CHINESE_SENTENCES = [line.split(",", 1)[1] for line in CHINESE.splitlines()[1:]]

UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
korean = st.lists(st.sampled_from(KOREAN_SENTENCES), min_size=1, max_size=6).map("\n".join)
chinese = st.lists(st.sampled_from(CHINESE_SENTENCES), min_size=1, max_size=6).map("\n".join)


@given(
    korean, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "euc-kr", "gb18030"])
)
def test_korean_is_read_in_every_encoding(text, encoding):
    found = decode(text.encode(encoding))
    if encoding == "gb18030":
        # Hangul takes four bytes there; whatever the guess, it may not be a sure wrong one.
        assert found.text == text or not found.confident
    else:
        assert found.text == text
        assert found.confident
        assert found.encoding == {"euc-kr": "cp949"}.get(encoding, encoding)


@given(chinese, st.sampled_from([*UNICODE, "gb18030", "gbk"]))
def test_chinese_is_read_in_every_encoding(text, encoding):
    found = decode(text.encode(encoding))
    assert found.text == text
    assert found.confident
    assert found.encoding == {"gbk": "gb18030"}.get(encoding, encoding)


@given(st.sampled_from([(KOREAN, "cp949"), (CHINESE, "gb18030"), (KOREAN, "utf-8"), (CHINESE, "utf-16-le")]), st.data())
def test_a_sample_may_be_cut_at_any_byte(case, data):
    text, encoding = case
    raw = text.encode(encoding)
    found = decode(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    assert found.confident
    assert found.encoding == encoding
    assert text.startswith(found.text)


@given(st.binary(max_size=300))
def test_any_bytes_give_an_answer(raw):
    found = decode(raw)
    assert isinstance(found.text, str)
    assert found.candidates
    assert all(0 <= candidate.plausibility <= 1 for candidate in found.candidates)


@pytest.mark.parametrize(
    "raw",
    [
        "Résumé; modèle déposé; coût élevé".encode("latin-1"),
        "電池材料的研究與應用，提出一種新的製備方法".encode("big5"),
        "電池の材料に関する研究".encode("shift-jis"),
        "삼성".encode("cp949"),
        KOREAN.encode("utf-8").replace("발명".encode(), b"\xff\xfe\xff"),
        bytes(range(256)) * 4,
    ],
)
def test_doubtful_bytes_are_not_sure(raw):
    assert not decode(raw).confident


def test_plain_ascii_is_utf8():
    found = decode(b"id,title\n1,Battery\n")
    assert (found.encoding, found.confident) == ("utf-8", True)
    assert decode(b"").text == ""


def test_a_hint_is_obeyed():
    raw = KOREAN.encode("cp949")
    assert decode(raw, "euc-kr").text[:2] == KOREAN[:2]
    read_as_chinese = decode(raw, "gb18030")
    assert read_as_chinese.encoding == "gb18030"
    assert read_as_chinese.text != KOREAN
    assert not decode(raw, "utf-8").confident
    with pytest.raises(LookupError):
        decode(raw, "klingon")
