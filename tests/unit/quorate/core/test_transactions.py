"""Every stateless rule of a transaction, with the reason that a sender gets (protocol T1)."""

from typing import Any

import pytest

from quorate.core import crypto
from quorate.core.errors import InvalidTransaction
from quorate.core.params import Params
from quorate.core.transactions import (
    WEIGHT_PER_PAYLOAD,
    WEIGHT_PER_SIGNATURE,
    Signature,
    Transaction,
    Transfer,
    check_signatures,
    check_transaction,
    compute_payload_hash,
    compute_transaction_id,
    compute_weight,
)
from quorate.core.values import UINT64_MAX, Hash

PARAMS = Params()
DOMAIN = crypto.compute_domain("chain", bytes(32), 0)
ALICE, BOB = crypto.SigningKey(b"\1" * 32), crypto.SigningKey(b"\2" * 32)
BODY = b"what was signed"


def address(key: crypto.SigningKey) -> bytes:
    return crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)


def sign(key: crypto.SigningKey, body: bytes = BODY, domain: bytes = DOMAIN) -> Signature:
    signature = key.sign(crypto.TAG_TRANSACTION, domain, body)
    return Signature(crypto.SCHEME_ED25519, key.public_key, signature)


def build(**changes: Any) -> Transaction:
    valid = Transaction(
        id=Hash(bytes(32)), sender=address(ALICE), lane=0, sequence=0, valid_until_height=10,
        fee_limit=1_000, tip=0, idempotency_key=b"", memo=b"",
        payloads=(Transfer(address(ALICE), address(BOB), 1),), payload_hash=b"",
        signatures=(sign(ALICE),), body=BODY, size_bytes=300, weight=450,
    )  # fmt: skip
    return valid._replace(**changes)


def test_a_valid_transaction_passes() -> None:
    check_transaction(build(), PARAMS)
    check_signatures(build(), DOMAIN)


def test_the_largest_values_that_are_allowed_pass() -> None:
    payload = Transfer(address(ALICE), address(BOB), UINT64_MAX)
    check_transaction(
        build(
            lane=PARAMS.lanes_max - 1,
            sequence=UINT64_MAX - 1,
            fee_limit=UINT64_MAX - 5,
            tip=5,
            idempotency_key=bytes(64),
            memo=bytes(PARAMS.memo_size_bytes_max),
            payloads=(payload,) * PARAMS.payloads_max,
            size_bytes=PARAMS.transaction_size_bytes_max,
        ),
        PARAMS,
    )


def transfer(**changes: Any) -> tuple[Transfer]:
    return (Transfer(address(ALICE), address(BOB), 1)._replace(**changes),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size_bytes": PARAMS.transaction_size_bytes_max + 1}, "OVERSIZED"),
        ({"sender": b""}, "MALFORMED"),
        ({"sender": bytes(31)}, "MALFORMED"),
        ({"lane": PARAMS.lanes_max}, "LANE_OUT_OF_RANGE"),
        ({"idempotency_key": bytes(65)}, "OVERSIZED"),
        ({"memo": bytes(PARAMS.memo_size_bytes_max + 1)}, "OVERSIZED"),
        ({"payloads": ()}, "PAYLOAD_COUNT"),
        ({"payloads": transfer() * 17}, "PAYLOAD_COUNT"),
        ({"sequence": UINT64_MAX}, "OUT_OF_RANGE"),
        ({"fee_limit": UINT64_MAX, "tip": 1}, "OUT_OF_RANGE"),
        ({"payloads": transfer(to=b"")}, "MALFORMED"),
        ({"payloads": transfer(to=bytes(33))}, "MALFORMED"),
        ({"payloads": transfer(signer=bytes(5))}, "MALFORMED"),
        ({"payloads": transfer(amount=0)}, "AMOUNT_ZERO"),
        ({"signatures": ()}, "SIGNERS_DIFFER"),
        ({"signatures": (sign(BOB),)}, "SIGNERS_DIFFER"),
        ({"signatures": (sign(ALICE), sign(BOB))}, "SIGNERS_DIFFER"),
        ({"signatures": (sign(ALICE), sign(ALICE))}, "SIGNERS_DIFFER"),
        ({"payloads": transfer(signer=address(BOB))}, "SIGNERS_DIFFER"),
        ({"signatures": (sign(ALICE)._replace(scheme=0),)}, "UNKNOWN_SCHEME"),
        ({"signatures": (sign(ALICE)._replace(scheme=2),)}, "UNKNOWN_SCHEME"),
        ({"signatures": (sign(ALICE)._replace(public_key=bytes(31)),)}, "MALFORMED"),
        ({"signatures": (sign(ALICE)._replace(signature=bytes(63)),)}, "MALFORMED"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_reason(changes: Any, reason: str) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_transaction(build(**changes), PARAMS)
    assert caught.value.reason == reason


def test_each_signer_signs_once_whatever_the_order() -> None:
    payloads = transfer(signer=address(BOB)) + transfer() + transfer(signer=address(BOB))
    for signatures in ((sign(ALICE), sign(BOB)), (sign(BOB), sign(ALICE))):
        transaction = build(payloads=payloads, signatures=signatures)
        check_transaction(transaction, PARAMS)
        check_signatures(transaction, DOMAIN)


@pytest.mark.parametrize(
    "signature",
    [
        sign(ALICE, body=b"other"),
        sign(ALICE, domain=crypto.compute_domain("other", bytes(32), 0)),
        sign(ALICE)._replace(signature=sign(BOB).signature),
        sign(ALICE)._replace(signature=bytes(64)),
    ],
)
def test_a_signature_of_another_body_chain_or_key_is_refused(signature: Signature) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_signatures(build(signatures=(signature,)), DOMAIN)
    assert caught.value.reason == "BAD_SIGNATURE"


def test_one_bad_signature_among_good_ones_is_refused() -> None:
    signatures = (sign(ALICE), sign(BOB, body=b"other"))
    transaction = build(payloads=transfer(signer=address(BOB)), signatures=signatures)
    with pytest.raises(InvalidTransaction, match="does not verify"):
        check_signatures(transaction, DOMAIN)


def test_the_id_is_of_the_body_on_one_chain_and_not_of_the_signatures() -> None:
    one = compute_transaction_id(DOMAIN, BODY)
    assert one == compute_transaction_id(DOMAIN, BODY)
    assert one != compute_transaction_id(bytes(32), BODY)
    assert one != compute_transaction_id(DOMAIN, BODY + b"!")


def test_the_weight_counts_bytes_signatures_and_payloads() -> None:
    transfer = Transfer(bytes(32), bytes(32), 1)
    assert compute_weight(300, 1, [transfer]) == 300 + WEIGHT_PER_SIGNATURE + WEIGHT_PER_PAYLOAD
    assert (
        compute_weight(300, 2, [transfer] * 3)
        == 300 + 2 * WEIGHT_PER_SIGNATURE + 3 * WEIGHT_PER_PAYLOAD
    )


def test_the_payload_hash_keeps_payloads_apart_and_in_order() -> None:
    lists = [[b"ab"], [b"a", b"b"], [b"b", b"a"], [b"", b"ab"], []]
    assert len({compute_payload_hash(payloads) for payloads in lists}) == len(lists)
