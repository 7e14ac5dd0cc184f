"""Models by configuration: a folder with an ONNX sentence-transformer, an endpoint, and what is said when they fail."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from transferase.engine.ranking import (
    MODEL_VERSION,
    EmbedderUnavailable,
    EndpointEmbedder,
    FolderEmbedder,
    Role,
    default_means,
    embedder_version,
    is_folder,
    open_embedder,
    read_prefixes,
)

WORDS = ["[PAD]", "[UNK]", "query:", "passage:", "wheat", "battery", "antenna", "loud"]
WIDTH = 4


@pytest.fixture
def model_folder(tmp_path, needs_runtime):
    """Writes a little sentence-transformer: each word has a vector of its own, text vectors pool them."""
    needs_runtime("onnx")

    def write(name="little-model", pooled=False, inputs=("input_ids", "attention_mask"), pooling=None, **files):
        import onnx
        from onnx import TensorProto, helper, numpy_helper
        from tokenizers import Tokenizer, models, pre_tokenizers

        folder = tmp_path / name
        (folder / "1_Pooling").mkdir(parents=True)
        table = np.eye(len(WORDS), WIDTH, dtype=np.float32) + np.arange(len(WORDS), dtype=np.float32)[:, None] / 10
        nodes = [helper.make_node("Gather", ["table", "input_ids"], ["tokens"])]
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "s", WIDTH])
        nodes.append(helper.make_node("Identity", ["tokens"], ["last_hidden_state"]))
        if pooled:
            nodes[-1] = helper.make_node("ReduceMax", ["tokens", "along"], ["sentence_embedding"], keepdims=0)
            output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["b", WIDTH])
        constants = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "along")]
        given = [helper.make_tensor_value_info(each, TensorProto.INT64, ["b", "s"]) for each in inputs]
        graph = helper.make_graph(nodes, "little", given, [output], constants)
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9),
            str(folder / "model.onnx"),
        )
        tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "1_Pooling/config.json").write_text(json.dumps({f"pooling_mode_{pooling or 'mean_tokens'}": True}))
        for each, content in files.items():
            (folder / f"{each}.json").write_text(json.dumps(content))
        return folder

    return write


def table_row(word):
    number = WORDS.index(word)
    return np.eye(len(WORDS), WIDTH)[number] + number / 10


def unit_of(row):
    return row / np.linalg.norm(row)


# ---------------------------------------------------------------- folders


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean_tokens", (table_row("wheat") + table_row("loud")) / 2),
        ("cls_token", table_row("wheat")),
        ("lasttoken", table_row("loud")),
        ("max_tokens", np.maximum(table_row("wheat"), table_row("loud"))),
    ],
)
def test_a_folder_pools_as_its_files_say(model_folder, pooling, expected):
    embedder = open_embedder(str(model_folder(pooling=pooling)), cache=None)
    vectors = embedder.embed(["wheat loud", "antenna", "wheat loud antenna battery battery"], Role.PASSAGE)
    assert vectors.shape == (3, WIDTH)
    assert embedder.dimension == WIDTH
    # OpenVINO may count with 8 bits of precision.
    assert np.allclose(vectors[0], unit_of(expected), atol=0.01)
    assert np.allclose(vectors[1], unit_of(table_row("antenna")), atol=0.01)
    assert embedder.embed([], Role.QUERY).shape == (0, WIDTH)


def test_a_graph_that_pools_itself_and_wants_token_types(model_folder):
    folder = model_folder(pooled=True, inputs=("input_ids", "attention_mask", "token_type_ids"))
    expected = unit_of(np.maximum(table_row("wheat"), table_row("battery")))
    assert np.allclose(FolderEmbedder(folder).embed(["wheat battery"], Role.QUERY)[0], expected, atol=0.01)


def test_prefixes_come_from_the_files_or_the_setting_and_name_another_space(model_folder):
    prompts = {"prompts": {"query": "query: ", "document": "passage: "}}
    folder = model_folder(config_sentence_transformers=prompts)
    own = FolderEmbedder(folder)
    mean = (table_row("query:") + table_row("wheat")) / 2
    assert np.allclose(own.embed(["wheat"], Role.QUERY)[0], unit_of(mean), atol=0.01)
    mean = (table_row("passage:") + table_row("wheat")) / 2
    assert np.allclose(own.embed(["wheat"], Role.PASSAGE)[0], unit_of(mean), atol=0.01)
    bare = FolderEmbedder(folder, read_prefixes("|"))
    assert np.allclose(bare.embed(["wheat"], Role.QUERY)[0], unit_of(table_row("wheat")), atol=0.01)
    assert own.model_version != bare.model_version
    assert own.model_version == embedder_version(str(folder))
    assert own.model_version.startswith("little-model/")
    assert len(own.model_version) <= 80


def test_other_weights_are_another_version_and_long_texts_are_cut(model_folder):
    short = model_folder("short", sentence_bert_config={"max_seq_length": 8, "do_lower_case": True})
    embedder = FolderEmbedder(short)
    vectors = embedder.embed(["Wheat " * 8 + "antenna " * 50, "wheat"], Role.PASSAGE)
    assert np.allclose(vectors[0], vectors[1], atol=1e-3)
    graph = short / "model.onnx"
    before = embedder_version(str(short))
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    assert embedder_version(str(short)) != before


def test_a_folder_that_is_missing_or_damaged_is_refused_by_name(model_folder, tmp_path):
    def said(folder):
        with pytest.raises(EmbedderUnavailable) as told:
            open_embedder(str(folder), cache=tmp_path)
        assert "\n" not in str(told.value)
        return str(told.value)

    assert said(tmp_path / "nowhere") == f"the folder {tmp_path / 'nowhere'} does not exist"
    assert "no model.onnx" in said(tmp_path)
    half = model_folder("half")
    content = (half / "model.onnx").read_bytes()
    (half / "model.onnx").write_bytes(content[: len(content) // 2])
    assert "model.onnx cannot be loaded (openvino: " in said(half)
    no_words = model_folder("no-words")
    (no_words / "tokenizer.json").write_text("{")
    assert "tokenizer.json cannot be read" in said(no_words)
    (no_words / "tokenizer.json").unlink()
    assert "no tokenizer.json" in said(no_words)
    odd = model_folder("odd", inputs=("input_ids", "pixel_values"))
    assert "wants pixel_values" in said(odd)
    joined = model_folder("joined")
    (joined / "1_Pooling/config.json").write_text(
        json.dumps({"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True})
    )
    assert "several kinds of pooling" in said(joined)
    broken = model_folder("broken")
    (broken / "config.json").write_text("{")
    assert "config.json cannot be read" in said(broken)


# ---------------------------------------------------------------- endpoints


class Endpoint(BaseHTTPRequestHandler):
    """Answers each request with the next thing that the test put in; after the last with good vectors."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers.get("Authorization"), body))
        answer = self.server.answers.pop(0) if self.server.answers else None
        status, told = 200, {"data": [_row(number, text) for number, text in enumerate(body["input"])]}
        if isinstance(answer, int):
            status, told = answer, {"error": "no"}
        elif answer is not None:
            told = answer(body["input"])
        if told is None:
            self.server.released.wait(20)
            self.close_connection = True
            return
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "3")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *told):
        """Say nothing."""


