"""Executes one final block into one atomic write: decode, apply, digest, all in slices."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from quorate.core.applied import Receipt
from quorate.core.applying import SLICE
from quorate.core.batches import HEADER_BYTES, SIGNED_HEADER_BYTES, BatchHeader
from quorate.core.blocks import Block
from quorate.core.codec import U64, unpack_list
from quorate.core.context import Context
from quorate.core.contracts.payloads import NO_ENGINE
from quorate.core.errors import MalformedBytes, Unavailable
from quorate.core.genesis import Genesis
from quorate.core.governance.upgrades import KNOWN_VERSIONS, UPGRADES_KEY, find_unknown
from quorate.core.loading import list_block_keys, list_keys
from quorate.core.merkle import Tree
from quorate.core.outcomes import FIRST_SKIPPED, OUTCOMES
from quorate.core.receipts import Packer
from quorate.core.results import Result, WriteDigest
from quorate.core.seats import SeatSet
from quorate.core.state import Write
from quorate.core.transactions import Transaction
from quorate.core.transition import Execution
from quorate.kit.convert import decode_ordered
from quorate.kit.metrics import APPLY_SECONDS, EXECUTED_TRANSACTIONS, measure_stage
from quorate.storage import database as db
from quorate.storage.contract_history import HistoryDraft
from quorate.storage.contract_slices import BlockSlices, Runner
from quorate.storage.database import Writes
from quorate.storage.pacer import Pacer
from quorate.storage.state_reader import LoadedRecords, StateReader
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
    """What the results of a block go on from: those of its parent."""

    write_digest: bytes
    tree: Tree


@dataclass(frozen=True, slots=True)
class Done:
    """A block whose transactions were all executed: what its write is made of."""

    height: int
    receipts: list[Receipt]
    next_set: SeatSet | None
    records: LoadedRecords
    pacer: Pacer


@dataclass(frozen=True, slots=True)
class Ongoing:
    """A block whose transactions are being applied: here on `records`, or elsewhere."""

    execution: Execution
    records: LoadedRecords
    elsewhere: BlockSlices | None
    pacer: Pacer


class Executor:
    """Executes blocks whose batches are all stored, on top of the state that is on disk.

    Without a `runner` it can't execute blocks that call contracts.
    """

    def __init__(
        self, store: Store, reader: StateReader, genesis: Genesis, runner: Runner | None
    ) -> None:
        self.reader = reader
        self._store, self._genesis, self._runner = store, genesis, runner

    async def execute(self, block: Block, before: Before) -> Executed:
        """Return a block's effects on top of the state at its parent; nothing is written yet.

        Raises Unavailable (UPGRADE_REQUIRED) when its rules are not those of this software, or
        (NO_RUNNER) when it calls contracts and there is nothing to run them.
        """
        started = time.monotonic()
        header = block.header
        records = self.reader.open(list_block_keys(header))
        self.check_version(header.height)
        context = Context(header, self._genesis.params, self._genesis.domain)
        execution = Execution(context, records)
        execution.begin()
        pacer = Pacer()
        elsewhere = BlockSlices(self._runner, execution, records) if self._runner else None
        receipts = await self._apply(block, Ongoing(execution, records, elsewhere, pacer))
        for _ in execution.iter_close():
            await pacer.pause()
        done = Done(header.height, receipts, execution.next_set, records, pacer)
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

    def _iter_slices(self, block: Block) -> Iterator[list[bytes]]:
        """Yield the block's transactions in order, encoded, at most SLICE at a time."""
        waiting = list[bytes]()
        for name in block.batches:
            waiting += _unpack(self._store.load_batch(name), name)
            while len(waiting) >= SLICE:
                yield waiting[:SLICE]
                del waiting[:SLICE]
        if waiting:
            yield waiting

    async def _apply(self, block: Block, ongoing: Ongoing) -> list[Receipt]:
        """Apply the block's transactions: here, or, where contracts are called, elsewhere."""
        domain, receipts = self._genesis.domain, list[Receipt]()
        execution, pacer = ongoing.execution, ongoing.pacer
        has_engine = execution.context.params.contract_engine != NO_ENGINE
        slices = self._iter_slices(block)
        for items in slices:
            transactions = _decode(items, domain, until_call=has_engine)
            if transactions is None:
                if ongoing.elsewhere is None:
                    raise Unavailable("there is no contract-runner here", reason="NO_RUNNER")
                # Two at a time: a round trip costs as much as applying thirty transactions.
                items = [*items, *next(slices, ())]
                receipts += await ongoing.elsewhere.apply(items, len(receipts))
            else:
                await pacer.pause()
                with measure_stage("apply"):
                    ongoing.records.load(list_keys(transactions))
                    receipts += execution.apply(transactions)
            await pacer.pause()
        return receipts

    async def _conclude(self, execution: Execution, done: Done, before: Before) -> Executed:
        height = done.height
        digest, state, writes = WriteDigest(before.write_digest), list[Write](), Writes()
        steps, history = execution.iter_writes(), HistoryDraft(height)
        while True:
            with measure_stage("digest"):
                part = next(steps, None)
                if part is None:
                    break
                digest.add(part)
                state += part
                _put_state(writes, part)
                history.add_writes(part, done.records)
            await done.pacer.pause()
        for start in range(0, len(execution.details), SLICE):
            history.add_details(execution.details[start : start + SLICE])
            await done.pacer.pause()
        history.put(writes)
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


def _decode(items: list[bytes], domain: bytes, *, until_call: bool) -> list[Transaction] | None:
    """Return transactions; None, if asked to look for it, when one of them calls a contract."""
    with measure_stage("decode"):
        transactions = []
        for item in items:
            transaction = decode_ordered(item, domain)
            if until_call and transaction.has_calls:
                return None
            transactions.append(transaction)
        return transactions


def _count(receipts: list[Receipt]) -> None:
    for code, count in Counter(receipt.code for receipt in receipts).items():
        EXECUTED_TRANSACTIONS.labels(OUTCOMES[code][1] or "SUCCEEDED").inc(count)
