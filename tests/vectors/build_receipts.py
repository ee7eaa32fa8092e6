"""Makes receipts.json: trees, and finality receipts that prove something or are false, as bytes.

For whoever verifies receipts in another language: docs/protocol.md, section Q, and these examples.
Written by `python -m tests.vectors.build_receipts`, out of the small chain of receipts_chain.py.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from quorate.core.errors import QuorateError
from quorate.core.merkle import Tree
from quorate.core.proofs import FinalityReceipt
from quorate.core.proofs_verify import Trust, TrustPoint, verify
from quorate.core.receipts import compute_leaves, compute_receipts_hash, encode_receipt
from tests.vectors.receipts_chain import DAY_MS, GENESIS_MS, Chain, build_receipt

PATH = Path(__file__).with_name("receipts.json")
CHAIN = Chain()
FORK = Chain((2, 5, 1), root=(1_000, 40))
TREE_SIZES = (1, 2, 3, 4, 5, 7, 8, 13)


def build() -> dict[str, Any]:
    """Return all vectors by name."""
    return {
        "origin": {
            "encoded": CHAIN.origin.encode().hex(),
            "genesis_hash": CHAIN.genesis_hash.hex(),
            "domain": CHAIN.origin.compute_domain().hex(),
        },
        "leaves": [_build_leaf(position) for position in range(4)],
        "trees": [_build_tree(size) for size in TREE_SIZES],
        "valid": {name: _describe(*case) for name, case in list_valid().items()},
        "false": {name: _describe_false(data) for name, data in list_false().items()},
    }


def list_valid() -> dict[str, tuple[FinalityReceipt, Trust]]:
    """Return receipts that prove something, and from what."""
    trust, third = Trust(CHAIN.genesis_hash), CHAIN.get_set(3)
    point = TrustPoint(3, third.hash, GENESIS_MS + DAY_MS)
    tail = replace(CHAIN.prove(5, 77), signed=CHAIN.sign_tail(1, 5))
    return {
        "from epoch 0, no link": (CHAIN.prove(1, 0, first=0, last=0), trust),
        "from epoch 1, no link": (CHAIN.prove(1, 1), trust),
        "one link, a duplicate": (CHAIN.prove(4, 3, last=2), trust),
        "four links": (CHAIN.prove(3, 0, last=5), trust),
        "a block of 200": (CHAIN.prove(5, 131), trust),
        "claimed by a tail block": (tail, trust),
        "of a forked chain": (FORK.prove(1_002, 2, first=41, last=42), Trust(FORK.genesis_hash)),
        "from a later trust point": (
            CHAIN.prove(5, 199, first=3, last=4), replace(trust, point=point)
        ),
    }  # fmt: skip


def list_false() -> dict[str, bytes]:
    """Return encodings that prove nothing, whoever trusts the genesis hash."""
    proof = CHAIN.prove(4, 1, last=2)
    good, inclusion = proof.encode(), proof.inclusion
    skipping = replace(CHAIN.build_chain(2, 3), first=CHAIN.get_set(1))
    other = Chain((3, 0, 1, 6, 199))
    last_of_three = CHAIN.prove(1, 2)
    return {
        "cut off": good[:-1],
        "a byte too many": good + b"\x00",
        "version 2": b"\x02" + good[1:],
        "another position": _move(proof, position=0),
        "another height": _move(proof, height=3),
        "a lower fee": _move(proof, receipt=inclusion.receipt._replace(fee=1)),
        "a smaller block": replace(
            last_of_three, inclusion=replace(last_of_three.inclusion, position=1, count=2)
        ).encode(),
        "a header that claims another root": replace(
            proof, signed=other.sign(other.build_header(2, 5))
        ).encode(),
        "a header of another epoch": replace(
            proof, signed=CHAIN.sign(CHAIN.build_header(3, 5))
        ).encode(),
        "an epoch left out": replace(CHAIN.prove(4, 1, last=3), chain=skipping).encode(),
        "from an epoch that is not trusted": CHAIN.prove(4, 1, first=2, last=2).encode(),
        "of another chain": replace(proof, origin=replace(proof.origin, fork_epoch=1)).encode(),
        "one signature changed": good.replace(
            proof.signed.signatures[1][1], proof.signed.signatures[1][1][:-1] + b"\x7f"
        ),
    }


def _move(proof: FinalityReceipt, **place: Any) -> bytes:
    return replace(proof, inclusion=replace(proof.inclusion, **place)).encode()


def find_reason(data: bytes, trust: Trust) -> str:
    """Return why bytes prove nothing; "" when they prove something."""
    try:
        verify(data, trust)
    except QuorateError as error:
        return error.reason
    return ""


def _build_leaf(position: int) -> dict[str, Any]:
    receipt = build_receipt(4, position)
    return {
        "receipt": encode_receipt(receipt).hex(), "leaf": compute_leaves([receipt])[0].hex(),
        "code": receipt.code, "fee": receipt.fee,
    }  # fmt: skip


def _build_tree(size: int) -> dict[str, Any]:
    tree = Tree()
    tree.extend([index.to_bytes(32, "big") for index in range(size)])
    root = tree.compute_root()
    return {
        "leaves": f"0 … {size - 1}, each as 32 bytes", "size": size, "root": root.hex(),
        "receipts_hash": compute_receipts_hash(size, root).hex(),
    }  # fmt: skip


def _describe(proof: FinalityReceipt, trust: Trust) -> dict[str, Any]:
    proven = verify(proof.encode(), trust)
    point = trust.point
    return {
        "encoded": proof.encode().hex(),
        "genesis_hash": trust.genesis_hash.hex(),
        "trust_point": None if point is None else [point.epoch, point.set_hash.hex()],
        "id": proven.receipt.id.hex(),
        "code": proven.receipt.code,
        "height": proven.height,
        "position": proven.position,
        "header_digest": proven.digest.hex(),
        "epoch": proven.trust.epoch,
        "set_hash": proven.trust.set_hash.hex(),
        "signers": [seat.index for seat in proven.signers],
    }


def _describe_false(data: bytes) -> dict[str, str]:
    return {"encoded": data.hex(), "reason": find_reason(data, Trust(CHAIN.genesis_hash))}


if __name__ == "__main__":
    PATH.write_text(json.dumps(build(), indent=1) + "\n")
