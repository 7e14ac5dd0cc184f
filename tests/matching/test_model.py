"""Which model gives the vectors: the shipped one, an endpoint, or none; and what happens when it fails."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from transferase.engine.ranking import EmbedderUnavailable, Role
from transferase.matching import _model as model
from transferase.matching import queries


class Endpoint(BaseHTTPRequestHandler):
    """An embeddings endpoint that answers as its server is told to."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers.get("Authorization"), body))
        status, size = self.server.answer
        vectors = [{"embedding": [float(len(text)), 1.0] + [0.0] * (size - 2)} for text in body["input"]]
        told = json.dumps({"data": vectors}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *told):
        """Say nothing."""


@pytest.fixture
def endpoint(settings):
    """A loopback endpoint, configured; `answer` is (status, length of the vectors)."""
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        server.asked, server.answer = [], (200, 384)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        settings.EMBEDDING = f"http://127.0.0.1:{server.server_port}/v1#little"
        settings.EMBEDDING_KEY = "key"
        yield server
        model._loaded.pop(settings.EMBEDDING).close()
        model._silent.clear()
        server.shutdown()
        thread.join()


def test_an_endpoint_gives_unit_vectors_and_is_told_model_and_key(endpoint):
    vectors = model.embed(["three", "texts", "of it"], Role.PASSAGE)

    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    ((path, key, body),) = endpoint.asked
    assert (path, key) == ("/v1/embeddings", "Bearer key")
    assert body == {"model": "little", "input": ["three", "texts", "of it"], "dimensions": 384}
    assert model.model_version() == "endpoint/little"
    assert model.embedder().name == "little, endpoint"
    assert model.embed([], Role.QUERY).shape == (0, 384)


@pytest.mark.parametrize("answer", [(500, 384), (200, 16)])
def test_an_endpoint_that_fails_or_gives_other_vectors_leaves_words(answer, endpoint):
    endpoint.answer = answer
    text = f"text {answer}"
    assert model.embed([text], Role.QUERY) is None
    assert model.embed_typed(text) is None
    endpoint.answer = (200, 384)
    assert model.embed_typed(text) is not None


def test_a_model_that_cannot_be_had_is_not_tried_at_every_search(settings, monkeypatch):
    settings.EMBEDDING = "openvino"
    tried = []

    def missing(cache, runtime):
        tried.append(runtime)
        raise EmbedderUnavailable("no such runtime")

    monkeypatch.setattr(model, "load_embedder", missing)
    monkeypatch.setattr(model, "_loaded", {})
    monkeypatch.setattr(model, "_failed", {})
    assert model.embedder() is None
    assert model.embed(["text"], Role.QUERY) is None
    assert tried == ["openvino"]

    monkeypatch.setattr(model, "_failed", {"openvino": -1000.0})
    assert model.embedder() is None
    assert tried == ["openvino", "openvino"]


def test_words_only(settings):
    settings.EMBEDDING = "none"
    assert model.model_version() == ""
    assert model.embedder() is None
    assert model.embed_typed("text") is None


def test_typed_words_are_embedded_once():
    queries.make_ready()
    assert np.array_equal(model.embed_typed("photobioreactor"), model.embed_typed("photobioreactor"))
