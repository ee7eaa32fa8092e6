"""Records of checked transactions survive packing."""

from quorate.core.gossip.entries import RECORD, Checked, build_slot, unpack_records


def test_records_come_back_as_they_were() -> None:
    slot = build_slot(b"s" * 32, 3, 7)
    key, digest = b"key".ljust(64, b"\0"), b"p" * 32
    record = Checked(b"i" * 32, slot, 7, 9, 10, 1, 300, 5, 230, 3, 3, key, digest)
    packed = record.pack() * 2
    assert len(packed) == 2 * RECORD.size
    assert unpack_records(packed) == [record, record]
    assert record.sender == b"s" * 32
    assert record.scoped_key == b"s" * 32 + b"key"
    assert record._replace(key_bytes=0).scoped_key == b""


def test_more_spent_than_there_can_be_is_still_a_record() -> None:
    record = Checked(
        b"i" * 32, build_slot(b"s" * 32, 0, 0), 0, 9, 1, 1, 1, 16 * (2**64 - 1), 9, 0, 0, b"", b""
    )
    assert unpack_records(record.pack())[0].spent == 2**64 - 1
