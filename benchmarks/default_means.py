"""Recomputes the shipped default means from the texts of the data folder.

    python benchmarks/default_means.py [--data FOLDER] [--cache FOLDER] [-o FILE]

The means are those of technology texts: awards and needs of the SBIR collection (English), Korean patent abstracts,
Chinese research abstracts. There are few Korean and Chinese needs: half of a query mean is that of abstracts read as
queries, half that of translated needs; the first 25 of these are left out, because they are a test.
Takes about ten minutes of one processor; the result holds statistics only, no text.
"""

import argparse
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from transferase.engine.ranking import MODEL_VERSION, Mean, Means, Role, embed_long, load_embedder, write_means
from transferase.engine.text import sentences

VERSION = "2026-11"
TESTED_NEEDS = 25
MOST = 1500


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def quoted(texts: list[str], language: str) -> list[str]:
    """Every sentence that may be quoted, thinned evenly to MOST."""
    found = [span.text for text in texts for span in sentences(text, language) if 20 <= len(span.text) <= 400]
    return found[:: max(1, len(found) // MOST)][:MOST]


def main() -> None:
    """Embeds the texts and writes the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=Path("var/models"))
    package = Path(__file__).parent.parent / "src/transferase/engine/ranking/defaults"
    parser.add_argument("-o", "--output", type=Path, default=package / f"means-{VERSION}.json")
    options = parser.parse_args()
    data: Path = options.data

    offers = [row["abstract"] for row in rows(data / "sbir/offers.jsonl.gz")][::2]
    needs = [row["description"] for row in rows(data / "sbir/needs.jsonl.gz")][::3]
    korean = [row["abstract"] for row in rows(data / "kr_patents/patents_ko.jsonl.gz")]
    chinese = [row["abstract_zh"] for row in rows(data / "zh_results/chinaxiv_bilingual.jsonl.gz")][:MOST]
    translated = list(rows(data / "sbir/needs_translated_ko_zh.jsonl"))[TESTED_NEEDS:]

    embedder = load_embedder(options.cache)
    found: dict[tuple[str, Role], Mean] = {}

    def keep(language: str, role: Role, *vectors: np.ndarray) -> None:
        middle = np.mean([group.mean(0) for group in vectors], axis=0).astype(np.float32)
        found[language, role] = Mean(language, role, sum(map(len, vectors)), middle)
        print(language, role, found[language, role].count, flush=True)

    keep("en", Role.PASSAGE, embedder.embed(offers, Role.PASSAGE))
    keep("en", Role.QUERY, embed_long(embedder, needs, Role.QUERY))
    keep("en", Role.SENTENCE, embedder.embed(quoted(offers[:500] + needs[:200], "en"), Role.SENTENCE))
    for language, suffix, texts in (("ko", "ko", korean), ("zh-Hans", "zh", chinese)):
        asked = [row[f"summary_{suffix}"] for row in translated]
        keep(language, Role.PASSAGE, embedder.embed(texts, Role.PASSAGE))
        keep(
            language,
            Role.QUERY,
            embed_long(embedder, texts[:MOST:2], Role.QUERY),
            embed_long(embedder, asked, Role.QUERY),
        )
        keep(language, Role.SENTENCE, embedder.embed(quoted(texts + asked, language), Role.SENTENCE))
    write_means(options.output, Means(MODEL_VERSION, VERSION, found))
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
