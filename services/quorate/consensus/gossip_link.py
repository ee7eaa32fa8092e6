"""The link to gossip: the engine's messages out; others' messages, batches and peers in."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import grpc

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.gossip.v1 import gossip_pb2_grpc as rpc
from quorate.core.batches import HEADER_BYTES, BatchHeader, compute_batch_name
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.engine import Engine
from quorate.core.bft.messages import decode_message
from quorate.core.codec import split_hashes
from quorate.core.errors import MalformedBytes
from quorate.core.seats import SeatSet
from quorate.kit.logs import get_logger

# What waits while gossip is away; older messages go, since the engine repeats what matters.
OUTGOING_MAX = 2_048
FETCHES_MAX = 8
RETRY_S = 0.1

Put = Callable[[Callable[[int, int], on.Event]], Awaitable[None]]
Send = do.Broadcast | do.SendToSeat | do.SendToNode
log = get_logger("consensus")


class GossipLink:
    """Keeps the channel to gossip up, and turns its frames into events."""

    def __init__(self, channel: grpc.aio.Channel, engine: Engine, put: Put) -> None:
        self._stub = rpc.GossipServiceStub(channel)
        self._engine, self._put = engine, put
        self._epoch: pb.StartEpoch | None = None
        self._outgoing: deque[pb.Outgoing] = deque(maxlen=OUTGOING_MAX)
        self._wake = asyncio.Event()
        # Of each connected peer the seat key that it proved; empty: none.
        self._peers: dict[bytes, bytes] = {}
        self._fetching: set[bytes] = set()
        self._fetches: set[asyncio.Task[None]] = set()

    def send(self, effect: Send, seats: SeatSet) -> None:
        """Queue a message; everything of one turn leaves in one frame.

        `seats` is the set whose seats the effect names.
        """
        message = effect.message.encode()
        match effect:
            case do.Broadcast():
                self._outgoing.append(pb.Outgoing(broadcast=True, message=message))
            case do.SendToSeat(seat=seat):
                key = seats.keys[seat]
                self._outgoing.append(pb.Outgoing(seat_key=key, message=message))
            case do.SendToNode(node=node):
                self._outgoing.append(pb.Outgoing(node_id=node, message=message))
        self._wake.set()

    def start_epoch(self, effect: do.StartEpoch) -> None:
        """Tell gossip which epoch runs, now and on every channel from now on."""
        sets = [each.encode() for each in effect.sets]
        self._epoch = pb.StartEpoch(epoch=effect.epoch, sets=sets)
        self._wake.set()

    def count_connected(self, seats: SeatSet) -> int:
        """Return how many seats of a set are reached now, through whoever speaks for them."""
        return len({key for key in self._peers.values() if seats.find(key) is not None})

    def fetch(self, effect: do.FetchBatches, seats: SeatSet) -> None:
        """Have gossip fetch batches in the background; they come back as held."""
        names = [name for name in effect.names if name not in self._fetching]
        if names and len(self._fetches) < FETCHES_MAX:
            self._fetching.update(names)
            keys = [seats.keys[seat] for seat in effect.seats]
            task = asyncio.create_task(self._fetch(names, keys))
            self._fetches.add(task)
            task.add_done_callback(self._fetches.discard)

    async def run(self) -> None:
        """Keep the channel up until cancelled."""
        while True:
            try:
                self._peers.clear()
                call = self._stub.Channel(self._list_outgoing(), wait_for_ready=True)
                async for frame in call:
                    await self._receive(frame)
            except grpc.aio.AioRpcError as error:
                log.info("gossip went away", code=error.code().name, detail=error.details())
            await asyncio.sleep(RETRY_S)

    async def stop(self) -> None:
        """End fetches that still run."""
        for task in list(self._fetches):
            task.cancel()
        await asyncio.gather(*self._fetches, return_exceptions=True)

    async def _list_outgoing(self) -> AsyncIterator[pb.ChannelRequest]:
        yield pb.ChannelRequest(start_epoch=self._epoch)
        told = self._epoch
        while True:
            await self._wake.wait()
            self._wake.clear()
            outgoing = list(self._outgoing)
            self._outgoing.clear()
            if self._epoch is not told:
                yield pb.ChannelRequest(start_epoch=self._epoch)
                told = self._epoch
            if outgoing:
                yield pb.ChannelRequest(outgoing=outgoing)

    async def _receive(self, frame: pb.ChannelResponse) -> None:
        for change in frame.peer_changes:
            self._peers.pop(change.node_id, None)
            if change.connected:
                node, key = change.node_id, change.seat_key
                self._peers[node] = key
                await self._put(self._bind_seat(on.PeerConnected, key, node))
        if frame.held_headers:
            await self._put(_bind(on.BatchesHeld, _decode_headers(frame.held_headers)))
        for report in frame.reports:
            names = tuple(split_hashes(report.names, "reported batches"))
            key = report.seat_key
            await self._put(self._bind_seat(on.BatchesReported, key, names=names))
        for incoming in frame.incoming:
            try:
                message = decode_message(incoming.message)
            except MalformedBytes as error:
                log.warning("malformed message", node=incoming.node_id.hex(), error=error.message)
                await self._report(incoming.node_id)
                continue
            node, key = incoming.node_id, incoming.seat_key
            await self._put(self._bind_seat(on.MessageReceived, key, node, message=message))

    def _bind_seat(
        self, kind: Callable[..., on.Event], key: bytes, *fields: object, **named: object
    ) -> Callable[[int, int], on.Event]:
        """Return an event's maker; which seat a key holds is looked up when it is handled."""
        find = self._engine.find_seat
        return lambda now, clock: kind(now, clock, *fields, seat=find(key), **named)

    async def _report(self, node: bytes) -> None:
        request = pb.ReportPeerRequest(node_id=node, reason="MALFORMED_CONSENSUS_MESSAGE")
        try:
            await self._stub.ReportPeer(request, timeout=1.0)
        except grpc.aio.AioRpcError as error:
            log.debug("gossip did not take a report", code=error.code().name)

    async def _fetch(self, names: list[bytes], keys: list[bytes]) -> None:
        request = pb.FetchBatchesRequest(names=b"".join(names), seat_keys=keys)
        try:
            await self._stub.FetchBatches(request, timeout=5.0)
        except grpc.aio.AioRpcError as error:
            log.info("batches could not be fetched", code=error.code().name)
        finally:
            self._fetching.difference_update(names)


def _bind(kind: Callable[..., on.Event], *fields: object) -> Callable[[int, int], on.Event]:
    return lambda now_ms, clock_ms: kind(now_ms, clock_ms, *fields)


def _decode_headers(encoded: Iterable[bytes]) -> tuple[tuple[bytes, BatchHeader], ...]:
    pairs = []
    for each in encoded:
        header = each[:HEADER_BYTES]
        pairs.append((compute_batch_name(header), BatchHeader.decode(header)))
    return tuple(pairs)
