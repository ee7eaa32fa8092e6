"""One engine of a scenario, and the copy of it from which the next scenario goes on.

An instance has its own monotonic clock. It stands still once the instance is in a view whose turn
has not come, which is what lets one partition be that of one view.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Any

from quorate.core.bft.messages import Message
from quorate.core.bft.replica import Replica
from quorate.core.blocks import Suspect
from quorate.core.crypto import SigningKey
from tests.twins.scenario import SEATS, TWIN_SEAT, get_seat


class Leaders(dict[int, int]):
    """The leaders of the views that were asked for: as the scenario says, then in turn.

    What nobody asks for makes no difference yet, so one run stands for all answers.
    """

    def __init__(self, seats: tuple[int, ...]) -> None:
        super().__init__()
        self.seats = seats

    def __missing__(self, view: int) -> int:
        self[view] = seat = self.seats[view - 1] if view <= len(self.seats) else view % SEATS
        return seat


class Scheduled(Replica):
    """The real engine; only the order of its leaders is the scenario's."""

    leaders = Leaders(())

    def leader(self, view: int) -> int:
        """Return the seat that leads a view."""
        return self.leaders[view]


class Instance:
    """An engine with its clock, what it may not send yet, and what the checks know of it."""

    __slots__ = (
        "accused", "facts", "heard", "held", "index", "node_id", "now_ms", "obeys", "replica",
        "seat", "signed", "timer_ms", "uid",
    )  # fmt: skip

    def __init__(self, index: int, replica: Scheduled) -> None:
        self.index, self.seat = index, get_seat(index)
        self.node_id = b"node" + bytes((index,))
        self.obeys = self.seat != TWIN_SEAT
        self.replica = replica
        self.now_ms = 0
        self.timer_ms: int | None = None
        # (receivers, message) for views whose turn has not come.
        self.held: tuple[tuple[tuple[int, ...], Message], ...] = ()
        # See checks.py.
        self.facts: frozenset[tuple[str, int, bytes]] = frozenset()
        self.signed: dict[int, dict[int, bytes]] = {}
        self.heard: dict[int, frozenset[tuple[int, bytes]]] = {}
        self.accused: frozenset[int] = frozenset()
        # Which run made this state; equal numbers are equal states.
        self.uid = 0

    def copy(self) -> Instance:
        """Return an instance in the same state that goes its own way."""
        other = Instance.__new__(Instance)
        for name in Instance.__slots__:
            setattr(other, name, getattr(self, name))
        other.signed = {view: dict(kinds) for view, kinds in self.signed.items()}
        other.heard = dict(self.heard)
        other.replica = copy_state(self.replica, {})
        return other


# ---- copying -------------------------------------------------------------------------------------

# Types whose values never change: they are shared. Filled as types are met.
_SHARED: set[type] = {int, bytes, str, bool, type(None), frozenset, Leaders}
_NAMES: dict[type, tuple[str, ...]] = {}


def _is_frozen(kind: type) -> bool:
    if issubclass(kind, Enum | int | bytes | SigningKey | Suspect):
        return True
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)


def copy_state(value: Any, memo: dict[int, Any]) -> Any:
    """Return a copy of an engine or a part of it that shares only what never changes.

    It knows no name of the engine's: whatever hangs on it is copied, and an object that hangs on
    it twice is copied once.
    """
    kind = type(value)
    if kind in _SHARED:
        return value
    if kind is dict:
        if not value:
            return {}
        if {type(each) for each in value.values()} <= _SHARED:
            return value.copy()
        return {key: copy_state(each, memo) for key, each in value.items()}
    if kind is list:
        return [copy_state(each, memo) for each in value]
    if kind is set:
        return value.copy()
    if kind is tuple:
        return value if _is_flat(value) else tuple(copy_state(each, memo) for each in value)
    if kind is deque:
        return deque((copy_state(each, memo) for each in value), value.maxlen)
    if _is_frozen(kind):
        _SHARED.add(kind)
        return value
    return _copy_object(value, kind, memo)


def _is_flat(value: tuple[Any, ...]) -> bool:
    return {type(each) for each in value} <= _SHARED


def _copy_object(value: Any, kind: type, memo: dict[int, Any]) -> Any:
    known = memo.get(id(value))
    if known is not None:
        return known
    other: Any = object.__new__(kind)
    memo[id(value)] = other
    names = _NAMES.get(kind)
    if names is None:
        slots = [name for each in kind.__mro__ for name in getattr(each, "__slots__", ())]
        names = _NAMES[kind] = tuple(name for name in slots if not name.startswith("__"))
    for name in names:
        each = getattr(value, name)
        setattr(other, name, each if type(each) in _SHARED else copy_state(each, memo))
    inner = getattr(value, "__dict__", None)
    if inner is not None:
        other.__dict__.update(inner)
        for name, each in inner.items():
            if type(each) not in _SHARED:
                other.__dict__[name] = copy_state(each, memo)
    return other
