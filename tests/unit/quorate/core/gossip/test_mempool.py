"""The mempool takes in what can be executed, keeps it within bounds, and loses nothing silently."""

import gc
import time
from hashlib import sha256

import pytest

from quorate.core.batches import BatchHeader
from quorate.core.gossip.entries import Entry, State, build_slot
from quorate.core.gossip.executed import FAILED, SKIPPED, SUCCEEDED, Dropped
from quorate.core.gossip.held import Held
from quorate.core.gossip.mempool import GAP_MAX, Mempool
from quorate.core.gossip.refusals import SENDER_COUNT_MAX
from quorate.core.params import Params
from tests.unit.quorate.core.gossip.executing import execute

ALL = (10**9, 10**6, 10**12)


def take(pool: Mempool, name: bytes = b"n" * 32) -> list[Entry]:
    """Take everything that is ready into a batch of this name."""
    entries = pool.take(*ALL)
    for entry in entries:
        entry.batch = name
    return entries


def execute_all(pool: Mempool, entries: list[Entry], outcome: int = SUCCEEDED) -> list[Dropped]:
    """Execute these with one outcome."""
    return execute(pool, [(e.id, outcome, "") for e in entries], [e.slot for e in entries])


def test_transactions_leave_in_lane_order_even_when_they_come_out_of_order(maker, mempool) -> None:
    for sequence in (3, 1, 0, 2):
        assert mempool.admit(b"x", maker.make(0, sequence)) is None
    assert [entry.sequence for entry in take(mempool)] == [0, 1, 2, 3]


def test_what_stands_behind_a_gap_waits_until_the_gap_is_filled(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0))
    mempool.admit(b"x", maker.make(0, 2))
    assert mempool.lanes.parked_bytes == 100
    assert [entry.sequence for entry in take(mempool)] == [0]
    mempool.admit(b"x", maker.make(0, 1))
    assert mempool.lanes.parked_bytes == 0
    assert [entry.sequence for entry in take(mempool)] == [1, 2]


def test_the_same_id_is_accepted_again_and_batched_once(maker, mempool) -> None:
    tx = maker.make(0, 0)
    assert mempool.admit(b"x", tx) is None
    assert mempool.admit(b"x", tx) is None
    assert len(take(mempool)) == 1
    assert mempool.admit(b"x", tx) is None
    assert take(mempool) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"valid_until": 1}, "EXPIRED"),
        ({"valid_until": 100_003}, "EXPIRES_TOO_FAR"),
        ({"fee_limit": 99}, "FEE_TOO_LOW"),
        ({"spent": 10**9}, "INSUFFICIENT_BALANCE"),
    ],
)
def test_what_cannot_be_executed_is_refused_with_its_reason(maker, mempool, fields, reason) -> None:
    refusal = mempool.admit(b"x", maker.make(0, 0, **fields))
    assert refusal is not None
    assert refusal.reason == reason
    assert not mempool.entries


def test_the_last_valid_height_and_the_furthest_one_are_accepted(maker, mempool) -> None:
    assert mempool.admit(b"x", maker.make(0, 0, valid_until=2)) is None
    assert mempool.admit(b"x", maker.make(1, 0, valid_until=100_002)) is None


def test_sequences_taken_past_and_far_have_their_own_reasons(maker, mempool) -> None:
    mempool.put_account(maker.sender(0), 10**9, [(0, 5)], 1)
    reasons = []
    for tx in (maker.make(0, 4), maker.make(0, 5), maker.make(0, 5, salt=1)):
        refusal = mempool.admit(b"x", tx)
        reasons.append(refusal.reason if refusal else "")
    assert reasons == ["SEQUENCE_PAST", "", "REPLACEMENT_UNDERPRICED"]
    assert mempool.admit(b"x", maker.make(0, 6 + GAP_MAX)) is None
    refusal = mempool.admit(b"x", maker.make(0, 7 + GAP_MAX))
    assert refusal.reason == "SEQUENCE_FAR"
    assert refusal.fields == {"expected": "6"}


def test_what_waits_counts_against_the_balance_until_it_is_executed(maker, mempool) -> None:
    mempool.put_account(maker.sender(0), 2_500, [], 1)
    assert mempool.admit(b"x", maker.make(0, 0)) is None
    assert mempool.admit(b"x", maker.make(0, 1)) is None
    assert mempool.admit(b"x", maker.make(0, 2)).reason == "INSUFFICIENT_BALANCE"
    execute_all(mempool, take(mempool))
    # 2,500 less two fees of 1 and two payments of 1.
    assert mempool.lanes.accounts[maker.sender(0)].balance == 2_496
    assert mempool.admit(b"x", maker.make(0, 2)) is None


def test_a_failed_transaction_costs_its_fee_only(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0, spent=500))
    execute_all(mempool, take(mempool), FAILED)
    assert mempool.lanes.accounts[maker.sender(0)].balance == 10**9 - 1
    assert not mempool.entries


