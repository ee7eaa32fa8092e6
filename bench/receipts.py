"""Measures finality receipts: bytes, the time to check one, and what they cost while executing.

    python bench/receipts.py

Of what runs beside, the least of many short runs of CPU time is hardly disturbed; each pair is
measured alternately in one process. Prints a table and last one JSON object.
"""

import argparse
import json
import random
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from quorate.core import crypto
from quorate.core.applied import Receipt
from quorate.core.applying import SLICE
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Certificate, Kind, encode_statement
from quorate.core.blocks import Executed, Header, compute_digest
from quorate.core.merkle import Tree, iter_siblings
from quorate.core.origin import Origin
from quorate.core.proofs import (
    FinalityReceipt,
    Inclusion,
    Link,
    SetChain,
    SignedHeader,
    build_signed_header,
)
from quorate.core.proofs_verify import Trust, verify
from quorate.core.receipts import Packer, compute_leaves, compute_receipts_hash
from quorate.core.seats import Seat, SeatSet
from quorate.core.values import ZERO_HASH, Hash, compute_quorum

BLOCK = 2_000
HEIGHT = 1_000_000
_RUNS = 30
_RNG = random.Random(7)


class Forge:
    """A chain of a million blocks, one of them with 2,000 receipts, and so many seats."""

    def __init__(self, seats: int) -> None:
        self._keys = [crypto.SigningKey(_RNG.randbytes(32)) for _ in range(seats)]
        hashes = (self.get_set(0).hash, self.get_set(1).hash)
        self._origin = Origin(_RNG.randbytes(32), 0, 0, 0, 0, hashes, "quorate-mainnet")
        self.trust = Trust(self._origin.compute_genesis_hash())
        self._receipts = build_receipts(BLOCK)
        root = fold(compute_leaves(self._receipts))
        self._blocks: list[bytes] = [_RNG.randbytes(32) for _ in range(HEIGHT)]
        self._blocks[HEIGHT // 3] = compute_receipts_hash(BLOCK, root)
        self._root = fold(self._blocks)

    def get_set(self, epoch: int) -> SeatSet:
        """Return the set of an epoch: always the same seats, which cost as much as others."""
        return SeatSet(
            epoch,
            tuple(
                Seat(index, f"validator-{index}", key.public_key, bytes(32), 10**15)
                for index, key in enumerate(self._keys)
            ),
        )

    def prove(self, links: int) -> bytes:
        """Return the receipt of a transaction in the middle, so many epochs after the first set."""
        sets = [self.get_set(1 + index) for index in range(links + 1)]
        headers = [self._sign(each.epoch) for each in sets]
        chain = SetChain(sets[0], tuple(map(Link, headers[:-1], sets[1:])))
        leaves, position, height = compute_leaves(self._receipts), BLOCK // 2, HEIGHT // 3
        inclusion = Inclusion(
            height + 1, position, BLOCK, self._receipts[position],
            tuple(fold(leaves[a:b]) for a, b in iter_siblings(position, BLOCK)),
            tuple(fold(self._blocks[a:b]) for a, b in iter_siblings(height, HEIGHT)),
        )  # fmt: skip
        return FinalityReceipt(self._origin, chain, headers[-1], inclusion).encode()

    def _sign(self, epoch: int) -> SignedHeader:
        executed = Executed(
            HEIGHT, ZERO_HASH, ZERO_HASH, self._root, self.get_set(epoch + 1).hash
        )  # fmt: skip
        header = Header(
            1, 0, epoch, HEIGHT, HEIGHT + 1, ZERO_HASH, HEIGHT - 1, 10**12, 0, ZERO_HASH, 0, 1,
            ZERO_HASH, ZERO_HASH, executed,
        )  # fmt: skip
        digest = compute_digest(header.encode())
        statement, domain = encode_statement(epoch, HEIGHT, digest), self._origin.compute_domain()
        signatures = tuple(
            (seat, key.sign(crypto.TAG_FINALIZE, domain, statement))
            for seat, key in enumerate(self._keys[: compute_quorum(len(self._keys))])
        )
        certificate = Certificate(
            Kind.FINALIZE, epoch, HEIGHT, digest, len(self._keys), signatures
        )  # fmt: skip
        return build_signed_header(header, Finality(certificate), self.get_set(epoch))


def build_receipts(count: int) -> list[Receipt]:
    """Return receipts of transfers."""
    return [
        Receipt(_RNG.randbytes(32), _RNG.randbytes(32), n % 16, n, 0, 350, b"")
        for n in range(count)
    ]


def fold(leaves: list[bytes]) -> Hash:
    """Return the root of a tree."""
    tree = Tree()
    tree.extend(leaves)
    return tree.compute_root()


def measure(*works: Callable[[], object]) -> list[float]:
    """Return the least CPU time in µs of each of several works, run in turn."""
    best = [1e9] * len(works)
    for _ in range(_RUNS):
        for index, work in enumerate(works):
            started = time.process_time_ns()
            work()
            best[index] = min(best[index], (time.process_time_ns() - started) / 1_000)
    return best


def measure_executing() -> dict[str, float]:
    """Return µs per transaction: packing a block's receipts with a flat hash, and with a tree."""
    receipts, count = build_receipts(BLOCK), BLOCK

    def pack() -> object:
        packer = Packer()
        for start in range(0, count, SLICE):
            packer.add(receipts[start : start + SLICE])
        return packer.pack(), packer.compute_hash()

    leaves = [compute_leaves(receipts[at : at + SLICE]) for at in range(0, count, SLICE)]

    def grow() -> object:
        tree = Tree()
        for each in leaves:
            tree.extend(each)
        return tree.compute_root()

    whole, leaf, nodes, flat = measure(
        pack,
        lambda: [compute_leaves(receipts[at : at + SLICE]) for at in range(0, count, SLICE)],
        grow,
        lambda: crypto.compute_hash(b"flat", bytes(82 * count)),
    )
    found = {"pack and hash": whole, "of which leaves": leaf, "of which nodes": nodes}
    found["a flat hash instead"] = flat
    return {name: round(value / count, 3) for name, value in found.items()}


def measure_blocks() -> dict[str, float]:
    """Return µs per block for the tree over all blocks' receipts hashes."""
    leaf, tree = _RNG.randbytes(32), Tree()
    tree.extend([leaf] * HEIGHT)

    def go_on() -> object:
        return [(tree.append(leaf), tree.compute_root()) for _ in range(100)]

    return {"append and root": round(measure(go_on)[0] / 100, 1)}


def measure_receipts() -> list[dict[str, float]]:
    """Return size and checking time by seats and links."""
    found = []
    for seats, links in ((4, 0), (4, 1), (4, 2), (4, 4), (31, 0), (31, 1)):
        forge = Forge(seats)
        data = forge.prove(links)
        (took,) = measure(lambda data=data, forge=forge: verify(data, forge.trust))
        found.append(
            {"seats": seats, "links": links, "bytes": len(data), "check_us": round(took)}
        )  # fmt: skip
    return found


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    console, rows = Console(), measure_receipts()
    table = Table("seats", "links", "bytes", "check, µs", box=None)
    for row in rows:
        table.add_row(*[f"{row[name]:,}" for name in ("seats", "links", "bytes", "check_us")])
    console.print(table)
    executing, blocks = measure_executing(), measure_blocks()
    for title, each in (("µs per transaction", executing), ("µs per block", blocks)):
        console.print(f"\n{title}: " + ", ".join(f"{name} {value}" for name, value in each.items()))
    print(json.dumps({"receipts": rows, "per_transaction_us": executing, "per_block_us": blocks}))


if __name__ == "__main__":
    main()
