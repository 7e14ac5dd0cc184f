"""The demo and the server as processes of their own: what they promise, and that they leave nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes that were left in /proc"),
]
PATIENCE = 240


def command(home, *verb):
    environment = {**os.environ, "TRANSFERASE_HOME": str(home), "TRANSFERASE_DATABASE_FAST": "1"}
    environment.pop("DATABASE_URL", None)
    return {"args": [sys.executable, "-m", "transferase.cli.main", *verb], "env": environment, "text": True}


def call(home, *verb):
    return subprocess.run(**command(home, *verb), capture_output=True, check=False, timeout=PATIENCE)


def left(home):
    """Processes that work for a home: ours by their environment, the database server by its command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = process.joinpath("cmdline").read_bytes()
            told = process.joinpath("environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(home) in words or b"TRANSFERASE_HOME=" + os.fsencode(home) in told:
            found.append(words.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def wait_until(is_so, told):
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, told()
        time.sleep(0.1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
        return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(home):
    """The first demo on an empty folder."""
    ended = call(home, "demo", "--no-serve")
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.fixture
def served(home, first):
    """A second demo that serves until the test ends it."""
    port = free_port()
    process = subprocess.Popen(
        **command(home, "demo", "--port", str(port), "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    lines = []
    while not any("Serving at" in line for line in lines):
        line = process.stderr.readline()
        assert line, "".join(lines)
        lines.append(line)
    yield process, f"http://127.0.0.1:{port}", lines
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=PATIENCE)
    wait_until(lambda: not left(home), lambda: left(home))


def test_the_summary_tells_the_best_match_of_each_language(first, home):
    for name in ("한국어", "简体中文", "English", "수요기술", "技术需求", "Offer:"):
        assert name in first.stdout
    assert len(re.findall(r"^  \+ ", first.stdout, re.MULTILINE)) >= 3, "each match has a reason"
    for step in ("Tables", "Sample records", "Index", "Matches"):
        assert re.search(rf"^{step} \(\d+\.\d s\)$", first.stderr, re.MULTILINE)
    assert left(home) == []


def test_a_second_demo_does_nothing_again_and_serves(served):
    process, url, lines = served
    assert lines == [f"Serving at {url} until Ctrl-C.\n"], "nothing was made again"
    status, page = get(f"{url}/ko/")
    assert (status, 'lang="ko"' in page) == (200, True)
    found = json.loads(get(f"{url}/api/v1/search?q=battery&direction=offer")[1])
    assert {item["listing"]["original_language"] for item in found["items"]} == {"ko", "zh-Hans", "en"}
    assert "operator@example.org" in get(f"{url}/en/account/login/")[1], "sample persons sign in with a click"
    # What is printed for programs is one document, whole before the platform is served.
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    report = json.loads(out)
    assert set(report) == {"url", "offers", "needs", "matches", "seconds"}
    assert (report["url"], report["offers"] > 160, report["needs"] > 50, report["matches"] > 50) == (
        url,
        True,
        True,
        True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind(served, home, number):
    """Even when the parent is killed outright, its children and the database end by themselves."""
    process, _, _ = served
    process.send_signal(number)
    process.wait(timeout=PATIENCE)
    assert process.returncode == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    wait_until(lambda: not left(home), lambda: left(home))


def test_the_demo_refuses_a_database_with_other_records(tmp_path):
    assert call(tmp_path, "migrate").returncode == 0
    again = call(tmp_path, "migrate")
    assert again.stderr == "Nothing to do: everything is ready.\n"
    assert call(tmp_path, "operator", "chief@example.org").returncode == 0
    ended = call(tmp_path, "demo", "--no-serve")
    assert ended.returncode == 2
    assert ended.stderr.startswith("This database holds records that are not of the demo")
    assert len(ended.stderr.splitlines()) == 1
    assert call(tmp_path, "check").returncode == 0
    assert left(tmp_path) == []
