"""The registry: names are paid for, run out, and are nobody else's to move."""

import pytest

from quorate.lang import NO_ADDRESS
from quorate.lang.testing import Chain, Deployed, reverts

YEAR_MS = 365 * 24 * 3_600_000
GRACE_MS = 30 * 24 * 3_600_000


@pytest.fixture
def registry(chain: Chain) -> Deployed:
    return chain.deploy("registry.py", 10, caller=chain.account("owner", 0))


def test_name_points_to_who_rents_it(chain: Chain, registry: Deployed) -> None:
    ann = chain.account("ann")
    expires_ms = registry.register("ann-smith", 2, caller=ann, value=20)
    assert expires_ms == chain.events[-1].fields["expires_ms"]
    assert registry.resolve("ann-smith") == ann
    assert not registry.is_free("ann-smith")
    registry.point("ann-smith", chain.account("till"), caller=ann)
    assert registry.resolve("ann-smith") == chain.account("till")


def test_short_names_are_dear(chain: Chain, registry: Deployed) -> None:
    assert (registry.price("abcde", 1), registry.price("abcdef", 1)) == (100, 10)
    with reverts("pay exactly the price"):
        registry.register("abc", 1, caller=chain.account("ann"), value=10)


def test_taken_names_are_taken(chain: Chain, registry: Deployed) -> None:
    registry.register("ann-smith", 1, caller=chain.account("ann"), value=10)
    with reverts("the name is taken"):
        registry.register("ann-smith", 1, caller=chain.account("ben"), value=10)


def test_expired_name_waits_for_its_holder_and_then_for_anyone(
    chain: Chain, registry: Deployed
) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    registry.register("ann-smith", 1, caller=ann, value=10)
    chain.advance(YEAR_MS)
    with reverts("has expired"):
        registry.resolve("ann-smith")
    with reverts("has expired"):
        registry.point("ann-smith", ben, caller=ann)
    with reverts("the name is taken"):
        registry.register("ann-smith", 1, caller=ben, value=10)
    registry.renew("ann-smith", 1, caller=ann, value=10)
    assert registry.resolve("ann-smith") == ann
    chain.advance(YEAR_MS + GRACE_MS)
    with reverts("nobody holds the name"):
        registry.renew("ann-smith", 1, caller=ann, value=10)
    registry.register("ann-smith", 1, caller=ben, value=10)
    assert registry.resolve("ann-smith") == ben


def test_nobody_rents_for_ever(chain: Chain, registry: Deployed) -> None:
    ann = chain.account("ann")
    registry.register("ann-smith", 10, caller=ann, value=100)
    with reverts("at most ten years ahead"):
        registry.renew("ann-smith", 1, caller=ann, value=10)
    with reverts("one to ten years"):
        registry.register("another", 2**63, caller=ann, value=10)


def test_only_the_holder_moves_a_name(chain: Chain, registry: Deployed) -> None:
    ann, ben = chain.account("ann"), chain.account("ben")
    registry.register("ann-smith", 1, caller=ann, value=10)
    with reverts("only the holder may"):
        registry.point("ann-smith", ben, caller=ben)
    with reverts("only the holder may"):
        registry.pass_on("ann-smith", ben, caller=ben)
    with reverts("only the holder may"):
        registry.drop("ann-smith", caller=ben)
    registry.pass_on("ann-smith", ben, caller=ann)
    assert registry.resolve("ann-smith") == ben
    with reverts("only the holder may"):
        registry.pass_on("ann-smith", ann, caller=ann)
    with reverts("drop the name instead"):
        registry.pass_on("ann-smith", NO_ADDRESS, caller=ben)


def test_dropped_name_is_free(chain: Chain, registry: Deployed) -> None:
    ann = chain.account("ann")
    before = chain.records(registry)
    registry.register("ann-smith", 1, caller=ann, value=10)
    registry.drop("ann-smith", caller=ann)
    assert registry.is_free("ann-smith")
    assert chain.records(registry) == before


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Ann", "a b", "-ann", "ann-", "änn", "ann."])
def test_odd_names_are_refused(chain: Chain, registry: Deployed, name: str) -> None:
    with reverts():
        registry.register(name, 1, caller=chain.account("ann"), value=registry.price(name, 1))
    assert registry.is_free(name)


def test_rent_is_the_owners(chain: Chain, registry: Deployed) -> None:
    owner, ann = chain.account("owner"), chain.account("ann")
    with reverts("nothing to collect"):
        registry.collect(caller=owner)
    registry.register("ann-smith", 3, caller=ann, value=30)
    with reverts("only the owner may"):
        registry.collect(caller=ann)
    assert registry.collect(caller=owner) == 30
    assert chain.balance(owner) == 30
    with reverts("only the owner may"):
        registry.set_rent(1, caller=ann)
    registry.set_rent(20, caller=owner)
    assert registry.price("ann-smith", 1) == 20
