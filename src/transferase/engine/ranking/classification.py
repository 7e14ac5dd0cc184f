"""How near two listings stand in the International Patent Classification."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_CODE = re.compile(r"\s*([A-Ha-h])(?:(\d{2})(?:([A-Za-z])(?:\s*(\d{1,4})(?:\s*/\s*(\d{2,6}))?)?)?)?\s*$")
# Section, class, subclass, main group, subgroup: the deepest node that two codes share says how near they are.
CLOSENESS = (0.1, 0.35, 0.6, 0.8, 1.0)

Rarity = Callable[[str], float]


@dataclass(frozen=True)
class IpcFit:
    """How near two sets of codes are, 0 to 1, and the deepest node that they share ("" for none)."""

    value: float
    shared_node: str


def ipc_path(code: str) -> tuple[str, ...]:
    """A code as its nodes from the section down: "A61K 36/03" is A, A61, A61K, A61K 36, A61K 36/03.

    Empty for what is no IPC or CPC code. A main group written "6/00" ends at the main group.
    """
    found = _CODE.match(code)
    if not found:
        return ()
    section, number, letter, group, subgroup = found.groups()
    nodes = [section.upper()]
    if number:
        nodes.append(nodes[-1] + number)
    if letter:
        nodes.append(nodes[-1] + letter.upper())
    if group:
        nodes.append(f"{nodes[-1]} {int(group)}")
        if subgroup and subgroup.strip("0"):
            nodes.append(f"{nodes[-1]}/{subgroup}")
    return tuple(nodes)


def ipc_similarity(a: Sequence[str], b: Sequence[str], idf: Rarity | None = None) -> IpcFit:
    """The nearest pair of codes: 1 for the same subgroup, .8 main group, .6 subclass, .35 class, .1 section.

    `idf` gives the rarity of a node from 0 (everywhere) to 1 (nearly nowhere); a shared rare node counts fully, a
    shared common one half. Equal codes that stop early, two subclasses say, count as deep as they go.
    """
    best = IpcFit(0.0, "")
    paths = {path for code in b if (path := ipc_path(code))}
    for mine in {path for code in a if (path := ipc_path(code))}:
        for theirs in paths:
            depth = _shared_depth(mine, theirs)
            if depth == 0:
                continue
            node = mine[depth - 1]
            value = CLOSENESS[depth - 1]
            if idf is not None:
                value *= 0.5 + 0.5 * min(1.0, max(0.0, idf(node)))
            if (value, node) > (best.value, best.shared_node):
                best = IpcFit(value, node)
    return best


def shared_nodes(a: Iterable[str], b: Iterable[str], least_depth: int = 3) -> list[str]:
    """The nodes from the subclass down that both sides stand under, deepest first."""
    mine = {node: depth for code in a for depth, node in enumerate(ipc_path(code), 1)}
    theirs = {node for code in b for node in ipc_path(code)}
    common = [(depth, node) for node, depth in mine.items() if node in theirs and depth >= least_depth]
    return [node for depth, node in sorted(common, key=lambda pair: (-pair[0], pair[1]))]


def _shared_depth(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    depth = 0
    for mine, theirs in zip(a, b, strict=False):
        if mine != theirs:
            break
        depth += 1
    return depth
