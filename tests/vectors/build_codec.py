"""Makes codec.json: one example of everything that is signed, hashed or stored, as bytes.

The file is a promise: other implementations, and our own later ones, must give the same bytes. So
it is written once (`python -m tests.vectors.build_codec`) and only extended afterwards.
"""

import json
from pathlib import Path
from typing import Any

from quorate.core import crypto
from quorate.core.batches import Batch, BatchHeader, compute_batch_name, compute_content_hash
from quorate.core.bft import messages as say
from quorate.core.bft.finality import Finality
from quorate.core.blocks import (
    Block,
    Executed,
    Header,
    Suspect,
    compute_batches_hash,
    compute_handover_hash,
)
from quorate.core.codec import pack_list
from quorate.core.epochs import EpochStart
from quorate.core.results import compute_write_digest
from quorate.core.seats import Seat, SeatSet
from quorate.core.transactions import (
    Signature,
    Transfer,
    compute_payload_hash,
    compute_transaction_id,
    compute_weight,
)
from quorate.core.values import ZERO_HASH, format_address
from quorate.kit.convert import encode_body, encode_envelope

PATH = Path(__file__).with_name("codec.json")

KEY = crypto.SigningKey(bytes(range(32)))
OTHER = crypto.SigningKey(bytes(range(32, 64)))
DOMAIN = crypto.compute_domain("vectors", b"\x11" * 32, 7)
SENDER = crypto.compute_address(crypto.SCHEME_ED25519, KEY.public_key)
RECEIVER = crypto.compute_address(crypto.SCHEME_ED25519, OTHER.public_key)


def build() -> dict[str, Any]:
    """Return all vectors by name."""
    return {
        "keys": _build_keys(),
        "transaction": _build_transaction(),
        "batch": _build_batch(),
        "block": _build_block(),
        "messages": _build_messages(),
        "epochs": _build_epochs(),
        "results": _build_results(),
    }


def build_block() -> Block:
    """Return the block of the vectors."""
    batches = (b"\x21" * 32, b"\x22" * 32)
    header = Header(
        protocol_version=1,
        contract_engine=0,
        epoch=3,
        view=0x0102030405060708,
        height=41,
        parent=b"\x33" * 32,
        parent_view=0x0102030405060707,
        time_ms=1_700_000_000_123,
        proposer=513,
        batches_hash=compute_batches_hash(batches),
        weight=65_537,
        base_fee=9,
        last_block=b"\x66" * 32,
        handover_hash=compute_handover_hash(b"handover"),
        executed=Executed(39, b"\x44" * 32, ZERO_HASH, b"\x55" * 32, ZERO_HASH),
        suspect=Suspect(40, 7),
    )
    return Block.build(header, batches, b"handover")


def _build_keys() -> dict[str, Any]:
    message = b"message"
    return {
        "seed": KEY.seed.hex(),
        "public_key": KEY.public_key.hex(),
        "address": SENDER.hex(),
        "address_text": format_address(SENDER),
        "chain_id": "vectors",
        "genesis_hash": "11" * 32,
        "fork_epoch": 7,
        "domain": DOMAIN.hex(),
        "message": message.hex(),
        "signing_bytes": crypto.compute_signing_bytes(crypto.TAG_BATCH, DOMAIN, message).hex(),
        "signature": KEY.sign(crypto.TAG_BATCH, DOMAIN, message).hex(),
    }


def build_envelope() -> bytes:
    """Return the encoded transaction of the vectors: two payloads, two signers."""
    payloads = [Transfer(SENDER, RECEIVER, 1_000_000_000), Transfer(RECEIVER, SENDER, 1)]
    body = encode_body(
        SENDER, 3, 42, payloads, valid_until_height=1_000, fee_limit=5_000, tip=6,
        idempotency_key=b"order 17", memo="für Käthe".encode(),
    )  # fmt: skip
    signatures = [
        Signature(
            crypto.SCHEME_ED25519,
            key.public_key,
            key.sign(crypto.TAG_TRANSACTION, DOMAIN, body),
        )
        for key in (KEY, OTHER)
    ]
    return encode_envelope(body, signatures)


