"""Finality receipts from a gateway into a file and back, and what people type for them."""

from pathlib import Path
from typing import Any

import pytest

from quorate.core.errors import (
    InvalidInput,
    InvalidReceipt,
    MalformedBytes,
    NotFound,
    NotYet,
    Rejected,
)
from quorate.core.genesis import parse_genesis
from quorate.core.proofs import RECEIPT_BYTES_MAX
from quorate.sdk import Client, Outcome, receipts
from quorate.sdk.receipts import TrustPoint
from tests.unit.quorate.gateway.chains import build_test_genesis
from tests.vectors.receipts_chain import Chain

CHAIN = Chain()
PROOF = CHAIN.prove(4, 1).encode()
IDENTITY = CHAIN.blocks[3][1].id


async def test_fetching_waits_until_a_header_claims_it(build_network: Any) -> None:
    network = await build_network()
    network.chain.proofs[IDENTITY], network.chain.unclaimed = PROOF, 3
    async with Client(network.target) as client:
        assert await receipts.fetch(client, IDENTITY) == PROOF
        assert network.chain.unclaimed == 0
        network.chain.unclaimed = 10**6
        with pytest.raises(NotYet):
            await receipts.fetch(client, IDENTITY, timeout_s=0.05)
        with pytest.raises(NotFound):
            await receipts.fetch(client, bytes(32))


def test_a_verified_receipt_says_what_became_of_the_transaction() -> None:
    outcomes = [
        (proven.outcome, proven.reason, proven.fee)
        for proven in (
            receipts.verify(CHAIN.prove(4, n).encode(), CHAIN.genesis_hash, any_age=True)
            for n in range(4)
        )
    ]
    assert outcomes == [
        (Outcome.SUCCEEDED, "", 300),
        (Outcome.SUCCEEDED, "", 301),
        (Outcome.FAILED, "INSUFFICIENT_BALANCE", 302),
        (Outcome.FAILED, "DUPLICATE", 303),
    ]


def test_an_outcome_of_a_later_version_is_shown_by_its_number() -> None:
    chain = Chain((1,))
    chain.blocks[0][0] = chain.blocks[0][0]._replace(code=250)
    proven = receipts.verify(chain.prove(1, 0).encode(), chain.genesis_hash, any_age=True)
    assert (proven.outcome, proven.reason) == (Outcome.UNKNOWN, "CODE_250")


def test_the_clock_decides_unless_told() -> None:
    with pytest.raises(Rejected) as raised:
        receipts.verify(PROOF, CHAIN.genesis_hash)
    assert raised.value.reason == "TRUST_TOO_OLD"
    assert receipts.verify(PROOF, CHAIN.genesis_hash, any_age=True).id == IDENTITY
    with pytest.raises(InvalidReceipt):
        receipts.verify(PROOF, bytes(32), any_age=True)
    with pytest.raises(MalformedBytes):
        receipts.verify(PROOF[:-1], CHAIN.genesis_hash, any_age=True)


def test_files_keep_receipts_and_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.receipt"
    receipts.save(path, PROOF)
    assert receipts.load(path) == PROOF
    with pytest.raises(NotFound):
        receipts.load(tmp_path / "none")
    with pytest.raises(NotFound):
        receipts.load(tmp_path)
    with pytest.raises(InvalidInput) as raised:
        receipts.save(tmp_path / "no" / "directory", PROOF)
    assert raised.value.reason == "UNWRITABLE"
    path.write_bytes(bytes(RECEIPT_BYTES_MAX + 1))
    with pytest.raises(InvalidInput) as raised:
        receipts.load(path)
    assert raised.value.reason == "OVERSIZED"


def test_a_genesis_is_named_by_hash_or_file(tmp_path: Path) -> None:
    text = build_test_genesis()
    path, hash_ = tmp_path / "genesis.json", parse_genesis(text).hash
    path.write_text(text)
    assert receipts.find_genesis_hash(str(path)) == hash_
    assert receipts.find_genesis_hash(hash_.hex()) == hash_
    with pytest.raises(InvalidInput):
        receipts.find_genesis_hash("x" * 64)
    for missing in ("", "nowhere.json", str(tmp_path), hash_.hex()[:-1]):
        with pytest.raises(NotFound):
            receipts.find_genesis_hash(missing)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(NotFound):
        receipts.find_genesis_hash(str(path))
    path.write_text("{}")
    with pytest.raises(InvalidInput):
        receipts.find_genesis_hash(str(path))


def test_trust_points_are_text() -> None:
    point = TrustPoint(7, b"\xab" * 32, 1_700_000_000_123)
    assert receipts.parse_point(receipts.format_point(point)) == point
    good = receipts.format_point(point)
    for wrong in ("", "7", good + ":1", good.replace("ab", "zz"), good[:10], "-1" + good[1:],
                  good.replace("7:", "x:", 1)):  # fmt: skip
        with pytest.raises(InvalidInput):
            receipts.parse_point(wrong)
