"""The market: its product never falls, and nobody gets less than they asked for."""

import pytest

from quorate.lang.testing import Chain, Deployed, fails, reverts

NATIVE, TOKENS = 1_000_000, 4_000_000

HOSTILE = '''
"""A token that calls the market while the market calls it."""

from quorate.lang import Address, Contract, Interface, public, u64


class Market(Interface):
    def sell(self, tokens: u64, native_min: u64) -> u64: ...


class Hostile(Contract):
    market: Address

    @public
    def aim(self, market: Address) -> None:
        self.market = market

    @public
    def transfer(self, to: Address, amount: u64) -> None:
        pass

    @public
    def transfer_from(self, holder: Address, to: Address, amount: u64) -> None:
        if amount == 13:
            Market(self.market).sell(13, 0)
'''


@pytest.fixture
def token(chain: Chain) -> Deployed:
    return chain.deploy("token.py", "Gold", "AU", 0, 10 * TOKENS, caller=chain.account("ann"))


@pytest.fixture
def market(chain: Chain, token: Deployed) -> Deployed:
    ann = chain.account("ann")
    market = chain.deploy("swap.py", token.address, caller=ann)
    token.approve(market.address, 10 * TOKENS, 0, caller=ann)
    market.provide(TOKENS, 0, caller=ann, value=NATIVE)
    return market


def check_stock(chain: Chain, token: Deployed, market: Deployed) -> None:
    assert chain.balance(market.address) == market.native
    assert token.balance_of(market.address) == market.tokens


def test_first_provider_sets_the_price(chain: Chain, token: Deployed, market: Deployed) -> None:
    assert (market.native, market.tokens) == (NATIVE, TOKENS)
    assert market.shares[chain.account("ann")] == market.total_shares == NATIVE
    check_stock(chain, token, market)


def test_buy_and_sell_back_loses_the_fees(chain: Chain, token: Deployed, market: Deployed) -> None:
    ben = chain.account("ben", 10_000)
    product = market.native * market.tokens
    tokens = market.buy(0, caller=ben, value=10_000)
    assert 39_000 < tokens < 40_000
    token.approve(market.address, tokens, 0, caller=ben)
    native = market.sell(tokens, 0, caller=ben)
    assert 9_900 < native < 10_000
    assert chain.balance(ben) == native
    assert market.native * market.tokens > product
    check_stock(chain, token, market)


def test_trades_give_what_was_asked_for_or_nothing(chain: Chain, market: Deployed) -> None:
    ben = chain.account("ben")
    offered = market.price_of_native(10_000)
    with reverts("fewer than you want"):
        market.buy(offered + 1, caller=ben, value=10_000)
    market.buy(1, caller=ben, value=50_000)
    with reverts("fewer than you want"):
        market.buy(offered, caller=ben, value=10_000)


def test_selling_needs_approval(chain: Chain, token: Deployed, market: Deployed) -> None:
    ben = chain.account("ben")
    market.buy(0, caller=ben, value=10_000)
    before = chain.balance(market.address)
    with reverts("more than the holder approved"):
        market.sell(100, 0, caller=ben)
    assert chain.balance(market.address) == before
    check_stock(chain, token, market)


def test_providers_earn_the_fees(chain: Chain, token: Deployed, market: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    for _ in range(5):
        market.buy(0, caller=ben, value=100_000)
        bought = token.balance_of(ben)
        token.approve(market.address, bought, token.allowance(ben, market.address), caller=ben)
        market.sell(bought, 0, caller=ben)
    market.withdraw(market.shares[ann], NATIVE + 1, 0, caller=ann)
    assert (market.native, market.tokens, market.total_shares) == (0, 0, 0)
    check_stock(chain, token, market)


def test_second_provider_gets_their_part(chain: Chain, token: Deployed, market: Deployed) -> None:
    ann, cleo = chain.account("ann"), chain.account("cleo")
    token.transfer(cleo, TOKENS, caller=ann)
    token.approve(market.address, TOKENS, 0, caller=cleo)
    with reverts("more tokens are needed"):
        market.provide(100, 0, caller=cleo, value=NATIVE // 2)
    shares = market.provide(TOKENS, 1, caller=cleo, value=NATIVE // 2)
    assert shares == NATIVE // 2
    market.withdraw(shares, NATIVE // 2, TOKENS // 2, caller=cleo)
    with reverts("don't have so many shares"):
        market.withdraw(1, 0, 0, caller=cleo)
    check_stock(chain, token, market)


def test_gifts_move_no_price(chain: Chain, token: Deployed, market: Deployed) -> None:
    price = market.price_of_native(1_000)
    token.transfer(market.address, TOKENS, caller=chain.account("ann"))
    assert market.price_of_native(1_000) == price


def test_empty_market_quotes_nothing(chain: Chain, token: Deployed) -> None:
    market = chain.deploy("swap.py", token.address, caller=chain.account("ann"))
    with reverts("the market has no stock"):
        market.price_of_native(1)


def test_hostile_token_does_not_come_in_again(chain: Chain) -> None:
    ann = chain.account("ann")
    hostile = chain.deploy_source((HOSTILE, "hostile.py"), caller=ann)
    market = chain.deploy("swap.py", hostile.address, caller=ann)
    hostile.aim(market.address, caller=ann)
    market.provide(1_000, 0, caller=ann, value=1_000)
    with fails("REENTERED"):
        market.sell(13, 0, caller=ann)
    assert market.tokens == 1_000
