"""Two PostgreSQL servers with logical replication: reads move to the replica, and go on when it is lost.

    python -m benchmarks.replicas [--offers 3000] [--data FOLDER] [--place FOLDER] [-o FILE]

The searches are those of the platform, from several threads. The replica is killed with -9, its keeper too, as when a
machine is lost; later it is started again.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from transferase.foundation._postgres_place import find_programs
from transferase.foundation._postgres_server import Server, environment

ROOT = Path(__file__).resolve().parent.parent
THREADS = 2
# How long a state is measured, and how long something may take that has to come about, in seconds.
MEASURED = 8.0
LIMIT = 90.0
NEEDS = 300


def address(server: Server, *, superuser: bool = False) -> str:
    """A connection string without spaces, as settings and subscriptions take it."""
    told = server.address(superuser=superuser)
    return (
        f"postgresql://{told['user']}:{quote(told['password'], safe='')}@/{told['dbname']}"
        f"?host={quote(told['host'], safe='')}&port={told['port']}"
    )


def until(holds: Callable[[], bool], what: str) -> float:
    """Seconds until something holds."""
    started = time.perf_counter()
    while not holds():
        if time.perf_counter() - started > LIMIT:
            raise TimeoutError(what)
        time.sleep(0.02)
    return time.perf_counter() - started


def follow(primary: Server, replica: Server) -> float:
    """Let the replica follow the primary: tables without rows, then a subscription; seconds until it has all rows."""
    assert primary.place is not None
    dump = subprocess.run(  # noqa: S603 - a program of the package
        [
            str(find_programs(primary.place) / "pg_dump"),
            "--schema-only",
            "--no-publications",
            primary.conninfo(superuser=True),
        ],
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
    ).stdout
    assert replica.place is not None
    subprocess.run(  # noqa: S603 - a program of the package
        [str(find_programs(replica.place) / "psql"), "--quiet", "--no-psqlrc", replica.conninfo(superuser=True)],
        check=True,
        input=dump,
        capture_output=True,
        text=True,
        env=environment(),
    )
    with psycopg.connect(primary.conninfo(superuser=True), autocommit=True) as connection:
        connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    with psycopg.connect(replica.conninfo(superuser=True), autocommit=True) as connection:
        told = primary.conninfo(superuser=True).replace("'", "''")
        connection.execute(f"CREATE SUBSCRIPTION copy CONNECTION '{told}' PUBLICATION everything")
        missing = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"
        seconds = until(lambda: connection.execute(missing).fetchone() == (0,), "the first copy")
        connection.execute("VACUUM ANALYZE")
    return seconds


def lose(server: Server) -> None:
    """Kill a server and its keeper as a power cut would."""
    assert server.place is not None
    for path in (server.place.folder / "keeper.lock", server.place.cluster / "postmaster.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(path.read_text(encoding="utf-8").split("\n", 1)[0]), signal.SIGKILL)


class Readers:
    """Threads that search without a pause, and note where each search was read, how long it took, and failures."""

    def __init__(self) -> None:
        from benchmarks.large import questions  # noqa: PLC0415 - settings ready

        self.asked = questions(30)
        self.ended = threading.Event()
        self.noted: list[tuple[float, float, str]] = []
        self.failed: list[str] = []
        self.threads = [threading.Thread(target=self._read, args=(n,)) for n in range(THREADS)]

    def _read(self, number: int) -> None:
        from django.db import connections  # noqa: PLC0415 - settings ready
        from django.utils import timezone  # noqa: PLC0415 - settings ready

        from transferase.directory.rules import ANYONE  # noqa: PLC0415 - settings ready
        from transferase.matching import queries  # noqa: PLC0415 - settings ready

        made = random.Random(number)  # noqa: S311 - a fixed seed is the point
        while not self.ended.is_set():
            text, language = made.choice(self.asked)
            started = time.perf_counter()
            try:
                with _where() as read:
                    queries.search(viewer=ANYONE, at=timezone.now(), text=text, language=language, direction="offer")
                self.noted.append((started, time.perf_counter() - started, read[-1] if read else "default"))
            except Exception as error:  # noqa: BLE001 - that there is none is the point
                self.failed.append(f"{type(error).__name__}: {error}"[:200])
        connections.close_all()

    def since(self, started: float) -> dict[str, Any]:
        """What was noted since a moment."""
        noted = [(seconds, where) for at, seconds, where in list(self.noted) if at >= started]
        places = Counter(where for _, where in noted)
        seconds = sorted(seconds for seconds, _ in noted) or [0.0]
        return {
            "searches": len(noted),
            "on_replica": places["replica1"],
            "on_primary": places["default"],
            "failed": len(self.failed),
            "p50_ms": round(1000 * statistics.median(seconds), 1),
            "p95_ms": round(1000 * seconds[round(0.95 * (len(seconds) - 1))], 1),
            "slowest_ms": round(1000 * seconds[-1], 1),
        }


@contextmanager
def _where() -> Iterator[list[str]]:
    """The databases that the searches of this thread ask for their candidates."""
    from transferase.foundation import replicas  # noqa: PLC0415 - settings ready
    from transferase.matching import _candidates as candidates  # noqa: PLC0415 - settings ready

    if not isinstance(candidates.reading, _Noting):
        candidates.reading = _Noting(replicas.reading)  # type: ignore[assignment]
    noting: Any = candidates.reading
    noting.local.read = []
    yield noting.local.read


class _Noting:
    """Notes which connection a statement is given."""

    def __init__(self, real: Callable[[], Any]) -> None:
        self.real = real
        self.local = threading.local()

    def __call__(self) -> Any:
        connection = self.real()
        if hasattr(self.local, "read"):
            self.local.read.append(connection.alias)
        return connection


def measured(replica: Server) -> dict[str, Any]:
    """Reads before, while the replica is lost, and after it is back."""
    from django.conf import settings  # noqa: PLC0415 - settings ready

    from transferase.foundation import replicas  # noqa: PLC0415 - settings ready

    figures: dict[str, Any] = {}
    replicas.status()
    readers = Readers()
    for thread in readers.threads:
        thread.start()
    try:
        until(lambda: any(where == "replica1" for _, _, where in list(readers.noted)), "a read on the replica")
        started = time.perf_counter()
        time.sleep(MEASURED)
        figures["both_there"] = readers.since(started)
        figures["change_seen_on_replica"] = _lag()
        figures["after_own_write"] = _own_write()
        started = time.perf_counter()
        lose(replica)
        until(lambda: not replicas.status()[0].is_usable, "the loss to be noticed")
        figures["loss_noticed_s"] = round(time.perf_counter() - started, 2)
        time.sleep(MEASURED)
        figures["replica_lost"] = readers.since(started)
        started = time.perf_counter()
        again = Server(replica.home, settings=replica.settings)
        again.start()
        figures["replica_restarted_s"] = round(time.perf_counter() - started, 2)
        count = len(readers.noted)
        until(lambda: any(where == "replica1" for _, _, where in readers.noted[count:]), "reads to come back")
        figures["reads_back_on_replica_s"] = round(time.perf_counter() - started, 2)
        started = time.perf_counter()
        time.sleep(MEASURED / 2)
        figures["replica_back"] = readers.since(started)
    finally:
        readers.ended.set()
        for thread in readers.threads:
            thread.join()
    figures["failed_searches"] = len(readers.failed)
    figures["failures"] = readers.failed[:3]
    figures["lag_limit_s"] = settings.DATABASE_REPLICA_LAG
    return figures


def _lag() -> Mapping[str, float]:
    """Milliseconds until a committed change can be read on the replica."""
    from django.db import connections  # noqa: PLC0415 - settings ready
    from django.utils import timezone  # noqa: PLC0415 - settings ready

    from transferase.catalogue.models import Listing  # noqa: PLC0415 - settings ready

    seconds = []
    listing = Listing.objects.order_by("pk").first()
    assert listing is not None
    for _ in range(15):
        at = timezone.now()
        Listing.objects.filter(pk=listing.pk).update(revised_at=at)
        seconds.append(
            until(lambda at=at: Listing.objects.using("replica1").get(pk=listing.pk).revised_at == at, "a change")
        )  # type: ignore[misc]
    connections["replica1"].close()
    return {"p50_ms": round(1000 * statistics.median(seconds), 1), "most_ms": round(1000 * max(seconds), 1)}


def _own_write() -> Mapping[str, str]:
    """Where a person reads who has just written, somebody else, and the same person later."""
    from django.conf import settings  # noqa: PLC0415 - settings ready
    from django.utils import timezone  # noqa: PLC0415 - settings ready

    from transferase.foundation import replicas  # noqa: PLC0415 - settings ready
    from transferase.foundation.ledger import System, record  # noqa: PLC0415 - settings ready

    record(actor=System("directory.Person:1"), action="catalogue.listing.revised", subject="catalogue.Listing:none")
    at = timezone.now()
    later = at + timedelta(seconds=settings.DATABASE_REPLICA_LAG + 1)

    def where() -> str:
        return replicas.reading().alias

    return {
        "who_wrote": replicas.read(where, reader="directory.Person:1", at=at),
        "another_person": replicas.read(where, reader="directory.Person:2", at=at),
        "who_wrote_later": replicas.read(where, reader="directory.Person:1", at=later),
    }


def main() -> None:
    """Starts both servers, measures, prints, stops them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offers", type=int, default=3000)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--place", type=Path, default=ROOT / "var" / "bench")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    place: Path = options.place.resolve() / "replicas"
    shutil.rmtree(place, ignore_errors=True)
    with (
        Server(place / "primary", settings={"wal_level": "logical", "shared_buffers": "256MB"}) as primary,
        Server(place / "replica", settings={"wal_level": "logical", "shared_buffers": "256MB"}) as replica,
    ):
        os.environ |= {
            "TRANSFERASE_HOME": str(place),
            "DJANGO_SETTINGS_MODULE": "transferase.settings",
            "DATABASE_URL": address(primary),
            "DATABASE_REPLICA_URLS": address(replica),
            "LOG_LEVEL": "ERROR",
        }
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import django  # noqa: PLC0415 - the settings read the environment that was made above

        django.setup()
        figures = _prepared(options.offers, options.data, options.place.resolve())
        figures["first_copy_s"] = round(follow(primary, replica), 1)
        figures |= measured(replica)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


def _prepared(offers: int, data: Path, cache: Path) -> dict[str, Any]:
    from django.core.management import call_command  # noqa: PLC0415 - settings ready

    from benchmarks import corpus, generator, loading  # noqa: PLC0415 - settings ready
    from transferase.engine.ranking import load_embedder  # noqa: PLC0415 - slow
    from transferase.matching import queries  # noqa: PLC0415 - settings ready

    call_command("migrate", verbosity=0)
    embedder = load_embedder(cache / "models")
    made_by = generator.Generator(corpus.prepare(data, embedder, cache / "corpus"), embedder, cache / "corpus")
    loading.load(made_by, offers, NEEDS)
    queries.make_ready()
    return {"offers": offers, "threads": THREADS}


if __name__ == "__main__":
    sys.exit(main())
