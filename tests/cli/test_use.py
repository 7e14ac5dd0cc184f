"""Wrong use and help: one sentence, the right status, and never a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from transferase.cli import main


def verbs(group: click.Group = main.transferase, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*above, name))
        else:
            yield (*above, name)


VERBS = list(verbs())


def test_verbs_are_those_of_the_contract():
    assert {" ".join(verb) for verb in VERBS} == {
        "demo", "serve", "worker", "migrate", "check", "ledger verify", "operator", "import", "export", "search",
        "match", "evaluate matching", "evaluate bitext", "evaluate record", "weights list", "weights refit",
        "weights approve", "weights undo", "scale-out citus", "scale-out undo", "scale-out status",
    }  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_shows_an_example_of_itself(verb, transferase):
    ended = transferase(*verb, "--help")
    assert ended.status == 0
    assert f"Example:\n    transferase {' '.join(verb)}" in ended.out


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_the_reference_names_the_verb_and_its_options(verb):
    reference = Path(__file__).parents[2].joinpath("docs/reference/commands.md").read_text(encoding="utf-8")
    command: click.Command = main.transferase
    for name in verb:
        command = command.commands[name]
    assert f"transferase {' '.join(verb)}" in reference
    for option in command.params:
        if isinstance(option, click.Option):
            assert any(name in reference for name in option.opts)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["search"], "Missing argument 'QUERY'"),
        (["search", "film", "--limit", "0"], "0 is not in the range"),
        (["search", "film", "--lang", "fr"], "'fr' is not one of"),
        (["search", " "], "QUERY is empty"),
        (["search", "film", "--limit", "many"], "the limit must be a whole number"),
        (["serve", "--port", "abc"], "the port must be a whole number, not 'abc'"),
        (["import", "nowhere.csv", "--kind", "offers"], "File 'nowhere.csv' does not exist"),
        (["import", __file__], "Missing option '--kind'"),
        (["serve", "--port", "99999"], "99999 is not in the range"),
        (["evaluate", "matching", ".", "--query-lang", "ko"], "which is missing"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(arguments, told, transferase):
    ended = transferase(*arguments)
    assert ended.status == 2
    assert told in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert ended.out == ""


def test_a_port_in_use_is_told_before_anything_starts(transferase):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for verb in ("serve", "demo"):
            ended = transferase(verb, "--port", str(port))
            assert (ended.status, ended.err) == (2, f"Port {port} is in use: choose another with --port.\n")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "DATABASE_URL"),
        ("postgres//nonsense", "DATABASE_URL cannot be read."),
    ],
)
def test_an_unusable_database_is_one_sentence(address, told, tmp_path):
    environment = {**os.environ, "DATABASE_URL": address, "TRANSFERASE_HOME": str(tmp_path)}
    for verb in (["ledger", "verify"], ["migrate"], ["search", "film"], ["serve", "--port", "1"]):
        ended = subprocess.run(
            [sys.executable, "-m", "transferase.cli.main", *verb],
            env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert ended.returncode == 2
        assert len(ended.stderr.strip().splitlines()) == 1
        assert told in ended.stderr or "Cannot listen" in ended.stderr


def test_check_names_what_is_wrong_and_the_remedy(tmp_path):
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "TRANSFERASE_HOME": str(tmp_path),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "transferase.cli.main", "check", "--json"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert '"ok": false' in ended.stdout
    assert "DATABASE_URL" in ended.stdout


def test_a_fault_of_the_program_is_one_sentence_with_its_traceback_in_a_file(transferase, monkeypatch, tmp_path):
    # The fault is planted in the one place that every verb on the database passes.
    def fault():
        raise RuntimeError("planted")

    monkeypatch.setattr(main.opening, "database", fault)
    monkeypatch.setenv("TRANSFERASE_HOME", str(tmp_path))
    ended = transferase("migrate")
    assert ended.status == 2
    assert ended.err == (
        f"This is a fault of the program (RuntimeError: planted); details are in {tmp_path / 'faults.log'}.\n"
    )
    assert "RuntimeError: planted" in (tmp_path / "faults.log").read_text(encoding="utf-8")
