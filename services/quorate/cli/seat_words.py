"""What a seat's node says of its key: asked over its own socket, or read from a file.

A file is JSON: `seat_key` (hex), `candidate` (address), and `proof` (hex), or for a Ready `epoch`
and `signature` (hex).
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from grpc import aio

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc
from quorate.core.crypto import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from quorate.core.errors import InvalidInput
from quorate.core.values import UINT64_MAX, parse_address
from quorate.kit import faults
from quorate.kit.rpc import DEADLINE_S, open_channel
from quorate.sdk.payloads import SeatProof, SeatReady

STDIN: Final = "-"


def load_proof(source: Path) -> SeatProof:
    """Return a seat key's proof for its candidate; raises InvalidInput or what the node says."""
    if source.is_socket():
        answer = asyncio.run(_ask(source, "GetSeatProof", pb.GetSeatProofRequest()))
        return SeatProof(answer.seat_key, answer.candidate, answer.proof)
    found = _load(source)
    return SeatProof(*_take_seat(found), _take(found, "proof", SIGNATURE_BYTES))


def load_ready(source: Path) -> SeatReady:
    """Return a node's word that it is in step; raises InvalidInput or what the node says."""
    if source.is_socket():
        answer = asyncio.run(_ask(source, "SignReady", pb.SignReadyRequest()))
        return SeatReady(answer.epoch, answer.seat_key, answer.candidate, answer.signature)
    found = _load(source)
    epoch = found.get("epoch")
    if not isinstance(epoch, int) or not 0 <= epoch <= UINT64_MAX:
        raise InvalidInput(
            "the seat's JSON has no epoch: ask the node for its Ready", reason="NO_SEAT"
        )
    return SeatReady(epoch, *_take_seat(found), _take(found, "signature", SIGNATURE_BYTES))


async def _ask(socket: Path, method: str, request: Any) -> Any:
    channel = open_channel(f"unix:{socket.absolute()}")
    try:
        stub = consensus_pb2_grpc.ConsensusServiceStub(channel)
        return await getattr(stub, method)(request, timeout=DEADLINE_S)
    except aio.AioRpcError as error:
        raise faults.from_rpc_error(error) from error
    finally:
        await channel.close()


def _load(path: Path) -> dict[str, object]:
    try:
        text = sys.stdin.read() if str(path) == STDIN else path.read_text()
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{path} is neither a node's consensus.sock nor JSON of what a node says: {error}",
            reason="NO_SEAT",
        ) from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{path} holds no JSON object", reason="NO_SEAT")
    return found


def _take_seat(found: dict[str, object]) -> tuple[bytes, bytes]:
    candidate = parse_address(str(found.get("candidate", "")))
    return _take(found, "seat_key", PUBLIC_KEY_BYTES), candidate


def _take(found: dict[str, object], name: str, size: int) -> bytes:
    try:
        data = bytes.fromhex(str(found.get(name, "")))
    except ValueError:
        data = b""
    if len(data) != size:
        raise InvalidInput(f"{name} of the seat must be {2 * size} hex digits", reason="NO_SEAT")
    return data
