"""Calls that are not sent: views, traces, dry runs and checks, run by the contract-runner.

They run on a snapshot of the latest executed state (an iterator of RocksDB), so the chain goes on
meanwhile and needs no lock. A few run at a time, a bounded number waits, each has a deadline. What
the runner answers is checked: a process that ran a stranger's code may say anything.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.applied import Applied, Aside
from quorate.core.blocks import Block
from quorate.core.context import Context
from quorate.core.contracts.host import OUTPUT_BYTES_MAX
from quorate.core.contracts.payloads import NO_ENGINE
from quorate.core.contracts.records import VARIABLE_PREFIX
from quorate.core.errors import Overloaded, Rejected, Unavailable
from quorate.core.genesis import Genesis
from quorate.core.governance.parameters import load_params
from quorate.core.records import Record
from quorate.core.transition import Execution
from quorate.kit.contract_frames import build_begin
from quorate.kit.faults import from_rpc_error
from quorate.storage.contract_link import TRACE, VIEW, ContractLink, RunnerDied, Talk
from quorate.storage.store import StateView, Store

RUNNING_MAX: Final = 4
WAITING_MAX: Final = 64
RUN_S: Final = 5.0
RETRY_MS: Final = 200
# Records that one call may ask for: each one that was not named costs it much fuel.
READS_MAX: Final = 10_000


class Snapshot(dict[bytes, bytes]):
    """World state at one executed height; keeps what was read, and which of it is contracts'."""

    def __init__(self, view: StateView) -> None:
        super().__init__()
        self._view, self.height = view, view.height
        self.reads = 0

    def __missing__(self, key: bytes) -> bytes:
        self.reads += 1
        if self.reads > READS_MAX:
            raise Rejected(f"the call reads more than {READS_MAX} records", reason="TOO_MANY_READS")
        value = self[key] = self._view[key]
        return value

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Return the first `count` records that have this prefix and a key above `after`."""
        return self._view.scan(prefix, after, count)

    def list_variables(self) -> list[bytes]:
        """Return the keys of contracts' records that were read."""
        return [key for key in self if key[:1] == VARIABLE_PREFIX]


class Booth:
    """Where calls are run aside from blocks; `link` leads to the runner."""

    def __init__(self, link: ContractLink, store: Store, genesis: Genesis) -> None:
        self._link, self._store, self._genesis = link, store, genesis
        self._places, self._waiting = asyncio.Semaphore(RUNNING_MAX), 0
        self._head: Block = store.root

    def open_snapshot(self) -> tuple[Snapshot, Block]:
        """Return the state of the latest executed block, and that block."""
        snapshot = Snapshot(self._store.open_state())
        if self._head.header.height != snapshot.height:
            self._head = self._store.get_block(snapshot.height)
        return snapshot, self._head

    async def view(self, call: pb.View, snapshot: Snapshot, head: Block) -> pb.Viewed:
        """Return what a read-only call gives; raises Overloaded, Unavailable or Rejected."""
        async with self._talk(VIEW, self._build_context(snapshot, head)) as talk:
            answer = await talk.ask(pb.Ask(view=call), snapshot.__getitem__)
        if answer.WhichOneof("kind") != "viewed":
            raise _answered_wrongly(answer)
        return _check_viewed(answer.viewed)

    async def trace(self, trace: pb.Trace, snapshot: Snapshot, head: Block) -> pb.Traced:
        """Return the steps of a call; raises as `view`."""
        async with self._talk(TRACE, self._build_context(snapshot, head)) as talk:
            answer = await talk.ask(pb.Ask(trace=trace), snapshot.__getitem__)
        if answer.WhichOneof("kind") != "traced":
            raise _answered_wrongly(answer)
        _check_viewed(answer.traced.outcome)
        return answer.traced

    async def apply(self, execution: Execution, transaction: bytes) -> Applied:
        """Return what one transaction of an execution does; raises as `view`."""
        async with self._talk(VIEW, execution.context) as talk:
            return await talk.apply([transaction], Aside(), execution.read)

    async def check(self, request: pb.CheckRequest) -> pb.CheckResponse:
        """Return what a deployment would say of a module; raises as `view`."""
        async with self._take_place():
            try:
                return await self._link.stub.Check(request, timeout=RUN_S)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error

    def _build_context(self, snapshot: Snapshot, head: Block) -> Context:
        params = load_params(snapshot, self._genesis.params)
        if params.contract_engine == NO_ENGINE:
            raise Rejected("this chain has no contracts", reason="NO_ENGINE")
        return Context(head.header, params, self._genesis.domain)

    @asynccontextmanager
    async def _talk(self, method: str, context: Context) -> AsyncIterator[Talk]:
        async with self._take_place():
            try:
                async with self._link.open(method, build_begin(context)) as talk:
                    yield talk
            except RunnerDied as error:
                if error.at_call:
                    # Elsewhere it would do the same: no other validator is to be asked.
                    raise Rejected(
                        f"this call stops the contract-runner: {error.why}", reason="RUNNER_DIED"
                    ) from error
                raise

    @asynccontextmanager
    async def _take_place(self) -> AsyncIterator[None]:
        """Wait for a place within a deadline, which holds for what is done there as well."""
        if self._waiting >= WAITING_MAX:
            raise Overloaded("the queue of calls that are not sent", retry_after_ms=RETRY_MS)
        self._waiting += 1
        try:
            async with asyncio.timeout(RUN_S), self._places:
                yield
        except TimeoutError as error:
            raise Unavailable(
                f"the contract-runner has not answered in {RUN_S:g} s", reason="RUNNER_AWAY"
            ) from error
        finally:
            self._waiting -= 1


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
