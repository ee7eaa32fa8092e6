"""Pre-signed transfers are what a validator accepts; bad ones are wrong in their signature only."""

from dataclasses import replace

import pytest

from quorate.core.contracts.payloads import CallContract
from quorate.core.crypto import SCHEME_ED25519, compute_address, compute_public_key
from quorate.core.errors import InvalidTransaction
from quorate.core.params import Params
from quorate.core.transactions import check_signatures, check_transaction
from quorate.devnet.load.presign import Run, sign_all, sign_run
from quorate.kit.convert import decode_transaction

_DOMAIN, _SEED = bytes([7]) * 32, bytes([1]) * 32
_TO = compute_address(SCHEME_ED25519, compute_public_key(bytes([2]) * 32))


def _run(count: int = 3, size_bytes: int = 0, *, is_bad: bool = False) -> Run:
    return Run(
        seed=_SEED,
        domain=_DOMAIN,
        to=_TO,
        lane=4,
        first_sequence=9,
        count=count,
        valid_until_height=100,
        size_bytes=size_bytes,
        is_bad=is_bad,
    )


def test_signed_transfers_pass_every_stateless_check_in_sequence() -> None:
    for place, signed in enumerate(sign_run(_run())):
        transaction = decode_transaction(signed.raw, _DOMAIN)
        check_transaction(transaction, Params())
        check_signatures(transaction, _DOMAIN)
        assert transaction.id == signed.id
        assert (transaction.lane, transaction.sequence) == (4, 9 + place)


def test_with_a_contract_every_second_one_calls_it_with_the_records_it_touches_named() -> None:
    run = replace(_run(4), contract=b"c" * 32)
    made = [decode_transaction(each.raw, _DOMAIN) for each in sign_run(run)]
    for transaction in made:
        check_transaction(transaction, Params())
        check_signatures(transaction, _DOMAIN)
    assert [each.has_calls for each in made] == [each.sequence % 2 == 1 for each in made]
    call = next(each.payloads[0] for each in made if each.has_calls)
    assert isinstance(call, CallContract) and call.contract == b"c" * 32
    sender = made[0].sender
    assert call.access == (b"\x08balances" + sender, b"\x08balances" + _TO)


def test_bad_ones_fail_by_their_signature_alone() -> None:
    transaction = decode_transaction(sign_run(_run(1, is_bad=True))[0].raw, _DOMAIN)
    check_transaction(transaction, Params())
    with pytest.raises(InvalidTransaction) as caught:
        check_signatures(transaction, _DOMAIN)
    assert caught.value.reason == "BAD_SIGNATURE"


def test_size_is_reached_within_a_few_bytes() -> None:
    signed = sign_run(_run(1, size_bytes=400))[0]
    check_transaction(decode_transaction(signed.raw, _DOMAIN), Params())
    assert abs(len(signed.raw) - 400) <= 8


def test_workers_sign_the_same_and_progress_adds_up() -> None:
    done: list[int] = []
    results = sign_all([_run(2), _run(5)], 1, done.append)
    assert results == [sign_run(_run(2)), sign_run(_run(5))]
    assert sum(done) == 7
