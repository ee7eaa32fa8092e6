"""What a header may claim about execution (docs/protocol.md#X1 to X4). The only home of this rule.

`write_digest` chains over each block's sorted writes, so a divergence shows at every block.
`receipts_root` is the root of a tree (core/merkle.py) with the receipts hash of each block from 1
up to the claimed height, so every later header proves every earlier receipt (docs/protocol.md#Q2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final

from quorate.core.blocks import Executed
from quorate.core.codec import U32
from quorate.core.seats import SeatSet
from quorate.core.values import ZERO_HASH, Hash

_TAG_WRITES: Final = b"quorate/writes/v1"


class Judgement(Enum):
    """A three-valued decision: what can't be judged yet is not invalid."""

    VALID = "valid"
    INVALID = "invalid"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Result:
    """What executing the final block at `height` gave here.

    `receipts_root` is over the receipts of all blocks up to this one (docs/protocol.md#Q2).
    `next_set` is the set that the last block of an epoch gives (docs/protocol.md#N4).
    """

    height: int
    write_digest: bytes
    receipts_root: bytes
    next_set: SeatSet | None = None


class WriteDigest:
    """The next link of the digest chain, computed over slices of writes in ascending order."""

    def __init__(self, previous: bytes) -> None:
        self._digest = sha256(bytes((len(_TAG_WRITES),)) + _TAG_WRITES + previous)

    def add(self, writes: list[tuple[bytes, bytes]]) -> None:
        """Take the next (key, value) writes; b"" is a deletion."""
        size = U32.pack
        parts = [p for k, v in writes for p in (size(len(k)), k, size(len(v)), v)]
        self._digest.update(b"".join(parts))

    def compute(self) -> Hash:
        """Return the link over all writes taken."""
        return Hash(self._digest.digest())


def compute_write_digest(previous: bytes, writes: list[tuple[bytes, bytes]]) -> Hash:
    """Return the next link of the digest chain over (key, value) writes; b"" is a deletion."""
    digest = WriteDigest(previous)
    digest.add(sorted(writes))
    return digest.compute()


def compute_claim(parent: Executed, height: int, results: Mapping[int, Result]) -> Executed | None:
    """Return the claim a child of `parent` makes for `height`; None when a result is missing.

    The newest set hash is carried on until another set is known (docs/protocol.md#N4).

    Shapes: `results` maps heights to results and must hold parent.height+1 … height.
    """
    if height == parent.height:
        return parent
    next_set_hash = parent.next_set_hash
    for each in range(parent.height + 1, height + 1):
        if each not in results:
            return None
        next_set = results[each].next_set
        if next_set is not None:
            next_set_hash = next_set.hash
    result = results[height]
    return Executed(height, result.write_digest, ZERO_HASH, result.receipts_root, next_set_hash)


def judge_claim(
    parent: Executed, claim: Executed, own_height: int, results: Mapping[int, Result]
) -> Judgement:
    """Judge a header's claim against the parent's claim and what was executed here so far."""
    if claim.height < parent.height:
        return Judgement.INVALID
    if claim.height == parent.height:
        return Judgement.VALID if claim == parent else Judgement.INVALID
    if claim.height > own_height:
        return Judgement.UNDECIDED
    expected = compute_claim(parent, claim.height, results)
    if expected is None:
        return Judgement.UNDECIDED
    return Judgement.VALID if claim == expected else Judgement.INVALID
