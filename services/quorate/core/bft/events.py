"""What can happen to an engine. Past tense; every event carries both clocks.

`now_ms` is monotonic and drives timers; `clock_ms` is wall time and only stamps and judges
`time_ms` of headers, so that a jump of the wall clock disturbs no timer. Nobody changes an event or
an effect; they are not frozen because that would make each of them dearer.
"""

from dataclasses import dataclass

from quorate.core.batches import BatchHeader
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Message
from quorate.core.blocks import Block, Suspect
from quorate.core.epochs import Epochs
from quorate.core.results import Result


@dataclass(slots=True)
class Event:
    """Common part: when it happened, on both clocks."""

    now_ms: int
    clock_ms: int


@dataclass(slots=True)
class Started(Event):
    """The driver is ready to do effects."""


@dataclass(slots=True)
class TimerFired(Event):
    """The time of the last SetTimer has come."""


@dataclass(slots=True)
class PeerConnected(Event):
    """A stream to a node is up; `seat` when it proved one."""

    node: bytes
    seat: int | None


@dataclass(slots=True)
class MessageReceived(Event):
    """A message came from a node over its authenticated stream."""

    node: bytes
    seat: int | None
    message: Message


@dataclass(slots=True)
class BatchesHeld(Event):
    """Batches are checked and durable here: (name, header) each."""

    batches: tuple[tuple[bytes, BatchHeader], ...]


@dataclass(slots=True)
class BatchesReported(Event):
    """Another seat says that it holds these batches durably; None: it has no seat now."""

    seat: int | None
    names: tuple[bytes, ...]


@dataclass(slots=True)
class BlocksExecuted(Event):
    """Storage executed final blocks."""

    results: tuple[Result, ...]


@dataclass(slots=True)
class BlocksSynced(Event):
    """Storage holds all blocks up to `height` durably."""

    height: int


@dataclass(slots=True)
class CaughtUp(Event):
    """Storage moved its head without the engine; `batches` are (height, name) of what was new.

    `epochs` is about the epoch that the next block belongs to.
    """

    block: Block
    finality: Finality
    batches: tuple[tuple[int, bytes], ...]
    epochs: Epochs


@dataclass(slots=True)
class StorageFaulted(Event):
    """Storage can't go on (reason) or can again (empty reason)."""

    reason: str


@dataclass(slots=True)
class RunnerDied(Event):
    """The own contract-runner dies at a call of the block that waits to be executed."""

    suspect: Suspect


@dataclass(slots=True)
class RunnerSurvived(Event):
    """The own contract-runner got through a block at which it had died; `ticket` names that."""

    height: int
    ticket: int
