"""Asks a node what only its seat key can say, over the Unix socket of its consensus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from grpc import aio

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import DEADLINE_S, open_channel
from quorate.sdk.payloads import SeatProof, SeatReady


async def prove_seat(socket: Path) -> SeatProof:
    """Return the proof that a node's seat key stands for its candidate.

    Raises Rejected (NO_CANDIDATE_CONFIGURED, OBSERVER) or Unavailable.
    """
    async with _open(socket) as stub:
        answer = await stub.GetSeatProof(pb.GetSeatProofRequest(), timeout=DEADLINE_S)
    return SeatProof(answer.seat_key, answer.candidate, answer.proof)


async def sign_ready(socket: Path) -> SeatReady:
    """Return a node's signed word that it is ready in the running epoch.

    Raises Rejected (NOT_SYNCED, with what it waits for) or Unavailable.
    """
    async with _open(socket) as stub:
        answer = await stub.SignReady(pb.SignReadyRequest(), timeout=DEADLINE_S)
    return SeatReady(answer.epoch, answer.seat_key, answer.candidate, answer.signature)


@asynccontextmanager
async def _open(socket: Path) -> "AsyncIterator[rpc.ConsensusServiceAsyncStub]":
    try:
        async with open_channel(f"unix:{socket.absolute()}") as channel:
            yield rpc.ConsensusServiceStub(channel)
    except aio.AioRpcError as error:
        raise from_rpc_error(error) from error
