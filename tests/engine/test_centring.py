"""Centring takes the language out."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from transferase.engine.ranking import (
    MODEL_VERSION,
    Mean,
    Means,
    Role,
    centre,
    default_means,
    learn_alignment,
    own_means,
    read_means,
    shrink,
    write_means,
)
from transferase.engine.text import LANGUAGES

VECTORS = arrays.arrays(np.float32, (4, 8), elements=st.floats(-1, 1, width=32))


@given(VECTORS, arrays.arrays(np.float32, (8,), elements=st.floats(-1, 1, width=32)))
def test_centred_vectors_have_length_one_or_are_zero(vectors, mean):
    length = np.linalg.norm(centre(vectors, mean), axis=1)
    left = np.linalg.norm(vectors - mean, axis=1)
    assert np.allclose(length[left > 1e-6], 1, atol=1e-3)
    assert not np.isnan(length).any()


@given(VECTORS)
def test_centring_one_vector_equals_centring_many(vectors):
    mean = vectors.mean(0)
    assert np.allclose(centre(vectors[0], mean), centre(vectors, mean)[0], atol=1e-6)


def test_few_texts_are_drawn_towards_the_default():
    own, default = np.ones(3, np.float32), np.zeros(3, np.float32)
    assert shrink(own, 0, default).tolist() == [0, 0, 0]
    assert np.allclose(shrink(own, 200, default), 0.5)
    assert shrink(own, 10**9, default)[0] > 0.999


def test_default_means_cover_every_language_and_role():
    means = default_means()
    assert means.model_version == MODEL_VERSION
    assert set(means.of) == {(language, role) for language in LANGUAGES for role in Role}
    for mean in means.of.values():
        assert mean.vector.shape == (384,)
        assert 0.7 < float(np.linalg.norm(mean.vector)) < 1
        assert mean.count >= 500
    middle = means.vector(None, Role.PASSAGE)
    assert np.allclose(middle, np.mean([means.vector(name, Role.PASSAGE) for name in LANGUAGES], axis=0))


def test_own_means_replace_what_the_platform_has_texts_for(tmp_path):
    defaults = Means(
        "m", "d", {(name, role): Mean(name, role, 1, np.zeros(2, np.float32)) for name in LANGUAGES for role in Role}
    )
    rows = np.tile(np.array([1, 0], np.float32), (200, 1))
    means = own_means({("ko", Role.PASSAGE): rows, ("en", Role.QUERY): rows[:0]}, defaults, "7")
    assert means.version == "7"
    assert np.allclose(means.vector("ko", Role.PASSAGE), [0.5, 0])
    assert means.of["ko", Role.PASSAGE].count == 200
    assert np.allclose(means.vector("en", Role.QUERY), 0)
    write_means(tmp_path / "means.json", means)
    again = read_means(tmp_path / "means.json")
    assert again.version == "7"
    assert np.allclose(again.vector("ko", Role.PASSAGE), [0.5, 0])


def test_centring_brings_a_translation_before_a_text_in_the_own_language(embedder):
    """Plain, an unrelated text in the asker's language is as near as the translation; centred, it is far off."""
    asked = "질병 저항성이 높은 밀 품종을 위한 유전자 마커와 육종 방법을 찾습니다."
    translation = "Genetic markers and breeding methods for wheat varieties with high disease resistance."
    unrelated = "스마트폰 배터리의 충전 속도를 높이는 회로 설계 방법을 찾습니다."
    raw = embedder.embed([asked], Role.QUERY)
    offered = embedder.embed([translation, unrelated], Role.PASSAGE)
    plain = raw[0] @ offered.T
    means = default_means()
    query = means.centred(raw, "ko", Role.QUERY)[0]
    right = float(query @ means.centred(offered[0], "en", Role.PASSAGE))
    wrong = float(query @ means.centred(offered[1], "ko", Role.PASSAGE))
    assert right - wrong > 0.1
    assert right - wrong > float(plain[0] - plain[1]) + 0.1


def test_an_alignment_weakens_what_translations_differ_in():
    """Two languages say the same in the first four directions and anything in the last four."""
    source = np.random.default_rng(7)
    same = source.normal(size=(400, 4))
    languages = [np.hstack([same, source.normal(size=(400, 4))]).astype(np.float32) for _ in range(2)]
    learned = learn_alignment(languages, 0.05)
    kept = np.abs(np.diag(learned))
    assert kept[:4].min() > 0.9
    assert 0.4 < kept[4:].mean() < 0.6
    means = replace(default_means("other", 8), alignment={Role.PASSAGE: learned})

    def closeness(role):
        left, right = (means.centred(rows, "en", role) for rows in languages)
        return float((left * right).sum(1).mean())

    assert closeness(Role.PASSAGE) > closeness(Role.QUERY) + 0.15
    assert np.allclose(learn_alignment(languages, 1e6), np.eye(8), atol=1e-3)
    renewed = means.replaced("8", {})
    assert renewed.version == "8"
    assert renewed.alignment is means.alignment


def test_the_shipped_alignment_is_whole_and_changes_little():
    for role, learned in default_means().alignment.items():
        assert learned.shape == (384, 384)
        strengths = np.linalg.svd(learned, compute_uv=False)
        assert strengths.max() < 1.5
        assert strengths.min() > (0.05 if role is Role.SENTENCE else 0.4)
