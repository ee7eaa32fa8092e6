"""Transactions between protobuf and core values: canonical or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.api.types.v1 import transaction_pb2 as pb
from quorate.core.errors import InvalidTransaction
from quorate.core.transactions import (
    Signature,
    Transfer,
    compute_payload_hash,
    compute_transaction_id,
    compute_weight,
)
from quorate.core.values import UINT64_MAX
from quorate.kit.convert import (
    decode_certified,
    decode_transaction,
    encode_body,
    encode_envelope,
)

DOMAIN = b"d" * 32
SENDER, OTHER = b"s" * 32, b"o" * 32
SIGNATURE = Signature(1, b"k" * 32, b"g" * 64)
UINT64 = st.integers(0, UINT64_MAX)


def build(*payloads: Transfer, idempotency_key: bytes = b"", memo: bytes = b"") -> bytes:
    """Return a body of these payloads."""
    return encode_body(
        SENDER,
        3,
        7,
        list(payloads) or [Transfer(SENDER, OTHER, 5)],
        valid_until_height=9,
        fee_limit=11,
        tip=2,
        idempotency_key=idempotency_key,
        memo=memo,
    )


def refuse(data: bytes) -> str:
    """Return the reason for which bytes are refused."""
    with pytest.raises(InvalidTransaction) as caught:
        decode_transaction(data, DOMAIN)
    return caught.value.reason


def wrap(body: pb.Body) -> bytes:
    """Return an envelope of a body as it stands."""
    return encode_envelope(body.SerializeToString(deterministic=True), [SIGNATURE])


def test_what_is_encoded_decodes_to_the_same() -> None:
    payloads = (Transfer(SENDER, OTHER, 5), Transfer(OTHER, SENDER, 6))
    body = build(*payloads, idempotency_key=b"k", memo=b"m")
    raw = encode_envelope(body, [SIGNATURE])
    found = decode_transaction(raw, DOMAIN)
    assert (found.sender, found.lane, found.sequence) == (SENDER, 3, 7)
    assert (found.valid_until_height, found.fee_limit, found.tip) == (9, 11, 2)
    assert (found.payloads, found.signatures) == (payloads, (SIGNATURE,))
    assert (found.idempotency_key, found.memo, found.body) == (b"k", b"m", body)
    assert found.id == compute_transaction_id(DOMAIN, body)
    assert (found.size_bytes, found.weight) == (len(raw), compute_weight(len(raw), 1, payloads))


def test_the_payload_hash_is_bound_to_the_payloads_only_with_a_key() -> None:
    encoded = [p.SerializeToString() for p in pb.Body.FromString(build()).payloads]
    with_key = decode_transaction(encode_envelope(build(idempotency_key=b"k"), []), DOMAIN)
    without = decode_transaction(encode_envelope(build(), []), DOMAIN)
    assert with_key.payload_hash == compute_payload_hash(encoded)
    assert without.payload_hash == b""


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    reason = ""
    try:
        decode_transaction(data, DOMAIN)
    except InvalidTransaction as error:
        reason = error.reason
    assert reason in {"", "MALFORMED", "NON_CANONICAL", "UNKNOWN_PAYLOAD"}


@given(st.integers(0, 2**32 - 1), UINT64, UINT64, UINT64, st.binary(max_size=80))
def test_what_decodes_is_canonical(
    lane: int, sequence: int, amount: int, fee_limit: int, memo: bytes
) -> None:
    transfer = Transfer(SENDER, OTHER, amount)
    body = encode_body(
        SENDER, lane, sequence, [transfer], valid_until_height=1, fee_limit=fee_limit, memo=memo
    )
    raw = encode_envelope(body, [SIGNATURE])
    found = decode_transaction(raw, DOMAIN)
    again = encode_body(
        found.sender,
        found.lane,
        found.sequence,
        list(found.payloads),
        valid_until_height=found.valid_until_height,
        fee_limit=found.fee_limit,
        memo=found.memo,
    )
    assert encode_envelope(again, list(found.signatures)) == raw


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_changes_the_id_or_is_refused(at: int, value: int) -> None:
    body = build(memo=b"memo")
    changed = bytearray(body)
    changed[at % len(body)] = value
    try:
        found = decode_transaction(encode_envelope(bytes(changed), [SIGNATURE]), DOMAIN)
    except InvalidTransaction:
        return
    is_same = bytes(changed) == body
    assert (found.id == compute_transaction_id(DOMAIN, body)) is is_same


def test_unknown_fields_are_refused_in_body_and_envelope() -> None:
    unknown = b"\xf8\x07\x01"
    assert refuse(encode_envelope(build() + unknown, [SIGNATURE])) == "NON_CANONICAL"
    assert refuse(encode_envelope(build(), [SIGNATURE]) + unknown) == "NON_CANONICAL"


def test_an_unknown_field_inside_a_payload_is_refused() -> None:
    payload = pb.Payload(transfer=pb.Transfer(to=OTHER, amount=1)).SerializeToString()
    payload += b"\xf8\x07\x01"
    head = pb.Body(sender=SENDER, valid_until_height=1).SerializeToString()
    body = head + b"\x4a" + bytes((len(payload),)) + payload
    assert refuse(encode_envelope(body, [SIGNATURE])) == "NON_CANONICAL"


def test_other_orders_and_longer_numbers_are_refused() -> None:
    body = build()
    parsed = pb.Body.FromString(body)
    lane = b"\x10\x03"
    assert lane in body
    assert refuse(encode_envelope(body.replace(lane, b"", 1) + lane, [])) == "NON_CANONICAL"
    assert refuse(encode_envelope(body.replace(lane, b"\x10\x83\x00", 1), [])) == "NON_CANONICAL"
    assert refuse(encode_envelope(body + lane, [])) == "NON_CANONICAL"
    parsed.lane = 0
    spelled_out = parsed.SerializeToString().replace(b"\x18\x07", b"\x10\x00\x18\x07", 1)
    assert refuse(encode_envelope(spelled_out, [])) == "NON_CANONICAL"


def test_a_payload_that_spells_out_the_sender_is_refused() -> None:
    payload = pb.Payload(signer=SENDER, transfer=pb.Transfer(to=OTHER, amount=1))
    assert refuse(wrap(pb.Body(sender=SENDER, payloads=[payload]))) == "NON_CANONICAL"


def test_a_payload_of_no_kind_is_refused() -> None:
    assert refuse(wrap(pb.Body(sender=SENDER, payloads=[pb.Payload()]))) == "UNKNOWN_PAYLOAD"


@pytest.mark.parametrize("data", [b"\x0a", b"\xff" * 40, b"\x0a\x02\xff\xff"])
def test_what_does_not_parse_is_malformed(data: bytes) -> None:
    assert refuse(data) == "MALFORMED"


def test_what_a_final_block_holds_decodes_alike_without_memo_and_signatures() -> None:
    payloads = (Transfer(SENDER, OTHER, 5), Transfer(OTHER, SENDER, 6))
    body = build(*payloads, idempotency_key=b"k", memo=b"m")
    raw = encode_envelope(body, [SIGNATURE])
    full = decode_transaction(raw, DOMAIN)
    assert decode_certified(raw, DOMAIN) == full._replace(memo=b"", signatures=())
    with pytest.raises(InvalidTransaction):
        decode_certified(b"\xff\xff", DOMAIN)
