"""What storage asks of the contract-runner: slices of a block, views, traces.

A talk is one stream. The runner asks back for records while it works; they are read where the
caller says, so that it sees a half-executed block, or a snapshot.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.api.contracts.v1 import contracts_pb2_grpc as rpc
from quorate.core.applied import Applied
from quorate.core.contracts.details import list_tellers
from quorate.core.errors import MalformedBytes, Unavailable
from quorate.kit.contract_frames import decode_applied
from quorate.kit.faults import from_rpc_error

Read = Callable[[bytes], bytes]
Load = Callable[[Sequence[bytes]], None]
EXECUTE: Final = "Execute"
VIEW: Final = "View"
TRACE: Final = "Trace"
# How a stream fails; the second is what writing to one says that has ended meanwhile.
LOST: Final = (grpc.aio.AioRpcError, asyncio.InvalidStateError)


class RunnerDied(Unavailable):
    """The process that ran contracts is no more; `position` counts when it was at a call."""

    reason = "RUNNER_DIED"

    def __init__(self, position: int, why: str, *, at_call: bool) -> None:
        super().__init__(f"the contract-runner died at transaction {position}: {why}")
        self.position, self.why, self.at_call = position, why, at_call


def load_nothing(keys: Sequence[bytes]) -> None:
    """Load nothing beforehand: what is read comes from memory anyway."""


class Talk:
    """One stream to the runner, open for work."""

    def __init__(self, call: Any, request: Any) -> None:
        self._call, self._request = call, request

    async def begin(self, begin: pb.Begin) -> None:
        """Go on with another block; raises Unavailable."""
        try:
            await self._call.write(self._request(ask=pb.Ask(begin=begin)))
        except LOST as error:
            raise _translate(error) from error

    async def ask(self, work: pb.Ask, read: Read, load: Load = load_nothing) -> pb.Answer:
        """Have work done, and serve what it needs meanwhile; raises Unavailable, RunnerDied.

        `load` hears keys that `read` is asked for next, to get them in one go.
        """
        message = work
        try:
            while True:
                await self._call.write(self._request(ask=message))
                response = await self._call.read()
                if response is grpc.aio.EOF:
                    raise Unavailable("the contract-runner ended the stream", reason="RUNNER_AWAY")
                answer: pb.Answer = response.answer
                kind = answer.WhichOneof("kind")
                if kind == "died":
                    died = answer.died
                    raise RunnerDied(died.position, died.why, at_call=died.at_call)
                if kind != "need":
                    return answer
                keys = answer.need.keys
                load(keys)
                values = [read(key) for key in keys]
                message = pb.Ask(records=pb.Records(values=values))
        except LOST as error:
            raise _translate(error) from error


class ContractLink:
    """Opens talks with the sibling."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = rpc.ContractsServiceStub(channel)
        self._methods: dict[str, tuple[Any, Any]] = {
            EXECUTE: (self.stub.Execute, pb.ExecuteRequest),
            VIEW: (self.stub.View, pb.ViewRequest),
            TRACE: (self.stub.Trace, pb.TraceRequest),
        }

    @asynccontextmanager
    async def open(
        self, method: str, begin: pb.Begin, *, waits: bool = True
    ) -> AsyncIterator[Talk]:
        """Open a talk about a block; it ends when the context does.

        While the runner is away it `waits` for it, or raises Unavailable.
        """
        open_stream, request = self._methods[method]
        call = open_stream(wait_for_ready=waits)
        try:
            await call.write(request(ask=pb.Ask(begin=begin)))
            yield Talk(call, request)
        except LOST as error:
            raise _translate(error) from error
        finally:
            call.cancel()


def read_applied(answer: pb.Answer, count: int) -> Applied:
    """Return what applying `count` transactions gave; raises Unavailable when it says not so."""
    try:
        applied = decode_applied(answer.done)
        for _, detail in applied.details:
            list_tellers(detail)
    except MalformedBytes as error:
        raise _answered_wrongly(error.message) from error
    if len(applied.receipts) != count:
        raise _answered_wrongly(f"{len(applied.receipts)} receipts")
    return applied


def _translate(error: Exception) -> Unavailable:
    """Return what a lost stream means, whatever the runner says: to be tried again."""
    why = str(error)
    if isinstance(error, grpc.aio.AioRpcError):
        why = from_rpc_error(error).message
    return Unavailable(f"the contract-runner is lost: {why}", reason="RUNNER_AWAY")


def _answered_wrongly(how: str) -> Unavailable:
    return Unavailable(f"the contract-runner answered with {how}", reason="RUNNER_WRONG")
