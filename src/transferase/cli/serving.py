"""The platform as processes: web server and worker under one parent that ends them both."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from transferase.cli.speaking import Unable, tell

WORKERS: Final = 2
# Requests wait for the database or for an embedding: a few threads keep both cores busy, more would only queue there.
THREADS: Final = 4
BACKPRESSURE: Final = 64
STARTS_WITHIN: Final = 60
# A job that takes longer is rolled back and taken up again at the next start.
ENDS_WITHIN: Final = 5
_PR_SET_PDEATHSIG: Final = 1


class _Ended(Exception):
    """A signal asks to end."""


def serve(*, host: str, port: int, has_worker: bool, on_ready: Callable[[str], None] | None = None) -> int:
    """Serve until a signal comes or one of the processes ends, and leave none behind."""
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{'127.0.0.1' if shown in {'0.0.0.0', '[::]'} else shown}:{port}"  # noqa: S104 - only compared
    # Letters link to where readers reach the platform; without another word that is here.
    os.environ.setdefault("TRANSFERASE_URL", url)
    with _signals_end():
        children: list[subprocess.Popen[bytes]] = []
        try:
            children.append(_start(_web_command(host, port)))
            if has_worker:
                # Readers come first: the worker takes what they leave of the processor.
                children.append(_start([sys.executable, "-m", "transferase.cli.main", "worker"], niceness=10))
            _wait_for(url, children[0])
            if on_ready:
                on_ready(url)
            else:
                tell(f"Serving at {url} until Ctrl-C.")
            return _watch(children)
        except _Ended:
            return 0
        finally:
            _end(children)


def _web_command(host: str, port: int) -> list[str]:
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(WORKERS), "--blocking-threads", str(THREADS), "--backpressure", str(BACKPRESSURE),
        "--workers-kill-timeout", "5", "--log-level", "warning", "transferase.cli.warmed:application",
    ]  # fmt: skip


def _start(command: Sequence[str], niceness: int = 0) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C reaches only the parent, which then ends the others in order.
    return subprocess.Popen(command, start_new_session=True, preexec_fn=functools.partial(end_with_parent, niceness))  # noqa: PLW1509,S603 - before exec only a system call


def end_with_parent(niceness: int = 0) -> None:
    """Ask Linux to end this process when its parent dies, however that comes about."""
    os.nice(niceness)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def _signals_end() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise _Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _wait_for(url: str, web: subprocess.Popen[bytes]) -> None:
    """Wait until the first page can be had."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if web.poll() is not None:
            raise Unable(f"The web server ended at once (status {web.returncode}); its messages stand above.")
        with contextlib.suppress(urllib.error.URLError, OSError):
            opener.open(f"{url}/healthz", timeout=2).close()
            return
        time.sleep(0.05)
    raise Unable(f"The web server did not answer within {STARTS_WITHIN} seconds.")


def _watch(children: Sequence[subprocess.Popen[bytes]]) -> int:
    while True:
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=0.5)
                raise Unable(f"A process of the platform ended (status {child.returncode}); the others were stopped.")


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    until = time.monotonic() + ENDS_WITHIN
    for child in children:
        try:
            child.wait(timeout=max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            # The session of the child, so that its own workers go with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
