"""A network that is cut and healed at random for 200 epochs never runs out of seats.

Whoever is cut off misses its views; the rest goes on whenever it is a quorum. Each world is played
by the real core and the reference at once.
"""

from random import Random

import pytest

from quorate.core.params import Params
from quorate.core.values import compute_faults, compute_quorum
from tests.conftest import SEED
from tests.economy.actors import get_address
from tests.economy.founding import Founding
from tests.economy.world import World

EPOCHS, QUIET_EPOCHS = 200, 20
SEATS_MIN = 4
PAYER = get_address(50)


class Flapping:
    """A network of which another part is cut off every few blocks; its people do what they can."""

    def __init__(self, rng: Random, seats: int) -> None:
        params = Params(
            epoch_blocks=max(3, seats // 2), epoch_ms=10**9, seats_max=seats, seats_min=SEATS_MIN,
            self_stake_min=100, stake_min=10, unbonding_epochs=2,
            jail_epochs=rng.randint(1, 4), missed_views_max=rng.randint(0, 1),
        )  # fmt: skip
        self.owners = [get_address(number) for number in range(seats)]
        balances = dict.fromkeys([PAYER, *self.owners], 10**9)
        stakes = [rng.randint(100, 200) for _ in self.owners]
        self.rng, self.cut_off = rng, set[bytes]()
        self.world = World(Founding(params, [0] * seats, stakes, seats, balances=balances))
        # In how many rounds of views, before a block, nobody gets a quorum for one.
        self.lost_rounds, self.jailed = [0] * 30 + [1, 3], 0

    def cut(self) -> None:
        """Cut off another part, now and then nobody; whoever is left makes a quorum."""
        seats = [seat.candidate for seat in self.world.expected.sets[self.world.epoch]]
        most = len(seats) - compute_quorum(len(seats))
        self.cut_off = set(self.rng.sample(seats, self.rng.randint(0, most)))

    def play_block(self) -> None:
        """Pass over all who are cut off, also some rounds while nobody gets a quorum."""
        world = self.world
        seats = [seat.candidate for seat in world.expected.sets[world.epoch]]
        views = 1 + self.rng.choice(self.lost_rounds) * len(seats)
        while seats[world.get_leader(world.head.view + views)] in self.cut_off:
            views += 1
        payloads = self.list_payloads()
        items = [world.make_sent(*payloads)] if payloads else []
        assert all(not reason for reason, _ in world.play(items, views=views))

    def list_payloads(self) -> list[tuple[object, ...]]:
        """Return what people whose machines run send: Unjail when they may, then Ready."""
        world, found = self.world, self.world.expected.tables.candidates
        able = [owner for owner in self.owners if owner not in self.cut_off]
        payloads: list[tuple[object, ...]] = []
        for owner in able:
            until, is_ready = found[owner].jailed_until, found[owner].ready_epoch > world.epoch
            if until and world.epoch >= until:
                payloads.append(("Unjail", owner, owner))
            if not is_ready:
                payloads.append(("Ready", PAYER, owner, world.epoch, found[owner].seat_key))
        return payloads[:16]

    def play_epoch(self) -> None:
        """Play to the end of the epoch, and look at the set that it gives."""
        epoch, sets = self.world.epoch, self.world.expected.sets
        while self.world.epoch == epoch:
            self.play_block()
        before = {seat.candidate for seat in sets[epoch + 1]}
        after = {seat.candidate for seat in sets[epoch + 2]}
        assert len(after) >= SEATS_MIN
        assert len(before - after) <= compute_faults(len(before))
        self.jailed += len(before - after)


@pytest.mark.parametrize("seats", [4, 5, 7, 10, 13])
def test_no_partition_kills_the_chain_and_everybody_comes_back(seats: int) -> None:
    flapping = Flapping(Random(SEED * 100 + seats), seats)
    for _ in range(EPOCHS - QUIET_EPOCHS):
        flapping.cut()
        flapping.play_epoch()
    flapping.cut_off = set()
    flapping.lost_rounds = [0]
    for _ in range(QUIET_EPOCHS):
        flapping.play_epoch()
    assert {seat.candidate for seat in flapping.world.expected.sets[EPOCHS + 1]} == set(
        flapping.owners
    )
    if seats >= 7:
        assert flapping.jailed, "a history in which nobody was jailed shows nothing"
