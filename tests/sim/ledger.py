"""Executes a final block with the real core/transition.py, as storage does: same order, same write.

`Reference` executes the chain a second time in another way (no slices, a plain dict, writes sorted
at the end), so that it can be compared with what the nodes say (docs/protocol.md#E6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quorate.core.applied import Receipt
from quorate.core.applying import build_undecodable
from quorate.core.batches import Batch
from quorate.core.blocks import Block
from quorate.core.codec import U64
from quorate.core.context import Context
from quorate.core.errors import InvalidTransaction
from quorate.core.genesis import Genesis
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.merkle import Tree, hash_node, list_subtrees
from quorate.core.outcomes import FIRST_SKIPPED
from quorate.core.receipts import Packer, hash_receipts, pack_receipts
from quorate.core.records import MemoryRecords, Record
from quorate.core.results import Result, WriteDigest, compute_write_digest
from quorate.core.state import Write
from quorate.core.transactions import Transaction
from quorate.core.transition import Execution
from quorate.core.values import ZERO_HASH
from quorate.kit.convert import decode_certified
from quorate.storage.store import HEIGHT_KEY, Place, encode_result, encode_subtree
from tests.sim.database import Database, Put

Load = Callable[[str, bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class Executed:
    """What a block gave: its result, receipts, and the puts of its one atomic write."""

    result: Result
    receipts: list[Receipt]
    puts: list[Put]


def list_transactions(block: Block, load: Load, domain: bytes) -> list[Transaction]:
    """Return a block's transactions in order, out of its stored batches."""
    transactions = []
    for name in block.batches:
        data = load("batches", name)
        assert data is not None, "a run is applied only with all its batches"
        for item in Batch.decode(data).transactions():
            try:
                transactions.append(decode_certified(item, domain))
            except InvalidTransaction:
                transactions.append(build_undecodable(item))
    return transactions


def build_context(block: Block, genesis: Genesis) -> Context:
    """Return what execution takes from a block and its chain."""
    return Context(block.header, genesis.params, genesis.domain)


class DiskRecords:
    """The state in a database, read key by key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getitem__(self, key: bytes) -> bytes:
        return self._database.get("state", key) or b""

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        found = [
            item
            for item in self._database.scan("state")
            if item[0].startswith(prefix) and item[0] > after
        ]
        return sorted(found)[:count]


def execute(
    block: Block, previous: bytes, database: Database, genesis: Genesis, *, slice_max: int
) -> Executed:
    """Return a block's effects on top of the state in the database; nothing is written."""
    height = block.header.height
    execution = Execution(build_context(block, genesis), DiskRecords(database))
    receipts = list[Receipt]()
    execution.begin()
    transactions = list_transactions(block, database.get, genesis.domain)
    for start in range(0, len(transactions), slice_max):
        receipts += execution.apply(transactions[start : start + slice_max])
    for _ in execution.iter_close():
        pass
    next_set = execution.next_set
    digest, puts = WriteDigest(previous), list[Put]()
    for writes in execution.iter_writes():
        digest.add(writes)
        puts += [("state", key, value or None) for key, value in writes]
    packer, tree = Packer(), _load_tree(height - 1, database)
    for start in range(0, len(receipts), slice_max):
        packer.add(receipts[start : start + slice_max])
    for subtree, root in tree.append(packer.compute_hash()):
        puts.append(("subtrees", encode_subtree(subtree), root))
    result = Result(height, digest.compute(), tree.compute_root(), next_set)
    puts += _list_places(height, receipts, database)
    puts.append(("state", HEIGHT_KEY, U64.pack(height)))
    puts.append(("results", U64.pack(height), encode_result(result, len(receipts))))
    puts.append(("receipts", U64.pack(height), packer.pack()))
    return Executed(result, receipts, puts)


def _load_tree(height: int, database: Database) -> Tree:
    edge = []
    for subtree in list_subtrees(0, height):
        root = database.get("subtrees", encode_subtree(subtree))
        assert root is not None, f"the hash of receipts {subtree} is missing"
        edge.append(root)
    return Tree(height, edge)


def _list_places(height: int, receipts: list[Receipt], database: Database) -> list[Put]:
    """Return the index of a block's transactions; a skipped copy hides no executed one."""
    executed = {receipt.id for receipt in receipts if receipt.code < FIRST_SKIPPED}
    puts = list[Put]()
    for position, receipt in enumerate(receipts):
        if receipt.code >= FIRST_SKIPPED:
            before = database.get("txindex", receipt.id)
            if receipt.id in executed or (before and before[-1] < FIRST_SKIPPED):
                continue
        puts.append(("txindex", receipt.id, Place(height, position, receipt.code).encode()))
    return puts


class Reference:
    """The chain executed by the plainest means there are."""

    def __init__(self, genesis: Genesis, contents: dict[bytes, bytes]) -> None:
        self._genesis, self._contents = genesis, contents
        self._state = MemoryRecords(compute_genesis_writes(genesis))
        self._digest: bytes = ZERO_HASH
        self._receipts_hashes: list[bytes] = []

    def execute(self, block: Block) -> Result:
        """Return the result of the next block of the chain."""
        header, genesis = block.header, self._genesis
        transactions = list_transactions(
            block, lambda _, name: self._contents.get(name), genesis.domain
        )
        execution = Execution(build_context(block, genesis), self._state)
        execution.begin()
        receipts = execution.apply(transactions)
        for _ in execution.iter_close():
            pass
        writes: list[Write] = [write for part in execution.iter_writes() for write in part]
        self._state.take(writes)
        self._digest = compute_write_digest(self._digest, writes)
        self._receipts_hashes.append(hash_receipts(pack_receipts(receipts)))
        root = _compute_root(self._receipts_hashes)
        return Result(header.height, self._digest, root, execution.next_set)


def _compute_root(leaves: list[bytes]) -> bytes:
    """Return the root of a tree as RFC 6962, §2.1, defines it."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hash_node(_compute_root(leaves[:split]), _compute_root(leaves[split:]))
