"""What a gateway tells of the network."""

from dataclasses import replace
from typing import Any

from quorate import __version__
from quorate.api.network.v1 import network_pb2 as pb
from quorate.core.seats import Seat


async def test_status_tells_what_a_client_needs(build_network: Any) -> None:
    network = await build_network()
    network.chain.execute([network.transfer(0)])
    status = await network.open().network.Status(pb.StatusRequest())
    genesis = network.genesis
    assert (status.chain_id, status.domain) == (genesis.chain_id, genesis.domain)
    assert (status.genesis_hash, status.height) == (genesis.hash, 1)
    assert (status.base_fee, status.version) == (1, __version__)
    assert status.validity_max_blocks == genesis.params.validity_max_blocks
    assert (status.validators_reachable, status.validators_total) == (4, 4)


async def test_status_answers_without_any_validator(build_network: Any) -> None:
    network = await build_network(seats=1)
    await network.nodes[0].kill()
    status = await network.open().network.Status(pb.StatusRequest())
    assert status.chain_id == network.genesis.chain_id
    assert status.validators_total == 1


async def test_the_seats_listed_are_those_of_the_running_epoch(build_network: Any) -> None:
    network = await build_network()
    first, second, third, fourth = network.genesis.seats
    stranger = Seat(1, "newcomer", bytes(32))
    network.chain.epoch = 3
    network.chain.sets[3] = (replace(third, index=0), stranger, replace(first, index=2))
    for node, seat in zip(network.nodes, (2, None, 0, None), strict=True):
        node.seat_now = seat
    listing = network.open().network
    answer = await listing.ListValidators(pb.ListValidatorsRequest())
    found = [(v.name, v.seat if v.HasField("seat") else None) for v in answer.validators]
    assert found == [("v2", 0), ("newcomer", 1), ("v0", 2), ("v1", None), ("v3", None)]
    keys = [v.public_key for v in answer.validators]
    assert keys == [
        third.public_key, stranger.public_key, first.public_key, second.public_key,
        fourth.public_key,
    ]  # fmt: skip
    # What was read once is told while no validator answers.
    for node in network.nodes:
        await node.kill()
    answer = await listing.ListValidators(pb.ListValidatorsRequest())
    assert [v.name for v in answer.validators[:3]] == ["v2", "newcomer", "v0"]


async def test_each_validator_tells_how_its_contract_runner_does(build_network: Any) -> None:
    def prepare(network: Any) -> None:
        network.nodes[1].runner_state = "away: the contract-runner died"

    network = await build_network(prepare=prepare)
    answer = await network.open().network.ListValidators(pb.ListValidatorsRequest())
    found = [(each.contracts, each.sandboxed) for each in answer.validators]
    away = ("away: the contract-runner died", True)
    assert found == [("ready", True), away, ("ready", True), ("ready", True)]


async def test_validators_are_listed_by_seat_with_their_states(build_network: Any) -> None:
    def prepare(network: Any) -> None:
        network.nodes[2].seat = None
        network.nodes[2].name = "watcher"
        network.nodes[3].domain = bytes(32)

    network = await build_network(prepare=prepare)
    answer = await network.open().network.ListValidators(pb.ListValidatorsRequest())
    found = [(v.name, v.seat if v.HasField("seat") else None, v.state) for v in answer.validators]
    assert found == [
        ("v0", 0, pb.VALIDATOR_STATE_VOTING),
        ("v1", 1, pb.VALIDATOR_STATE_VOTING),
        ("v2", 2, pb.VALIDATOR_STATE_UNSPECIFIED),
        ("v3", 3, pb.VALIDATOR_STATE_UNREACHABLE),
        ("watcher", None, pb.VALIDATOR_STATE_OBSERVING),
    ]
    assert answer.validators[3].detail == "serves another chain"
    assert answer.validators[0].public_key == network.genesis.seats[0].public_key
