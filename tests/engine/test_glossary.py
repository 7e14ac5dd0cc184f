"""The glossary: terms of a text, said again in another language."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transferase.engine.ranking import Glossary, Lexicon, Side, load_glossary, read_glossary, shared_concepts
from transferase.engine.text import CHINESE, ENGLISH, KOREAN, LANGUAGES, words

FORMS = [
    {ENGLISH: ["seaweed", "macroalgae"], CHINESE: ["海藻"], KOREAN: ["해조류"]},
    {ENGLISH: ["film"], CHINESE: ["薄膜"], KOREAN: ["필름"]},
    {ENGLISH: ["packaging film"], CHINESE: ["包装膜"], KOREAN: ["포장 필름"]},
    {
        ENGLISH: ["unmanned aerial vehicle", "UAV", "drone"],
        CHINESE: ["无人机"],
        KOREAN: ["무인기", "무인항공기", "드론"],
    },
    {ENGLISH: ["aluminum alloy"], CHINESE: ["铝合金"], KOREAN: ["알루미늄 합금"]},
    {ENGLISH: ["internet of things", "IoT"], CHINESE: ["物联网"], KOREAN: ["사물인터넷"]},
    {ENGLISH: ["artificial intelligence", "AI"], CHINESE: ["人工智能"], KOREAN: ["인공지능"]},
    {ENGLISH: ["silver"], CHINESE: ["银"], KOREAN: ["은"]},
    {ENGLISH: ["multispectral"], CHINESE: ["多光谱"], KOREAN: ["다중분광"]},
]
SMALL = Glossary(FORMS)


def said(text, language):
    return [SMALL.concepts[mention.concepts[0]].label(ENGLISH) for mention in SMALL.mentions(text, language)]


@pytest.mark.parametrize(
    ("language", "text", "labels"),
    [
        (KOREAN, "해조류로 만든 포장필름을 구합니다", ["seaweed", "packaging film"]),
        (KOREAN, "무인 항공기와 드론", ["unmanned aerial vehicle", "unmanned aerial vehicle"]),
        (KOREAN, "은 나노입자는 이것은 아니다", ["silver"]),
        (KOREAN, "IoT 센서와 AI 분석", ["internet of things", "artificial intelligence"]),
        (CHINESE, "用海藻制成的包装膜和薄膜", ["seaweed", "packaging film", "film"]),
        (CHINESE, "海藻製成的薄膜，無人機與鋁合金", ["seaweed", "film", "unmanned aerial vehicle", "aluminum alloy"]),
        (ENGLISH, "Packaging films of macroalgae", ["packaging film", "seaweed"]),
        (ENGLISH, "multi-spectral cameras on unmanned  aerial vehicles", ["multispectral", "unmanned aerial vehicle"]),
        (ENGLISH, "aluminium alloys for the internet-of-things", ["aluminum alloy", "internet of things"]),
        (ENGLISH, "I am in it, ai", []),
        (ENGLISH, "unmanned ground vehicle", []),
        (ENGLISH, "internet. Things", []),
        (ENGLISH, "", []),
    ],
)
def test_the_longest_term_of_a_place_is_named(language, text, labels):
    assert said(text, language) == labels


def test_a_text_asks_in_the_words_of_another_language():
    asked = SMALL.crossed("해조류 필름, 해조류 100 나노미터 SEM", KOREAN, ENGLISH)
    assert set(asked) == {*words("seaweed macroalgae film 100 nm SEM", ENGLISH)}
    assert asked["seawe"] == pytest.approx(2**0.5)
    assert asked["100nm"] == asked["sem"] == asked["film"] == 1
    assert set(SMALL.crossed("seaweed film", ENGLISH, CHINESE)) == {"海藻", "薄膜"}
    assert set(SMALL.crossed("海藻薄膜", CHINESE, KOREAN)) == {*words("해조류 필름", KOREAN)}


def test_the_words_of_a_longer_form_share_its_weight():
    asked = SMALL.crossed("铝合金", CHINESE, ENGLISH, sharing=1.0)
    assert sum(asked.values()) == pytest.approx(1)
    assert set(SMALL.crossed("铝合金", CHINESE, ENGLISH, sharing=0.0).values()) == {1.0}
    fewer = SMALL.crossed("드론", KOREAN, ENGLISH, other_forms=0.5, sharing=1.0)
    assert fewer["drone"] == fewer["uav"] == 0.5


def test_words_found_through_the_glossary_are_weighed_like_any_others():
    offers = [words(text, ENGLISH) for text in ("seaweed film", "aluminium alloy", "battery cathode")]
    lexicon = Lexicon.of(offers)
    asked = SMALL.crossed("해조류 필름 드론", KOREAN, ENGLISH)
    weights = lexicon.weighed(asked)
    assert set(weights) == {"seawe", "film"}
    assert weights["film"] == pytest.approx(lexicon.idf("film"))
    assert lexicon.attainable_of(asked) > 0
    assert lexicon.attainable_of({}) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("해조류필름은 포장드론을海藻薄膜银包装無人機 UAV film seaweed-.,\n0🔬"), max_size=60
    ),
    st.sampled_from(LANGUAGES),
)
def test_mentions_stand_in_order_and_do_not_overlap(text, language):
    at = 0
    for mention in SMALL.mentions(text, language):
        assert at <= mention.start < mention.end <= len(text)
        assert not text[mention.start : mention.end].isspace()
        at = mention.end
    for into in LANGUAGES:
        assert all(weight > 0 for weight in SMALL.crossed(text, language, into).values())


def test_nearly_every_form_names_its_concept():
    glossary = load_glossary()
    forms = [
        (concept.number, language, form)
        for concept in glossary.concepts
        for language in LANGUAGES
        for form in concept.forms[language]
    ]
    asked = forms[::25]
    named = [
        number in {number for mention in glossary.mentions(form, language) for number in mention.concepts}
        for number, language, form in asked
    ]
    # 감 (persimmon) and 섬 (island) are read as verbs when they stand alone.
    assert sum(named) > 0.98 * len(asked)


def test_the_packaged_glossary_speaks_three_languages():
    glossary = load_glossary()
    assert len(glossary.concepts) > 1000
    assert len(glossary.version) == 12
    assert all(concept.label(language) for concept in glossary.concepts for language in LANGUAGES)


def test_another_file_can_be_read(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("en\tzh\tko\nalgae|alga\t藻类\t조류\n", encoding="utf-8")
    glossary = read_glossary(path)
    assert glossary.concepts[0].forms == {ENGLISH: ("algae", "alga"), CHINESE: ("藻类",), KOREAN: ("조류",)}
    assert glossary.version != load_glossary().version


def test_shared_concepts_are_named_in_every_language():
    need = Side(KOREAN, {"title": "생분해성 필름", "summary": "해조류로 만든 필름을 구합니다."})
    offer = Side(ENGLISH, {"summary": "A material: seaweed as a biodegradable film."})
    shared = shared_concepts(need, offer, lambda term: {"seawe": 5.0}.get(term, 1.0))
    assert shared[0].labels[ENGLISH] == "seaweed"
    assert (shared[0].need.text, shared[0].offer.text) == ("해조류", "seaweed")
    assert {concept.need.text for concept in shared} >= {"생분해성", "필름"}
    assert sum(concept.share for concept in shared) == pytest.approx(1)
    assert shared_concepts(need, offer, lambda _: 1.0, is_common=lambda _: True) == ()
    assert shared_concepts(need, Side(ENGLISH, {}), lambda _: 1.0) == ()
