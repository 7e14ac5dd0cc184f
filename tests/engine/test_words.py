"""Words in three languages and mixed texts."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transferase.engine.text import placed_words, words


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("en", "The batteries are charging", ["batteri", "charg"]),
        ("en", "Analysing tumour behaviour", words("analyzing tumor behavior", "en")),
        ("en", "colourised fibre optics", words("colorized fiber optics", "en")),
        ("en", "at 3.5 GHz and 1,000 kPa, 95 %", ["3.5ghz", "1000kpa", "95%"]),
        ("en", "IL-6, TGF-β and CO₂", ["il6", "tgfβ", "tgf", "co2"]),
        ("en", "CRISPR-Cas9 with 2,4-D", ["crisprcas9", "crispr", "cas9", "24d"]),
        ("en", "high-temperature state-of-the-art", ["high", "temperatur", "state", "art"]),
        ("en", "US 10,123,456 B2; CN109876543A; WO2019/123456", ["us10123456", "cn109876543", "wo2019123456"]),
        ("en", "Escherichia coli's growth", ["escherichia", "coli", "growth"]),
        ("en", "C++ and C#", ["c++", "c#"]),
        ("en", "TNF-alpha = TNF-α", ["tnfα", "tnf", "tnfα", "tnf"]),
        ("en", "LiNi0.8Co0.1Mn0.1O2, CAS 7440-06-4", ["lini0.8co0.1mn0.1o2", "cas", "7440064"]),
        ("en", "10-20 nm, 5 microns, 100 nanometers", ["10nm", "20nm", "5um", "100nm"]),
        ("en", "Möbius naïve", ["mobius", "naiv"]),
        ("ko", "섭씨 25도, 10 마이크로미터, 5퍼센트", ["25°c", "10um", "5%"]),
        ("zh-Hans", "百分之5、10微米、摄氏25度", ["5%", "10um", "25°c"]),
        ("en", "ＬＥＤ １０㎜", ["led", "10mm"]),
        ("en", "the of and", []),
        ("ko", "생분해성 포장 필름을 제조하는 방법", ["생분해", "분해", "포장", "필름", "제조", "방법"]),
        ("ko", "DNA를 3.5 GHz에서 측정", ["dna", "3.5ghz", "측정"]),
        ("ko", "출원번호 10-2019-0161850", ["출원", "번호", "1020190161850"]),
        ("ko", "리튬이온전지(Li-ion) 양극재", ["리튬", "이온", "전지", "li", "ion", "양극", "양극재"]),
        ("zh-Hans", "锂离子电池的正极材料", ["离子", "锂离子", "电池", "正极", "材料"]),
        ("zh-Hans", "基于LSTM的预测，精度达95%", ["lstm", "预测", "精度", "达", "95%"]),
        ("zh-Hans", "", []),
    ],
)
def test_words(language, text, terms):
    assert words(text, language) == terms


def test_a_text_is_found_by_the_language_of_its_parts():
    assert "필름" in words("Film (필름) production", "en")
    assert "正极" in words("양극(正极) 재료와 正极材料", "zh-Hans")


@settings(max_examples=60, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(
            st.characters(), st.sampled_from("가나다라의를 電池材料的。, abcXYZ 0123.-/%㎜²İßǅﬁ\U0001f52c'")
        ),
        max_size=60,
    ),
    st.sampled_from(["ko", "zh-Hans", "en"]),
)
def test_words_stand_where_they_say(text, language):
    for word in placed_words(text, language):
        assert word.term
        assert len(word.term) <= 64
        assert 0 <= word.start < word.end <= len(text)
        assert not text[word.start : word.end].isspace()


def test_traditional_chinese_is_found_by_simplified():
    assert words("鋰離子電池的正極材料", "zh-Hans") == words("锂离子电池的正极材料", "zh-Hans")
    assert "藻类" in words("조류(藻類) 양식", "ko")


@pytest.mark.parametrize(
    ("hyphenated", "joined"),
    [("multi-spectral", "multispectral"), ("non-volatile", "nonvolatile"), ("bio-degradable", "biodegradable")],
)
def test_a_prefix_with_a_hyphen_is_found_without(hyphenated, joined):
    assert set(words(joined, "en")) <= set(words(hyphenated, "en"))


@given(st.sampled_from(["nm", "kPa", "GHz", "mg/L", "℃", "%"]), st.integers(1, 9999))
def test_quantities_are_one_term_with_or_without_a_space(unit, number):
    assert words(f"{number} {unit}", "en") == words(f"{number}{unit}", "ko")


@pytest.mark.parametrize("language", ["ko", "zh-Hans", "en"])
@pytest.mark.parametrize(
    "text", ["", "a", "の材料を探す", "vật liệu pin", "مواد", "the of", "12345", "AND OR NOT", "<b>'; DROP TABLE x;--"]
)
def test_odd_texts_have_words_or_none(text, language):
    assert all(0 < len(word) <= 64 for word in words(text, language))


@given(st.text(alphabet="abcdefgh ABC-0123", max_size=60))
def test_case_does_not_matter(text):
    assert words(text, "en") == words(text.upper(), "en")


def test_threads_share_the_analysers():
    texts = ["배터리 재료를 찾습니다", "寻求电池材料", "seeking battery materials"] * 20
    languages = ["ko", "zh-Hans", "en"] * 20
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(words, texts, languages)) == list(map(words, texts, languages))


def test_a_very_long_run_is_cut_to_a_term_that_can_be_stored():
    assert all(len(term) <= 64 for term in words("a" * 100_000 + " " + "中" * 5000, "en"))
