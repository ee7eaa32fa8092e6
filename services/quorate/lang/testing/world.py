"""State, clock and calls of a chain in memory; contracts run on whichever machine it is given."""

from dataclasses import replace
from typing import Final

from quorate.core import crypto
from quorate.core.blocks import Executed, Header
from quorate.core.context import Call, Context
from quorate.core.contracts.actions import apply_call, apply_deploy
from quorate.core.contracts.details import CallDone, Failure
from quorate.core.contracts.host import Frame, Host
from quorate.core.contracts.log import CallLog
from quorate.core.contracts.machine import Machine
from quorate.core.contracts.payloads import CallContract, DeployContract
from quorate.core.contracts.records import (
    VARIABLE_HEAD_BYTES,
    compute_contract_address,
    compute_variables_prefix,
)
from quorate.core.outcomes import Failed
from quorate.core.params import Params
from quorate.core.records import MemoryRecords
from quorate.core.state import Changes, Draft
from quorate.core.tokens.records import compute_balance_key, decode_balance
from quorate.core.values import ZERO_HASH
from quorate.lang.testing.failures import CallFailed

START_MS: Final = 1_800_000_000_000
BLOCK_MS: Final = 1_000
_WRITES_MAX: Final = 1_024
_DOMAIN: Final = b"quorate/contract tests".ljust(32, b"\0")


class World:
    """A chain of which every call is a block; failed calls leave nothing behind."""

    def __init__(self, machine: Machine, params: Params) -> None:
        self.records = MemoryRecords()
        self.height, self.time_ms = 1, START_MS
        self._machine, self._params = machine, params
        self._count = 0

    def fund(self, address: bytes, amount: int) -> None:
        """Give an account its first native tokens, out of nothing."""
        changes = Changes(self.records)
        changes.get_account(address).balance += amount
        self._take(changes)

    def get_balance(self, address: bytes) -> int:
        """Return an account's native balance."""
        return Changes(self.records).get_account(address).balance

    def get_token_balance(self, token: bytes, address: bytes) -> int:
        """Return what somebody holds of a native token."""
        return decode_balance(self.records[compute_balance_key(address, token)])

    def deploy(self, payload: DeployContract) -> tuple[bytes, CallDone]:
        """Deploy a contract; return its address and what the constructor did."""
        identity = self._make_id()
        done = self._apply(payload, identity)
        return compute_contract_address(identity, 0), done

    def call(self, payload: CallContract) -> CallDone:
        """Call a method for good; return what it did."""
        return self._apply(payload, self._make_id())

    def view(self, payload: CallContract) -> bytes:
        """Ask a method that changes nothing; return its result."""
        call = Call(self._make_context(), ZERO_HASH, 0, CallLog(set()))
        host = Host(
            Draft(Changes(self.records)), call, payload.signer, payload.fuel_limit, read_only=True
        )
        try:
            record = host.load_contract(payload.contract)
            return host.run(
                Frame(
                    payload.contract, record, payload.method, payload.signer, payload.arguments, 0
                )
            )
        except Failed as failed:
            text, line = getattr(failed, "text", ""), getattr(failed, "line", 0)
            raise CallFailed(failed.reason, text, line) from failed

    def list_variables(self, contract: bytes) -> dict[bytes, bytes]:
        """Return all records of a contract by their keys."""
        prefix = compute_variables_prefix(contract)
        return {
            key[VARIABLE_HEAD_BYTES:]: value
            for key, value in sorted(self.records.items())
            if value and key.startswith(prefix)
        }

    def _apply(self, payload: DeployContract | CallContract, identity: bytes) -> CallDone:
        changes, log = Changes(self.records), CallLog(set())
        draft = Draft(changes)
        call = Call(self._make_context(), identity, 0, log)
        try:
            if isinstance(payload, DeployContract):
                apply_deploy(payload, draft, call)
            else:
                apply_call(payload, draft, call)
        except Failed as failed:
            raise _explain(failed, log.failure) from failed
        draft.commit()
        self._take(changes)
        self.height += 1
        self.time_ms += BLOCK_MS
        return log.calls[0]

    def _take(self, changes: Changes) -> None:
        for part in changes.iter_writes(_WRITES_MAX):
            self.records.take(part)

    def _make_id(self) -> bytes:
        self._count += 1
        return crypto.compute_hash(b"quorate/contract test", self._count.to_bytes(8, "big"))

    def _make_context(self) -> Context:
        header = replace(_HEADER, height=self.height, time_ms=self.time_ms)
        return Context(header, self._params, _DOMAIN, self._machine)


def _explain(failed: Failed, failure: Failure | None) -> CallFailed:
    if failure is None:
        return CallFailed(failed.reason, "", 0)
    return CallFailed(failed.reason, failure.text, failure.line)


_HEADER: Final = Header(
    1, 1, 0, 1, 1, ZERO_HASH, 0, START_MS, 0, ZERO_HASH, 0, 1, ZERO_HASH, ZERO_HASH,
    Executed(0, ZERO_HASH, ZERO_HASH, ZERO_HASH, ZERO_HASH),
)  # fmt: skip
