"""Any protobuf client makes the same signed bytes; what is not canonical is refused (protocol T2).

The bytes here are written by hand from the wire format, not by the library under test.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.errors import InvalidTransaction
from quorate.core.transactions import Signature, SubmitEvidence, Transfer
from quorate.kit.convert import (
    decode_certified,
    decode_transaction,
    encode_body,
    encode_envelope,
)

DOMAIN = bytes(32)
SENDER, RECEIVER = b"\1" * 32, b"\2" * 32
KEY, SIGNATURE = b"\3" * 32, b"\4" * 64

VARINT, BYTES = 0, 2


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    return varint(number << 3 | BYTES) + varint(len(value)) + value


TRANSFER = field(1, RECEIVER) + field(2, 300)
PAYLOAD = field(2, TRANSFER)
BODY = field(1, SENDER) + field(3, 7) + field(4, 1_000) + field(5, 90_000) + field(9, PAYLOAD)
SIGNED = field(1, 1) + field(2, KEY) + field(3, SIGNATURE)


def envelope(body: bytes = BODY, *signatures: bytes) -> bytes:
    return field(1, body) + b"".join(field(2, each) for each in signatures or (SIGNED,))


def test_bytes_written_by_hand_are_what_the_library_writes() -> None:
    payloads = [Transfer(SENDER, RECEIVER, 300)]
    body = encode_body(SENDER, 0, 7, payloads, valid_until_height=1_000, fee_limit=90_000)
    assert body == BODY
    assert encode_envelope(body, [Signature(1, KEY, SIGNATURE)]) == envelope()


def test_evidence_written_by_hand_is_what_the_library_writes_and_reads() -> None:
    evidence = field(3, field(1, b"first") + field(2, b"second") + field(3, 7))
    body = field(1, SENDER) + field(3, 7) + field(4, 1_000) + field(9, evidence)
    payload = SubmitEvidence(SENDER, b"first", b"second", 7)
    assert encode_body(SENDER, 0, 7, [payload], valid_until_height=1_000, fee_limit=0) == body
    raw = envelope(body)
    transaction = decode_transaction(raw, DOMAIN)
    assert transaction.payloads == (payload,) and transaction.report == payload
    assert transaction.weight == len(raw) + 50 + 3 * 100  # its own signature, and two in it
    assert decode_certified(raw, DOMAIN) == transaction._replace(signatures=())


def test_a_body_written_by_hand_is_read() -> None:
    transaction = decode_transaction(envelope(), DOMAIN)
    assert (transaction.sender, transaction.lane, transaction.sequence) == (SENDER, 0, 7)
    assert (transaction.valid_until_height, transaction.fee_limit) == (1_000, 90_000)
    assert transaction.payloads == (Transfer(SENDER, RECEIVER, 300),)
    assert transaction.signatures == (Signature(1, KEY, SIGNATURE),)
    assert (transaction.body, transaction.size_bytes) == (BODY, len(envelope()))


@pytest.mark.parametrize(
    "data",
    [
        envelope(BODY + field(15, b"from a newer version")),
        envelope() + field(15, 1),
        envelope(BODY.replace(field(9, PAYLOAD), field(9, PAYLOAD + field(15, 1)))),
        envelope(field(3, 7) + BODY.replace(field(3, 7), b"")),
        envelope(BODY + field(2, 0)),
        envelope(BODY.replace(field(3, 7), b"\x18\x87\x00")),
        envelope(BODY.replace(field(3, 7), field(3, 8) + field(3, 7))),
        envelope(field(1, SENDER) + field(9, field(3, field(1, b"a") + field(4, b"new")))),
        field(2, SIGNED) + field(1, BODY),
        envelope(BODY, SIGNED + field(15, 1)),
        envelope(field(1, SENDER) + field(9, field(1, SENDER) + PAYLOAD)),
    ],
    ids=[
        "unknown field in the body", "unknown field in the envelope", "unknown field in a payload",
        "fields out of order", "a default spelled out", "a long varint", "a field twice",
        "unknown field in evidence", "envelope out of order", "unknown field in a signature",
        "the sender spelled out",
    ],
)  # fmt: skip
def test_another_encoding_of_the_same_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        decode_transaction(data, DOMAIN)
    assert caught.value.reason in ("NON_CANONICAL", "MALFORMED")


def test_an_unknown_payload_is_refused_by_its_name() -> None:
    for payload in (b"", field(99, b"x")):
        with pytest.raises(InvalidTransaction) as caught:
            decode_transaction(envelope(field(1, SENDER) + field(9, payload)), DOMAIN)
        assert caught.value.reason in ("UNKNOWN_PAYLOAD", "NON_CANONICAL")


@given(st.binary(max_size=300))
def test_noise_is_refused_or_encodes_back_to_itself(data: bytes) -> None:
    try:
        transaction = decode_transaction(data, DOMAIN)
    except InvalidTransaction:
        return
    assert encode_envelope(transaction.body, list(transaction.signatures)) == data


@given(st.data())
def test_a_changed_byte_is_refused_or_gives_another_transaction(data: st.DataObject) -> None:
    original, changed = decode_transaction(envelope(), DOMAIN), bytearray(envelope())
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        transaction = decode_transaction(bytes(changed), DOMAIN)
    except InvalidTransaction:
        return
    assert transaction != original
    assert (transaction.id != original.id) == (transaction.body != original.body)
