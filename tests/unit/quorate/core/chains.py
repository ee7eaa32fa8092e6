"""Headers and states for tests that execute blocks without an engine."""

from dataclasses import replace

from quorate.core.blocks import Header, build_root
from quorate.core.context import Context
from quorate.core.epochs import EpochStart
from quorate.core.params import Params
from quorate.core.records import MemoryRecords
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import PERFORMANCE_KEY
from quorate.core.state import EPOCH_START_KEY, compute_set_key
from quorate.core.transition import Execution

SEATS = SeatSet(0, tuple(Seat(i, f"v{i}", bytes([40 + i]) * 32) for i in range(4)))


def build_state(epoch: int = 0, seats: SeatSet = SEATS, height: int = 0) -> MemoryRecords:
    """Return a state at an epoch's start in which nobody has any money."""
    sets = [seats.follow(each) for each in range(epoch + 2)]
    state = MemoryRecords({compute_set_key(each.epoch): each.encode() for each in sets})
    state[EPOCH_START_KEY] = EpochStart(epoch, height, 0, b"c" * 32).encode()
    state[PERFORMANCE_KEY] = Performance.start(epoch, len(seats.seats)).encode()
    return state


def build_header(height: int, **fields: object) -> Header:
    """Return a header of the view that is its height, on the parent of the view before."""
    root = build_root(bytes(32), 0, Params()).header
    values = {"height": height, "view": height, "parent_view": height - 1, "time_ms": height}
    return replace(root, **{**values, **fields})


def open_block(state: MemoryRecords, header: Header, params: Params, domain: bytes) -> Execution:
    """Return the execution of a block on a state, begun."""
    execution = Execution(Context(header, params, domain), state)
    execution.begin()
    return execution


def close_block(execution: Execution) -> list[tuple[bytes, bytes]]:
    """Return the writes of a block whose transactions were applied."""
    for _ in execution.iter_close():
        pass
    writes = [write for part in execution.iter_writes() for write in part]
    assert writes == sorted(writes)
    return writes
