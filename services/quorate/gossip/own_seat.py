"""The seat key of this validator, the proof that others ask for, and which seat it holds now.

Consensus alone has the key. It keeps its proof over epochs; the seat is what the running set says.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from grpc import aio

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.api.peers.v1 import peers_pb2 as peers
from quorate.gossip.seat_sets import SeatSets
from quorate.kit.faults import from_rpc_error
from quorate.kit.logs import get_logger

RETRY_S: Final = 0.1
RETRY_S_MAX: Final = 2.0
STATUS_S: Final = 0.5

log = get_logger("gossip")


class OwnSeat:
    """The key, once known; asked for anew whenever an engine attaches."""

    def __init__(self, channel: aio.Channel, node_id: bytes, sets: SeatSets) -> None:
        self.sets = sets
        # Empty for an observer, and while consensus has not been reached.
        self.key = b""
        # A frame that carries the seat proof; empty for an observer.
        self.fragment = b""
        self.known = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None
        self._stub = rpc.ConsensusServiceStub(channel)
        self._node_id = node_id
        self._ask = asyncio.Event()
        self._ask.set()

    @property
    def number(self) -> int | None:
        """The seat held in the running epoch; None: none, or it is not known yet."""
        running = self.sets.running
        return None if running is None or not self.key else running.find(self.key)

    @property
    def is_told(self) -> bool:
        """Whether key and running set are known, so that no number means no seat."""
        return self.known.is_set() and self.sets.running is not None

    def refresh(self) -> None:
        """Ask again: the engine may be a new one."""
        self._ask.set()

    async def sign_batch(self, header: bytes) -> bytes:
        """Return the seat's signature of a batch header; raises a QuorateError if refused."""
        try:
            answer = await self._stub.SignBatch(pb.SignBatchRequest(header=header), timeout=2.0)
        except aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return answer.signature

    async def get_status(self) -> pb.GetStatusResponse:
        """Return what the engine says of itself; state "down" when it can't be reached."""
        try:
            return await self._stub.GetStatus(pb.GetStatusRequest(), timeout=STATUS_S)
        except aio.AioRpcError as error:
            return pb.GetStatusResponse(state="down", detail=error.code().name)

    async def run(self) -> None:
        """Keep the proof current until cancelled."""
        retry_s = RETRY_S
        while True:
            await self._ask.wait()
            try:
                answer = await self._stub.SignNode(
                    pb.SignNodeRequest(node_id=self._node_id), wait_for_ready=True
                )
            except aio.AioRpcError as error:
                log.info("no seat proof yet", code=error.code().name, detail=error.details())
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_S_MAX)
                continue
            retry_s = RETRY_S
            self._ask.clear()
            self._note(answer)

    def _note(self, answer: pb.SignNodeResponse) -> None:
        fragment, self.key = b"", answer.public_key
        if self.key:
            proof = peers.SeatProof(
                epoch=answer.epoch, public_key=self.key, signature=answer.signature
            )
            fragment = peers.Frame(seat_proof=proof).SerializeToString()
        is_news = fragment != self.fragment or not self.known.is_set()
        self.fragment = fragment
        self.known.set()
        if is_news:
            log.info("own seat", seat=self.number, epoch=self.sets.epoch)
            self.on_change()
