"""Applies executed blocks to a mempool: for tests of what becomes of its entries."""

from quorate.core.gossip.executed import SKIPPED, Dropped, ExecutedBlock
from quorate.core.gossip.mempool import Mempool


def execute(
    pool: Mempool,
    rows: list[tuple[bytes, int, str]],
    slots: list[bytes],
    *,
    batches: tuple[bytes, ...] = (b"n" * 32,),
    fee: int = 1,
) -> list[Dropped]:
    """Apply the next block: rows are (id, outcome, reason), slots where they stand."""
    block = ExecutedBlock(
        height=pool.height + 1,
        base_fee=pool.base_fee,
        ids=[row[0] for row in rows],
        senders=[slot[:32] for slot in slots],
        lanes=[slot[32] for slot in slots],
        sequences=[int.from_bytes(slot[33:], "big") for slot in slots],
        outcomes=[row[1] for row in rows],
        fees=[0 if row[1] == SKIPPED else fee for row in rows],
        reasons=[row[2] for row in rows],
        batches=frozenset(batches),
    )
    before = pool.height
    pool.begin_block(block)
    dropped = pool.apply_executed(block, 0, len(rows))
    return dropped + pool.expire(before)
