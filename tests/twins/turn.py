"""Playing one view among the instances of one block of its partition.

Messages about a view travel in that view's turn or later; who gets ahead of it waits, clock and
all. So a turn's partition is the network of its view, of late messages about earlier ones, and of
whoever is still behind. A turn ends when nobody of the block has anything left to do in it, or
when its time is over. What cannot be delivered is lost; the engine has to say it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Certificate, Message, Proposal, Vote
from tests.sim.checkers.violation import expect
from tests.twins import checks
from tests.twins.instance import Instance, Leaders
from tests.twins.scenario import INSTANCES, TWIN_SEAT, get_seat

# Long enough for everyone's view timer and for what it sets off.
TURN_MS = 1_300
FOREVER = 1 << 60

Trace = Callable[[Instance, on.Event, Sequence[do.Effect]], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run of instances is played by."""

    number: int
    leaders: Leaders
    # What is said at one moment arrives in the order of instances, or in the opposite one.
    backwards: bool = False
    limit_ms: int = TURN_MS
    trace: Trace | None = None


class Room:
    """Instances that can talk to one another, and the messages on their way between them."""

    def __init__(self, members: Sequence[Instance], rules: Rules) -> None:
        self.members = members[::-1] if rules.backwards else members
        self._rules = rules
        self._clock_ms = 1_000_000 + 1_000 * min(rules.number, 1_000)
        self._queue: deque[tuple[Instance, Instance, Message]] = deque()
        self.spent_ms = 0
        for member in members:
            member.replica.leaders = rules.leaders

    def play(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Play the turn: first what was held back, then whatever follows."""
        for member in self.members:
            held, member.held = member.held, ()
            for receivers, message in held:
                self._send(member, receivers, message)
        self._deliver()
        while not is_over() and self._wake():
            self._deliver()

    def _deliver(self) -> None:
        while self._queue:
            source, target, message = self._queue.popleft()
            if not _is_idle(source, target, message):
                self._hand(source, target, message)

    def _wake(self) -> bool:
        # Moves time to the next timer of those whose turn it is; False: there is none in time.
        number = self._rules.number
        waiting = [m for m in self.members if m.replica.view <= number and m.timer_ms is not None]
        if not waiting:
            return False
        # At least 1, so that an engine that wants to be woken at once for ever cannot hold us up.
        step_ms = max(min(m.timer_ms - m.now_ms for m in waiting if m.timer_ms is not None), 1)
        if self.spent_ms + step_ms > self._rules.limit_ms:
            return False
        self.spent_ms += step_ms
        for member in waiting:
            member.now_ms += step_ms
        for member in waiting:
            if member.timer_ms is not None and member.timer_ms <= member.now_ms:
                member.timer_ms = None
                self.handle(member, on.TimerFired(member.now_ms, self.tell_time(member)))
        return True

    def _hand(self, source: Instance, target: Instance, message: Message) -> None:
        event = on.MessageReceived(
            target.now_ms, self.tell_time(target), source.node_id, source.seat, message
        )
        if not target.obeys:
            self.handle(target, event)
            return
        view = 0
        if isinstance(message, Certificate):
            view = message.view
            checks.hear_certificate(target, message)
        elif isinstance(message, Vote | Proposal) and _get_signer(message) == TWIN_SEAT:
            view = get_view(message)
            checks.hear_twins(target, message)
        self.handle(target, event)
        if view:
            checks.check_accusations(target, view)

    def tell_time(self, instance: Instance) -> int:
        """Return an instance's wall clock; the twins' differ, and with them their blocks."""
        return self._clock_ms + instance.index

    def handle(self, instance: Instance, event: on.Event) -> None:
        """Give an instance an event; do and check what it wants done."""
        effects = instance.replica.handle(event)
        if self._rules.trace is not None:
            self._rules.trace(instance, event, effects)
        for effect in effects:
            match effect:
                case do.Broadcast(message):
                    self._note(instance, message)
                    self._send(instance, (), message)
                case do.SendToNode(node, message):
                    self._send(instance, (node[-1],), message)
                case do.SendToSeat(seat, message):
                    targets = tuple(i for i in range(INSTANCES) if get_seat(i) == seat)
                    self._send(instance, targets, message)
                case do.SetTimer(at_ms):
                    instance.timer_ms = at_ms
                case do.CommitBlocks():
                    checks.take_commit(instance, effect)
                case do.RecordEvidence():
                    checks.take_evidence(instance, effect)
                case do.ReportState(state, detail):
                    expect(state != "halted", "no honest seat halts", (instance.index, detail))

    def _note(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Certificate):
            checks.take_certificate(instance, message)
        elif isinstance(message, Vote | Proposal) and instance.obeys:
            checks.check_signed(instance, message)

    def _send(self, source: Instance, receivers: tuple[int, ...], message: Message) -> None:
        if get_view(message) > self._rules.number:
            source.held += ((receivers, message),)
            return
        for member in self.members:
            if member is not source and (not receivers or member.index in receivers):
                self._queue.append((source, member, message))


def get_view(message: Any) -> int:
    """Return the view a message is about; requests and answers are about none."""
    if isinstance(message, Proposal):
        return message.block.header.view
    return getattr(message, "view", 0)


def _get_signer(message: Vote | Proposal) -> int:
    return message.seat if isinstance(message, Vote) else message.block.header.proposer


def _is_idle(source: Instance, target: Instance, message: Message) -> bool:
    """Tell whether a message could make no difference; it is then lost, to save its delivery.

    That is a certificate that is there already (every one of a block relays each), the same vote or
    proposal again, a vote of the own seat, and what is about a final view, unless its sender has to
    be helped out of it.
    """
    view, replica = get_view(message), target.replica
    if not view:
        return False
    if view <= replica.final_view:
        # What the twins said there may still be evidence.
        twins = isinstance(message, Vote | Proposal) and _get_signer(message) == TWIN_SEAT
        return source.replica.view > view and not twins
    known = replica.views.get(view)
    if known is None:
        return False
    if isinstance(message, Certificate):
        return message.kind in known.certificates
    if isinstance(message, Vote):
        known_vote = known.has_vote(message) or message.seat == target.seat
        return view >= replica.view and known_vote
    if not isinstance(message, Proposal):
        return False
    return view <= replica.view and message.block.digest in known.proposals
