"""`quorate devnet scale N`: validators come by election, and go when their seat has left the set.

Looks, plans (scaling_plan.py), does the next steps, and looks again. What was done is on the chain
and in the layout, so an interrupted run goes on when it is repeated.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from quorate.core.errors import InvalidInput, Overloaded, Rejected, Unavailable
from quorate.core.values import compute_faults, compute_quorum
from quorate.devnet import tally
from quorate.devnet.layout import Node
from quorate.devnet.operation import Operation, Sets
from quorate.devnet.scaling_plan import SEATS_MIN, Member, Plan, plan_scaling
from quorate.devnet.seat_keys import prove_seat

_SEATS_MAX: Final = 31


class EpochSize(NamedTuple):
    """How many seats an epoch had, how many may fail at a time, and how many decide."""

    epoch: int
    seats: int
    faults: int
    quorum: int


class ScalingReport(NamedTuple):
    """How the number of seats changed, epoch by epoch, and what else happened meanwhile."""

    seats: tuple[str, ...]
    epochs: tuple[EpochSize, ...]
    missed_views: int
    outcomes: tally.Outcomes
    seconds: float


class Scaling(Operation):
    """Makes the number of seats what is wanted."""

    async def run(self, wanted: int) -> ScalingReport:
        """Scale and report.

        Raises InvalidInput for a number that cannot be, Rejected while a handover is under way,
        Unavailable (NOT_READY) when it does not come on; the message names the next step.
        """
        self._check(wanted)
        before = await self.client.seats()
        again = f"quorate devnet scale {wanted}"
        while True:
            try:
                sets = await self.read_sets()
                members = await self._observe(sets)
                plan = plan_scaling(members, wanted, sets.running.epoch)
                obstacle = await self._apply(plan, sets.running.epoch)
                silent = await self._list_silent(members) if plan.is_done else []
            except (Overloaded, Unavailable) as error:
                await self.pause(f"the gateway does not answer ({error.message})", "scaling", again)
                continue
            if plan.is_done and not silent:
                return await self._report(before.height, before.running_epoch)
            waiting = [*obstacle, *plan.waiting, *silent] or ["what was done takes effect"]
            await self.pause("; ".join(waiting), "scaling", again)

    def _check(self, wanted: int) -> None:
        params = self.genesis.params
        least, most = min(SEATS_MIN, params.seats_min), min(params.seats_max, _SEATS_MAX)
        if not least <= wanted <= most:
            raise InvalidInput(
                f"{wanted} seats cannot be: this network can have {least} to {most}",
                reason="SEATS_OUT_OF_RANGE",
            )
        under_way = self.layout.handover
        if under_way is not None:
            raise Rejected(
                f"the seat of {under_way.source} is being moved: let "
                f"`quorate devnet handover {under_way.source}` end first",
                reason="HANDOVER_UNDER_WAY",
            )

    # ---- looking ---------------------------------------------------------------------------

    async def _observe(self, sets: Sets) -> list[Member]:
        found = [await self._look_at(node, sets) for node in self.layout.validators]
        return [member for member in found if member is not None]

    async def _look_at(self, node: Node, sets: Sets) -> Member | None:
        """Return a node as a member; None for a spare, whose candidate sits elsewhere."""
        candidate = await self.read_candidate(node.candidate) if node.candidate else None
        is_registered = candidate is not None
        if not node.candidate or (candidate and candidate.seat_key.hex() != node.seat_key):
            return None
        return Member(
            name=node.name,
            runs=self.runs(node),
            is_registered=is_registered,
            is_standing=candidate is not None and candidate.is_standing,
            is_seated=sets.holds(node.seat_key),
            is_coming=sets.will_hold(node.seat_key),
            ready_epoch=0 if candidate is None else candidate.ready_epoch,
            jailed_until=0 if candidate is None else candidate.jailed_until,
        )

    async def _list_silent(self, members: Sequence[Member]) -> list[str]:
        """Return who holds a seat and does not vote yet."""
        keys = {self.layout.find_node(member.name).seat_key: member.name for member in members}
        found = {each.public_key.hex(): each for each in await self.client.validators()}
        return [
            f"{name} votes (it is {found[key].state if key in found else 'unknown'} now)"
            for key, name in keys.items()
            if key not in found or found[key].state != "voting"
        ]

    # ---- doing -----------------------------------------------------------------------------

    async def _apply(self, plan: Plan, epoch: int) -> list[str]:
        """Do what can be done now; return what stands in the way of the rest."""
        for _ in range(plan.add):
            node = await asyncio.to_thread(self.network.grow)
            self.tell.step(f"{node.name} starts")
        for name in plan.start:
            await asyncio.to_thread(self.network.start, name)
            self.tell.step(f"{name} starts again")
        steps = [
            *[self._register(name, epoch) for name in plan.register],
            *[self._bring_ready(name, epoch) for name in plan.ready],
            *[self._resign(name) for name in plan.resign],
        ]
        obstacles = [await self.attempt(step) for step in steps]
        for name in plan.retire:
            await asyncio.to_thread(self.network.retire, name)
            self.tell.step(f"{name} is stopped: its seat has left the set")
        return [each for each in obstacles if each]

    async def _register(self, name: str, epoch: int) -> None:
        node = self.layout.find_node(name)
        # Whoever is not in step yet would only hold a candidate without a machine.
        await self.ask_ready(node, epoch)
        receipt = await self.desk.register(node, await prove_seat(self.layout, node))
        self.tell.step(f"{name} is a candidate since height {receipt.height:,}")

    async def _bring_ready(self, name: str, epoch: int) -> None:
        word = await self.ask_ready(self.layout.find_node(name), epoch)
        await self.desk.bring_ready(word)
        self.tell.step(f"{name} is ready for the election of epoch {word.epoch}")

    async def _resign(self, name: str) -> None:
        receipt = await self.desk.resign(self.layout, self.layout.find_node(name).candidate)
        self.tell.step(f"{name} has resigned at height {receipt.height:,}")

    # ---- telling ---------------------------------------------------------------------------

    async def _report(self, height: int, epoch: int) -> ScalingReport:
        now = await self.client.seats()
        sizes = [len((await self.client.seats(each)).seats) for each in range(epoch, now.epoch + 1)]
        seconds = time.monotonic() - self.started_s
        missed = await tally.count_missed(self.client, self.genesis, height + 1, now.height)
        node = next(node for node in self.layout.nodes if self.runs(node))
        return ScalingReport(
            seats=tuple([seat.name for seat in now.seats]),
            epochs=tuple(
                [
                    EpochSize(number, seats, compute_faults(seats), compute_quorum(seats))
                    for number, seats in enumerate(sizes, epoch)
                ]
            ),
            missed_views=len(missed),
            outcomes=await tally.count_outcomes(node, height + 1, now.height),
            seconds=seconds,
        )
