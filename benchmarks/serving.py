"""Requests a second: the web server with two workers, asked by a client that waits for each answer."""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from transferase.cli.serving import _web_command

CLIENTS = 8
SECONDS = 10.0
STARTS_WITHIN = 90.0


@contextmanager
def server() -> Iterator[int]:
    """The web server on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "ALLOWED_HOSTS": "127.0.0.1",
        "TRANSFERASE_API_ANONYMOUS_PER_MINUTE": "10000000",
        "LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen(_web_command("127.0.0.1", port), env=environment)  # noqa: S603 - our own command
    try:
        until = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                _ask(http.client.HTTPConnection("127.0.0.1", port, timeout=30), "/healthz")
                break
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _ask(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def asked_for(port: int, paths: Sequence[str], seconds: float = SECONDS) -> dict[str, Any]:
    """So many requests a second, by several clients that take the paths in turn."""
    until = time.perf_counter() + seconds
    took: list[float] = []
    failed: list[int] = []

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        place = number
        while time.perf_counter() < until:
            started = time.perf_counter()
            status = _ask(connection, paths[place % len(paths)])
            took.append(time.perf_counter() - started)
            if status != 200:
                failed.append(status)
            place += CLIENTS

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    return {
        "requests_per_second": round(len(took) / (time.perf_counter() - started), 1),
        "p50_ms": round(1000 * statistics.median(took), 1),
        "p95_ms": round(1000 * took[round(0.95 * (len(took) - 1))], 1),
        "failed": len(failed),
    }


def throughput(asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Each query once, then a few again and again; by the API, where a visitor's search costs least."""
    paths = [
        f"/api/v1/search?{urlencode({'q': text, 'reader': language, 'direction': 'offer', 'limit': 10})}"
        for text, language in asked
    ]
    with server() as port:
        asked_for(port, paths[:20], 3.0)
        print("  each once", file=sys.stderr, flush=True)
        once = asked_for(port, paths[20:])
        again = asked_for(port, paths[:20])
    return {"each_once": once, "again": again, "distinct_queries": len(paths)}
