"""Evidence is exactly what docs/protocol.md#V1 lists; everything else is lawful."""

from itertools import product

import pytest

from quorate.core.bft.evidence import Signed, find_conflict, is_conflict
from quorate.core.bft.messages import Kind, Proposal, Vote
from quorate.core.blocks import Block, build_root
from quorate.core.params import Params
from quorate.core.values import ZERO_HASH

BLOCKS = [build_root(bytes((n,)) * 32, 1, Params()) for n in (1, 2)]
KINDS = (Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)
P, N, Z, F = KINDS


def make(kind: Kind, block: Block) -> Signed:
    if kind is P:
        return Proposal(block, bytes(64))
    return Vote(kind, 0, 0, ZERO_HASH if kind is Z else block.digest, 1, bytes(64))


OTHER_DIGEST = {(P, P), (N, N), (F, F), (F, N), (N, F)}
ANY_DIGEST = {(F, Z), (Z, F)}


@pytest.mark.parametrize(("first", "second"), list(product(KINDS, KINDS)))
def test_pairs_of_one_digest(first: Kind, second: Kind) -> None:
    pair = make(first, BLOCKS[0]), make(second, BLOCKS[0])
    assert is_conflict(*pair) == ((first, second) in ANY_DIGEST)


@pytest.mark.parametrize(("first", "second"), list(product(KINDS, KINDS)))
def test_pairs_of_two_digests(first: Kind, second: Kind) -> None:
    pair = make(first, BLOCKS[0]), make(second, BLOCKS[1])
    assert is_conflict(*pair) == ((first, second) in OTHER_DIGEST | ANY_DIGEST)


def test_notarize_and_then_nullify_is_lawful() -> None:
    assert not is_conflict(make(N, BLOCKS[0]), make(Z, BLOCKS[0]))


def test_the_first_conflicting_message_is_found() -> None:
    known = [make(N, BLOCKS[0]), make(Z, BLOCKS[0])]
    assert find_conflict(known, make(F, BLOCKS[0])) == known[1]
    assert find_conflict(known, make(N, BLOCKS[1])) == known[0]
    assert find_conflict(known, make(N, BLOCKS[0])) is None
