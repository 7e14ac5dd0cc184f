"""Real sentences as building blocks: what the made-up listings of the large benchmarks are composed of.

The texts are those of the data folder: awards and needs of the SBIR collection, NASA's patents and the topics of
Horizon (English), Korean patents, Chinese research abstracts and patent titles, and the sample records. Each sentence
and title is analysed and embedded once; both are kept on disk. Documents know their nearest neighbours of the same
language, so that a made-up text mixes sentences that belong to one subject.
"""

import csv
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from transferase.catalogue._classification import normalise_ipc
from transferase.engine.ranking import Embedder, Role, term_id, unit
from transferase.engine.text import sentences, words

Item = TypeVar("Item")
# How many documents of each source are taken, evenly thinned; the rest would cost time and add little variety.
MOST = {"sbir_offers": 1500, "sbir_needs": 220, "zh_results": 1500, "zh_titles": 1200, "nasa": 900, "eu": 700}
NEIGHBOURS = 12
LONGEST_NEED = 24  # sentences
LANGUAGES = ("en", "ko", "zh-Hans")
# What a token of the model is long, in characters.
CHARACTERS = {"en": 4.4, "ko": 2.1, "zh-Hans": 1.6}


@dataclass(frozen=True)
class Document:
    """A real text: its title and sentences as numbers of units, its subclasses of the IPC."""

    language: str
    direction: str
    title: int
    units: tuple[int, ...]
    ipc: tuple[str, ...]


@dataclass
class Corpus:
    """All units (sentences and titles) with terms and vectors, and the documents that they stand in."""

    texts: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    titles: dict[str, list[int]] = field(default_factory=dict)
    vectors: np.ndarray = field(default_factory=lambda: np.empty((0, 384), np.float32))
    terms: list[str] = field(default_factory=list)  # by number
    term_ids: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    said: list[np.ndarray] = field(default_factory=list)  # term numbers of each unit, repeated as often as said
    tokens: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    near: list[np.ndarray] = field(default_factory=list)  # documents near each document, itself first
    near_titles: list[np.ndarray] = field(default_factory=list)

    def add(self, text: str, language: str) -> int:
        """A new unit; its number."""
        self.texts.append(text)
        self.languages.append(language)
        return len(self.texts) - 1

    @property
    def fingerprint(self) -> str:
        """Changes when any text does."""
        told = hashlib.sha256("\n".join(self.texts).encode())
        told.update(repr([document.units for document in self.documents]).encode())
        return told.hexdigest()[:16]


def rows(path: Path) -> Iterator[dict[str, object]]:
    """The rows of a JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def thinned(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many items, evenly taken."""
    return [items[round(number * len(items) / most)] for number in range(most)] if len(items) > most else list(items)


def read(data: Path) -> Corpus:
    """The units and documents of the data folder, neither analysed nor embedded yet."""
    corpus = Corpus(titles={language: [] for language in LANGUAGES})
    for row in thinned(list(rows(data / "sbir/offers.jsonl.gz")), MOST["sbir_offers"]):
        _add(corpus, "en", "offer", row["title"], row["abstract"], ())
    for row in thinned(list(rows(data / "sbir/needs.jsonl.gz")), MOST["sbir_needs"]):
        _add(corpus, "en", "need", row["title"], row["description"], ())
    for row in rows(data / "kr_patents/patents_ko.jsonl.gz"):
        _add(corpus, "ko", "offer", row["title"], row["abstract"], row["ipc"])
    for row in rows(data / "sbir/needs_translated_ko_zh.jsonl"):
        _add(corpus, "ko", "need", row["title_ko"], row["summary_ko"], ())
        _add(corpus, "zh-Hans", "need", row["title_zh"], row["summary_zh"], ())
    for row in thinned(list(rows(data / "zh_results/chinaxiv_bilingual.jsonl.gz")), MOST["zh_results"]):
        _add(corpus, "zh-Hans", "offer", row["title_zh"], row["abstract_zh"], ())
    for row in rows(data / "zh_patents/g06f_abstracts_zh.jsonl.gz"):
        _add(corpus, "zh-Hans", "offer", row["title"], row["abstract"], ("G06F",))
    _read_samples(corpus, data)
    _read_titles(corpus, data)
    return corpus


def _read_samples(corpus: Corpus, data: Path) -> None:
    for row in rows(data / "demo/offers.jsonl"):
        language = {"zh": "zh-Hans"}.get(str(row["lang"]), str(row["lang"]))
        _add(corpus, language, "offer", row["title"], row["summary"], row["ipc"] or ())
    for row in rows(data / "demo/needs.jsonl"):
        if row["lang"] == "en":
            for code, text in {"en": row, **dict(row.get("translations") or {})}.items():  # type: ignore[call-overload]
                language = {"zh": "zh-Hans"}.get(code, code)
                if language in LANGUAGES:
                    _add(corpus, language, "need", text["title"], text["summary"], ())


