"""Records of tokens read back as they were, and nothing else reads."""

import pytest

from quorate.core.errors import MalformedBytes
from quorate.core.tokens.records import (
    Token,
    decode_balance,
    decode_token,
    encode_balance,
)

TOKEN = Token(b"o" * 32, "GLD", "Göld", 18, 2**63 - 1, 7, freezable=True, is_frozen=True)


@pytest.mark.parametrize("token", [TOKEN, Token(bytes(32), "A", "a", 0, is_final=True)])
def test_a_token_reads_back(token):
    assert decode_token(token.encode()) == token


def test_a_balance_reads_back_and_nothing_is_no_record():
    assert [decode_balance(encode_balance(each)) for each in (0, 1, 2**64 - 1)] == [0, 1, 2**64 - 1]
    assert encode_balance(0) == b""


@pytest.mark.parametrize("cut", range(len(TOKEN.encode())))
def test_a_token_that_is_cut_off_does_not_read(cut):
    with pytest.raises(MalformedBytes):
        decode_token(TOKEN.encode()[:cut])


@pytest.mark.parametrize(
    "record",
    [
        TOKEN.encode() + b"x",
        b"\x02" + TOKEN.encode()[1:],
        b"\x01\x08" + TOKEN.encode()[2:],
        TOKEN.encode()[:-5] + b"\xff" * 5,
    ],
)
def test_another_layout_does_not_read(record):
    with pytest.raises(MalformedBytes):
        decode_token(record)


@pytest.mark.parametrize("size", [1, 7, 9])
def test_a_balance_has_eight_bytes(size):
    with pytest.raises(MalformedBytes):
        decode_balance(b"x" * size)
