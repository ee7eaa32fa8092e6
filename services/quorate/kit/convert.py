"""Protobuf ↔ core values, both ways; the only place that knows both.

A body is valid only if its canonical re-encoding without unknown fields is the same bytes
(docs/protocol.md#T2): else an old version would ignore what a new one executes.
"""

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from quorate.api.types.v1 import transaction_pb2 as pb
from quorate.core.applying import build_undecodable
from quorate.core.errors import InvalidTransaction
from quorate.core.kinds import KINDS
from quorate.core.transactions import (
    Payload,
    Signature,
    SubmitEvidence,
    Transaction,
    Transfer,
    compute_payload_hash,
    compute_transaction_id,
    compute_weight,
)

# Fields of a payload's type, after its signer, are named as those of its message.
_TYPES: Final[dict[str, Any]] = {
    "transfer": Transfer,
    "evidence": SubmitEvidence,
    **{name: kind.type for name, kind in KINDS.items()},
}
_NAMES: Final = {kind: name for name, kind in _TYPES.items()}


def decode_transaction(data: bytes, domain: bytes) -> Transaction:
    """Return the transaction of an encoded SignedTransaction.

    Raises InvalidTransaction with reason MALFORMED, NON_CANONICAL or UNKNOWN_PAYLOAD; the other
    stateless rules are `core.transactions.check_transaction`'s.
    """
    envelope, body = pb.SignedTransaction(), pb.Body()
    try:
        envelope.ParseFromString(data)
        body.ParseFromString(envelope.body)
    except DecodeError as error:
        raise InvalidTransaction("not a SignedTransaction", reason="MALFORMED") from error
    payloads = tuple([_decode_payload(payload, body.sender) for payload in body.payloads])
    _check_canonical(envelope, data)
    _check_canonical(body, envelope.body)
    return Transaction(
        compute_transaction_id(domain, envelope.body),
        body.sender,
        body.lane,
        body.sequence,
        body.valid_until_height,
        body.fee_limit,
        body.tip,
        body.idempotency_key,
        body.memo,
        payloads,
        _compute_payload_hash(body),
        tuple([Signature(s.scheme, s.public_key, s.signature) for s in envelope.signatures]),
        envelope.body,
        len(data),
        compute_weight(len(data), len(envelope.signatures), payloads),
    )


def decode_certified(data: bytes, domain: bytes) -> Transaction:
    """Return a transaction out of a final block, without checks, memo and signatures.

    A quorum has checked it in full before it became final, which costs more than executing it.
    Raises InvalidTransaction when the bytes do not parse.
    """
    envelope, body = pb.SignedTransaction(), pb.Body()
    try:
        envelope.ParseFromString(data)
        raw = envelope.body
        body.ParseFromString(raw)
    except DecodeError as error:
        raise InvalidTransaction("not a SignedTransaction", reason="MALFORMED") from error
    sender = body.sender
    payloads: list[Payload] = []
    for payload in body.payloads:
        if payload.WhichOneof("kind") == "transfer":
            transfer = payload.transfer
            payloads.append(Transfer(payload.signer or sender, transfer.to, transfer.amount))
        else:
            payloads.append(_decode_rare(payload, sender))
    return Transaction(
        compute_transaction_id(domain, raw), sender, body.lane, body.sequence,
        body.valid_until_height, body.fee_limit, body.tip, body.idempotency_key, b"",
        tuple(payloads), _compute_payload_hash(body), (), raw, len(data),
        compute_weight(len(data), len(envelope.signatures), payloads),
    )  # fmt: skip


def decode_ordered(data: bytes, domain: bytes) -> Transaction:
    """Return a transaction out of a final block; of what does not parse, what is skipped."""
    try:
        return decode_certified(data, domain)
    except InvalidTransaction:
        return build_undecodable(data)


def encode_body(
    sender: bytes,
    lane: int,
    sequence: int,
    payloads: Sequence[Payload],
    *,
    valid_until_height: int,
    fee_limit: int,
    tip: int = 0,
    idempotency_key: bytes = b"",
    memo: bytes = b"",
) -> bytes:
    """Return the canonical bytes of a body; a payload whose signer is the sender leaves it out."""
    body = pb.Body(
        sender=sender,
        lane=lane,
        sequence=sequence,
        valid_until_height=valid_until_height,
        fee_limit=fee_limit,
        tip=tip,
        idempotency_key=idempotency_key,
        memo=memo,
        payloads=[_encode_payload(payload, sender) for payload in payloads],
    )
    return body.SerializeToString(deterministic=True)


def encode_envelope(body: bytes, signatures: list[Signature]) -> bytes:
    """Return the canonical bytes of a SignedTransaction."""
    envelope = pb.SignedTransaction(
        body=body,
        signatures=[
            pb.Signature(scheme=s.scheme, public_key=s.public_key, signature=s.signature)
            for s in signatures
        ],
    )
    return envelope.SerializeToString(deterministic=True)


def _encode_payload(payload: Payload, sender: bytes) -> pb.Payload:
    message = pb.Payload(signer=b"" if payload.signer == sender else payload.signer)
    kind = getattr(message, _NAMES[type(payload)])
    kind.SetInParent()
    for field, value in zip(payload._fields[1:], payload[1:], strict=True):
        if isinstance(value, tuple):
            getattr(kind, field).extend(value)
        else:
            setattr(kind, field, value)
    return message


def _decode_payload(payload: pb.Payload, sender: bytes) -> Payload:
    if payload.signer == sender:
        raise InvalidTransaction("a payload spells out the sender", reason="NON_CANONICAL")
    if payload.WhichOneof("kind") != "transfer":
        return _decode_rare(payload, sender)
    transfer = payload.transfer
    return Transfer(payload.signer or sender, transfer.to, transfer.amount)


def _decode_rare(payload: pb.Payload, sender: bytes) -> Payload:
    name = payload.WhichOneof("kind")
    if name not in _TYPES:
        raise InvalidTransaction("a payload is of no known kind", reason="UNKNOWN_PAYLOAD")
    kind, found = _TYPES[name], getattr(payload, name)
    values = [_read_field(getattr(found, field)) for field in kind._fields[1:]]
    decoded: Payload = kind(payload.signer or sender, *values)
    return decoded


def _read_field(value: Any) -> Any:
    return value if isinstance(value, bytes | int | str) else tuple(value)


def _compute_payload_hash(body: pb.Body) -> bytes:
    if not body.idempotency_key:
        return b""
    return compute_payload_hash([p.SerializeToString(deterministic=True) for p in body.payloads])


def _check_canonical(message: pb.SignedTransaction | pb.Body, data: bytes) -> None:
    message.DiscardUnknownFields()
    if message.SerializeToString(deterministic=True) != data:
        raise InvalidTransaction("not in canonical encoding", reason="NON_CANONICAL")
