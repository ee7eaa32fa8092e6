"""Records of world state are canonical, and the view writes exactly what changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.errors import MalformedBytes
from quorate.core.state import (
    Account,
    Changes,
    Idempotency,
    Mark,
    compute_account_key,
    compute_expiry_key,
    compute_idempotency_key,
    compute_mark_key,
    decode_account,
    decode_expiries,
    decode_idempotency,
    decode_mark,
    encode_expiries,
)

U64 = st.integers(0, 2**64 - 1)
LANES = st.dictionaries(st.integers(0, 255), U64, max_size=20)


@given(U64, LANES)
def test_an_account_reads_back_as_it_was(balance, lanes):
    account = decode_account(Account(balance, lanes).encode())
    assert (account.balance, account.lanes) == (balance, lanes)


@given(U64, LANES)
def test_the_order_in_which_lanes_were_used_does_not_show(balance, lanes):
    backwards = dict(reversed(lanes.items()))
    assert Account(balance, lanes).encode() == Account(balance, backwards).encode()


@given(st.binary(max_size=64))
def test_what_decodes_is_the_canonical_record(data):
    try:
        account = decode_account(data)
    except MalformedBytes:
        return
    assert account.encode() == data


def test_an_account_with_nothing_in_it_is_no_record():
    assert Account(0, {}).encode() == b""
    with pytest.raises(MalformedBytes):
        decode_account(bytes((1,)) + bytes(9))


def test_the_layout_of_an_account_is_pinned():
    record = Account(7, {2: 3, 0: 1}).encode()
    assert record.hex() == ("01000000000000000702000000000000000001020000000000000003")


@pytest.mark.parametrize(
    "record",
    [b"\x02" + bytes(8) + b"\x00", bytes(9), b"\x01" + bytes(7) + b"\x01\x01", bytes(11)],
)
def test_other_layouts_are_refused(record):
    with pytest.raises(MalformedBytes):
        decode_account(record)


def test_lanes_out_of_order_are_refused():
    good = Account(1, {1: 1, 2: 2}).encode()
    swapped = good[:10] + good[19:] + good[10:19]
    with pytest.raises(MalformedBytes):
        decode_account(swapped)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), U64)
def test_an_idempotency_record_reads_back(payload_hash, first, until):
    record = Idempotency(payload_hash, first, until)
    assert decode_idempotency(record.encode()) == record
    with pytest.raises(MalformedBytes):
        decode_idempotency(record.encode() + b"x")


@given(st.lists(st.binary(min_size=32, max_size=96)))
def test_expiry_lists_read_back_in_order(names):
    assert decode_expiries(encode_expiries(names)) == names


def test_a_cut_expiry_list_is_refused():
    with pytest.raises(MalformedBytes):
        decode_expiries(encode_expiries([bytes(40)])[:-1])


def test_keys_of_different_kinds_never_meet():
    keys = {compute_account_key(bytes(32)), compute_idempotency_key(bytes(32), b"")}
    assert len({*keys, compute_expiry_key(0)}) == 3


def test_only_what_changed_is_written_and_in_order():
    addresses = [bytes([i]) * 32 for i in range(5)]
    records = {compute_account_key(a): Account(10, {}).encode() for a in addresses}
    changes = Changes(records)
    for address in reversed(addresses):
        changes.get_account(address)
    changes.get_account(addresses[3]).balance += 1
    changes.get_account(addresses[1]).balance = 0
    changes.put(b"x1", b"")
    writes = [write for part in changes.iter_writes(2) for write in part]
    assert writes == [
        (compute_account_key(addresses[1]), b""),
        (compute_account_key(addresses[3]), Account(11, {}).encode()),
        (b"x1", b""),
    ]


def test_many_writes_come_in_the_same_order_as_few():
    addresses = [(i * 7919 % 65_536).to_bytes(2, "big") * 16 for i in range(3_000)]
    records = {compute_account_key(a): b"" for a in addresses}
    changes = Changes(records)
    for address in addresses:
        changes.get_account(address).balance = 1
    parts = list(changes.iter_writes(200))
    writes = [write for part in parts for write in part]
    assert writes == sorted(writes)
    assert len(writes) == len(set(addresses))
    assert max(map(len, parts)) <= 200


def test_a_record_that_was_not_loaded_is_our_own_bug_and_never_reads_as_absent():
    with pytest.raises(KeyError):
        Changes({}).get_account(bytes(32))


@given(U64, U64, st.binary(min_size=32, max_size=32))
def test_a_mark_reads_back_as_it_was(view, height, evidence_hash):
    mark = Mark(view, height, evidence_hash)
    assert decode_mark(mark.encode()) == mark


@given(st.binary(max_size=64))
def test_what_is_no_mark_is_refused(data):
    try:
        assert decode_mark(data).encode() == data
    except MalformedBytes:
        assert len(data) != 49 or data[0] != 1


def test_the_layout_of_a_mark_is_pinned():
    assert compute_mark_key(2, 3) == b"m" + bytes(7) + b"\2" + b"\0\3"
    assert Mark(5, 6, b"h" * 32).encode() == b"\1" + bytes(7) + b"\5" + bytes(7) + b"\6" + b"h" * 32
