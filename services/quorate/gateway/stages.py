"""Which stage a transaction has reached before it is executed: hints, bounded, never persisted."""

from collections.abc import Sequence
from typing import Final

from quorate.api.transaction.v1.transaction_pb2 import (
    STAGE_BATCHED,
    STAGE_DROPPED,
    STAGE_RECEIVED,
    STAGE_UNSPECIFIED,
    Stage,
)

TRANSACTIONS_MAX: Final = 500_000
DROPPED_MAX: Final = 50_000
EARLY_MAX: Final = 4_096


class Batch:
    """A batch that gossip reported: its ids and how far it got."""

    __slots__ = ("height", "ids", "stage")

    def __init__(self, ids: Sequence[bytes]) -> None:
        self.ids, self.height = ids, 0
        self.stage: Stage.ValueType = STAGE_BATCHED


class StageTable:
    """Stages by id, senders of what came in here, and ids by batch name."""

    def __init__(self) -> None:
        self.senders: dict[bytes, bytes] = {}
        self._batches: dict[bytes, Batch] = {}
        self._batch_of: dict[bytes, Batch] = {}
        self._dropped: dict[bytes, str] = {}
        # Batches that were hinted at before their author told of them; and executed ones.
        self._done: dict[bytes, None] = {}
        self._early: dict[bytes, dict[Stage.ValueType, int]] = {}

    def find(self, id_: bytes) -> "Stage.ValueType":
        """Return the stage of a transaction that is not executed as far as is known here."""
        batch = self._batch_of.get(id_)
        if batch is not None:
            return batch.stage
        if id_ in self.senders:
            return STAGE_RECEIVED
        return STAGE_DROPPED if id_ in self._dropped else STAGE_UNSPECIFIED

    def find_reason(self, id_: bytes) -> str:
        """Return why a transaction was dropped; "" when it was not, or that is long ago."""
        return self._dropped.get(id_, "")

    def add(self, id_: bytes, sender: bytes) -> None:
        """Note who sent a transaction that came in here."""
        self.senders[id_] = sender
        if len(self.senders) > TRANSACTIONS_MAX:
            del self.senders[next(iter(self.senders))]

    def set_batched(self, name: bytes, ids: Sequence[bytes]) -> bool:
        """Note that a batch holds these ids; False when that is nothing new.

        An empty name means that the batch is not known: its ids stay at this stage then.
        """
        if name in self._batches or name in self._done:
            return False
        batch = Batch(ids)
        self._batch_of.update(dict.fromkeys(ids, batch))
        if name:
            self._batches[name] = batch
        while len(self._batch_of) > TRANSACTIONS_MAX:
            del self._batch_of[next(iter(self._batch_of))]
        while len(self._batches) > TRANSACTIONS_MAX // 100:
            del self._batches[next(iter(self._batches))]
        return True

    def raise_stage(
        self, names: Sequence[bytes], stage: "Stage.ValueType", height: int
    ) -> list[bytes]:
        """Return the ids of those batches that had not reached the stage yet, and note it."""
        ids: list[bytes] = []
        for name in names:
            batch = self._batches.get(name)
            if batch is None:
                self._early.setdefault(name, {})[stage] = height
            elif batch.stage < stage:
                batch.stage, batch.height = stage, height
                ids.extend(batch.ids)
        while len(self._early) > EARLY_MAX:
            del self._early[next(iter(self._early))]
        return ids

    def take_early(self, name: bytes) -> "list[tuple[Stage.ValueType, int]]":
        """Return (stage, height) of what was told of a batch before it was known, in order."""
        return sorted(self._early.pop(name, {}).items())

    def set_dropped(self, ids: Sequence[bytes], reason: str) -> None:
        """Note that transactions will not be executed."""
        self.forget(ids)
        self._dropped.update(dict.fromkeys(ids, reason))
        while len(self._dropped) > DROPPED_MAX:
            del self._dropped[next(iter(self._dropped))]

    def set_executed(self, ids: Sequence[bytes], batches: Sequence[bytes]) -> None:
        """Forget what a block executed: its receipts are in storage from now on."""
        self.forget(ids)
        for name in batches:
            self._batches.pop(name, None)
            self._early.pop(name, None)
            self._done[name] = None
        while len(self._done) > EARLY_MAX:
            del self._done[next(iter(self._done))]

    def forget(self, ids: Sequence[bytes]) -> None:
        """Forget transactions."""
        senders, batch_of, dropped = self.senders, self._batch_of, self._dropped
        for id_ in ids:
            senders.pop(id_, None)
            batch_of.pop(id_, None)
        if dropped:
            for id_ in ids:
                dropped.pop(id_, None)
