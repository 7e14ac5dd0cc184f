"""How near codes of the classification are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transferase.engine.ranking import ipc_path, ipc_similarity, shared_nodes

CODES = st.lists(
    st.builds("{}{:02d}{} {}/{}".format, *map(st.sampled_from, ("AH", (1, 61), "BK", (6, 36), ("00", "03", "9711")))),
    max_size=4,
)


@pytest.mark.parametrize(
    ("a", "b", "value", "node"),
    [
        ("A61K 36/03", "A61K 36/03", 1.0, "A61K 36/03"),
        ("A61K36/03", "A61K 36/25", 0.8, "A61K 36"),
        ("A61K 36/03", "A61K 8/97", 0.6, "A61K"),
        ("A61K", "A61P 29/00", 0.35, "A61"),
        ("A61K", "A23L", 0.1, "A"),
        ("A61K", "H01M", 0.0, ""),
        ("A61K 36/00", "A61K 36/03", 0.8, "A61K 36"),
        ("nonsense", "A61K", 0.0, ""),
    ],
)
def test_closeness_of_codes(a, b, value, node):
    fit = ipc_similarity([a], [b])
    assert (fit.value, fit.shared_node) == (value, node)


@given(CODES, CODES)
def test_similarity_is_symmetric_and_grows_with_more_codes(a, b):
    fit = ipc_similarity(a, b)
    assert 0 <= fit.value <= 1
    assert fit.value == ipc_similarity(b, a).value
    assert ipc_similarity([*a, *b], b).value >= fit.value


def test_a_rare_node_counts_more():
    rarity = {"A61K": 0.0, "H01M": 1.0}.__getitem__
    common = ipc_similarity(["A61K"], ["A61K"], rarity).value
    rare = ipc_similarity(["H01M"], ["H01M"], rarity).value
    assert common == pytest.approx(rare / 2)


def test_paths_and_shared_nodes():
    assert ipc_path("c12n0015/113") == ("C", "C12", "C12N", "C12N 15", "C12N 15/113")
    assert ipc_path("Z99") == ()
    assert shared_nodes(["C12N 15/113", "A61K 31/00"], ["C12N 15/82", "A61K"]) == ["C12N 15", "A61K", "C12N"]
