"""A small world that a story leads by hand: a gate before each node says what is let in.

Seats are called by what they do in the story: `leader(1)`, `others(…)`. A traitor's engine is
still honest; the story forges what it wants with its key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, Message, Proposal, Vote
from quorate.core.bft.replica import Replica
from quorate.core.params import Params
from tests.adversaries import Adversary
from tests.sim.checkers import Violation
from tests.sim.node import Node, Waiting
from tests.sim.plan import Plan
from tests.sim.world import World

Gate = Callable[[int, int, Message], bool]

DELAY_MS = 10
TIMEOUT_MS = 1_000
# No heartbeat comes to the rescue: what does not move stands still for as long as a story lasts.
PARAMS = Params(
    block_weight_max=1_000,
    batch_validity_blocks=200,
    view_timeout_ms=TIMEOUT_MS,
    view_timeout_ms_max=2_000,
    heartbeat_ms=600_000,
    block_interval_ms=20,
)
PLAN = Plan(seed=1, params=PARAMS, delay_ms=(DELAY_MS, DELAY_MS), faulty_ms=10_000_000)


def let_all(source: int, target: int, message: Message) -> bool:
    """The gate that stands open."""
    return True


def let_none(source: int, target: int, message: Message) -> bool:
    """The gate that is shut."""
    return False


class Stage:
    """Four seats that have started and wait in view 1, unless the story says otherwise."""

    def __init__(self, *, blind: tuple[str, ...] = (), **changes: object) -> None:
        plan: Plan = replace(PLAN, **changes)  # type: ignore[arg-type]
        self.world = World(plan)
        # What a story is about can lie behind what another checker would stop it for.
        kept = [each for each in self.world.checkers if type(each).__name__ not in blind]
        self.world.checkers.clear()
        for each in kept:
            self.world.add_checker(each)
        self.gate: Gate = let_all
        for node in self.world.nodes:
            node.receive = self._guard(node)  # type: ignore[method-assign]
        self.world.start()
        self.run(500)

    def _guard(self, node: Node) -> Callable[[list[Waiting]], None]:
        receive = node.receive

        def guarded(events: list[Waiting]) -> None:
            receive([each for each in events if self._is_let_in(node.index, each)])

        return guarded

    def _is_let_in(self, target: int, waiting: Waiting) -> bool:
        kind, fields = waiting
        return kind is not on.MessageReceived or self.gate(fields[0], target, fields[1])

    # ---- who -----------------------------------------------------------------------------------

    def node(self, seat: int) -> Node:
        """Return a seat's node."""
        return self.world.nodes[seat]

    def engine(self, seat: int) -> Replica:
        """Return a seat's engine, which runs."""
        replica = self.node(seat).replica
        assert replica is not None, f"seat {seat} is down"
        return replica

    def leader(self, view: int) -> int:
        """Return the seat that leads a view."""
        return self.engine(next(n.index for n in self.world.nodes if n.replica)).leader(view)

    def others(self, *seats: int) -> list[int]:
        """Return the seats that are not named."""
        return [seat for seat in range(self.world.plan.seats) if seat not in seats]

    def betray(self, seat: int, kind: type[Adversary] = Adversary) -> Adversary:
        """Make a seat faulty; return what forges with its key."""
        node = self.node(seat)
        node.obeys = node.is_honest = False
        node.adversary = kind(node)
        return node.adversary

    def forger(self, seat: int) -> Adversary:
        """Return what signs as a seat would, for messages that it could lawfully have made."""
        return Adversary(self.node(seat))

    # ---- what happens --------------------------------------------------------------------------

    def run(self, duration_ms: int) -> None:
        """Let time pass."""
        self.world.run_until(self.world.scheduler.now_ms + duration_ms)

    def await_that(self, condition: Callable[[], bool], within_ms: int, what: str) -> None:
        """Let time pass until something holds; that it does not in time is a loss of liveness."""
        if not self.world.run_until(self.world.scheduler.now_ms + within_ms, condition):
            raise Violation("liveness", f"{what}, not within {within_ms} ms")

    def await_block(self, *seats: int, height: int = 1) -> None:
        """Let time pass until storage of these seats has a block at a height."""
        storages = [self.node(seat).storage for seat in seats]
        self.await_that(
            lambda: all(storage.height >= height for storage in storages),
            self.world.compute_bound_ms() - self.world.params.heartbeat_ms,
            f"a final block at {height}",
        )

    def make_batch(self, author: int) -> None:
        """Give the chain something to do."""
        self.world.payload.make(author)

    def tell(self, target: int, source: int, message: Message) -> None:
        """Bring a message from one seat to another, past the gate."""
        self.node(target).put(on.MessageReceived, source, message)


def is_vote(message: Message, kind: Kind, view: int) -> bool:
    """Tell whether a message is a vote of a kind in a view."""
    return isinstance(message, Vote) and message.kind is kind and message.view == view


def is_proposal(message: Message, view: int) -> bool:
    """Tell whether a message is a proposal for a view."""
    return isinstance(message, Proposal) and message.block.header.view == view
