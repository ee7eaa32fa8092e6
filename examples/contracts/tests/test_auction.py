"""The auction: the highest bid wins, nobody loses what was outbid, nobody is paid twice."""

import pytest

from quorate.lang import NO_ADDRESS
from quorate.lang.testing import Chain, Deployed, reverts

HOUR_MS = 3_600_000
EXTENSION_MS = 5 * 60_000


@pytest.fixture
def auction(chain: Chain) -> Deployed:
    return chain.deploy(
        "auction.py", "a blue vase", 100, 10, HOUR_MS, caller=chain.account("seller", 0)
    )


def test_highest_bid_wins(chain: Chain, auction: Deployed) -> None:
    seller, ann, ben = chain.account("seller"), chain.account("ann", 500), chain.account("ben", 500)
    auction.bid(caller=ann, value=100)
    auction.bid(caller=ben, value=110)
    auction.bid(caller=ann, value=200)
    chain.advance(HOUR_MS)
    auction.settle(caller=ben)
    assert chain.balance(seller) == 200
    assert auction.withdraw(caller=ann) == 100
    assert auction.withdraw(caller=ben) == 110
    assert (chain.balance(ann), chain.balance(ben)) == (300, 500)
    assert chain.balance(auction.address) == 0


def test_bids_go_up_by_the_step(chain: Chain, auction: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    assert auction.minimum() == 100
    with reverts("bid more"):
        auction.bid(caller=ann, value=99)
    auction.bid(caller=ann, value=100)
    assert auction.minimum() == 110
    with reverts("bid more"):
        auction.bid(caller=ben, value=109)


def test_seller_does_not_bid(chain: Chain, auction: Deployed) -> None:
    with reverts("the seller may not bid"):
        auction.bid(caller=chain.account("seller"), value=0)


def test_late_bid_moves_the_end(chain: Chain, auction: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    chain.advance(auction.end_ms - chain.time_ms - 60_000)
    end_ms = chain.time_ms + EXTENSION_MS
    auction.bid(caller=ann, value=100)
    assert auction.end_ms == end_ms
    chain.advance(120_000)
    with reverts("the auction still runs"):
        auction.settle(caller=ann)
    auction.bid(caller=ben, value=150)


def test_no_bids_after_the_end(chain: Chain, auction: Deployed) -> None:
    chain.advance(HOUR_MS)
    with reverts("the auction has ended"):
        auction.bid(caller=chain.account("ann"), value=100)


def test_nothing_is_withdrawn_twice(chain: Chain, auction: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    auction.bid(caller=ann, value=100)
    with reverts("nothing to withdraw"):
        auction.withdraw(caller=ann)
    auction.bid(caller=ben, value=200)
    auction.withdraw(caller=ann)
    with reverts("nothing to withdraw"):
        auction.withdraw(caller=ann)
    assert chain.balance(auction.address) == 200


def test_refunds_add_up(chain: Chain, auction: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    for step in range(3):
        auction.bid(caller=ann, value=100 + 20 * step)
        auction.bid(caller=ben, value=110 + 20 * step)
    assert auction.refund_of(ann) == 100 + 120 + 140
    assert auction.refund_of(ben) == 110 + 130


def test_settled_once(chain: Chain, auction: Deployed) -> None:
    auction.bid(caller=chain.account("ann"), value=100)
    with reverts("the auction still runs"):
        auction.settle(caller=chain.account("ann"))
    chain.advance(HOUR_MS)
    auction.settle(caller=chain.account("ann"))
    with reverts("settled already"):
        auction.settle(caller=chain.account("seller"))


def test_auction_without_bids(chain: Chain, auction: Deployed) -> None:
    chain.advance(HOUR_MS)
    auction.settle(caller=chain.account("seller"))
    assert chain.events[-1].fields == {"winner": NO_ADDRESS, "amount": 0}
    assert chain.balance(chain.account("seller")) == 0
