"""A block's digest is its header's; the base fee follows its parent; block 0 is the genesis."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.blocks import (
    HEADER_BYTES,
    Block,
    Executed,
    Suspect,
    build_root,
    compute_base_fee,
    compute_batches_hash,
    compute_handover_hash,
)
from quorate.core.errors import MalformedBytes
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.values import ZERO_HASH

PARAMS = Params()
FULL, HALF = PARAMS.block_weight_max, PARAMS.block_weight_max // 2
NAMES = (b"\1" * 32, b"\2" * 32)
ROOT = build_root(b"\x99" * 32, 1_000, PARAMS)
HEADER = dataclasses.replace(ROOT.header, height=1, batches_hash=compute_batches_hash(NAMES))


def test_a_block_reads_back_with_its_digest() -> None:
    block = Block.build(HEADER, NAMES)
    assert Block.decode(block.encode()) == block
    assert len(block.encode()) == HEADER_BYTES + 4 + 64


def test_every_field_of_the_header_makes_another_digest() -> None:
    digests = {Block.build(HEADER, NAMES).digest}
    for field in dataclasses.fields(HEADER):
        value = getattr(HEADER, field.name)
        if field.name == "executed":
            changed: object = dataclasses.replace(value, write_digest=b"\5" * 32)
        elif field.name == "suspect":
            changed = Suspect(1, 0)
        else:
            changed = b"\5" * 32 if isinstance(value, bytes) else value + 1
        digests.add(Block.build(dataclasses.replace(HEADER, **{field.name: changed}), NAMES).digest)
    assert len(digests) == 1 + len(dataclasses.fields(HEADER))


def test_a_batch_list_that_is_not_the_headers_is_malformed() -> None:
    for names in ((), NAMES[:1], NAMES[::-1], (*NAMES, NAMES[0])):
        with pytest.raises(MalformedBytes, match="batch list"):
            Block.decode(HEADER.encode() + bytes(4) + b"".join(names))
    with pytest.raises(MalformedBytes, match="multiple of 32"):
        Block.decode(Block.build(HEADER, NAMES).encode()[:-1])


def test_a_handover_that_is_not_the_headers_is_malformed() -> None:
    header = dataclasses.replace(HEADER, handover_hash=compute_handover_hash(b"proof"))
    block = Block.build(header, NAMES, b"proof")
    assert Block.decode(block.encode()) == block
    for handover in (b"", b"other"):
        with pytest.raises(MalformedBytes, match="handover"):
            Block.decode(dataclasses.replace(block, handover=handover).encode())
    with pytest.raises(MalformedBytes, match="handover"):
        Block.decode(Block.build(HEADER, NAMES, b"proof").encode())


def test_block_0_is_the_genesis_and_claims_nothing() -> None:
    assert ROOT.digest == b"\x99" * 32
    assert (ROOT.header.height, ROOT.header.view, ROOT.batches) == (0, 0, ())
    assert ROOT.header.base_fee == PARAMS.base_fee_min
    assert ROOT.header.executed == Executed(0, *[ZERO_HASH] * 4)


@pytest.mark.parametrize(
    ("base_fee", "weight", "child"),
    [
        (1_000, HALF, 1_000),  # on target
        (1_000, FULL, 1_125),  # full: an eighth more
        (1_000, 0, 875),  # empty: an eighth less
        (1_000, HALF + 1, 1_001),  # above the target it always grows
        (1, FULL, 2),
        (1, 0, 1),  # never under the minimum
        (8, 0, 7),
        (2, 0, 1),
    ],
)
def test_base_fee_moves_by_an_eighth_at_most(base_fee: int, weight: int, child: int) -> None:
    assert compute_base_fee(base_fee, weight, PARAMS) == child


@given(st.integers(1, 2**62), st.integers(0, FULL))
def test_base_fee_stays_in_its_bounds(base_fee: int, weight: int) -> None:
    child = compute_base_fee(base_fee, weight, PARAMS)
    assert isinstance(child, int)
    assert child >= PARAMS.base_fee_min
    assert abs(child - base_fee) <= max(1, -(-base_fee // 8))
    if weight > HALF:
        assert child > base_fee
    if weight < HALF:
        assert child <= base_fee


@given(st.integers(1, 2**40), st.integers(0, FULL), st.integers(0, FULL))
def test_a_heavier_parent_never_gives_a_lower_base_fee(base_fee: int, one: int, two: int) -> None:
    light, heavy = sorted((one, two))
    fees = [compute_base_fee(base_fee, weight, PARAMS) for weight in (light, heavy)]
    assert fees == sorted(fees)


def test_full_blocks_without_end_leave_a_base_fee_that_a_header_can_carry() -> None:
    """Also when nobody pays it: a faulty author can fill blocks with what is only skipped."""
    base_fee = 1
    for _ in range(1_000):
        base_fee = compute_base_fee(base_fee, FULL, PARAMS)
    assert base_fee == SUPPLY_MAX
    assert Block.decode(Block.build(dataclasses.replace(HEADER, base_fee=base_fee), NAMES).encode())


def test_empty_blocks_bring_any_base_fee_down_to_the_minimum() -> None:
    base_fee = 10**9
    for _ in range(1_000):
        base_fee = compute_base_fee(base_fee, 0, PARAMS)
    assert base_fee == PARAMS.base_fee_min
