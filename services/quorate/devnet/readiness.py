"""Waiting until a local network works, and telling precisely why when it does not."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import grpc

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.core.errors import Overloaded, RefusedToStart, Unavailable
from quorate.devnet.layout import Layout, Node
from quorate.devnet.network import Network
from quorate.devnet.ports import HOST
from quorate.kit.faults import EXIT_PRECONDITION
from quorate.kit.rpc import open_channel
from quorate.sdk.client import Client
from quorate.sdk.values import Status, Validator

_POLL_S: Final = 0.05
_CALL_S: Final = 1.0
WORKING: Final = ("voting", "observing")


async def wait_ready(network: Network, timeout_s: float = 20.0) -> Status:
    """Wait until the gateway answers and every node votes or follows; return the first status.

    Raises RefusedToStart when a process ends meanwhile, Unavailable when time runs out; both
    carry the last words of the process's log, or each node's state.
    """
    deadline_s = time.monotonic() + timeout_s
    waiting_for = "the gateway"
    async with Client(network.layout.endpoint) as client:
        while time.monotonic() < deadline_s:
            _check_exits(network)
            try:
                async with asyncio.timeout(_CALL_S):
                    found = await client.validators()
                    waiting_for = _describe_waiting(found)
                    if len(found) >= len(network.layout.nodes) and not waiting_for:
                        return await client.status()
            except (Unavailable, Overloaded, TimeoutError) as error:
                waiting_for = f"the gateway ({error})" if str(error) else "the gateway"
            await asyncio.sleep(_POLL_S)
    raise Unavailable(
        f"not ready after {timeout_s:.0f} s, still waiting for {waiting_for}; "
        f"logs are in {network.layout.directory / 'logs'}",
        reason="NOT_READY",
    )


async def list_validators(layout: Layout) -> list[Validator]:
    """Return what the gateway sees of each node; all unreachable when it does not answer."""
    try:
        async with Client(layout.endpoint) as client, asyncio.timeout(_CALL_S):
            return await client.validators()
    except (Unavailable, Overloaded, TimeoutError):
        why = "the gateway does not answer"
        return [
            Validator(None, node.name, b"", "unreachable", 0, 0, why, 0) for node in layout.nodes
        ]


async def describe(node: Node, timeout_s: float = _CALL_S) -> gossip_pb2.DescribeResponse:
    """Return what a node says of itself, past the gateway; raises Unavailable."""
    async with open_channel(f"{HOST}:{node.gossip_port}") as channel:
        stub = gossip_pb2_grpc.IngressServiceStub(channel)
        try:
            request = gossip_pb2.DescribeRequest()
            return await stub.Describe(request, timeout=timeout_s, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"{node.name} does not answer ({error.details()})") from error


async def wait_engine(node: Node, engines: Sequence[str], timeout_s: float) -> float:
    """Wait until a node's engine is in one of these states; return the seconds it took.

    Raises Unavailable (ENGINE_STATE) at the deadline, with the state it is in.
    """
    start_s, state = time.monotonic(), "unreachable"
    while (elapsed_s := time.monotonic() - start_s) < timeout_s:
        try:
            answer = await describe(node, min(_CALL_S, timeout_s - elapsed_s))
            state = f"{answer.engine} {answer.detail}".strip()
            if answer.engine in engines:
                return time.monotonic() - start_s
        except Unavailable:
            state = "unreachable"
        await asyncio.sleep(_POLL_S)
    raise Unavailable(f"{node.name} is {state} after {timeout_s:.0f} s", reason="ENGINE_STATE")


def _describe_waiting(validators: list[Validator]) -> str:
    waiting = [
        f"{each.name} ({each.state}{': ' if each.detail else ''}{each.detail})"
        for each in validators
        if each.state not in WORKING
    ]
    return ", ".join(waiting)


def _check_exits(network: Network) -> None:
    for ended in network.processes.find_exits():
        why = "refused to start" if ended.code == EXIT_PRECONDITION else f"ended ({ended.code})"
        raise RefusedToStart(
            f"{ended.name} {why}; the end of {ended.log}:\n{ended.last_words}",
            reason="PROCESS_ENDED",
            process=ended.name,
            code=ended.code,
        )
