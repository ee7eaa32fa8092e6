"""Dry runs: what the next block would do with a transaction if it were alone in it.

Run on the records of the latest executed height, through the same state machine as a block, and
thrown away: nothing is written (docs/protocol.md#E8). One at a time, for at most a tenth of the
loop's time, so that nobody slows a validator down with questions. What calls contracts is run by
the contract-runner on a snapshot, beside all this (storage/contract_calls.py).
"""

import asyncio
import time
from dataclasses import replace
from typing import Final, NamedTuple

import grpc

from quorate.api.contract.v1 import contract_pb2
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.api.transaction.v1 import transaction_pb2_grpc as rpc
from quorate.core import crypto
from quorate.core.applied import Receipt
from quorate.core.blocks import Block, Header, compute_base_fee
from quorate.core.context import Context
from quorate.core.errors import InvalidTransaction, Overloaded, QuorateError, Unavailable
from quorate.core.genesis import Genesis
from quorate.core.loading import list_block_keys, list_keys
from quorate.core.outcomes import OUTCOMES
from quorate.core.records import Records
from quorate.core.state import (
    Write,
    compute_expiry_key,
    compute_idempotency_key,
    decode_account,
    decode_idempotency,
    encode_expiries,
)
from quorate.core.transactions import Signature, Transaction, check_signatures, check_transaction
from quorate.core.transition import Execution
from quorate.core.values import ZERO_HASH
from quorate.kit.convert import decode_transaction, encode_envelope
from quorate.kit.faults import abort
from quorate.storage.chain import Chain
from quorate.storage.contract_calls import Booth, Snapshot
from quorate.storage.contract_messages import build_trial
from quorate.storage.state_reader import LoadedRecords

WAITING_MAX: Final = 32
# A chain that catches up has no moment for a dry run in so long.
LOCK_S: Final = 3.0
# The loop's time between two dry runs is at least so many times that of the first.
PAUSES: Final = 9
_BLANK: Final = Signature(
    crypto.SCHEME_ED25519, bytes(crypto.PUBLIC_KEY_BYTES), bytes(crypto.SIGNATURE_BYTES)
)


class Draft(NamedTuple):
    """A transaction as it will be once all have signed, who must sign, and who has not yet.

    `whole` is its encoding, with blanks for the signatures that are missing.
    """

    transaction: Transaction
    whole: bytes
    signers: tuple[bytes, ...]
    missing: tuple[bytes, ...]


class Outcome(NamedTuple):
    """What a dry run on the state at `height` gave; `changes` are (key, before, after).

    Where contracts were called, `detail` says how (encoded), and `read` lists the keys of their
    records that were read.
    """

    height: int
    base_fee: int
    receipt: Receipt
    changes: list[tuple[bytes, bytes, bytes]]
    detail: bytes = b""
    read: tuple[bytes, ...] = ()


def complete(raw: bytes, genesis: Genesis) -> Draft:
    """Return a transaction that may lack signatures, weighed as if it had them all.

    Raises InvalidTransaction for whatever else would have it refused in any state.
    """
    transaction = decode_transaction(raw, genesis.domain)
    signers = dict.fromkeys([transaction.sender, *[each.signer for each in transaction.payloads]])
    given = [
        crypto.compute_address(each.scheme, each.public_key) for each in transaction.signatures
    ]
    missing = tuple([each for each in signers if each not in given])
    full = [*transaction.signatures, *[_BLANK] * len(missing)]
    encoded = encode_envelope(transaction.body, full)
    whole = decode_transaction(encoded, genesis.domain)
    transaction = transaction._replace(size_bytes=whole.size_bytes, weight=whole.weight)
    try:
        check_transaction(transaction, genesis.params)
    except InvalidTransaction as error:
        # The last check of all: what is there may be right, if only some are missing.
        is_partial = missing and len(set(given)) == len(given) and set(given) <= set(signers)
        if error.reason != "SIGNERS_DIFFER" or not is_partial:
            raise
    check_signatures(transaction, genesis.domain)
    return Draft(transaction, encoded, tuple(signers), missing)


