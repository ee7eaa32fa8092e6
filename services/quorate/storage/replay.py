"""Executes a stored chain anew, from its root up to a height, and checks it on the way.

It is catch-up from a directory: runs are read as they are for a peer, checked as those of a peer
(docs/protocol.md#K1), and executed into a database of their own. The result is compared with what
headers claim and with what the node itself had found.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from quorate.core.batches import Batch
from quorate.core.blocks import Block
from quorate.core.errors import NotFound, RefusedToStart, Rejected
from quorate.core.genesis import Genesis
from quorate.core.state import Changes, Write
from quorate.storage import database as db
from quorate.storage.batch_store import BatchStore
from quorate.storage.chain import Chain, load_head
from quorate.storage.contract_link import ContractLink
from quorate.storage.contract_slices import Runner
from quorate.storage.database import Database, Writes
from quorate.storage.executor import Executor
from quorate.storage.poison import Poisons
from quorate.storage.reading import RUN_BYTES_MAX, read_run
from quorate.storage.roots import prepare
from quorate.storage.runs import Base, Offer, check_run
from quorate.storage.signals import Signal
from quorate.storage.state_reader import StateReader
from quorate.storage.store import GENESIS_KEY, HEIGHT_KEY, Store
from quorate.storage.writer import Writer

Progress = Callable[[int], None]
_WRITES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """The chain at a height: its block there, what executing it gave, and the state's database.

    `claimed_at` is the height of the first header that claims this result; None when none does yet.
    """

    block: Block
    write_digest: bytes
    claimed_at: int | None
    chain: Chain
    database: Database

    def open_state(self) -> Changes:
        """Return the state, to be changed; `take` keeps the changes."""
        return Changes(self.chain.reader.open(()))

    def take(self, changes: Changes) -> None:
        """Write changes into the state, which is then no chain's any more."""
        for part in changes.iter_writes(_WRITES):
            writes = Writes()
            for key, value in part:
                if value:
                    writes.put(db.STATE, key, value)
                else:
                    writes.delete(db.STATE, key)
            self.database.write(self.database.build(writes), synced=False)

    def iter_state(self) -> Iterator[Write]:
        """Yield all records of the state, ascending by key."""
        for key, value in self.chain.store.iter_state():
            if key != HEIGHT_KEY:
                yield key, value


class Replay:
    """Reads a stopped node's database and executes its chain into `scratch`."""

    def __init__(
        self, home: Path, scratch: Path, genesis: Genesis, link: ContractLink | None = None
    ) -> None:
        """Open a node's database and a new one; raises RefusedToStart.

        Without a `link` to a contract-runner blocks that call contracts can't be executed.
        """
        self._genesis, self._link = genesis, link
        self._writers: list[Writer] = []
        self._databases = [Database(home / "storage" / "db", read_only=True)]
        try:
            self._databases.append(Database(scratch))
            prepare(self._databases[1], genesis, home)
            self._source, self.chain = map(self._open, self._databases)
        except BaseException:
            self.close()
            raise

    @property
    def height(self) -> int:
        """The source's executed height."""
        return self._source.height

    def close(self) -> None:
        """Close both databases."""
        for writer in self._writers:
            writer.close()
        for database in self._databases:
            database.close()

    async def run(self, height: int, on_progress: Progress = lambda height: None) -> Replayed:
        """Execute up to a height. Raises NotFound, and Rejected when the chain is not as claimed.

        Raises InvalidInput when a stored run is not what a quorum made final.
        """
        root_height = self._genesis.root.header.height
        if not root_height < height <= self.height:
            raise NotFound(
                f"this node has executed the heights {root_height + 1} to {self.height}",
                reason="NO_HEIGHT", height=height, head=self.height,
            )  # fmt: skip
        while self.chain.height < height:
            await self._advance(height)
            on_progress(self.chain.height)
        own = self._get_digest(self.chain, height)
        if own != self._get_digest(self._source, height):
            raise _diverged(height, "the node had found another result itself")
        claimed_at = self._find_claim(height, own)
        return Replayed(self.chain.head, own, claimed_at, self.chain, self._databases[1])

    async def _advance(self, height: int) -> None:
        """Execute one run of the source, or its part up to `height`."""
        chain = self.chain
        base = Base(chain.head, chain.store.load_epochs(chain.start))
        found = await read_run(self._source, chain.height + 1, RUN_BYTES_MAX)
        if not found.blocks:
            raise NotFound(f"block {chain.height + 1} or its finality is missing there")
        run = await check_run(
            Offer(found.blocks, found.certificate, found.batches), base, self._genesis
        )
        await chain.note_final((*run.blocks, *self._read_ahead(run.height)))
        run = replace(run, blocks=tuple([b for b in run.blocks if b.header.height <= height]))
        obstacle = await chain.apply(run)
        if obstacle is not None and obstacle.missing:
            # What did not fit one answer.
            run = replace(run, batches=(*run.batches, *self._load_batches(obstacle.missing)))
            obstacle = await chain.apply(run)
        if obstacle is not None:
            raise Rejected(obstacle.conflict or "batches are missing", reason="BROKEN_CHAIN")
        for block in run.blocks:
            self._check_claim(block)

    def _read_ahead(self, height: int) -> Iterator[Block]:
        """Yield the blocks above a height which may still decide about calls up to it (#Z4)."""
        for above in range(height + 1, self.height + 1):
            block = self._source.store.get_block(above)
            yield block
            if block.header.executed.height >= height:
                return

    def _load_batches(self, names: tuple[bytes, ...]) -> Iterator[Batch]:
        for name in names:
            data = self._source.store.load_batch(name)
            if data is not None:
                yield Batch.decode(data)

    def _check_claim(self, block: Block) -> None:
        claim, root = block.header.executed, self._genesis.root.header
        if claim.height > root.height:
            own = self._get_digest(self.chain, claim.height)
            if own != claim.write_digest:
                raise _diverged(claim.height, f"block {block.header.height} claims another result")

    def _find_claim(self, height: int, own: bytes) -> int | None:
        """Return the first later header that claims exactly this height; checks what it claims."""
        for above in range(height + 1, self.height + 1):
            claim = self._source.store.get_block(above).header.executed
            if claim.height == height:
                if claim.write_digest != own:
                    raise _diverged(height, f"block {above} claims another result")
                return above
            if claim.height > height:
                break
        return None

    def _open(self, database: Database) -> Chain:
        store, writer = Store(database, self._genesis), Writer(database, Signal())
        self._writers.append(writer)
        found = database.get(db.META, GENESIS_KEY)
        if found != self._genesis.hash:
            raise RefusedToStart(
                f"{database.path} is not of the chain of {self._genesis.hash.hex()}",
                reason="WRONG_GENESIS",
            )
        reader = StateReader(store)
        poisons = Poisons(store, writer)
        runner = Runner(self._link, poisons) if self._link else None
        executor = Executor(store, reader, self._genesis, runner)
        chain = Chain(store, BatchStore(database, store, writer), poisons, executor)
        load_head(chain, reader.height)
        chain.certified_height = max(chain.height, store.load_run_end())
        return chain

    @staticmethod
    def _get_digest(chain: Chain, height: int) -> bytes:
        found = chain.store.load_results(height, height)
        return found[0].write_digest if found else b""


def _diverged(height: int, why: str) -> Rejected:
    return Rejected(
        f"executing block {height} anew gives something else: {why}",
        reason="STATE_DIVERGED", height=height,
    )  # fmt: skip
