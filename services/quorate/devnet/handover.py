"""`quorate devnet handover SEAT`: a seat moves to a fresh spare, at an epoch's boundary.

The spare has a key of its own; what moves is the candidate's word about which key speaks for it.
The sets of the epochs fence old and new from each other: whether the old node runs on, is cut off
or comes back from an old copy of its volume makes no difference (docs/protocol.md#D6).
"""

import asyncio
import time
from typing import Final, NamedTuple

from quorate.core.errors import NotFound, Overloaded, Rejected, Unavailable
from quorate.devnet import tally
from quorate.devnet.layout import Handover, Node
from quorate.devnet.operation import Operation, Sets
from quorate.devnet.seat_keys import prove_seat

_FIRST_BLOCK_S: Final = 15.0


class HandoverReport(NamedTuple):
    """How a seat moved.

    `first_height` is the first block of the epoch in which the new key holds the seat, `own_height`
    the first that it proposed (0: none yet). Of the missed views since the handover began, those
    are counted that this seat led: before the boundary by its old key, after it by the new one.
    """

    name: str
    source: str
    target: str
    epoch: int
    first_height: int
    own_height: int
    missed_before: int
    missed_after: int
    missed_views: int
    outcomes: tally.Outcomes
    seconds: float


class Moving(Operation):
    """Moves one seat."""

    async def run(self, seat: str, *, keep_old: bool = False) -> HandoverReport:
        """Move a seat, by its number or its validator's name, and report.

        The old node is stopped afterwards unless it is to be kept. Raises NotFound for a seat that
        no node of this machine holds, Rejected while another one is moved, Unavailable (NOT_READY)
        when it does not come on; the message names the next step.
        """
        plan = await self._begin(seat)
        again = f"quorate devnet handover {seat}"
        while True:
            try:
                sets = await self.read_sets()
                waiting = await self._go_on(plan, sets)
            except (Overloaded, Unavailable) as error:
                await self.pause(f"the gateway does not answer ({error.message})", "it", again)
                continue
            if not waiting:
                break
            await self.pause(waiting, f"the handover of {plan.source}", again)
        report = await self._report(plan)
        if not keep_old:
            await asyncio.to_thread(self.network.retire, plan.source)
            self.tell.step(f"{plan.source} is stopped; its directory stays")
        self.network.end_handover()
        return report

    # ---- beginning -------------------------------------------------------------------------

    async def _begin(self, seat: str) -> Handover:
        """Return the handover that was interrupted, or begin one."""
        under_way = self.layout.handover
        if under_way is not None:
            if seat not in (under_way.source, under_way.seat):
                raise Rejected(
                    f"the seat of {under_way.source} is being moved: let "
                    f"`quorate devnet handover {under_way.source}` end first",
                    reason="HANDOVER_UNDER_WAY",
                )
            return under_way
        source, number = await self._find_holder(seat)
        height = (await self.client.status()).height
        plan = await asyncio.to_thread(self.network.begin_handover, source.name, number, height)
        self.tell.step(f"{plan.target} starts, to take over the seat of {source.name}")
        return plan

    async def _find_holder(self, seat: str) -> tuple[Node, str]:
        """Return who holds a seat, by its number or a name, and the seat's number."""
        seats = (await self.client.seats()).seats
        by_key = {each.public_key.hex(): each for each in seats}
        for node in self.layout.validators:
            held = by_key.get(node.seat_key)
            if held is not None and seat in (str(held.seat), held.name, node.name):
                return node, str(held.seat)
        known = ", ".join(f"{each.seat} ({each.name})" for each in seats)
        raise NotFound(
            f"no node here holds a seat '{seat}'; there are {known}", reason="NO_SEAT", seat=seat
        )

    # ---- going on --------------------------------------------------------------------------

    async def _go_on(self, plan: Handover, sets: Sets) -> str:
        """Do the next step; return what is waited for, "" when the seat has moved."""
        target = self.layout.find_node(plan.target)
        if not self.runs(target):
            await asyncio.to_thread(self.network.start, target.name)
            self.tell.step(f"{target.name} starts again")
        candidate = await self.read_candidate(plan.candidate)
        if candidate is None or not candidate.is_standing:
            raise Rejected(
                f"the candidate of {plan.source} has resigned or was slashed: nothing can be moved",
                reason="CANDIDATE_GONE",
            )
        if sets.holds(target.seat_key):
            return await self._find_silence(target)
        if sets.will_hold(target.seat_key):
            return f"{target.name} has the seat from the next epoch on"
        epoch = sets.running.epoch
        is_named = target.seat_key in (candidate.seat_key.hex(), candidate.next_key.hex())
        if not is_named:
            obstacle = await self.attempt(self._rotate(target, epoch))
            return obstacle or f"{target.name} says that it is ready"
        if candidate.seat_key.hex() != target.seat_key or candidate.ready_epoch <= epoch:
            obstacle = await self.attempt(self._bring_ready(target, epoch))
            return obstacle or f"the election at the end of epoch {epoch}"
        return f"the election at the end of epoch {epoch}"

    async def _rotate(self, target: Node, epoch: int) -> None:
        # Only to a machine that could vote now: else the candidate would lose its seat for a while.
        await self.ask_ready(target, epoch)
        proof = await prove_seat(self.layout, target)
        receipt = await self.desk.rotate(self.layout, proof)
        self.tell.step(f"the candidate names the key of {target.name}: height {receipt.height:,}")

    async def _bring_ready(self, target: Node, epoch: int) -> None:
        word = await self.ask_ready(target, epoch)
        await self.desk.bring_ready(word)
        self.tell.step(f"{target.name} is ready for the election of epoch {word.epoch}")

    async def _find_silence(self, target: Node) -> str:
        for each in await self.client.validators():
            if each.public_key.hex() == target.seat_key and each.state == "voting":
                return ""
        return f"{target.name} votes"

    # ---- telling ---------------------------------------------------------------------------

    async def _report(self, plan: Handover) -> HandoverReport:
        source, target = (self.layout.find_node(name) for name in (plan.source, plan.target))
        epoch, name = await self._find_first_epoch(target)
        head = (await self.client.seats()).height
        first = (await self.starts.find(epoch, head)).height + 1
        self.tell.wait(f"{target.name} proposes a block")
        own = await tally.find_own_block(
            self.client, bytes.fromhex(target.seat_key), first, _FIRST_BLOCK_S
        )
        last = max(own, first, head)
        missed = await tally.count_missed(self.client, self.genesis, plan.height + 1, last)
        keys = [each.public_key.hex() for each in missed]
        return HandoverReport(
            name=name,
            source=source.name,
            target=target.name,
            epoch=epoch,
            first_height=first,
            own_height=own,
            missed_before=keys.count(source.seat_key),
            missed_after=keys.count(target.seat_key),
            missed_views=len(missed),
            outcomes=await tally.count_outcomes(target, plan.height + 1, last),
            seconds=time.monotonic() - self.started_s,
        )

    async def _find_first_epoch(self, target: Node) -> tuple[int, str]:
        """Return the first epoch in whose set the new key is, and the seat's name there.

        It is the running one, unless whoever began the handover was interrupted for long.
        """
        epoch, name = (await self.client.seats()).running_epoch, ""
        while True:
            seats = (await self.client.seats(epoch)).seats
            found = [each.name for each in seats if each.public_key.hex() == target.seat_key]
            if not found:
                return epoch + 1, name
            epoch, name = epoch - 1, found[0]
