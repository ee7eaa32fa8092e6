"""A few engines joined by hand: no delays, no loss but what a test cuts; all keys are known."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Certificate, Kind, Message, Vote
from quorate.core.bft.quorum import build_certificate
from tests.unit.quorate.core.bft.bench import Bench, make_batch

Cut = Callable[[int, int], bool]


class Net:
    """Engines of some seats; a seat without one is dead, but its key still signs for a test."""

    def __init__(self, seats: int, alive: Iterable[int]) -> None:
        self.benches = {seat: Bench(seat, seats=seats) for seat in alive}
        self.cut: Cut = lambda source, target: False
        self._queue: deque[tuple[int, int, Message]] = deque()

    # ---- driving -----------------------------------------------------------------------------

    def put(self, seat: int, kind: Any, *fields: Any) -> None:
        """Give one engine an event, and everybody what follows from it."""
        self._send(seat, self.benches[seat].put(kind, *fields))
        self._flush()

    def hear(self, seats: Iterable[int], source: int, message: Message) -> None:
        """Give some engines a message."""
        for seat in seats:
            self.put(seat, on.MessageReceived, b"node%d" % source, source, message)

    def hold(self, number: int) -> None:
        """Have a batch held everywhere, so that there is work."""
        for seat, bench in self.benches.items():
            before = len(bench.done)
            bench.hold(make_batch(number))
            self._send(seat, bench.done[before:])
        self._flush()

    def wait(self, delay_ms: int, seats: Iterable[int] | None = None) -> None:
        """Move the clocks of some engines, or of all, and fire their timers."""
        for seat in self.benches if seats is None else seats:
            self.benches[seat].now_ms += delay_ms
            self.put(seat, on.TimerFired)

    def wait_until(self, done: Callable[[], bool], within_ms: int) -> int:
        """Move all clocks until something holds; return after how long, -1: it never did."""
        for waited_ms in range(0, within_ms, 50):
            if done():
                return waited_ms
            self.wait(50)
        return -1

    def restart(self) -> None:
        """Start every engine anew from its log; peers have seen nothing the log lacks."""
        for seat, bench in self.benches.items():
            before = len(bench.done)
            bench.start()
            self._send(seat, bench.done[before:])
        self._flush()

    def connect(self) -> None:
        """Have every engine greet every other one."""
        for seat in self.benches:
            for other in self.benches:
                if other != seat:
                    self.put(seat, on.PeerConnected, b"node%d" % other, other)

    # ---- looking -----------------------------------------------------------------------------

    def list_views(self) -> dict[int, int]:
        """Return the view that each engine is in."""
        return {seat: bench.replica.view for seat, bench in self.benches.items()}

    def list_heights(self) -> list[int]:
        """Return the final height of each engine."""
        return [bench.replica.chain.head.header.height for bench in self.benches.values()]

    # ---- delivery ----------------------------------------------------------------------------

    def _send(self, source: int, effects: list[do.Effect]) -> None:
        for effect in effects:
            match effect:
                case do.Broadcast(message):
                    self._queue += [(source, seat, message) for seat in self.benches]
                case do.SendToSeat(seat, message):
                    self._queue.append((source, seat, message))
                case do.SendToNode(node, message):
                    self._queue.append((source, int(node.removeprefix(b"node")), message))

    def _flush(self) -> None:
        while self._queue:
            source, target, message = self._queue.popleft()
            if target in self.benches and target != source and not self.cut(source, target):
                self._send(target, self.benches[target].hear(source, message))


def list_own(bench: Bench, kind: Kind) -> list[Vote]:
    """Return the votes of a kind that a bench's seat ever sent, however and to whomever."""
    messages = [getattr(effect, "message", None) for effect in bench.done]
    votes = [m for m in messages if isinstance(m, Vote) and m.kind is kind]
    return [vote for vote in votes if vote.seat == bench.seat]


def certify_by(bench: Bench, seats: Iterable[int], vote: Vote) -> Certificate:
    """Return the certificate of what a vote says, made by exactly these seats."""
    votes = [bench.sign(seat, vote.kind, vote.view, vote.digest) for seat in seats]
    made = build_certificate(votes, bench.seats)
    assert made is not None, "a quorum"
    return made


__all__ = ["Bench", "Net", "certify_by", "list_own"]
