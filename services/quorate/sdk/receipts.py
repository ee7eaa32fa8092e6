"""Finality receipts: fetch one, keep it, and verify it wherever there is no network.

    data = await fetch(client, signed.id)
    save(Path("order-17.receipt"), data)
    ...
    proven = verify(load(Path("order-17.receipt")), genesis_hash)
    assert proven.outcome is Outcome.SUCCEEDED

What is proven, and what a reader must know for it, is in docs/receipts.md.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quorate.core.errors import InvalidInput, NotFound, NotYet
from quorate.core.genesis import parse_genesis
from quorate.core.outcomes import OUTCOMES
from quorate.core.proofs import RECEIPT_BYTES_MAX
from quorate.core.proofs_verify import Trust, TrustPoint, Verified
from quorate.core.proofs_verify import verify as verify_bytes
from quorate.core.values import HASH_BYTES
from quorate.sdk.client import Client
from quorate.sdk.values import Outcome

_HEX: Final = 2 * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Proven:
    """What a verified receipt says of its transaction; `proof` has all the rest."""

    id: bytes
    outcome: Outcome
    reason: str
    fee: int
    height: int
    position: int
    proof: Verified


async def fetch(
    client: Client, id_: bytes, *, from_epoch: int | None = None, timeout_s: float = 30.0
) -> bytes:
    """Return a transaction's finality receipt, waiting until a final header claims its block.

    `from_epoch` is an epoch whose set the reader trusts; without it the genesis is. Not verified
    yet. Raises NotFound (NotYet when time is up), Rejected (TOO_MANY_EPOCHS), Unavailable.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await client.finality_receipt(id_, from_epoch)
        except NotYet as error:
            wait_s = error.retry_after_ms / 1_000
            if time.monotonic() + wait_s > deadline:
                raise
            await asyncio.sleep(wait_s)


def verify(
    data: bytes, genesis_hash: bytes, point: TrustPoint | None = None, *, any_age: bool = False
) -> Proven:
    """Return what a finality receipt proves to who trusts a genesis hash, or a later point.

    Raises MalformedBytes, InvalidReceipt, or Rejected (TRUST_TOO_OLD, unless `any_age`).
    """
    now_ms = None if any_age else time.time_ns() // 1_000_000
    proof = verify_bytes(data, Trust(genesis_hash, point, now_ms))
    receipt = proof.receipt
    outcome, reason = _describe(receipt.code)
    return Proven(receipt.id, outcome, reason, receipt.fee, proof.height, proof.position, proof)


def save(path: Path, data: bytes) -> None:
    """Write a receipt to a file; raises InvalidInput where that can't be done."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error}", reason="UNWRITABLE") from error


def load(path: Path) -> bytes:
    """Return the bytes of a receipt file; raises NotFound, or InvalidInput when it is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(RECEIPT_BYTES_MAX + 1)
    except OSError as error:
        raise NotFound(f"{path} can't be read: {error}", reason="NO_FILE") from error
    if len(data) > RECEIPT_BYTES_MAX:
        raise InvalidInput(
            f"{path} is larger than any receipt, {RECEIPT_BYTES_MAX} bytes", reason="OVERSIZED"
        )
    return data


def find_genesis_hash(given: str) -> bytes:
    """Return the genesis hash that is given as 64 hex digits or by the path of a genesis.json."""
    if len(given) == _HEX and not Path(given).exists():
        try:
            return bytes.fromhex(given)
        except ValueError as error:
            raise InvalidInput(
                f"'{given}' is neither a file nor 64 hex digits", reason="MALFORMED_GENESIS_HASH"
            ) from error
    try:
        text = Path(given).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"{given} can't be read: {error}", reason="NO_FILE") from error
    return parse_genesis(text).hash


def format_point(point: TrustPoint) -> str:
    """Return a trust point as people keep it: EPOCH:SET HASH:TIME_MS."""
    return f"{point.epoch}:{point.set_hash.hex()}:{point.time_ms}"


def parse_point(text: str) -> TrustPoint:
    """Return the trust point of a text; raises InvalidInput."""
    try:
        epoch, set_hash, time_ms = text.split(":")
        point = TrustPoint(int(epoch), bytes.fromhex(set_hash), int(time_ms))
        if len(point.set_hash) != HASH_BYTES or point.epoch < 0 or point.time_ms < 0:
            raise ValueError(text)
    except ValueError as error:
        raise InvalidInput(
            f"'{text}' is no trust point: give EPOCH:SETHASH:TIME_MS, as a verification prints it",
            reason="MALFORMED_TRUST_POINT",
        ) from error
    return point


def _describe(code: int) -> tuple[Outcome, str]:
    # A code of a later version is proven all the same.
    outcome, reason = OUTCOMES.get(code, (Outcome.UNKNOWN, f"CODE_{code}"))
    return Outcome(outcome), reason
