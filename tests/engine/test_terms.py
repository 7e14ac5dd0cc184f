"""The glossary of terms is well formed: three cells, one script each, no doubles, terms of every field."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

import transferase.engine.text

FILE = Path(transferase.engine.text.__file__).parent / "terms" / "terms.tsv"
LINES = FILE.read_text(encoding="utf-8").splitlines()
CONCEPTS = [tuple(cell.split("|") for cell in line.split("\t")) for line in LINES[1:]]
HAN = re.compile("[\u3400-\u9fff]")
HANGUL = re.compile("[\uac00-\ud7a3]")


def plain(form):
    return re.sub(r"[\s\-]", "", form).casefold()


def test_each_line_has_an_english_a_chinese_and_a_korean_cell():
    assert LINES[0] == "en\tzh\tko"
    assert [line for line in LINES if line.count("\t") != 2] == []
    assert len(CONCEPTS) >= 4000


def test_no_form_is_empty_or_padded_or_decomposed():
    forms = [form for concept in CONCEPTS for cell in concept for form in cell]
    assert [form for form in forms if not form or form != form.strip() or "  " in form] == []
    assert [form for form in forms if unicodedata.normalize("NFC", form) != form] == []


@pytest.mark.parametrize(
    ("place", "wanted", "unwanted"),
    [(0, re.compile("[A-Za-z]"), re.compile(f"{HAN.pattern}|{HANGUL.pattern}")), (1, HAN, HANGUL), (2, HANGUL, HAN)],
    ids=["en", "zh", "ko"],
)
def test_each_cell_is_written_in_its_own_script(place, wanted, unwanted):
    cells = [concept[place] for concept in CONCEPTS]
    assert [cell for cell in cells if not wanted.search(cell[0])] == []
    assert [form for cell in cells for form in cell if unwanted.search(form)] == []


def test_chinese_is_simplified():
    """GB 2312 holds the simplified characters in common use; what it lacks is a traditional form or a rare one."""
    rare = {"噁"}
    letters = {letter for concept in CONCEPTS for form in concept[1] for letter in form if HAN.match(letter)}
    assert {letter for letter in letters - rare if not is_in(letter, "gb2312")} == set()


def test_korean_is_written_in_common_syllables():
    letters = {letter for concept in CONCEPTS for form in concept[2] for letter in form if HANGUL.match(letter)}
    assert {letter for letter in letters if not is_in(letter, "euc-kr")} == set()


def is_in(letter, encoding):
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def test_no_cell_names_a_form_twice():
    assert [
        cell for concept in CONCEPTS for cell in concept if len({form.casefold() for form in cell}) < len(cell)
    ] == []


def test_no_two_concepts_share_forms_in_two_languages():
    pairs = Counter(
        (first, plain(form), second, plain(other))
        for concept in CONCEPTS
        for first, second in ((0, 1), (0, 2), (1, 2))
        for form in {plain(form): form for form in concept[first]}.values()
        for other in {plain(form): form for form in concept[second]}.values()
    )
    assert [pair for pair, times in pairs.items() if times > 1] == []


@pytest.mark.parametrize("place", range(3))
def test_few_forms_stand_in_more_than_one_concept(place):
    times = Counter(form for concept in CONCEPTS for form in {plain(form) for form in concept[place]})
    assert sum(number > 1 for number in times.values()) <= len(CONCEPTS) // 200


# One term of each of WIPO's 35 fields, from the middle of the field.
@pytest.mark.parametrize(
    ("en", "zh", "ko"),
    [
        ("transformer", "变压器", "변압기"),
        ("loudspeaker", "扬声器", "스피커"),
        ("antenna", "天线", "안테나"),
        ("packet", "数据包", "패킷"),
        ("oscillator", "振荡器", "발진기"),
        ("machine learning", "机器学习", "기계학습"),
        ("e-commerce", "电子商务", "전자상거래"),
        ("wafer", "晶圆", "웨이퍼"),
        ("lens", "透镜", "렌즈"),
        ("flow meter", "流量计", "유량계"),
        ("immunoassay", "免疫分析", "면역분석"),
        ("path planning", "路径规划", "경로계획"),
        ("endoscope", "内窥镜", "내시경"),
        ("cosmetics", "化妆品", "화장품"),
        ("fermentation", "发酵", "발효"),
        ("vaccine", "疫苗", "백신"),
        ("polyurethane", "聚氨酯", "폴리우레탄"),
        ("sweetener", "甜味剂", "감미료"),
        ("adhesive", "粘合剂", "접착제"),
        ("alloy", "合金", "합금"),
        ("electroplating", "电镀", "도금"),
        ("nanoparticle", "纳米颗粒", "나노입자"),
        ("distillation", "蒸馏", "증류"),
        ("wastewater", "废水", "폐수"),
        ("conveyor", "输送机", "컨베이어"),
        ("welding", "焊接", "용접"),
        ("turbine", "涡轮机", "터빈"),
        ("nonwoven", "无纺布", "부직포"),
        ("tractor", "拖拉机", "트랙터"),
        ("heat exchanger", "换热器", "열교환기"),
        ("bearing", "轴承", "베어링"),
        ("drone", "无人机", "드론"),
        ("mattress", "床垫", "매트리스"),
        ("clothing", "服装", "의류"),
        ("concrete", "混凝土", "콘크리트"),
    ],
)
def test_terms_of_every_field(en, zh, ko):
    assert any(en in concept[0] and zh in concept[1] and ko in concept[2] for concept in CONCEPTS)
