"""Transactions made by the SDK pass every stateless check of the core."""

from quorate.core.params import Params
from quorate.core.transactions import check_signatures, check_transaction
from quorate.kit.convert import decode_transaction
from quorate.sdk import Key, Options, estimate_fee_limit, sign_transfers

DOMAIN = b"d" * 32


def test_a_signed_transfer_passes_all_stateless_checks() -> None:
    key, options = Key.generate(), Options(sequence=3, valid_until_height=9, fee_limit=7, lane=2)
    signed = sign_transfers(DOMAIN, key, [(bytes(32), 5), (b"x" * 32, 6)], options)
    transaction = decode_transaction(signed.raw, DOMAIN)
    check_transaction(transaction, Params())
    check_signatures(transaction, DOMAIN)
    assert transaction.id == signed.id
    assert (transaction.sender, transaction.lane, transaction.sequence) == (key.address, 2, 3)
    assert [payload.amount for payload in transaction.payloads] == [5, 6]


def test_the_estimated_fee_limit_covers_the_weight() -> None:
    key = Key.generate()
    for memo in (b"", b"m" * 256):
        options = Options(sequence=2**40, valid_until_height=2**30, fee_limit=0, memo=memo)
        limit = estimate_fee_limit(7, [(bytes(32), 2**60)], options, headroom=1)
        full = Options(sequence=2**40, valid_until_height=2**30, fee_limit=limit, memo=memo)
        signed = sign_transfers(DOMAIN, key, [(bytes(32), 2**60)], full)
        weight = decode_transaction(signed.raw, DOMAIN).weight
        assert weight * 7 <= limit <= (weight + 10) * 7
