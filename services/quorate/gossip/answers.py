"""Answers peers' requests out of storage: bounded in size, in number per peer and in all."""

from typing import Final

from grpc import aio

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.api.storage.v1 import storage_pb2 as storage
from quorate.api.storage.v1 import storage_pb2_grpc as rpc
from quorate.gossip.fetcher import ANSWER_BYTES_MAX, NAMES_MAX
from quorate.gossip.peers import Peer, PeerTable
from quorate.kit.logs import get_logger
from quorate.kit.tasks import Tasks

PER_PEER_MAX: Final = 32
ALL_MAX: Final = 128
READ_S: Final = 5.0
# Batches read in one call: a gRPC message has room for so many of the largest.
GROUP: Final = 8

log = get_logger("gossip")


class Answerer:
    """Reads for peers."""

    def __init__(self, channel: aio.Channel, table: PeerTable, tasks: Tasks) -> None:
        self._stub = rpc.StorageServiceStub(channel)
        self._table, self._tasks = table, tasks
        self._running: dict[bytes, int] = {}
        self._all = 0

    def handle_request(self, peer: Peer, request: pb.Request) -> None:
        """Answer in the background; a peer that asks too much at once gets nothing."""
        running = self._running.get(peer.node_id, 0)
        if running >= PER_PEER_MAX:
            self._table.add_fault(peer.node_id, "TOO_MANY_REQUESTS")
            return
        if len(request.batches) > 32 * NAMES_MAX or len(request.batches) % 32:
            self._table.add_fault(peer.node_id, "MALFORMED_FRAME")
            return
        if self._all >= ALL_MAX or not peer.is_up:
            return
        self._running[peer.node_id] = running + 1
        self._all += 1
        self._tasks.start(self._answer(peer, request), "answer")

    async def _answer(self, peer: Peer, request: pb.Request) -> None:
        answer = pb.Answer(number=request.number)
        size_max = min(request.size_bytes_max or ANSWER_BYTES_MAX, ANSWER_BYTES_MAX)
        try:
            if request.WhichOneof("kind") == "blocks_from":
                await self._read_blocks(request.blocks_from, size_max, answer)
            else:
                await self._read_batches(request.batches, size_max, answer)
        except aio.AioRpcError as error:
            log.info("a request could not be answered", code=error.code().name)
        finally:
            self._all -= 1
            self._running[peer.node_id] -= 1
            if not self._running[peer.node_id]:
                del self._running[peer.node_id]
        if peer.is_up:
            peer.outbox.put_bulk(pb.Frame(answers=[answer]).SerializeToString())
            peer.wake.set()

    async def _read_batches(self, names: bytes, size_max: int, answer: pb.Answer) -> None:
        size = 0
        for start in range(0, len(names), 32 * GROUP):
            group = storage.GetBatchesRequest(names=names[start : start + 32 * GROUP])
            found = await self._stub.GetBatches(group, timeout=READ_S)
            for encoded in found.batches:
                if encoded and (not size or size + len(encoded) <= size_max):
                    answer.batches.append(encoded)
                    size += len(encoded)
            if size >= size_max:
                return

    async def _read_blocks(self, from_height: int, size_max: int, answer: pb.Answer) -> None:
        request = storage.ReadBlocksRequest(from_height=from_height, size_bytes_max=size_max)
        found = await self._stub.ReadBlocks(request, timeout=READ_S)
        answer.blocks.extend(found.blocks)
        answer.batches.extend(found.batches)
        answer.certificate = found.certificate
