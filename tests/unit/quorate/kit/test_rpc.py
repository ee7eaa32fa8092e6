"""A server tells its health per service, shows its services, is bounded and stops when asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.devnet.faults.conditions import Condition
from quorate.devnet.faults.relay import Relay
from quorate.devnet.ports import HOST, find_free_ports
from quorate.kit.rpc import MESSAGE_BYTES_MAX, Server, open_channel

NAME = pb.DESCRIPTOR.services_by_name["ConsensusService"].full_name
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Echo(rpc.ConsensusServiceServicer):
    """Gives back what it was sent; holds calls while `held`."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.release = asyncio.Event()

    async def SignBatch(self, request, context):  # type: ignore[no-untyped-def]
        return pb.SignBatchResponse(signature=request.header)

    async def SignNode(self, request, context):  # type: ignore[no-untyped-def]
        self.entered.set()
        await self.release.wait()
        return pb.SignNodeResponse()


class Running:
    """A server with one service and a channel to it, over a Unix socket."""

    def __init__(self, folder: Path) -> None:
        self.target = f"unix:{folder / 'echo.sock'}"
        self.server, self.echo = Server([NAME]), Echo()
        rpc.add_ConsensusServiceServicer_to_server(self.echo, self.server.server)
        self.server.server.add_insecure_port(self.target)
        self.channel = open_channel(self.target)
        self.stub = rpc.ConsensusServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    async def check(self, service: str) -> int:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await self.health.Check(request, wait_for_ready=True, timeout=60)
        return int(answer.status)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path)
    await made.server.start()
    yield made
    await made.channel.close()
    await made.server.stop()


@pytest.mark.parametrize("service", [NAME, ""])
async def test_health_follows_set_ready(running: Running, service: str) -> None:
    seen = [await running.check(service)]
    for ready in (True, False, True):
        await running.server.set_ready(ready)
        seen.append(await running.check(service))
    assert seen == [NOT_SERVING, SERVING, NOT_SERVING, SERVING]


async def test_a_service_that_is_not_here_has_no_health(running: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.check("quorate.api.other.v1.OtherService")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_the_services(running: Running) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(running.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    call = stub.ServerReflectionInfo(iter([request]), timeout=60)
    answers = [answer async for answer in call]
    names = {each.name for each in answers[0].list_services_response.service}
    assert {NAME, "grpc.health.v1.Health"} <= names


async def test_a_message_up_to_the_bound_passes_and_one_over_it_is_refused(
    running: Running,
) -> None:
    header = bytes(MESSAGE_BYTES_MAX - 100)
    answer = await running.stub.SignBatch(pb.SignBatchRequest(header=header), timeout=60)
    assert len(answer.signature) == len(header)
    request = pb.SignBatchRequest(header=bytes(MESSAGE_BYTES_MAX + 1))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.SignBatch(request, timeout=60)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_long_way_to_the_server_is_no_failure() -> None:
    server, (port, way, back) = Server([NAME]), find_free_ports(3)
    rpc.add_ConsensusServiceServicer_to_server(Echo(), server.server)
    server.server.add_insecure_port(f"{HOST}:{port}")
    await server.start()
    relay = Relay(seed=1)
    await relay.listen({("a", "b"): way, ("b", "a"): back})
    relay.set_targets({"a": port, "b": port})
    relay.set_conditions({pair: Condition(delay_ms=100) for pair in (("a", "b"), ("b", "a"))})
    async with open_channel(f"{HOST}:{way}") as channel:
        stub = rpc.ConsensusServiceStub(channel)
        answer = await stub.SignBatch(pb.SignBatchRequest(header=b"far"), timeout=60)
    assert answer.signature == b"far"
    relay.stop()
    await server.stop()


async def test_stopping_lets_a_running_call_end(running: Running) -> None:
    call = asyncio.ensure_future(running.stub.SignNode(pb.SignNodeRequest(), timeout=60))
    async with asyncio.timeout(60):
        await running.echo.entered.wait()
        stopping = asyncio.create_task(running.server.stop(grace_s=10))
        running.echo.release.set()
        await call
        await stopping


async def test_a_channel_waits_for_a_server_that_comes_later(tmp_path: Path) -> None:
    late = Running(tmp_path)
    call = asyncio.create_task(late.check(NAME))
    await asyncio.sleep(0)
    await late.server.start()
    async with asyncio.timeout(60):
        assert await call == NOT_SERVING
    await late.channel.close()
    await late.server.stop()
