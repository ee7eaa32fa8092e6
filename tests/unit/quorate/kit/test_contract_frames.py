"""Blocks and what slices did, as storage and the contract-runner tell each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.applied import Applied, Receipt
from quorate.core.context import Context
from quorate.core.errors import InvalidGenesis, MalformedBytes
from quorate.core.outcomes import OUTCOMES, has_reference
from quorate.core.params import Params
from quorate.kit.contract_frames import build_begin, decode_applied, decode_begin, encode_applied
from tests.unit.quorate.core.chains import build_header

HASH = st.binary(min_size=32, max_size=32)
U64 = st.integers(0, 2**64 - 1)
RECEIPT = st.builds(
    Receipt, HASH, HASH, st.integers(0, 255), U64, st.sampled_from(sorted(OUTCOMES)), U64, HASH
).map(lambda receipt: receipt if has_reference(receipt.code) else receipt._replace(reference=b""))
APPLIED = st.builds(
    Applied,
    st.lists(RECEIPT, max_size=4),
    st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=20)), max_size=3),
    st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.binary(max_size=9)), max_size=4),
    U64, st.lists(st.binary(max_size=40), max_size=3), st.lists(HASH, max_size=2),
)  # fmt: skip


class NoMachine:
    """A machine that nobody asks."""


@given(APPLIED)
def test_what_a_slice_did_reads_back(applied: Applied) -> None:
    travelled = pb.Done.FromString(encode_applied(applied).SerializeToString())
    assert decode_applied(travelled) == applied


def test_a_block_reads_back_with_its_parameters_in_force() -> None:
    context = Context(build_header(7), Params(deposit_per_byte=3, base_fee_min=9), b"d" * 32)
    found = decode_begin(build_begin(context), NoMachine())  # type: ignore[arg-type]
    assert (found.header, found.params, found.domain) == (
        context.header, context.params, context.domain,
    )  # fmt: skip


@pytest.mark.parametrize("receipt", [b"", bytes(81), bytes(83)])
def test_receipts_of_another_length_are_malformed(receipt: bytes) -> None:
    with pytest.raises(MalformedBytes):
        decode_applied(pb.Done(receipts=[receipt]))


def test_a_block_of_unknown_parameters_is_refused() -> None:
    begin = build_begin(Context(build_header(7), Params(), b"d" * 32))
    begin.params = b'{"unheard_of": 1}'
    with pytest.raises(InvalidGenesis):
        decode_begin(begin, NoMachine())  # type: ignore[arg-type]
