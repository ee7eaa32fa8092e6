"""Views and traces: one call of a contract, whose effects nobody keeps."""

from typing import Final

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts.asking import AskedRecords
from quorate.contracts.frames import Link
from quorate.contracts.machine import Machine
from quorate.core.context import Call, Context
from quorate.core.contracts.host import Frame, Host, move
from quorate.core.contracts.machine import Stopped
from quorate.core.contracts.module import check_module
from quorate.core.contracts.payloads import ARGUMENTS_BYTES_MAX, FUEL_MAX, is_method
from quorate.core.contracts.records import (
    compute_code_hash,
    compute_code_key,
    compute_contract_key,
)
from quorate.core.errors import InvalidModule
from quorate.core.governance.parameters import CHANGES_KEY
from quorate.core.outcomes import Failed
from quorate.core.state import Changes, Draft
from quorate.core.values import HASH_BYTES, ZERO_HASH

STEPS_MAX: Final = 20_000
STEPS_BYTES_MAX: Final = 2 * 1024 * 1024
_STEP_BYTES: Final = 64


class Steps:
    """Collects what a traced call does, up to a bound."""

    def __init__(self, fuel: int) -> None:
        self._fuel, self._bytes, self._line = fuel, 0, 0
        self.steps: list[pb.Step] = []
        self.is_cut = False

    def note(self, host: Host, action: str, key: bytes = b"", value: bytes = b"") -> None:
        """Take a request to the host."""
        self._add(host, pb.Step(action=action, key=key, value=value))

    def note_line(self, host: Host, line: int) -> None:
        """Take a line of the source that is about to run."""
        self._add(host, pb.Step(line=line))

    def _add(self, host: Host, step: pb.Step) -> None:
        self._bytes += _STEP_BYTES + len(step.key) + len(step.value)
        if len(self.steps) == STEPS_MAX or self._bytes > STEPS_BYTES_MAX:
            self.is_cut = True
            return
        step.fuel, step.depth = max(self._fuel - host.fuel, 0), len(host.frames)
        step.contract = host.frame.address
        self.steps.append(step)


def view(context: Context, asked: pb.View, link: Link) -> pb.Answer:
    """Return what a read-only call gives; raises Abandoned."""
    return pb.Answer(viewed=_OneCall(context, asked, link, read_only=True).run())


def trace(context: Context, asked: pb.Trace, link: Link, machine: Machine) -> pb.Answer:
    """Return what a call gives and the steps it takes; raises Abandoned."""
    call = _OneCall(context, asked.call, link, read_only=False)
    steps = Steps(call.host.fuel)
    call.host.tracer, machine.is_traced = steps, True
    try:
        outcome = call.run(asked.code)
    finally:
        machine.is_traced = False
    return pb.Answer(traced=pb.Traced(outcome=outcome, steps=steps.steps, cut=steps.is_cut))


class _OneCall:
    """A call outside of any transaction, on a draft that is dropped."""

    def __init__(self, context: Context, asked: pb.View, link: Link, *, read_only: bool) -> None:
        records = AskedRecords(link)
        records.update({each.key: each.value for each in asked.known})
        records.load([CHANGES_KEY, compute_contract_key(asked.contract)])
        self._ledger, self._asked = Draft(Changes(records)), asked
        self._fuel = min(asked.fuel or FUEL_MAX, FUEL_MAX)
        self.host = Host(
            self._ledger,
            Call(context, ZERO_HASH, 0),
            asked.caller,
            self._fuel,
            read_only=read_only,
        )

    def run(self, code: bytes = b"") -> pb.Viewed:
        """Return the outcome, of `code` in the place of the contract's own if there is some."""
        host = self.host
        try:
            result = host.run(self._open(code))
        except Failed as failed:
            used = self._fuel - host.fuel
            text = failed.text if isinstance(failed, Stopped) else failed.reason
            line = failed.line if isinstance(failed, Stopped) else 0
            return pb.Viewed(fuel=used, reason=failed.reason, message=text, line=line)
        return pb.Viewed(result=result, fuel=self._fuel - host.fuel)

    def _open(self, code: bytes) -> Frame:
        asked, host = self._asked, self.host
        _check(asked)
        record = host.load_contract(asked.contract)
        # What the transaction itself would name is not cold.
        host.owed = 0
        if code:
            record = record._replace(code_hash=compute_code_hash(code))
            _check_traced(code, record.profile)
            self._ledger.put(compute_code_key(record.code_hash), code)
        if asked.value:
            move(self._ledger, asked.caller, asked.contract, asked.value)
        return Frame(
            asked.contract, record, asked.method, asked.caller, asked.arguments, asked.value
        )


def _check(asked: pb.View) -> None:
    if len(asked.contract) != HASH_BYTES or len(asked.caller) != HASH_BYTES:
        raise Stopped("NO_CONTRACT", "an address has 32 bytes")
    if not is_method(asked.method) or asked.method == "init":
        raise Stopped("NO_METHOD", f"no method can be called '{asked.method[:64]}'")
    if len(asked.arguments) > ARGUMENTS_BYTES_MAX:
        raise Stopped("LIMIT_EXCEEDED", f"arguments of {len(asked.arguments)} bytes")


def _check_traced(code: bytes, profile: int) -> None:
    try:
        check_module(code, profile, tracing=True)
    except InvalidModule as error:
        raise Stopped("BAD_MODULE", error.message) from error
