"""Which model gives the vectors, and what happens when it fails."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from transferase.engine.ranking import MODEL_VERSION, EmbedderUnavailable, Role
from transferase.matching import _model as model
from transferase.matching import queries

pytestmark = pytest.mark.django_db


def test_a_model_that_cannot_be_had_is_not_tried_at_every_search(settings, monkeypatch):
    settings.EMBEDDING = "openvino"
    tried = []

    def missing(wanted, **_options):
        tried.append(wanted)
        raise EmbedderUnavailable("no such runtime")

    monkeypatch.setattr(model, "open_embedder", missing)
    monkeypatch.setattr(model, "_loaded", {})
    monkeypatch.setattr(model, "_failed", {})
    assert model.embedder() is None
    assert model.embed(["text"], Role.QUERY) is None
    assert tried == ["openvino"]
    assert model.trouble("openvino") == "no such runtime"

    monkeypatch.setattr(model, "_failed", {"openvino": -1000.0})
    assert model.embedder() is None
    assert tried == ["openvino", "openvino"]


class Flaky:
    """A model that answers only while it is told to."""

    name, model_version, dimension = "flaky", MODEL_VERSION, 384

    def __init__(self):
        self.asked, self.answers = 0, False

    def embed(self, texts, role):
        self.asked += 1
        if not self.answers:
            raise EmbedderUnavailable("It is asleep.")
        return np.eye(len(texts), self.dimension, dtype=np.float32)


def test_a_model_that_did_not_answer_is_left_alone_for_a_while(settings, monkeypatch):
    flaky = Flaky()
    monkeypatch.setattr(model, "_loaded", {"": flaky})
    monkeypatch.setattr(model, "_silent", {})
    assert model.embed(["text"], Role.QUERY) is None
    flaky.answers = True
    assert model.embed_typed("a text that was never typed") is None
    assert (flaky.asked, model.trouble("")) == (1, "It is asleep.")

    model._silent[""] -= model.SILENT_FOR
    assert model.embed_typed("a text that was never typed") is not None
    assert model.trouble("") == ""


def test_words_only(settings):
    settings.EMBEDDING = "none"
    assert model.model_version() == ""
    assert model.embedder() is None
    assert model.embed_typed("text") is None


def test_models_are_loaded_while_there_are_no_tables_yet():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE matching_edition RENAME TO matching_edition_of_later")
    queries.make_ready()
    assert "" in model._loaded


def test_typed_words_are_embedded_once():
    queries.make_ready()
    assert np.array_equal(model.embed_typed("photobioreactor"), model.embed_typed("photobioreactor"))
