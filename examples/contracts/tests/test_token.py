"""The token: who may move, take, make and destroy what."""

import pytest

from quorate.lang import NO_ADDRESS
from quorate.lang.testing import Chain, Deployed, Told, reverts

U64_MAX = 2**64 - 1


@pytest.fixture
def token(chain: Chain) -> Deployed:
    return chain.deploy("token.py", "Gold", "AU", 2, 1_000, caller=chain.account("owner"))


def test_first_supply_is_the_owners(chain: Chain, token: Deployed) -> None:
    owner = chain.account("owner")
    assert (token.name, token.symbol, token.decimals) == ("Gold", "AU", 2)
    assert token.owner == owner
    assert token.supply == token.balance_of(owner) == 1_000
    fields = {"source": NO_ADDRESS, "to": owner, "amount": 1_000}
    assert chain.events == [Told(token.address, "Transferred", fields)]


def test_token_needs_a_name(chain: Chain) -> None:
    with reverts("a name and a symbol"):
        chain.deploy("token.py", "", "AU", 2, 0, caller=chain.account("owner"))


def test_transfer_moves(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    token.transfer(bob, 300, caller=owner)
    assert (token.balances[owner], token.balances[bob], token.supply) == (700, 300, 1_000)
    told = Told(token.address, "Transferred", {"source": owner, "to": bob, "amount": 300})
    assert chain.events[-1] == told


def test_nobody_sends_more_than_they_have(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    with reverts("balance too small"):
        token.transfer(bob, 1_001, caller=owner)
    with reverts("balance too small"):
        token.transfer(owner, 1, caller=bob)
    assert token.balances[owner] == 1_000


def test_transfer_to_oneself_makes_nothing(chain: Chain, token: Deployed) -> None:
    owner = chain.account("owner")
    token.transfer(owner, 400, caller=owner)
    assert token.balances[owner] == 1_000


def test_nothing_is_sent_to_nobody(chain: Chain, token: Deployed) -> None:
    with reverts("burn tokens instead"):
        token.transfer(NO_ADDRESS, 1, caller=chain.account("owner"))


def test_empty_balance_is_no_record(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    before = len(chain.records(token))
    token.transfer(bob, 1_000, caller=owner)
    assert owner not in token.balances and bob in token.balances
    assert len(chain.records(token)) == before


def test_spender_takes_what_was_approved_and_no_more(chain: Chain, token: Deployed) -> None:
    owner, bob, carol = (chain.account(name) for name in ("owner", "bob", "carol"))
    token.approve(bob, 100, 0, caller=owner)
    token.transfer_from(owner, carol, 60, caller=bob)
    assert token.allowance(owner, bob) == 40
    assert token.balances[carol] == 60
    with reverts("more than the holder approved"):
        token.transfer_from(owner, carol, 41, caller=bob)
    with reverts("more than the holder approved"):
        token.transfer_from(owner, carol, 1, caller=carol)


def test_allowance_does_not_help_where_there_is_no_balance(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    token.approve(bob, U64_MAX, 0, caller=owner)
    with reverts("balance too small"):
        token.transfer_from(owner, bob, 1_001, caller=bob)


def test_allowance_is_changed_only_by_who_knows_it(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    token.approve(bob, 100, 0, caller=owner)
    token.transfer_from(owner, bob, 100, caller=bob)
    # The owner wanted 50 instead of 100; bob took the 100 first, and can't have the 50 as well.
    with reverts("the allowance is another by now"):
        token.approve(bob, 50, 100, caller=owner)


def test_only_the_owner_mints(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    token.mint(bob, 5, caller=owner)
    assert (token.balances[bob], token.supply) == (5, 1_005)
    with reverts("only the owner may"):
        token.mint(bob, 5, caller=bob)


def test_supply_never_overflows(chain: Chain, token: Deployed) -> None:
    owner = chain.account("owner")
    token.mint(owner, U64_MAX - 1_000, caller=owner)
    assert token.supply == U64_MAX
    with reverts("overflow"):
        token.mint(owner, 1, caller=owner)
    assert token.supply == U64_MAX


def test_holder_burns_its_own(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    token.burn(400, caller=owner)
    assert (token.balances[owner], token.supply) == (600, 600)
    assert chain.events[-1].fields["to"] == NO_ADDRESS
    with reverts("balance too small"):
        token.burn(1, caller=bob)


def test_ownership_is_given_away_for_good(chain: Chain, token: Deployed) -> None:
    owner, bob = chain.account("owner"), chain.account("bob")
    token.change_owner(bob, caller=owner)
    with reverts("only the owner may"):
        token.mint(owner, 1, caller=owner)
    token.change_owner(NO_ADDRESS, caller=bob)
    for account in (owner, bob):
        with reverts("only the owner may"):
            token.mint(account, 1, caller=account)


def test_token_takes_no_money(chain: Chain, token: Deployed) -> None:
    with reverts("takes no value"):
        token.transfer(chain.account("bob"), 1, caller=chain.account("owner"), value=5)
    assert chain.balance(token.address) == 0
