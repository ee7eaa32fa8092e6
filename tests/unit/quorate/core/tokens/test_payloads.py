"""What of tokens is refused whatever the state."""

import pytest

from quorate.core.errors import InvalidTransaction
from quorate.core.params import SUPPLY_MAX
from quorate.core.tokens.payloads import (
    BurnToken,
    CreateToken,
    MintToken,
    SetTokenPolicy,
    TransferToken,
)
from quorate.core.transactions import check_payload
from quorate.core.values import TREASURY, UINT64_MAX

A, T = b"a" * 32, b"t" * 32
CREATE = CreateToken(A, "GLD", "Gold", 3, 1_000, 100, freezable=True, is_final=False)
MINT, BURN, SEND = MintToken(A, T, A, 1), BurnToken(A, T, 1), TransferToken(A, T, A, 1)
POLICY = SetTokenPolicy(A, T, A, 0, freezable=True, is_frozen=True, is_final=False)


@pytest.mark.parametrize(
    "payload",
    [
        CREATE, MINT, BURN, SEND, POLICY,
        CREATE._replace(symbol="A"), CREATE._replace(symbol="ABCDEFGHIJ09"),
        CREATE._replace(name="x" * 64), CREATE._replace(name="Ä" * 32),
        CREATE._replace(decimals=0), CREATE._replace(decimals=18),
        CREATE._replace(cap=100), CREATE._replace(cap=0, supply=SUPPLY_MAX),
        CREATE._replace(supply=0), CREATE._replace(freezable=False, is_final=True),
        POLICY._replace(freezable=False, is_frozen=False, is_final=True),
        MINT._replace(amount=UINT64_MAX),
    ],
)  # fmt: skip
def test_what_is_at_its_limits_is_taken(payload):
    check_payload(payload)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (CREATE._replace(symbol=""), "SYMBOL_FORM"),
        (CREATE._replace(symbol="A" * 13), "SYMBOL_FORM"),
        (CREATE._replace(symbol="gld"), "SYMBOL_FORM"),
        (CREATE._replace(symbol="G D"), "SYMBOL_FORM"),
        (CREATE._replace(symbol="GLD\n"), "SYMBOL_FORM"),
        (CREATE._replace(symbol="ＧＬＤ"), "SYMBOL_FORM"),
        (CREATE._replace(symbol="G٣"), "SYMBOL_FORM"),
        (CREATE._replace(name=""), "NAME_LENGTH"),
        (CREATE._replace(name="x" * 65), "NAME_LENGTH"),
        (CREATE._replace(name="Ä" * 33), "NAME_LENGTH"),
        (CREATE._replace(name="Go\x1b[2Jld"), "NAME_LENGTH"),
        (CREATE._replace(name="Go\x9bld"), "NAME_LENGTH"),
        (CREATE._replace(decimals=19), "OUT_OF_RANGE"),
        (CREATE._replace(cap=SUPPLY_MAX + 1), "OUT_OF_RANGE"),
        (CREATE._replace(cap=99), "CAP_EXCEEDED"),
        (CREATE._replace(cap=0, supply=SUPPLY_MAX + 1), "CAP_EXCEEDED"),
        (CREATE._replace(is_final=True), "POLICY_CONTRADICTS"),
        (CREATE._replace(signer=b"short"), "MALFORMED"),
        (MINT._replace(amount=0), "AMOUNT_ZERO"),
        (MINT._replace(to=b""), "MALFORMED"),
        (MINT._replace(to=TREASURY), "TO_TREASURY"),
        (MINT._replace(token=T + b"t"), "MALFORMED"),
        (BURN._replace(amount=0), "AMOUNT_ZERO"),
        (BURN._replace(token=b""), "MALFORMED"),
        (SEND._replace(amount=0), "AMOUNT_ZERO"),
        (SEND._replace(to=TREASURY), "TO_TREASURY"),
        (SEND._replace(to=b"x"), "MALFORMED"),
        (SEND._replace(token=b"x"), "MALFORMED"),
        (POLICY._replace(owner=b""), "MALFORMED"),
        (POLICY._replace(owner=TREASURY), "TO_TREASURY"),
        (POLICY._replace(cap=SUPPLY_MAX + 1), "OUT_OF_RANGE"),
        (POLICY._replace(freezable=False), "POLICY_CONTRADICTS"),
        (POLICY._replace(is_final=True), "POLICY_CONTRADICTS"),
        (POLICY._replace(is_frozen=False, is_final=True), "POLICY_CONTRADICTS"),
    ],
)
def test_what_is_wrong_whatever_the_state_has_its_reason(payload, reason):
    with pytest.raises(InvalidTransaction) as caught:
        check_payload(payload)
    assert caught.value.reason == reason
