"""Contracts through a gateway: passed on, to another validator where that may help, and bounded."""

import asyncio
from typing import Any

import grpc
import pytest

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.network.v1 import network_pb2
from quorate.core import errors
from quorate.gateway.contracts import REQUEST_BYTES_MAX, RUNS_MAX
from quorate.kit import faults

LIMIT_S = 60
HERE = b"h" * 32


async def refuse(call: Any) -> errors.QuorateError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return faults.from_rpc_error(caught.value)


def ask(method: str = "fine", **how: Any) -> pb.ViewRequest:
    return pb.ViewRequest(call=pb.CallRequest(contract=HERE, method=method, **how))


async def test_everything_passes_through(build_network: Any) -> None:
    api = (await build_network()).open().contracts
    found = await api.GetContract(pb.GetContractRequest(address=HERE))
    assert found.contract.address == HERE
    assert (await api.GetCode(pb.GetCodeRequest(code_hash=HERE))).code == HERE
    page = await api.ListContracts(pb.ListContractsRequest(page_token="on"))
    assert page.next_page_token == "on"
    state = await api.ListState(pb.ListStateRequest(prefix=b"p"))
    assert [each.key for each in state.records] == [b"p"]
    assert (await api.ListChanges(pb.ListChangesRequest(from_height=7))).from_height == 7
    assert (await api.GetDetail(pb.GetDetailRequest(id=HERE))).height == 0
    events = await api.ListEvents(pb.ListEventsRequest(after=pb.EventCursor(height=3)))
    assert events.next.height == 3
    assert (await api.View(ask())).outcome.result
    assert (await api.Trace(pb.TraceRequest(code=b"x"))).cut
    assert (await api.Check(pb.CheckRequest(code=b"abc"))).offset == 3


async def test_validators_are_listed_with_what_their_runners_say(build_network: Any) -> None:
    def prepare(network: Any) -> None:
        network.nodes[2].runner = "away: killed"

    client = (await build_network(prepare=prepare)).open()
    assert (await client.contracts.GetRunner(pb.GetRunnerRequest())).state == "ready"
    async with asyncio.timeout(LIMIT_S):
        found = [""]
        while "" in found:
            listed = await client.network.ListValidators(network_pb2.ListValidatorsRequest())
            found = [each.contracts for each in listed.validators]
    assert found == ["ready", "ready", "away: killed", "ready"]


async def test_what_a_call_itself_causes_is_asked_of_one_validator_only(build_network: Any) -> None:
    network = await build_network()
    api = network.open().contracts
    missing = await refuse(api.GetContract(pb.GetContractRequest(address=bytes(32))))
    assert (type(missing), missing.reason) == (errors.NotFound, "NO_CONTRACT")
    for method, reason in (("unknown", "NO_CONTRACT"), ("kills", "RUNNER_DIED")):
        before = sum(node.views for node in network.nodes)
        assert (await refuse(api.View(ask(method)))).reason == reason
        assert sum(node.views for node in network.nodes) == before + 1


async def test_a_validator_without_a_runner_is_passed_over(build_network: Any) -> None:
    network = await build_network()
    api = network.open().contracts
    for node in network.nodes[:2]:
        node.ails = "away"
    network.nodes[2].ails = "full"
    assert (await api.View(ask())).outcome.result == b"v3"
    network.nodes[3].ails = "full"
    full = await refuse(api.View(ask()))
    assert isinstance(full, errors.Overloaded)
    assert full.retry_after_ms == 700
    for node in network.nodes:
        node.ails = "away"
    assert (await refuse(api.View(ask()))).reason == "RUNNER_AWAY"


async def test_a_call_that_is_never_answered_ends_at_one_deadline(
    build_network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quorate.gateway.contracts.RUN_S", 0.3)
    api = (await build_network()).open().contracts
    assert isinstance(await refuse(api.View(ask("hangs"))), errors.Unavailable)


async def test_more_calls_than_have_room_are_refused_and_told_when_to_come_back(
    build_network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quorate.gateway.contracts.RUN_S", 2.0)
    api = (await build_network()).open().contracts
    calls = [asyncio.ensure_future(api.View(ask("hangs"))) for _ in range(RUNS_MAX)]
    async with asyncio.timeout(LIMIT_S):
        while not isinstance(await refuse(api.View(ask("unknown"))), errors.Overloaded):
            # Some of the calls are still on their way.
            pass
    found = await api.GetContract(pb.GetContractRequest(address=HERE))
    assert found.contract.address == HERE
    for each in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(each, grpc.aio.AioRpcError)
    assert (await api.View(ask())).outcome.result


async def test_a_request_that_is_too_large_goes_nowhere(build_network: Any) -> None:
    network = await build_network()
    api = network.open().contracts
    large = ask(arguments=bytes(REQUEST_BYTES_MAX))
    assert (await refuse(api.View(large))).reason == "OVERSIZED"
    state = pb.ListStateRequest(prefix=bytes(REQUEST_BYTES_MAX))
    assert (await refuse(api.ListState(state))).reason == "OVERSIZED"
    assert sum(node.views for node in network.nodes) == 0


async def test_events_go_on_at_another_validator_with_none_missing_or_twice(
    build_network: Any,
) -> None:
    network = await build_network()
    watch = network.open().contracts.WatchEvents(pb.WatchEventsRequest(contract=HERE))
    heights = []
    async with asyncio.timeout(LIMIT_S):
        await watch.read()
        for lost in (*network.nodes[:3], None):
            network.chain.execute([])
            network.chain.execute([])
            while len(heights) < network.chain.height:
                told = await watch.read()
                heights += [each.place.height for each in told.events]
            if lost is not None:
                await lost.kill()
    assert heights == list(range(1, 9))


async def test_events_of_nothing_are_refused(build_network: Any) -> None:
    api = (await build_network()).open().contracts
    watch = api.WatchEvents(pb.WatchEventsRequest(contract=bytes(32)))
    assert (await refuse(watch.read())).reason == "NO_CONTRACT"