def test_an_idempotency_key_with_other_payloads_is_a_conflict_here_and_in_state(
    maker, mempool
) -> None:
    keyed = {"key_bytes": 3, "idempotency_key": b"abc".ljust(64, b"\0")}
    assert mempool.admit(b"x", maker.make(0, 0, payload_hash=b"p" * 32, **keyed)) is None
    same = maker.make(0, 1, payload_hash=b"p" * 32, **keyed)
    other = maker.make(0, 2, payload_hash=b"q" * 32, **keyed)
    assert mempool.admit(b"x", same) is None
    assert mempool.admit(b"x", other).reason == "IDEMPOTENCY_CONFLICT"
    assert mempool.admit(b"x", maker.make(1, 0, payload_hash=b"q" * 32, **keyed)) is None
    stated = maker.make(2, 0, payload_hash=b"q" * 32, **keyed)
    assert mempool.admit(b"x", stated, b"r" * 32).reason == "IDEMPOTENCY_CONFLICT"


def test_a_flooding_sender_is_refused_and_does_not_starve_others(maker, mempool) -> None:
    reasons = set()
    for sequence in range(1_260):
        refusal = mempool.admit(b"x", maker.make(0, sequence))
        reasons.add(refusal.reason if refusal else "")
    assert reasons == {"", "SENDER_FLOODS"}
    assert mempool.bytes <= 1_000_000 // 8
    for number in range(1, 10):
        mempool.admit(b"x", maker.make(number, 0))
    first = mempool.take(104 * 60, 10**6, 10**12)
    senders = {entry.lane.account.sender for entry in first}
    assert senders == {maker.sender(number) for number in range(10)}


