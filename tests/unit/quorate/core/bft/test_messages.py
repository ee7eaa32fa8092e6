"""Engine messages refuse what is not exactly one lawful message (round trips: tests/vectors)."""

import pytest

from quorate.core import crypto
from quorate.core.bft.messages import (
    TAGS,
    Certificate,
    Kind,
    SeatAnswer,
    SeatQuery,
    Vote,
    decode_certificate,
    decode_message,
    encode_statement,
)
from quorate.core.codec import U16, U64
from quorate.core.errors import MalformedBytes
from quorate.core.params import SEATS_MAX
from quorate.core.values import ZERO_HASH

DIGEST = b"\5" * 32
SIGNATURE = b"\6" * 64
VOTE = Vote(Kind.NOTARIZE, 1, 2, DIGEST, 3, SIGNATURE)


def certificate(seats: int, voters: list[int], kind: Kind = Kind.NOTARIZE) -> Certificate:
    digest = ZERO_HASH if kind is Kind.NULLIFY else DIGEST
    return Certificate(kind, 1, 2, digest, seats, tuple((seat, SIGNATURE) for seat in voters))


def test_each_signed_kind_has_its_own_tag() -> None:
    assert len(set(TAGS.values())) == 4
    assert all(tag.startswith(b"quorate/") for tag in TAGS.values())


def test_a_signature_of_one_kind_counts_for_no_other() -> None:
    key = crypto.SigningKey(bytes(32))
    statement = encode_statement(1, 2, DIGEST)
    signature = key.sign(TAGS[Kind.NOTARIZE], bytes(32), statement)
    counts = [
        kind
        for kind, tag in TAGS.items()
        if crypto.is_signed(key.public_key, signature, tag, bytes(32), statement)
    ]
    assert counts == [Kind.NOTARIZE]


def test_a_statement_tells_epoch_view_and_digest_apart() -> None:
    statements = {
        encode_statement(e, v, d) for e in (1, 2) for v in (1, 2) for d in (DIGEST, ZERO_HASH)
    }
    assert len(statements) == 8
    assert {len(each) for each in statements} == {48}


@pytest.mark.parametrize("kind", [0, 10, 255])
def test_an_unknown_kind_is_malformed(kind: int) -> None:
    with pytest.raises(MalformedBytes, match="unknown kind"):
        decode_message(bytes((kind,)) + VOTE.encode()[1:])


def test_a_nullify_that_names_a_block_is_malformed() -> None:
    """Else one seat could make two different nullifies of a view, which is no evidence."""
    with pytest.raises(MalformedBytes, match="nullify names a block"):
        decode_message(Vote(Kind.NULLIFY, 1, 2, DIGEST, 3, SIGNATURE).encode())
    made = Certificate(Kind.NULLIFY, 1, 2, DIGEST, 4, ((0, SIGNATURE),))
    with pytest.raises(MalformedBytes, match="nullification names a block"):
        decode_message(made.encode())


@pytest.mark.parametrize("kind", [Kind.PROPOSAL, Kind.CERTIFICATE, Kind.SEAT_QUERY])
def test_a_certificate_is_of_votes_only(kind: Kind) -> None:
    data = bytearray(certificate(4, [0, 1, 2]).encode())
    data[1] = kind
    with pytest.raises(MalformedBytes, match="certificate of kind"):
        decode_message(bytes(data))


@pytest.mark.parametrize("seats", [1, 7, 8, 9, 100, SEATS_MAX])
def test_a_certificate_of_any_number_of_seats_reads_back(seats: int) -> None:
    made = certificate(seats, [*range(0, seats, 2)])
    assert decode_certificate(made.encode()) == made


@pytest.mark.parametrize("seats", [0, SEATS_MAX + 1])
def test_a_certificate_of_a_set_that_cannot_be_is_malformed(seats: int) -> None:
    head = bytes((Kind.CERTIFICATE, Kind.NOTARIZE)) + encode_statement(1, 2, DIGEST)
    with pytest.raises(MalformedBytes, match=f"{seats} seats"):
        decode_message(head + U16.pack(seats) + bytes(128))


def test_a_bitmap_that_names_a_seat_outside_the_set_is_malformed() -> None:
    data = bytearray(certificate(4, [0, 1, 2]).encode())
    data[2 + 48 + 2] |= 1 << 4
    with pytest.raises(MalformedBytes, match="not in the set"):
        decode_message(bytes(data) + SIGNATURE)


def test_a_certificate_with_a_signature_too_few_or_too_many_is_malformed() -> None:
    data = certificate(4, [0, 1, 2]).encode()
    for changed in (data[:-64], data + SIGNATURE):
        with pytest.raises(MalformedBytes):
            decode_message(changed)


def test_an_answer_is_bounded() -> None:
    head = bytes((Kind.SEAT_ANSWER,)) + U64.pack(1) + U16.pack(2)
    with pytest.raises(MalformedBytes, match="at most 65536"):
        decode_message(head + (65_537).to_bytes(4, "big") + bytes(65_537))


def test_only_a_certificate_is_decoded_as_one() -> None:
    for message in (VOTE, SeatQuery(1, 2), SeatAnswer(1, 2, b"")):
        with pytest.raises(MalformedBytes, match="another kind"):
            decode_certificate(message.encode())