def _build_transaction() -> dict[str, Any]:
    payloads = [Transfer(SENDER, RECEIVER, 1_000_000_000)]
    bare = encode_body(SENDER, 0, 0, payloads, valid_until_height=100, fee_limit=1_000)
    envelope = build_envelope()
    return {
        "bare_body": bare.hex(),
        "bare_id": compute_transaction_id(DOMAIN, bare).hex(),
        "envelope": envelope.hex(),
        "weight": compute_weight(len(envelope), 2, payloads * 2),
        "payload_hash": compute_payload_hash([b"one", b"two"]).hex(),
    }


def build_batch() -> Batch:
    """Return the batch of the vectors: two transactions."""
    content = pack_list([build_envelope(), b"\x01\x02"])
    header = BatchHeader(
        epoch=3, author=2, number=77, count=2, size_bytes=len(content), weight=1_234,
        expiry_height=300, content_hash=compute_content_hash(content),
    )  # fmt: skip
    encoded = header.encode()
    signature = KEY.sign(crypto.TAG_BATCH, DOMAIN, encoded)
    return Batch(header, signature, content, compute_batch_name(encoded))


def _build_batch() -> dict[str, Any]:
    batch = build_batch()
    return {
        "header": batch.header.encode().hex(),
        "name": batch.name.hex(),
        "encoded": batch.encode().hex(),
    }


def _build_block() -> dict[str, Any]:
    block = build_block()
    return {
        "header": block.header.encode().hex(),
        "digest": block.digest.hex(),
        "encoded": block.encode().hex(),
        "batches_hash_of_none": compute_batches_hash(()).hex(),
    }


def list_messages() -> dict[str, say.Message]:
    """Return one consensus message of each kind."""
    block = build_block()
    digest, view = block.digest, block.header.view
    statement = say.encode_statement(3, view, digest)
    signature = KEY.sign(crypto.TAG_NOTARIZE, DOMAIN, statement)
    vote = say.Vote(say.Kind.NOTARIZE, 3, view, digest, 2, signature)
    signatures = ((0, b"\x61" * 64), (2, signature), (9, b"\x63" * 64))
    return {
        "proposal": say.Proposal(block, KEY.sign(crypto.TAG_PROPOSAL, DOMAIN, statement)),
        "notarize": vote,
        "nullify": say.Vote(say.Kind.NULLIFY, 3, view, ZERO_HASH, 511, b"\x62" * 64),
        "finalize": say.Vote(say.Kind.FINALIZE, 3, view, digest, 0, b"\x64" * 64),
        "finalization": say.Certificate(say.Kind.FINALIZE, 3, view, digest, 10, signatures),
        "nullification": say.Certificate(
            say.Kind.NULLIFY, 3, view, ZERO_HASH, 1, ((0, signature),)
        ),
        "proof_request": say.ProofRequest(3, 5, 9),
        "seat_query": say.SeatQuery(3, 2),
        "seat_answer": say.SeatAnswer(3, 2, vote.encode()),
        "empty_seat_answer": say.SeatAnswer(3, 2, b""),
    }


def _build_messages() -> dict[str, Any]:
    return {name: message.encode().hex() for name, message in list_messages().items()}


def build_finality() -> Finality:
    """Return the finality of the vectors: by a tail block."""
    tail, certificate = build_block().header, list_messages()["finalization"]
    assert isinstance(certificate, say.Certificate)
    return Finality(certificate, tail)


def build_seats() -> SeatSet:
    """Return the seat set of the vectors."""
    keys = (KEY.public_key, OTHER.public_key)
    return SeatSet(3, tuple(Seat(i, f"validator-{i}", key) for i, key in enumerate(keys)))


def _build_epochs() -> dict[str, Any]:
    seats = build_seats()
    return {
        "start": EpochStart(3, 41, 1_700_000_000_123, b"\x44" * 32).encode().hex(),
        "seats": seats.encode().hex(),
        "seats_hash": seats.hash.hex(),
        "finality": build_finality().encode().hex(),
    }


def _build_results() -> dict[str, Any]:
    writes = [(b"b", b"2"), (b"a", b""), (b"ab", b"3")]
    digest = compute_write_digest(ZERO_HASH, writes)
    return {
        "write_digest": digest.hex(),
        "write_digest_of_nothing": compute_write_digest(digest, []).hex(),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(build(), indent=1) + "\n")
