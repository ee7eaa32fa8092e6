"""How the contract-runner does, as storage sees it; gateways ask for it."""

from typing import Final

import grpc
from grpc_health.v1 import health_pb2

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.storage.contract_slices import READY, Runner

SILENT: Final = "does not answer"
_CHECK_S: Final = 0.3


class RunnerState:
    """Tells what executing met last, else whether the contract-runner answers."""

    def __init__(self, runner: Runner, channel: grpc.aio.Channel, *, sandboxed: bool) -> None:
        self._runner, self._sandboxed = runner, sandboxed
        self._check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )

    async def describe(self) -> pb.DescribeRunnerResponse:
        """Return how it does; asks it only where executing met nothing wrong."""
        state = self._runner.state
        if state == READY and not await self._is_serving():
            state = SILENT
        return pb.DescribeRunnerResponse(state=state, sandboxed=self._sandboxed)

    async def _is_serving(self) -> bool:
        try:
            answer = await self._check(health_pb2.HealthCheckRequest(), timeout=_CHECK_S)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
