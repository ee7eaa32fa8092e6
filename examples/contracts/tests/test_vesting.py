"""Vesting: nothing before the cliff, everything at the end, what vested is never taken back."""

import pytest

from quorate.lang.testing import Chain, Deployed, reverts

DAY_MS = 24 * 3_600_000
GRANT = 1_000_000


def deploy(chain: Chain, *, revocable: bool = True, grant: int = GRANT) -> Deployed:
    return chain.deploy(
        "vesting.py", chain.account("ann", 0), 100 * DAY_MS, 400 * DAY_MS, revocable,
        caller=chain.account("granter"), value=grant,
    )  # fmt: skip


@pytest.fixture
def vesting(chain: Chain) -> Deployed:
    return deploy(chain)


def advance_to(chain: Chain, vesting: Deployed, day: int) -> None:
    chain.advance(vesting.start_ms + day * DAY_MS - chain.time_ms)


@pytest.mark.parametrize(
    ("day", "vested"),
    [(0, 0), (99, 0), (100, GRANT // 4), (200, GRANT // 2), (400, GRANT), (4_000, GRANT)],
)
def test_linear_after_the_cliff(chain: Chain, vesting: Deployed, day: int, vested: int) -> None:
    if day:
        advance_to(chain, vesting, day)
    assert vesting.vested() == vesting.claimable() == vested


def test_claims_are_paid_once(chain: Chain, vesting: Deployed) -> None:
    ann = chain.account("ann")
    with reverts("nothing to claim yet"):
        vesting.claim(caller=ann)
    advance_to(chain, vesting, 200)
    assert vesting.claim(caller=chain.account("anyone")) == GRANT // 2
    assert chain.balance(ann) == GRANT // 2
    advance_to(chain, vesting, 500)
    assert vesting.claim(caller=ann) == GRANT // 2
    with reverts("nothing to claim yet"):
        vesting.claim(caller=ann)
    assert (chain.balance(ann), chain.balance(vesting.address)) == (GRANT, 0)


def test_revoking_takes_only_what_has_not_vested(chain: Chain, vesting: Deployed) -> None:
    ann, granter = chain.account("ann"), chain.account("granter")
    advance_to(chain, vesting, 100)
    before = chain.balance(granter)
    assert vesting.revoke(caller=granter) == GRANT * 3 // 4
    assert chain.balance(granter) == before + GRANT * 3 // 4
    advance_to(chain, vesting, 400)
    assert vesting.claim(caller=ann) == GRANT // 4
    with reverts("nothing to claim yet"):
        vesting.claim(caller=ann)
    with reverts("revoked already"):
        vesting.revoke(caller=granter)
    assert chain.balance(vesting.address) == 0


def test_revoking_after_a_claim(chain: Chain, vesting: Deployed) -> None:
    advance_to(chain, vesting, 200)
    vesting.claim(caller=chain.account("ann"))
    advance_to(chain, vesting, 300)
    assert vesting.revoke(caller=chain.account("granter")) == GRANT // 4
    assert vesting.claim(caller=chain.account("ann")) == GRANT // 4


def test_who_may_revoke(chain: Chain, vesting: Deployed) -> None:
    with reverts("only the granter may"):
        vesting.revoke(caller=chain.account("ann"))
    for_good = deploy(chain, revocable=False)
    with reverts("for good"):
        for_good.revoke(caller=chain.account("granter"))
    advance_to(chain, vesting, 400)
    with reverts("everything has vested"):
        vesting.revoke(caller=chain.account("granter"))


def test_beneficiary_moves_the_grant(chain: Chain, vesting: Deployed) -> None:
    ann, new = chain.account("ann"), chain.account("ann's new key", 0)
    with reverts("only the beneficiary may"):
        vesting.change_beneficiary(new, caller=chain.account("granter"))
    vesting.change_beneficiary(new, caller=ann)
    advance_to(chain, vesting, 400)
    vesting.claim(caller=ann)
    assert (chain.balance(ann), chain.balance(new)) == (0, GRANT)


def test_huge_grants_do_not_overflow(chain: Chain) -> None:
    granter = chain.account("granter", 2**62)
    vesting = deploy(chain, grant=2**62)
    assert chain.balance(granter) == 0
    advance_to(chain, vesting, 300)
    assert vesting.vested() == 2**62 * 3 // 4


def test_senseless_grants_are_refused(chain: Chain) -> None:
    with reverts("the grant must come with it"):
        deploy(chain, grant=0)
    with reverts("the cliff lies after the end"):
        chain.deploy(
            "vesting.py", chain.account("ann"), 2, 1, True,
            caller=chain.account("granter"), value=1,
        )  # fmt: skip
