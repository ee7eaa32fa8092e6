"""What gossip does for its siblings, over its Unix socket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.gossip.v1 import gossip_pb2_grpc as rpc
from quorate.api.peers.v1 import peers_pb2 as peers
from quorate.core.codec import split_hashes
from quorate.core.errors import InvalidInput, MalformedBytes, QuorateError, Rejected
from quorate.gossip.dissemination import Dissemination
from quorate.gossip.fetcher import Fetcher
from quorate.gossip.hub import Hub
from quorate.gossip.own_seat import OwnSeat
from quorate.gossip.peers import PeerTable
from quorate.gossip.reports import ReportDesk
from quorate.kit.faults import abort
from quorate.kit.logs import get_logger

FETCH_NAMES_MAX: Final = 4_096
BEST_HEIGHT_S: Final = 0.1

log = get_logger("gossip")
Context = aio.ServicerContext[Any, Any]


class GossipServicer(rpc.GossipServiceServicer):
    """Serves consensus and storage."""

    def __init__(
        self, table: PeerTable, hub: Hub, fetcher: Fetcher, spread: Dissemination, seat: OwnSeat
    ) -> None:
        self._table, self._hub, self._fetcher = table, hub, fetcher
        self._spread, self._seat = spread, seat
        self.reports: ReportDesk | None = None
        self._height_changed = asyncio.Event()

    def note_height(self) -> None:
        """Tell who watches that the best height may have changed."""
        self._height_changed.set()
        self._height_changed = asyncio.Event()

    async def Channel(
        self, request_iterator: AsyncIterator[pb.ChannelRequest], context: Context
    ) -> AsyncIterator[pb.ChannelResponse]:
        """Join an engine to the peers, in place of the one before."""
        number = self._hub.attach()
        self._seat.refresh()
        reading = asyncio.create_task(self._read(request_iterator))
        try:
            while (frame := await self._hub.take(number)) is not None:
                yield frame
            await abort(context, Rejected("another engine attached", reason="REPLACED"))
        finally:
            self._hub.detach(number)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def FetchBatches(
        self, request: pb.FetchBatchesRequest, context: Context
    ) -> pb.FetchBatchesResponse:
        """Fetch batches of peers; what is held already is reported on the channel again."""
        try:
            names = split_hashes(request.names, "names")
            if len(names) > FETCH_NAMES_MAX:
                raise InvalidInput("too many names", reason="OVERSIZED", count_max=FETCH_NAMES_MAX)
            for name in names:
                held = self._spread.held.batches.get(name)
                if held is not None:
                    self._hub.put_held(held.signed_header)
            missing = await self._fetcher.fetch_batches(
                names, list(request.seat_keys), certified=request.certified
            )
        except QuorateError as error:
            await abort(context, error)
        return pb.FetchBatchesResponse(missing=b"".join(missing))

    async def FetchBlocks(
        self, request: pb.FetchBlocksRequest, context: Context
    ) -> pb.FetchBlocksResponse:
        """Fetch a run of final blocks of one peer; empty when no peer has any."""
        try:
            found = await self._fetcher.fetch_blocks(request.from_height, request.size_bytes_max)
        except QuorateError as error:
            await abort(context, error)
        if found is None:
            return pb.FetchBlocksResponse()
        node_id, answer = found
        return pb.FetchBlocksResponse(
            blocks=answer.blocks,
            certificate=answer.certificate,
            batches=answer.batches,
            node_id=node_id,
        )

    async def ReportPeer(
        self, request: pb.ReportPeerRequest, context: Context
    ) -> pb.ReportPeerResponse:
        """Count a fault that a sibling found, and ask that peer for no blocks for a while."""
        self._fetcher.shun(request.node_id)
        self._table.add_fault(request.node_id, request.reason)
        return pb.ReportPeerResponse()

    async def WatchBestHeight(
        self, request: pb.WatchBestHeightRequest, context: Context
    ) -> AsyncIterator[pb.WatchBestHeightResponse]:
        """Stream the best height of connected peers, now and when it changes."""
        sent = -1
        while True:
            changed, height = self._height_changed, self._table.compute_best_height()
            if height != sent:
                sent = height
                yield pb.WatchBestHeightResponse(height=height)
            await changed.wait()
            # Every block changes it; who catches up needs no more than a hint.
            await asyncio.sleep(BEST_HEIGHT_S)

    async def ListPeers(
        self, request: pb.ListPeersRequest, context: Context
    ) -> pb.ListPeersResponse:
        """List the peer table by node id."""
        return pb.ListPeersResponse(
            peers=[
                pb.Peer(
                    node_id=peer.node_id,
                    address=peer.address,
                    seat_key=peer.seat_key,
                    connected=peer.is_up,
                    height=peer.height,
                    queued_bytes=peer.outbox.queued_bytes,
                )
                for _, peer in sorted(self._table.peers.items())
            ]
        )

    async def SubmitReport(
        self, request: pb.SubmitReportRequest, context: Context
    ) -> pb.SubmitReportResponse:
        """Take evidence of the own consensus."""
        assert self.reports is not None, "the wiring sets it"
        try:
            await self.reports.take(request.transaction)
        except QuorateError as error:
            await abort(context, error)
        return pb.SubmitReportResponse()

    async def _read(self, requests: AsyncIterator[pb.ChannelRequest]) -> None:
        async for request in requests:
            if request.HasField("start_epoch"):
                self._start_epoch(request.start_epoch)
            for outgoing in request.outgoing:
                self._send(outgoing)

    def _start_epoch(self, told: pb.StartEpoch) -> None:
        try:
            self._seat.sets.start(told.epoch, told.sets)
        except MalformedBytes as error:
            log.error("the engine told an epoch that can't be", epoch=told.epoch, why=error.message)

    def _send(self, outgoing: pb.Outgoing) -> None:
        fragment = peers.Frame(consensus=[outgoing.message]).SerializeToString()
        match outgoing.WhichOneof("target"):
            case "broadcast":
                self._table.broadcast_consensus(fragment)
                return
            case "seat_key":
                peer = self._table.find_seat(outgoing.seat_key)
            case _:
                peer = self._table.peers.get(outgoing.node_id)
        if peer is not None and peer.is_up:
            peer.send_consensus(fragment)
