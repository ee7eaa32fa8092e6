"""Payloads that are wrong whatever the state: refused at admission, and skipped if ordered anyway.

Through the bytes that a client sends. A quorum of faulty validators could order what fails here: it
then changes nothing at all.
"""

from typing import Any

import pytest

from quorate.core import crypto
from quorate.core.errors import InvalidTransaction
from quorate.core.params import Params
from quorate.core.staking import payloads as stake
from quorate.core.transactions import Payload, Transaction, check_signatures, check_transaction
from quorate.core.values import UINT64_MAX
from quorate.kit.convert import decode_transaction
from quorate.sdk.keys import Key
from quorate.sdk.transactions import Options, sign_payloads
from tests.economy.actors import DOMAIN, get_address, get_key
from tests.economy.founding import Founding
from tests.economy.world import World

PARAMS = Params(validity_max_blocks=10)
KEY, OTHER = Key(b"a" * 32), Key(b"b" * 32)
ME, A, B = KEY.address, get_address(0), get_address(1)
SEAT, THIEF = get_key(300), get_key(301)


def prove(
    key: crypto.SigningKey, message: bytes, tag: bytes = crypto.TAG_SEAT, domain: bytes = DOMAIN
) -> bytes:
    """Return a proof as a seat key gives it."""
    return key.sign(tag, domain, message)


PROOF = prove(SEAT, ME)
READY = prove(SEAT, stake.encode_ready(A, 3), crypto.TAG_READY)
REGISTER = stake.RegisterCandidate(ME, B, SEAT.public_key, PROOF, "name", "", 500, 1)
UPDATE = stake.UpdateCandidate(ME, A, "name", "", 500)
ROTATE = stake.RotateSeatKey(ME, A, SEAT.public_key, prove(SEAT, A))
DELEGATE, UNDELEGATE = stake.Delegate(ME, A, 1), stake.Undelegate(ME, A, 1)
REDELEGATE = stake.Redelegate(ME, A, B, 1)
READY_PAYLOAD = stake.Ready(ME, A, 3, SEAT.public_key, READY)
PLAIN = [stake.Resign(ME, A), stake.Unjail(ME, A), stake.ClaimRewards(ME, A)]
SOUND: list[Payload] = [
    REGISTER, UPDATE, ROTATE, READY_PAYLOAD, DELEGATE, UNDELEGATE, REDELEGATE, *PLAIN,
    REGISTER._replace(name="n" * 64, description="d" * 256, commission_bp=10_000),
    REGISTER._replace(name="é" * 32, description="é" * 128, commission_bp=0, stake=UINT64_MAX),
    UPDATE._replace(name="n", description="d" * 256, commission_bp=10_000),
    DELEGATE._replace(amount=UINT64_MAX), UNDELEGATE._replace(amount=UINT64_MAX),
    REDELEGATE._replace(amount=UINT64_MAX), DELEGATE._replace(candidate=ME),
]  # fmt: skip


def list_terms(payload: Any) -> list[tuple[Payload, str]]:
    """Return a payload with each of a candidate's terms past its limit."""
    return [
        (payload._replace(name=""), "NAME_LENGTH"),
        (payload._replace(name="n" * 65), "NAME_LENGTH"),
        (payload._replace(name="é" * 33), "NAME_LENGTH"),
        (payload._replace(description="d" * 257), "OVERSIZED"),
        (payload._replace(description="é" * 129), "OVERSIZED"),
        (payload._replace(commission_bp=10_001), "OUT_OF_RANGE"),
        (payload._replace(commission_bp=2**32 - 1), "OUT_OF_RANGE"),
    ]


def list_lengths(payload: Any, *fields: str) -> list[tuple[Payload, str]]:
    """Return a payload with each of these fields empty, a byte shorter, and a byte longer."""
    return [
        (payload._replace(**{name: value}), "MALFORMED")
        for name in fields
        for value in (b"", getattr(payload, name)[1:], getattr(payload, name) + b"x")
    ]


