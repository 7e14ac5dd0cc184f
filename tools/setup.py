"""Sets up .venv: locked dependencies, the project itself, and a stamp that lets the next run skip it all.

Runs on a bare Python 3.11 (standard library only). Safe when two runs start at once: the second one waits.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV_LOCK = ROOT / "tools" / "requirements-uv.lock"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}


class Unable(Exception):
    """Something that the person at the terminal has to put right; the message says how."""


def main() -> int:
    """Set up what is asked for and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also install what tests and checks need")
    kind = "dev" if parser.parse_args().dev else "runtime"
    try:
        with one_at_a_time():
            set_up(kind)
    except Unable as reason:
        print(f"setup: {reason}", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock file; a second run waits here and then finds everything done."""
    try:
        lock = (ROOT / ".venv.lock").open("w")
    except OSError as error:
        raise Unable(f"{ROOT} cannot be written to ({error.strerror}): use a copy that you own.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another run is at work here; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up(kind: str) -> None:
    """Bring .venv to the state that the lock files describe."""
    if is_current(kind):
        # Make compares times of files: a checkout touches lock files without changing them.
        stamp(kind).touch()
        return
    started = time.monotonic()
    if not is_sound():
        with step(f"virtual environment with Python {sys.version_info.major}.{sys.version_info.minor}"):
            create_environment()
    with step("installer (uv)"):
        has_uv = install_uv()
    count = sum(line[0].isalnum() for line in LOCKS[kind].read_text(encoding="utf-8").splitlines() if line)
    with step(f"{count} locked packages ({kind}); the first time this downloads some hundred megabytes"):
        install_packages(kind, has_uv=has_uv)
    with step("transferase itself"):
        install_project()
    (VENV / "place").write_text(f"{ROOT}\n", encoding="utf-8")
    stamp(kind).write_text(fingerprint(kind), encoding="utf-8")
    if kind == "dev":
        stamp("runtime").write_text(fingerprint("runtime"), encoding="utf-8")
    print(f"setup: ready after {time.monotonic() - started:.1f} s", flush=True)


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Tell what is being done and how long it took."""
    print(f"setup: {what} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"setup:   done in {time.monotonic() - started:.1f} s", flush=True)


def stamp(kind: str) -> Path:
    """Where the state of the last set-up is kept."""
    return VENV / f"{kind}.stamp"


def fingerprint(kind: str) -> str:
    """What the set-up depends on: the lock files, this script, the project's version and its place."""
    told = hashlib.sha256(str(ROOT).encode())
    for path in (UV_LOCK, LOCKS[kind], ROOT / "pyproject.toml", Path(__file__)):
        told.update(path.read_bytes())
    return told.hexdigest()


def is_current(kind: str) -> bool:
    """True when nothing has changed since the last set-up."""
    with contextlib.suppress(OSError):
        return stamp(kind).read_text(encoding="utf-8") == fingerprint(kind) and PYTHON.exists()
    return False


def is_sound() -> bool:
    """True when .venv has a working Python that is new enough and lies where it was made."""
    if not PYTHON.exists():
        return False
    question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run([PYTHON, "-c", question], check=False, capture_output=True).returncode != 0:
        return False
    with contextlib.suppress(OSError):
        first = (VENV / "bin" / "pip").read_text(encoding="utf-8", errors="replace")[:400]
        return str(VENV) in first
    return False


def create_environment() -> None:
    """Make .venv anew; Debian keeps half of the venv module in a package of its own."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Unable(
            f"this Python cannot make virtual environments: install the missing part (Debian, Ubuntu: "
            f"apt-get install python{version}-venv) and try again."
        )
    run([sys.executable, "-m", "venv", "--clear", VENV], "the virtual environment could not be made")


def install_uv() -> bool:
    """Put uv into .venv; without it pip does the same work, only slower."""
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*command, "--require-hashes", "-r", UV_LOCK], check=False)
    if done.returncode != 0:
        print("setup:   uv is not to be had; pip will install instead, which takes longer", flush=True)
    return done.returncode == 0


def install_packages(kind: str, *, has_uv: bool) -> None:
    """Install exactly what the lock file names, each file checked against its hash."""
    wanted = ["--require-hashes", "-r", LOCKS[kind]]
    if has_uv:
        # The system's certificates, as pip uses them: behind a proxy that opens TLS, uv's own do not fit.
        command = [VENV / "bin" / "uv", "--system-certs", "pip", "install", "--python", PYTHON]
        if not sys.stderr.isatty():
            command.append("--quiet")
        if (
            subprocess.run(
                [*command, *wanted], check=False, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
            ).returncode
            == 0
        ):
            return
        print("setup:   uv could not install the packages; trying pip", flush=True)
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"]
    if not sys.stderr.isatty():
        command.append("--quiet")
    run([*command, *wanted], "the locked packages could not be installed: is a package index reachable?")


def install_project() -> None:
    """Make the sources in src/ importable and put the `transferase` command into .venv.

    Written by hand because a build needs a build backend from the network, and this must work without.
    The second line of the path file lets tests import `tools` and `tests`.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = Path(ask("import sysconfig; print(sysconfig.get_path('purelib'))"))
    for old in site.glob("transferase-*.dist-info"):
        shutil.rmtree(old)
    described = site / f"transferase-{project['version']}.dist-info"
    described.mkdir()
    command, target = next(iter(project["scripts"].items()))
    module, function = target.split(":")
    files = {
        site / "transferase.pth": f"{ROOT / 'src'}\n{ROOT}\n",
        described / "METADATA": f"Metadata-Version: 2.1\nName: transferase\nVersion: {project['version']}\n",
        described / "INSTALLER": "transferase tools/setup.py\n",
        described / "entry_points.txt": f"[console_scripts]\n{command} = {target}\n",
        VENV / "bin" / command: launcher(module, function),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    (VENV / "bin" / command).chmod(0o755)
    names = [os.path.relpath(path, site) for path in files]
    record = "".join(f"{name},,\n" for name in [*names, f"{described.name}/RECORD"])
    (described / "RECORD").write_text(record, encoding="utf-8")


def launcher(module: str, function: str) -> str:
    """The text of a console script; the detour through sh allows spaces in the path, the guard child processes."""
    return (
        f"#!/bin/sh\n'''exec' \"{PYTHON}\" \"$0\" \"$@\"\n' '''\n"
        f"import sys\n\nfrom {module} import {function}\n\n"
        f'if __name__ == "__main__":\n    sys.exit({function}())\n'
    )


def ask(question: str) -> str:
    """What the Python of .venv answers."""
    return subprocess.run([PYTHON, "-c", question], check=True, capture_output=True, text=True).stdout.strip()


def run(command: Sequence[str | Path], otherwise: str) -> None:
    """Run a command that must succeed."""
    if subprocess.run(command, check=False).returncode != 0:
        raise Unable(otherwise)


if __name__ == "__main__":
    sys.exit(main())
