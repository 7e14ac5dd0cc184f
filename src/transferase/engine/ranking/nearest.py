"""The nearest of many vectors for many others at once, exactly: what a full rematch begins with.

A thousand questions against a hundred thousand vectors take less than a second of one processor, most of it for the
matrix product: after the first rows few products pass the least that a question has found so far.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from transferase.engine.ranking._e5_file import Floats

Places = npt.NDArray[np.int64]
ROWS_AT_ONCE = 4096


def nearest_of_many(asking: Floats, rows: Iterable[Floats], most: int) -> tuple[Places, Floats]:
    """The places of the `most` rows with the greatest inner products for each vector that asks, greatest first.

    `rows` come in pieces, counted on from one to the next; only one piece and what was found is held. Also gives the
    products. Fewer rows than `most` give fewer columns.
    """
    found = np.empty((len(asking), 0), np.float32)
    places = np.empty((len(asking), 0), np.int64)
    start = 0
    for piece in rows:
        for part in np.array_split(piece, max(1, -(-len(piece) // ROWS_AT_ONCE))):
            found, places = _with(found, places, asking @ part.T, start, most)
            start += len(part)
    order = np.argsort(-found, axis=1, kind="stable")
    return np.take_along_axis(places, order, 1), np.take_along_axis(found, order, 1)


def _with(found: Floats, places: Places, products: Floats, start: int, most: int) -> tuple[Floats, Places]:
    """What was found so far with the best of some further rows."""
    if found.shape[1] < most:
        further, at = products, np.broadcast_to(np.arange(start, start + products.shape[1]), products.shape)
    else:
        further, at = _passing(products, found.min(1), start)
    found, places = np.hstack([found, further]), np.hstack([places, at])
    if found.shape[1] <= most:
        return found, places
    kept = np.argpartition(found, found.shape[1] - most, axis=1)[:, -most:]
    return np.take_along_axis(found, kept, 1), np.take_along_axis(places, kept, 1)


def _passing(products: Floats, least: Floats, start: int) -> tuple[Floats, Places]:
    """The products greater than the least of their row, each row filled up to the same length."""
    rows, columns = np.divmod(np.flatnonzero(products > least[:, None]), products.shape[1])
    counts = np.bincount(rows, minlength=len(products))
    width = int(counts.max(initial=0))
    slots = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    further = np.full((len(products), width), -np.inf, np.float32)
    at = np.zeros((len(products), width), np.int64)
    further[rows, slots] = products[rows, columns]
    at[rows, slots] = columns + start
    return further, at
