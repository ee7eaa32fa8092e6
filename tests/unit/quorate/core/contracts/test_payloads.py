"""What is refused of contract payloads before any state is looked at, and what they weigh."""

from typing import Any

import pytest

from quorate.core.contracts.payloads import (
    ACCESS_MAX,
    ARGUMENTS_BYTES_MAX,
    CODE_BYTES_MAX,
    FUEL_MAX,
    INTERFACE_BYTES_MAX,
    KEY_BYTES_MAX,
    CallContract,
    DeployContract,
    compute_charged_fuel,
    compute_fuel_weight,
)
from quorate.core.errors import InvalidTransaction
from quorate.core.kinds import list_fuel_limits
from quorate.core.transactions import Transfer, check_payload, compute_weight
from quorate.kit.convert import decode_transaction, encode_body, encode_envelope

A, B = b"\1" * 32, b"\2" * 32
DEPLOY = DeployContract(A, b"\0asm", b"{}", 0, False, b"", 0, 1_000)
CALL = CallContract(A, B, "transfer", b"", 0, 1_000, (b"key",))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (DEPLOY._replace(code=b""), "MALFORMED"),
        (DEPLOY._replace(code=bytes(CODE_BYTES_MAX + 1)), "OVERSIZED"),
        (DEPLOY._replace(interface=bytes(INTERFACE_BYTES_MAX + 1)), "OVERSIZED"),
        (DEPLOY._replace(arguments=bytes(ARGUMENTS_BYTES_MAX + 1)), "OVERSIZED"),
        (DEPLOY._replace(profile=2), "OUT_OF_RANGE"),
        (DEPLOY._replace(fuel_limit=FUEL_MAX + 1), "FUEL_LIMIT"),
        (DEPLOY._replace(signer=b"\1"), "MALFORMED"),
        (CALL._replace(contract=b"\2" * 31), "MALFORMED"),
        (CALL._replace(method=""), "METHOD_NAME"),
        (CALL._replace(method="init"), "METHOD_NAME"),
        (CALL._replace(method="9lives"), "METHOD_NAME"),
        (CALL._replace(method="tränsfer"), "METHOD_NAME"),
        (CALL._replace(method="transfer\n"), "METHOD_NAME"),
        (CALL._replace(method="m" * 65), "METHOD_NAME"),
        (CALL._replace(arguments=bytes(ARGUMENTS_BYTES_MAX + 1)), "OVERSIZED"),
        (CALL._replace(access=(b"k",) * (ACCESS_MAX + 1)), "OVERSIZED"),
        (CALL._replace(access=(b"k" * (KEY_BYTES_MAX + 1),)), "OVERSIZED"),
        (CALL._replace(fuel_limit=FUEL_MAX + 1), "FUEL_LIMIT"),
    ],
)
def test_bad_form_is_refused_with_its_reason(payload: Any, reason: str) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        check_payload(payload)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "payload",
    [
        DEPLOY, CALL, CALL._replace(method="_m9", access=()),
        DEPLOY._replace(code=bytes(CODE_BYTES_MAX), profile=1, reentrant=True, value=2**64 - 1),
        CALL._replace(fuel_limit=FUEL_MAX, access=(b"k" * KEY_BYTES_MAX,) * ACCESS_MAX),
    ],
)  # fmt: skip
def test_sound_payloads_pass_and_travel(payload: Any) -> None:
    check_payload(payload)
    body = encode_body(A, 0, 0, [payload], valid_until_height=1, fee_limit=1)
    found = decode_transaction(encode_envelope(body, []), b"d" * 32)
    assert found.payloads == (payload,) and found.has_calls


def test_fuel_weighs_by_the_thousand_and_code_by_the_byte() -> None:
    plain = compute_weight(100, 1, [Transfer(A, B, 1)])
    assert compute_weight(100, 1, [CALL]) == plain + 100 + 1
    assert compute_weight(100, 1, [CALL._replace(fuel_limit=1_001)]) == plain + 100 + 2
    assert compute_weight(100, 1, [DEPLOY]) == plain + 2_000 + 4 * 12 + 1
    assert [compute_fuel_weight(fuel) for fuel in (0, 1, 1_000, 1_001)] == [0, 1, 1, 2]


def test_half_of_the_limit_is_paid_for_at_least_and_never_more_than_it() -> None:
    cases = [(10, 0, 5), (11, 0, 6), (10, 5, 5), (10, 6, 6), (10, 10, 10), (0, 0, 0)]
    assert all(compute_charged_fuel(limit, used) == paid for limit, used, paid in cases)


def test_fuel_limits_stand_by_the_position_of_their_payload() -> None:
    assert list_fuel_limits([Transfer(A, B, 1), CALL, DEPLOY]) == {1: 1_000, 2: 1_000}
