"""ContractService as storage serves it: reads, events, and calls that are not sent."""

from typing import Final

import grpc

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contracts.v1 import contracts_pb2
from quorate.core.contracts.payloads import (
    ARGUMENTS_BYTES_MAX,
    CODE_BYTES_MAX,
    CONSTRUCTOR,
    FUEL_MAX,
    PROFILE_JAVA,
    is_method,
)
from quorate.core.errors import InvalidInput, QuorateError
from quorate.core.values import UINT64_MAX, ZERO_HASH
from quorate.kit.faults import abort
from quorate.storage.chain import Chain
from quorate.storage.contract_calls import Booth
from quorate.storage.contract_events import EventReader, EventReads
from quorate.storage.contract_messages import count_fitting
from quorate.storage.contract_slices import READY, Runner
from quorate.storage.paging import check_hash

VIEW_FUEL_MAX: Final = FUEL_MAX // 2
# A build that tells its lines is longer than what it stands for.
TRACED_BYTES_MAX: Final = 4 * CODE_BYTES_MAX


class ContractServicer(EventReads):
    """Reads by its bases; views, traces and checks by the contract-runner."""

    def __init__(self, chain: Chain, booth: Booth, runner: Runner) -> None:
        super().__init__()
        self._chain, self.booth, self._runner = chain, booth, runner
        self._events = EventReader(chain)

    async def View(
        self,
        request: pb.ViewRequest,
        context: grpc.aio.ServicerContext[pb.ViewRequest, pb.ViewResponse],
    ) -> pb.ViewResponse:
        """Call a method that changes nothing."""
        try:
            if request.call.value:
                raise InvalidInput("a view takes no value", reason="VALUE_IN_VIEW")
            call = build_call(request.call, VIEW_FUEL_MAX)
            viewed, height = await self.booth.view(call)
        except QuorateError as error:
            await abort(context, error)
        return pb.ViewResponse(outcome=_build_outcome(call, viewed), height=height)

    async def Trace(
        self,
        request: pb.TraceRequest,
        context: grpc.aio.ServicerContext[pb.TraceRequest, pb.TraceResponse],
    ) -> pb.TraceResponse:
        """Call a method and tell its steps; what it changes is thrown away."""
        try:
            _check_size("code", len(request.code), TRACED_BYTES_MAX)
            call = build_call(request.call, FUEL_MAX)
            trace = contracts_pb2.Trace(call=call, code=request.code)
            traced, height = await self.booth.trace(trace)
        except QuorateError as error:
            await abort(context, error)
        return _build_trace(call, traced, height)

    async def Check(
        self,
        request: pb.CheckRequest,
        context: grpc.aio.ServicerContext[pb.CheckRequest, pb.CheckResponse],
    ) -> pb.CheckResponse:
        """Check a module as a deployment would."""
        try:
            _check_size("code", len(request.code), CODE_BYTES_MAX)
            if request.profile > PROFILE_JAVA:
                raise InvalidInput(f"no profile {request.profile}", reason="OUT_OF_RANGE")
            found = await self.booth.check(
                contracts_pb2.CheckRequest(code=request.code, profile=request.profile)
            )
        except QuorateError as error:
            await abort(context, error)
        return pb.CheckResponse(
            message=found.message, offset=found.offset, methods=found.methods,
            compile_us=found.compile_us, compiled_bytes=found.compiled_bytes,
        )  # fmt: skip

    async def GetRunner(
        self,
        request: pb.GetRunnerRequest,
        context: grpc.aio.ServicerContext[pb.GetRunnerRequest, pb.GetRunnerResponse],
    ) -> pb.GetRunnerResponse:
        """Tell how the contract-runner is doing."""
        is_up, state = await self.booth.is_up(), self._runner.state
        if not is_up and state == READY:
            state = "does not answer"
        return pb.GetRunnerResponse(
            is_up=is_up, state=state, waiting=self.booth.waiting, height=self._chain.height
        )


def build_call(call: pb.CallRequest, fuel_max: int) -> contracts_pb2.View:
    """Return a call as the runner takes it; raises InvalidInput when it is wrong in form."""
    check_hash(call.contract, "contract address")
    if call.caller:
        check_hash(call.caller, "caller")
    if not is_method(call.method) or call.method == CONSTRUCTOR:
        raise InvalidInput(f"no method can be called '{call.method[:64]}'", reason="METHOD_NAME")
    _check_size("arguments", len(call.arguments), ARGUMENTS_BYTES_MAX)
    if call.fuel > fuel_max:
        raise InvalidInput(f"at most {fuel_max} fuel is given for this", reason="FUEL_LIMIT")
    return contracts_pb2.View(
        contract=call.contract, method=call.method, arguments=call.arguments,
        caller=call.caller or ZERO_HASH, value=call.value, fuel=call.fuel or fuel_max,
    )  # fmt: skip


def _check_size(what: str, size: int, most: int) -> None:
    if size > most:
        raise InvalidInput(f"{what} of {size} bytes, at most {most}", reason="OVERSIZED")


def _build_outcome(call: contracts_pb2.View, viewed: contracts_pb2.Viewed) -> pb.CallOutcome:
    outcome = pb.CallOutcome(result=viewed.result, fuel=min(viewed.fuel, UINT64_MAX))
    if viewed.reason:
        outcome.failure.CopyFrom(
            pb.Failure(
                reason=viewed.reason, message=viewed.message, contract=call.contract,
                method=call.method, line=viewed.line,
            )
        )  # fmt: skip
    return outcome


def _build_trace(
    call: contracts_pb2.View, traced: contracts_pb2.Traced, height: int
) -> pb.TraceResponse:
    kept = count_fitting(traced.steps)
    steps = [
        pb.TraceStep(
            line=each.line, fuel=each.fuel, depth=each.depth, contract=each.contract,
            action=each.action, key=each.key, value=each.value,
        )
        for each in traced.steps[:kept]
    ]  # fmt: skip
    return pb.TraceResponse(
        outcome=_build_outcome(call, traced.outcome), steps=steps,
        cut=traced.cut or kept < len(traced.steps), height=height,
    )  # fmt: skip
