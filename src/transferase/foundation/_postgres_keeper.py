"""Keeps one PostgreSQL server running for as long as somebody uses it.

`_postgres_server` runs this file as a script, in a session of its own, with nothing but the standard library, so that
it starts in a few milliseconds. The keeper is the parent of the server: it starts the server again after a crash, and
stops it when the last user has gone, however that user went. Users hold a shared lock on `users.lock`, which the
kernel releases even after kill -9; the keeper waits for the exclusive one.

The server is not told to die with its parent (PR_SET_PDEATHSIG): if the keeper itself is killed, the users keep
working, and the last of them stops the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TypedDict

STOP_LIMIT_S = 60
# A server that ends sooner than this has not really run.
SHORT_LIFE_S = 5
# A server that never ran has a fault that does not pass; after a crash, children of the dead server may still finish
# their work, and a new one refuses to start until they have.
QUICK_ENDS_AT_FIRST = 6
QUICK_ENDS_AFTER_CRASH = 100
LONGEST_PAUSE_S = 0.5
# Larger than any process number that Linux gives out (2^22).
NO_PROCESS = 4_194_305


class Order(TypedDict):
    """What the keeper is told; `account` is the number of user and group to run the server as."""

    folder: str
    cluster: str
    socket_lock: str
    command: list[str]
    environment: dict[str, str]
    account: tuple[int, int] | None


class Keeper:
    """One server, its parent and its end."""

    def __init__(self, order: Order) -> None:
        self.folder = Path(order["folder"])
        self.cluster = Path(order["cluster"])
        self.lock_files = [self.cluster / "postmaster.pid", Path(order["socket_lock"])]
        self.command = order["command"]
        self.environment = order["environment"]
        self.account = order["account"]
        self.server: subprocess.Popen[bytes] | None = None
        self.closing = threading.Event()

    def run(self) -> int:
        """Keep the server until the last user has gone; the exit status is 1 when the server cannot run."""
        # Handlers, not SIG_IGN: an ignored signal would stay ignored in the server. The keeper ends with its users.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGUSR1, self.close)
        signal.signal(signal.SIGALRM, self.hurry)
        with (self.folder / "keeper.lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return 0
            lock.truncate()
            lock.write(str(os.getpid()))
            lock.flush()
            with (self.folder / "users.lock").open() as users:
                threading.Thread(target=wait_for_last_user, args=(users.fileno(),), daemon=True).start()
                return self.serve()

    def serve(self) -> int:
        """Run the server, again after each crash."""
        quick_ends, allowed = 0, QUICK_ENDS_AT_FIRST
        while not self.closing.is_set():
            for path in self.lock_files:
                forget_dead_server(path, self.cluster)
            began = time.monotonic()
            self.server = self.launch()
            if self.closing.is_set():
                self.close()
            status = self.server.wait()
            if self.closing.is_set() or status == 0:
                return 0
            say(f"the server ended with status {status}")
            quick_ends = quick_ends + 1 if time.monotonic() - began < SHORT_LIFE_S else 0
            if status < 0:
                allowed = QUICK_ENDS_AFTER_CRASH
            if quick_ends > allowed:
                return 1
            time.sleep(min(0.04 * quick_ends, LONGEST_PAUSE_S))
        return 0

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server as a direct child, under the account that it has to run as."""
        if self.account is None:
            return subprocess.Popen(self.command, env=self.environment, cwd="/")
        uid, gid = self.account
        return subprocess.Popen(self.command, env=self.environment, cwd="/", user=uid, group=gid, extra_groups=[])

    def close(self, *_signal: object) -> None:
        """Begin a fast stop: transactions under way are rolled back, everything committed is kept."""
        self.closing.set()
        self.tell(signal.SIGINT)
        signal.alarm(STOP_LIMIT_S)

    def hurry(self, *_signal: object) -> None:
        """End a stop that takes too long; the next start then recovers from the log."""
        self.tell(signal.SIGQUIT)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to the server, if it still runs."""
        if self.server is not None and self.server.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.server.pid, number)


def wait_for_last_user(users: int) -> None:
    """Block until nobody holds the shared lock, then ask the main thread to stop the server."""
    fcntl.flock(users, fcntl.LOCK_EX)
    os.kill(os.getpid(), signal.SIGUSR1)


def forget_dead_server(path: Path, cluster: Path) -> None:
    """Let a start go ahead when the process named in a lock file is a zombie or another program by now.

    PostgreSQL itself only asks whether a process with that number exists. The rest of the file stays as it is:
    by it PostgreSQL notices children of the dead server that still use the shared memory.
    """
    try:
        first, rest = path.read_text(encoding="utf-8").split("\n", 1)
        named = int(first)
    except (FileNotFoundError, ValueError):
        return
    if not is_server_of(named, cluster):
        path.write_text(f"{NO_PROCESS}\n{rest}", encoding="utf-8")


def is_server_of(number: int, cluster: Path) -> bool:
    """True when a living process with this number serves this cluster, or when that cannot be told."""
    process = Path("/proc") / str(number)
    if not Path("/proc/self").exists():
        return True
    try:
        state = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        words = (process / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return state not in "ZX" and os.fsencode(cluster) in words


def say(told: str) -> None:
    """Write a line into the log of the server, which is this script's standard error."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())} keeper: {told}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(Keeper(json.loads(sys.argv[1])).run())
