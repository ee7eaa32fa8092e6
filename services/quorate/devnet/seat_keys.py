"""Asks a node of this machine what only its seat key can say, over its own Unix socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.core.errors import Rejected, Unavailable
from quorate.devnet.layout import Layout, Node
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import open_channel
from quorate.sdk.payloads import SeatProof, SeatReady

_CALL_S: Final = 3.0


async def prove_seat(layout: Layout, node: Node) -> SeatProof:
    """Return the proof that a node's seat key stands for its candidate.

    Raises Rejected (NO_CANDIDATE_CONFIGURED, OBSERVER) or Unavailable.
    """
    async with _open(layout, node) as stub:
        answer = await stub.GetSeatProof(pb.GetSeatProofRequest(), timeout=_CALL_S)
    return SeatProof(answer.seat_key, answer.candidate, answer.proof)


async def sign_ready(layout: Layout, node: Node) -> SeatReady:
    """Return a node's signed word that it is ready in the running epoch.

    Raises Rejected (NOT_SYNCED, with what it waits for) or Unavailable.
    """
    async with _open(layout, node) as stub:
        answer = await stub.SignReady(pb.SignReadyRequest(), timeout=_CALL_S)
    return SeatReady(answer.epoch, answer.seat_key, answer.candidate, answer.signature)


@asynccontextmanager
async def _open(layout: Layout, node: Node) -> "AsyncIterator[rpc.ConsensusServiceAsyncStub]":
    socket = layout.sockets_dir / node.name / "consensus.sock"
    try:
        async with open_channel(f"unix:{socket}") as channel:
            yield rpc.ConsensusServiceStub(channel)
    except grpc.aio.AioRpcError as error:
        known = from_rpc_error(error)
        if isinstance(known, Rejected):
            raise Rejected(f"{node.name}: {known.message}", reason=known.reason) from error
        raise Unavailable(f"{node.name} does not answer yet") from error
