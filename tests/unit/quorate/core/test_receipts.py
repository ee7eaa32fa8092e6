"""Packed receipts: canonical columns of one block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.applied import Receipt
from quorate.core.codec import Reader
from quorate.core.errors import MalformedBytes
from quorate.core.outcomes import EXPIRED, INSUFFICIENT_BALANCE, OUTCOMES, has_reference
from quorate.core.receipts import (
    Packer,
    encode_receipt,
    find_receipt,
    hash_receipts,
    pack_receipts,
    read_receipt,
    unpack_receipts,
)

HASH = st.binary(min_size=32, max_size=32)
U64 = st.integers(0, 2**64 - 1)
CODE = st.sampled_from(sorted(OUTCOMES))
RECEIPT = st.builds(Receipt, HASH, HASH, st.integers(0, 255), U64, CODE, U64, st.just(b""))


def with_reference(receipt):
    return receipt._replace(reference=b"f" * 32) if has_reference(receipt.code) else receipt


def flip(data):
    return data[:-1] + bytes((data[-1] ^ 1,))


@given(st.lists(RECEIPT.map(with_reference), max_size=12))
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
    assert sorted(columns.references) == [
        i for i, r in enumerate(receipts) if has_reference(r.code)
    ]


@given(st.lists(RECEIPT.map(with_reference), max_size=12), st.integers(1, 5))
def test_the_hash_is_the_same_however_it_is_sliced_and_from_what_is_packed(receipts, size):
    packer = Packer()
    for start in range(0, len(receipts), size):
        packer.add(receipts[start : start + size])
    assert packer.pack() == pack_receipts(receipts)
    assert packer.compute_hash() == hash_receipts(packer.pack())


@given(st.lists(RECEIPT.map(with_reference), min_size=1, max_size=6), st.data())
def test_the_hash_tells_every_field_order_and_count_apart(receipts, data):
    index = data.draw(st.integers(0, len(receipts) - 1))
    one = receipts[index]
    others = [
        receipts[:index] + receipts[index + 1 :],
        [*receipts, one],
        *[
            [*receipts[:index], one._replace(**change), *receipts[index + 1 :]]
            for change in (
                {"id": flip(one.id)}, {"sender": flip(one.sender)}, {"lane": one.lane ^ 1},
                {"sequence": one.sequence ^ 1}, {"fee": one.fee ^ 1},
                {"code": INSUFFICIENT_BALANCE if one.code != INSUFFICIENT_BALANCE else EXPIRED,
                 "reference": b""},
            )
        ],
    ]  # fmt: skip
    hashes = {hash_receipts(pack_receipts(each)) for each in (receipts, *others)}
    assert len(hashes) == len(others) + 1


@given(RECEIPT.map(with_reference))
def test_a_single_receipt_reads_back_from_what_its_leaf_is_the_hash_of(receipt):
    reader = Reader(encode_receipt(receipt), "receipt")
    assert read_receipt(reader) == receipt
    reader.end()


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
