"""Starts our own PostgreSQL, or attaches to the one that runs already, and stops it when nobody uses it any more.

Three lock files lie beside the data. All are taken with flock, which the kernel undoes when a process ends:

* `users.lock`, shared: held by every process that uses the database, from before it looks for the server until it
  ends. Who holds it exclusively may stop the server: nobody else uses it, and whoever comes waits.
* `start.lock`: held while somebody looks whether the server runs and starts it if it does not.
* `keeper.lock`: held by the keeper (`_postgres_keeper`), the parent of the server.

Whether the server lives is asked by connecting, never by a number in a file: files outlive a crash, and by then the
number may belong to another program.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from transferase.foundation import _postgres_keeper as keeper
from transferase.foundation._postgres_place import (
    PORT,
    SOCKET_LOCK,
    DatabaseUnavailable,
    Place,
    find_place,
    find_programs,
    programs_version,
)

DATABASE = ROLE = "transferase"
SUPERUSER = "postgres"
EXTENSIONS = ("vector", "pg_trgm", "unaccent", "btree_gist")
# Recovery after a crash of a big database takes its time.
START_LIMIT_S = 120
# A little more than the keeper allows the server, so that the keeper ends first.
STOP_LIMIT_S = keeper.STOP_LIMIT_S + 10
PAUSE_S = 0.02
LOG_LIMIT = 10 * 1024 * 1024
SHARED_MEMORY_NEEDED = 512 * 1024 * 1024

# The builtin locale gives every machine the same order. pg_trgm asks the system's locale what a letter is: with C it
# finds no letters, and so no trigrams, in Korean and Chinese. The first name that the system knows is taken.
LETTERS = ("C.UTF-8", "en_US.UTF-8", "ko_KR.UTF-8", "zh_CN.UTF-8")
INITDB_OPTIONS = [
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
    "--auth=scram-sha-256",
    f"--username={SUPERUSER}",
    "--no-instructions",
]
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "jit": "off",
}
# The least and the most that is taken to keep pages in: the vector index of a million listings is about 2 GB.
BUFFERS_MB = (256, 4096)
# Nothing survives a power cut with these: for tests and throw-away data only.
FAST_SETTINGS = {
    "shared_buffers": "256MB",  # dropping a table looks through all of them, and tests drop many
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class Server:
    """One PostgreSQL below a home folder, shared by every process that uses it.

    `start` returns as soon as the database can be used; `stop` gives it back, and stops the server if nobody else
    uses it. A process that dies without `stop` counts as gone.
    """

    def __init__(self, home: Path, *, fast: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.home = Path(home)
        self.fast = fast
        self.settings = dict(settings or {})  # of PostgreSQL, where they differ from ours
        self.place: Place | None = None
        self._users: IO[str] | None = None
        self._user = 0
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the server or attach to it, and prepare the database `transferase` if it is new."""
        if self._users and self._user == os.getpid():
            return self
        place = self.place = find_place(self.home)
        try:
            self._users = acquire(place, "users", fcntl.LOCK_SH, STOP_LIMIT_S)
            self._user = os.getpid()
            with acquire(place, "start", fcntl.LOCK_EX, START_LIMIT_S):
                self._find_or_launch(place)
                self._provide(place)
        except PermissionError as error:
            self.stop()
            raise DatabaseUnavailable(
                f"The database folder {place.folder} cannot be used by this account ({error.filename}).",
                "Work as the account that made it, or set TRANSFERASE_HOME to another folder.",
            ) from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Give the server back; the last user waits until it has stopped."""
        users, self._users = self._users, None
        if users is None or self.place is None:
            return
        with users:
            # A forked child shares the lock with its parent and must not decide about it.
            if self._user != os.getpid():
                return
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Others use the server, and the shared lock is had at once; or its end has begun: wait for that.
                with contextlib.suppress(TimeoutError):
                    wait_for_lock(users, fcntl.LOCK_SH, STOP_LIMIT_S)
            else:
                stop_server(self.place)
        if self._keeper is not None:
            if keeper_runs(self.place):
                # It lives on for the others; a status keeps subprocess from warning about a forgotten child.
                self._keeper.returncode = 0
            else:
                self._keeper.wait(STOP_LIMIT_S)
            self._keeper = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def address(self, database: str = DATABASE, *, superuser: bool = False) -> dict[str, str]:
        """How to reach a database of this server: host, port, dbname, user and password."""
        if self.place is None:
            raise DatabaseUnavailable("The server was not started.", "Call start() first.")
        user = SUPERUSER if superuser else ROLE
        return {
            "host": str(self.place.sockets),
            "port": str(PORT),
            "dbname": database,
            "user": user,
            "password": read_passwords(self.place)[user],
        }

    def conninfo(self, database: str = DATABASE, *, superuser: bool = False) -> str:
        """The same as one connection string of PostgreSQL."""
        return make_conninfo("", **self.address(database, superuser=superuser))

    def _find_or_launch(self, place: Place) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            state = ping(place)
            if state == pq.Ping.OK:
                return
            if self._keeper is not None and self._keeper.poll() is not None:
                if self._keeper.returncode:
                    raise DatabaseUnavailable(
                        f"PostgreSQL does not start: {last_words(place.log)}", f"Its log is {place.log}."
                    )
                self._keeper = None
            # A server that answers but turns us away is starting or stopping: that is not ours to disturb.
            if state != pq.Ping.REJECT and self._keeper is None and not keeper_runs(place):
                self._keeper = self._launch(place)
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"PostgreSQL was not ready after {START_LIMIT_S} seconds: {last_words(place.log)}",
                    f"Its log is {place.log}; after a crash of a large database it may need more time: try again.",
                )
            time.sleep(PAUSE_S)

    def _launch(self, place: Place) -> subprocess.Popen[bytes]:
        programs = find_programs(place)
        initialise(place, programs, fast=self.fast)
        settings = SETTINGS | memory() | {"unix_socket_directories": str(place.sockets)} | shared_memory()
        if self.fast:
            settings |= FAST_SETTINGS
        settings |= self.settings
        command = [str(programs / "postgres"), "-D", str(place.cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        order: keeper.Order = {
            "folder": str(place.folder),
            "cluster": str(place.cluster),
            "socket_lock": str(place.sockets / SOCKET_LOCK),
            "command": command,
            "environment": environment(),
            "account": (place.account.uid, place.account.gid) if place.account else None,
        }
        lock_file(place, "keeper").close()
        with contextlib.suppress(FileNotFoundError):
            if place.log.stat().st_size > LOG_LIMIT:
                place.log.replace(place.log.with_suffix(".log.1"))
        with place.log.open("ab") as log:
            place.give(place.log)
            # A session of its own: ^C in the terminal reaches us and not the server.
            return subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _provide(self, place: Place) -> None:
        """Make role, database and extensions, once per version of the programs."""
        done = place.folder / "provided"
        wanted = f"{programs_version()} {' '.join(EXTENSIONS)}\n"
        with contextlib.suppress(FileNotFoundError):
            if done.read_text(encoding="utf-8") == wanted:
                return
        try:
            # template1 first: databases made from it, ours and those of tests, then have the extensions.
            provide_extensions(self.conninfo("template1", superuser=True))
            provide_role_and_database(self.conninfo(SUPERUSER, superuser=True), read_passwords(place)[ROLE])
            provide_extensions(self.conninfo(superuser=True))
        except psycopg.Error as error:
            raise DatabaseUnavailable(
                f"The database in {place.folder} cannot be prepared: {str(error).strip().splitlines()[-1]}",
                f"Its log is {place.log}.",
            ) from error
        done.write_text(wanted, encoding="utf-8")
        place.give(done)


def provide_role_and_database(conninfo: str, password: str) -> None:
    """Make the role of the application, which is no superuser, and its database."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(password))
            )
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE))
            )


