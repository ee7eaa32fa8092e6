"""The receipts of receipts.json stay what they are, and an independent verifier agrees on each."""

import json
from hashlib import sha256
from typing import Any

import pytest

from quorate.core import crypto
from quorate.core.proofs_verify import Trust, TrustPoint, verify
from tests.vectors import build_receipts

VECTORS: dict[str, Any] = json.loads(build_receipts.PATH.read_text())
GENESIS_HASH = bytes.fromhex(VECTORS["origin"]["genesis_hash"])


def test_the_code_still_gives_the_bytes_of_the_file() -> None:
    assert json.loads(json.dumps(build_receipts.build())) == VECTORS


@pytest.mark.parametrize("name", VECTORS["valid"])
def test_what_is_valid_proves_what_the_file_says(name: str) -> None:
    found = VECTORS["valid"][name]
    point = None
    if found["trust_point"]:
        epoch, set_hash = found["trust_point"]
        point = TrustPoint(epoch, bytes.fromhex(set_hash), 2**63)
    trust = Trust(bytes.fromhex(found["genesis_hash"]), point)
    proven = verify(bytes.fromhex(found["encoded"]), trust)
    assert (proven.receipt.id.hex(), proven.receipt.code) == (found["id"], found["code"])
    assert (proven.height, proven.position) == (found["height"], found["position"])


@pytest.mark.parametrize("name", VECTORS["false"])
def test_what_is_false_is_refused_for_the_reason_of_the_file(name: str) -> None:
    found = VECTORS["false"][name]
    trust = Trust(GENESIS_HASH)
    assert found["reason"]
    assert build_receipts.find_reason(bytes.fromhex(found["encoded"]), trust) == found["reason"]


class Plain:
    """Verifies as docs/protocol.md, section Q, says it, with none of the code but ed25519."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        self._at += size
        assert self._at <= len(self._data), "cut off"
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def prove(self, genesis_hash: bytes, trusted: dict[int, bytes]) -> tuple[bytes, int, int]:
        """Return the id, height and position that are proven; raises AssertionError otherwise."""
        assert self.number(1) == 1
        start = self._at
        self.take(32 + 8 + 8)
        fork_epoch, first = self.take(8), self.number(8)
        set_hashes = (self.take(32), self.take(32))
        name = self.take(self.number(1))
        assert tagged(b"quorate/genesis/v2", self._data[start : self._at]) == genesis_hash
        chain_id = bytes((len(name),)) + name
        self.domain = tagged(b"quorate/domain/v1", chain_id + genesis_hash + fork_epoch)
        trusted = {first: set_hashes[0], first + 1: set_hashes[1], **trusted}
        epoch, keys, set_hash = self._set()
        assert trusted.get(epoch) == set_hash
        for _ in range(self.number(2)):
            header = self._signed(epoch, keys)
            following, keys, set_hash = self._set()
            assert following == epoch + 1 and header[-32:] == set_hash
            epoch = following
        header = self._signed(epoch, keys)
        claimed, root = int.from_bytes(header[-136:-128], "big"), header[-64:-32]
        height, position, count = self.number(8), self.number(4), self.number(4)
        assert 1 <= height <= claimed and position < count
        row = self.take(82)
        row += self.take(32) if row[73] == 3 else b""
        leaf = self._climb(tagged(b"quorate/receipt/v1", row), position, count)
        block = tagged(b"quorate/receipts/v2", count.to_bytes(4, "big") + leaf)
        assert self._climb(block, height - 1, claimed) == root
        assert self._at == len(self._data), "bytes too many"
        return row[:32], height, position

    def _set(self) -> tuple[int, list[bytes], bytes]:
        encoded = self.take(self.number(4))
        inner = Plain(encoded)
        epoch, keys = inner.number(8), list[bytes]()
        for _ in range(inner.number(2)):
            keys.append(inner.take(32))
            inner.take(32 + 8)
            inner.take(inner.number(4))
        assert inner._at == len(encoded) and len(set(keys)) == len(keys) > 0
        return epoch, keys, tagged(b"quorate/seat-set/v1", encoded)

    def _signed(self, epoch: int, keys: list[bytes]) -> bytes:
        header = self.take(338)
        assert int.from_bytes(header[4:12], "big") == epoch
        statement = header[4:20] + tagged(b"quorate/block/v1", header)
        bitmap = int.from_bytes(self.take((len(keys) + 7) // 8), "little")
        voters = [seat for seat in range(bitmap.bit_length()) if bitmap >> seat & 1]
        assert len(voters) == len(keys) - (len(keys) - 1) // 3
        for seat in voters:
            assert seat < len(keys)
            signed = (self.take(64), b"quorate/finalize/v1", self.domain, statement)
            assert crypto.is_signed(keys[seat], *signed)
        return header

    def _climb(self, root: bytes, index: int, size: int) -> bytes:
        last = size - 1
        while last:
            if index % 2:
                root = tagged(b"quorate/tree-node/v1", self.take(32) + root)
            elif index < last:
                root = tagged(b"quorate/tree-node/v1", root + self.take(32))
            index, last = index // 2, last // 2
        return root


def tagged(tag: bytes, data: bytes) -> bytes:
    return sha256(bytes((len(tag),)) + tag + data).digest()


@pytest.mark.parametrize("name", VECTORS["valid"])
def test_an_independent_verifier_takes_what_is_valid(name: str) -> None:
    found = VECTORS["valid"][name]
    point = found["trust_point"]
    trusted = {point[0]: bytes.fromhex(point[1])} if point else {}
    genesis_hash = bytes.fromhex(found["genesis_hash"])
    proven = Plain(bytes.fromhex(found["encoded"])).prove(genesis_hash, trusted)
    assert proven == (bytes.fromhex(found["id"]), found["height"], found["position"])


@pytest.mark.parametrize("name", VECTORS["false"])
def test_an_independent_verifier_refuses_what_is_false(name: str) -> None:
    with pytest.raises(AssertionError):
        Plain(bytes.fromhex(VECTORS["false"][name]["encoded"])).prove(GENESIS_HASH, {})
