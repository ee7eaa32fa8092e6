"""Merkle trees as in RFC 6962 (Certificate Transparency), §2.1, with tags of this house.

A tree of n leaves splits at the largest power of two below n, so its shape depends on n alone and
nothing is padded. A path proves a leaf only together with n: whoever uses one binds n to the root
(core/receipts.py does by hash, core/results.py by the claimed height). RFC 6962 keeps leaves and
nodes apart by a byte in front, here tags do (docs/protocol.md#S2). An empty tree has ZERO_HASH as
its root, which is no node's.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from quorate.core.values import ZERO_HASH, Hash

_TAG_NODE: Final = b"quorate/tree-node/v1"
# What crypto.compute_hash begins with: there are as many nodes as leaves, so none is hashed slowly.
_NODE: Final = bytes((len(_TAG_NODE),)) + _TAG_NODE
# A complete subtree: (level, index) covers the leaves index·2^level … (index + 1)·2^level − 1.
Subtree = tuple[int, int]


class Tree:
    """A tree that grows at its right edge: keeps one hash per complete subtree there."""

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """Begin empty, or with the roots of `list_subtrees(0, size)`, which `edge` holds."""
        self.size = size
        levels = [level for level, _ in list_subtrees(0, size)]
        self._edge: list[bytes] = [b""] * size.bit_length()
        for level, root in zip(levels, edge, strict=True):
            self._edge[level] = root

    def copy(self) -> "Tree":
        """Return a tree of the same leaves that grows on its own."""
        other = Tree()
        other.size, other._edge = self.size, self._edge[:]
        return other

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Take the hashes of the next leaves, however they are sliced."""
        self.size += len(leaves)
        level, row = 0, list(leaves)
        while row:
            self._edge += [b""] * (level + 1 - len(self._edge))
            if self._edge[level]:
                row.insert(0, self._edge[level])
                self._edge[level] = b""
            if len(row) % 2:
                self._edge[level] = row.pop()
            packed = b"".join(row)
            row = [sha256(_NODE + packed[i : i + 64]).digest() for i in range(0, len(packed), 64)]
            level += 1

    def append(self, leaf: bytes) -> list[tuple[Subtree, bytes]]:
        """Take the hash of the next leaf; return all complete subtrees that end with it."""
        level, index, root = 0, self.size, leaf
        done: list[tuple[Subtree, bytes]] = [((0, index), leaf)]
        while level < len(self._edge) and self._edge[level]:
            root = hash_node(self._edge[level], root)
            self._edge[level] = b""
            level, index = level + 1, index // 2
            done.append(((level, index), root))
        self._edge += [b""] * (level + 1 - len(self._edge))
        self._edge[level] = root
        self.size += 1
        return done

    def compute_root(self) -> Hash:
        """Return the root over all leaves taken."""
        return fold_edge([root for root in reversed(self._edge) if root])


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children."""
    return sha256(_NODE + left + right).digest()


def fold_edge(roots: Sequence[bytes]) -> Hash:
    """Return the root over complete subtrees, the largest first."""
    if not roots:
        return ZERO_HASH
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = hash_node(left, root)
    return Hash(root)


def list_subtrees(start: int, end: int) -> list[Subtree]:
    """Return the complete subtrees that make up start … end − 1, the largest first.

    `start` must be a multiple of the least power of two that is not below end − start.
    """
    subtrees, at = list[Subtree](), start
    while at < end:
        level = (end - at).bit_length() - 1
        subtrees.append((level, at >> level))
        at += 1 << level
    return subtrees


def build_edge(size: int) -> list[tuple[Subtree, bytes]]:
    """Return the complete subtrees of a tree whose leaves are all ZERO_HASH.

    A forked chain's tree begins so: places of its parent's blocks, of which it holds nothing.
    """
    roots: list[bytes] = [ZERO_HASH]
    for _ in range(size.bit_length()):
        roots.append(hash_node(roots[-1], roots[-1]))
    return [((level, index), roots[level]) for level, index in list_subtrees(0, size)]


def iter_siblings(index: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of the leaves below each sibling of a path, from leaf to root.

    This is the walk of RFC 9162, §2.1.3.2: the last node of an odd row moves up as it is.
    """
    level, last = 0, size - 1
    while last:
        if index % 2:
            yield (index - 1) << level, index << level
        elif index < last:
            yield (index + 1) << level, min((index + 2) << level, size)
        level, index, last = level + 1, index >> 1, last >> 1


def compute_depth(index: int, size: int) -> int:
    """Return how many hashes the path of a leaf has."""
    return sum(1 for _ in iter_siblings(index, size))


def compute_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> Hash:
    """Return the root that a leaf's path leads to; `path` has compute_depth(index, size) hashes."""
    root = leaf
    for (start, _), sibling in zip(iter_siblings(index, size), path, strict=True):
        root = hash_node(sibling, root) if start < index else hash_node(root, sibling)
    return Hash(root)
