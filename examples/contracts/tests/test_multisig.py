"""The wallet of several owners: nothing leaves without enough of them, and nothing twice."""

import pytest

from quorate.lang import Address
from quorate.lang.testing import Chain, Deployed, reverts

LIFETIME_MS = 14 * 24 * 3_600_000


@pytest.fixture
def owners(chain: Chain) -> list[Address]:
    return [chain.account(f"owner {number}") for number in range(3)]


@pytest.fixture
def wallet(chain: Chain, owners: list[Address]) -> Deployed:
    return chain.deploy("multisig.py", owners, 2, caller=chain.account("payer"), value=1_000)


@pytest.fixture
def shop(chain: Chain) -> Address:
    return chain.account("shop", balance=0)


def test_two_of_three_pay(
    chain: Chain, wallet: Deployed, owners: list[Address], shop: Address
) -> None:
    number = wallet.propose(shop, 300, caller=owners[0])
    wallet.confirm(number, caller=owners[1])
    wallet.execute(number, caller=owners[2])
    assert chain.balance(shop) == 300
    assert chain.balance(wallet.address) == 700
    assert wallet.get_proposal(number).executed
    assert [told.name for told in chain.events] == [
        "Proposed",
        "Confirmed",
        "Confirmed",
        "Executed",
    ]


def test_one_is_not_enough(
    chain: Chain, wallet: Deployed, owners: list[Address], shop: Address
) -> None:
    number = wallet.propose(shop, 300, caller=owners[0])
    with reverts("not enough owners"):
        wallet.execute(number, caller=owners[0])
    with reverts("confirmed already"):
        wallet.confirm(number, caller=owners[0])
    assert chain.balance(shop) == 0


def test_strangers_do_nothing(
    chain: Chain, wallet: Deployed, owners: list[Address], shop: Address
) -> None:
    stranger = chain.account("stranger")
    number = wallet.propose(shop, 300, caller=owners[0])
    with reverts("only an owner may"):
        wallet.propose(shop, 300, caller=stranger)
    for method in (wallet.confirm, wallet.revoke, wallet.execute):
        with reverts("only an owner may"):
            method(number, caller=stranger)


def test_nothing_is_paid_twice(
    chain: Chain, wallet: Deployed, owners: list[Address], shop: Address
) -> None:
    number = wallet.propose(shop, 300, caller=owners[0])
    wallet.confirm(number, caller=owners[1])
    wallet.execute(number, caller=owners[1])
    for method in (wallet.execute, wallet.confirm, wallet.revoke):
        with reverts("paid already"):
            method(number, caller=owners[2])
    assert chain.balance(shop) == 300


def test_confirmation_taken_back_does_not_count(
    wallet: Deployed, owners: list[Address], shop: Address
) -> None:
    number = wallet.propose(shop, 300, caller=owners[0])
    wallet.confirm(number, caller=owners[1])
    wallet.revoke(number, caller=owners[0])
    with reverts("not enough owners"):
        wallet.execute(number, caller=owners[1])
    with reverts("not confirmed"):
        wallet.revoke(number, caller=owners[0])
    wallet.confirm(number, caller=owners[0])
    wallet.execute(number, caller=owners[1])


def test_old_proposal_is_dead(
    chain: Chain, wallet: Deployed, owners: list[Address], shop: Address
) -> None:
    number = wallet.propose(shop, 300, caller=owners[0])
    chain.advance(LIFETIME_MS)
    with reverts("has expired"):
        wallet.confirm(number, caller=owners[1])


def test_wallet_pays_only_what_it_has(
    chain: Chain, wallet: Deployed, owners: list[Address], shop: Address
) -> None:
    number = wallet.propose(shop, 1_001, caller=owners[0])
    wallet.confirm(number, caller=owners[1])
    with reverts("holds less"):
        wallet.execute(number, caller=owners[0])
    wallet.pay_in(caller=chain.account("payer"), value=1)
    wallet.execute(number, caller=owners[0])
    assert (chain.balance(shop), chain.balance(wallet.address)) == (1_001, 0)


def test_unknown_proposal(wallet: Deployed, owners: list[Address]) -> None:
    with reverts("no such proposal"):
        wallet.confirm(7, caller=owners[0])


@pytest.mark.parametrize(
    ("indices", "needed", "text"),
    [
        ([], 1, "1 to 16 owners"),
        (list(range(17)), 1, "1 to 16 owners"),
        ([0, 1], 0, "between one and all"),
        ([0, 1], 3, "between one and all"),
        ([0, 1, 0], 2, "named twice"),
    ],
)
def test_senseless_wallets_are_refused(
    chain: Chain, indices: list[int], needed: int, text: str
) -> None:
    owners = [chain.account(f"owner {index}") for index in indices]
    with reverts(text):
        chain.deploy("multisig.py", owners, needed, caller=chain.account("payer"))
