"""Trees have the shape of RFC 6962, however they are grown, and a path proves one place only."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.merkle import (
    Tree,
    build_edge,
    compute_depth,
    compute_root,
    fold_edge,
    hash_node,
    iter_siblings,
    list_subtrees,
)
from quorate.core.values import ZERO_HASH

sizes = st.integers(1, 300)


def make_leaves(size: int) -> list[bytes]:
    return [index.to_bytes(32, "big") for index in range(size)]


def define_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, §2.1: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hash_node(define_root(leaves[:split]), define_root(leaves[split:]))


def define_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, §2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*define_path(index, leaves[:split]), define_root(leaves[split:])]
    return [*define_path(index - split, leaves[split:]), define_root(leaves[:split])]


def grow(leaves: list[bytes]) -> Tree:
    tree = Tree()
    tree.extend(leaves)
    return tree


def test_the_empty_tree_has_a_root_that_is_no_hash() -> None:
    assert Tree().compute_root() == fold_edge([]) == ZERO_HASH


@pytest.mark.parametrize("size", range(1, 70))
def test_root_and_paths_are_those_of_the_definition(size: int) -> None:
    leaves = make_leaves(size)
    root = define_root(leaves)
    assert grow(leaves).compute_root() == root
    for index in range(size):
        path = [define_root(leaves[start:end]) for start, end in iter_siblings(index, size)]
        assert path == define_path(index, leaves)
        assert len(path) == compute_depth(index, size)
        assert compute_root(leaves[index], index, size, path) == root


@given(st.lists(st.integers(0, 40), max_size=12))
def test_a_tree_is_the_same_however_it_is_sliced(slices: list[int]) -> None:
    leaves, sliced, single, at = make_leaves(sum(slices)), Tree(), Tree(), 0
    for count in slices:
        sliced.extend(leaves[at : at + count])
        at += count
    for leaf in leaves:
        single.append(leaf)
    assert sliced.compute_root() == single.compute_root() == grow(leaves).compute_root()
    assert sliced.size == len(leaves)


@given(sizes, st.integers(0, 40))
def test_what_append_tells_is_enough_to_go_on_after_a_restart(size: int, more: int) -> None:
    leaves, tree, stored = make_leaves(size + more), Tree(), dict[tuple[int, int], bytes]()
    for leaf in leaves[:size]:
        stored |= tree.append(leaf)
    again = Tree(size, [stored[each] for each in list_subtrees(0, size)])
    for leaf in leaves[size:]:
        assert again.append(leaf) == tree.append(leaf)
    assert again.compute_root() == define_root(leaves)


@given(sizes, st.data())
def test_stored_subtrees_give_every_path_at_every_later_size(
    size: int, data: st.DataObject
) -> None:
    leaves, tree, stored = make_leaves(size), Tree(), dict[tuple[int, int], bytes]()
    for leaf in leaves:
        stored |= tree.append(leaf)
    claimed = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, claimed - 1))
    path = [
        fold_edge([stored[each] for each in list_subtrees(start, end)])
        for start, end in iter_siblings(index, claimed)
    ]
    assert path == define_path(index, leaves[:claimed])


@pytest.mark.parametrize("size", [0, 1, 2, 5, 8, 100])
def test_a_forked_chains_tree_begins_with_empty_places(size: int) -> None:
    edge = dict(build_edge(size))
    tree = Tree(size, [edge[each] for each in list_subtrees(0, size)])
    leaves = [ZERO_HASH] * size + make_leaves(3)
    tree.extend(leaves[size:])
    assert tree.compute_root() == define_root(leaves)


def test_a_copy_grows_alone() -> None:
    tree = grow(make_leaves(5))
    root, copy = tree.compute_root(), tree.copy()
    copy.append(bytes(32))
    assert (tree.compute_root(), tree.size, copy.size) == (root, 5, 6)
    assert copy.compute_root() != root


def test_an_edge_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Tree(5, [bytes(32)])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_a_path_of_another_length_is_refused(size: int) -> None:
    for index in range(size):
        path = define_path(index, make_leaves(size))
        for wrong in ([*path, bytes(32)], path[1:]):
            if wrong != path:
                with pytest.raises(ValueError, match="zip"):
                    compute_root(bytes(32), index, size, wrong)


def test_no_other_place_or_leaf_has_the_path(rng: random.Random) -> None:
    leaves = [rng.randbytes(32) for _ in range(37)]
    root = define_root(leaves)
    for index in range(37):
        path = define_path(index, leaves)
        for other in range(37):
            if other != index and compute_depth(other, 37) == len(path):
                assert compute_root(leaves[index], other, 37, path) != root
                assert compute_root(leaves[other], index, 37, path) != root


def test_huge_sizes_cost_no_more_than_their_depth() -> None:
    assert compute_depth(2**64 - 2, 2**64 - 1) <= 64
    assert compute_depth(0, 2**64 - 1) == 64
