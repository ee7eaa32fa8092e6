"""What the seat key says for the candidate that this node is configured for (docs/protocol.md#D4).

That it stands for the candidate, at any time; that its machine is ready, only while it is: it hears
enough seats to know where the head is, storage is near that, what is final gets executed soon, and
nothing forbids to sign.
"""

from typing import Any, NoReturn

import grpc
from grpc_health.v1 import health_pb2

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.consensus.driver import Driver
from quorate.consensus.gossip_link import GossipLink
from quorate.consensus.storage_link import StorageLink
from quorate.core import crypto
from quorate.core.bft.signing import WAITING
from quorate.core.errors import Rejected
from quorate.core.staking.payloads import encode_ready
from quorate.core.values import compute_faults

HEALTH_S = 1.0


class Candidacy:
    """Signs for one candidate, with the engine's seat key and for its running epoch."""

    def __init__(
        self,
        candidate: bytes,
        driver: Driver,
        links: tuple[GossipLink, StorageLink],
        channel: grpc.aio.Channel,
    ) -> None:
        """`candidate` is empty when none is configured; `channel` leads to storage."""
        self._candidate, self._driver = candidate, driver
        self._gossip, self._storage = links
        self._check_health: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )

    def prove(self) -> pb.GetSeatProofResponse:
        """Return the seat key's proof; raises Rejected (OBSERVER, NO_CANDIDATE_CONFIGURED)."""
        key = self._get_key()
        proof = key.sign(crypto.TAG_SEAT, self._driver.engine.setup.domain, self._candidate)
        return pb.GetSeatProofResponse(
            seat_key=key.public_key, candidate=self._candidate, proof=proof
        )

    async def sign_ready(self) -> pb.SignReadyResponse:
        """Return a Ready for the running epoch; raises Rejected (NOT_SYNCED too, saying why)."""
        key = self._get_key()
        await self._check_storage()
        # No await from here on: what is signed is what was checked.
        self._check_engine()
        engine = self._driver.engine
        epoch, domain = engine.seats.epoch, engine.setup.domain
        message = encode_ready(self._candidate, epoch)
        return pb.SignReadyResponse(
            epoch=epoch,
            seat_key=key.public_key,
            candidate=self._candidate,
            signature=key.sign(crypto.TAG_READY, domain, message),
        )

    def _get_key(self) -> crypto.SigningKey:
        key = self._driver.engine.setup.key
        if key is None:
            raise Rejected("this node is an observer: it has no seat key", reason="OBSERVER")
        if not self._candidate:
            raise Rejected(
                "this node stands for no candidate: set `candidate` in its configuration",
                reason="NO_CANDIDATE_CONFIGURED",
            )
        return key

    async def _check_storage(self) -> None:
        """Ask storage's health, which means: near the best peer's head, and nothing is wrong."""
        request = health_pb2.HealthCheckRequest()
        try:
            answer = await self._check_health(request, timeout=HEALTH_S)
        except grpc.aio.AioRpcError as error:
            _refuse(f"storage does not answer ({error.code().name})")
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            _refuse("storage is behind its peers, or has a fault")

    def _check_engine(self) -> None:
        engine = self._driver.engine
        seats, replica = engine.seats, engine.replica
        own = replica.setup.seat is not None
        heard, needed = (
            self._gossip.count_connected(seats) + own,
            compute_faults(len(seats.keys)) + 1,
        )
        if heard < needed:
            _refuse(f"{heard} seats of epoch {seats.epoch} are heard, it takes {needed}")
        if self._driver.fault:
            _refuse(self._driver.fault)
        for why, text in replica.signing.blocks.items():
            if why != WAITING:
                _refuse(f"{why}: {text}")
        if self._storage.catching_up:
            _refuse("storage fetches blocks it missed")
        lag = replica.chain.head.header.height - replica.chain.executed_height
        if lag > replica.setup.params.execution_lag_max:
            _refuse(f"{lag} final blocks are not executed yet")


def _refuse(why: str) -> NoReturn:
    raise Rejected(f"not ready to vote: {why}", reason="NOT_SYNCED")