def _read_titles(corpus: Corpus, data: Path) -> None:
    with (data / "nasa_portfolio/nasa_patents.csv").open(encoding="utf-8") as file:
        for row in thinned(list(csv.DictReader(file)), MOST["nasa"]):
            corpus.titles["en"].append(corpus.add(row["Title"], "en"))
    with (data / "eu_topics/horizon_topics.tsv").open(encoding="utf-8") as file:
        for row in thinned(list(csv.DictReader(file, delimiter="\t")), MOST["eu"]):
            corpus.titles["en"].append(corpus.add(row["title"], "en"))
    for patent in thinned(list(rows(data / "zh_patents/titles_ipc_zh.jsonl.gz")), MOST["zh_titles"]):
        corpus.titles["zh-Hans"].append(corpus.add(str(patent["title"]), "zh-Hans"))


def _add(corpus: Corpus, language: str, direction: str, title: object, body: object, ipc: object) -> None:
    said = [span.text for span in sentences(str(body or ""), language) if 8 <= len(span.text) <= 700]
    if not said or not title:
        return
    codes = dict.fromkeys(filter(None, (normalise_ipc(str(code)) for code in ipc)))  # type: ignore[attr-defined]
    head = corpus.add(str(title)[:250], language)
    units = tuple(corpus.add(text, language) for text in said[:LONGEST_NEED])
    corpus.documents.append(Document(language, direction, head, units, tuple(codes)))
    corpus.titles[language].append(head)


def prepare(data: Path, embedder: Embedder, cache: Path) -> Corpus:
    """The corpus with terms, vectors and neighbours; vectors come from the cache where it knows the text."""
    corpus = read(data)
    corpus.vectors = remembered(corpus.texts, Role.PASSAGE, embedder, cache / "units.npz")
    numbers: dict[str, int] = {}
    for text, language in zip(corpus.texts, corpus.languages, strict=True):
        found = [numbers.setdefault(term, len(numbers)) for term in words(text, language)]
        corpus.said.append(np.array(found, np.int32))
    corpus.terms = list(numbers)
    corpus.term_ids = np.array([term_id(term) for term in corpus.terms], np.int64)
    corpus.tokens = np.array(
        [2 + len(t) / CHARACTERS[of] for t, of in zip(corpus.texts, corpus.languages, strict=True)], np.float32
    )
    _find_neighbours(corpus)
    _classify(corpus, data, embedder, cache)
    return corpus


def remembered(texts: Sequence[str], role: Role, embedder: Embedder, path: Path) -> np.ndarray:
    """Vectors of texts, embedded once: kept by the digest of text, role and model."""
    keys = [hashlib.sha256(f"{embedder.model_version}\0{role}\0{text}".encode()).hexdigest()[:24] for text in texts]
    held: dict[str, np.ndarray] = {}
    if path.exists():
        with np.load(path) as kept:
            held = dict(zip(kept["keys"].tolist(), kept["vectors"].astype(np.float32), strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in held}
    items = list(missing.items())
    for start in range(0, len(items), 2000):
        part = items[start : start + 2000]
        vectors = embedder.embed([text for _, text in part], role)
        held.update(zip((key for key, _ in part), vectors, strict=True))
        print(f"embedded {start + len(part)} of {len(items)}", file=sys.stderr, flush=True)
    if items:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, keys=np.array(list(held)), vectors=np.array(list(held.values()), np.float16))
        partial.replace(path)
    return np.array([held[key] for key in keys], np.float32)


def _find_neighbours(corpus: Corpus) -> None:
    means = np.array([corpus.vectors[list(document.units)].mean(0) for document in corpus.documents])
    titles = {language: np.array(numbers) for language, numbers in corpus.titles.items()}
    corpus.near = [np.empty(0, np.int64)] * len(corpus.documents)
    corpus.near_titles = list(corpus.near)
    for language in LANGUAGES:
        here = np.array([n for n, document in enumerate(corpus.documents) if document.language == language])
        centred = unit(means[here] - means[here].mean(0))
        close = np.argsort(-(centred @ centred.T), axis=1)[:, : NEIGHBOURS + 1]
        heads = corpus.vectors[titles[language]]
        named = np.argsort(-(centred @ unit(heads - heads.mean(0)).T), axis=1)[:, :NEIGHBOURS]
        for place, number in enumerate(here):
            corpus.near[number] = here[close[place]]
            corpus.near_titles[number] = titles[language][named[place]]


def _classify(corpus: Corpus, data: Path, embedder: Embedder, cache: Path) -> None:
    """Give documents that come without a code the main group whose English title is nearest."""
    with (data / "ipc/ipc_titles_en.tsv").open(encoding="utf-8") as file:
        titles = {row["code"]: row["title_en"] for row in csv.DictReader(file, delimiter="\t") if "/" in row["code"]}
    codes = list(titles)
    heads = remembered(list(titles.values()), Role.PASSAGE, embedder, cache / "ipc.npz")
    heads = unit(heads - heads.mean(0))
    means = np.array([corpus.vectors[[document.title, *document.units]].mean(0) for document in corpus.documents])
    for language in LANGUAGES:
        here = [number for number, document in enumerate(corpus.documents) if document.language == language]
        near = np.argmax(unit(means[here] - means[here].mean(0)) @ heads.T, axis=1)
        for number, best in zip(here, near, strict=True):
            if not corpus.documents[number].ipc:
                corpus.documents[number] = replace(corpus.documents[number], ipc=(codes[best],))
