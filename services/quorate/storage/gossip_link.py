"""What storage asks of gossip: blocks and batches of other nodes, and how high those are."""

from collections.abc import AsyncIterator
from typing import Final

import grpc

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.gossip.v1 import gossip_pb2_grpc as rpc
from quorate.kit.faults import from_rpc_error

FETCH_DEADLINE_S: Final = 20.0
FETCH_BYTES: Final = 4 * 1024 * 1024


class GossipLink:
    """Calls to the sibling; a call that fails raises the core error, mostly Unavailable."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = rpc.GossipServiceStub(channel)

    async def fetch_batches(self, names: tuple[bytes, ...], seat_keys: tuple[bytes, ...]) -> None:
        """Have gossip fetch batches that a final block names; it puts them into storage."""
        request = pb.FetchBatchesRequest(names=b"".join(names), seat_keys=seat_keys, certified=True)
        try:
            await self._stub.FetchBatches(request, timeout=FETCH_DEADLINE_S, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def fetch_blocks(self, from_height: int) -> pb.FetchBlocksResponse:
        """Return a run of final blocks that some peer gave."""
        request = pb.FetchBlocksRequest(from_height=from_height, size_bytes_max=FETCH_BYTES)
        try:
            return await self._stub.FetchBlocks(
                request, timeout=FETCH_DEADLINE_S, wait_for_ready=True
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def report(self, node_id: bytes, reason: str) -> None:
        """Tell that what a peer gave was wrong; a report that fails is not repeated."""
        request = pb.ReportPeerRequest(node_id=node_id, reason=reason)
        try:
            await self._stub.ReportPeer(request, timeout=FETCH_DEADLINE_S, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def watch_best_height(self) -> AsyncIterator[int]:
        """Yield the best height among peers until gossip goes away (QuorateError)."""
        try:
            call = self._stub.WatchBestHeight(pb.WatchBestHeightRequest(), wait_for_ready=True)
            async for response in call:
                yield response.height
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
