"""How a call of a contract in Java ends: exceptions revert, traps trap, nothing half done stays."""

import pytest

from quorate.lang.testing.failures import fails, reverts
from tests.toolchains.chain import ALICE, BOB, Chain, Deployed


@pytest.fixture
def zoo_at(chain: Chain, zoo: tuple[bytes, bytes]) -> Deployed:
    return chain.deploy(*zoo)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (0, "by itself"),
        (1, "in Java's way"),
        (2, "failed"),
        (3, "failed"),
        (4, "text is null"),
        (5, "failed"),
        (8, "an event that is not declared"),
        (9, "number out of range"),
        (11, "failed"),
        (13, "cages is a map"),
    ],
)
def test_an_exception_reverts_with_its_text(zoo_at: Deployed, how: int, text: str) -> None:
    with reverts(text):
        zoo_at.call("fail", how)
    assert zoo_at.read("text") == "new"


def test_a_division_of_java_s_own_by_zero_traps(zoo_at: Deployed) -> None:
    with fails("TRAPPED", "divided by zero"):
        zoo_at.call("fail", 6)
    assert zoo_at.read("text") == "new"


def test_a_long_text_is_cut_between_characters(zoo_at: Deployed) -> None:
    with reverts("ä" * 128):
        zoo_at.call("fail", 7)


def test_endless_recursion_traps(zoo_at: Deployed) -> None:
    with fails("TRAPPED"):
        zoo_at.call("fail", 10)


def test_memory_without_end_ends(zoo_at: Deployed) -> None:
    with fails("TRAPPED"):
        zoo_at.call("fail", 14)
    assert zoo_at.call("describe").endswith("new 0 true 0")


def test_what_the_chain_refuses_has_its_reason(zoo_at: Deployed) -> None:
    with fails("HOST_REFUSED", "INSUFFICIENT_BALANCE"):
        zoo_at.call("fail", 12)


def test_what_did_not_change_is_not_stored(zoo_at: Deployed, chain: Chain) -> None:
    before = dict(chain.world.records)
    zoo_at.call("touch")
    after = dict(chain.world.records)
    assert {key for key in after if after[key] != before.get(key)} == set()


def test_a_view_can_not_change_a_map(zoo_at: Deployed) -> None:
    with reverts("a view changes nothing"):
        zoo_at.call("peek")
    # Also when it is called for good.
    with reverts("a view changes nothing"):
        zoo_at.call_raw("peek", b"")


def test_what_a_view_sets_is_not_stored(zoo_at: Deployed) -> None:
    assert zoo_at.call("pretend") == "pretended"
    zoo_at.call_raw("pretend", b"")
    assert zoo_at.read("text") == "new"


def test_value_goes_to_what_is_payable(zoo_at: Deployed, chain: Chain) -> None:
    assert zoo_at.call("pay_in", value=7) == 7
    assert chain.world.get_balance(zoo_at.address) == 7
    with reverts("this method takes no value"):
        zoo_at.call("touch", value=7)
    before = chain.world.get_balance(BOB)
    zoo_at.call("pay", BOB, 3)
    assert chain.world.get_balance(BOB) == before + 3


def test_caller_origin_and_self_are_told(zoo_at: Deployed) -> None:
    assert zoo_at.call("who", caller=BOB) == [BOB, BOB, zoo_at.address]


def test_another_contract_is_called_by_its_interface(
    zoo_at: Deployed, chain: Chain, java_token: tuple[bytes, bytes]
) -> None:
    token = chain.deploy(*java_token, "Coffee", "CFE", 2, 1000)
    token.call("transfer", zoo_at.address, 10)
    assert zoo_at.call("visit", token.address, ALICE, 4) == 6
    assert zoo_at.read("signed") == 77
    with reverts("balance too small"):
        zoo_at.call("visit", token.address, ALICE, 7)


def test_a_contract_that_is_not_there_can_not_be_called(zoo_at: Deployed) -> None:
    with fails("NO_CONTRACT"):
        zoo_at.call("visit", BOB, ALICE, 4)
