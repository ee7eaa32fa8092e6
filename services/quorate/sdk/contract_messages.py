"""What reads of contracts return, as plain values; named as in contract.proto, and made of it."""

from typing import NamedTuple

from quorate.api.contract.v1 import contract_pb2 as pb


class ContractInfo(NamedTuple):
    """A contract as a list shows it; `profile` is 0 plain, 1 java."""

    address: bytes
    code_hash: bytes
    code_bytes: int
    interface_hash: bytes
    profile: int
    reentrant: bool
    creator: bytes
    height: int


class ContractRead(NamedTuple):
    """A contract, its interface (JSON; empty: none) and native balance, read at a height."""

    info: ContractInfo
    interface: bytes
    balance: int
    height: int


class StateRecord(NamedTuple):
    """One record of a contract's state, under the key by which the contract stored it."""

    key: bytes
    value: bytes


class StatePage(NamedTuple):
    """Records of one height, ascending; `more`: ask on with `after` the last key."""

    records: tuple[StateRecord, ...]
    height: int
    more: bool


class StateChange(NamedTuple):
    """A record that is not as it was; an empty value stands for none."""

    contract: bytes
    key: bytes
    before: bytes
    after: bytes


class Changes(NamedTuple):
    """Records that differ between two heights; none below `lowest_height` can be asked for.

    `cut`: some were left out, because there are too many for an answer.
    """

    changes: tuple[StateChange, ...]
    from_height: int
    to_height: int
    lowest_height: int
    cut: bool


class Event(NamedTuple):
    """What a contract told; `data` are the encoded fields."""

    contract: bytes
    name: str
    data: bytes


class Place(NamedTuple):
    """A place among all events: block, transaction in it, number among the events of that."""

    height: int
    position: int
    number: int


class EventRecord(NamedTuple):
    """An event that took place, where, and in which transaction."""

    event: Event
    place: Place
    transaction: bytes


class EventPage(NamedTuple):
    """Events in order; `next` None: there are no more up to `height`."""

    events: tuple[EventRecord, ...]
    next: Place | None
    height: int


class Call(NamedTuple):
    """What one contract payload did; events of contracts that it called are among its own."""

    contract: bytes
    method: str
    fuel: int
    result: bytes
    events: tuple[Event, ...]


class Failure(NamedTuple):
    """Why contract payloads had no effect; `line` of the source, 0 when unknown."""

    reason: str
    message: str
    contract: bytes
    method: str
    line: int


class Detail(NamedTuple):
    """What the contract payloads of one transaction did; `fuel` is all that they used."""

    calls: tuple[Call, ...]
    failure: Failure | None
    fuel: int


class Access(NamedTuple):
    """Records of one contract that a call reads or writes."""

    contract: bytes
    keys: tuple[bytes, ...]


class Trial(NamedTuple):
    """What contract payloads would do; `cut`: some changes were left out."""

    detail: Detail
    access: tuple[Access, ...]
    changes: tuple[StateChange, ...]
    cut: bool


class Asked(NamedTuple):
    """A call that is not sent; `caller` empty: nobody, `fuel` 0: the most there is.

    `arguments` are encoded; views take no `value`.
    """

    contract: bytes
    method: str
    arguments: bytes = b""
    caller: bytes = b""
    value: int = 0
    fuel: int = 0


class Outcome(NamedTuple):
    """What a call that is not sent gave, on the state of a height."""

    result: bytes
    fuel: int
    failure: Failure | None
    height: int


class Step(NamedTuple):
    """One step of a trace: a line (`action` empty), or what the host was asked for.

    `line` 0: as before; `fuel` is what was used so far; `depth` counts contracts that run.
    """

    line: int
    fuel: int
    depth: int
    contract: bytes
    action: str
    key: bytes
    value: bytes


class Traced(NamedTuple):
    """A traced call; `cut`: its later steps were left out."""

    outcome: Outcome
    steps: tuple[Step, ...]
    cut: bool


class Checked(NamedTuple):
    """What a deployment would say of a module; `message` empty: nothing against it."""

    message: str
    offset: int
    methods: tuple[str, ...]
    compile_us: int
    compiled_bytes: int


def to_info(message: pb.Contract) -> ContractInfo:
    """Return a contract of a message."""
    return ContractInfo(*[getattr(message, name) for name in ContractInfo._fields])


def to_change(message: pb.StateChange) -> StateChange:
    """Return a changed record of a message."""
    return StateChange(message.contract, message.key, message.before, message.after)


def to_event(message: pb.Event) -> Event:
    """Return an event of a message."""
    return Event(message.contract, message.name, message.data)


def to_place(message: pb.EventCursor) -> Place:
    """Return a place of a message."""
    return Place(message.height, message.position, message.index)


def to_event_record(message: pb.EventRecord) -> EventRecord:
    """Return an event that took place."""
    return EventRecord(to_event(message.event), to_place(message.place), message.transaction)


def to_failure(message: pb.Failure) -> Failure:
    """Return a failure of a message."""
    return Failure(*[getattr(message, name) for name in Failure._fields])


def to_detail(message: pb.Detail) -> Detail:
    """Return what contract payloads did."""
    calls = [
        Call(each.contract, each.method, each.fuel, each.result, tuple(map(to_event, each.events)))
        for each in message.calls
    ]
    failure = to_failure(message.failure) if message.HasField("failure") else None
    return Detail(tuple(calls), failure, message.fuel)


def to_trial(message: pb.Trial) -> Trial:
    """Return what contract payloads would do."""
    access = tuple([Access(each.contract, tuple(each.keys)) for each in message.access])
    changes = tuple([to_change(each) for each in message.changes])
    return Trial(to_detail(message.detail), access, changes, message.cut)


def to_outcome(message: pb.CallOutcome, height: int) -> Outcome:
    """Return what a call that was not sent gave."""
    failure = to_failure(message.failure) if message.HasField("failure") else None
    return Outcome(message.result, message.fuel, failure, height)


def to_traced(message: pb.TraceResponse) -> Traced:
    """Return a traced call."""
    steps = [Step(*[getattr(each, name) for name in Step._fields]) for each in message.steps]
    return Traced(to_outcome(message.outcome, message.height), tuple(steps), message.cut)
