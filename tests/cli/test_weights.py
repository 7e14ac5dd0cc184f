"""The verbs that keep figures and that fit, approve and take back the weights of matching."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_evaluate import judged as judged  # a fixture
from tests.matching.test_quality import RUN
from tests.matching.test_refitting import judged as judgements  # a fixture
from transferase.engine.ranking import load_weights
from transferase.matching.models import EvaluationRun, WeightsVersion

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

pytestmark = pytest.mark.django_db
SHIPPED = load_weights()
__all__ = ["judged", "judgements"]


def test_a_run_of_the_benchmark_is_kept_once(transferase, tmp_path: Path):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(RUN), encoding="utf-8")
    for _ in range(2):
        told = transferase("evaluate", "record", str(file), "--json")
        assert told.status == 0
        assert told.json["engine_version"] == "2026-11 e5"
        assert told.json["commit"] == "abc1234"
    assert EvaluationRun.objects.get().figures == RUN["figures"]


@pytest.mark.parametrize(
    ("content", "said"),
    [("[]", "not a run of the benchmark"), ("{", "cannot be read as JSON"), ("{}", "lacks `at`"), ("\xff", "JSON")],
)
def test_a_file_that_is_no_run_is_refused_in_one_sentence(transferase, tmp_path: Path, content, said):
    file = tmp_path / "run.json"
    file.write_text(content, encoding="latin-1")
    ended = transferase("evaluate", "record", str(file))
    assert ended.status == 2
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not EvaluationRun.objects.exists()


def test_what_was_measured_is_kept_where_that_is_asked_for(transferase, judged, tmp_path: Path, monkeypatch):
    monkeypatch.delenv("TRANSFERASE_EMBEDDING", raising=False)
    ended = transferase("evaluate", "matching", str(judged), "--text-only", "--json", "--record")
    assert ended.status == 0
    run = EvaluationRun.objects.get(kind="matching")
    assert run.figures == ended.json
    assert run.data_set == "judged"
    assert str(tmp_path) not in json.dumps(run.figures) + run.data_set + json.dumps(run.machine)
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("물\twater\n불\tfire\n", encoding="utf-8")
    assert transferase("evaluate", "bitext", str(pairs), "--langs", "ko", "en", "--record").status == 0
    assert EvaluationRun.objects.get(kind="bitext").data_set == "pairs"


def test_old_and_new_stand_side_by_side_and_an_operator_decides(transferase, judgements):
    judgements(400)
    ended = transferase("weights", "refit")
    assert ended.status == 0
    assert "400 judgements" in ended.out
    version = f"{SHIPPED.version}-r1"
    assert f"`transferase weights approve {version}`" in ended.out
    told = transferase("weights", "refit", "--json").json
    assert told["version"] == version
    assert told["after"]["auc"] > told["before"]["auc"]
    assert sum(told["parts"].values()) == pytest.approx(1)
    assert set(told["present"]) == set(told["parts"]) == set(SHIPPED.parts)
    assert transferase("weights", "list", "--json").json["version"] == SHIPPED.version
    assert transferase("weights", "approve", version).out.startswith(f"{version} is in force")
    listed = transferase("weights", "list", "--json").json
    assert (listed["version"], listed["base_version"]) == (version, SHIPPED.version)
    assert [row["is_in_force"] for row in listed["versions"]] == [True]
    assert "in force" in transferase("weights", "list").out
    assert transferase("weights", "undo", "--json").json == {"version": SHIPPED.version}
    assert "taken back" in transferase("weights", "list").out


def test_fitted_weights_that_are_no_better_end_with_no(transferase, judgements, at: datetime):
    judgements(400)
    from transferase.matching.models import Judgement, Verdict

    # Every second need says the contrary of what its values say.
    needs = sorted(set(Judgement.objects.values_list("need", flat=True)))
    for need in needs[::2]:
        fits = list(Judgement.objects.filter(need=need, verdict=Verdict.INTERESTING).values_list("pk", flat=True))
        Judgement.objects.filter(need=need).update(verdict=Verdict.INTERESTING, reason="")
        Judgement.objects.filter(pk__in=fits).update(verdict=Verdict.NOT_FOR_US, reason="wrong_field")
    ended = transferase("weights", "refit")
    assert ended.status == 1
    assert "nothing was kept" in ended.out
    assert not WeightsVersion.objects.exists()


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (("refit",), "There are 0 judgements to fit weights to"),
        (("approve", "1999-r1"), "There are no weights 1999-r1"),
        (("undo",), "nothing to take back"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(transferase, verb, said):
    ended = transferase("weights", *verb)
    assert ended.status == 2
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1
