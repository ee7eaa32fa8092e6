"""Lanes stay without gaps and counted right, whatever happens to their transactions."""

import random

from quorate.core.batches import BatchHeader
from quorate.core.gossip.entries import Checked, Entry, State
from quorate.core.gossip.executed import SKIPPED, SUCCEEDED
from quorate.core.gossip.held import Held
from quorate.core.gossip.mempool import Mempool
from tests.unit.quorate.core.gossip.executing import execute


class Model:
    """Does random things to a mempool and checks what must hold after each."""

    def __init__(self, rng: random.Random, maker, pool: Mempool) -> None:
        self.rng, self.maker, self.pool = rng, maker, pool
        self.batches: dict[bytes, list[Entry]] = {}
        self.foreign: dict[bytes, list[Checked]] = {}
        self.number = 0

    def name(self) -> bytes:
        self.number += 1
        return self.number.to_bytes(32, "big")

    def pick(self, salt: int) -> Checked:
        rng, pool = self.rng, self.pool
        sender, lane = rng.randrange(4), rng.randrange(2)
        account = pool.lanes.accounts[self.maker.sender(sender)]
        base = account.nexts.get(lane, 0)
        sequence = max(0, base + rng.randrange(-1, 8))
        until = pool.height + rng.randrange(1, 12)
        return self.maker.make(sender, sequence, lane=lane, salt=salt, valid_until=until)

    def admit(self) -> None:
        self.pool.admit(b"x", self.pick(self.rng.randrange(2)))

    def take(self) -> None:
        entries = self.pool.take(self.rng.randrange(1, 1_500), self.rng.randrange(1, 9), 10**9)
        name = self.name()
        for entry in entries:
            entry.batch = name
            lane = entry.lane
            for sequence in range(lane.next, entry.sequence):
                before = lane.entries.get(sequence)
                is_batched = before is not None and before.state is State.BATCHED
                slot = lane.prefix + sequence.to_bytes(8, "big")
                assert is_batched or slot in self.pool.lanes.foreign
        if entries:
            self.batches[name] = entries

    def add_foreign(self) -> None:
        txs = [self.pick(self.rng.randrange(2)) for _ in range(self.rng.randrange(1, 4))]
        self.foreign[self.name()] = txs
        self.pool.lanes.add_foreign([t.slot for t in txs], [t.id for t in txs])

    def execute(self) -> None:
        names = [n for n in (*self.batches, *self.foreign) if self.rng.random() < 0.5]
        rows, slots = [], []
        nexts = {s: dict(a.nexts) for s, a in self.pool.lanes.accounts.items()}
        for name in names:
            held = self.batches.get(name) or self.foreign[name]
            for tx in held:
                slot, sequence = tx.slot, tx.sequence
                lane = nexts[slot[:32]]
                expected = lane.get(slot[32], 0)
                reason = ""
                if sequence != expected:
                    reason = "SEQUENCE_GAP" if sequence > expected else "SEQUENCE_PAST"
                elif self.rng.random() < 0.1:
                    reason = "FEE_TOO_LOW"
                else:
                    lane[slot[32]] = expected + 1
                rows.append((tx.id, SKIPPED if reason else SUCCEEDED, reason))
                slots.append(slot)
        execute(self.pool, rows, slots, batches=tuple(names))
        self.finish(names)

    def finish(self, names: list[bytes]) -> None:
        header = BatchHeader(0, 0, 1, 1, 100, 100, 9, b"c" * 32)
        for name in names:
            entries = self.batches.pop(name, [])
            slots = [t.slot for t in self.foreign.pop(name, [])]
            self.pool.finish_batch(Held(name, header, b"", b"", entries=entries, slots=slots))

    def expire_some(self) -> None:
        names = [n for n in (*self.batches, *self.foreign) if self.rng.random() < 0.2]
        self.finish(names)

    def check(self) -> None:
        pool = self.pool
        entries = list(pool.entries.values())
        assert pool.bytes == sum(e.size for e in entries)
        ready = parked = 0
        for account in pool.lanes.accounts.values():
            own = [e for lane in account.lanes.values() for e in lane.entries.values()]
            assert account.count == len(own)
            assert account.bytes == sum(e.size for e in own)
            assert account.reserved == sum(e.cost for e in own)
            for lane in account.lanes.values():
                assert lane.next <= lane.cursor <= lane.end
                assert lane.next == account.nexts.get(lane.prefix[32], 0)
                for sequence, entry in lane.entries.items():
                    assert entry.state is not State.GONE
                    assert sequence >= lane.next
                    if sequence >= lane.end:
                        parked += entry.size
                    elif sequence >= lane.cursor and entry.state is State.WAITING:
                        ready += entry.size
                        assert lane.is_queued
        assert (pool.lanes.ready_bytes, pool.lanes.parked_bytes) == (ready, parked)


def test_counts_and_runs_stay_right_whatever_happens(rng: random.Random, maker, mempool) -> None:
    model = Model(rng, maker, mempool)
    actions = [model.admit] * 6 + [model.take, model.add_foreign, model.execute, model.expire_some]
    for _ in range(4_000):
        rng.choice(actions)()
        model.check()
    # In the end everything leaves: nothing is kept for ever.
    model.finish([*model.batches, *model.foreign])
    mempool.height += 20
    mempool.expire(mempool.height - 20)
    model.check()
    assert not mempool.entries
    assert mempool.lanes.ready_bytes == mempool.lanes.parked_bytes == 0
