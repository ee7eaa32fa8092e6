"""What an attached engine is told: derived from the chain's state whenever it changed.

Nothing is queued: a slow engine gets one answer about all that happened meanwhile.
"""

from collections.abc import AsyncIterator
from typing import Final

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.blocks import NO_SUSPECT
from quorate.storage.catchup import CatchUp
from quorate.storage.chain import Chain
from quorate.storage.poison import NO_WAIT
from quorate.storage.store import Store

# Results in one answer: about 80 bytes each.
RESULTS_MAX: Final = 4_096


class Session:
    """One engine's commit stream, from attaching until it ends or another one attaches."""

    def __init__(self, chain: Chain, catch_up: CatchUp, window: int) -> None:
        self._chain, self._catch_up, self._window = chain, catch_up, window
        self.closed = False
        self._fault: str | None = None
        self._catching_up = False
        self._runner = (NO_SUSPECT, NO_WAIT)
        # An engine that has just attached is told where the head is: it may have moved since.
        self._head = self._committed = chain.store.root.header.height
        self._target = chain.certified_height
        self._synced = -1
        head = chain.store.get_block(chain.certified_height)
        self._results = max(head.header.executed.height - 1, 0)

    def close(self) -> None:
        """End `iter_responses`."""
        self.closed = True
        self._chain.changed.notify()

    def note_committed(self, height: int) -> None:
        """Note how far this engine has sent final blocks; what moves the head beyond is told."""
        self._committed = max(self._committed, height)

    def acknowledge(self) -> None:
        """Tell the synced height again: the engine sent blocks that are applied already."""
        self._synced = -1
        self._chain.changed.notify()

    async def iter_responses(self) -> AsyncIterator[pb.CommitResponse]:
        """Yield what changed, until closed."""
        while not (self.closed or self._chain.closing):
            response = self._build()
            if response is None:
                await self._chain.changed.wait()
            else:
                yield response

    def _build(self) -> pb.CommitResponse | None:
        response = pb.CommitResponse(catching_up=self._catch_up.active)
        changed = [
            self._catching_up != self._catch_up.active,
            self._add_fault(response),
            self._add_caught_up(response),
            self._add_results(response),
            self._add_runner(response),
        ]
        self._catching_up = self._catch_up.active
        return response if any(changed) else None

    def _add_fault(self, response: pb.CommitResponse) -> bool:
        fault = self._chain.get_fault()
        if fault == self._fault:
            return False
        response.fault, response.fault_changed = fault, True
        self._fault = fault
        return True

    def _add_runner(self, response: pb.CommitResponse) -> bool:
        poisons, executed = self._chain.poisons, self._chain.height
        own = NO_SUSPECT if poisons.own.height <= executed else poisons.own
        runner = (own, poisons.taken_back)
        if runner == self._runner:
            return False
        self._runner, response.runner_changed = runner, True
        if poisons.taken_back != NO_WAIT:
            response.survived_height, response.survived_ticket = poisons.taken_back
        else:
            response.suspect_height, response.suspect_position = own
        return True

    def _add_caught_up(self, response: pb.CommitResponse) -> bool:
        self._target = max(self._target, self._chain.caught_up_height)
        if self._chain.certified_height > self._committed:
            # Blocks of an engine before this one, which were still in the queue.
            self._target = max(self._target, self._chain.certified_height)
        if self._head >= self._target:
            return False
        chain, store = self._chain, self._chain.store
        # The newest certified block and what its epoch starts from, even if a run came after.
        height, epochs = chain.certified_height, store.load_epochs(chain.certified_start)
        response.caught_up_block = store.get_block_bytes(height)
        response.caught_up_certificate = store.load_certificate(height) or b""
        response.caught_up_epoch_start = epochs.start.encode()
        response.caught_up_sets.extend([each.encode() for each in epochs.sets])
        first = max(self._head, height - self._window) + 1
        response.caught_up_batches.extend(list_block_batches(store, first, height))
        self._head = height
        return True

    def _add_results(self, response: pb.CommitResponse) -> bool:
        height = self._chain.certified_height
        if self._results >= height and self._synced == height:
            return False
        last = min(height, self._results + RESULTS_MAX)
        response.results.extend(list_results(self._chain.store, self._results + 1, last))
        self._results = max(last, self._results)
        if self._results >= height:
            self._synced = response.synced_height = height
        return True


def list_block_batches(store: Store, first: int, last: int) -> list[pb.BlockBatches]:
    """Return which batches the blocks first … last name."""
    return [pb.BlockBatches(height=h, names=names) for h, names in store.load_names(first, last)]


def list_results(store: Store, first: int, last: int) -> list[pb.Result]:
    """Return what executing the blocks first … last gave."""
    return [
        pb.Result(
            height=result.height,
            write_digest=result.write_digest,
            receipts_hash=result.receipts_root,
            next_set=b"" if result.next_set is None else result.next_set.encode(),
        )
        for result in store.load_results(first, last)
    ]
