"""The link to storage: final blocks out; results, the synced head and faults in.

Blocks are kept until storage says that they are synced, and sent again after a reconnect: storage
ignores what it has already applied.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import grpc

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.api.storage.v1 import storage_pb2_grpc as rpc
from quorate.core.batches import HEADER_BYTES, BatchHeader, compute_batch_name
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.finality import decode_finality
from quorate.core.bft.log import Restored
from quorate.core.bft.replica import Opening
from quorate.core.blocks import Block, Suspect
from quorate.core.codec import split_hashes
from quorate.core.epochs import Epochs, EpochStart
from quorate.core.genesis import Genesis
from quorate.core.results import Result
from quorate.core.seats import SeatSet
from quorate.kit.logs import get_logger

RETRY_S = 0.1
# Hints are dropped when storage is slow: they only tell who watches a stage early.
HINTS_MAX = 64

Put = Callable[[Callable[[int, int], on.Event]], Awaitable[None]]
Held = tuple[tuple[bytes, BatchHeader], ...]
log = get_logger("consensus")


class StorageLink:
    """Keeps the commit stream to storage up, and turns its frames into events."""

    def __init__(self, channel: grpc.aio.Channel, genesis: Genesis, put: Put) -> None:
        self._stub = rpc.StorageServiceStub(channel)
        self._genesis = genesis
        self._put = put
        self._unsynced: deque[do.CommitBlocks] = deque()
        self._to_send: deque[do.CommitBlocks | do.ReleaseBlock] = deque()
        self._hints: deque[do.AnnounceProposal] = deque(maxlen=HINTS_MAX)
        self._wake = asyncio.Event()
        self.catching_up = False

    async def open_chain(self, restored: Restored) -> tuple[Opening, Epochs, Held]:
        """Return where the chain stands, waiting until storage is up, and the batches held."""
        response = await self._stub.OpenChain(pb.OpenChainRequest(), wait_for_ready=True)
        head = Block.decode(response.head)
        if head.header.height == self._genesis.root.header.height:
            head = self._genesis.root
        opening = Opening(
            head=head,
            finality=decode_finality(response.certificate) if response.certificate else None,
            recent=tuple(_list_names(response.recent_batches)),
            results=_decode_results(response.results),
            restored=restored,
        )
        epochs = _decode_epochs(response.epoch_start, response.sets)
        return opening, epochs, _decode_held(response.held_headers)

    def commit(self, effect: do.CommitBlocks) -> None:
        """Queue final blocks."""
        self._unsynced.append(effect)
        self._to_send.append(effect)
        self._wake.set()

    def release(self, effect: do.ReleaseBlock) -> None:
        """Queue, behind the final blocks so far, that a block waits for no header any more."""
        self._to_send.append(effect)
        self._wake.set()

    def announce(self, effect: do.AnnounceProposal) -> None:
        """Queue a hint that a proposal names batches."""
        self._hints.append(effect)
        self._wake.set()

    async def run(self) -> None:
        """Keep the stream up until cancelled."""
        while True:
            self._to_send = deque(self._unsynced)
            self._wake.set()
            try:
                call = self._stub.Commit(self._list_requests(), wait_for_ready=True)
                async for response in call:
                    await self._receive(response)
            except grpc.aio.AioRpcError as error:
                log.info("storage went away", code=error.code().name, detail=error.details())
            await asyncio.sleep(RETRY_S)

    async def _list_requests(self) -> AsyncIterator[pb.CommitRequest]:
        yield pb.CommitRequest()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._hints:
                hint = self._hints.popleft()
                names = b"".join(hint.names)
                yield pb.CommitRequest(proposed_batches=names, proposed_height=hint.height)
            while self._to_send:
                run = self._to_send.popleft()
                if isinstance(run, do.ReleaseBlock):
                    yield pb.CommitRequest(released_ticket=run.ticket)
                    continue
                yield pb.CommitRequest(
                    blocks=[block.encode() for block in run.blocks],
                    certificate=run.finality.encode(),
                )

    async def _receive(self, response: pb.CommitResponse) -> None:
        if response.fault_changed:
            await self._put(lambda now, clock: on.StorageFaulted(now, clock, response.fault))
        if response.caught_up_block:
            await self._catch_up(response)
        if response.runner_changed:
            await self._put(_read_runner(response))
        if response.results:
            results = _decode_results(response.results)
            await self._put(lambda now, clock: on.BlocksExecuted(now, clock, results))
        if response.synced_height:
            height = response.synced_height
            while self._unsynced and self._unsynced[0].blocks[-1].header.height <= height:
                self._unsynced.popleft()
            await self._put(lambda now, clock: on.BlocksSynced(now, clock, height))
        self.catching_up = response.catching_up

    async def _catch_up(self, response: pb.CommitResponse) -> None:
        block = Block.decode(response.caught_up_block)
        finality = decode_finality(response.caught_up_certificate)
        names = tuple(_list_names(response.caught_up_batches))
        epochs = _decode_epochs(response.caught_up_epoch_start, response.caught_up_sets)
        await self._put(lambda now, clock: on.CaughtUp(now, clock, block, finality, names, epochs))


def _read_runner(response: pb.CommitResponse) -> Callable[[int, int], on.Event]:
    height, ticket = response.survived_height, response.survived_ticket
    if height:
        return lambda now, clock: on.RunnerSurvived(now, clock, height, ticket)
    suspect = Suspect(response.suspect_height, response.suspect_position)
    return lambda now, clock: on.RunnerDied(now, clock, suspect)


def _decode_results(results: Iterable[pb.Result]) -> tuple[Result, ...]:
    return tuple(
        Result(r.height, r.write_digest, r.receipts_hash, _decode_set(r.next_set)) for r in results
    )


def _decode_set(encoded: bytes) -> SeatSet | None:
    return SeatSet.decode(encoded) if encoded else None


def _decode_epochs(start: bytes, sets: Iterable[bytes]) -> Epochs:
    return Epochs(EpochStart.decode(start), tuple([SeatSet.decode(each) for each in sets]))


def _list_names(blocks: Iterable[pb.BlockBatches]) -> list[tuple[int, bytes]]:
    return [(b.height, name) for b in blocks for name in split_hashes(b.names, "batch names")]


def _decode_held(headers: Iterable[bytes]) -> Held:
    encoded = [header[:HEADER_BYTES] for header in headers]
    return tuple((compute_batch_name(each), BatchHeader.decode(each)) for each in encoded)
