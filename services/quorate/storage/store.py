"""Typed reads of what is stored, and the puts that match them."""

from collections import OrderedDict
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from quorate.core.batches import HEADER_BYTES, SIGNED_HEADER_BYTES
from quorate.core.blocks import Block, split_body
from quorate.core.codec import U32, U64
from quorate.core.epochs import Epochs, EpochStart
from quorate.core.errors import Unavailable
from quorate.core.genesis import Genesis
from quorate.core.merkle import Subtree, Tree, list_subtrees
from quorate.core.receipts import Receipts, pack_receipts, unpack_receipts
from quorate.core.results import Result
from quorate.core.seats import SeatSet
from quorate.core.state import EPOCH_START_KEY, compute_set_key
from quorate.storage import database as db
from quorate.storage.contract_history import History
from quorate.storage.database import Database, View, Writes

_PLACE: Final = Struct(">QIB")
_SUBTREE: Final = Struct(">BQ")
# Blocks whose packed receipts are kept for those who follow the chain.
_RECENT_BLOCKS: Final = 64
_RECENT_BYTES_MAX: Final = 8 * 1024 * 1024
_RESULT_HEAD: Final = 68
_SETS_MAX: Final = 16

HEIGHT_KEY: Final = b"h"
GENESIS_KEY: Final = b"genesis"
RUN_END_KEY: Final = b"run_end"
POISONED_KEY: Final = b"poisoned"
SUSPECT_KEY: Final = b"suspect"


class Place(NamedTuple):
    """Where a transaction was executed or last skipped; `code` as in its receipt."""

    height: int
    position: int
    code: int

    def encode(self) -> bytes:
        """Return the value of the transaction index."""
        return _PLACE.pack(*self)


