"""What an engine wants done. Imperative; the driver completes Persist before anything is sent.

`handle` returns effects in one ordered list: at most one Persist, and it stands first
(docs/protocol.md#L1).
"""

from dataclasses import dataclass

from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Message, Proposal, Vote
from quorate.core.blocks import Block
from quorate.core.seats import SeatSet


@dataclass(slots=True)
class Persist:
    """Write records (key, value) to the vote log; synced when a new signature depends on it."""

    records: tuple[tuple[bytes, bytes], ...]
    synced: bool


@dataclass(slots=True)
class Broadcast:
    """Send to all connected nodes."""

    message: Message


@dataclass(slots=True)
class SendToSeat:
    """Send to the node that holds a seat."""

    seat: int
    message: Message


@dataclass(slots=True)
class SendToNode:
    """Send to one node."""

    node: bytes
    message: Message


@dataclass(slots=True)
class SetTimer:
    """Fire TimerFired at this monotonic time; replaces the timer before; None: no timer."""

    at_ms: int | None


@dataclass(slots=True)
class CommitBlocks:
    """Hand final blocks, oldest first, and what proves the last one final to storage."""

    blocks: tuple[Block, ...]
    finality: Finality


@dataclass(slots=True)
class FetchBatches:
    """Get batches that a proposal names and that are not held here; best seats first."""

    names: tuple[bytes, ...]
    seats: tuple[int, ...]


@dataclass(slots=True)
class AnnounceProposal:
    """Tell who follows transactions that a proposal names these batches (a hint)."""

    height: int
    names: tuple[bytes, ...]


@dataclass(slots=True)
class PruneLog:
    """Storage holds everything up to this view durably: the log may forget it."""

    epoch: int
    view: int


@dataclass(slots=True)
class StartEpoch:
    """This epoch's engine runs, and these sets are known, oldest first; `seat` is the own one.

    Comes at the start, at each switch, and when another set has become known.
    """

    epoch: int
    sets: tuple[SeatSet, ...]
    seat: int | None


@dataclass(slots=True)
class RecordEvidence:
    """Two signed messages of one seat that no honest seat signs together."""

    seat: int
    first: Vote | Proposal
    second: Vote | Proposal


@dataclass(slots=True)
class ReportState:
    """The engine's state changed: "voting", "observing", "catching_up", "halted", and why."""

    state: str
    detail: str


@dataclass(slots=True)
class ReleaseBlock:
    """No own header that may still count suspects a call of a block (docs/protocol.md#Z3).

    `ticket` is that of the RunnerSurvived about this block.
    """

    ticket: int


Effect = (
    Persist
    | Broadcast
    | SendToSeat
    | SendToNode
    | SetTimer
    | CommitBlocks
    | FetchBatches
    | AnnounceProposal
    | PruneLog
    | StartEpoch
    | RecordEvidence
    | ReportState
    | ReleaseBlock
)
