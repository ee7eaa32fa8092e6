"""What executing transactions does: outcomes, fees, conservation, idempotency."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.core.applying import build_undecodable
from quorate.core.blocks import Executed
from quorate.core.epochs import EpochStart
from quorate.core.outcomes import OUTCOMES, SUCCEEDED
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.receipts import find_receipt, pack_receipts, unpack_receipts
from quorate.core.results import compute_write_digest
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import PERFORMANCE_KEY
from quorate.core.state import (
    EPOCH_START_KEY,
    Account,
    compute_account_key,
    compute_expiry_key,
    compute_idempotency_key,
    compute_set_key,
    decode_account,
)
from quorate.core.transactions import Transaction, Transfer
from quorate.core.values import TREASURY, UINT64_MAX, Hash
from tests.unit.quorate.core.chains import build_header, build_state, close_block, open_block

A, B, C = (bytes([i]) * 32 for i in (1, 2, 3))
PARAMS = Params(validity_max_blocks=10)


class World:
    """A state in memory, to which blocks are applied one after the other."""

    def __init__(self, **balances):
        self.state = build_state()
        for address, name in ((A, "a"), (B, "b")):
            if balances.get(name):
                record = Account(balances[name], {}).encode()
                self.state[compute_account_key(address)] = record
        self.height, self.base_fee = 0, balances.get("base_fee", 1)

    def apply(self, *transactions, slices=200):
        self.height += 1
        header = build_header(self.height, base_fee=self.base_fee)
        execution = open_block(self.state, header, PARAMS, b"d" * 32)
        receipts = []
        for start in range(0, len(transactions), slices):
            receipts += execution.apply(transactions[start : start + slices])
        self.writes = close_block(execution)
        self.state.take(self.writes)
        assert unpack_receipts(pack_receipts(receipts)).count == len(receipts)
        return receipts

    def skip_to(self, height):
        while self.height < height - 1:
            self.apply()

    def account(self, address):
        return decode_account(self.state.get(compute_account_key(address), b""))

    def balance(self, address):
        return self.account(address).balance

    def supply(self):
        return sum(decode_account(v).balance for k, v in self.state.items() if k[:1] == b"a")


COUNTER = iter(range(10**9))


def make(sender=A, *payloads, **fields):
    identity = next(COUNTER).to_bytes(32, "big")
    values = {
        "id": Hash(identity), "sender": sender, "lane": 0, "sequence": 0, "valid_until_height": 5,
        "fee_limit": 1_000, "tip": 0, "idempotency_key": b"", "memo": b"",
        "payloads": payloads or (Transfer(sender, B, 10),), "payload_hash": b"", "signatures": (),
        "body": b"", "size_bytes": 100, "weight": 100,
    }  # fmt: skip
    return Transaction(**{**values, **fields})


def reasons(receipts):
    return [OUTCOMES[receipt.code][1] for receipt in receipts]


def test_a_transfer_moves_the_amount_and_the_fee_goes_to_the_treasury():
    world = World(a=1_000)
    (receipt,) = world.apply(make(tip=7))
    assert (receipt.code, receipt.fee) == (SUCCEEDED, 107)
    assert (world.balance(A), world.balance(B), world.balance(TREASURY)) == (883, 10, 107)
    assert world.account(A).lanes == {0: 1}


def test_sequences_run_per_lane_from_zero():
    world = World(a=10_000)
    receipts = world.apply(
        make(), make(sequence=1), make(lane=3), make(sequence=1), make(sequence=3), make(lane=3),
        make(sequence=2),
    )  # fmt: skip
    assert reasons(receipts) == ["", "", "", "SEQUENCE_PAST", "SEQUENCE_GAP", "SEQUENCE_PAST", ""]
    assert world.account(A).lanes == {0: 3, 3: 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"valid_until_height": 0}, "EXPIRED"),
        ({"valid_until_height": 12}, "INVALID"),
        ({"sequence": 1}, "SEQUENCE_GAP"),
        ({"fee_limit": 99}, "FEE_TOO_LOW"),
        ({"tip": 901}, "FEE_NOT_COVERED"),
        ({"lane": 16}, "INVALID"),
        ({"lane": 300}, "INVALID"),
        ({"payloads": ()}, "INVALID"),
        ({"payloads": (Transfer(A, b"short", 1),)}, "INVALID"),
        ({"payloads": (Transfer(A, B, 0),)}, "INVALID"),
        ({"sender": b"short"}, "INVALID"),
        ({"sequence": UINT64_MAX}, "INVALID"),
        ({"fee_limit": UINT64_MAX, "tip": 1}, "INVALID"),
    ],
)
def test_what_is_skipped_changes_nothing_at_all(fields, reason):
    world = World(a=1_000)
    receipts = world.apply(make(**fields))
    assert reasons(receipts) == [reason]
    assert receipts[0].fee == 0
    assert world.writes == []


def test_bounds_of_validity_and_fees_are_inclusive():
    world = World(a=210)
    receipts = world.apply(
        make(valid_until_height=1, fee_limit=100), make(sequence=1, valid_until_height=11)
    )
    assert reasons(receipts) == ["", "INSUFFICIENT_BALANCE"]
    assert world.balance(A) == 0


def test_an_account_that_is_emptied_keeps_its_lane():
    world = World(a=110)
    world.apply(make())
    assert world.account(A).lanes == {0: 1}
    assert reasons(world.apply(make())) == ["SEQUENCE_PAST"]


def test_a_failed_transfer_costs_the_fee_and_uses_the_sequence():
    world = World(a=150)
    (receipt,) = world.apply(make(A, Transfer(A, B, 51)))
    assert (reasons([receipt]), receipt.fee) == (["INSUFFICIENT_BALANCE"], 100)
    assert (world.balance(A), world.balance(B)) == (50, 0)
    assert world.account(A).lanes == {0: 1}


def test_payloads_take_effect_all_or_none():
    world = World(a=1_000, b=5)
    receipts = world.apply(
        make(A, Transfer(A, C, 100), Transfer(B, A, 5), Transfer(B, C, 1)),
        make(A, Transfer(A, C, 100), Transfer(B, A, 5), sequence=1),
    )
    assert reasons(receipts) == ["INSUFFICIENT_BALANCE", ""]
    assert (world.balance(A), world.balance(B), world.balance(C)) == (705, 0, 100)


def test_an_account_touched_only_by_a_failure_is_not_made():
    world = World(a=1_000)
    world.apply(make(A, Transfer(A, C, 1), Transfer(A, B, 10_000)))
    assert compute_account_key(C) not in world.state


def test_payloads_see_those_before_them():
    world = World(a=200)
    assert reasons(world.apply(make(A, Transfer(A, C, 100), Transfer(C, B, 100)))) == [""]
    assert (world.balance(B), world.balance(C)) == (100, 0)


def test_a_transfer_to_oneself_needs_the_amount_and_moves_nothing():
    world = World(a=1_000)
    receipts = world.apply(
        make(A, Transfer(A, A, 900)), make(A, Transfer(A, A, 801), sequence=1),
        make(A, Transfer(A, A, 700), Transfer(A, A, 700), sequence=2),
    )  # fmt: skip
    assert reasons(receipts) == ["", "INSUFFICIENT_BALANCE", ""]
    assert world.balance(A) == 700


def test_the_treasury_can_be_paid_and_gets_fees_of_the_same_block():
    world = World(a=1_000)
    world.apply(make(A, Transfer(A, TREASURY, 50)))
    assert world.balance(TREASURY) == 150


def test_the_whole_supply_can_stand_in_one_account():
    world = World(a=SUPPLY_MAX)
    huge = make(A, Transfer(A, B, SUPPLY_MAX - 100), Transfer(B, B, UINT64_MAX))
    receipts = world.apply(huge, make(A, Transfer(A, B, SUPPLY_MAX - 200), sequence=1))
    assert reasons(receipts) == ["INSUFFICIENT_BALANCE", ""]
    assert world.supply() == SUPPLY_MAX


def keyed(sequence, *, key=b"order", payload_hash=b"p" * 32, **fields):
    return make(sequence=sequence, idempotency_key=key, payload_hash=payload_hash, **fields)


def test_a_duplicate_costs_the_base_fee_and_points_to_the_first():
    world = World(a=1_000)
    first = keyed(0, tip=5)
    receipts = world.apply(first, keyed(1, tip=5))
    assert reasons(receipts) == ["", "DUPLICATE"]
    assert (receipts[1].first_id, receipts[1].fee) == (first.id, 100)
    assert (world.balance(B), world.account(A).lanes) == (10, {0: 2})
    packed = pack_receipts(receipts)
    assert [find_receipt(packed, i) for i in (0, 1)] == receipts
    later = world.apply(keyed(2))
    assert later[0].first_id == first.id


def test_the_same_key_with_other_payloads_conflicts():
    world = World(a=1_000)
    receipts = world.apply(keyed(0), keyed(1, payload_hash=b"q" * 32))
    assert reasons(receipts) == ["", "IDEMPOTENCY_CONFLICT"]
    assert receipts[1].fee == 100
    assert world.balance(B) == 10


def test_keys_are_scoped_to_their_sender():
    world = World(a=1_000, b=1_000)
    receipts = world.apply(keyed(0), keyed(0, sender=B, payloads=(Transfer(B, C, 1),)))
    assert reasons(receipts) == ["", ""]


def test_a_failed_transaction_does_not_bind_its_key():
    world = World(a=205)
    receipts = world.apply(
        keyed(0, payloads=(Transfer(A, B, 500),)), keyed(1, payloads=(Transfer(A, B, 5),))
    )
    assert reasons(receipts) == ["INSUFFICIENT_BALANCE", ""]


def test_a_key_is_kept_for_its_term_then_forgotten_with_its_index():
    world = World(a=1_000)
    world.apply(keyed(0), keyed(1, key=b"other"))
    key = compute_idempotency_key(A, b"order")
    world.skip_to(11)
    assert reasons(world.apply(keyed(2, valid_until_height=11))) == ["DUPLICATE"]
    assert compute_expiry_key(11) in world.state
    world.apply()
    assert world.height == 12
    assert not [k for k in world.state if k[:1] in b"ix"]
    assert (key, b"") in world.writes
    assert reasons(world.apply(keyed(3, valid_until_height=13))) == [""]


def test_a_key_that_ends_may_be_used_in_the_very_block():
    world = World(a=1_000)
    world.apply(keyed(0))
    world.skip_to(12)
    assert reasons(world.apply(keyed(1, valid_until_height=12))) == [""]
    assert compute_idempotency_key(A, b"order") in world.state
    assert compute_expiry_key(22) in world.state
    assert compute_expiry_key(11) not in world.state


def test_bytes_that_are_no_transaction_are_skipped_with_an_id_of_their_own():
    world = World(a=1_000)
    receipts = world.apply(build_undecodable(b"x"), build_undecodable(b"y"))
    assert reasons(receipts) == ["INVALID", "INVALID"]
    assert receipts[0].id != receipts[1].id
    assert world.writes == []


def test_only_a_block_past_its_epoch_s_end_gives_a_set():
    seats = SeatSet(4, (Seat(0, "v", bytes(32)),))
    start = EpochStart(3, 10, 1_000, b"c" * 32)
    params = Params(epoch_blocks=5, epoch_ms=500)
    state = build_state(3, seats)
    state[EPOCH_START_KEY] = start.encode()

    def end(height, time_ms, executed):
        claim = Executed(executed, b"w" * 32, *[bytes(32)] * 3)
        header = build_header(height, epoch=3, time_ms=time_ms, executed=claim)
        execution = open_block(state, header, params, b"d" * 32)
        writes = close_block(execution)
        return execution.next_set, writes

    for before in ((14, 1_499, 10), (14, 1_499, 13), (15, 1_500, 9)):
        assert end(*before) == (None, [])
    for last in ((15, 1_001, 10), (11, 1_500, 10), (16, 2_000, 15)):
        given, writes = end(*last)
        assert given == seats.follow(5)
        following = EpochStart(4, last[0], last[1], b"w" * 32)
        assert writes == [
            (EPOCH_START_KEY, following.encode()),
            (compute_set_key(5), given.encode()),
            (PERFORMANCE_KEY, Performance.start(4, 1).encode()),
        ]


ADDRESSES = [bytes([i]) * 32 for i in range(1, 6)] + [TREASURY]
AMOUNTS = st.one_of(st.integers(1, 2_000), st.integers(1, UINT64_MAX))
PAYLOADS = st.lists(
    st.builds(Transfer, st.sampled_from(ADDRESSES), st.sampled_from(ADDRESSES), AMOUNTS),
    min_size=1, max_size=4,
)  # fmt: skip
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(ADDRESSES[:5]), st.integers(0, 2), st.integers(0, 4), PAYLOADS,
        st.sampled_from([b"", b"k1", b"k2"]), st.integers(0, 500), st.integers(-2, 14),
    ),
    max_size=25,
)  # fmt: skip


def run(blocks, slices):
    world = World(a=5_000, b=3_000)
    world.state[compute_account_key(C)] = Account(SUPPLY_MAX - 10_000, {}).encode()
    digest = bytes(32)
    outcomes = Counter()
    for number, actions in enumerate(blocks):
        transactions = [
            make(
                sender, *payloads, lane=lane, idempotency_key=key, tip=tip, id=Hash(bytes(32)),
                sequence=world.account(sender).lanes.get(lane, 0) + sequence // 3,
                payload_hash=repr(payloads).encode().ljust(32)[:32],
                valid_until_height=max(number + 1 + validity, 0),
            )
            for sender, lane, sequence, payloads, key, tip, validity in actions
        ]  # fmt: skip
        before = {a: world.account(a) for a in ADDRESSES}
        receipts = world.apply(*transactions, slices=slices)
        outcomes.update(reasons(receipts))
        digest = compute_write_digest(digest, world.writes)
        fees = sum(receipt.fee for receipt in receipts)
        assert world.supply() == SUPPLY_MAX - 2_000
        if not any(
            p.to == TREASURY or p.signer == TREASURY for t in transactions for p in t.payloads
        ):
            assert world.balance(TREASURY) == before[TREASURY].balance + fees
        for address in ADDRESSES:
            assert 0 <= world.balance(address) <= SUPPLY_MAX
    return digest, outcomes


@settings(max_examples=150, deadline=None, print_blob=True)
@given(st.lists(ACTIONS, min_size=1, max_size=6))
def test_value_is_conserved_and_slices_never_matter(blocks):
    assert run(blocks, 200) == run(blocks, 1) == run(blocks, 3)
