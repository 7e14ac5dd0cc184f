"""Quality of matching on the judged sets of the data folder, as one JSON object.

    python benchmarks/quality.py [--data FOLDER] [--cache FOLDER] [--only NAME ...] [-o FILE]

| name | what is measured |
| --- | --- |
| sbir | need to awarded offer, text only, 5,315 offers: words, meaning, both |
| translated | Korean and Chinese restatements of needs to English offers, recall@10 |
| demo | the known offer among the first ten of the sample offers, titles masked, in three languages |
| known | title to abstract in Korean and Chinese: words, meaning, both |

Vectors are kept in the cache folder by text, so a second run takes a minute; the first takes about ten.
"""

import argparse
import gzip
import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from transferase.engine.ranking import (
    Embedder,
    JudgedSet,
    JudgedText,
    Role,
    evaluate_matching,
    load_embedder,
    read_judged,
)
from transferase.engine.text import detect_language


class RememberingEmbedder:
    """An embedder that keeps its vectors in a file."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        self._path = path
        self._known: dict[str, np.ndarray] = {}
        if path.is_file():
            stored = np.load(path)
            self._known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
        self.name = embedder.name
        self.model_version = embedder.model_version
        self.dimension = embedder.dimension

    def embed(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Vectors, from the file where they are known."""
        keys = [hashlib.sha256(f"{self.model_version} {role} {text}".encode()).hexdigest()[:24] for text in texts]
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if unknown:
            vectors = self._embedder.embed(list(unknown.values()), role)
            self._known.update(zip(unknown, vectors, strict=True))
        return np.vstack([np.empty((0, self.dimension), np.float32), *[self._known[key][None] for key in keys]])

    def save(self) -> None:
        """Writes what is known."""
        keys = np.array(list(self._known))
        np.savez(self._path, keys=keys, vectors=np.vstack([np.empty((0, self.dimension)), *self._known.values()]))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def legs(judged: JudgedSet, embedder: RememberingEmbedder) -> dict[str, Any]:
    """The figures of one judged set, rounded."""
    report = evaluate_matching(judged, embedder).as_json()
    for leg in ("lexical", "dense", "hybrid"):
        report[leg] = {name: round(value, 4) for name, value in report[leg].items()}  # type: ignore[attr-defined]
    return report


def sbir(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """Need to awarded offer."""
    return legs(read_judged(data / "sbir", text_only=True), embedder)


def restated(data: Path, languages: Sequence[str] = ("ko", "zh")) -> dict[str, JudgedSet]:
    """Restated needs with English offers: the first 25, of one sentence each, and the later 35."""
    found: dict[str, JudgedSet] = {}
    queries = data / "sbir/needs_translated_ko_zh.jsonl"
    order = [row["need_id"] for row in rows(queries)]
    for language in languages:
        judged = read_judged(data / "sbir", text_only=True, queries=queries, query_language=language)
        for name, ids in (("first", set(order[:25])), ("later", set(order[25:]))):
            kept = tuple(need for need in judged.needs if need.id in ids)
            if kept:
                relevance = {need.id: judged.relevance[need.id] for need in kept}
                found[f"{language} {name}"] = JudgedSet(kept, judged.offers, relevance)
    return found


def translated(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """Restated needs to English offers."""
    return {name: legs(judged, embedder) for name, judged in restated(data, ("ko", "zh", "en")).items()}


def summary(row: dict[str, Any], language: str) -> str | None:
    """The summary of a sample need in a language, if it has one."""
    if language == row["lang"]:
        return str(row["summary"])
    found = row.get("translations", {}).get(language)
    return str(found["summary"]) if found else None


def demo_set(data: Path, language: str) -> JudgedSet:
    """Sample needs in a language with sample offers of all languages, summaries only."""
    offers = tuple(
        JudgedText(row["id"], row["summary"], detect_language(row["summary"]))
        for row in rows(data / "demo/offers.jsonl")
    )
    known = {offer.id for offer in offers}
    needs = [row for row in rows(data / "demo/needs.jsonl") if known & set(row["known_offers"])]
    asked = tuple(
        JudgedText(row["id"], text, {"zh": "zh-Hans"}.get(language, language))
        for row in needs
        if (
            text := row["summary"] if language == "en" else row.get("translations", {}).get(language, {}).get("summary")
        )
    )
    relevance = {row["id"]: {offer: 1.0 for offer in row["known_offers"] if offer in known} for row in needs}
    return JudgedSet(asked, offers, {need.id: relevance[need.id] for need in asked})


def demo(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """Sample needs to sample offers."""
    found: dict[str, Any] = {}
    for language in ("en", "ko", "zh"):
        judged = demo_set(data, language)
        report = legs(judged, embedder)
        report["among_first_ten"] = {
            leg: round(report[leg]["recall@10"] * len(judged.needs)) for leg in ("lexical", "dense", "hybrid")
        }
        found[language] = report
    return found


def distinct_titles(data: Path) -> dict[str, JudgedSet]:
    """Titles and abstracts in Korean and Chinese.

    A heading that several records have as their title (临床研究, clinical studies) names none of them: such records
    stay among the abstracts, but their title is not asked.
    """
    bilingual = rows(data / "zh_results/chinaxiv_bilingual.jsonl.gz")
    sets = {
        "ko": [
            (row["application_number"], row["title"], row["abstract"])
            for row in rows(data / "kr_patents/patents_ko.jsonl.gz")
        ],
        "zh-Hans": [(row["id"], row["title_zh"], row["abstract_zh"]) for row in bilingual][:1500],
        "zh-Hans patents": [
            (row["publication_number"], row["title"], row["abstract"])
            for row in rows(data / "zh_patents/g06f_abstracts_zh.jsonl.gz")
        ],
    }
    found = {}
    for name, items in sets.items():
        language = name.split()[0]
        times = Counter(title for _, title, _ in items)
        asked = tuple(JudgedText(str(key), title, language) for key, title, _ in items if times[title] == 1)
        offered = tuple(JudgedText(str(key), abstract, language) for key, _, abstract in items)
        found[name] = JudgedSet(asked, offered, {need.id: {need.id: 1.0} for need in asked})
    return found


def known(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """Known-item search: a title finds its abstract."""
    return {name: legs(judged, embedder) for name, judged in distinct_titles(data).items()}


MEASURED: dict[str, Callable[[Path, RememberingEmbedder], dict[str, Any]]] = {
    "sbir": sbir,
    "translated": translated,
    "demo": demo,
    "known": known,
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=Path("var/models"))
    parser.add_argument("--only", nargs="*", choices=list(MEASURED), default=list(MEASURED))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    embedder = RememberingEmbedder(load_embedder(options.cache), options.cache / "benchmark-vectors.npz")
    figures: dict[str, Any] = {"model": embedder.name}
    for name in options.only:
        started = time.perf_counter()
        figures[name] = MEASURED[name](options.data, embedder)
        embedder.save()
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
