"""Modules of other toolchains keep the ABI: the same contract in Zig and in AssemblyScript."""

import json

import pytest

from quorate.core.contracts.module import check_module
from quorate.core.errors import InvalidTransaction
from quorate.lang.testing.failures import reverts
from tests.toolchains.chain import ALICE, BOB, Chain, Deployed
from tests.toolchains.conftest import EXAMPLES

MOST = 2**64 - 1


@pytest.fixture
def contract(chain: Chain, tally: tuple[bytes, bytes]) -> Deployed:
    return chain.deploy(*tally, 1000)


def test_is_a_module_of_a_few_kilobytes(tally: tuple[bytes, bytes]) -> None:
    assert check_module(tally[0], 0).has_init
    assert len(tally[0]) < 6_000


def test_adds_and_tells(contract: Deployed) -> None:
    contract.call("add", 5)
    assert contract.list_events() == [("Added", {"who": ALICE, "amount": 5, "total": 1005})]
    contract.call("add", 7, caller=BOB)
    assert contract.call("total") == contract.read("total") == 1012
    assert contract.call("count_of", ALICE) == contract.read("counts", ALICE) == 5
    assert contract.call("count_of", BOB) == 7


def test_an_account_that_never_added_has_zero(contract: Deployed) -> None:
    assert contract.call("count_of", BOB) == 0
    assert contract.read("counts", BOB) is None


def test_zero_is_no_record(contract: Deployed) -> None:
    contract.call("add", 5)
    contract.call("reset")
    assert contract.read("counts", ALICE) is None
    assert contract.list_keys() == [b"\x05total"]


def test_an_overflow_reverts_and_changes_nothing(contract: Deployed) -> None:
    with reverts("the sum is too large"):
        contract.call("add", MOST)
    assert contract.read("total") == 1000
    contract.call("add", MOST - 1000)
    assert contract.read("total") == MOST


def test_a_revert_has_its_text(contract: Deployed) -> None:
    with reverts("nothing to add"):
        contract.call("add", 0)


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(9), bytes(1000)])
def test_arguments_of_another_size_revert(contract: Deployed, data: bytes) -> None:
    with reverts():
        contract.call_raw("add", data)


def test_value_is_not_taken(contract: Deployed) -> None:
    with reverts("this method takes no value"):
        contract.call("add", 1, value=3)


def test_init_can_not_be_called_again(contract: Deployed) -> None:
    with pytest.raises(InvalidTransaction):
        contract.call_raw("init", bytes(8))


def test_npm_s_lock_holds_names_versions_and_hashes() -> None:
    lock = json.loads((EXAMPLES / "assemblyscript" / "package-lock.json").read_text())
    packages = [each for name, each in lock["packages"].items() if name]
    assert packages and all(each["integrity"].startswith("sha512-") for each in packages)
    assert not any("resolved" in each for each in packages)
