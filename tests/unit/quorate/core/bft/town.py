"""A few engines with storages in one loop: for what takes several of them and several epochs.

Messages arrive in the order they were sent, at once; a test cuts nodes off, drops what it likes by
`drops`, and chooses the set of each epoch by `choose`. Time moves only when nothing is left to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.engine import Engine, EngineSetup
from quorate.core.bft.finality import Finality
from quorate.core.bft.log import compute_prune_ranges, restore
from quorate.core.bft.messages import Message
from quorate.core.bft.replica import Opening
from quorate.core.blocks import Block, build_root
from quorate.core.epochs import Epochs, EpochStart, compute_end, is_last_block, start_after
from quorate.core.params import Params
from quorate.core.results import Result, compute_write_digest
from quorate.core.seats import Seat, SeatSet
from quorate.core.values import ZERO_HASH
from tests.unit.quorate.core.bft.bench import CLOCK_MS, DOMAIN, GENESIS, make_keys

PARAMS = Params(epoch_blocks=3, view_timeout_ms=1_000, heartbeat_ms=2_000, batch_validity_blocks=32)
Drop = Callable[[int, int, Message], bool]


def make_set(epoch: int, nodes: list[int], keys: list[crypto.SigningKey]) -> SeatSet:
    """Return the set in which these nodes have the seats, in this order."""
    seats = [Seat(i, f"v{node}", keys[node].public_key) for i, node in enumerate(nodes)]
    return SeatSet(epoch, tuple(seats))


class Ledger:
    """One node's storage: executes at once, unless `stalled`."""

    def __init__(self, town: Town) -> None:
        self.town, self.stalled = town, False
        self.blocks: list[Block] = [town.root]
        self.finalities: list[Finality | None] = [None]
        self.results: dict[int, Result] = {}
        self.sets = {each.epoch: each for each in town.genesis_sets}
        self.start = EpochStart(0, 0, CLOCK_MS, GENESIS)
        self.executed, self.digest = 0, bytes(ZERO_HASH)

    def commit(self, run: do.CommitBlocks) -> None:
        for block in run.blocks:
            if block.header.height == len(self.blocks):
                assert block.header.parent == self.blocks[-1].digest
                self.blocks.append(block)
                self.finalities.append(None)
        self.finalities[run.blocks[-1].header.height] = run.finality

    def execute(self) -> tuple[Result, ...]:
        """Execute what is final and return the new results."""
        done = []
        while not self.stalled and self.executed + 1 < len(self.blocks):
            block = self.blocks[self.executed + 1]
            self.executed += 1
            self.digest = compute_write_digest(self.digest, [(b"b", block.digest)])
            result = Result(self.executed, self.digest, ZERO_HASH, self._end_epoch(block))
            self.results[self.executed] = result
            done.append(result)
        return tuple(done)

    def _end_epoch(self, block: Block) -> SeatSet | None:
        if not is_last_block(block.header, compute_end(self.start, self.town.params)):
            return None
        epoch = block.header.epoch + 2
        self.sets[epoch] = make_set(epoch, self.town.choose(epoch), self.town.keys)
        self.start = start_after(block.header)
        return self.sets[epoch]

    def get_epochs(self) -> Epochs:
        floor = self.start.epoch - 1
        return Epochs(self.start, tuple(s for e, s in sorted(self.sets.items()) if e >= floor))

    def open(self, log: dict[bytes, bytes]) -> Opening:
        """Return what an engine starts from: all that is executed."""
        head = self.blocks[self.executed]
        return Opening(
            head=head,
            finality=self.finalities[self.executed],
            recent=tuple((b.header.height, n) for b in self.blocks for n in b.batches),
            results=tuple(self.results.values()),
            restored=restore(sorted(log.items())),
        )


