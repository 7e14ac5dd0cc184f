"""What is near in meaning to many needs at once: the first half of a full rematch, exact, offers read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from django.db import connection

from transferase.engine.ranking import nearest_of_many
from transferase.matching import _editions as editions
from transferase.matching._candidates import CANDIDATES
from transferase.matching._reach import public_reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from transferase.matching._editions import Standing

# Below so many needs each asks for itself: reading all offers would cost more.
WORTH_IT: Final = 20
_ROWS_AT_ONCE: Final = 16_384
# The beginning and the end of what COPY writes in binary form, and how much stands before the numbers of a vector.
_HEAD, _TAIL = 19, 2


def near_offers(
    needs: Sequence[UUID], edition: Standing, at: datetime, candidates: int = CANDIDATES
) -> dict[UUID, list[UUID]]:
    """The public offers nearest in meaning to each of some needs, by each text of the need; exact.

    Raises EditionChanged when another edition of the index runs already.
    """
    editions.hold_for_reading(edition)
    vectors = list(_vectors("i.listing_id = ANY(%(needs)s)", {"needs": list(needs)}, edition))
    if not vectors:
        return {}
    asking = np.concatenate([ids for ids, _ in vectors])
    ids: list[NDArray[np.void]] = []
    reach = public_reach(at)

    def offers() -> Iterator[NDArray[np.float32]]:
        for read, rows in _vectors(f"i.direction = 'offer' AND {reach.row}", reach.parameters, edition):
            ids.append(read)
            yield rows

    places, _ = nearest_of_many(np.concatenate([rows for _, rows in vectors]), offers(), candidates)
    if not ids:
        return {}
    every = np.concatenate(ids)
    found: dict[UUID, list[UUID]] = {}
    for need, near in zip(asking, places, strict=True):
        held = found.setdefault(UUID(bytes=need.tobytes()), [])
        held += [UUID(bytes=every[place].tobytes()) for place in near]
    return {need: list(dict.fromkeys(near)) for need, near in found.items()}


def _vectors(
    condition: str, parameters: Any, edition: Standing
) -> Iterator[tuple[NDArray[np.void], NDArray[np.float32]]]:
    """The listings and centred vectors of whole public texts, in pieces: read as the bytes that the database has."""
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("id_size", ">i4"),
            ("id", "V16"),
            ("size", ">i4"),
            ("head", "V4"),
            ("numbers", ">f2", (edition.dimension,)),
        ]
    )
    with connection.cursor() as cursor:
        statement = f"""COPY (SELECT i.listing_id, i.centred FROM {editions.RUNNING.index} i
            WHERE i.part = 0 AND i.tier = 'public' AND i.model_version = %(model)s AND i.centred IS NOT NULL
              AND {condition}) TO STDOUT (FORMAT BINARY)"""  # noqa: S608 - constants
        waiting = bytearray()
        is_begun = False
        with cursor.copy(statement, {**parameters, "model": edition.model_version}) as copy:
            for block in copy:
                waiting += block
                if not is_begun and len(waiting) >= _HEAD:
                    del waiting[:_HEAD]
                    is_begun = True
                if len(waiting) >= _ROWS_AT_ONCE * row.itemsize:
                    yield _taken(waiting, row)
        if len(waiting) > _TAIL:
            yield _taken(waiting, row)


def _taken(waiting: bytearray, row: np.dtype[np.void]) -> tuple[NDArray[np.void], NDArray[np.float32]]:
    """The whole rows that stand in a buffer, taken out of it."""
    count = len(waiting) // row.itemsize
    rows = np.frombuffer(bytes(waiting[: count * row.itemsize]), row)
    del waiting[: count * row.itemsize]
    return rows["id"], rows["numbers"].astype(np.float32)
