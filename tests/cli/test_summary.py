"""What the summary of the demo says of a match, in the language of its reader."""

from __future__ import annotations

import pytest

from transferase.cli import reasons
from transferase.cli.reasons import different_reasons, left_open
from transferase.cli.speaking import Quarters
from transferase.engine.ranking import Reason
from transferase.foundation.languages import LANGUAGES
from transferase.matching.rules import MISSING


def shared(text, language):
    quote = {"field": "title", "language": language, "start": 0, "end": len(text), "text": text}
    return Reason("shared_terms", {"terms": [{"term": text, "need": quote, "offer": quote, "share": 1.0}]})


CONCEPTS = Reason(
    "shared_concepts",
    {"terms": [{"labels": {"ko": "유속", "zh-Hans": "流速", "en": "flow velocity"}}, {"labels": {"en": "river"}}]},
)
READINESS = Reason("readiness_fits", {"stated": [4, 5], "wanted": [3, 6]})


def test_words_of_another_language_are_left_out():
    told = different_reasons([shared("流速", "zh-Hans"), READINESS], "ko")
    assert told == ["성숙도가 맞습니다: 제공 TRL 4–5, 희망 TRL 3–6."]
    assert different_reasons([shared("流速", "zh-Hans")], "zh-Hans") == ["双方使用相同术语：流速。"]


def test_shared_words_are_told_once_in_the_words_of_the_reader():
    assert different_reasons([shared("流速", "zh-Hans"), CONCEPTS, CONCEPTS], "ko") == ["같은 주제를 다룹니다: 유속."]
    assert different_reasons([CONCEPTS, shared("flow", "en")], "en") == ["Both speak of flow velocity, river."]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("ko", ["공급기술에 없는 정보: 기술성숙도, 지역.", "수요기술에 없는 정보: 분류."]),
        ("zh-Hans", ["技术供给未说明：技术成熟度、地域。", "技术需求未说明：分类。"]),
        ("en", ["The offer does not state: readiness level, territory.", "The need does not state: classification."]),
    ],
)
def test_what_is_not_stated_is_told_in_each_language(language, told):
    assert left_open(["offer.trl", "need.ipc", "offer.territory", "words"], language) == told


def test_each_quarter_is_told_once(capsys):
    progress = Quarters("Index")
    for done in range(0, 101, 5):
        progress(done, 100)
    assert capsys.readouterr().err.splitlines() == [f"Index: {n} of 4 quarters" for n in (1, 2, 3)]


def test_every_missing_fact_has_a_name_in_every_language():
    for language in LANGUAGES:
        assert set(reasons.MISSING_IN[language]) == set(reasons.MISSING)
        told = reasons.left_open([name for name in MISSING if "." in name], language)
        assert len(told) == 2
