"""A genesis hash opens to what a reader of receipts needs, and to nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.codec import Reader
from quorate.core.errors import MalformedBytes
from quorate.core.origin import CHAIN_ID_BYTES_MAX, Origin, read_origin
from tests.vectors.receipts_chain import Chain

ORIGIN = Chain().origin
hashes = st.binary(min_size=32, max_size=32)
u64 = st.integers(0, 2**64 - 1)
names = st.text(min_size=1, max_size=16).filter(lambda name: len(name.encode()) <= 64)
origins = st.builds(Origin, hashes, u64, u64, u64, u64, st.tuples(hashes, hashes), names)


def read(data: bytes) -> Origin:
    reader = Reader(data, "origin")
    origin = read_origin(reader)
    reader.end()
    return origin


@given(origins)
def test_any_origin_encodes_and_decodes_to_itself(origin: Origin) -> None:
    assert read(origin.encode()) == origin


@pytest.mark.parametrize(
    "change",
    [
        {"document_hash": bytes(32)},
        {"time_ms": 1},
        {"trust_ms": 1},
        {"fork_epoch": 1},
        {"set_hashes": (bytes(32), ORIGIN.set_hashes[1])},
        {"set_hashes": (ORIGIN.set_hashes[0], bytes(32))},
        {"chain_id": "vectorz"},
    ],
)
def test_every_field_is_under_the_genesis_hash_and_the_domain(change: dict[str, object]) -> None:
    other = replace(ORIGIN, **change)  # type: ignore[arg-type]
    assert other.compute_genesis_hash() != ORIGIN.compute_genesis_hash()
    assert other.compute_domain() != ORIGIN.compute_domain()


def test_chain_ids_that_no_genesis_has_are_malformed() -> None:
    good = ORIGIN.encode()
    head = good[: -1 - len(ORIGIN.chain_id)]
    for name in (b"", b"x" * (CHAIN_ID_BYTES_MAX + 1), b"\xff"):
        with pytest.raises(MalformedBytes):
            read(head + bytes((len(name),)) + name)
    for size in range(len(good)):
        with pytest.raises(MalformedBytes):
            read(good[:size])
