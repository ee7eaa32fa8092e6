"""Lanes are batched by price, in turns, and by age: as the naive reference does it."""

import random
from hashlib import sha256

import pytest

from quorate.core.fees import RUNGS, compute_price
from quorate.core.gossip.entries import Account, Checked, Entry, Lane
from quorate.core.gossip.mempool import Mempool
from quorate.core.gossip.queue import Queue
from quorate.core.params import Params
from tests.unit.quorate.core.gossip.reference import Reference, list_ids


class Both:
    """A mempool and the reference, given the same."""

    def __init__(self, rng: random.Random, maker) -> None:
        self.rng, self.maker = rng, maker
        self.pool = Mempool(Params(), 10**8)
        self.reference = Reference(0)
        self.next: dict[tuple[int, int], int] = {}
        for number in range(8):
            self.pool.put_account(maker.sender(number), 10**18, [], 0)

    def insert(self) -> None:
        rng = self.rng
        place = (rng.randrange(8), rng.randrange(3))
        sequence = self.next.get(place, 0)
        weight = rng.choice((100, 250, 400))
        tx = self.maker.make(
            place[0], sequence, lane=place[1], weight=weight, size=rng.choice((100, 1_500, 5_000)),
            tip=rng.choice((0, 0, 0, 1, 7, 50)) * weight, fee_limit=rng.randrange(10, 30) * weight,
        )  # fmt: skip
        if self.pool.admit(b"x", tx) is None:
            self.next[place] = sequence + 1
            self.reference.insert(tx)

    def take(self) -> None:
        rng = self.rng
        room = (rng.randrange(5_004, 60_000), rng.randrange(1, 20), rng.randrange(400, 5_000))
        assert list_ids(self.pool.take(*room)) == self.reference.take(*room)

    def set_base_fee(self) -> None:
        base_fee = self.rng.randrange(1, 30)
        self.pool.base_fee = base_fee
        self.pool.lanes.set_base_fee(base_fee)
        self.reference.set_base_fee(base_fee)


def test_batches_are_those_of_the_reference_whatever_comes(rng: random.Random, maker) -> None:
    both = Both(rng, maker)
    actions = [both.insert] * 12 + [both.take, both.set_base_fee]
    for _ in range(3_000):
        rng.choice(actions)()
    both.pool.lanes.set_base_fee(0)
    both.reference.set_base_fee(0)
    for _ in range(10_000):
        if not len(both.pool.lanes.queue):
            break
        both.take()
    assert not both.reference.rows
    assert both.pool.lanes.ready_bytes == both.pool.lanes.queue.weight == 0


def make_lane(number: int, entries: int = 1) -> Lane:
    lane = Lane(Account(sha256(b"%d" % number).digest()), 0, 0)
    lane.ready_bytes, lane.ready_weight = 100 * entries, 300 * entries
    return lane


def test_totals_and_ladder_are_those_of_the_lanes_that_stand(rng: random.Random) -> None:
    queue, standing = Queue(), dict[Lane, int]()
    for number in range(2_000):
        if rng.random() < 0.6 or not standing:
            lane, price = (
                make_lane(number, rng.randrange(1, 5)),
                rng.randrange(2 ** rng.randrange(40)),
            )
            queue.put(lane, price)
            standing[lane] = price
        else:
            lane = rng.choice(list(standing))
            if rng.random() < 0.5:
                queue.remove(lane)
                del standing[lane]
            else:
                standing[lane] = rng.randrange(2**20)
                queue.pass_on(lane, standing[lane])
        assert queue.find_highest_price() == max(standing.values(), default=0)
        assert queue.find_lowest_price() == min(standing.values(), default=None)
    assert len(queue) == len(standing)
    assert queue.weight == sum(queue.ladder) == sum(lane.ready_weight for lane in standing)
    assert queue.bytes == sum(lane.ready_bytes for lane in standing)
    assert [weight for _, weight in queue.list_weights()] == [w for w in queue.ladder if w]


def test_prices_that_come_and_go_leave_nothing_behind() -> None:
    queue, top = Queue(), make_lane(0)
    queue.put(top, 2**40)
    for number in range(20_000):
        lane = make_lane(number)
        queue.put(lane, number)
        queue.remove(lane)
    assert len(queue._highest) < 200 and len(queue._lowest) < 200
    assert len(queue.ladder) == RUNGS


def fill(pool: Mempool, txs: list[Checked]) -> None:
    for tx in txs:
        assert pool.admit(b"x", tx) is None


