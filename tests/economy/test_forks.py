"""Whatever an economy has come to, it can be cut off: nobody gains or loses, and it goes on."""

import random
import re
from dataclasses import replace

import pytest

from quorate.core.blocks import Header
from quorate.core.context import Context
from quorate.core.crypto import SigningKey
from quorate.core.errors import InvalidGenesis
from quorate.core.genesis import (
    Genesis,
    Parent,
    Terms,
    build_genesis,
    build_seat_entry,
    compute_first_epoch,
    parse_genesis,
)
from quorate.core.genesis_fork import Cut, apply_cut
from quorate.core.genesis_records import Tally, read_lines
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.params import SUPPLY_MAX
from quorate.core.records import MemoryRecords
from quorate.core.staking.records import CANDIDATE_PREFIX, decode_candidate
from quorate.core.state import Changes
from quorate.core.transition import Execution
from quorate.core.values import Hash, parse_address
from tests.conftest import SEED
from tests.economy.conservation import assert_conserved, sum_all
from tests.economy.playing import Player

CHAIN = "economy"
BLOCKS = 60
WORLDS = 12
ATTEMPTS = 50
# What a world may draw that no genesis could have: more issue than there may be.
CHANGES = {"seats_min": 1, "issue_per_block": 0, "slash_bp": 500}


def play(number: int) -> tuple[Player, list[bytes]]:
    """Return a world that was played, and who may hold a seat there.

    Worlds that no genesis could begin, or in which nobody is left, are passed over.
    """
    for attempt in range(ATTEMPTS):
        player = Player(random.Random(f"{SEED} {number} {attempt}"))
        for _ in range(BLOCKS):
            player.play_block()
        if sum_all(player.world.real).total() <= SUPPLY_MAX and (owners := list_fit(player)):
            return player, owners
    raise AssertionError(f"no world of {ATTEMPTS} is fit for this test")


def list_standing(state: MemoryRecords) -> list[bytes]:
    candidates = {
        key[1:]: decode_candidate(record)
        for key, record in state.items()
        if key[:1] == CANDIDATE_PREFIX and record
    }
    return sorted(owner for owner, each in candidates.items() if each.is_standing)


def list_fit(player: Player) -> list[bytes]:
    """Return whom evidence that came in the running epoch leaves standing."""
    owners = list_standing(player.world.real)
    while owners:
        try:
            cut(player, owners)
        except InvalidGenesis as error:
            found = re.fullmatch(r"seats\[(\d+)\]\.owner", error.field)
            if found is None:
                raise
            del owners[int(found[1])]
        else:
            return owners
    return []


def cut(player: Player, owners: list[bytes]) -> tuple[Genesis, MemoryRecords]:
    """Return the genesis of a fork whose seats are these candidates', and its records."""
    world, changes = player.world, Changes(player.world.real)
    entries = [
        build_seat_entry(
            CHAIN, f"w{n}", SigningKey(bytes([200 + n]) * 32), Terms(owner=owner), fork_epoch=1
        )
        for n, owner in enumerate(sorted(owners))
    ]
    entries.sort(key=lambda entry: owners.index(parse_address(str(entry["owner"]))))
    wished = Cut(
        chain_id=CHAIN, fork_epoch=1, time_ms=world.head.time_ms, params=world.params,
        entries=entries, changes=CHANGES,
    )  # fmt: skip
    found = apply_cut(changes, wished)
    left = MemoryRecords(world.real)
    for part in changes.iter_writes(7):
        left.take(part)
    tally = Tally(compute_first_epoch(found.epoch))
    lines = [tally.add(key, left[key]) for key in sorted(left) if left[key]]
    height = world.head.height
    parent = Parent(Hash(bytes(32)), 0, height, found.epoch, bytes(32), bytes(32))
    text = build_genesis(
        CHAIN, world.head.time_ms, found.params, found.seats, {},
        fork_epoch=1, parent=parent, state=tally.finish(),
    )  # fmt: skip
    genesis = parse_genesis(text)
    return genesis, MemoryRecords(read_lines(lines, genesis))


def run_on(genesis: Genesis, state: MemoryRecords, epochs: int) -> int:
    """Execute empty blocks until so many epochs have ended; return the epoch then."""
    head: Header = genesis.root.header
    epoch = genesis.epoch
    while epoch < genesis.epoch + epochs:
        height = head.height + 1
        executed = replace(head.executed, height=head.height)
        head = replace(
            head, epoch=epoch, height=height, view=head.view + 1, parent_view=head.view,
            time_ms=head.time_ms + 1, executed=executed,
        )  # fmt: skip
        execution = Execution(Context(head, genesis.params, genesis.domain), state)
        execution.begin()
        execution.apply([])
        for _ in execution.iter_close():
            pass
        state.take([write for part in execution.iter_writes() for write in part])
        epoch += execution.next_set is not None
    return epoch


@pytest.mark.parametrize("number", range(WORLDS))
def test_any_economy_can_be_cut_off_and_goes_on(number: int) -> None:
    player, owners = play(number)
    genesis, state = cut(player, owners)
    supply = sum_all(player.world.real).total()
    assert genesis.supply == supply
    assert_conserved(state, supply)
    state.take(compute_genesis_writes(genesis))
    run_on(genesis, state, epochs=4)
    assert_conserved(state, supply)
    assert len(genesis.seats) == len(owners)


@pytest.mark.parametrize("number", range(3))
def test_the_order_of_the_seats_parts_does_not_matter(number: int) -> None:
    player, owners = play(number)
    first, _ = cut(player, owners)
    again, _ = cut(player, owners[::-1])
    assert again.hash == first.hash
