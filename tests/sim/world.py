"""The whole network in one thread, from one seed: engines, disks, links, clocks, and faults.

A run has two phases. In the first, everything that the plan names goes wrong and only safety is
asked for. Then all trouble ends, and every honest engine must make a new block final in time.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any

from quorate.core import crypto
from quorate.core.bft.replica import Setup
from quorate.core.blocks import build_root
from quorate.core.values import compute_faults
from tests.sim.checkers import Violation, make_checkers
from tests.sim.keys import cheap_signatures, make_key
from tests.sim.network import Network
from tests.sim.node import Node
from tests.sim.payload import Payload
from tests.sim.plan import Crash, Plan
from tests.sim.scheduler import Scheduler

if TYPE_CHECKING:
    from quorate.core.bft import effects as do
    from quorate.core.bft import events as on

Trace = Callable[[str], None]


class World:
    """One run; `crashes`, `events` and the nodes' storages tell afterwards what it was like."""

    def __init__(self, plan: Plan, trace: Trace | None = None) -> None:
        self.plan, self.params = plan, plan.params
        self.rng = Random(f"world {plan.seed}")
        self.scheduler = Scheduler(self.rng)
        self.genesis_hash = crypto.compute_hash(b"sim/genesis", str(plan.seed).encode())
        self.domain = crypto.compute_domain("sim", self.genesis_hash, 0)
        self.genesis_ms = 1_000_000
        self.root = build_root(self.genesis_hash, self.genesis_ms, self.params)
        self.crashes = self.events = self.healing_ms = 0
        self._trace = trace
        self._digest = sha256()
        self.checkers = make_checkers(self)
        self._hooks: dict[str, list[Callable[..., None]]] = {}
        self.nodes: list[Node] = []
        self.network = Network(self)
        self.payload = Payload(self)
        self.nodes += self._build_nodes()

    def _build_nodes(self) -> list[Node]:
        plan, seats = self.plan, self.plan.seats
        keys = [make_key(plan.seed, seat, real=plan.real_signatures) for seat in range(seats)]
        nodes = []
        for index in range(seats + plan.observers):
            is_seat = index < seats
            setup = Setup(
                epoch=0, domain=self.domain, keys=tuple(key.public_key for key in keys),
                carried=self.genesis_hash, params=self.params,
                seat=index if is_seat else None, key=keys[index] if is_seat else None,
            )  # fmt: skip
            nodes.append(Node(self, index, setup))
        return nodes

    # ---- running ---------------------------------------------------------------------------

    def start(self) -> None:
        """Start all nodes and lay out what the plan says will happen."""
        plan, at = self.plan, self.scheduler.at
        for seat, height in plan.liars:
            self.nodes[seat].storage.lies_from = height
        for node in self.nodes:
            at(self.rng.randint(0, 10), node.start)
            at(self.rng.randint(0, 250), node.storage.look)
        for crash in plan.crashes:
            at(crash.at_ms, self._crash, crash)
        for seat in plan.dead:
            at(self.rng.randint(1, plan.faulty_ms), self.nodes[seat].crash, "power", 0)
        for partition in plan.partitions:
            at(partition.at_ms, self._split, partition.groups)
            at(partition.until_ms, self._split, ())
        for clog in plan.clogs:
            at(clog.at_ms, self.network.clogged.__setitem__, clog.node, clog.until_ms)
        for stall in plan.stalls:
            storage = self.nodes[stall.node].storage
            at(stall.at_ms, setattr, storage, "stalled_ms", stall.until_ms)
        if plan.batch_every_ms:
            at(20, self._load)

    def run_until(self, until_ms: int, condition: Callable[[], bool] | None = None) -> bool:
        """Run up to a time, or until a condition holds; tell whether it does."""
        with cheap_signatures(real=self.plan.real_signatures):
            steps = 0
            while self.scheduler.step(until_ms):
                steps += 1
                if condition is not None and steps % 16 == 0 and condition():
                    return True
        return condition is not None and condition()

    def heal(self) -> None:
        """End all trouble; who is down comes back, unless it is dead for good."""
        for node in self.nodes:
            node.armed, node.storage.stalled_ms = None, 0
            if not node.is_running() and node.index not in self.plan.dead:
                node.start()
        self.network.heal()

    def is_followed(self, floor: int, names: tuple[bytes, ...] = ()) -> bool:
        """Tell whether all honest nodes applied a block above `floor` and all these batches.

        Behind a backlog a batch may expire; that is an end too.
        """
        for storage in (node.storage for node in self.list_honest()):
            if storage.height <= floor:
                return False
            for name in names:
                expired = self.payload.headers[name].expiry_height <= storage.height
                if name not in storage.named and not expired:
                    return False
        return True

    def list_honest(self) -> list[Node]:
        """Return the nodes that follow the protocol, observers too."""
        return [node for node in self.nodes if node.is_honest]

    def compute_bound_ms(self) -> int:
        """Return within which time after healing a new block must be final everywhere.

        Timers may stand at the cap when trouble ends: one such wait to get everybody into one
        view, one for each of f faulty leaders that follow, and one for a proposal whose proofs
        had to be fetched; catch-up takes some seconds where the engine can't go on by itself.
        """
        views = compute_faults(self.plan.seats) + 3
        return views * self.params.view_timeout_ms_max + self.params.heartbeat_ms + 5_000

    # ---- what happens ----------------------------------------------------------------------

    def _crash(self, crash: Crash) -> None:
        if self.scheduler.now_ms > self.plan.faulty_ms:
            return
        node = self.nodes[crash.node]
        if crash.point == "anywhere":
            node.crash(crash.kind, crash.down_ms)
        else:
            node.armed = crash

    def _split(self, groups: tuple[int, ...]) -> None:
        if self.scheduler.now_ms <= self.plan.faulty_ms:
            self.network.groups = dict(enumerate(groups))
            self.network.refresh()

    def _load(self) -> None:
        if self.scheduler.now_ms < self.plan.faulty_ms:
            running = [n.index for n in self.nodes[: self.plan.seats] if n.is_running()]
            if running:
                self.payload.make(self.rng.choice(running))
            self.scheduler.after(self.rng.randint(1, 2 * self.plan.batch_every_ms), self._load)

    # ---- watching --------------------------------------------------------------------------

    def check(self, hook: str, node: Node, *args: Any) -> None:
        """Tell the checkers what happened at a node."""
        found = self._hooks.get(hook)
        if found is None:
            found = [getattr(c, hook) for c in self.checkers if hasattr(c, hook)]
            self._hooks[hook] = found
        for each in found:
            each(node, *args)

    def trace(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        """Fold what an engine did into the run's digest, and show it if asked to."""
        kinds = ",".join(type(effect).__name__ for effect in effects)
        assert node.replica is not None, "it has just handled an event"
        view, head = node.replica.view, node.replica.chain.head
        line = f"{event.now_ms} {node.index} {type(event).__name__} {view} {kinds}"
        self._digest.update(line.encode())
        self._digest.update(head.digest)
        if self._trace is not None:
            self._trace(f"{line} h={head.header.height} {describe(event)} -> {effects_of(effects)}")

    @property
    def digest(self) -> str:
        """The hash of all that happened so far."""
        return self._digest.hexdigest()


def run_plan(plan: Plan, trace: Trace | None = None) -> World:
    """Run both phases of a plan; raises Violation with the virtual time it came at."""
    world = World(plan, trace)
    try:
        _run_phases(world)
    except (Violation, AssertionError) as error:
        error.add_note(f"at {world.scheduler.now_ms} ms; {plan}")
        raise
    return world


def _run_phases(world: World) -> None:
    world.start()
    world.run_until(world.plan.faulty_ms)
    world.heal()
    healed_ms = world.scheduler.now_ms
    floor = max(node.storage.height for node in world.nodes)
    makers = [node.index for node in world.list_honest() if node.seat is not None]
    # They must not expire before who is behind has caught up.
    expiry_height = floor + world.params.batch_validity_blocks
    names = tuple(world.payload.make(maker, expiry_height) for maker in makers[:2])
    bound_ms = world.compute_bound_ms()
    followed = world.run_until(healed_ms + bound_ms, lambda: world.is_followed(floor))
    world.healing_ms = world.scheduler.now_ms - healed_ms
    if not followed:
        where = [(n.index, n.storage.height, n.state) for n in world.nodes]
        raise Violation("liveness", f"no new block everywhere in {bound_ms} ms: {where}")
    if not world.run_until(healed_ms + 2 * bound_ms, lambda: world.is_followed(floor, names)):
        raise Violation("liveness", f"batches are left over after {2 * bound_ms} ms")


def describe(event: on.Event) -> str:
    """Return one short line of what an event carries."""
    message = getattr(event, "message", None)
    source = getattr(event, "seat", "")
    return f"{source}:{describe_message(message)}" if message is not None else ""


def describe_message(message: Any) -> str:
    """Return a message as kind, view, seat, digest."""
    block = getattr(message, "block", None)
    if block is not None:
        header = block.header
        short = block.digest.hex()[:6]
        return f"P{header.view}<-{header.parent_view}/{short}/{len(block.batches)}"
    kind = getattr(message, "kind", None)
    if kind is None:
        return str(message)
    seat = getattr(message, "seat", "cert")
    return f"{kind.name}{message.view}@{seat}/{message.digest.hex()[:6]}"


def effects_of(effects: list[do.Effect]) -> str:
    """Return effects in short."""
    parts = []
    for effect in effects:
        message = getattr(effect, "message", None)
        what = describe_message(message) if message is not None else ""
        name = type(effect).__name__
        if name in ("SetTimer", "ReportState", "PruneLog", "FetchBatches"):
            what = str(effect)
        if name != "Persist":
            parts.append(f"{name} {what}")
    return "; ".join(parts)
