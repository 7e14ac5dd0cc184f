"""Catalogues of interface texts: update them from the sources, check that they are complete, compile them.

Compiling needs only polib; collecting texts needs the gettext programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "transferase"
LOCALE = PACKAGE / "locale"
LOCALES = ("ko", "zh_Hans")
IGNORED = ("static/vendor/*", "migrations/*", "samples/*")


def main(arguments: list[str]) -> int:
    """Run one of the three verbs."""
    verb, *paths = arguments or ["check"]
    if verb == "compile":
        return compile_catalogues([Path(path) for path in paths] or sorted(LOCALE.glob("*/LC_MESSAGES/*.po")))
    if not shutil.which("xgettext"):
        print("WARNING: gettext is missing (Debian, Ubuntu: apt-get install gettext)", file=sys.stderr)
        if verb == "update" or os.environ.get("CI") == "true":
            return 1
        print("WARNING: whether the catalogues are up to date was NOT checked", file=sys.stderr)
        return report(faults())
    if verb == "update":
        collect(PACKAGE)
        return 0
    return report([*faults(), *outdated()])


def compile_catalogues(paths: list[Path]) -> int:
    """Write the .mo file beside each .po file, in one step so that no reader sees half of it."""
    for path in paths:
        target = path.with_suffix(".mo")
        partial = path.with_suffix(f".{os.getpid()}.partial")
        polib.pofile(str(path), encoding="utf-8").save_as_mofile(str(partial))
        partial.replace(target)
    return 0


def faults() -> list[str]:
    """Texts without a finished translation."""
    told = []
    for locale in LOCALES:
        path = LOCALE / locale / "LC_MESSAGES" / "django.po"
        if not path.exists():
            told.append(f"{path.relative_to(ROOT)} is missing")
            continue
        for entry in polib.pofile(str(path), encoding="utf-8"):
            if entry.obsolete:
                continue
            if "fuzzy" in entry.flags:
                told.append(f"{locale}: not reviewed (fuzzy): {entry.msgid!r}")
            elif not entry.translated():
                told.append(f"{locale}: not translated: {entry.msgid!r}")
    return told


def outdated() -> list[str]:
    """Texts that the sources and a catalogue do not share; the sources are read in a copy."""
    told = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "transferase"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.mo", "*.jsonl", "*.npz"))
        collect(copy)
        for locale in LOCALES:
            kept, found = (texts(base / "locale" / locale / "LC_MESSAGES" / "django.po") for base in (PACKAGE, copy))
            told += [f"{locale}: not collected, run `make i18n`: {text!r}" for text in sorted(found - kept)]
            told += [f"{locale}: no longer used, run `make i18n`: {text!r}" for text in sorted(kept - found)]
    return told


def texts(path: Path) -> set[str]:
    """The living texts of a catalogue, with their context."""
    if not path.exists():
        return set()
    entries = polib.pofile(str(path), encoding="utf-8")
    return {f"{entry.msgctxt}: {entry.msgid}" if entry.msgctxt else entry.msgid for entry in entries if not entry.obsolete}


def collect(package: Path) -> None:
    """Let Django gather the texts of a package into its catalogues."""
    (package / "locale").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "django", "makemessages", "--no-obsolete", "--add-location=file", "--verbosity=0"]
    command += [f"--locale={locale}" for locale in LOCALES] + [f"--ignore={pattern}" for pattern in IGNORED]
    # Without settings: collecting texts needs neither the apps nor the database.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=package, check=True, env=environment)


def report(told: list[str]) -> int:
    """Print the faults, if any."""
    for sentence in told:
        print(sentence)
    print(f"translations: {len(told) or 'no'} faults in {len(LOCALES)} catalogues")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
