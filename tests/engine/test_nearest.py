"""The nearest of many: what sorting all products gives, whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transferase.engine.ranking import nearest_of_many


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.integers(1, 15),
)
def test_the_nearest_are_those_of_sorting_all(seed, asking, pieces, most):
    rng = np.random.default_rng(seed)
    questions = rng.standard_normal((asking, 8)).astype(np.float32)
    rows = [rng.standard_normal((size, 8)).astype(np.float32) for size in pieces]
    everything = np.vstack(rows)
    places, products = nearest_of_many(questions, rows, most)
    expected = np.sort(questions @ everything.T, axis=1)[:, ::-1][:, :most]
    assert places.shape == products.shape == expected.shape
    assert np.allclose(products, expected, atol=1e-5)
    assert np.allclose(np.take_along_axis(questions @ everything.T, places, 1), products, atol=1e-5)
    assert all(len(set(row)) == len(row) for row in places.tolist())


def test_equal_rows_are_each_found_once():
    row = np.ones((1, 4), np.float32)
    places, products = nearest_of_many(row, [np.ones((3, 4), np.float32), np.ones((3, 4), np.float32)], 4)
    assert len(set(places[0].tolist())) == 4
    assert products.tolist() == [[4.0] * 4]


@pytest.mark.parametrize("rows", [[], [np.empty((0, 4), np.float32)]])
def test_of_nothing_nothing_is_near(rows):
    places, products = nearest_of_many(np.ones((2, 4), np.float32), rows, 3)
    assert places.shape == products.shape == (2, 0)
