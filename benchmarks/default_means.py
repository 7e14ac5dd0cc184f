"""Recomputes the shipped default means and the alignment of languages.

    python benchmarks/default_means.py [--data FOLDER] [--cache FOLDER] [--only texts sentences alignment] [-o FOLDER]

The means are those of technology texts: awards and needs of the SBIR collection (English), Korean patent abstracts,
Chinese research abstracts. There are few Korean and Chinese needs: half of a query mean is that of abstracts read as
queries, half that of translated needs; the first 25 of these are left out, because they are a test.

The alignment is learned from the terms of the shipped glossary, each in three languages, and from nothing else, so no
judged set has a part in it. How far it leans on what it learned was chosen on the SBIR needs (more costs English needs
their English offers) for texts, and on news sentences for sentences.

Takes about ten minutes of one processor; the result holds statistics only, no text.
"""

import argparse
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import transferase.engine.text
from transferase.engine.ranking import (
    MODEL_VERSION,
    Embedder,
    Mean,
    Means,
    Role,
    centre,
    embed_long,
    learn_alignment,
    load_embedder,
    read_means,
    write_means,
)
from transferase.engine.text import sentences

VERSION = "2026-11"
TESTED_NEEDS = 25
MOST = 1500
TERMS = Path(transferase.engine.text.__file__).parent / "terms/terms.tsv"
EASE = {"texts": 1.0, "sentences": 0.1}


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def quoted(texts: list[str], language: str) -> list[str]:
    """Every sentence that may be quoted, thinned evenly to MOST."""
    found = [span.text for text in texts for span in sentences(text, language) if 20 <= len(span.text) <= 400]
    return found[:: max(1, len(found) // MOST)][:MOST]


def alignment(embedder: Embedder) -> dict[str, np.ndarray]:
    """What is learned from the usual forms of the glossary's terms."""
    with TERMS.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file][1:]
    terms = [[cell.split("|")[0] for cell in cells[:3]] for cells in lines if len(cells) > 2 and all(cells[:3])]

    def vectors(role: Role) -> list[np.ndarray]:
        found = [embedder.embed([term[column] for term in terms], role) for column in range(3)]
        return [centre(rows, rows.mean(0)) for rows in found]

    asked, offered = vectors(Role.QUERY), vectors(Role.PASSAGE)
    texts = [np.vstack(pair) for pair in zip(asked, offered, strict=True)]
    print(len(terms), "terms", flush=True)
    return {
        "texts": learn_alignment(texts, EASE["texts"]).astype(np.float16),
        "sentences": learn_alignment(vectors(Role.SENTENCE), EASE["sentences"]).astype(np.float16),
    }


def main() -> None:
    """Embeds the texts and writes the means and the alignment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=Path("var/models"))
    parts = ["texts", "sentences", "alignment"]
    parser.add_argument("--only", nargs="*", choices=parts, default=parts)
    package = Path(__file__).parent.parent / "src/transferase/engine/ranking/defaults"
    parser.add_argument("-o", "--output", type=Path, default=package)
    options = parser.parse_args()
    data: Path = options.data
    embedder = load_embedder(options.cache)

    if "alignment" in options.only:
        np.savez_compressed(options.output / f"alignment-{VERSION}.npz", **alignment(embedder))
    offers = [row["abstract"] for row in rows(data / "sbir/offers.jsonl.gz")][::2]
    needs = [row["description"] for row in rows(data / "sbir/needs.jsonl.gz")][::3]
    korean = [row["abstract"] for row in rows(data / "kr_patents/patents_ko.jsonl.gz")]
    chinese = [row["abstract_zh"] for row in rows(data / "zh_results/chinaxiv_bilingual.jsonl.gz")][:MOST]
    translated = list(rows(data / "sbir/needs_translated_ko_zh.jsonl"))[TESTED_NEEDS:]
    asked = {suffix: [row[f"summary_{suffix}"] for row in translated] for suffix in ("ko", "zh")}
    path = options.output / f"means-{VERSION}.json"
    found = dict(read_means(path).of) if path.is_file() else {}

    def keep(language: str, role: Role, *vectors: np.ndarray) -> None:
        middle = np.mean([group.mean(0) for group in vectors], axis=0).astype(np.float32)
        found[language, role] = Mean(language, role, sum(map(len, vectors)), middle)
        print(language, role, found[language, role].count, flush=True)

    others = (("ko", korean, asked["ko"]), ("zh-Hans", chinese, asked["zh"]))
    if "texts" in options.only:
        keep("en", Role.PASSAGE, embedder.embed(offers, Role.PASSAGE))
        keep("en", Role.QUERY, embed_long(embedder, needs, Role.QUERY))
        for language, texts, restated in others:
            keep(language, Role.PASSAGE, embedder.embed(texts, Role.PASSAGE))
            as_asked = embed_long(embedder, texts[:MOST:2], Role.QUERY)
            keep(language, Role.QUERY, as_asked, embed_long(embedder, restated, Role.QUERY))
    if "sentences" in options.only:
        keep("en", Role.SENTENCE, embedder.embed(quoted(offers[:500] + needs[:200], "en"), Role.SENTENCE))
        for language, texts, restated in others:
            keep(language, Role.SENTENCE, embedder.embed(quoted(texts + restated, language), Role.SENTENCE))
    write_means(path, Means(MODEL_VERSION, VERSION, found))
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
