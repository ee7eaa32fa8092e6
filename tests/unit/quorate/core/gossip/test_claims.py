"""What a transaction claims to pay is found in its bytes, and odd bytes break nothing."""

import random

from quorate.core.fees import compute_price
from quorate.core.gossip.claims import find_claimed_price
from quorate.core.transactions import Signature, Transfer
from quorate.kit.convert import encode_body, encode_envelope


def build(rng: random.Random, tip: int) -> bytes:
    sender = rng.randbytes(32)
    payloads = [Transfer(sender, rng.randbytes(32), 1)] * rng.randrange(1, 5)
    body = encode_body(
        sender, rng.choice((0, 3, 15)), rng.choice((0, 1, 2**40)), payloads,
        valid_until_height=rng.choice((0, 200, 2**50)), fee_limit=rng.choice((0, 500, 2**63)),
        tip=tip, memo=rng.randbytes(rng.randrange(200)),
    )  # fmt: skip
    return encode_envelope(body, [Signature(1, bytes(32), bytes(64))])


def test_the_claim_is_the_tip_by_the_size(rng: random.Random) -> None:
    for _ in range(500):
        tip = rng.choice((0, 1, 127, 128, 10**6, 2**63, rng.randrange(2**40)))
        raw = build(rng, tip)
        assert find_claimed_price(raw) == compute_price(tip, len(raw))


def test_bytes_that_are_no_transaction_claim_nothing_and_break_nothing(rng: random.Random) -> None:
    for raw in (b"", b"\x0a", b"\x0a\xff", b"\x0a" + b"\xff" * 30, bytes(100), b"\x0a\x05hello"):
        assert find_claimed_price(raw) == 0
    good = build(rng, 10**6)
    for cut in range(len(good)):
        assert find_claimed_price(good[:cut]) >= 0
    for _ in range(2_000):
        raw = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        assert find_claimed_price(bytes(raw)) >= 0
