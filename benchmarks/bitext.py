"""How well texts find each other across languages by meaning alone, as one JSON object.

    python -m benchmarks.bitext [--data FOLDER] [--cache FOLDER] [-o FILE]

| name | what is measured |
| --- | --- |
| tatoeba_kor-eng, tatoeba_cmn-eng | everyday sentences, 1,000 pairs |
| zh_results | Chinese and English abstract of the same paper, 600 pairs |
| kr_patents | Korean patent abstracts to the English titles of their IPC main groups: one of them among the first ten |

The abstracts are drawn by a hash of their number, because the file goes by date and with it by subject, and the means
of one subject do not suit another. "plain" vectors are as the model gives them, "centred" ones without the mean of
their language and aligned, as the product compares them.
"""

import argparse
import hashlib
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import RememberingEmbedder, rows
from transferase.engine.ranking import Role, centre, default_means, evaluate_bitext, load_embedder, read_pairs

PAIRS = 600


def bitext(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """Translations to each other."""
    found: dict[str, Any] = {}
    for name in ("tatoeba_kor-eng", "tatoeba_cmn-eng"):
        found[name] = evaluate_bitext(read_pairs(data / f"parallel/{name}.tsv.gz"), embedder).as_json()
    papers = [row for row in rows(data / "zh_results/chinaxiv_bilingual.jsonl.gz") if row["abstract_en"]]
    papers.sort(key=lambda row: hashlib.sha256(row["id"].encode()).hexdigest())
    pairs = [(row["abstract_zh"], row["abstract_en"]) for row in papers[:PAIRS]]
    found["zh_results"] = evaluate_bitext(pairs, embedder).as_json()
    return found


def classes(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """Korean abstracts to the English titles of their main groups, which are a few words long."""
    with (data / "ipc/ipc_titles_en.tsv").open(encoding="utf-8") as file:
        titles = dict(line.rstrip("\n").split("\t")[:2] for line in file if "\t" in line)
    groups = [code for code in titles if "/" in code]
    wanted: dict[str, set[str]] = defaultdict(set)
    with (data / "kr_patents/ipc_qrels.tsv").open(encoding="utf-8") as file:
        for line in file:
            number, code = line.rstrip("\n").split("\t")[:2]
            wanted[number].add(code)
    patents = list(rows(data / "kr_patents/patents_ko.jsonl.gz"))
    asked = [place for place, row in enumerate(patents) if str(row["application_number"]) in wanted]
    korean = embedder.embed([row["abstract"] for row in patents], Role.SENTENCE)
    english = embedder.embed([titles[code] for code in groups], Role.SENTENCE)
    means = default_means()

    def hit(left: np.ndarray, right: np.ndarray) -> float:
        first = np.argsort(-(left[asked] @ right.T), axis=1)[:, :10]
        right_ones = [wanted[str(patents[place]["application_number"])] for place in asked]
        return float(
            np.mean([any(groups[n] in codes for n in ten) for ten, codes in zip(first, right_ones, strict=True)])
        )

    def whole(vectors: np.ndarray) -> np.ndarray:
        return means.aligned(centre(vectors, vectors.mean(0)), Role.SENTENCE)

    return {
        "kr_patents": {
            "patents": len(asked),
            "groups": len(groups),
            "plain": {"hit@10": round(hit(korean, english), 4)},
            "centred": {"hit@10": round(hit(whole(korean), whole(english)), 4)},
        }
    }


MEASURED = {"bitext": bitext, "classes": classes}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=Path("var/models"))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    embedder = RememberingEmbedder(load_embedder(options.cache), options.cache / "benchmark-vectors.npz")
    figures: dict[str, Any] = {"model": embedder.name}
    for measure in MEASURED.values():
        figures.update(measure(options.data, embedder))
        embedder.save()
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
