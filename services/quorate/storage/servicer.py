"""What storage answers to its siblings (storage.v1.StorageService)."""

import asyncio
from collections.abc import AsyncIterator

import grpc

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.api.storage.v1 import storage_pb2_grpc as rpc
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.bft.finality import decode_finality
from quorate.core.blocks import Block, compute_base_fee
from quorate.core.codec import split_hashes
from quorate.core.errors import InvalidBlock, InvalidInput, QuorateError
from quorate.core.params import SEATS_MAX, Params
from quorate.core.state import compute_account_key, compute_mark_key
from quorate.kit.faults import abort
from quorate.storage.catchup import CatchUp
from quorate.storage.chain import Run
from quorate.storage.committer import Committer
from quorate.storage.feed import Feed
from quorate.storage.pacer import Pacer
from quorate.storage.reading import read_run
from quorate.storage.runs import check_shape
from quorate.storage.session import Session, list_block_batches, list_results

BATCHES_BYTES_MAX = 12 * 1024 * 1024
KEYS_MAX = 100_000


class StorageServicer(rpc.StorageServiceServicer):
    """Batches, state, final blocks and catch-up for gossip and consensus."""

    def __init__(self, committer: Committer, catch_up: CatchUp, feed: Feed, params: Params) -> None:
        self._chain, self._committer, self._catch_up = committer.chain, committer, catch_up
        self._feed, self._params = feed, params
        self._session: Session | None = None

    async def PutBatches(
        self,
        request: pb.PutBatchesRequest,
        context: grpc.aio.ServicerContext[pb.PutBatchesRequest, pb.PutBatchesResponse],
    ) -> pb.PutBatchesResponse:
        """Make batches durable."""
        try:
            await self._chain.batches.put(list(request.batches))
        except QuorateError as error:
            await abort(context, error)
        return pb.PutBatchesResponse()

    async def GetBatches(
        self,
        request: pb.GetBatchesRequest,
        context: grpc.aio.ServicerContext[pb.GetBatchesRequest, pb.GetBatchesResponse],
    ) -> pb.GetBatchesResponse:
        """Read batches, or only their signed headers."""
        response, size, pacer = pb.GetBatchesResponse(), 0, Pacer()
        try:
            for name in split_hashes(request.names, "batch names"):
                batch = self._chain.batches.load(name, header_only=request.headers_only)
                size += len(batch)
                await pacer.pause()
                # What does not fit one answer reads as unknown; it can be asked for again.
                response.batches.append(batch if size <= BATCHES_BYTES_MAX else b"")
        except QuorateError as error:
            await abort(context, error)
        return response

    async def ReadState(
        self,
        request: pb.ReadStateRequest,
        context: grpc.aio.ServicerContext[pb.ReadStateRequest, pb.ReadStateResponse],
    ) -> pb.ReadStateResponse:
        """Read accounts and idempotency records of one height."""
        try:
            keys = list(map(compute_account_key, split_hashes(request.addresses, "addresses")))
            accounts = len(keys)
            keys += [b"i" + each for each in request.idempotency_keys]
            marks = len(keys)
            if len(keys) + len(request.accused) > KEYS_MAX:
                raise InvalidInput("too many keys in one request", reason="OUT_OF_RANGE")
            keys += [_find_mark_key(each) for each in request.accused]
            height, values = await self._chain.reader.read(keys)
        except QuorateError as error:
            await abort(context, error)
        head = self._chain.head.header
        return pb.ReadStateResponse(
            height=height,
            accounts=values[:accounts],
            idempotency=values[accounts:marks],
            marks=values[marks:],
            epoch=head.epoch,
            base_fee=compute_base_fee(head.base_fee, head.weight, self._params),
        )

    async def OpenChain(
        self,
        request: pb.OpenChainRequest,
        context: grpc.aio.ServicerContext[pb.OpenChainRequest, pb.OpenChainResponse],
    ) -> pb.OpenChainResponse:
        """Tell where the certified chain stands; a run above it may be half applied."""
        chain, window = self._chain, self._params.batch_validity_blocks
        try:
            height = chain.certified_height
            head = chain.store.get_block(height).header
            epochs = chain.store.load_epochs(chain.certified_start)
            return pb.OpenChainResponse(
                head=chain.store.get_block_bytes(height),
                certificate=chain.store.load_certificate(height) or b"",
                recent_batches=list_block_batches(chain.store, height - window + 1, height),
                results=list_results(chain.store, head.executed.height, height),
                held_headers=chain.batches.list_held(),
                epoch_start=epochs.start.encode(),
                sets=[each.encode() for each in epochs.sets],
            )
        except QuorateError as error:
            await abort(context, error)

    async def ReadBlocks(
        self,
        request: pb.ReadBlocksRequest,
        context: grpc.aio.ServicerContext[pb.ReadBlocksRequest, pb.ReadBlocksResponse],
    ) -> pb.ReadBlocksResponse:
        """Read a run of final blocks for a peer."""
        try:
            return await read_run(self._chain, request.from_height, request.size_bytes_max)
        except QuorateError as error:
            await abort(context, error)

    async def Commit(
        self,
        request_iterator: AsyncIterator[pb.CommitRequest],
        context: grpc.aio.ServicerContext[pb.CommitRequest, pb.CommitResponse],
    ) -> AsyncIterator[pb.CommitResponse]:
        """Take final blocks and tell what became of them; a new engine replaces the old one."""
        if self._session is not None:
            self._session.close()
        session = Session(self._chain, self._catch_up, self._params.batch_validity_blocks)
        self._session, self._catch_up.attached = session, True
        reading = asyncio.create_task(self._read(request_iterator, session))
        try:
            async for response in session.iter_responses():
                yield response
            if reading.done():
                await reading
        except QuorateError as error:
            await abort(context, error)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            if self._session is session:
                self._session, self._catch_up.attached = None, False
                self._chain.changed.notify()

    async def _read(self, requests: AsyncIterator[pb.CommitRequest], session: Session) -> None:
        try:
            async for request in requests:
                if request.proposed_batches:
                    self._feed.hint(
                        tx.STAGE_PROPOSED, request.proposed_height, request.proposed_batches
                    )
                if request.blocks:
                    await self._take(request, session)
                if request.released_ticket:
                    self._chain.poisons.release(request.released_ticket)
        finally:
            session.close()

    async def _take(self, request: pb.CommitRequest, session: Session) -> None:
        blocks = tuple([Block.decode(data) for data in request.blocks])
        check_shape(blocks)
        if decode_finality(request.certificate).digest != blocks[-1].digest:
            raise InvalidBlock("the finality is not of the last block", reason="WRONG_RUN")
        session.note_committed(blocks[-1].header.height)
        if blocks[-1].header.height <= self._chain.certified_height:
            session.acknowledge()
            return
        for block in blocks:
            self._feed.hint(tx.STAGE_FINAL, block.header.height, b"".join(block.batches))
        await self._chain.note_final(blocks)
        await self._committer.put(Run(blocks, request.certificate))


def _find_mark_key(asked: pb.SeatOfEpoch) -> bytes:
    if asked.seat >= SEATS_MAX:
        raise InvalidInput(f"seat {asked.seat} is in no set", reason="OUT_OF_RANGE")
    return compute_mark_key(asked.epoch, asked.seat)
