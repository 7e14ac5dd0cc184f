"""Parameters of matching by text, chosen by cross-validation on the judged sets of the data folder.

    python benchmarks/tuning.py [--data FOLDER] [--cache FOLDER] [-o FILE]

Three steps, each with five folds over the needs of every set: the parameters of a step are chosen on four folds, by
the mean over the sets, and measured on the fifth. What is printed for each step are the choices of the folds, the
measure on held-out needs, and the choice on all needs, which belongs into the weights file and the modules named.

| step | chooses | on |
| --- | --- | --- |
| words | k1, b, weight of repeated words and of phrases (`lexicon`) | SBIR, Korean and Chinese titles to abstracts |
| text | share of words in the text score (weights) | the same and the English sample needs |
| crossed | weight of other forms and longer terms (`glossary`), share of words | restated needs to English offers |

The sets measure different things (nDCG, reciprocal rank, recall), so the mean over sets only ranks parameters.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from quality import RememberingEmbedder, demo_set, distinct_titles, restated

from transferase.engine.ranking import (
    JudgedSet,
    Lexicon,
    Role,
    Saturation,
    embed_parts,
    load_embedder,
    load_glossary,
    load_weights,
    ndcg,
    own_means,
    read_judged,
    recall,
    reciprocal_rank,
    unit,
)
from transferase.engine.ranking.centring import default_means
from transferase.engine.ranking.lexicon import phrases
from transferase.engine.text import ENGLISH, words

FOLDS = 5
POOL = 300
Measure = Callable[[Sequence[str], Sequence[str]], float]


def by_ndcg(ranking: Sequence[str], relevant: Sequence[str]) -> float:
    """nDCG@10."""
    return ndcg(ranking, dict.fromkeys(relevant, 1.0))


def by_rank(ranking: Sequence[str], relevant: Sequence[str]) -> float:
    """Reciprocal rank within the first ten."""
    return reciprocal_rank(ranking, relevant)


def by_recall(ranking: Sequence[str], relevant: Sequence[str]) -> float:
    """Recall within the first ten."""
    return recall(ranking, relevant, 10)


@dataclass
class Need:
    """One need with its best offers by any score: what they share, as flat arrays."""

    relevant: list[str]
    offers: np.ndarray  # names
    closeness: np.ndarray
    at: np.ndarray  # for each shared term: the offer's place in `offers`, and how often who says it
    held: np.ndarray
    length: np.ndarray
    times: np.ndarray
    idf: np.ndarray
    is_phrase: np.ndarray
    own_times: np.ndarray  # every word of the need
    own_idf: np.ndarray
    longest: int

    def words(self, k1: float, b: float, repetition: float, phrase: float) -> np.ndarray:
        """The share of words of each offer."""
        tf = self.held * (k1 + 1) / (self.held + k1 * (1 - b + b * self.length))
        weight = self.times**repetition * self.idf * np.where(self.is_phrase, phrase, 1.0)
        best = np.sort(self.own_times**repetition * self.own_idf)[::-1][: self.longest].sum()
        return np.bincount(self.at, weight * tf, len(self.offers)) / max(best, 1e-9)


def made_ready(judged: JudgedSet, embedder: RememberingEmbedder) -> list[Need]:
    """The needs of a set of one language with what they share with their best offers."""
    language = judged.needs[0].language or ENGLISH
    offers = [offer for offer in judged.offers if offer.language == language]
    said = [words(offer.text, language) for offer in offers]
    counts = [Counter(terms) + Counter(phrases(terms)) for terms in said]
    lexicon = Lexicon.of(said)
    names = np.array([offer.id for offer in offers])
    holders: dict[str, list[int]] = {}
    for number, count in enumerate(counts):
        for term in count:
            holders.setdefault(term, []).append(number)
    lengths = np.array([len(terms) for terms in said]) / lexicon.average_length
    passages = embedder.embed([offer.text for offer in offers], Role.PASSAGE)
    parts = embed_parts(embedder, [need.text for need in judged.needs], Role.QUERY)
    whole = unit(np.vstack([rows.mean(0) for rows in parts]))
    means = own_means({(language, Role.PASSAGE): passages, (language, Role.QUERY): whole}, default_means(), "tuning")
    passages = means.centred(passages, language, Role.PASSAGE)
    found = []
    for need, vector, rows in zip(judged.needs, whole, parts, strict=True):
        mean = passages @ means.centred(vector, language, Role.QUERY)
        near = (mean + (passages @ means.centred(rows, language, Role.QUERY).T).max(1)) / 2
        asked = words(need.text, language)
        own = Counter(asked)
        rough = np.zeros(len(offers))
        for term in own:
            if term in holders:
                rough[holders[term]] += lexicon.idf(term)
        pool = np.unique(
            np.concatenate([np.argsort(-near)[:POOL], np.argsort(-rough / (0.5 + lengths))[:POOL]]).astype(int)
        )
        place = {number: index for index, number in enumerate(pool.tolist())}
        shared = []
        for term, times in (own + Counter(phrases(asked))).items():
            is_phrase = " " in term
            idf = max(map(lexicon.idf, term.split(" ", 1))) if is_phrase else lexicon.idf(term)
            shared += [
                (place[number], counts[number][term], lengths[number], times, idf, is_phrase)
                for number in holders.get(term, ())
                if number in place
            ]
        at, held, length, times, idf, is_phrase = np.array(shared, float).reshape(-1, 6).T
        found.append(
            Need(
                relevant=list(judged.relevance[need.id]),
                offers=names[pool],
                closeness=near[pool],
                at=at.astype(int),
                held=held,
                length=length,
                times=times,
                idf=idf,
                is_phrase=is_phrase.astype(bool),
                own_times=np.array(list(own.values()), float),
                own_idf=np.array([lexicon.idf(term) for term in own]),
                longest=max(1, round(lexicon.average_length)),
            )
        )
    return found


# ---------------------------------------------------------------- choosing


def chosen(figures: dict[str, np.ndarray], grid: Sequence[Any]) -> dict[str, Any]:
    """The best of a grid by folds and on all needs; figures are (parameters, needs) by set."""
    folds = {name: np.arange(rows.shape[1]) % FOLDS for name, rows in figures.items()}

    def best(keep: Callable[[str], np.ndarray]) -> int:
        return int(np.argmax(sum(rows[:, keep(name)].mean(1) for name, rows in figures.items())))

    held_out: dict[str, list[np.ndarray]] = {name: [] for name in figures}
    picks = []
    for fold in range(FOLDS):
        pick = best(lambda name, fold=fold: folds[name] != fold)
        picks.append(grid[pick])
        for name, rows in figures.items():
            held_out[name].append(rows[pick, folds[name] == fold])
    final = best(lambda name: folds[name] >= 0)
    return {
        "chosen": grid[final],
        "by_fold": picks,
        "held_out": {name: round(float(np.concatenate(rows).mean()), 4) for name, rows in held_out.items()},
        "on_all": {name: round(float(rows[final].mean()), 4) for name, rows in figures.items()},
        "near_best": [
            [grid[index], round(float(sum(rows[index].mean() for rows in figures.values()) / len(figures)), 4)]
            for index in np.argsort([-sum(rows[i].mean() for rows in figures.values()) for i in range(len(grid))])[:5]
        ],
    }


def measured(needs: Iterable[Need], score: Callable[[Need], np.ndarray], measure: Measure) -> list[float]:
    """The measure of each need when its offers are ranked by a score."""
    return [
        measure(need.offers[np.argsort(-score(need), kind="stable")[:10]].tolist(), need.relevant) for need in needs
    ]


def tune(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """The three steps."""
    found: dict[str, Any] = {}
    sets: dict[str, tuple[list[Need], Measure]] = {
        "sbir": (made_ready(read_judged(data / "sbir", text_only=True), embedder), by_ndcg),
    }
    for language, judged in distinct_titles(data).items():
        # In 28 abstracts every title finds its own, whatever the parameters.
        if len(judged.needs) > 100:
            sets[f"titles {language}"] = (made_ready(judged, embedder), by_rank)
    grid = list(product((1.5, 2.0, 3.0, 4.0, 6.0), (0.75, 0.9, 1.0), (0.35, 0.5, 0.7), (0.0, 0.3, 0.6, 0.9, 1.2)))
    figures = {
        name: np.array([measured(needs, lambda need, p=p: need.words(*p), measure) for p in grid])
        for name, (needs, measure) in sets.items()
    }
    found["words"] = {"parameters": ["k1", "b", "repetition", "phrase"], **chosen(figures, grid)}
    print(json.dumps(found["words"]), file=sys.stderr, flush=True)
    now = Saturation()
    present = (now.k1, now.b, 0.5, 0.9)
    sets["samples en"] = (made_ready(demo_set(data, "en"), embedder), by_ndcg)
    weights = load_weights()
    shares = [round(share, 2) for share in np.arange(0, 1.01, 0.05)]
    figures = {}
    for name, (needs, measure) in sets.items():
        pairs = [(weights.meaning.values(n.closeness), weights.words.values(n.words(*present))) for n in needs]
        mixes = {id(need): pair for need, pair in zip(needs, pairs, strict=True)}
        figures[name] = np.array(
            [measured(needs, lambda n, s=s, m=mixes: (1 - s) * m[id(n)][0] + s * m[id(n)][1], measure) for s in shares]
        )
    found["text"] = {"parameters": ["share of words"], **chosen(figures, shares)}
    raw = [
        (need.closeness[at], need.words(*present)[at])
        for need in sets["sbir"][0]
        for at in np.flatnonzero(np.isin(need.offers, need.relevant))
    ]
    found["text"]["true pairs, percentiles 5 25 50 75 95: closeness, words"] = [
        np.percentile([pair[leg] for pair in raw], (5, 25, 50, 75, 95)).round(3).tolist() for leg in (0, 1)
    ]
    print(json.dumps(found["text"]), file=sys.stderr, flush=True)
    found["crossed"] = crossed(data, embedder)
    print(json.dumps(found["crossed"]), file=sys.stderr, flush=True)
    return found


def crossed(data: Path, embedder: RememberingEmbedder) -> dict[str, Any]:
    """Weights of words that are found through the glossary."""
    offers = read_judged(data / "sbir", text_only=True).offers
    names = np.array([offer.id for offer in offers])
    said = [words(offer.text, ENGLISH) for offer in offers]
    lexicon = Lexicon.of(said)
    rows: dict[str, list[tuple[int, float]]] = {}
    for number, terms in enumerate(said):
        for term, weight in lexicon.document_weights(terms).items():
            rows.setdefault(term, []).append((number, weight))
    held = {term: tuple(map(np.array, zip(*pairs, strict=True))) for term, pairs in rows.items()}
    passages = embedder.embed([offer.text for offer in offers], Role.PASSAGE)
    means = own_means({(ENGLISH, Role.PASSAGE): passages}, default_means(), "tuning")
    passages = means.centred(passages, ENGLISH, Role.PASSAGE)
    weights = load_weights()
    grid = list(product((0.5, 0.7, 1.0), (0.5, 1.0), [round(s, 2) for s in np.arange(0, 0.81, 0.05)]))
    figures: dict[str, np.ndarray] = {}
    terms = load_glossary()
    for name, judged in restated(data).items():
        language = judged.needs[0].language or ""
        raw = embedder.embed([need.text for need in judged.needs], Role.QUERY)
        own = own_means({(language, Role.QUERY): raw}, means, "tuning")
        near = weights.meaning_across.values(own.centred(raw, language, Role.QUERY) @ passages.T)
        result = []
        for other, split in product((0.5, 0.7, 1.0), (0.5, 1.0)):
            shares = np.zeros((len(judged.needs), len(offers)))
            for row, need in zip(shares, judged.needs, strict=True):
                times = terms.crossed(need.text, language, ENGLISH, other_forms=other, sharing=split)
                attainable = max(lexicon.attainable_of(times), 1e-9)
                for term, weight in lexicon.weighed(times).items():
                    row[held[term][0]] += weight * held[term][1] / attainable
            told = weights.words_crossed.values(shares)
            for share in dict.fromkeys(parameters[2] for parameters in grid):
                orders = np.argsort(-((1 - share) * near + share * told), axis=1, kind="stable")[:, :10]
                ranked = zip(orders, judged.needs, strict=True)
                result += [[by_recall(names[row].tolist(), list(judged.relevance[need.id])) for row, need in ranked]]
        figures[name] = np.array(result)
    return {"parameters": ["other forms", "sharing", "share of words"], **chosen(figures, grid)}


def main() -> None:
    """Chooses and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRANSFERASE_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=Path("var/models"))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    embedder = RememberingEmbedder(load_embedder(options.cache), options.cache / "benchmark-vectors.npz")
    text = json.dumps(tune(options.data, embedder), indent=1, ensure_ascii=False)
    embedder.save()
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