def provide_extensions(conninfo: str) -> None:
    """Make the extensions as superuser, or bring them up to the version of the programs."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for extension in EXTENSIONS:
            name = sql.Identifier(extension)
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(name))
            connection.execute(sql.SQL("ALTER EXTENSION {} UPDATE").format(name))


def initialise(place: Place, programs: Path, *, fast: bool) -> None:
    """Make the data folder with initdb; a run that was cut short leaves nothing that counts."""
    version = place.cluster / "PG_VERSION"
    if version.exists():
        check_version(place, programs, version.read_text(encoding="utf-8").strip())
        return
    new, words = place.folder / "data.new", place.folder / "initdb.words"
    write_secret(words, f"{make_passwords(place)[SUPERUSER]}\n")
    place.give(words)
    command = [str(programs / "initdb"), "-D", str(new), f"--pwfile={words}", *INITDB_OPTIONS]
    if fast:
        command += ["--no-sync", "--wal-segsize=4"]
    elif sys.platform == "linux":
        # One call for the whole file system instead of one for each of 1,300 files: half the time.
        command.append("--sync-method=syncfs")
    try:
        for letters in LETTERS:
            shutil.rmtree(new, ignore_errors=True)
            done = subprocess.run(
                [*command, f"--lc-ctype={letters}"],
                check=False,
                env=environment(),
                cwd="/",
                capture_output=True,
                text=True,
                **place.switch,
            )
            if "invalid locale name" not in done.stderr:
                break
    finally:
        words.unlink()
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise DatabaseUnavailable(
            f"The database folder {place.folder} cannot be set up: {told[-1] if told else done.returncode}",
            "Is the disk full? Otherwise set TRANSFERASE_HOME to another folder.",
        )
    new.rename(place.cluster)


def check_version(place: Place, programs: Path, made_by: str) -> None:
    """Refuse data that another major version of PostgreSQL has made."""
    told = subprocess.run(
        [str(programs / "postgres"), "--version"], check=True, capture_output=True, text=True, cwd="/"
    ).stdout.split()
    ours = next(word for word in told if word[0].isdigit()).split(".")[0]
    if ours != made_by:
        raise DatabaseUnavailable(
            f"The database in {place.folder} was made by PostgreSQL {made_by}; the installed programs are {ours}.",
            f"Export it with `transferase export` under the version that made it, or install PostgreSQL {made_by}.",
        )


def environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: nothing of ours that could change what they do."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def memory() -> dict[str, str]:
    """An eighth of the machine's memory to keep pages in, within limits; it is taken only as pages are read."""
    with contextlib.suppress(OSError, ValueError):
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        share = min(max(megabytes // 8, BUFFERS_MB[0]), BUFFERS_MB[1])
        return {"shared_buffers": f"{share}MB", "effective_cache_size": f"{max(megabytes // 2, share)}MB"}
    return {}


def shared_memory() -> dict[str, str]:
    """Containers often have a tiny /dev/shm, on which the parallel build of an index would fail."""
    with contextlib.suppress(OSError):
        shm = os.statvfs("/dev/shm")  # noqa: S108  # looked at, not written to
        if shm.f_bavail * shm.f_frsize < SHARED_MEMORY_NEEDED:
            return {"dynamic_shared_memory_type": "mmap"}
    return {}


def make_passwords(place: Place) -> dict[str, str]:
    """Passwords of the two roles, generated once and kept in a file that only we can read."""
    path = place.folder / "passwords.json"
    if not path.exists():
        passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, ROLE)}
        write_secret(path, json.dumps(passwords))
        # For root the file stays root's: programs that other services run as `nobody` must not read it.
        if place.account and place.account.uid == place.folder.parent.stat().st_uid:
            place.give(path)
    return read_passwords(place)