class Town:
    """`nodes` engines, of which `choose(epoch)` have the seats of an epoch."""

    def __init__(
        self, nodes: int, choose: Callable[[int], list[int]], params: Params = PARAMS
    ) -> None:
        self.keys, self.params, self.choose = make_keys(nodes), params, choose
        self.genesis_sets = [make_set(e, choose(e), self.keys) for e in (0, 1)]
        self.root = build_root(GENESIS, CLOCK_MS, params, self.genesis_sets[1].hash)
        self.now_ms = 10_000
        self.drops: Drop = lambda source, target, message: False
        self.ledgers = [Ledger(self) for _ in range(nodes)]
        self.logs: list[dict[bytes, bytes]] = [{} for _ in range(nodes)]
        self.done: list[list[do.Effect]] = [[] for _ in range(nodes)]
        self.engines: list[Engine | None] = [None] * nodes
        self._queue: deque[tuple[int, Any, tuple[Any, ...]]] = deque()
        self._timers: list[int | None] = [None] * nodes
        for index in range(nodes):
            self.start(index)

    # ---- life ------------------------------------------------------------------------------

    def start(self, index: int) -> None:
        """Start a node's engine from its log and ledger; it greets and is greeted."""
        ledger, setup = self.ledgers[index], EngineSetup(
            domain=DOMAIN, params=self.params, key=self.keys[index]
        )  # fmt: skip
        self.engines[index] = Engine(setup, ledger.open(self.logs[index]), ledger.get_epochs())
        self._put(index, on.Started)
        for other in range(len(self.keys)):
            if other != index and self.engines[other] is not None:
                self._put(index, on.PeerConnected, self._node(other), None)
                self._put(other, on.PeerConnected, self._node(index), None)

    def stop(self, index: int) -> None:
        """Stop a node; its storage keeps what it has executed."""
        self.engines[index] = None
        self.rewind(index, self.ledgers[index].executed)

    def rewind(self, index: int, height: int) -> None:
        """Have a node's storage lose what lies above a height."""
        ledger, fresh = self.ledgers[index], Ledger(self)
        fresh.blocks += ledger.blocks[1 : height + 1]
        fresh.finalities += ledger.finalities[1 : height + 1]
        fresh.execute()
        self.ledgers[index] = fresh

    def engine(self, index: int) -> Engine:
        engine = self.engines[index]
        assert engine is not None, "it runs"
        return engine

    # ---- running ---------------------------------------------------------------------------

    def run(self, until: Callable[[], bool], limit_ms: int = 120_000) -> None:
        """Run until a condition holds; fails when it does not within the limit."""
        end_ms = self.now_ms + limit_ms
        while not until():
            if self._queue:
                self._step()
                continue
            due = [at for i, at in enumerate(self._timers) if at is not None and self.engines[i]]
            assert due and min(due) <= end_ms, self.describe()
            self.now_ms = max(self.now_ms, min(due))
            for index, at in enumerate(self._timers):
                if at is not None and at <= self.now_ms and self.engines[index]:
                    self._timers[index] = None
                    self._put(index, on.TimerFired)

    def run_to(self, height: int, nodes: list[int] | None = None) -> None:
        """Run until these nodes (by default all that run) have a final block of a height."""
        self.run(lambda: all(len(self.ledgers[i].blocks) > height for i in self._running(nodes)))

    def describe(self) -> str:
        """Return where every running node stands."""
        lines = []
        for ledger, engine in zip(self.ledgers, self.engines, strict=True):
            if engine is not None:
                replica = engine.replica
                where = (len(ledger.blocks) - 1, engine.start.epoch, replica.view)
                lines.append(f"{where} {replica.get_state()}")
        return "; ".join(lines)

    def _running(self, nodes: list[int] | None) -> list[int]:
        return nodes or [i for i, engine in enumerate(self.engines) if engine is not None]

    def _put(self, index: int, kind: Any, *fields: Any) -> None:
        self._queue.append((index, kind, fields))

    def _step(self) -> None:
        index, kind, fields = self._queue.popleft()
        engine = self.engines[index]
        if engine is None:
            return
        if kind is on.MessageReceived:
            node, message = fields
            seat = engine.seats.find(self.keys[node].public_key)
            fields = (self._node(node), seat, message)
        clock_ms = CLOCK_MS + self.now_ms
        for effect in engine.handle(kind(self.now_ms, clock_ms, *fields)):
            self.done[index].append(effect)
            self._do(index, effect)

    def _do(self, index: int, effect: do.Effect) -> None:
        match effect:
            case do.Persist():
                self.logs[index].update(effect.records)
            case do.Broadcast():
                for other in range(len(self.keys)):
                    self._send(index, other, effect.message)
            case do.SendToSeat():
                key = self.engine(index).seats.keys[effect.seat]
                self._send(index, [k.public_key for k in self.keys].index(key), effect.message)
            case do.SendToNode():
                self._send(index, effect.node[-1], effect.message)
            case do.SetTimer():
                self._timers[index] = effect.at_ms
            case do.CommitBlocks():
                self.ledgers[index].commit(effect)
                self._execute(index)
            case do.PruneLog():
                for start, end in compute_prune_ranges(effect.epoch, effect.view):
                    for key in [k for k in self.logs[index] if start <= k < end]:
                        del self.logs[index][key]

    def _execute(self, index: int) -> None:
        results = self.ledgers[index].execute()
        if results:
            self._put(index, on.BlocksExecuted, results)
            self._put(index, on.BlocksSynced, results[-1].height)

    def resume(self, index: int) -> None:
        """Let a stalled executor go on."""
        self.ledgers[index].stalled = False
        self._execute(index)

    def catch_up(self, index: int, source: int) -> None:
        """Move a node's storage to where another one's is, as catch-up would."""
        ours, theirs = self.ledgers[index], self.ledgers[source]
        first = len(ours.blocks)
        ours.blocks += theirs.blocks[first:]
        ours.finalities += theirs.finalities[first:]
        results, head = ours.execute(), ours.blocks[-1]
        finality = ours.finalities[-1]
        assert isinstance(finality, Finality), "a run ends with its proof"
        self._put(index, on.CaughtUp, head, finality, (), ours.get_epochs())
        self._put(index, on.BlocksExecuted, results)
        self._put(index, on.BlocksSynced, head.header.height)

    def _send(self, source: int, target: int, message: Message) -> None:
        if source != target and not self.drops(source, target, message):
            self._put(target, on.MessageReceived, source, message)

    def _node(self, index: int) -> bytes:
        return b"node" + bytes((index,))


def chain_of(town: Town, index: int) -> list[bytes]:
    return [block.digest for block in town.ledgers[index].blocks]