def _row(number, text, size=6):
    return {"index": number, "embedding": [float(len(text)), 1.0] + [0.5] * (size - 2)}


@pytest.fixture
def endpoint():
    """A loopback endpoint; `answers` are statuses or functions of the texts."""
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        server.asked, server.answers, server.released = [], [], threading.Event()
        server.address = f"http://127.0.0.1:{server.server_port}/v1#little"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(endpoint):
    """Opens the endpoint with pauses that are noted instead of waited for."""
    made = []

    def open_with(**options):
        pauses = []
        embedder = EndpointEmbedder(endpoint.address, "key", pause=pauses.append, **options)
        embedder.pauses = pauses
        endpoint.asked.clear()
        made.append(embedder)
        return embedder

    yield open_with
    for embedder in made:
        embedder.close()


def test_an_endpoint_gives_unit_vectors_in_order_and_is_told_model_and_key(endpoint, opened):
    embedder = opened()
    assert embedder.dimension == 6
    assert embedder.model_version == embedder_version(endpoint.address) == "endpoint/little"
    endpoint.answers = [lambda texts: {"data": [_row(n, text) for n, text in enumerate(texts)][::-1]}]
    vectors = embedder.embed(["three", "", "of it\x00"], Role.PASSAGE)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0, 0] > vectors[1, 0]
    ((path, key, body),) = endpoint.asked
    assert (path, key) == ("/v1/embeddings", "Bearer key")
    assert body == {"model": "little", "input": ["three", ".", "of it "], "encoding_format": "float"}
    assert embedder.embed([], Role.QUERY).shape == (0, 6)


def test_many_texts_travel_in_batches_and_long_ones_are_cut(endpoint, opened):
    embedder = opened(prefixes=read_prefixes("ask: |tell: "))
    vectors = embedder.embed(["x" * (number + 1) for number in range(150)], Role.QUERY)
    assert [len(body["input"]) for _, _, body in endpoint.asked] == [64, 64, 22]
    assert endpoint.asked[0][2]["input"][0] == "ask: x"
    assert (np.diff(vectors[:, 0]) > 0).all()
    endpoint.asked.clear()
    embedder.embed(["word " * 10_000, "말 " * 10_000], Role.PASSAGE)
    latin, korean = endpoint.asked[0][2]["input"]
    assert latin.startswith("tell: word")
    assert len(latin) == 4006
    assert 1990 <= len(korean) <= 2020
    assert embedder.model_version.startswith("endpoint/little/")


