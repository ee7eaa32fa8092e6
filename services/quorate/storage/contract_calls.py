"""Calls that are not sent: views, traces, dry runs and checks, run by the contract-runner.

They run on a snapshot of the latest executed state (an iterator of RocksDB), so the chain goes on
meanwhile and needs no lock. One runs at a time, a bounded number waits, each has a deadline. What
the runner answers is checked: a process that ran a stranger's code may say anything.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import grpc

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.applied import Applied
from quorate.core.blocks import Block
from quorate.core.context import Context
from quorate.core.contracts.host import OUTPUT_BYTES_MAX
from quorate.core.contracts.payloads import NO_ENGINE
from quorate.core.contracts.records import CODE_PREFIX, VARIABLE_PREFIX
from quorate.core.errors import InvalidInput, MalformedBytes, Overloaded, Rejected, Unavailable
from quorate.core.genesis import Genesis
from quorate.core.governance.parameters import load_params
from quorate.core.records import Record
from quorate.core.transition import Execution
from quorate.kit.contract_frames import build_begin
from quorate.kit.faults import from_rpc_error
from quorate.storage.contract_line import ContractLine
from quorate.storage.contract_link import VIEW, ContractLink, Read, RunnerDied, read_applied
from quorate.storage.contract_reads import get_contract
from quorate.storage.store import StateView, Store

CHECKS_MAX: Final = 2
WAITING_MAX: Final = 64
RUN_S: Final = 5.0
RETRY_MS: Final = 200
# Records that one call may ask for: each one that was not named costs it much fuel.
READS_MAX: Final = 10_000
# Views whose records are remembered, and how many records of each.
KNOWN_VIEWS_MAX: Final = 2_048
KNOWN_RECORDS_MAX: Final = 32


class Snapshot(dict[bytes, bytes]):
    """World state at one executed height; keeps what was read, and which of it is contracts'."""

    def __init__(self, view: StateView) -> None:
        super().__init__()
        self._view, self.height = view, view.height

    def __missing__(self, key: bytes) -> bytes:
        if len(self) >= READS_MAX:
            raise Rejected(f"the call reads more than {READS_MAX} records", reason="TOO_MANY_READS")
        value = self[key] = self._view[key]
        return value

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Return the first `count` records that have this prefix and a key above `after`."""
        return self._view.scan(prefix, after, count)

    def list_variables(self) -> list[bytes]:
        """Return the keys of contracts' records that were read."""
        return [key for key in self if key[:1] == VARIABLE_PREFIX]


class Known:
    """Which records views read the last time: a guess that saves asking for them."""

    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[bytes, str, bytes], tuple[bytes, ...]] = OrderedDict()

    def guess(self, call: pb.View, snapshot: Snapshot) -> list[pb.Record]:
        """Return the records that a view will likely read, beside those read already."""
        for key in self._keys.get(_name(call), ()):
            snapshot[key]
        return [pb.Record(key=key, value=value) for key, value in snapshot.items()]

    def learn(self, call: pb.View, snapshot: Snapshot) -> None:
        """Remember what a view read; code is large, and read only where it is not compiled."""
        keys = [key for key in snapshot if key[:1] != CODE_PREFIX]
        self._keys[_name(call)] = tuple(keys[:KNOWN_RECORDS_MAX])
        self._keys.move_to_end(_name(call))
        if len(self._keys) > KNOWN_VIEWS_MAX:
            self._keys.popitem(last=False)


