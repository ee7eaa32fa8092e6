"""A validator's engine over all epochs: one Replica each, the next one when the last is over.

Events go to the replica of the running epoch. The one before stays for a while, to help who has not
finished its epoch; it signs nothing any more. Messages of the next epoch wait, bounded, until it
begins here (docs/protocol.md#N5).
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.chain import Chain
from quorate.core.bft.finality import Finality
from quorate.core.bft.log import Record
from quorate.core.bft.messages import SeatQuery, get_epoch
from quorate.core.bft.replica import Opening, Replica, Setup, Succession
from quorate.core.bft.restoring import inherit_replica
from quorate.core.bft.signing import CARRIED_BLOCKS, DIVERGED
from quorate.core.blocks import Block
from quorate.core.epochs import Epochs, EpochStart, compute_end, start_after
from quorate.core.params import Params
from quorate.core.seats import SeatSet

# Messages of the next epoch kept until it begins here: in all, and of one node.
EARLY_MAX: Final = 1_024
EARLY_OF_NODE_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSetup:
    """What holds for all epochs; `key` is None for an observer."""

    domain: bytes
    params: Params
    key: crypto.SigningKey | None = None


class Engine:
    """`handle(event) -> effects` over all epochs; `replica` is the running epoch's."""

    def __init__(self, setup: EngineSetup, opening: Opening, epochs: Epochs) -> None:
        self.setup = setup
        self._sets = {each.epoch: each for each in epochs.sets}
        self._restored = opening.restored
        self._early: deque[on.MessageReceived] = deque()
        self.before: Replica | None = None
        self.start = epochs.start
        opening = replace(opening, restored=self._restored.pick(self.start.epoch))
        self._restored = self._restored.drop(self.start.epoch)
        self.replica = Replica(self._build_setup(self.start), opening)

    @property
    def seats(self) -> SeatSet:
        """The set of the running epoch."""
        return self._sets[self.start.epoch]

    def find_seat(self, public_key: bytes) -> int | None:
        """Return which seat a key holds in the running epoch."""
        return self.seats.find(public_key)

    def get_seat_key(self, epoch: int, seat: int) -> bytes | None:
        """Return the key of a seat; None when there is no such seat, or its set is not known."""
        found = self._sets.get(epoch)
        return None if found is None else found.get_key(seat)

    # ---- events ----------------------------------------------------------------------------

    def handle(self, event: on.Event) -> list[do.Effect]:
        """Take one event; return what must be done, a Persist always first."""
        match event:
            case on.MessageReceived():
                effects = self._receive(event)
                if self.replica.last is None and get_epoch(event.message) == self.start.epoch:
                    return effects
            case on.CaughtUp():
                effects = self._catch_up(event)
            case on.BlocksExecuted():
                known = self._learn([r.next_set for r in event.results if r.next_set is not None])
                effects = self.replica.handle(event) + ([] if known else [self._announce()])
            case on.BlocksSynced() | on.PeerConnected():
                effects = self.replica.handle(event) + self._ask_before(event)
            case on.Started():
                effects = [self._announce(), *self.replica.handle(event)]
            case _:
                effects = self.replica.handle(event)
        moved = [] if self.replica.last is None else self._move_on(event)
        if moved:
            # They name seats of the set before.
            old = (do.SendToSeat, do.FetchBatches)
            effects = [each for each in effects if not isinstance(each, old)] + moved
        return _merge(effects)

    def _receive(self, event: on.MessageReceived) -> list[do.Effect]:
        epoch, current = get_epoch(event.message), self.start.epoch
        if epoch == current:
            return self.replica.handle(event)
        if epoch == current + 1:
            return self._keep_early(event)
        if epoch == current - 1 and not isinstance(event.message, SeatQuery):
            # What a seat signed since its epoch ended is not known there: only the running epoch
            # answers for a seat.
            return self._ask_before(replace(event, seat=None))
        return []

    def _keep_early(self, event: on.MessageReceived) -> list[do.Effect]:
        """Keep a message of the next epoch; its sender knows how this one ended."""
        count = sum(each.node == event.node for each in self._early)
        if count < EARLY_OF_NODE_MAX and len(self._early) < EARLY_MAX:
            self._early.append(event)
        return self.replica.ask_end(event)

    def _ask_before(self, event: on.Event) -> list[do.Effect]:
        if self.before is None:
            return []
        kinds = (do.Persist, do.SendToNode, do.PruneLog, do.RecordEvidence)
        return [each for each in self.before.handle(event) if isinstance(each, kinds)]

    # ---- from one epoch to the next --------------------------------------------------------

    def _catch_up(self, event: on.CaughtUp) -> list[do.Effect]:
        self._learn(event.epochs.sets)
        start = event.epochs.start
        if start.epoch <= self.start.epoch:
            return self.replica.handle(event)
        chain = self.replica.chain.follow(event.block, event.finality)
        chain.add_recent(event.batches)
        chain.executed_height = max(chain.executed_height, event.block.header.height)
        return self._begin(start, chain, event)

    def _move_on(self, event: on.Event) -> list[do.Effect]:
        """Begin the next epoch once this one's last block is final and the set is known."""
        effects: list[do.Effect] = []
        while (last := self.replica.last) is not None:
            following = self._sets.get(self.start.epoch + 1)
            if following is None:
                break
            finality = self.replica.chain.finality
            assert finality is not None, "the last block has just become final"
            effects += self._succeed(last, finality, following, event)
        return effects

    def _succeed(
        self, last: Block, finality: Finality, following: SeatSet, event: on.Event
    ) -> list[do.Effect]:
        if following.hash != last.header.executed.next_set_hash:
            # Before the next engine can sign anything by that set.
            self.replica.block(DIVERGED, "a quorum's set differs from the own one")
        chain = self.replica.chain.follow(last, finality)
        return self._begin(start_after(last.header), chain, event)

    def _begin(self, start: EpochStart, chain: Chain, event: on.Event) -> list[do.Effect]:
        before, was_sure = self.replica, self.replica.signing.is_sure()
        succession = Succession(chain=chain, restored=self._restored.pick(start.epoch))
        self._restored = self._restored.drop(start.epoch)
        is_next = start.epoch == self.start.epoch + 1
        self.before = before if is_next else None
        self.start = start
        self.replica = replica = Replica(self._build_setup(start), succession)
        seats = [self.seats.find(key) for key in before.setup.keys]
        inherit_replica(replica, before, seats)
        for why in CARRIED_BLOCKS:
            replica.block(why, before.signing.blocks.get(why, ""))
        if is_next and was_sure and before.last is not None and not succession.restored.own:
            # It ran through the epoch before: it can't have signed in this one.
            replica.signing.stop_waiting()
        self._forget()
        effects = [self._announce(), *replica.handle(on.Started(event.now_ms, event.clock_ms))]
        return effects + self._take_early(event, seats)

    def _take_early(self, event: on.Event, seats: list[int | None]) -> list[do.Effect]:
        """Handle what came before its epoch began; `seats` maps the old set's seats to the new."""
        early, self._early = self._early, deque()
        effects: list[do.Effect] = []
        for each in early:
            seat = None if each.seat is None else seats[each.seat]
            late = replace(each, now_ms=event.now_ms, clock_ms=event.clock_ms, seat=seat)
            effects += self._receive(late)
        return effects

    def _build_setup(self, start: EpochStart) -> Setup:
        seats, key = self._sets[start.epoch], self.setup.key
        before = self._sets.get(start.epoch - 1)
        seat = None if key is None else seats.find(key.public_key)
        return Setup(
            epoch=start.epoch,
            domain=self.setup.domain,
            keys=seats.keys,
            carried=start.carried,
            params=self.setup.params,
            seat=seat,
            key=None if seat is None else key,
            end=compute_end(start, self.setup.params),
            before=() if before is None else before.keys,
        )

    def _announce(self) -> do.Effect:
        sets = tuple(each for _, each in sorted(self._sets.items()))
        return do.StartEpoch(self.start.epoch, sets, self.replica.setup.seat)

    def _learn(self, sets: Iterable[SeatSet]) -> bool:
        """Note sets; tell whether all were known."""
        before = len(self._sets)
        for each in sets:
            self._sets.setdefault(each.epoch, each)
        return len(self._sets) == before

    def _forget(self) -> None:
        floor = self.start.epoch - 1
        self._sets = {epoch: each for epoch, each in self._sets.items() if epoch >= floor}


def _merge(effects: list[do.Effect]) -> list[do.Effect]:
    """Return the effects of several turns as those of one: one Persist in front, one timer."""
    if len(effects) <= 1:
        return effects
    persists = [each for each in effects if isinstance(each, do.Persist)]
    timers = [each for each in effects if isinstance(each, do.SetTimer)]
    if len(persists) <= 1 and len(timers) <= 1 and effects[:1] == [*persists, *effects][:1]:
        return effects
    records: list[Record] = [record for each in persists for record in each.records]
    merged: list[do.Effect] = []
    if records:
        merged.append(do.Persist(tuple(records), any(each.synced for each in persists)))
    merged += [each for each in effects if not isinstance(each, do.Persist | do.SetTimer)]
    return merged + timers[-1:]
