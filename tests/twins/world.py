"""Five instances of four seats from their start to the healing, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

from quorate.core import crypto
from quorate.core.batches import BatchHeader, compute_batch_name
from quorate.core.bft import events as on
from quorate.core.bft import log
from quorate.core.bft.messages import SeatAnswer
from quorate.core.bft.replica import Opening, Setup
from quorate.core.blocks import build_root
from quorate.core.params import Params
from tests.sim.checkers.violation import expect
from tests.sim.keys import cheap_signatures, make_key
from tests.twins import checks
from tests.twins.instance import Instance, Leaders, Scheduled
from tests.twins.scenario import (
    INSTANCES,
    SEATS,
    TWIN_SEAT,
    Partition,
    get_seat,
)
from tests.twins.turn import FOREVER, Room, Rules

# More than there are views in any scenario and its healing; a block takes one.
BATCHES = 32
# A time-out must not outgrow a turn, and no heartbeat falls into a scenario.
PARAMS = Params(
    block_batches_max=1, view_timeout_ms=1_000, view_timeout_ms_max=1_000, heartbeat_ms=600_000
)
# After healing: a time-out to get everyone into one view, one for a proposal whose proofs had to be
# fetched, one for each of two views that leaders can spoil (f, and a skipped one), and the rest.
HEAL_MS_MAX = 5 * PARAMS.view_timeout_ms

State = tuple[Instance, ...]


@contextmanager
def light_engine() -> Iterator[None]:
    """Have engines sign cheaply and write no log within: nothing here restarts from one."""
    names = ("record_own", "record_block", "record_certificate", "record_audit")
    before = {name: getattr(log, name) for name in names}
    for name in names:
        setattr(log, name, lambda *_: (b"", b""))
    try:
        with cheap_signatures():
            yield
    finally:
        for name, function in before.items():
            setattr(log, name, function)


def make_start(leaders: Leaders) -> State:
    """Return the five instances at the start of view 1; an engine is copied, never made anew."""
    state = tuple(instance.copy() for instance in _make_instances())
    room = Room(state, Rules(0, leaders))
    names = _make_batches()
    for instance in state:
        times = (instance.now_ms, room.tell_time(instance))
        # The twins' pools differ in order, so their blocks differ in more than the time.
        batches = names[1:] + names[:1] if instance.index == INSTANCES - 1 else names
        room.handle(instance, on.Started(*times))
        room.handle(instance, on.BatchesHeld(*times, batches))
        for seat in range(SEATS):
            only = tuple(name for name, _ in batches)
            room.handle(instance, on.BatchesReported(*times, seat, only))
        for seat in range(SEATS):
            answer = SeatAnswer(0, instance.seat, b"")
            room.handle(instance, on.MessageReceived(*times, b"peer", seat, answer))
    return state


def play_block(members: Sequence[Instance], rules: Rules) -> tuple[Instance, ...]:
    """Return what one turn makes of the instances of a block; they stay as they are."""
    after = tuple(member.copy() for member in members)
    Room(after, rules).play()
    return after


def play_turn(state: State, partition: Partition, rules: Rules) -> State:
    """Return the state after a turn; raises Violation if it breaks a rule."""
    after = list(state)
    for block in partition:
        for member in play_block([state[index] for index in block], rules):
            after[member.index] = member
    check_state(after)
    return tuple(after)


def check_state(state: Sequence[Instance]) -> None:
    """Compare what all instances have proof of."""
    facts: frozenset[checks.Fact] = frozenset()
    checks.check_facts(facts.union(*(instance.facts for instance in state)))


def heal(state: State, rules: Rules) -> int:
    """Let everybody talk again; return after how many ms everyone honest has a new final block."""
    after = tuple(instance.copy() for instance in state)
    room = Room(after, replace(rules, number=FOREVER, limit_ms=HEAL_MS_MAX))
    honest = [instance for instance in after if instance.obeys]
    floor = max(instance.replica.final_view for instance in after)
    room.play(lambda: all(instance.replica.final_view > floor for instance in honest))
    check_state(after)
    where = [(i.index, i.replica.view, i.replica.final_view) for i in after]
    finals = [instance.replica.final_view for instance in honest]
    expect(min(finals) > floor, "a new final block after healing", f"{HEAL_MS_MAX} ms: {where}")
    return room.spent_ms


@cache
def _make_batches() -> tuple[tuple[bytes, BatchHeader], ...]:
    headers = [
        BatchHeader(
            epoch=0, author=number % TWIN_SEAT, number=number, count=1, size_bytes=100, weight=1,
            expiry_height=100, content_hash=bytes(32),
        )
        for number in range(BATCHES)
    ]  # fmt: skip
    return tuple((compute_batch_name(header.encode()), header) for header in headers)


@cache
def _make_instances() -> State:
    genesis_hash = crypto.compute_hash(b"twins/genesis")
    domain = crypto.compute_domain("twins", genesis_hash, 0)
    root = build_root(genesis_hash, 1_000_000, PARAMS)
    keys = [make_key(0, seat, real=False) for seat in range(SEATS)]
    instances = []
    for index in range(INSTANCES):
        setup = Setup(
            epoch=0, domain=domain, keys=tuple(key.public_key for key in keys),
            carried=genesis_hash, params=PARAMS, seat=get_seat(index), key=keys[get_seat(index)],
        )  # fmt: skip
        opening = Opening(head=root, finality=None, restored=log.Restored())
        instances.append(Instance(index, Scheduled(setup, opening)))
    return tuple(instances)
