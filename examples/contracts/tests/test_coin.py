"""The native token by code: sold at its price up to its cap, held by the chain."""

import pytest

from quorate.lang.testing import Chain, Deployed, fails, reverts


@pytest.fixture
def coin(chain: Chain) -> Deployed:
    return chain.deploy("coin.py", "COIN", "Coin", 100, 7, caller=chain.account("owner", 0))


def test_buyers_hold_native_tokens(chain: Chain, coin: Deployed) -> None:
    ann = chain.account("ann", 1_000)
    coin.buy(10, caller=ann, value=70)
    assert chain.token_balance(coin.token, ann) == 10
    assert (chain.balance(ann), chain.balance(coin.address)) == (930, 70)
    assert coin.left() == 90


def test_price_is_exact(chain: Chain, coin: Deployed) -> None:
    for value in (0, 69, 71):
        with reverts("pay exactly the price"):
            coin.buy(10, caller=chain.account("ann"), value=value)
    with reverts("not so many are left"):
        coin.buy(2**63, caller=chain.account("ann"), value=0)
    # With a sale under way the sum itself no longer fits.
    coin.buy(1, caller=chain.account("ann"), value=7)
    with reverts("overflow"):
        coin.buy(2**64 - 1, caller=chain.account("ann"), value=7)


def test_cap_holds(chain: Chain, coin: Deployed) -> None:
    ann = chain.account("ann")
    coin.buy(100, caller=ann, value=700)
    with reverts("not so many are left"):
        coin.buy(1, caller=ann, value=7)


def test_owner_closes_and_collects(chain: Chain, coin: Deployed) -> None:
    owner, ann = chain.account("owner"), chain.account("ann")
    coin.buy(3, caller=ann, value=21)
    with reverts("only the owner may"):
        coin.close(caller=ann)
    with reverts("only the owner may"):
        coin.collect(caller=ann)
    coin.close(caller=owner)
    with reverts("the sale is closed"):
        coin.buy(1, caller=ann, value=7)
    assert coin.collect(caller=owner) == chain.balance(owner) == 21


def test_chain_has_rules_of_its_own_for_tokens(chain: Chain) -> None:
    with fails("HOST_REFUSED", "a symbol has"):
        chain.deploy("coin.py", "no symbol", "Coin", 100, 7, caller=chain.account("owner"))
