"""Writes down what engines of a simulated network did, as steps of docs/spec/replay.qnt.

A checker in the sense of tests/sim/checkers: it sees events, effects, sends and restarts, and no
private state. Seats are numbered by their place in the leaders' order, as in the specification;
blocks by view and order of appearance. A Byzantine seat's blocks appear once somebody needs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.evidence import get_digest, get_kind, get_view
from quorate.core.bft.leader import compute_leader_order
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import (
    Certificate,
    Kind,
    Proposal,
    SeatAnswer,
    Vote,
    decode_message,
)
from quorate.core.blocks import Block
from quorate.core.values import compute_faults

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

# As in simplex.qnt: a block's number is its view times this, plus 1, 2, ...
BASE = 100
ROOT = 0
KINDS = (Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)
ACTS = ("propose", "notarize", "nullify", "finalize")


class Step(NamedTuple):
    """One step of replay.qnt."""

    act: str
    seat: int
    one: int = 0
    two: int = 0


class Statement(NamedTuple):
    """A block's number and the index of a kind."""

    block: int
    kind: int


@dataclass
class Seat:
    """What the specification has of an honest seat, as far as steps need it."""

    own: set[Statement] = field(default_factory=set)
    certificates: set[Statement] = field(default_factory=set)
    unsynced: list[bytes] = field(default_factory=list)
    logged: set[Statement] = field(default_factory=set)
    logged_certificates: set[Statement] = field(default_factory=set)
    sent: set[Statement] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)
    stands: tuple[int, int] = (1, ROOT)
    stored: int = ROOT


