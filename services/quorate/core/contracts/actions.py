"""What payloads of contracts do (docs/protocol.md#C2 to C6)."""

from typing import Final

from quorate.core.context import Call, Ledger
from quorate.core.contracts.details import CallDone, Failure
from quorate.core.contracts.host import Frame, Host, cut_text, move
from quorate.core.contracts.log import CallLog
from quorate.core.contracts.machine import Stopped
from quorate.core.contracts.module import Module, check_module
from quorate.core.contracts.payloads import (
    CONSTRUCTOR,
    NO_ENGINE,
    CallContract,
    DeployContract,
)
from quorate.core.contracts.records import (
    ContractRecord,
    compute_code_hash,
    compute_code_key,
    compute_contract_address,
    compute_contract_key,
    compute_interface_hash,
    compute_interface_key,
)
from quorate.core.errors import InvalidModule
from quorate.core.outcomes import Failed, is_contract_failure
from quorate.core.values import DEPOSITS, ZERO_HASH

_NOTHING: Final = ContractRecord(0, False, ZERO_HASH, ZERO_HASH, ZERO_HASH, 0)


def apply_call(payload: CallContract, ledger: Ledger, call: Call) -> None:
    """Call a contract's method; raises Failed."""
    frame = Frame(
        payload.contract, _NOTHING, payload.method, payload.signer, payload.arguments, payload.value
    )
    run = _Run(payload, ledger, call, frame)
    try:
        run.check()
        frame.record = run.host.load_contract(payload.contract)
        run.perform(frame)
    except Failed as failed:
        raise run.explain(failed) from failed


def apply_deploy(payload: DeployContract, ledger: Ledger, call: Call) -> None:
    """Store code at a new address and run its constructor; raises Failed."""
    record = ContractRecord(
        payload.profile, payload.reentrant, compute_code_hash(payload.code),
        compute_interface_hash(payload.interface) if payload.interface else ZERO_HASH,
        payload.signer, call.height,
    )  # fmt: skip
    address = compute_contract_address(call.id, call.position)
    frame = Frame(address, record, CONSTRUCTOR, payload.signer, payload.arguments, payload.value)
    run = _Run(payload, ledger, call, frame)
    try:
        run.check()
        module = _check_module(payload)
        run.host.grown_bytes += _store(ledger, compute_code_key(record.code_hash), payload.code)
        if payload.interface:
            key = compute_interface_key(record.interface_hash)
            run.host.grown_bytes += _store(ledger, key, payload.interface)
        run.host.grown_bytes += _store(ledger, compute_contract_key(address), record.encode())
        run.host.prepare(record)
        if not module.has_init and payload.arguments:
            raise Stopped("NO_METHOD", "arguments, but no constructor that would take them")
        run.perform(frame if module.has_init else None)
    except Failed as failed:
        raise run.explain(failed) from failed


class _Run:
    """One payload's run: moves its value, pays for what it stores, tells what came of it."""

    def __init__(
        self, payload: DeployContract | CallContract, ledger: Ledger, call: Call, frame: Frame
    ) -> None:
        assert call.log is not None, "a transaction with contract payloads has a log"
        self.host = Host(ledger, call, payload.signer, payload.fuel_limit)
        self._log: CallLog = call.log
        self._payload, self._ledger, self._call, self._frame = payload, ledger, call, frame

    def check(self) -> None:
        """Raise Stopped where nothing is run at all."""
        if self._call.params.contract_engine == NO_ENGINE:
            raise Stopped("NO_ENGINE", "this chain has no contracts")
        if self._log.is_poisoned:
            self.host.fuel = 0
            raise Stopped("POISONED", "this call stopped the contract-runner on a quorum of seats")

    def perform(self, frame: Frame | None) -> None:
        """Run a frame, if there is one, with the payload's value; pay for what is stored."""
        payload, host = self._payload, self.host
        if payload.value:
            move(self._ledger, payload.signer, self._frame.address, payload.value)
        result = b"" if frame is None else host.run(frame)
        self._settle()
        used = payload.fuel_limit - host.fuel
        self._log.note_used(self._call.position, used)
        self._log.calls.append(
            CallDone(
                self._call.position, self._frame.address, self._frame.method, used, result,
                tuple(host.events),
            )
        )  # fmt: skip

    def explain(self, failed: Failed) -> Failed:
        """Return what a failure is outside, and keep why for the receipt's detail."""
        host, at = self.host, self.host.failed or self._frame
        if not isinstance(failed, Stopped):
            failed = Stopped("HOST_REFUSED", failed.reason)
        assert is_contract_failure(failed.code), failed.reason
        self._log.note_used(self._call.position, self._payload.fuel_limit - host.fuel)
        self._log.failure = Failure(
            self._call.position, at.address, at.method, cut_text(failed.text), failed.line,
            self._log.compute_used(),
        )  # fmt: skip
        return failed

    def _settle(self) -> None:
        """Take the deposit for bytes that came, or give back that of bytes that went (#C6)."""
        amount = self.host.grown_bytes * self._call.params.deposit_per_byte
        signer = self._payload.signer
        if not amount:
            return
        if amount < 0:
            # A fork's document may set another price than what was deposited at.
            there = self._ledger.get_account(DEPOSITS).balance
            move(self._ledger, DEPOSITS, signer, min(-amount, there))
        elif self._ledger.get_account(signer).balance < amount:
            raise Stopped("DEPOSIT_NOT_COVERED", f"{amount} for {self.host.grown_bytes} bytes")
        else:
            move(self._ledger, signer, DEPOSITS, amount)


def _check_module(payload: DeployContract) -> Module:
    try:
        return check_module(payload.code, payload.profile)
    except InvalidModule as error:
        raise Stopped("BAD_MODULE", error.message) from error


def _store(ledger: Ledger, key: bytes, value: bytes) -> int:
    """Write a record that may be there already; return the bytes that are new."""
    if ledger.get(key):
        return 0
    ledger.put(key, value)
    return len(key) + len(value)
