"""Packed receipts: canonical columns of one block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.errors import MalformedBytes
from quorate.core.outcomes import DUPLICATE, OUTCOMES
from quorate.core.receipts import find_receipt, pack_receipts, unpack_receipts
from quorate.core.transition import Receipt

HASH = st.binary(min_size=32, max_size=32)
U64 = st.integers(0, 2**64 - 1)
CODE = st.sampled_from(sorted(OUTCOMES))
RECEIPT = st.builds(Receipt, HASH, HASH, st.integers(0, 255), U64, CODE, U64, st.just(b""))


def with_first(receipt):
    return receipt._replace(first_id=b"f" * 32) if receipt.code == DUPLICATE else receipt


@given(st.lists(RECEIPT.map(with_first), max_size=12))
def test_columns_and_single_receipts_read_back(receipts):
    packed = pack_receipts(receipts)
    columns = unpack_receipts(packed)
    assert columns.count == len(receipts)
    assert columns.ids == b"".join(r.id for r in receipts)
    assert columns.senders == b"".join(r.sender for r in receipts)
    assert list(columns.lanes) == [r.lane for r in receipts]
    assert list(columns.sequences) == [r.sequence for r in receipts]
    assert list(columns.codes) == [r.code for r in receipts]
    assert list(columns.fees) == [r.fee for r in receipts]
    assert [find_receipt(packed, i) for i in range(len(receipts))] == receipts
    assert sorted(columns.first_ids) == [i for i, r in enumerate(receipts) if r.code == DUPLICATE]


def test_other_layouts_are_refused():
    packed = pack_receipts([Receipt(bytes(32), bytes(32), 0, 0, 0, 0, b"")])
    for wrong in (b"", packed[:-1], packed + b"x", b"\x02" + packed[1:]):
        with pytest.raises(MalformedBytes):
            unpack_receipts(wrong)
    unknown = bytearray(packed)
    unknown[-9] = 200
    with pytest.raises(MalformedBytes):
        unpack_receipts(bytes(unknown))
    with pytest.raises(MalformedBytes):
        find_receipt(packed, 1)
