"""Embedding: texts of any language as unit vectors of one space, whatever model makes them.

One thread is used: two threads take more processor time per text, so more throughput means more processes.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.text import parts, scripts

# Padded tokens per batch: short texts travel together, long ones nearly alone.
BATCH_TOKENS = 1024


class Role(StrEnum):
    """What a text is in a comparison; models are trained with one prefix per role."""

    QUERY = "query"  # a need or typed words
    PASSAGE = "passage"  # an offer
    SENTENCE = "sentence"  # either side of a sentence pair


Prefixes = Mapping[Role, str]


class EmbedderUnavailable(RuntimeError):
    """A model cannot be had or does not answer; words still work. The message is one sentence for people."""


class Embedder(Protocol):
    """Anything that turns texts into unit vectors. Vectors of two model versions must never be compared."""

    @property
    def name(self) -> str:
        """Model and runtime, for people who run the platform."""
        ...

    @property
    def model_version(self) -> str:
        """Names the vector space."""
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    def embed(self, texts: Sequence[str], role: Role) -> Floats:
        """Unit vectors float32 (texts, dimension), in the order of the texts."""
        ...


def token_batches(lengths: Sequence[int], most: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Indexes of texts of similar length, as many together as the token budget holds."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > most:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


# ---------------------------------------------------------------- long texts

PART_SIZE = 1000


def part_size(text: str) -> int:
    """How many letters of a text 256 tokens cover: about 1,000 Latin, 500 Korean or 400 Chinese ones."""
    counted = scripts(text)
    dense = counted.hangul + counted.han + counted.kana
    letters = max(1, dense + counted.latin + counted.other)
    full = 1 + (counted.hangul + 1.5 * (counted.han + counted.kana)) / letters
    return max(1, int(PART_SIZE / full))


def long_parts(text: str) -> list[str]:
    """A long text in parts that 256 tokens cover."""
    return parts(text, part_size(text))


def embed_parts(embedder: Embedder, texts: Sequence[str], role: Role) -> list[Floats]:
    """Unit vectors of the parts of texts of any length, one row for each part."""
    cut = [long_parts(text) or [text] for text in texts]
    flat = embedder.embed([part for pieces in cut for part in pieces], role)
    ends = np.cumsum([len(pieces) for pieces in cut])
    return [flat[end - len(pieces) : end] for end, pieces in zip(ends, cut, strict=True)]


def embed_long(embedder: Embedder, texts: Sequence[str], role: Role) -> Floats:
    """Unit vectors of texts of any length: the mean over the parts of a text, made a unit vector again.

    On the SBIR needs (3,000 characters at the median) the mean over parts finds the awarded offer far better than
    the first 256 tokens (nDCG@10 .75 against .68) or the best single part (.74).
    """
    vectors = np.empty((len(texts), embedder.dimension), np.float32)
    for row, parts_of in enumerate(embed_parts(embedder, texts, role)):
        vectors[row] = parts_of.mean(0)
    return unit(vectors)


def pooled(mean: float, parts: Sequence[float]) -> float:
    """How near a need in parts is to an offer: half by the mean of its parts, half by its nearest part.

    What a need asks for may stand in one part of it only; on the SBIR needs this finds the awarded offer better than
    the mean alone (nDCG@10 .775 against .752) or the nearest part alone (.730).
    """
    return (mean + max(parts)) / 2 if parts else mean


def unit(vectors: Floats) -> Floats:
    """Vectors of length one; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Floats = (vectors / np.where(length > 0, length, 1)).astype(np.float32)
    return result
