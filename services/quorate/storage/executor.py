"""Executes one final block into one atomic write: decode, apply, digest, all in slices."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from quorate.core.batches import HEADER_BYTES, SIGNED_HEADER_BYTES, BatchHeader
from quorate.core.blocks import Block
from quorate.core.codec import U64, unpack_list
from quorate.core.context import Context
from quorate.core.errors import InvalidTransaction, MalformedBytes, Unavailable
from quorate.core.genesis import Genesis
from quorate.core.governance.upgrades import KNOWN_VERSIONS, UPGRADES_KEY, find_unknown
from quorate.core.merkle import Tree
from quorate.core.outcomes import FIRST_SKIPPED, OUTCOMES
from quorate.core.receipts import Packer
from quorate.core.results import Result, WriteDigest
from quorate.core.seats import SeatSet
from quorate.core.state import Write
from quorate.core.transactions import Transaction
from quorate.core.transition import (
    SLICE,
    Execution,
    Receipt,
    build_undecodable,
    list_block_keys,
    list_keys,
)
from quorate.kit.convert import decode_certified
from quorate.kit.metrics import APPLY_SECONDS, EXECUTED_TRANSACTIONS, measure_stage
from quorate.storage import database as db
from quorate.storage.database import Writes
from quorate.storage.pacer import Pacer
from quorate.storage.poison import Poisons
from quorate.storage.state_reader import StateReader
from quorate.storage.store import HEIGHT_KEY, Place, Store, encode_result, put_subtrees

UPGRADE_REQUIRED: Final = "UPGRADE_REQUIRED"


@dataclass
class Executed:
    """What executing a block gave; `writes` is the whole database write, `state` its state part.

    `tree` is over the receipts hashes of all blocks up to this one (docs/protocol.md#Q2).
    """

    result: Result
    tree: Tree
    packed: bytes
    writes: Writes
    state: list[Write]


@dataclass(frozen=True, slots=True)
class Before:
    """What the results of a block go on from: those of its parent, and what is poisoned."""

    write_digest: bytes
    tree: Tree
    poisons: Poisons


@dataclass(frozen=True, slots=True)
class Done:
    """A block whose transactions were all executed: what its write is made of."""

    height: int
    receipts: list[Receipt]
    next_set: SeatSet | None
    pacer: Pacer


class Executor:
    """Executes blocks whose batches are all stored, on top of the state that is on disk."""

    def __init__(self, store: Store, reader: StateReader, genesis: Genesis) -> None:
        self.reader = reader
        self._store, self._genesis = store, genesis

    async def execute(self, block: Block, before: Before) -> Executed:
        """Return a block's effects on top of the state at its parent; nothing is written yet.

        Raises Unavailable (UPGRADE_REQUIRED) when its rules are not those of this software.
        """
        started = time.monotonic()
        header = block.header
        records = self.reader.open(list_block_keys(header))
        self.check_version(header.height)
        execution = Execution(Context(header, self._genesis.params, self._genesis.domain), records)
        execution.begin()
        receipts: list[Receipt] = []
        pacer = Pacer()
        async for transactions in self._iter_slices(block, pacer):
            with measure_stage("apply"):
                records.load(list_keys(transactions))
                receipts += execution.apply(transactions)
            await pacer.pause()
        for _ in execution.iter_close():
            await pacer.pause()
        done = Done(header.height, receipts, execution.next_set, pacer)
        executed = await self._conclude(execution, done, before)
        APPLY_SECONDS.observe(time.monotonic() - started)
        _count(receipts)
        return executed

    def check_version(self, height: int) -> None:
        """Raise Unavailable (UPGRADE_REQUIRED) when this software has no rules for a height.

        Only while no write is under way; `height` is that of the block after the executed ones.
        """
        unknown = find_unknown(self.reader.load([UPGRADES_KEY])[UPGRADES_KEY], height)
        if unknown:
            raise Unavailable(
                f"block {height} needs the rules of version '{unknown}', and this software has "
                f"those of {', '.join(KNOWN_VERSIONS)}: start one that has them; reads go on here",
                reason=UPGRADE_REQUIRED, version=unknown, height=height,
            )  # fmt: skip

    async def _iter_slices(self, block: Block, pacer: Pacer) -> AsyncIterator[list[Transaction]]:
        """Yield the block's transactions in order, at most SLICE at a time."""
        domain, waiting = self._genesis.domain, list[bytes]()
        for name in block.batches:
            waiting += _unpack(self._store.load_batch(name), name)
            while len(waiting) >= SLICE:
                transactions = _decode(waiting[:SLICE], domain)
                del waiting[:SLICE]
                await pacer.pause()
                yield transactions
        if waiting:
            yield _decode(waiting, domain)

    async def _conclude(self, execution: Execution, done: Done, before: Before) -> Executed:
        height = done.height
        digest, state, writes = WriteDigest(before.write_digest), list[Write](), Writes()
        steps = execution.iter_writes()
        while True:
            with measure_stage("digest"):
                part = next(steps, None)
                if part is None:
                    break
                digest.add(part)
                state += part
                _put_state(writes, part)
            await done.pacer.pause()
        packer, tree = await self._pack(done, writes), before.tree.copy()
        put_subtrees(writes, tree.append(packer.compute_hash()))
        result = Result(height, digest.compute(), tree.compute_root(), done.next_set)
        packed = packer.pack()
        writes.put(db.STATE, HEIGHT_KEY, U64.pack(height))
        writes.put(db.RESULTS, U64.pack(height), encode_result(result, len(done.receipts)))
        writes.put(db.RECEIPTS, U64.pack(height), packed)
        return Executed(result, tree, packed, writes, state)

    async def _pack(self, done: Done, writes: Writes) -> Packer:
        """Return the receipts, packed and hashed; add their index to the write."""
        packer, skipped, receipts = Packer(), list[tuple[int, Receipt]](), done.receipts
        for start in range(0, len(receipts), SLICE):
            with measure_stage("digest"):
                part = receipts[start : start + SLICE]
                packer.add(part)
                for position, receipt in enumerate(part, start):
                    if receipt.code >= FIRST_SKIPPED:
                        skipped.append((position, receipt))
                    else:
                        place = Place(done.height, position, receipt.code)
                        writes.put(db.TXINDEX, receipt.id, place.encode())
            await done.pacer.pause()
        if skipped:
            await self._index_skipped(done, skipped, writes)
        return packer

    async def _index_skipped(
        self, done: Done, skipped: list[tuple[int, Receipt]], writes: Writes
    ) -> None:
        """Index skipped copies, which never hide where their id was executed."""
        executed = {receipt.id for receipt in done.receipts if receipt.code < FIRST_SKIPPED}
        for start in range(0, len(skipped), SLICE):
            part = skipped[start : start + SLICE]
            earlier = self._store.find_places([receipt.id for _, receipt in part])
            for (position, receipt), before in zip(part, earlier, strict=True):
                if before is not None and before.code < FIRST_SKIPPED:
                    continue
                if receipt.id not in executed:
                    place = Place(done.height, position, receipt.code)
                    writes.put(db.TXINDEX, receipt.id, place.encode())
            await done.pacer.pause()


def _put_state(writes: Writes, state: list[Write]) -> None:
    for key, value in state:
        if value:
            writes.put(db.STATE, key, value)
        else:
            writes.delete(db.STATE, key)


def _unpack(data: bytes | None, name: bytes) -> list[bytes]:
    if data is None:
        raise Unavailable(f"batch {name.hex()} is missing; {db.NEXT_STEP}", reason=db.DAMAGED)
    with measure_stage("decode"):
        try:
            header = BatchHeader.decode(data[:HEADER_BYTES])
            return unpack_list(data[SIGNED_HEADER_BYTES:], header.count, "batch content")
        except MalformedBytes:
            # A quorum ordered a batch whose count is a lie: it holds no transactions, everywhere.
            return []


def _decode(items: list[bytes], domain: bytes) -> list[Transaction]:
    with measure_stage("decode"):
        transactions = []
        for item in items:
            try:
                transactions.append(decode_certified(item, domain))
            except InvalidTransaction:
                transactions.append(build_undecodable(item))
        return transactions


def _count(receipts: list[Receipt]) -> None:
    for code, count in Counter(receipt.code for receipt in receipts).items():
        EXECUTED_TRANSACTIONS.labels(OUTCOMES[code][1] or "SUCCEEDED").inc(count)
