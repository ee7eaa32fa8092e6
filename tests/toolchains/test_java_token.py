"""The token in Java does what the one in typed Python does."""

import json

import pytest

from quorate.core.contracts.module import check_module
from quorate.core.errors import InvalidTransaction
from quorate.lang.testing.failures import reverts
from tests.style.sources import ROOT
from tests.toolchains.chain import ALICE, BOB, Chain, Deployed

CAROL = b"C" * 32
MOST = 2**64 - 1


@pytest.fixture
def token(chain: Chain, java_token: tuple[bytes, bytes]) -> Deployed:
    return chain.deploy(*java_token, "Coffee", "CFE", 2, 1000)


def test_module_asks_for_nothing_but_the_abi(java_token: tuple[bytes, bytes]) -> None:
    module = check_module(java_token[0], 1)
    assert module.has_init and "transfer_from" in module.methods
    assert len(java_token[0]) < 30_000


def test_interface_is_that_of_the_token_in_python(java_token: tuple[bytes, bytes]) -> None:
    from quorate.lang.build import build

    path = ROOT / "examples" / "contracts" / "token.py"
    python = json.loads(build(path.read_text(), str(path)).interface)
    java = json.loads(java_token[1])
    for part in ("variables", "events", "records"):
        assert java[part] == python[part]
    strip = [(m["name"], m["parameters"], m["returns"], m["view"]) for m in java["methods"]]
    assert strip == [
        (m["name"], m["parameters"], m["returns"], m["view"]) for m in python["methods"]
    ]
    assert java["constructor"]["parameters"] == python["constructor"]["parameters"]


def test_interface_is_stored_without_blanks(java_token: tuple[bytes, bytes]) -> None:
    document = json.loads(java_token[1])
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert java_token[1] == canonical.encode()


def test_constructor_ran_once(token: Deployed) -> None:
    assert token.read("name") == "Coffee" and token.read("decimals") == 2
    assert token.read("owner") == ALICE and token.read("supply") == 1000
    with pytest.raises(InvalidTransaction):
        token.call_raw("init", b"")


def test_transfer_moves_and_tells(token: Deployed) -> None:
    token.call("transfer", BOB, 5)
    assert token.list_events() == [("Transferred", {"source": ALICE, "to": BOB, "amount": 5})]
    assert token.call("balance_of", BOB) == token.read("balances", BOB) == 5
    assert token.read("balances", ALICE) == 995


def test_who_never_had_any_has_zero(token: Deployed) -> None:
    assert token.call("balance_of", CAROL) == 0
    assert token.read("balances", CAROL) is None


def test_a_balance_of_zero_is_no_record(token: Deployed) -> None:
    token.call("transfer", BOB, 1000)
    assert token.read("balances", ALICE) is None


def test_more_than_there_is_reverts_and_changes_nothing(token: Deployed) -> None:
    with reverts("balance too small"):
        token.call("transfer", BOB, 1001)
    assert token.read("balances", ALICE) == 1000


def test_an_overflow_reverts_and_changes_nothing(token: Deployed) -> None:
    with reverts("arithmetic overflow"):
        token.call("mint", BOB, MOST)
    assert token.read("supply") == 1000 and token.read("balances", BOB) is None


def test_only_the_owner_mints(token: Deployed) -> None:
    with reverts("only the owner may"):
        token.call("mint", BOB, 1, caller=BOB)
    token.call("change_owner", BOB)
    token.call("mint", BOB, 1, caller=BOB)
    assert token.read("supply") == 1001


def test_allowances_are_spent(token: Deployed) -> None:
    token.call("approve", BOB, 10, 0)
    with reverts("the allowance is another by now"):
        token.call("approve", BOB, 20, 0)
    token.call("transfer_from", ALICE, CAROL, 4, caller=BOB)
    assert token.call("allowance", ALICE, BOB) == token.read("allowances", ALICE, BOB) == 6
    with reverts("more than the holder approved"):
        token.call("transfer_from", ALICE, CAROL, 7, caller=BOB)
    assert token.read("balances", CAROL) == 4


def test_burned_tokens_are_gone(token: Deployed) -> None:
    token.call("burn", 400)
    assert token.read("supply") == 600 and token.call("balance_of", ALICE) == 600


@pytest.mark.parametrize("data", [b"", bytes(39), bytes(41), bytes(32_768)])
def test_malformed_arguments_revert(token: Deployed, data: bytes) -> None:
    with reverts("malformed arguments"):
        token.call_raw("transfer", data)


def test_value_is_not_taken(token: Deployed) -> None:
    with reverts("this method takes no value"):
        token.call("transfer", BOB, 5, value=1)


def test_a_transfer_costs_less_than_a_tenth_of_a_millisecond_of_fuel(token: Deployed) -> None:
    token.call("transfer", BOB, 5)
    token.call("transfer", BOB, 5)
    print("fuel of a transfer:", token.done.fuel)
