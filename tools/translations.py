"""Catalogues of interface texts: collect texts from the code, merge translations, check that none is missing, compile.

    python tools/translations.py update          put every text of the code into the catalogues
    python tools/translations.py merge FILE...   take translations from JSON: {text: {"ko": ..., "zh": ...}}
    python tools/translations.py check           exit 1 if a text is missing, stale or loses a placeholder
    python tools/translations.py compile [FILE]  write the compiled catalogues that the platform reads

Texts are collected with babel, so the gettext programs are not needed.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polib
from babel.messages.extract import extract
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "transferase"
LOCALE = SOURCE / "locale"

LANGUAGES = {"ko": ("ko", "ko"), "zh_Hans": ("zh", "zh-Hans")}  # folder: (short key in JSON, code)
HEADERS = {"ko": "nplurals=1; plural=0;", "zh_Hans": "nplurals=1; plural=0;"}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")
CONTEXT_MARK = "\u0004"

Key = tuple[str | None, str, str | None]  # context, text, plural


def texts() -> dict[Key, set[str]]:
    """Every text of the code that people read, with the files that it stands in."""
    found: dict[Key, set[str]] = {}
    for path in sorted(
        [*SOURCE.rglob("*.py"), *SOURCE.rglob("templates/**/*.html"), *SOURCE.rglob("templates/**/*.txt")]
    ):
        if "migrations" in path.parts:
            continue
        name = path.relative_to(SOURCE.parent).as_posix()
        for key in _texts_of(path):
            found.setdefault(key, set()).add(name)
    return found


def _texts_of(path: Path) -> Iterator[Key]:
    content = path.read_text(encoding="utf-8")
    if path.suffix in {".html", ".txt"}:
        if not settings.configured:
            settings.configure()
        content = templatize(content, origin=str(path))
    options = {"encoding": "utf-8"}
    for _line, message, _comments, context in extract("python", io.BytesIO(content.encode()), KEYWORDS, (), options):
        if isinstance(message, tuple):
            yield context, message[0], message[1]
        elif message:
            yield context, message, None


def catalogue(folder: str) -> polib.POFile:
    """The catalogue of a language, or an empty one with its head."""
    path = LOCALE / folder / "LC_MESSAGES" / "django.po"
    if path.exists():
        return polib.pofile(str(path), wrapwidth=110)
    made = polib.POFile(wrapwidth=110)
    made.fpath = str(path)
    made.metadata = {
        "Project-Id-Version": "Transferase",
        "Language": folder,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": HEADERS[folder],
    }
    return made


def key_of(entry: polib.POEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural or None


def take_texts() -> None:
    """Put every text of the code into each catalogue; texts that are gone leave it, translations stay."""
    found = texts()
    for folder in LANGUAGES:
        book = catalogue(folder)
        known = {key_of(entry): entry for entry in book}
        by_text = {(entry.msgctxt, entry.msgid): entry for entry in book}
        fresh = polib.POFile(wrapwidth=110)
        fresh.metadata = book.metadata
        for key in sorted(found, key=lambda k: (sorted(found[k]), k[1], k[0] or "", k[2] or "")):
            context, text, plural = key
            entry = known.get(key) or by_text.get((context, text)) or polib.POEntry(msgid=text, msgctxt=context)
            if plural and not entry.msgid_plural:
                entry.msgid_plural = plural
                entry.msgstr_plural = {0: entry.msgstr}
                entry.msgstr = ""
            entry.occurrences = [(name, "") for name in sorted(found[key])]
            entry.flags = []
            if PLACEHOLDER.search(text) and "%(" in text:
                entry.flags = ["python-format"]
            entry.obsolete = False
            fresh.append(entry)
        path = LOCALE / folder / "LC_MESSAGES" / "django.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.save(str(path))


def merge(files: list[Path]) -> int:
    """Take translations from files of JSON, and say how many texts were given one."""
    given: dict[str, dict[str, object]] = {}
    for file in files:
        given |= json.loads(file.read_text(encoding="utf-8"))
    count = 0
    for folder, (short, code) in LANGUAGES.items():
        book = catalogue(folder)
        for entry in book:
            key = f"{entry.msgctxt}{CONTEXT_MARK}{entry.msgid}" if entry.msgctxt else entry.msgid
            told = given.get(key) or given.get(entry.msgid)
            value = told and (told.get(short) or told.get(code))
            if not value:
                continue
            if entry.msgid_plural:
                entry.msgstr_plural = {0: value[0] if isinstance(value, list) else str(value)}
            else:
                entry.msgstr = value[0] if isinstance(value, list) else str(value)
            count += 1
        book.save()
    return count


def complaints() -> list[str]:
    """What is missing, empty, stale or loses a placeholder, one line each."""
    found = texts()
    told = []
    for folder in LANGUAGES:
        known = {key_of(entry): entry for entry in catalogue(folder)}
        told += [f"{folder}: not in the catalogue: {key[1]!r}" for key in found.keys() - known.keys()]
        told += [f"{folder}: no longer in the code: {key[1]!r}" for key in known.keys() - found.keys()]
        for key in found.keys() & known.keys():
            entry = known[key]
            said = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
            if not all(said) or entry.fuzzy:
                told.append(f"{folder}: not translated: {entry.msgid!r}")
                continue
            wanted = _placeholders(entry.msgid_plural or entry.msgid)
            told += [
                f"{folder}: placeholders differ: {entry.msgid!r}" for text in said if _placeholders(text) != wanted
            ]
    return sorted(told)


def _placeholders(text: str) -> set[str]:
    return {a or b for a, b in PLACEHOLDER.findall(text)}


def compile_catalogues(paths: list[Path]) -> None:
    """Write the compiled file beside each catalogue, in one step so that no reader sees half of it."""
    for path in paths or sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        partial = path.with_suffix(f".{os.getpid()}.partial")
        polib.pofile(str(path), encoding="utf-8").save_as_mofile(str(partial))
        partial.replace(path.with_suffix(".mo"))


def run(arguments: list[str]) -> int:
    """Do what the command line asks for."""
    verb, *names = arguments or ["check"]
    paths = [Path(name) for name in names]
    if verb == "compile":
        compile_catalogues(paths)
        return 0
    if verb == "update":
        take_texts()
    elif verb == "merge":
        print(f"{merge(paths)} translations taken")
    elif verb != "check":
        print(__doc__, file=sys.stderr)
        return 2
    told = complaints()
    print("\n".join([*told, f"translations: {len(told) or 'no'} faults in {len(LANGUAGES)} catalogues"]))
    return 1 if told and verb == "check" else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