def test_what_fails_in_passing_is_tried_again_with_growing_pauses(endpoint, opened):
    embedder = opened()
    endpoint.answers = [503, 429, 500]
    assert embedder.embed(["text"], Role.QUERY).shape == (1, 6)
    assert len(endpoint.asked) == 4
    assert embedder.pauses[1] == 3  # what Retry-After says
    assert embedder.pauses[0] < embedder.pauses[2]
    endpoint.answers = [503] * 4
    with pytest.raises(EmbedderUnavailable, match="answers with status 503"):
        embedder.embed(["text"], Role.QUERY)
    assert embedder.embed(["text"], Role.QUERY).shape == (1, 6)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (401, "refuses the key"),
        (404, "does not know the model little or the path"),
        (400, r"refuses the texts \(status 400\)"),
        (307, "sends on to another address: configure that one"),
        (lambda texts: {"data": [_row(0, "x", 5)]}, "gives vectors of 5 numbers, not 6"),
        (lambda texts: {"data": []}, "gives 0 vectors for 1 texts"),
        (lambda texts: {"data": [_row(0, "x"), _row(1, "y")]}, "gives 2 vectors for 1 texts"),
        (lambda texts: {"data": [_row(7, "x")]}, "gives 1 vectors for 1 texts"),
        (lambda texts: {"data": [{"embedding": "none"}]}, "something other than embeddings"),
        (lambda texts: {"data": [{"embedding": [0.0] * 6}]}, "zero or no numbers"),
        (lambda texts: {"data": [{"embedding": [float("nan")] * 6}]}, "zero or no numbers"),
        (lambda texts: ["what"], "something other than embeddings"),
        (lambda texts: b"<html>", "something other than embeddings"),
    ],
)
def test_a_wrong_answer_is_refused_at_once_in_one_sentence(endpoint, opened, answer, sentence):
    embedder = opened()
    endpoint.answers = [answer]
    with pytest.raises(EmbedderUnavailable, match=sentence) as told:
        embedder.embed(["text"], Role.QUERY)
    assert f"endpoint at 127.0.0.1:{endpoint.server_port}" in str(told.value)
    assert "key" not in str(told.value).replace("the key", "")
    assert len(endpoint.asked) == 1


def test_the_dimension_can_be_asked_for_and_must_come(endpoint, opened):
    assert opened(dimension=6).model_version == "endpoint/little/6"
    with pytest.raises(EmbedderUnavailable, match="gives vectors of 6 numbers, not the 256 asked for"):
        opened(dimension=256)
    assert endpoint.asked[-1][2]["dimensions"] == 256


def test_an_endpoint_that_does_not_answer_is_given_up_in_time(endpoint, opened):
    embedder = opened(patience=0.3)
    endpoint.answers = [lambda texts: None]
    with pytest.raises(EmbedderUnavailable, match="does not answer in time"):
        embedder.embed(["text"], Role.QUERY)
    endpoint.released.set()


def test_an_endpoint_that_is_not_there_or_has_no_model_is_refused(tmp_path):
    with pytest.raises(EmbedderUnavailable, match=r"endpoint at 127\.0\.0\.1:1 cannot be reached"):
        EndpointEmbedder("http://127.0.0.1:1/v1#little", pause=lambda seconds: None)
    for address in ("https://host/v1", "ftp://host/v1#m", "https:///v1#m"):
        with pytest.raises(EmbedderUnavailable, match="must look like https://host/v1#model"):
            open_embedder(address, cache=tmp_path)
        with pytest.raises(EmbedderUnavailable, match="must look like"):
            embedder_version(address)


# ---------------------------------------------------------------- settings


def test_a_setting_names_its_space_without_loading(model_cache):
    assert embedder_version("") == embedder_version("openvino") == MODEL_VERSION
    assert open_embedder("", cache=model_cache).model_version == MODEL_VERSION
    long = embedder_version("https://host/v1#" + "m" * 200)
    assert len(long) <= 80
    assert long != embedder_version("https://host/v1#" + "m" * 201)
    with pytest.raises(EmbedderUnavailable, match="abacus is no runtime, no folder and no address"):
        embedder_version("abacus")
    assert [is_folder(each) for each in ("./m", "/m", "~/m", "openvino", "", "https://host/v1#m")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_prefixes_are_read_from_one_setting():
    assert read_prefixes("") is None
    assert read_prefixes("q: |p: ") == {Role.QUERY: "q: ", Role.PASSAGE: "p: ", Role.SENTENCE: "p: "}
    assert read_prefixes("q: ") == {Role.QUERY: "q: ", Role.PASSAGE: "", Role.SENTENCE: ""}


def test_another_model_has_no_shipped_means():
    means = default_means("endpoint/little", 6)
    assert means.model_version == "endpoint/little"
    vector = np.array([0.6, 0.8, 0, 0, 0, 0], np.float32)
    for language in ("ko", "zh-Hans", "en", None):
        assert np.allclose(means.centred(vector, language, Role.QUERY), vector)
    assert default_means().version != means.version