def test_a_sender_is_bounded_by_count_and_all_together_by_bytes(maker) -> None:
    pool = Mempool(Params(), 10**9)
    pool.put_account(maker.sender(0), 10**12, [], 0)
    for number in range(SENDER_COUNT_MAX):
        assert pool.admit(b"x", maker.make(0, number // 16, lane=number % 16)) is None
    assert pool.admit(b"x", maker.make(0, SENDER_COUNT_MAX // 16)).reason == "SENDER_FLOODS"
    small = Mempool(Params(), 1_000)
    small.sender_bytes_max = 1_000
    for number in range(2):
        small.put_account(maker.sender(number), 10**9, [], 0)
    verdicts = [small.admit(b"x", maker.make(n % 2, n // 2)) for n in range(11)]
    assert [v.reason for v in verdicts if v] == ["MEMPOOL_FULL"]
    assert small.reserve(125)
    assert not small.reserve(1)


def test_what_stands_behind_gaps_may_use_a_quarter_of_the_room(maker, mempool) -> None:
    mempool.bytes_max = 4_000
    verdicts = [mempool.admit(b"x", maker.make(n % 10, 1 + n // 10)) for n in range(12)]
    assert [v.reason for v in verdicts if v] == ["MEMPOOL_FULL"] * 2
    assert mempool.admit(b"x", maker.make(0, 0)) is None


def test_lanes_of_a_sender_proceed_independently(maker, mempool) -> None:
    for lane in range(16):
        mempool.admit(b"x", maker.make(0, 1, lane=lane))
        if lane != 3:
            mempool.admit(b"x", maker.make(0, 0, lane=lane))
    taken = take(mempool)
    assert len(taken) == 30
    assert all(entry.lane.prefix[32] != 3 for entry in taken)


def test_what_another_author_batched_is_passed_over(maker, mempool) -> None:
    slot, id_ = maker.make(0, 0).slot, maker.make(0, 0).id
    mempool.lanes.add_foreign([slot], [id_])
    assert mempool.admit(b"x", maker.make(0, 0)) is None
    assert mempool.admit(b"x", maker.make(0, 0, salt=1)).reason == "SEQUENCE_TAKEN"
    assert mempool.admit(b"x", maker.make(0, 1)) is None
    assert [entry.sequence for entry in take(mempool)] == [1]


def test_a_foreign_batch_fills_a_gap_and_its_expiry_opens_it_again(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 1))
    foreign = maker.make(0, 0, salt=7)
    mempool.lanes.add_foreign([foreign.slot], [foreign.id])
    assert mempool.lanes.ready_bytes == 100
    mempool.lanes.remove_foreign([foreign.slot])
    assert mempool.lanes.ready_bytes == 0
    assert take(mempool) == []
    mempool.admit(b"x", maker.make(0, 0))
    assert [entry.sequence for entry in take(mempool)] == [0, 1]


def test_own_ones_that_a_foreign_batch_held_wait_again_when_it_expires(maker, mempool) -> None:
    tx = maker.make(0, 0)
    mempool.admit(b"x", tx)
    mempool.lanes.add_foreign([tx.slot], [tx.id])
    assert take(mempool) == []
    mempool.lanes.remove_foreign([tx.slot])
    assert [entry.id for entry in take(mempool)] == [tx.id]


def test_skipped_because_of_a_gap_is_taken_back_and_batched_again(maker, mempool) -> None:
    for sequence in range(3):
        mempool.admit(b"x", maker.make(0, sequence))
    entries = take(mempool)
    rows = [(e.id, SKIPPED, "SEQUENCE_GAP") for e in entries]
    assert execute(mempool, rows, [e.slot for e in entries]) == []
    assert [entry.sequence for entry in take(mempool)] == [0, 1, 2]


def test_skipped_for_good_is_dropped_with_its_reason(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0))
    (entry,) = take(mempool)
    dropped = execute(mempool, [(entry.id, SKIPPED, "FEE_NOT_COVERED")], [entry.slot])
    assert dropped == [Dropped(entry.id, "FEE_NOT_COVERED")]
    assert not mempool.entries
    assert mempool.admit(b"x", maker.make(0, 0, salt=1)) is None


def test_a_skipped_copy_in_another_batch_changes_nothing(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0))
    (entry,) = take(mempool)
    rows = [(entry.id, SKIPPED, "SEQUENCE_GAP")]
    assert execute(mempool, rows, [entry.slot], batches=(b"o" * 32,)) == []
    assert entry.state is State.BATCHED


def test_a_batch_that_expires_unfinalized_gives_its_transactions_back(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0))
    entries = take(mempool)
    header = BatchHeader(0, 0, 1, 1, 100, 100, 9, b"c" * 32)
    mempool.finish_batch(Held(b"n" * 32, header, b"", b"", entries=entries))
    assert [entry.sequence for entry in take(mempool)] == [0]


def test_another_transaction_executed_in_its_place_drops_it(maker, mempool) -> None:
    mine, theirs = maker.make(0, 0), maker.make(0, 0, salt=9)
    mempool.admit(b"x", mine)
    mempool.admit(b"x", maker.make(0, 1))
    dropped = execute(mempool, [(theirs.id, SUCCEEDED, "")], [theirs.slot])
    assert dropped == [Dropped(mine.id, "SEQUENCE_PAST")]
    assert mempool.admit(b"x", theirs).reason == "ALREADY_EXECUTED"
    assert mempool.admit(b"x", mine).reason == "SEQUENCE_PAST"
    assert [entry.sequence for entry in take(mempool)] == [1]


def test_state_read_ahead_of_the_block_counts_once(maker, mempool) -> None:
    parked, theirs = maker.make(0, 1), [maker.make(0, n, salt=9) for n in range(2)]
    mempool.admit(b"x", parked)
    mempool.put_account(maker.sender(0), 900, [(0, 2)], 2)
    assert mempool.lanes.parked_bytes == 0
    rows = [(t.id, SUCCEEDED, "") for t in theirs]
    dropped = execute(mempool, rows, [t.slot for t in theirs])
    assert dropped == [Dropped(parked.id, "SEQUENCE_PAST")]
    assert mempool.lanes.accounts[maker.sender(0)].balance == 900
    assert mempool.lanes.parked_bytes == mempool.bytes == 0


def test_what_can_no_longer_be_executed_is_dropped_as_expired(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0, valid_until=2))
    mempool.admit(b"x", maker.make(0, 1, valid_until=9))
    mempool.admit(b"x", maker.make(1, 3, valid_until=2))
    dropped = execute(mempool, [], [])
    assert {each.reason for each in dropped} == {"EXPIRED"}
    assert len(dropped) == 2
    assert mempool.lanes.ready_bytes == 0
    assert mempool.lanes.parked_bytes == 100
    mempool.admit(b"x", maker.make(0, 0, salt=1))
    assert [entry.sequence for entry in take(mempool)] == [0, 1]


def test_a_height_far_ahead_expires_everything_below_it(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0, valid_until=90_000))
    mempool.height = 95_000
    assert len(mempool.expire(1)) == 1


def test_entries_survive_that_accounts_are_read_anew(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0))
    mempool.forget_accounts(7, 3)
    assert mempool.find_unknown([maker.sender(0), maker.sender(1)]) == [
        maker.sender(0),
        maker.sender(1),
    ]
    assert len(take(mempool)) == 1


def measure_bookkeeping_us(maker) -> float:
    """Return the microseconds that admission, batching and execution of a transaction took."""
    pool = Mempool(Params(), 10**9)
    senders = [sha256(bytes((n,))).digest() for n in range(64)]
    for sender in senders:
        pool.put_account(sender, 10**15, [], 0)
    base = maker.make(0, 0)
    txs = []
    for index in range(8_000):
        slot = build_slot(senders[index % 64], 0, index // 64)
        txs.append(base._replace(id=sha256(slot).digest(), slot=slot, sequence=index // 64))
    start = time.thread_time()
    assert not any(pool.admit(b"x", tx) for tx in txs)
    entries = []
    while taken := pool.take(262_144, 2_048, 8_000_000):
        entries += taken
    execute_all(pool, entries)
    passed_us = (time.thread_time() - start) * 1_000_000 / len(txs)
    assert len(entries) == 8_000
    assert not pool.entries
    return passed_us


def test_bookkeeping_of_one_transaction_takes_few_microseconds(maker) -> None:
    # Neither other tests' garbage nor a machine that stands still for a moment is its cost.
    gc.freeze()
    try:
        passed_us = min(measure_bookkeeping_us(maker) for _ in range(5))
    finally:
        gc.unfreeze()
    # Measured 4 µs; a loaded machine gets some room.
    assert passed_us < 25
    print(f"admit, take and execute: {passed_us:.1f} µs per transaction")
