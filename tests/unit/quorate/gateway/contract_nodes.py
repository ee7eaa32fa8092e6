"""What a test node answers about contracts: an event per block, views that fail, wait or answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contract.v1 import contract_pb2_grpc
from quorate.core.errors import NotFound, Overloaded, Rejected, Unavailable
from quorate.kit import faults

ERRORS = {
    "unknown": NotFound("no such contract", reason="NO_CONTRACT"),
    "kills": Rejected("the runner died", reason="RUNNER_DIED"),
    "away": Unavailable("no runner", reason="RUNNER_AWAY"),
    "full": Overloaded("the queue", retry_after_ms=700),
}


class ContractNode(contract_pb2_grpc.ContractServiceServicer):
    """Answers by the name of the method that is called; counts what it was asked."""

    chain: Any
    name: str
    # Errors that only this node answers with, whatever is asked.
    ails = ""
    views = 0
    runner = "ready"

    @property
    def height(self) -> int:
        """The executed height."""
        raise NotImplementedError

    async def GetContract(
        self, request: pb.GetContractRequest, context: Any
    ) -> pb.GetContractResponse:
        if request.address == bytes(32):
            await faults.abort(context, ERRORS["unknown"])
        contract = pb.Contract(address=request.address)
        return pb.GetContractResponse(contract=contract, height=self.height)

    async def GetCode(self, request: pb.GetCodeRequest, context: Any) -> pb.GetCodeResponse:
        return pb.GetCodeResponse(code=request.code_hash)

    async def ListContracts(
        self, request: pb.ListContractsRequest, context: Any
    ) -> pb.ListContractsResponse:
        return pb.ListContractsResponse(next_page_token=request.page_token)

    async def ListState(self, request: pb.ListStateRequest, context: Any) -> pb.ListStateResponse:
        return pb.ListStateResponse(records=[pb.StateRecord(key=request.prefix)])

    async def ListChanges(
        self, request: pb.ListChangesRequest, context: Any
    ) -> pb.ListChangesResponse:
        return pb.ListChangesResponse(from_height=request.from_height)

    async def GetDetail(self, request: pb.GetDetailRequest, context: Any) -> pb.GetDetailResponse:
        return pb.GetDetailResponse(height=self.height)

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Any
    ) -> pb.ListEventsResponse:
        return pb.ListEventsResponse(next=request.after)

    async def GetRunner(self, request: pb.GetRunnerRequest, context: Any) -> pb.GetRunnerResponse:
        return pb.GetRunnerResponse(is_up=True, state=self.runner, height=self.height)

    async def View(self, request: pb.ViewRequest, context: Any) -> pb.ViewResponse:
        self.views += 1
        method = self.ails or request.call.method
        if method == "hangs":
            await asyncio.Event().wait()
        if method in ERRORS:
            await faults.abort(context, ERRORS[method])
        return pb.ViewResponse(outcome=pb.CallOutcome(result=self.name.encode()))

    async def Trace(self, request: pb.TraceRequest, context: Any) -> pb.TraceResponse:
        return pb.TraceResponse(cut=True)

    async def Check(self, request: pb.CheckRequest, context: Any) -> pb.CheckResponse:
        return pb.CheckResponse(message="no module", offset=len(request.code))

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Any
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        if request.contract == bytes(32):
            await faults.abort(context, ERRORS["unknown"])
        told = request.after.height if request.HasField("after") else self.height
        yield pb.WatchEventsResponse(cursor=pb.EventCursor(height=told))
        while True:
            while told < self.height:
                told += 1
                place = pb.EventCursor(height=told)
                yield pb.WatchEventsResponse(events=[pb.EventRecord(place=place)], cursor=place)
            await self.chain.wait_change()