def test_what_pays_more_per_weight_goes_first(maker, mempool) -> None:
    fill(mempool, [maker.make(n, 0, tip=tip) for n, tip in enumerate((5, 0, 100, 20))])
    fill(mempool, [maker.make(4, 0, tip=150, weight=300)])
    assert [entry.tip for entry in mempool.take(10**6, 5, 10**6)] == [100, 150, 20, 5, 0]


def test_one_in_eight_goes_to_the_oldest_whatever_it_pays(maker, mempool) -> None:
    fill(mempool, [maker.make(0, 0)])
    fill(mempool, [maker.make(1 + n % 9, n // 9, tip=50) for n in range(18)])
    assert [entry.tip for entry in mempool.take(10**6, 7, 10**6)] == [50] * 7
    assert [entry.tip for entry in mempool.take(10**6, 8, 10**6)] == [0] + [50] * 7


def test_nothing_jumps_its_lane_and_a_cheap_one_in_front_blocks_a_dear_one(maker, mempool) -> None:
    fill(mempool, [maker.make(0, 0, tip=0), maker.make(0, 1, tip=900), maker.make(1, 0, tip=0)])
    fill(mempool, [maker.make(n, 0, tip=50) for n in range(2, 6)])
    order = [(e.lane.account.sender, e.sequence) for e in mempool.take(10**6, 100, 10**6)]
    assert order.index((maker.sender(0), 0)) == order.index((maker.sender(0), 1)) - 1
    fill(mempool, [maker.make(0, 2, tip=0), maker.make(0, 3, tip=900)])
    fill(mempool, [maker.make(n, 1, tip=50) for n in range(2, 6)])
    assert [e.tip for e in mempool.take(10**6, 4, 10**6)] == [50, 50, 50, 50]
    assert [e.tip for e in mempool.take(10**6, 4, 10**6)] == [0, 900]


def test_at_one_price_senders_take_turns_however_many_lanes_they_use(maker, mempool) -> None:
    mempool.sender_bytes_max = mempool.bytes_max
    for lane in range(16):
        fill(mempool, [maker.make(0, n, lane=lane, size=TURN) for n in range(2)])
    fill(mempool, [maker.make(1, n, size=TURN) for n in range(4)])
    order = [e.lane.account.sender == maker.sender(1) for e in mempool.take(10**6, 8, 10**6)]
    assert order == [False, True] * 4


TURN = 4_096


def test_the_oldest_have_a_share_so_nobody_starves(maker, mempool) -> None:
    mempool.sender_bytes_max = mempool.bytes_max
    fill(mempool, [maker.make(n, 0, tip=0) for n in range(8)])
    sent, batches = 0, 0
    while any(entry.tip == 0 for entry in mempool.entries.values() if not entry.state):
        # Somebody who always has something that pays more.
        while sent < 8 * (batches + 1):
            fill(mempool, [maker.make(9, sent, tip=10_000)])
            sent += 1
        taken = mempool.take(10**6, 8, 10**6)
        assert len(taken) == 8
        batches += 1
    assert batches <= 9


def test_a_lane_whose_fee_limit_is_passed_waits_until_the_base_fee_is_down_again(maker, mempool):
    fill(mempool, [maker.make(0, 0, fee_limit=500), maker.make(0, 1), maker.make(1, 0)])
    mempool.base_fee = 6
    mempool.lanes.set_base_fee(6)
    assert [e.lane.account.sender for e in mempool.take(10**6, 9, 10**6)] == [maker.sender(1)]
    assert mempool.lanes.ready_bytes == 0
    assert mempool.take(10**6, 9, 10**6) == []
    mempool.lanes.set_base_fee(5)
    assert mempool.lanes.ready_bytes == 200
    assert [e.sequence for e in mempool.take(10**6, 9, 10**6)] == [0, 1]


def test_holds_that_come_and_go_leave_nothing_behind(maker, mempool) -> None:
    fill(mempool, [maker.make(n, 0, fee_limit=100 * (n + 1)) for n in range(10)])
    for fee in range(2_000):
        mempool.lanes.set_base_fee(fee % 12)
        entries = mempool.take(10**6, 20, 10**6)
        mempool.give_back(entries)
    assert len(mempool.lanes._held) < 200
    mempool.lanes.set_base_fee(0)
    assert len(mempool.take(10**6, 20, 10**6)) == 10


@pytest.mark.parametrize("price", [0, 1, 3, 10, 10**6])
def test_an_entry_knows_its_price_and_what_base_fee_it_bears(maker, price) -> None:
    tx = maker.make(0, 0, tip=price * 250 // 1_000, weight=250, fee_limit=999)
    entry = Entry(b"x", tx, Lane(Account(tx.sender), 0, 0))
    assert entry.price == compute_price(tx.tip, 250)
    assert entry.base_fee_max == 3
