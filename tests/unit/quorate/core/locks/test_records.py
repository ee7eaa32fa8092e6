"""Records of locks read back as they were, and nothing else reads."""

import pytest

from quorate.core.errors import MalformedBytes
from quorate.core.locks.records import Lock, decode_lock

LOCK = Lock(b"s" * 32, b"t" * 32, 2**64 - 1, b"k" * 32, b"h" * 32, 5, 2**63 - 1)


@pytest.mark.parametrize("lock", [LOCK, LOCK._replace(token=b""), LOCK._replace(hash=b"")])
def test_a_lock_reads_back(lock):
    assert decode_lock(lock.encode()) == lock


def test_a_hash_of_zeros_is_a_hash():
    lock = LOCK._replace(hash=bytes(32))
    assert decode_lock(lock.encode()) == lock


@pytest.mark.parametrize(
    "record",
    [
        b"",
        LOCK.encode()[:-1],
        LOCK.encode() + b"x",
        b"\x02" + LOCK.encode()[1:],
        b"\x01\x02" + LOCK.encode()[2:],
        b"\x01\x00" + LOCK.encode()[2:],
    ],
)
def test_another_layout_does_not_read(record):
    with pytest.raises(MalformedBytes):
        decode_lock(record)
