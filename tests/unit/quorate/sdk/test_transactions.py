"""Transactions made by the SDK pass every stateless check of the core, whatever they do."""

import pytest

from quorate.core.crypto import SigningKey
from quorate.core.errors import InvalidTransaction
from quorate.core.params import Params
from quorate.core.staking.payloads import ClaimRewards, Delegate, Redelegate, Undelegate
from quorate.core.transactions import Payload, Transfer, check_signatures, check_transaction
from quorate.kit.convert import decode_transaction
from quorate.sdk import Key, Options, Terms, build_ready, build_register, build_rotate
from quorate.sdk.payloads import SENDER, build_transfers, prove_seat, sign_ready
from quorate.sdk.transactions import compute_weight_max, sign_payloads

DOMAIN = b"d" * 32
KEY, OTHER = Key(b"\x01" * 32), Key(b"\x02" * 32)
SEAT = SigningKey(b"\x03" * 32)


def make_options(fee_limit: int = 7, memo: bytes = b"") -> Options:
    """Return options in the middle of what is allowed."""
    return Options(sequence=2**40, valid_until_height=2**30, fee_limit=fee_limit, lane=2, memo=memo)


def build_some_of_each() -> list[Payload]:
    """Return payloads of many kinds, of two signers."""
    proof = prove_seat(DOMAIN, SEAT, KEY.address)
    return [
        *build_transfers([(bytes(32), 5), (b"x" * 32, 6)]),
        build_register(proof, OTHER.address, Terms("eins", "first", 500), 10**9),
        build_rotate(proof),
        build_ready(sign_ready(DOMAIN, SEAT, KEY.address, 8)),
        Delegate(OTHER.address, KEY.address, 2**60),
        Undelegate(SENDER, KEY.address, 1),
        Redelegate(OTHER.address, KEY.address, OTHER.address, 2),
        ClaimRewards(SENDER, KEY.address),
    ]


def test_payloads_of_any_kind_and_two_signers_pass_all_stateless_checks() -> None:
    signed = sign_payloads(DOMAIN, [KEY, OTHER], build_some_of_each(), make_options())
    transaction = decode_transaction(signed.raw, DOMAIN)
    check_transaction(transaction, Params())
    check_signatures(transaction, DOMAIN)
    assert transaction.id == signed.id
    assert (transaction.sender, transaction.lane) == (KEY.address, 2)
    assert transaction.payloads[0] == Transfer(KEY.address, bytes(32), 5)
    assert transaction.payloads[5] == Delegate(OTHER.address, KEY.address, 2**60)


def test_proofs_of_another_chain_or_for_another_candidate_do_not_verify() -> None:
    for proof in (
        prove_seat(b"e" * 32, SEAT, KEY.address),
        prove_seat(DOMAIN, SEAT, OTHER.address),
    ):
        register = build_register(proof, KEY.address, Terms("eins"), 10**9)
        signed = sign_payloads(DOMAIN, [KEY], [register], make_options())
        with pytest.raises(InvalidTransaction) as caught:
            check_signatures(decode_transaction(signed.raw, DOMAIN), DOMAIN)
        assert caught.value.reason == "BAD_PROOF"


@pytest.mark.parametrize("keys", [[KEY], [OTHER], [KEY, KEY], [KEY, OTHER, OTHER]])
def test_keys_that_are_missing_repeated_or_not_needed_are_refused(keys: list[Key]) -> None:
    payloads = [Transfer(KEY.address, bytes(32), 5), Transfer(OTHER.address, bytes(32), 5)]
    with pytest.raises(InvalidTransaction) as caught:
        sign_payloads(DOMAIN, keys, payloads, make_options())
    assert caught.value.reason == "SIGNERS_DIFFER"


@pytest.mark.parametrize("memo", [b"", b"m" * 256])
@pytest.mark.parametrize("payloads", [build_transfers([(bytes(32), 2**60)]), build_some_of_each()])
def test_the_greatest_weight_bounds_the_weight_closely(
    memo: bytes, payloads: list[Payload]
) -> None:
    keys = [KEY, OTHER] if len(payloads) > 1 else [KEY]
    most = compute_weight_max(KEY.address, payloads, make_options(0, memo))
    signed = sign_payloads(DOMAIN, keys, payloads, make_options(most, memo))
    assert 0 <= most - decode_transaction(signed.raw, DOMAIN).weight <= 20
