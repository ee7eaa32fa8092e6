"""What a seat's node says of its key: asked over its own socket, or read from a file.

A file is JSON: `seat_key` (hex), `candidate` (address), and `proof` (hex), or for a Ready `epoch`
and `signature` (hex).
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from quorate.core.crypto import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from quorate.core.errors import InvalidInput
from quorate.core.values import UINT64_MAX, parse_address
from quorate.sdk.payloads import SeatProof, SeatReady
from quorate.sdk.seats import prove_seat, sign_ready

STDIN: Final = "-"


def load_proof(source: Path) -> SeatProof:
    """Return a seat key's proof for its candidate; raises InvalidInput or what the node says."""
    if source.is_socket():
        return asyncio.run(prove_seat(source))
    found = _load(source)
    return SeatProof(*_take_seat(found), _take(found, "proof", SIGNATURE_BYTES))


def load_ready(source: Path) -> SeatReady:
    """Return a node's word that it is in step; raises InvalidInput or what the node says."""
    if source.is_socket():
        return asyncio.run(sign_ready(source))
    found = _load(source)
    epoch = found.get("epoch")
    if not isinstance(epoch, int) or not 0 <= epoch <= UINT64_MAX:
        raise InvalidInput(
            "the seat's JSON has no epoch: ask the node for its Ready", reason="NO_SEAT"
        )
    return SeatReady(epoch, *_take_seat(found), _take(found, "signature", SIGNATURE_BYTES))


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
