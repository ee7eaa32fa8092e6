"""The whole network in one thread, from one seed: engines, disks, links, clocks, and faults.

A run has two phases. In the first, everything that the plan names goes wrong and only safety is
asked for. Then all trouble ends, and every honest engine must make a new block final in time.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import Any

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.engine import EngineSetup
from quorate.core.bft.messages import Certificate, Proposal, Vote, get_epoch
from quorate.core.blocks import Block
from quorate.core.results import Result
from quorate.core.values import compute_faults
from tests.sim.catchup import build_genesis
from tests.sim.checkers import Violation, make_checkers
from tests.sim.full import FullPayload, FullStorage
from tests.sim.keys import cheap_signatures, make_key
from tests.sim.ledger import Reference
from tests.sim.network import Network
from tests.sim.node import Node
from tests.sim.payload import Payload
from tests.sim.plan import Plan
from tests.sim.runners import Decisions, DyingReference, DyingStorage
from tests.sim.scheduler import Scheduler
from tests.sim.sets import Sets, elections
from tests.sim.storage import PlainReference, Storage, execute
from tests.sim.trace import Trace
from tests.sim.trouble import Crash, Jump, Partition, Pause, SlowLink
from tests.sim.wallets import Wallets

# Wall clocks are this close once a time service works again.
CALM_SKEW_MS_MAX = 200


class World:
    """One run; `crashes`, `events` and the nodes' storages tell afterwards what it was like."""

    def __init__(self, plan: Plan, trace: Callable[[str], None] | None = None) -> None:
        self.plan, self.params = plan, plan.get_params()
        self.rng = Random(f"world {plan.seed}")
        self.scheduler = Scheduler(self.rng)
        self.wallets = Wallets(plan.seed, self.rng, real=plan.real_signatures)
        self.keys = [
            make_key(plan.seed, node, real=plan.real_signatures) for node in range(plan.pool)
        ]
        self._nodes_by_key = {key.public_key: node for node, key in enumerate(self.keys)}
        self.sets = Sets(plan, self.keys)
        self.genesis_hash = crypto.compute_hash(b"sim/genesis", str(plan.seed).encode())
        self.domain = crypto.compute_domain("sim", self.genesis_hash, 0)
        self.genesis_ms = 1_000_000
        self.crashes = self.events = self.healing_ms = 0
        self._trace = None if trace is None else Trace(self, trace)
        self._fold = 0
        self._results: dict[tuple[bytes, bytes], Result] = {}
        # What final headers say of deadly calls, as nodes report them (runners.py).
        self.decisions = Decisions(self)
        self._hooks: dict[str, list[Callable[..., None]]] = {}
        self.checkers: list[Any] = []
        self.nodes: list[Node] = []
        self.genesis = build_genesis(self, self.wallets.list_balances())
        self.root = self.genesis.root
        self.network = Network(self)
        self.payload = FullPayload(self, self.wallets) if plan.full else Payload(self)
        self.nodes += self._build_nodes()
        self.checkers += make_checkers(self)
        self._find_all_hooks()
        self.network.refresh()

    def make_storage(self, node: Node) -> Storage:
        """Return the storage of a node that is being built."""
        if self.plan.deaths is not None:
            return DyingStorage(self, node)
        return FullStorage(self, node) if self.plan.full else Storage(self, node)

    def make_reference(self) -> Callable[[Block], Result]:
        """Return what executes the final chain block by block, apart from all nodes."""
        if isinstance(self.payload, FullPayload):
            return Reference(self.genesis, self.payload.contents).execute
        if self.plan.deaths is not None:
            return DyingReference(self).execute
        return PlainReference(self).execute

    def _build_nodes(self) -> list[Node]:
        nodes = []
        for index in range(self.plan.pool + self.plan.observers):
            key = self.keys[index] if index < self.plan.pool else None
            setup = EngineSetup(domain=self.domain, params=self.params, key=key)
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
            at(self.rng.randint(1, max(plan.faulty_ms, 1)), self.nodes[seat].crash, "power", 0)
        for partition in plan.partitions:
            at(partition.at_ms, self._split, partition)
        for link in plan.slow_links:
            self._slow_down(link)
        for jump in plan.jumps:
            at(jump.at_ms, self._jump, jump)
        for pauses, act in (
            (plan.clogs, self._clog), (plan.stalls, self._stall),
            (plan.pauses, self._pause), (plan.slow_disks, self._slow_disk),
        ):  # fmt: skip
            for pause in pauses:
                at(pause.at_ms, act, pause, min(pause.until_ms, max(plan.faulty_ms, 1)))
        if plan.batch_every_ms:
            at(20, self._load)

    def run_until(self, until_ms: int, condition: Callable[[], bool] | None = None) -> bool:
        """Run up to a time, or until a condition holds; tell whether it does."""
        with cheap_signatures(real=self.plan.real_signatures), elections(self.sets):
            steps, step = 0, self.scheduler.step
            while step(until_ms):
                steps += 1
                if condition is not None and steps % 16 == 0 and condition():
                    return True
        return condition is not None and condition()

    def heal(self) -> None:
        """End all trouble; who is down comes back, unless it is dead for good."""
        self.note(None, "heals: all trouble ends")
        self.network.heal()
        for node in self.nodes:
            node.armed = None
            node.storage.stalled_ms = node.paused_ms = node.slow_disk_ms = 0
            skew_ms = self.plan.skew_ms[node.index] if self.plan.skew_ms else 0
            node.clock.correct(max(-CALM_SKEW_MS_MAX, min(skew_ms, CALM_SKEW_MS_MAX)))
            if not node.is_running() and node.index not in self.plan.dead:
                node.start()
            node.restart_storage()

    def finish(self) -> None:
        """Have all checkers look at the whole run once more."""
        with cheap_signatures(real=self.plan.real_signatures), elections(self.sets):
            for checker in self.checkers:
                if hasattr(checker, "finished"):
                    checker.finished(self)

    def is_followed(self, floor: int, names: tuple[bytes, ...] = ()) -> bool:
        """Tell whether all honest nodes applied a block above `floor` and all these batches.

        Behind a backlog a batch may expire; that is an end too.
        """
        for storage in (node.storage for node in self.list_honest()):
            if storage.height <= floor:
                return False
            for name in names:
                header = self.payload.headers[name]
                expired = header.expiry_height <= storage.height
                expired = expired or header.epoch < storage.epoch_start.epoch - 1
                if name not in storage.named and not expired:
                    return False
        return True

    def find_node(self, public_key: bytes) -> int:
        """Return the node that has a key."""
        return self._nodes_by_key[public_key]

    def find_signer(self, message: Vote | Proposal) -> int | None:
        """Return the node that has the seat which a message says it is of, in its epoch."""
        seat = message.seat if isinstance(message, Vote) else message.block.header.proposer
        return self.sets.find_node(get_epoch(message), seat)

    def is_beyond(self, epoch: int) -> bool:
        """Tell whether all honest nodes are in a later epoch; true when there are no others."""
        if self.plan.epoch_blocks is None:
            return True
        return all(node.storage.epoch_start.epoch > epoch for node in self.list_honest())

    def list_dying(self) -> set[int]:
        """Return the nodes whose contract-runner dies at deadly calls now."""
        now_ms = self.scheduler.now_ms
        pauses = self.plan.deaths or ()
        return {each.node for each in pauses if each.at_ms <= now_ms < each.until_ms}

    def list_honest(self) -> list[Node]:
        """Return the nodes that follow the protocol, observers too."""
        return [node for node in self.nodes if node.is_honest]

    def compute_bound_ms(self) -> int:
        """Return within which time after healing a new block must be final everywhere.

        Timers may stand at the cap when trouble ends: one such wait to get everybody into one
        view, one for each of f faulty leaders that follow, and one for a proposal whose proofs
        had to be fetched; catch-up takes some seconds where the engine can't go on by itself.
        """
        views = compute_faults(self.plan.pool) + 3
        return views * self.params.view_timeout_ms_max + self.params.heartbeat_ms + 5_000

    def compute_epoch_bound_ms(self) -> int:
        """Return within which time after healing everybody must be in a new epoch.

        Its blocks may come at the pace of the heartbeat, and who was away fetches each epoch by
        itself; the last block may need a tail, and then all is as after healing once more.
        """
        if self.plan.epoch_blocks is None:
            return 0
        pace_ms = self.params.heartbeat_ms + self.params.view_timeout_ms_max
        return 2 * self.compute_bound_ms() + (self.plan.epoch_blocks + 2) * pace_ms

    # ---- what happens ----------------------------------------------------------------------

    def _crash(self, crash: Crash) -> None:
        if self.scheduler.now_ms > self.plan.faulty_ms:
            return
        node = self.nodes[crash.node]
        if crash.point == "anywhere":
            node.crash(crash.kind, crash.down_ms)
        else:
            node.armed = crash

    def _split(self, partition: Partition) -> None:
        if self.scheduler.now_ms < self.plan.faulty_ms:
            self.note(None, f"splits into groups {partition.groups}")
            self.network.groups = dict(enumerate(partition.groups))
            self.network.refresh()
            self.scheduler.at(partition.until_ms, self._join, self.network.groups)

    def _join(self, groups: dict[int, int]) -> None:
        if self.network.groups is groups:
            self.note(None, "is whole again")
            self.network.groups = {}
            self.network.refresh()

    def _slow_down(self, link: SlowLink) -> None:
        pairs = [(link.source, link.target), (link.target, link.source)]
        self.network.slow.update((pair, link.extra_ms) for pair in pairs[: 1 + link.both])

    def _jump(self, jump: Jump) -> None:
        if self.scheduler.now_ms < self.plan.faulty_ms:
            self.note(self.nodes[jump.node], f"has its wall clock set by {jump.by_ms} ms")
            self.nodes[jump.node].clock.jump(jump.by_ms)

    def _clog(self, pause: Pause, until_ms: int) -> None:
        self.note(self.nodes[pause.node], f"has clogged links until {until_ms} ms")
        self.network.clogged[pause.node] = until_ms

    def _stall(self, pause: Pause, until_ms: int) -> None:
        self.note(self.nodes[pause.node], f"executes nothing until {until_ms} ms")
        self.nodes[pause.node].storage.stalled_ms = until_ms

    def _pause(self, pause: Pause, until_ms: int) -> None:
        how = "is suspended" if pause.suspended else "is stopped"
        self.note(self.nodes[pause.node], f"{how} until {until_ms} ms")
        self.nodes[pause.node].pause(until_ms, suspended=pause.suspended)

    def _slow_disk(self, pause: Pause, until_ms: int) -> None:
        self.note(self.nodes[pause.node], f"syncs slowly until {until_ms} ms")
        self.nodes[pause.node].slow_disk_ms = until_ms

    def _load(self) -> None:
        if self.scheduler.now_ms < self.plan.faulty_ms:
            running = [node.index for node in self.nodes if node.seat is not None]
            if running:
                author = self.rng.choice(running)
                for _ in range(self.plan.batch_burst):
                    self.payload.make(author)
            self.scheduler.after(self.rng.randint(1, 2 * self.plan.batch_every_ms), self._load)

    # ---- watching --------------------------------------------------------------------------

    def execute(self, block: Block, previous: bytes) -> Result:
        """Return the plain world's result of a block; the same for all, so it is made once."""
        place = (block.digest, previous)
        if place not in self._results:
            self._results[place] = execute(block, previous)
        return self._results[place]

    def add_checker(self, checker: Any) -> None:
        """Have one more object told what happens, by the hooks that it has."""
        self.checkers.append(checker)
        self._find_all_hooks()

    def check(self, hook: str, node: Node, *args: Any) -> None:
        """Tell the checkers what happened at a node."""
        for each in self.find_hooks(hook):
            each(node, *args)

    def _find_all_hooks(self) -> None:
        # These two are called for each event and effect: no look-up by name.
        self._hooks.clear()
        self.handled_hooks, self.done_hooks = self.find_hooks("handled"), self.find_hooks("done")

    def find_hooks(self, hook: str) -> list[Callable[..., None]]:
        """Return the methods of all checkers that have this hook."""
        found = self._hooks.get(hook)
        if found is None:
            found = [getattr(c, hook) for c in self.checkers if hasattr(c, hook)]
            self._hooks[hook] = found
        return found

    def watch(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        """Take in what an engine decided: for the checkers, the run's digest, and the trace."""
        assert node.engine is not None, "it has just handled an event"
        replica = node.engine.replica
        now_ms = self.scheduler.now_ms
        place = (replica.setup.epoch, replica.view)
        self._fold = hash((self._fold, now_ms, node.index, place, len(effects)))
        if self._trace is not None:
            self._trace.turn(node, event, effects)
        for each in self.handled_hooks:
            each(node, event, effects)
        if type(event) is on.CaughtUp:
            self.check("caught_up", node, event.block)
        for effect in effects:
            kind = type(effect)
            if kind is do.Persist:
                if effect is not effects[0]:
                    self.check("misplaced", node, effects)
            elif kind is do.CommitBlocks:
                self.check("decided", node, effect)
        if replica.chain.head is not node.head:
            node.head = replica.chain.head
            self.check("moved", node)

    def witness(self, node: Node, effect: do.Effect) -> None:
        """Take in a certificate or commit, once what it depends on can't be lost any more.

        One that holds an own vote which a power cut takes back never was, and what the faulty
        forge is for the honest to refuse.
        """
        if not node.obeys:
            return
        if type(effect) is do.Broadcast:
            if type(effect.message) is Certificate:
                self.check("certified", node, effect.message)
        elif type(effect) is do.CommitBlocks:
            self.check("certified", node, effect.finality.certificate)
            self.check("committed", node, effect)

    def note(self, node: Node | None, what: str) -> None:
        """Tell the trace what happens to a node, or to the network."""
        if self._trace is not None:
            self._trace.note(node, what)

    @property
    def digest(self) -> str:
        """A hash of all that happened so far."""
        digest = sha256(str(self._fold).encode())
        for node in self.nodes:
            digest.update(node.storage.blocks[-1].digest)
        return digest.hexdigest()


def run_plan(plan: Plan, trace: Callable[[str], None] | None = None) -> World:
    """Run both phases of a plan; raises Violation with the virtual time it came at."""
    world = World(plan, trace)
    try:
        _run_phases(world)
        world.finish()
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
    epoch = max(node.storage.epoch_start.epoch for node in world.nodes)
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
    bound_ms = world.compute_epoch_bound_ms()
    if not world.run_until(healed_ms + bound_ms, lambda: world.is_beyond(epoch)):
        where = [(n.index, n.storage.epoch_start, n.state) for n in world.nodes]
        raise Violation("liveness", f"no new epoch everywhere in {bound_ms} ms: {where}")
