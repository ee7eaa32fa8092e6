"""What the gateway reads by slicing is what decoding gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.errors import InvalidTransaction
from quorate.core.genesis import parse_genesis
from quorate.core.params import Params
from quorate.core.transactions import Signature, Transfer
from quorate.gateway.peek import Peeker
from quorate.kit.convert import decode_transaction, encode_body, encode_envelope
from tests.unit.quorate.gateway.chains import build_test_genesis

GENESIS = parse_genesis(build_test_genesis())
PEEKER = Peeker(GENESIS)
SIGNATURE = Signature(1, b"k" * 32, b"g" * 64)


@given(
    sender=st.binary(min_size=31, max_size=33),
    lane=st.integers(0, 300),
    sequence=st.sampled_from((0, 1, 2**63)),
    payloads=st.integers(0, 16),
    memo=st.sampled_from((b"", b"m" * 90, b"m" * 256, b"m" * 17_000)),
)
def test_slicing_agrees_with_decoding(
    sender: bytes, lane: int, sequence: int, payloads: int, memo: bytes
) -> None:
    transfers = [Transfer(sender, b"o" * 32, 5)] * payloads
    body = encode_body(
        sender, lane, sequence, transfers, valid_until_height=0, fee_limit=0, memo=memo
    )
    raw = encode_envelope(body, [SIGNATURE])
    full = decode_transaction(raw, GENESIS.domain)
    if len(sender) != 32:
        with pytest.raises(InvalidTransaction):
            PEEKER.peek(raw)
        return
    id_, key = PEEKER.peek(raw)
    assert (id_, key[:32]) == (full.id, full.sender)
    assert lane > 127 or key[32] == lane


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        id_, key = PEEKER.peek(raw)
    except InvalidTransaction:
        return
    assert (len(id_), len(key)) == (32, 33)


def test_what_is_too_large_is_refused_unread() -> None:
    size = Params().transaction_size_bytes_max
    with pytest.raises(InvalidTransaction) as caught:
        PEEKER.peek(b"\x0a" * (size + 1))
    assert caught.value.reason == "OVERSIZED"
