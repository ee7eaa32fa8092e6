"""The full-node world: real transactions in real batches, executed for real, on a real layout.

Storage writes what services/quorate/storage writes, in the same order (its chain.py says why that
is safe): a run of several blocks is first stored whole, unsynced; then each block is one atomic
write, of which the last is synced. A crash may come between any two writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.batches import (
    Batch,
    BatchHeader,
    check_batch_header,
    compute_batch_name,
    compute_content_hash,
    is_batch_signed,
)
from quorate.core.bft import effects as do
from quorate.core.bft.finality import Finality, decode_finality
from quorate.core.blocks import Block
from quorate.core.codec import U32, U64, pack_list
from quorate.core.epochs import Epochs, EpochStart
from quorate.core.errors import InvalidInput
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.results import Result
from quorate.core.seats import SeatSet
from quorate.core.state import EPOCH_START_KEY, compute_set_key
from quorate.core.transactions import check_signatures, check_transaction
from quorate.core.values import HASH_BYTES
from quorate.kit.convert import decode_transaction
from quorate.storage.store import HEIGHT_KEY, RUN_END_KEY, encode_result
from tests.sim.catchup import Offer
from tests.sim.database import Database, Put
from tests.sim.ledger import execute
from tests.sim.payload import Payload
from tests.sim.storage import Storage
from tests.sim.wallets import Wallets

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

TRANSACTIONS_MAX = 6
SLICE_MAX = 8


class FullStorage(Storage):
    """A database, and what is kept in memory of it; `codes` counts how transactions ended."""

    def __init__(self, world: World, node: Node) -> None:
        super().__init__(world, node)
        self.database = Database(world.rng)
        self.codes: dict[int, int] = {}
        self._certified, self._certified_start = 0, self.epoch_start
        state = compute_genesis_writes(world.genesis)
        puts: list[Put] = [("state", key, value) for key, value in state]
        puts.append(("state", HEIGHT_KEY, U64.pack(0)))
        self.database.write(puts, synced=True)

    @property
    def height(self) -> int:
        """Height of the last block that has its own certificate here."""
        return self._certified

    # ---- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Read all from the database, and finish the run that the crash cut off."""
        super().start()
        self._load()
        end = int(U64.unpack(self.database.get("meta", RUN_END_KEY) or U64.pack(0))[0])
        if end > len(self.blocks) - 1:
            heights = range(len(self.blocks), end + 1)
            finality = decode_finality(self._get("certificates", U64.pack(end)))
            blocks = tuple(Block.decode(self._get("blocks", U64.pack(h))) for h in heights)
            for _ in self._iter_blocks(do.CommitBlocks(blocks, finality)):
                pass
            self.finalities[end] = finality
        self._note_certified()

    def crash(self, *, power: bool) -> None:
        """Stop, and lose what the database loses."""
        super().crash(power=power)
        if power:
            self.database.cut_power()
        else:
            self.database.kill()

    def hold(self, name: bytes, header: BatchHeader) -> None:
        """Make a batch durable."""
        self._write_batches([name], synced=True)

    def get_epochs(self) -> Epochs:
        """Return the epoch after the certified head; a run that is under way counts for nothing."""
        around = range(max(self._certified_start.epoch - 1, 0), self._certified_start.epoch + 2)
        return Epochs(self._certified_start, tuple(self._load_set(epoch) for epoch in around))

    def _load_set(self, epoch: int) -> SeatSet:
        return SeatSet.decode(self._get("state", compute_set_key(epoch)))

    def _note_certified(self) -> None:
        self._certified, self._certified_start = len(self.blocks) - 1, self.epoch_start

    # ---- runs ------------------------------------------------------------------------------

    def _start_run(self, run: do.CommitBlocks, *, caught_up: bool) -> None:
        self._applying = True
        first = self.height + 1
        self._go_on(self.lives, self._iter_steps(run), (run, first, caught_up))

    def _go_on(
        self, life: int, steps: Iterator[None], then: tuple[do.CommitBlocks, int, bool]
    ) -> None:
        if life != self.lives or self._node.is_paused(self._go_on, life, steps, then):
            return
        if next(steps, self) is self:
            run, first, caught_up = then
            self._applying = False
            self._note_certified()
            self._end_run(run, first, caught_up=caught_up)
            self.wake()
            return
        delay_ms = self._world.rng.randint(0, self._world.plan.execute_ms[1] // 8)
        self._world.scheduler.after(delay_ms, self._go_on, life, steps, then)

    def _iter_steps(self, run: do.CommitBlocks) -> Iterator[None]:
        """Make one write and yield, until the run is applied."""
        if len(run.blocks) > 1:
            puts = [put for block in run.blocks for put in _list_block_puts(block)]
            end = U64.pack(run.blocks[-1].header.height)
            puts.append(("certificates", end, run.finality.encode()))
            puts.append(("meta", RUN_END_KEY, end))
            self.database.write(puts, synced=False)
            yield
        yield from self._iter_blocks(run)

    def _iter_blocks(self, run: do.CommitBlocks) -> Iterator[None]:
        for block in run.blocks:
            height, last = block.header.height, block is run.blocks[-1]
            self._world.check("applied", self._node, block)
            slice_max = self._world.rng.randint(1, SLICE_MAX)
            digest = self.results[-1].write_digest
            done = execute(block, digest, self.database, self._world.genesis, slice_max=slice_max)
            result = self._falsify(done.result)
            puts = done.puts + _list_block_puts(block)
            puts.append(("results", U64.pack(height), encode_result(result, len(done.receipts))))
            if last:
                puts.append(("certificates", U64.pack(height), run.finality.encode()))
            for name in block.batches:
                puts += [("named", name, U64.pack(height)), ("held", name, None)]
            expired = self._list_expired(block)
            puts += [(family, name, None) for name in expired for family in ("batches", "held")]
            self.database.write(puts, synced=last)
            for name in expired:
                del self.batches[name]
            for receipt in done.receipts:
                self.codes[receipt.code] = self.codes.get(receipt.code, 0) + 1
            self._add(block, result)
            state = dict(self.database.scan("state"))
            self._world.check("balanced", self._node, height, state)
            yield

    def _list_expired(self, block: Block) -> list[bytes]:
        height, taken = block.header.height, set(block.batches)
        return [
            name
            for name, header in self.batches.items()
            if header.expiry_height < height and name not in taken and name not in self.named
        ]

    # ---- batches ---------------------------------------------------------------------------

    def _list_contents(self, names: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return tuple(self._get("batches", name) for name in names)

    def _take_batches(self, offer: Offer, needed: list[bytes]) -> None:
        came = [Batch.decode(data).name for data in offer.batches]
        self._write_batches([name for name in came if name not in self.batches], synced=False)

    def _write_batches(self, names: list[bytes], *, synced: bool) -> None:
        payload, puts = self._world.payload, list[Put]()
        assert isinstance(payload, FullPayload), "the full world has batches with content"
        for name in names:
            puts += [("batches", name, payload.contents[name]), ("held", name, b"")]
            self.batches[name] = payload.headers[name]
        self.database.write(puts, synced=synced)

    # ---- reading ---------------------------------------------------------------------------

    def _get(self, family: str, key: bytes) -> bytes:
        value = self.database.get(family, key)
        assert value is not None, f"{family} {key.hex()} is missing"
        return value

    def _load(self) -> None:
        height = int(U64.unpack(self._get("state", HEIGHT_KEY))[0])
        heights = [U64.pack(each) for each in range(1, height + 1)]
        self.epoch_start = EpochStart.decode(self._get("state", EPOCH_START_KEY))
        self.blocks[1:] = [Block.decode(self._get("blocks", key)) for key in heights]
        self.results[1:] = [
            _decode_result(number, self._get("results", key))
            for number, key in enumerate(heights, 1)
        ]
        found: dict[int, Finality] = {
            int(U64.unpack(key)[0]): decode_finality(data)
            for key, data in self.database.scan("certificates")
        }
        self.finalities = {number: each for number, each in found.items() if number <= height}
        self.batches = {
            name: Batch.decode(data).header for name, data in self.database.scan("batches")
        }
        named = self.database.scan("named")
        self.named = {name: int(U64.unpack(data)[0]) for name, data in named}


class FullPayload(Payload):
    """Batches with content; receivers make every check that needs no state."""

    def __init__(self, world: World, wallets: Wallets) -> None:
        super().__init__(world)
        self.contents: dict[bytes, bytes] = {}
        self._wallets = wallets
        self._verdicts: dict[bytes, bool] = {}

    def is_valid(self, name: bytes) -> bool:
        """Tell whether an honest receiver takes a batch (docs/protocol.md#B5)."""
        if name not in self._verdicts:
            self._verdicts[name] = _is_sound(self.contents[name], self._world)
        return self._verdicts[name]

    def _seal(self, author: int, expiry_height: int) -> bytes:
        world, node = self._world, self._world.nodes[author]
        storage = node.storage
        assert isinstance(storage, FullStorage), "the full world has real storages"
        epoch, seat = self.get_seat(author)
        bad = node.adversary is not None and node.adversary.seals_badly
        items = [
            self._wallets.make(
                world.genesis, storage.database, storage.height, bad=bad and number == 0
            )
            for number in range(self._rng.randint(1, TRANSACTIONS_MAX))
        ]
        weight = sum(decode_transaction(item, world.domain).weight for item in items)
        content = pack_list(items)
        header = BatchHeader(
            epoch=epoch, author=seat, number=len(self.headers), count=len(items),
            size_bytes=len(content), weight=weight, expiry_height=expiry_height,
            content_hash=compute_content_hash(content),
        )  # fmt: skip
        encoded = header.encode()
        name = compute_batch_name(encoded)
        signature = node.key.sign(crypto.TAG_BATCH, world.domain, encoded)
        self.headers[name] = header
        self.contents[name] = Batch(header, signature, content, name).encode()
        if bad:
            self.invalid.add(name)
        return name


def _is_sound(data: bytes, world: World) -> bool:
    try:
        batch, weight = Batch.decode(data), 0
        header = batch.header
        check_batch_header(header, world.params)
        key = world.sets.get_set(header.epoch).keys[header.author]
        if not is_batch_signed(header.encode(), batch.signature, key, world.domain):
            return False
        for item in batch.transactions():
            transaction = decode_transaction(item, world.domain)
            check_transaction(transaction, world.params)
            check_signatures(transaction, world.domain)
            weight += transaction.weight
    except InvalidInput:
        return False
    return weight == header.weight


def _decode_result(height: int, data: bytes) -> Result:
    at = 2 * HASH_BYTES + U32.size
    next_set = SeatSet.decode(data[at:]) if data[at:] else None
    return Result(height, data[:HASH_BYTES], data[HASH_BYTES : 2 * HASH_BYTES], next_set)


def _list_block_puts(block: Block) -> list[Put]:
    height = U64.pack(block.header.height)
    return [("blocks", height, block.encode()), ("digests", block.digest, height)]