class Store:
    """Reads blocks, batches, receipts and indexes."""

    def __init__(self, database: Database, genesis: Genesis) -> None:
        self._database = database
        self.genesis, self.root = genesis, genesis.root
        self.history = History(database, genesis.root.header.height)
        self._packed: OrderedDict[int, bytes] = OrderedDict()
        self._packed_bytes = 0
        # What is once written stays, so it may be kept.
        self._sets: dict[int, SeatSet] = {}

    # ---- blocks ----------------------------------------------------------------------------

    def get_block_bytes(self, height: int) -> bytes:
        """Return an encoded block that must be there; raises Unavailable (DAMAGED_DATABASE)."""
        data = self.load_block_bytes(height)
        if data is None:
            raise _damaged(f"block {height} is missing")
        return data

    def load_block_bytes(self, height: int) -> bytes | None:
        """Return the encoded block at a height, which may be above the head during a run."""
        if height == self.root.header.height:
            return self.root.encode()
        return self._database.get(db.BLOCKS, U64.pack(height))

    def load_block(self, height: int) -> Block | None:
        """Return the block at a height."""
        if height == self.root.header.height:
            return self.root
        data = self.load_block_bytes(height)
        return None if data is None else Block.decode(data)

    def get_block(self, height: int) -> Block:
        """Return a block that must be there; raises Unavailable (DAMAGED_DATABASE)."""
        block = self.load_block(height)
        if block is None:
            raise _damaged(f"block {height} is missing")
        return block

    def find_height(self, digest: bytes) -> int | None:
        """Return the height of the block with a digest."""
        if digest == self.root.digest:
            return self.root.header.height
        value = self._database.get(db.DIGESTS, digest)
        return None if value is None else int(U64.unpack(value)[0])

    def load_certificate(self, height: int) -> bytes | None:
        """Return the encoded finality of exactly this block."""
        return self._database.get(db.CERTIFICATES, U64.pack(height))

    def find_certificate(self, height: int) -> tuple[int, bytes] | None:
        """Return the lowest certified height from `height` on, and its encoded finality."""
        for key, value in self._database.iterate(db.CERTIFICATES, U64.pack(height)):
            return int(U64.unpack(key)[0]), value
        return None

    def load_names(self, first: int, last: int) -> list[tuple[int, bytes]]:
        """Return (height, packed batch names) of the blocks first … last that name any."""
        heights = list(range(max(first, 1), last + 1))
        values = self._database.get_many(db.BLOCKS, [U64.pack(each) for each in heights])
        return [
            (height, names)
            for height, value in zip(heights, values, strict=True)
            if value is not None and (names := split_body(value)[1])
        ]

    def load_run_end(self) -> int:
        """Return the height at which the last stored run of several blocks ends; 0: none was."""
        value = self._database.get(db.META, RUN_END_KEY)
        return 0 if value is None else int(U64.unpack(value)[0])

    def load_meta(self, key: bytes) -> bytes:
        """Return what is stored under a key of the meta family; b"" when nothing is."""
        return self._database.get(db.META, key) or b""

    # ---- epochs ----------------------------------------------------------------------------

    def load_epoch_start(self) -> EpochStart:
        """Return the start of the epoch that the block after the executed height belongs to.

        Raises Unavailable (DAMAGED_DATABASE) or MalformedBytes when there is none.
        """
        value = self._database.get(db.STATE, EPOCH_START_KEY)
        if value is None:
            raise _damaged("the start of the epoch is missing")
        return EpochStart.decode(value)

    def load_set(self, epoch: int) -> SeatSet | None:
        """Return the set of an epoch; None while the end of the epoch two before is not known."""
        found = self._sets.get(epoch)
        if found is None:
            value = self._database.get(db.STATE, compute_set_key(epoch))
            if value is None:
                return None
            found = self._sets[epoch] = SeatSet.decode(value)
            if len(self._sets) > _SETS_MAX:
                del self._sets[next(iter(self._sets))]
        return found

    def get_set(self, epoch: int) -> SeatSet:
        """Return a set that must be there; raises Unavailable (DAMAGED_DATABASE)."""
        found = self.load_set(epoch)
        if found is None:
            raise _damaged(f"the set of epoch {epoch} is missing")
        return found

    def load_epochs(self, start: EpochStart) -> Epochs:
        """Return a start with the sets of the epochs before, at and after it."""
        around = range(max(start.epoch - 1, 0), start.epoch + 2)
        return Epochs(start, tuple([self.get_set(epoch) for epoch in around]))

    # ---- results and receipts --------------------------------------------------------------

    def load_results(self, first: int, last: int) -> list[Result]:
        """Return what executing the blocks first … last gave; the root has no result."""
        heights = list(range(max(first, 1), last + 1))
        values = self._database.get_many(db.RESULTS, [U64.pack(each) for each in heights])
        return [
            _decode_result(height, value)
            for height, value in zip(heights, values, strict=True)
            if value is not None
        ]

    def count_transactions(self, heights: list[int]) -> list[int]:
        """Return how many transactions each of these executed blocks holds."""
        values = self._database.get_many(db.RESULTS, [U64.pack(each) for each in heights])
        return [0 if value is None else int(U32.unpack_from(value, 64)[0]) for value in values]

    def load_packed_receipts(self, height: int) -> bytes:
        """Return an executed block's packed receipts; raises Unavailable when they are gone."""
        if height == self.root.header.height:
            return pack_receipts(())
        packed = self._packed.get(height) or self._database.get(db.RECEIPTS, U64.pack(height))
        if packed is None:
            raise _damaged(f"receipts of block {height} are missing")
        return packed

    def load_receipts(self, height: int) -> Receipts:
        """Return an executed block's receipts; raises Unavailable when they are gone."""
        return unpack_receipts(self.load_packed_receipts(height))

    def keep_receipts(self, height: int, packed: bytes) -> None:
        """Keep the packed receipts of a new block in memory, within bounds."""
        self._packed[height] = packed
        self._packed_bytes += len(packed)
        while len(self._packed) > _RECENT_BLOCKS or self._packed_bytes > _RECENT_BYTES_MAX:
            _, dropped = self._packed.popitem(last=False)
            self._packed_bytes -= len(dropped)

    def find_places(self, ids: list[bytes]) -> list[Place | None]:
        """Return where transactions were executed, in the order asked."""
        values = self._database.get_many(db.TXINDEX, ids)
        return [None if value is None else Place(*_PLACE.unpack(value)) for value in values]

    def load_subtrees(self, subtrees: list[Subtree]) -> list[bytes]:
        """Return roots of complete subtrees over blocks' receipts hashes; raises Unavailable."""
        values = self._database.get_many(db.SUBTREES, [encode_subtree(each) for each in subtrees])
        if None in values:
            raise _damaged("hashes of receipts are missing")
        return [value for value in values if value is not None]

    def load_tree(self, height: int) -> Tree:
        """Return the tree over the receipts hashes of the blocks 1 … height."""
        return Tree(height, self.load_subtrees(list_subtrees(0, height)))

    # ---- batches ---------------------------------------------------------------------------

    def load_batch(self, name: bytes) -> bytes | None:
        """Return an encoded sealed batch."""
        return self._database.get(db.BATCHES, name)

    def find_named(self, names: list[bytes]) -> list[bool]:
        """Tell for each batch whether a final block names it."""
        return [value is not None for value in self._database.get_many(db.NAMED, names)]

    def load_state(self, keys: list[bytes]) -> tuple[int, list[bytes]]:
        """Return the executed height and state records (b"" where there is none) of one moment."""
        height, *values = self._database.get_many(db.STATE, [HEIGHT_KEY, *keys])
        return int(U64.unpack(height or bytes(8))[0]), [value or b"" for value in values]

    def scan_state(self, prefix: bytes, after: bytes, count: int) -> list[tuple[bytes, bytes]]:
        """Return the first `count` state records with this prefix and a key above `after`."""
        # A null byte more makes the next key that there can be.
        return self._database.scan(db.STATE, after + b"\0", prefix, count)

    def iter_state(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield all of the state family, ascending by key: the records, and the executed height."""
        return self._database.iterate(db.STATE)

    def open_state(self) -> "StateView":
        """Return the state as it is now, whatever blocks are executed later."""
        return StateView(self._database.open_view(db.STATE))


class StateView:
    """World state at one executed height (core.records.Records), for reads that take a while.

    Holds what RocksDB would free otherwise: not to be kept for longer than one answer takes.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.height = int(U64.unpack(self[HEIGHT_KEY] or bytes(8))[0])

    def __getitem__(self, key: bytes) -> bytes:
        """Return the value of a key; b"" where there is none."""
        return self._view.get(key) or b""

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[tuple[bytes, bytes]]:
        """Return the first `count` records that have this prefix and a key above `after`."""
        return self._view.scan(after + b"\0", prefix, count)

    def scan_from(self, prefix: bytes, start: bytes, count: int) -> list[tuple[bytes, bytes]]:
        """Return the first `count` records that have this prefix, from key `start` on."""
        return self._view.scan(max(prefix, start), prefix, count)


def encode_result(result: Result, transactions: int) -> bytes:
    """Return the value of the results family: write digest, receipts root, count u32, set."""
    next_set = b"" if result.next_set is None else result.next_set.encode()
    return result.write_digest + result.receipts_root + U32.pack(transactions) + next_set


def encode_subtree(subtree: Subtree) -> bytes:
    """Return the key of a complete subtree: its level and index."""
    return _SUBTREE.pack(*subtree)


def put_subtrees(writes: Writes, subtrees: list[tuple[Subtree, bytes]]) -> None:
    """Add complete subtrees over blocks' receipts hashes to a write."""
    writes.put_all(db.SUBTREES, [(encode_subtree(each), root) for each, root in subtrees])


def _decode_result(height: int, value: bytes) -> Result:
    next_set = value[_RESULT_HEAD:]
    return Result(height, value[:32], value[32:64], SeatSet.decode(next_set) if next_set else None)


def put_block(writes: Writes, block: Block, certificate: bytes | None) -> None:
    """Add a block, and its own encoded finality when it has one, to a write."""
    height = U64.pack(block.header.height)
    writes.put(db.BLOCKS, height, block.encode())
    writes.put(db.DIGESTS, block.digest, height)
    if certificate is not None:
        writes.put(db.CERTIFICATES, height, certificate)


def split_signed_header(batch: bytes) -> tuple[bytes, bytes]:
    """Return the header of an encoded batch, and the header with its signature."""
    return batch[:HEADER_BYTES], batch[:SIGNED_HEADER_BYTES]


def _damaged(what: str) -> Unavailable:
    return Unavailable(f"{what}; {db.NEXT_STEP}", reason=db.DAMAGED)