class Booth:
    """Where calls are run aside from blocks; `link` leads to the runner."""

    def __init__(self, link: ContractLink, store: Store, genesis: Genesis) -> None:
        self._link, self._store, self._genesis = link, store, genesis
        self._line, self._known = ContractLine(link, VIEW, waits=False), Known()
        self._turn, self._checks = asyncio.Lock(), asyncio.Semaphore(CHECKS_MAX)
        self._waiting = 0
        self._head: Block = store.root
        self._begun: tuple[Context, pb.Begin] | None = None

    async def view(self, call: pb.View) -> tuple[pb.Viewed, int]:
        """Return what a read-only call gives, and on the state of which height.

        Raises NotFound, Overloaded, Unavailable, or Rejected.
        """
        async with self._take(self._turn):
            snapshot, begin = self._begin(call)
            call.known.extend(self._known.guess(call, snapshot))
            answer = await self._ask(begin, pb.Ask(view=call), snapshot.__getitem__)
            self._known.learn(call, snapshot)
        if answer.WhichOneof("kind") != "viewed":
            raise _answered_wrongly(answer)
        return _check_viewed(answer.viewed), snapshot.height

    async def trace(self, trace: pb.Trace) -> tuple[pb.Traced, int]:
        """Return the steps of a call, and on the state of which height; raises as `view`."""
        async with self._take(self._turn):
            snapshot, begin = self._begin(trace.call)
            answer = await self._ask(begin, pb.Ask(trace=trace), snapshot.__getitem__)
        if answer.WhichOneof("kind") != "traced":
            raise _answered_wrongly(answer)
        _check_viewed(answer.traced.outcome)
        return answer.traced, snapshot.height

    async def apply(
        self, transaction: bytes, build: Callable[[Snapshot, Block], Execution]
    ) -> tuple[Snapshot, Execution, Applied]:
        """Return what one transaction does, and the execution built for it, which has absorbed it.

        Raises as `view`.
        """
        async with self._take(self._turn):
            snapshot, head = self._open_snapshot()
            execution = build(snapshot, head)
            work = pb.Ask(slice=pb.Slice(transactions=[transaction]))
            answer = await self._ask(build_begin(execution.context), work, execution.read)
        applied = read_applied(answer, 1)
        try:
            execution.absorb(applied)
        except MalformedBytes as error:
            raise Unavailable(
                f"the contract-runner wrote what can't be: {error.message}", reason="RUNNER_WRONG"
            ) from error
        return snapshot, execution, applied

    async def check(self, request: pb.CheckRequest) -> pb.CheckResponse:
        """Return what a deployment would say of a module; raises as `view`."""
        async with self._take(self._checks):
            try:
                return await self._link.stub.Check(request, timeout=RUN_S)
            except grpc.aio.AioRpcError as error:
                found = from_rpc_error(error)
                if isinstance(found, InvalidInput | Overloaded):
                    raise found from error
                why = f"the contract-runner can't check it: {found.message}"
                raise Unavailable(why, reason="RUNNER_AWAY") from error

    async def close(self) -> None:
        """End the stream to the runner."""
        await self._line.close()

    def _open_snapshot(self) -> tuple[Snapshot, Block]:
        """Return the state of the latest executed block, and that block."""
        snapshot = Snapshot(self._store.open_state())
        if self._head.header.height != snapshot.height:
            self._head = self._store.get_block(snapshot.height)
        return snapshot, self._head

    def _begin(self, call: pb.View) -> tuple[Snapshot, pb.Begin]:
        """Return the state for a call of a contract that is there, and what a talk begins with."""
        snapshot, head = self._open_snapshot()
        params = load_params(snapshot, self._genesis.params)
        if params.contract_engine == NO_ENGINE:
            raise Rejected("this chain has no contracts", reason="NO_ENGINE")
        get_contract(snapshot, call.contract)
        context = Context(head.header, params, self._genesis.domain)
        if self._begun is None or self._begun[0] != context:
            self._begun = context, build_begin(context)
        return snapshot, self._begun[1]

    async def _ask(self, begin: pb.Begin, work: pb.Ask, read: Read) -> pb.Answer:
        try:
            return await self._line.ask(begin, work, read)
        except RunnerDied as error:
            if error.at_call:
                # Elsewhere it would do the same: no other validator is to be asked.
                raise Rejected(
                    f"this call stops the contract-runner: {error.why}", reason="RUNNER_DIED"
                ) from error
            raise

    @asynccontextmanager
    async def _take(self, turn: asyncio.Lock | asyncio.Semaphore) -> AsyncIterator[None]:
        """Wait for a turn within a deadline, which holds for what is done in it as well."""
        if self._waiting >= WAITING_MAX:
            raise Overloaded("the queue of calls that are not sent", retry_after_ms=RETRY_MS)
        self._waiting += 1
        try:
            async with asyncio.timeout(RUN_S), turn:
                yield
        except TimeoutError as error:
            raise Unavailable(
                f"the contract-runner has not answered in {RUN_S:g} s", reason="RUNNER_AWAY"
            ) from error
        finally:
            self._waiting -= 1


def _name(call: pb.View) -> tuple[bytes, str, bytes]:
    return call.contract, call.method, call.arguments


def _check_viewed(viewed: pb.Viewed) -> pb.Viewed:
    if len(viewed.result) > OUTPUT_BYTES_MAX:
        raise Unavailable(
            f"the contract-runner answered with a result of {len(viewed.result)} bytes",
            reason="RUNNER_WRONG",
        )
    return viewed


def _answered_wrongly(answer: pb.Answer) -> Unavailable:
    kind = answer.WhichOneof("kind") or "nothing"
    return Unavailable(f"the contract-runner answered with {kind}", reason="RUNNER_WRONG")
