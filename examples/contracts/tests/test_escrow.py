"""The escrow: who gets the payment when, and that it is paid out once."""

import pytest

from quorate.lang.testing import Chain, Deployed, reverts

DAY_MS = 24 * 3_600_000
RULING_MS = 30 * DAY_MS


@pytest.fixture
def sale(chain: Chain) -> Deployed:
    deadline_ms = chain.time_ms + DAY_MS
    return chain.deploy(
        "escrow.py", chain.account("seller", 0), chain.account("arbiter"), deadline_ms,
        caller=chain.account("buyer", 1_000), value=600,
    )  # fmt: skip


def test_content_buyer_releases(chain: Chain, sale: Deployed) -> None:
    sale.release(caller=chain.account("buyer"))
    assert chain.balance(chain.account("seller")) == 600
    assert chain.events[-1].fields == {"to_seller": 600, "to_buyer": 0}
    assert sale.get_stage() == 2


def test_seller_refunds(chain: Chain, sale: Deployed) -> None:
    sale.refund(caller=chain.account("seller"))
    assert chain.balance(chain.account("buyer")) == 1_000


def test_silent_buyer_pays(chain: Chain, sale: Deployed) -> None:
    with reverts("still has time to dispute"):
        sale.claim(caller=chain.account("seller"))
    chain.advance(DAY_MS)
    with reverts("only the seller may"):
        sale.claim(caller=chain.account("buyer"))
    sale.claim(caller=chain.account("seller"))
    assert chain.balance(chain.account("seller")) == 600


def test_arbiter_divides(chain: Chain, sale: Deployed) -> None:
    sale.dispute("the vase came broken", caller=chain.account("buyer"))
    chain.advance(2 * DAY_MS)
    with reverts("only the buyer may"):
        sale.claim(caller=chain.account("seller"))
    with reverts("more than the payment"):
        sale.rule(601, caller=chain.account("arbiter"))
    sale.rule(150, caller=chain.account("arbiter"))
    assert chain.balance(chain.account("seller")) == 150
    assert chain.balance(chain.account("buyer")) == 850
    assert chain.balance(sale.address) == 0


def test_silent_arbiter_gives_it_back(chain: Chain, sale: Deployed) -> None:
    sale.dispute("nothing came", caller=chain.account("buyer"))
    with reverts("the arbiter still has time"):
        sale.claim(caller=chain.account("buyer"))
    chain.advance(RULING_MS)
    with reverts("too late to decide"):
        sale.rule(600, caller=chain.account("arbiter"))
    sale.claim(caller=chain.account("buyer"))
    assert chain.balance(chain.account("buyer")) == 1_000


def test_dispute_has_its_time(chain: Chain, sale: Deployed) -> None:
    with reverts("only the buyer may"):
        sale.dispute("mine", caller=chain.account("seller"))
    chain.advance(DAY_MS)
    with reverts("the deadline has passed"):
        sale.dispute("too late", caller=chain.account("buyer"))


def test_dispute_is_opened_once(chain: Chain, sale: Deployed) -> None:
    sale.dispute("broken", caller=chain.account("buyer"))
    with reverts("disputed already"):
        sale.dispute("still broken", caller=chain.account("buyer"))


def test_arbiter_rules_disputes_only(chain: Chain, sale: Deployed) -> None:
    with reverts("there is no dispute"):
        sale.rule(600, caller=chain.account("arbiter"))
    sale.dispute("broken", caller=chain.account("buyer"))
    with reverts("only the arbiter may"):
        sale.rule(600, caller=chain.account("seller"))


def test_payment_goes_out_once(chain: Chain, sale: Deployed) -> None:
    buyer, seller, arbiter = (chain.account(each) for each in ("buyer", "seller", "arbiter"))
    sale.dispute("broken", caller=buyer)
    sale.rule(600, caller=arbiter)
    chain.advance(2 * RULING_MS)
    for again in (
        lambda: sale.release(caller=buyer),
        lambda: sale.refund(caller=seller),
        lambda: sale.claim(caller=buyer),
        lambda: sale.claim(caller=seller),
    ):
        with reverts("closed already"):
            again()
    with reverts("there is no dispute"):
        sale.rule(600, caller=arbiter)
    assert chain.balance(seller) == 600


@pytest.mark.parametrize(
    ("parties", "days", "value", "text"),
    [
        (("seller", "arbiter"), 1, 0, "the payment must come"),
        (("seller", "arbiter"), 0, 5, "has passed already"),
        (("buyer", "arbiter"), 1, 5, "buyer and seller are the same"),
        (("seller", "seller"), 1, 5, "must be a third"),
        (("seller", "buyer"), 1, 5, "must be a third"),
    ],
)
def test_unfair_sales_are_refused(
    chain: Chain, parties: tuple[str, str], days: int, value: int, text: str
) -> None:
    seller, arbiter = (chain.account(name) for name in parties)
    deadline_ms = chain.time_ms + days * DAY_MS
    with reverts(text):
        chain.deploy(
            "escrow.py", seller, arbiter, deadline_ms, caller=chain.account("buyer"), value=value
        )
