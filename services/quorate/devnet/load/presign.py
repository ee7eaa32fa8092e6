"""Signs transfers before a run, in worker processes: signing must not compete with sending."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

from quorate.core.contracts.payloads import CallContract
from quorate.core.crypto import (
    SCHEME_ED25519,
    SIGNATURE_BYTES,
    TAG_TRANSACTION,
    SigningKey,
    compute_address,
)
from quorate.core.transactions import Signature, Transfer, compute_transaction_id
from quorate.kit.convert import encode_body, encode_envelope

# Generous: the base fee rises under load, and what is not needed is not charged.
FEE_LIMIT = 10**10
# What examples/contracts/token.py needs for a transfer, and a quarter more.
CALL_FUEL = 700_000
_MEMO_BYTES_MAX = 256


class Signed(NamedTuple):
    """A transfer ready to send."""

    id: bytes
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive transfers of 1 unit from one sender to one receiver, to be signed.

    With a `contract`, those of odd sequence are calls of that token's method `transfer`.
    """

    seed: bytes
    domain: bytes
    to: bytes
    lane: int
    first_sequence: int
    count: int
    valid_until_height: int
    size_bytes: int = 0
    is_bad: bool = False
    contract: bytes = b""


def sign_all(
    runs: Sequence[Run], workers: int, progress: Callable[[int], None]
) -> list[list[Signed]]:
    """Return the signed transfers of each run; `progress` hears how many more are done."""
    results: list[list[Signed]] = [[] for _ in runs]
    with ProcessPoolExecutor(max(1, workers), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(sign_run, run): index for index, run in enumerate(runs)}
        for future in as_completed(futures):
            results[futures[future]] = future.result()
            progress(len(results[futures[future]]))
    return results


def sign_run(run: Run) -> list[Signed]:
    """Return the signed transfers of one run; bad ones carry a random signature."""
    key = SigningKey(run.seed)
    sender = compute_address(SCHEME_ED25519, key.public_key)
    transfer = [Transfer(sender, run.to, 1)]
    call = [_build_call(run, sender)] if run.contract else transfer
    memo = b""
    signed: list[Signed] = []
    for sequence in range(run.first_sequence, run.first_sequence + run.count):
        if not signed and run.size_bytes:
            memo = _pad(run, sender, key)
        body = encode_body(
            sender,
            run.lane,
            sequence,
            call if sequence % 2 else transfer,
            valid_until_height=run.valid_until_height,
            fee_limit=FEE_LIMIT,
            memo=memo,
        )
        signature = (
            os.urandom(SIGNATURE_BYTES)
            if run.is_bad
            else key.sign(TAG_TRANSACTION, run.domain, body)
        )
        raw = encode_envelope(body, [Signature(SCHEME_ED25519, key.public_key, signature)])
        signed.append(Signed(compute_transaction_id(run.domain, body), raw))
    return signed


def _build_call(run: Run, sender: bytes) -> CallContract:
    """Return a token's transfer of 1, with the two balances named that it touches."""
    arguments = run.to + (1).to_bytes(8, "little")
    access = tuple([b"\x08balances" + holder for holder in (sender, run.to)])
    return CallContract(sender, run.contract, "transfer", arguments, 0, CALL_FUEL, access)


def _pad(run: Run, sender: bytes, key: SigningKey) -> bytes:
    """Return a memo that brings a transfer up to about `size_bytes`."""
    body = encode_body(
        sender,
        run.lane,
        run.first_sequence,
        [Transfer(sender, run.to, 1)],
        valid_until_height=run.valid_until_height,
        fee_limit=FEE_LIMIT,
    )
    bare = encode_envelope(body, [Signature(SCHEME_ED25519, key.public_key, bytes(64))])
    return os.urandom(min(_MEMO_BYTES_MAX, max(0, run.size_bytes - len(bare))))