BAD_FORM: list[tuple[Payload, str]] = [
    *list_terms(REGISTER),
    *list_terms(UPDATE),
    *list_lengths(REGISTER, "operator", "seat_key", "proof"),
    *list_lengths(UPDATE, "candidate"),
    *list_lengths(ROTATE, "candidate", "seat_key", "proof"),
    *list_lengths(READY_PAYLOAD, "candidate", "seat_key", "signature"),
    *[case for payload in PLAIN for case in list_lengths(payload, "candidate")],
    *list_lengths(DELEGATE, "candidate"),
    *list_lengths(UNDELEGATE, "candidate"),
    *list_lengths(REDELEGATE, "source", "target"),
    (REGISTER._replace(stake=0), "AMOUNT_ZERO"),
    (DELEGATE._replace(amount=0), "AMOUNT_ZERO"),
    (UNDELEGATE._replace(amount=0), "AMOUNT_ZERO"),
    (REDELEGATE._replace(amount=0), "AMOUNT_ZERO"),
    (REDELEGATE._replace(target=A), "SAME_CANDIDATE"),
]
# A quorum that ordered these forged the signatures of its own seats' keys, or admitted them.
BAD_PROOFS: list[tuple[Payload, str]] = [
    # The proof of somebody's pending registration, copied: it names its owner.
    (REGISTER._replace(proof=prove(SEAT, OTHER.address)), "BAD_PROOF"),
    (REGISTER._replace(proof=prove(THIEF, ME)), "BAD_PROOF"),
    (REGISTER._replace(seat_key=THIEF.public_key), "BAD_PROOF"),
    (REGISTER._replace(proof=bytes(64)), "BAD_PROOF"),
    (REGISTER._replace(seat_key=bytes(32)), "BAD_PROOF"),
    (REGISTER._replace(seat_key=b"\1" + bytes(31), proof=b"\1" + bytes(63)), "BAD_PROOF"),
    (REGISTER._replace(proof=prove(SEAT, ME, domain=b"x" * 32)), "BAD_PROOF"),
    (REGISTER._replace(proof=prove(SEAT, ME, crypto.TAG_SEAT_GENESIS)), "BAD_PROOF"),
    (ROTATE._replace(proof=prove(SEAT, ME)), "BAD_PROOF"),
    (ROTATE._replace(proof=prove(SEAT, B)), "BAD_PROOF"),
    (ROTATE._replace(candidate=B), "BAD_PROOF"),
    (ROTATE._replace(proof=READY), "BAD_PROOF"),
    (READY_PAYLOAD._replace(epoch=4), "BAD_PROOF"),
    (READY_PAYLOAD._replace(candidate=B), "BAD_PROOF"),
    (READY_PAYLOAD._replace(seat_key=THIEF.public_key), "BAD_PROOF"),
    (READY_PAYLOAD._replace(signature=prove(SEAT, A)), "BAD_PROOF"),
]


def admit(*payloads: Payload) -> Transaction:
    """Return the transaction that a validator makes of a client's bytes; raises what it would."""
    options = Options(sequence=0, valid_until_height=5, fee_limit=10_000)
    raw = sign_payloads(DOMAIN, [KEY], payloads, options).raw
    transaction = decode_transaction(raw, DOMAIN)
    check_transaction(transaction, PARAMS)
    check_signatures(transaction, DOMAIN)
    return transaction


@pytest.mark.parametrize("payload", SOUND, ids=lambda each: type(each).__name__)
def test_limits_themselves_are_within(payload: Payload) -> None:
    assert admit(payload).payloads == (payload,)


@pytest.mark.parametrize(("payload", "reason"), [*BAD_FORM, *BAD_PROOFS])
def test_bad_form_is_refused_for_its_reason(payload: Payload, reason: str) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        admit(payload)
    assert caught.value.reason == reason
    with pytest.raises(InvalidTransaction) as caught:
        admit(DELEGATE, payload)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("payload", "reason"), BAD_FORM)
def test_bad_form_that_was_ordered_changes_nothing(payload: Payload, reason: str) -> None:
    world = World(Founding(PARAMS, [500] * 4, [10**9] * 4, 4, balances={ME: 10**9}))
    header = world.build_header()
    sound = admit(DELEGATE)
    _, before = world.execute(header, [])
    for payloads in ((payload,), (DELEGATE, payload)):
        outcomes, writes = world.execute(header, [sound._replace(payloads=payloads)])
        assert outcomes == [("INVALID", 0)]
        assert writes == before


def test_payloads_are_one_to_sixteen() -> None:
    assert len(admit(*[DELEGATE] * 16).payloads) == 16
    for count in (0, 17):
        with pytest.raises(InvalidTransaction) as caught:
            admit(*[DELEGATE] * count)
        assert caught.value.reason == "PAYLOAD_COUNT"


@pytest.mark.parametrize("payload", SOUND[:10], ids=lambda each: type(each).__name__)
def test_a_signer_that_did_not_sign_is_missed(payload: Payload) -> None:
    sound = admit(payload)
    forged = sound._replace(payloads=(payload._replace(signer=OTHER.address),))
    with pytest.raises(InvalidTransaction) as caught:
        check_transaction(forged, PARAMS)
    assert caught.value.reason == "SIGNERS_DIFFER"