class Simulator:
    """Runs transactions on the state of the latest executed block."""

    def __init__(self, chain: Chain, genesis: Genesis, booth: Booth) -> None:
        self._chain, self._genesis, self._booth = chain, genesis, booth
        self._lock, self._waiting, self._free_at_s = asyncio.Lock(), 0, 0.0

    async def simulate(self, raw: bytes) -> tuple[Draft, Outcome]:
        """Return what came of a dry run; raises InvalidTransaction, Overloaded or Unavailable."""
        if self._waiting >= WAITING_MAX:
            raise Overloaded("the queue of dry runs", retry_after_ms=500)
        self._waiting += 1
        try:
            async with self._lock:
                await asyncio.sleep(max(0.0, self._free_at_s - time.monotonic()))
                started_s = time.monotonic()
                draft = complete(raw, self._genesis)
                spent_s, outcome = time.monotonic() - started_s, None
                if not draft.transaction.has_calls:
                    outcome, ran_s = await self._run(draft.transaction)
                    spent_s += ran_s
                self._free_at_s = time.monotonic() + PAUSES * spent_s
            return draft, outcome or await self._run_calls(draft)
        finally:
            self._waiting -= 1

    async def _run_calls(self, draft: Draft) -> Outcome:
        """Return what came of a transaction that calls contracts."""
        transaction = draft.transaction

        def build(snapshot: Snapshot, head: Block) -> Execution:
            header = self._build_header(head, transaction.weight)
            _keep_own_expiry(transaction, snapshot.height, snapshot)
            context = Context(header, self._genesis.params, self._genesis.domain)
            execution = Execution(context, snapshot)
            execution.begin()
            return execution

        snapshot, execution, applied = await self._booth.apply(draft.whole, build)
        read = tuple(snapshot.list_variables())
        writes = [write for part in execution.iter_writes() for write in part]
        return Outcome(
            snapshot.height, execution.context.header.base_fee, applied.receipts[0],
            _list_changes(writes, snapshot), b"".join(detail for _, detail in applied.details),
            read,
        )  # fmt: skip

    async def _run(self, transaction: Transaction) -> tuple[Outcome, float]:
        """Return what came of it, and how long it held the loop."""
        chain = self._chain
        if chain.get_fault():
            raise Unavailable(f"this validator can't execute: {chain.get_fault()}")
        try:
            async with asyncio.timeout(LOCK_S):
                await chain.lock.acquire()
        except TimeoutError as error:
            raise Unavailable("this validator is catching up", reason="CATCHING_UP") from error
        # No block is applied while the lock is held, and nothing here lets others run.
        started_s = time.monotonic()
        try:
            header = self._build_header(chain.head, transaction.weight)
            records = chain.reader.open([*list_block_keys(header), *list_keys([transaction])])
            _keep_own_expiry(transaction, header.height - 1, records)
            execution = Execution(
                Context(header, self._genesis.params, self._genesis.domain), records
            )
            execution.begin()
            (receipt,) = execution.apply([transaction])
            writes = [write for part in execution.iter_writes() for write in part]
            changed = _list_changes(writes, records)
        finally:
            chain.lock.release()
        outcome = Outcome(header.height - 1, header.base_fee, receipt, changed)
        return outcome, time.monotonic() - started_s

    def _build_header(self, head: Block, weight: int) -> Header:
        """Return a header that the next block could have, with nothing but this in it."""
        above = head.header
        return replace(
            above, epoch=self._chain.start.epoch, view=above.view + 1, height=above.height + 1,
            parent=head.digest, parent_view=above.view, time_ms=above.time_ms + 1, proposer=0,
            weight=weight, last_block=ZERO_HASH, handover_hash=ZERO_HASH,
            base_fee=compute_base_fee(above.base_fee, above.weight, self._genesis.params),
        )  # fmt: skip


def _list_changes(writes: list[Write], records: Records) -> list[tuple[bytes, bytes, bytes]]:
    changes = [(key, records[key], value) for key, value in writes]
    return [each for each in changes if each[1] != each[2]]


def _keep_own_expiry(
    transaction: Transaction, height: int, records: LoadedRecords | Snapshot
) -> None:
    """Of the idempotency records that end with the head leave only the transaction's own."""
    names: list[bytes] = []
    if transaction.idempotency_key:
        key = compute_idempotency_key(transaction.sender, transaction.idempotency_key)
        if records[key] and decode_idempotency(records[key]).until_height <= height:
            names.append(key[1:])
    records[compute_expiry_key(height)] = encode_expiries(names)


class SimulationServicer(rpc.SimulationServiceServicer):
    """Serves dry runs."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def Simulate(
        self,
        request: tx.SimulateRequest,
        context: grpc.aio.ServicerContext[tx.SimulateRequest, tx.SimulateResponse],
    ) -> tx.SimulateResponse:
        """Run a transaction on the latest state; nothing is written."""
        try:
            draft, outcome = await self._simulator.simulate(request.transaction)
            return build_response(draft, outcome)
        except QuorateError as error:
            await abort(context, error)


def build_response(draft: Draft, outcome: Outcome) -> tx.SimulateResponse:
    """Return what a dry run gave as it travels."""
    receipt = outcome.receipt
    kind, reason = OUTCOMES[receipt.code]
    return tx.SimulateResponse(
        receipt=tx.Receipt(
            id=receipt.id, height=outcome.height + 1, outcome=tx.Outcome.ValueType(kind),
            reason=reason, fee=receipt.fee, first_id=receipt.first_id,
            detail_hash=receipt.detail_hash,
        ),
        height=outcome.height,
        base_fee=outcome.base_fee,
        weight=draft.transaction.weight,
        balances=_list_balances(outcome.changes),
        signers=draft.signers,
        unsigned=draft.missing,
        changes=len(outcome.changes),
        trial=_build_trial(outcome, reason) if draft.transaction.has_calls else None,
    )  # fmt: skip


def _build_trial(outcome: Outcome, reason: str) -> contract_pb2.Trial:
    return build_trial(outcome.detail, reason, outcome.read, outcome.changes)


def _list_balances(changes: list[tuple[bytes, bytes, bytes]]) -> list[tx.BalanceChange]:
    found = []
    for key, before, after in changes:
        if key[:1] == b"a":
            old, new = decode_account(before).balance, decode_account(after).balance
            if old != new:
                found.append(tx.BalanceChange(address=key[1:], before=old, after=new))
    return found
