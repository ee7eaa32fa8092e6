"""Asks a node of this machine what only its seat key can say, over its own Unix socket."""

from typing import Final

import grpc

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.devnet.layout import Layout, Node
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import open_channel

_CALL_S: Final = 3.0


async def prove_seat(layout: Layout, node: Node) -> pb.GetSeatProofResponse:
    """Return the proof that a node's seat key stands for its candidate.

    Raises Rejected (NO_CANDIDATE_CONFIGURED, OBSERVER) or Unavailable.
    """
    async with _open(layout, node) as channel:
        stub = rpc.ConsensusServiceStub(channel)
        try:
            return await stub.GetSeatProof(pb.GetSeatProofRequest(), timeout=_CALL_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error


async def sign_ready(layout: Layout, node: Node) -> pb.SignReadyResponse:
    """Return a node's signed word that it is ready in the running epoch.

    Raises Rejected (NOT_SYNCED, with what it waits for) or Unavailable.
    """
    async with _open(layout, node) as channel:
        stub = rpc.ConsensusServiceStub(channel)
        try:
            return await stub.SignReady(pb.SignReadyRequest(), timeout=_CALL_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error


def _open(layout: Layout, node: Node) -> grpc.aio.Channel:
    return open_channel(f"unix:{layout.sockets_dir / node.name / 'consensus.sock'}")
