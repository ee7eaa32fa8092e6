"""A finality receipt has one encoding, and other bytes are malformed."""

import random

import pytest

from quorate.core.errors import MalformedBytes
from quorate.core.proofs import RECEIPT_BYTES_MAX, FinalityReceipt
from quorate.core.values import compute_quorum
from tests.vectors.receipts_chain import Chain

CHAIN = Chain()
PLACES = [
    (height, position)
    for height, count in enumerate((3, 0, 1, 6, 200), 1)
    for position in range(min(count, 6))
]


@pytest.mark.parametrize(("height", "position"), PLACES)
def test_a_receipt_of_every_place_encodes_and_decodes_to_itself(height: int, position: int) -> None:
    proof = CHAIN.prove(height, position)
    assert FinalityReceipt.decode(proof.encode()) == proof


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 3), (1, 5), (5, 6)])
def test_chains_of_sets_encode_and_decode_to_themselves(first: int, last: int) -> None:
    proof = CHAIN.prove(4, 2, first=first, last=last)
    assert len(proof.chain.links) == last - first
    assert proof.chain.last == CHAIN.get_set(last)
    assert FinalityReceipt.decode(proof.encode()) == proof


@pytest.mark.parametrize("seats", [1, 2, 3, 4, 7, 9, 10, 16, 31])
def test_sets_of_every_size_work(seats: int) -> None:
    chain = Chain((5,), seats)
    voters = tuple(range(seats))
    signed = chain.sign(chain.build_header(1, 1), voters)
    assert len(signed.signatures) == compute_quorum(seats)
    proof = FinalityReceipt(chain.origin, chain.build_chain(1, 1), signed, chain.include(1, 4, 1))
    assert FinalityReceipt.decode(proof.encode()) == proof


def test_a_certificate_with_more_than_a_quorum_loses_what_could_be_left_out() -> None:
    header = CHAIN.build_header(1, 5)
    assert [seat for seat, _ in CHAIN.sign(header, (0, 1, 2, 3)).signatures] == [0, 1, 2]
    assert [seat for seat, _ in CHAIN.sign(header, (0, 2, 3)).signatures] == [0, 2, 3]


def test_every_truncation_and_extension_is_malformed(rng: random.Random) -> None:
    encoded = CHAIN.prove(4, 3, last=2).encode()
    for size in range(len(encoded)):
        with pytest.raises(MalformedBytes):
            FinalityReceipt.decode(encoded[:size])
    for more in (1, 31, 32, 64):
        with pytest.raises(MalformedBytes):
            FinalityReceipt.decode(encoded + rng.randbytes(more))


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedBytes, match="more than"):
        FinalityReceipt.decode(bytes(RECEIPT_BYTES_MAX + 1))


def test_unknown_versions_are_named() -> None:
    encoded = CHAIN.prove(1, 0).encode()
    with pytest.raises(MalformedBytes, match="version 2"):
        FinalityReceipt.decode(b"\x02" + encoded[1:])


def test_noise_is_malformed(rng: random.Random) -> None:
    encoded = CHAIN.prove(4, 3, last=2).encode()
    for _ in range(300):
        at = rng.randrange(len(encoded))
        noise = encoded[:at] + rng.randbytes(rng.randrange(600))
        with pytest.raises(MalformedBytes):
            FinalityReceipt.decode(noise)


def test_a_changed_receipt_is_malformed_or_another_one(rng: random.Random) -> None:
    encoded = CHAIN.prove(4, 3, last=2).encode()
    for at in range(len(encoded)):
        changed = bytearray(encoded)
        changed[at] ^= rng.randint(1, 255)
        try:
            read = FinalityReceipt.decode(bytes(changed))
        except MalformedBytes:
            continue
        assert read.encode() == bytes(changed)


def test_the_bitmap_names_exactly_a_quorum_of_the_set() -> None:
    proof = CHAIN.prove(3, 0)
    encoded, signed = proof.encode(), proof.signed.encode()
    at = encoded.index(signed) + len(proof.signed.header.encode())
    assert encoded[at] == 0b0111
    for wrong in (0, 0b0011, 0b1111, 0b10011, 0b10000111):
        with pytest.raises(MalformedBytes):
            FinalityReceipt.decode(encoded[:at] + bytes((wrong,)) + encoded[at + 1 :])


def test_four_seats_need_no_more_than_4_kb_with_one_link() -> None:
    """Blocks of 2,000 transactions at height 16 million: 11 and 24 hashes of path at most."""
    proof = Chain((1,) * 6).prove(2, 0, last=2)
    paths = 32 * (11 + 24)
    link = len(proof.chain.links[0].signed.encode()) + 4
    link += len(proof.chain.links[0].next_set.encode())
    assert link < 1_000
    assert len(proof.encode()) + paths < 4_096