def read_passwords(place: Place) -> dict[str, str]:
    """The passwords of the two roles."""
    path = place.folder / "passwords.json"
    try:
        told: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatabaseUnavailable(
            f"The file {path} with the passwords of the database is missing.",
            "Restore it from a backup; without it the data cannot be read.",
        ) from None
    return told


def write_secret(path: Path, text: str) -> None:
    """Write a file with mode 0600 in one step."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def ping(place: Place) -> pq.Ping:
    """Whether the server answers; needs no password."""
    told = make_conninfo("", host=str(place.sockets), port=PORT, dbname=SUPERUSER, user=SUPERUSER, connect_timeout=2)
    return pq.Ping(pq.PGconn.ping(told.encode()))


def stop_server(place: Place) -> None:
    """Stop the server and wait for its end; the caller holds the lock that keeps users away."""
    if keeper_runs(place):
        with contextlib.suppress(ProcessLookupError, ValueError), (place.folder / "keeper.lock").open() as file:
            os.kill(int(file.read()), signal.SIGUSR1)
    elif ping(place) != pq.Ping.NO_RESPONSE:
        # The keeper was killed. The server answers, so the number in its file is its own.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(int((place.cluster / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGINT)
    deadline = time.monotonic() + STOP_LIMIT_S
    while time.monotonic() < deadline and (keeper_runs(place) or ping(place) != pq.Ping.NO_RESPONSE):
        time.sleep(PAUSE_S)


def keeper_runs(place: Place) -> bool:
    """Whether the server has a living parent."""
    with lock_file(place, "keeper") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def lock_file(place: Place, name: str) -> IO[str]:
    """Open a lock file; made when missing."""
    path = place.folder / f"{name}.lock"
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if place.account and os.fstat(number).st_uid != place.account.uid:
        os.fchown(number, place.account.uid, place.account.gid)
    return os.fdopen(number, "r+", encoding="utf-8")


def acquire(place: Place, name: str, kind: int, limit: float) -> IO[str]:
    """Take a lock; closing the file gives it back."""
    file = lock_file(place, name)
    try:
        wait_for_lock(file, kind, limit)
    except TimeoutError:
        file.close()
        raise DatabaseUnavailable(
            f"Another program starts or stops the database in {place.folder} and does not finish.",
            f"Look into {place.log}, end that program and try again.",
        ) from None
    return file


def wait_for_lock(file: IO[str], kind: int, limit: float) -> None:
    """Take a lock within a time limit."""
    deadline = time.monotonic() + limit
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError from None
            time.sleep(PAUSE_S)
        else:
            return


def last_words(log: Path) -> str:
    """The last line of a log that tells why something ended."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace")[-4000:].splitlines()
    except OSError:
        return "it left no message."
    telling = [line for line in lines if any(sign in line for sign in ("FATAL", "PANIC", "ERROR", "rror:"))] or lines
    return telling[-1].strip() if telling else "it left no message."
