"""What is allowed and most likely not meant is told with its field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.crypto import SigningKey
from quorate.core.genesis import Genesis, Terms, build_genesis, build_seat_entry, parse_genesis
from quorate.core.genesis_advice import count_holders, count_stoppers, list_warnings
from quorate.core.params import Params
from quorate.core.values import format_address

PARAMS = Params(self_stake_min=10, stake_min=1)


def build(
    seats: int = 4, *, operators: int = 99, stakes: tuple[int, ...] = (), **changes: Any
) -> Genesis:
    entries, balances = [], {}
    for number in range(seats):
        key, owner = SigningKey(bytes([number + 1]) * 32), bytes([number + 100]) * 32
        stake = stakes[number] if number < len(stakes) else 10
        operator = bytes([number % operators + 50]) * 32
        terms = Terms(owner=owner, operator=operator, stake=stake)
        entries.append(build_seat_entry("chain", f"v{number}", key, terms))
        balances[format_address(owner)] = 5
    text = json.loads(build_genesis("chain", 1, PARAMS, entries, balances))
    params = {**text["params"], **changes.pop("params", {})}
    return parse_genesis(json.dumps({**text, "params": params, **changes}))


def fields_of(genesis: Genesis) -> set[str]:
    return {advice.field for advice in list_warnings(genesis)}


def test_a_sound_genesis_has_nothing_to_look_at() -> None:
    assert fields_of(build()) == set()


@pytest.mark.parametrize(
    ("genesis", "fields"),
    [
        (build(3), {"seats", "params.seats_min"}),
        (build(7, operators=2), {"seats"}),
        (build(4, operators=3), {"seats"}),
        (build(stakes=(9,)), {"seats[0].stake"}),
        (build(stakes=(100, 10, 10, 10)), {"candidates"}),
        (build(accounts=[]), {"accounts"}),
        (build(params={"seats_max": 3}), {"seats", "params.seats_min"}),
        (build(params={"seats_min": 32}), {"params.seats_min"}),
        (build(params={"stake_min": 11}), {"params.stake_min"}),
        (build(params={"slash_bp": 0}), {"params.slash_bp"}),
        (build(params={"epoch_ms": 3_999}), {"params.epoch_ms"}),
        (build(params={"view_timeout_ms_max": 999}), {"params.view_timeout_ms_max"}),
        (build(params={"batch_size_bytes_max": 65_535}), {"params.transaction_size_bytes_max"}),
        (build(params={"validity_max_blocks": 255}), {"params.validity_max_blocks"}),
        (build(params={"commission_step_bp": 10_000}), {"params.commission_step_bp"}),
    ],
)
def test_what_is_odd_is_told_with_its_field(genesis: Genesis, fields: set[str]) -> None:
    assert fields_of(genesis) == fields


def test_seats_of_nobody_are_told() -> None:
    key = SigningKey(b"k" * 32)
    entries = [build_seat_entry("chain", "v", key)]
    genesis = parse_genesis(build_genesis("chain", 1, PARAMS, entries, {}))
    assert "seats[0].owner" in fields_of(genesis)


def test_the_second_set_is_looked_at_when_it_differs() -> None:
    genesis = build(5)
    document = json.loads(build_genesis("chain", 1, PARAMS, [], {}))
    entries = [
        build_seat_entry("chain", f"v{n}", SigningKey(bytes([n + 1]) * 32)) for n in range(4)
    ]
    document |= {"seats": entries, "next_seats": entries[:1]}
    assert "next_seats" in fields_of(parse_genesis(json.dumps(document)))
    assert "next_seats" not in fields_of(genesis)


@pytest.mark.parametrize(
    ("seats", "operators", "stoppers"), [(4, 4, 2), (4, 2, 1), (7, 7, 3), (7, 2, 1), (10, 5, 2)]
)
def test_operators_that_can_stop_the_chain_are_counted(
    seats: int, operators: int, stoppers: int
) -> None:
    genesis = build(seats, operators=operators)
    assert count_stoppers(genesis.seats, genesis) == stoppers


@given(st.lists(st.integers(1, 100)), st.integers(1, 1_000))
def test_fewest_holders_are_counted(shares: list[int], need: int) -> None:
    found = count_holders(shares, need)
    largest = sorted(shares, reverse=True)
    if found:
        assert sum(largest[: found - 1]) < need <= sum(largest[:found])
    else:
        assert sum(shares) < need