class Recorder:
    """The steps of one run, up to a number of them."""

    def __init__(self, world: World, steps_max: int) -> None:
        self._world, self._steps_max = world, steps_max
        self._places: dict[int, int] = {}
        self._of_node: dict[int, int] = {}
        self._seats: dict[int, Seat] = {}
        self._numbers = {world.root.digest: ROOT}
        self._blocks: dict[bytes, Block] = {}
        self._parents: dict[int, int] = {}
        self.byzantine: frozenset[int] = frozenset()
        self.steps: list[Step] = []

    def is_full(self) -> bool:
        """Tell whether enough was recorded."""
        return len(self.steps) >= self._steps_max

    # ---- hooks of the world ----------------------------------------------------------------

    def handled(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        """Record what an engine decided."""
        if not node.obeys:
            return
        me = self._meet(node)
        self._learn(getattr(event, "message", None))
        for effect in effects:
            self._learn(getattr(effect, "message", None))
        match event:
            case on.MessageReceived(message=SeatAnswer()):
                self._note_answer(node, event)
            case on.CaughtUp():
                self._catch_up(me, event.block)
        self._record_decisions(me, effects)
        self._record_standing(node, me)

    def done(self, node: Node, effect: do.Effect) -> None:
        """Record that own messages are durable now, and that storage got final blocks."""
        if not node.obeys:
            return
        me = self._place(node)
        self._note_durable(node, me)
        if isinstance(effect, do.CommitBlocks):
            self._add("store", me)
            self._seats[me].stored = self._seats[me].stands[1]

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        """Record that an own message left, the first time."""
        if not node.obeys or _get_signer(message) != node.seat:
            return
        me, what = self._place(node), self._state(message)
        self._note_durable(node, me)
        if what not in self._seats[me].sent:
            self._seats[me].sent.add(what)
            self._add("send", me, *what)

    def restarted(self, node: Node, restored: Restored) -> None:
        """Record a restart: what was kept, and what must then be there and nothing else."""
        if node.index not in self._of_node or not node.obeys:
            return
        me = self._place(node)
        opening, _ = node.storage.open(restored)
        head = self._catch_up(me, opening.head)
        seat, floor = self._seats[me], head // BASE
        own = {self._state(message) for message in restored.own}
        certificates = {self._state(each) for each in restored.certificates}
        is_turn_kept = bool(own & (seat.own - seat.logged))
        if is_turn_kept:
            seat.logged |= seat.own
            seat.logged_certificates |= seat.certificates
        for what in sorted(certificates - seat.logged_certificates):
            self._add("find", me, *what)
        self._add("restart", me, head, int(is_turn_kept))
        seat.logged_certificates |= certificates
        seat.own, seat.unsynced = set(seat.logged), []
        seat.certificates = {c for c in seat.logged_certificates if c.block // BASE > floor}
        seat.answered, seat.stored, seat.stands = set(), head, (-1, head)
        own = {each for each in own if each.block // BASE > floor}
        certificates = {each for each in certificates if each.block // BASE > floor}
        self._add_all("has signed", me, own)
        self._add_all("has certified", me, certificates)
        self._add("has no more", me, len(own), len(certificates))

    # ---- steps -----------------------------------------------------------------------------

    def _note_durable(self, node: Node, me: int) -> None:
        # What counts is what the disk has, whatever the engine asked for.
        seat = self._seats[me]
        if seat.unsynced and all(data in node.disk.ever for data in seat.unsynced):
            self._add("persist", me)
            seat.unsynced.clear()
            seat.logged |= seat.own
            seat.logged_certificates |= seat.certificates

    def _add(self, act: str, me: int, one: int = 0, two: int = 0) -> None:
        self.steps.append(Step(act, me, one, two))

    def _add_all(self, act: str, me: int, statements: Iterable[Statement]) -> None:
        for what in sorted(statements):
            self._add(act, me, *what)

    def _note_answer(self, node: Node, event: on.MessageReceived) -> None:
        seat = self._seats[self._place(node)]
        answer = event.message
        assert isinstance(answer, SeatAnswer), "the caller has looked"
        if event.seat is None or answer.seat != node.seat or event.seat == node.seat:
            return
        before = len(seat.answered)
        seat.answered.add(self._places[event.seat])
        if before < len(seat.answered) == self._others_needed:
            self._add("hear", self._place(node), sum(1 << each for each in seat.answered))

    def _catch_up(self, me: int, block: Block) -> int:
        number = self._number(block.digest, block.header.view)
        self._show(block.digest)
        seat = self._seats[me]
        if number // BASE > seat.stands[1] // BASE:
            self._add("catch up", me, number)
            seat.stands, seat.stored = (-1, number), number
        return number

    def _record_decisions(self, me: int, effects: list[do.Effect]) -> None:
        # Records stand in the order of decisions, except that a commit has none: it comes where
        # CommitBlocks stands among the broadcasts, which are in the same order.
        waiting = [m for e in effects if isinstance(e, do.Persist) for m in self._list_new(me, e)]
        for effect in effects:
            match effect:
                case do.Broadcast(message) if message in waiting:
                    waiting = self._record_up_to(me, waiting, message)
                case do.CommitBlocks(_, finality):
                    certificate = finality.certificate
                    if certificate in waiting:
                        waiting = self._record_up_to(me, waiting, certificate)
                    self._show(certificate.digest)
                    self._add("commit", me, self._state(certificate).block)
        for message in waiting:
            self._record(me, message)

    def _record_up_to(self, me: int, waiting: list[Any], last: Any) -> list[Any]:
        place = waiting.index(last) + 1
        for message in waiting[:place]:
            self._record(me, message)
        return waiting[place:]

    def _record(self, me: int, message: Vote | Proposal | Certificate) -> None:
        seat, what = self._seats[me], self._state(message)
        if isinstance(message, Certificate):
            seat.certificates.add(what)
            self._add("certify", me, *what)
            return
        seat.own.add(what)
        seat.unsynced.append(message.encode())
        if isinstance(message, Proposal):
            parent = self._numbers[message.block.header.parent]
            self._show(message.block.header.parent)
            self._parents[what.block] = parent
            self._add("propose", me, what.block, parent)
            return
        if message.kind is Kind.NOTARIZE:
            self._show(message.digest)
        self._add(ACTS[what.kind], me, what.block)

    def _record_standing(self, node: Node, me: int) -> None:
        engine = node.replica
        assert engine is not None, "it has just handled an event"
        head = engine.chain.head
        stands = engine.view, self._number(head.digest, head.header.view)
        if stands != self._seats[me].stands:
            self._seats[me].stands = stands
            self._add("stands", me, *stands)

    def _list_new(self, me: int, persist: do.Persist) -> list[Any]:
        # Audit records and the blocks of own notarizes are others' messages or known ones.
        found: list[Any] = []
        for _, value in persist.records:
            message = decode_message(value)
            is_own = not isinstance(message, Certificate) and (
                self._places[_get_signer(message)] == me  # type: ignore[arg-type]
                and self._state(message) not in self._seats[me].own
            )
            if (isinstance(message, Certificate) or is_own) and message not in found:
                found.append(message)
        return found

    def _show(self, digest: bytes) -> None:
        number, block = self._numbers.get(digest), self._blocks.get(digest)
        if number in (None, ROOT) or block is None or number in self._parents:
            return
        assert number is not None, "told so above"
        if self._places[block.header.proposer] in self.byzantine:
            self._show(block.header.parent)
            parent = self._number(block.header.parent, block.header.parent_view)
            self._parents[number] = parent
            self._add("show", 0, number, parent)

    # ---- names -----------------------------------------------------------------------------

    def _meet(self, node: Node) -> int:
        """Return the place of a node that runs; the first one tells the leaders' order."""
        if not self._places:
            setup, seats = node.setup, len(node.setup.keys)
            order = compute_leader_order(setup.domain, setup.epoch, setup.carried, seats)
            self._places = {seat: place for place, seat in enumerate(order)}
            self._others_needed = seats - compute_faults(seats) - 1
            keys = [each.public_key for each in self._world.nodes if not each.obeys]
            self.byzantine = frozenset(self._places[setup.keys.index(key)] for key in keys)
        if node.index not in self._of_node:
            assert node.seat is not None, "recorded networks have no observers"
            me = self._of_node[node.index] = self._places[node.seat]
            self._seats[me] = Seat()
        return self._of_node[node.index]

    def _place(self, node: Node) -> int:
        return self._of_node[node.index]

    def _learn(self, message: object) -> None:
        if isinstance(message, Proposal):
            self._blocks.setdefault(message.block.digest, message.block)
            self._number(message.block.digest, message.block.header.view)

    def _number(self, digest: bytes, view: int) -> int:
        if digest not in self._numbers:
            taken = sum(1 for number in self._numbers.values() if number // BASE == view)
            self._numbers[digest] = view * BASE + taken + 1
        return self._numbers[digest]

    def _state(self, message: Vote | Proposal | Certificate) -> Statement:
        if isinstance(message, Certificate):
            kind, view, digest = message.kind, message.view, message.digest
        else:
            kind, view, digest = get_kind(message), get_view(message), get_digest(message)
        block = view * BASE if kind is Kind.NULLIFY else self._number(digest, view)
        return Statement(block, KINDS.index(kind))


def _get_signer(message: Vote | Proposal) -> int:
    return message.seat if isinstance(message, Vote) else message.block.header.proposer
