"""The chain for authors' tests: calls are blocks, failed ones leave nothing, values come back."""

from pathlib import Path

import pytest

from quorate.core.contracts.payloads import FUEL_MAX
from quorate.lang import NO_ADDRESS, InvalidContract
from quorate.lang.testing import CallFailed, Chain, Told, fails, reverts

SOURCE = '''
"""A box."""

from quorate.lang import (
    Address, Contract, Event, List, Map, Record, emit, payable, public, revert, transfer, u8, u64,
    view,
)


class Thing(Record):
    name: str
    sizes: List[u8]


class Put(Event):
    thing: Thing
    from_: Address


class Box(Contract):
    count: u64
    things: Map[u64, Thing]
    marks: Map[Address, Map[u8, bool]]

    @payable
    def __init__(self) -> None:
        pass

    @public
    @payable
    def put(self, thing: Thing) -> u64:
        self.things[self.count] = thing
        self.count += 1
        self.marks[self.caller][7] = True
        emit(Put(thing, self.caller))
        return self.count

    @public
    def pay_then_fail(self, to: Address) -> None:
        transfer(to, 1)
        self.count = 99
        revert("no")

    @view
    def get(self, number: u64) -> Thing:
        return self.things[number]
'''


@pytest.fixture(params=["shim", "compiled"])
def chain(request: pytest.FixtureRequest) -> Chain:
    return Chain(backend=request.param)


def deploy(chain: Chain):  # type: ignore[no-untyped-def]
    return chain.deploy_source((SOURCE, "box.py"), caller=chain.account("ann"), value=5)


def test_values_go_in_and_come_out(chain: Chain) -> None:
    box, ann = deploy(chain), chain.account("ann")
    thing = box.Thing("ball", [1, 2])
    assert box.put(thing, caller=ann, value=3) == 1
    assert box.get(0) == box.things[0] == thing
    assert box.count == 1
    assert 0 in box.things and 1 not in box.things
    assert box.marks[ann][7] and ann in box.marks and NO_ADDRESS not in box.marks
    assert chain.events == [Told(box.address, "Put", {"thing": thing, "from": ann})]
    assert chain.balance(box.address) == 8
    assert len(chain.records(box)) == 3


def test_failed_call_leaves_nothing(chain: Chain) -> None:
    box, ben = deploy(chain), chain.account("ben", 10)
    before = chain.height, chain.time_ms
    with reverts("no"):
        box.pay_then_fail(ben, caller=ben)
    assert (box.count, chain.balance(ben), chain.balance(box.address)) == (0, 10, 5)
    assert (chain.height, chain.time_ms) == before


def test_calls_are_blocks_and_views_are_not(chain: Chain) -> None:
    box, before = deploy(chain), chain.height
    box.get(0)
    assert chain.height == before
    box.put(box.Thing("a", []), caller=chain.account("ann"))
    chain.advance(5_000)
    assert chain.height == before + 2


def test_failures_say_where(chain: Chain) -> None:
    box = deploy(chain)
    with pytest.raises(CallFailed) as failed:
        box.pay_then_fail(NO_ADDRESS, caller=chain.account("ann"))
    line = SOURCE.splitlines().index('        revert("no")') + 1
    assert (failed.value.reason, failed.value.text, failed.value.line) == ("REVERTED", "no", line)


def test_expectations_that_are_not_met_fail(chain: Chain) -> None:
    box, ann = deploy(chain), chain.account("ann")
    with pytest.raises(AssertionError, match="nothing failed"), reverts():
        box.get(0)
    with pytest.raises(AssertionError, match="it failed with REVERTED: no"), reverts("yes"):
        box.pay_then_fail(ann, caller=ann)
    with pytest.raises(AssertionError, match="it failed with REVERTED: no"), fails("TRAPPED"):
        box.pay_then_fail(ann, caller=ann)


def test_nobody_pays_what_they_lack(chain: Chain) -> None:
    box, ben = deploy(chain), chain.account("ben", 10)
    with fails("HOST_REFUSED", "INSUFFICIENT_BALANCE"):
        box.put(box.Thing("a", []), caller=ben, value=11)


def test_wrong_use_is_an_error_of_the_test(chain: Chain) -> None:
    box = deploy(chain)
    with pytest.raises(TypeError, match="pass caller="):
        box.put(box.Thing("a", []))
    with pytest.raises(TypeError, match=r"0 arguments for \(number\)"):
        box.get()
    with pytest.raises(AttributeError, match="Box has no public method and no variable 'absent'"):
        _ = box.absent
    with pytest.raises(FileNotFoundError, match=r"no absent\.py"):
        chain.deploy("absent.py", caller=chain.account("ann"))


def test_deposits_can_be_turned_on() -> None:
    chain = Chain(deposit_per_byte=10)
    ann = chain.account("ann", 10_000_000)
    chain.deploy_source((SOURCE, "box.py"), caller=ann)
    assert chain.balance(ann) < 10_000_000


def test_fuel_is_counted_when_compiled() -> None:
    chain = Chain(backend="compiled")
    box = deploy(chain)
    box.put(box.Thing("a", []), caller=chain.account("ann"))
    assert 0 < chain.fuel_used < FUEL_MAX // 10
    with fails("OUT_OF_FUEL"):
        box.put(box.Thing("a", []), caller=chain.account("ann"), fuel=chain.fuel_used // 2)


def test_what_is_no_contract_is_refused(chain: Chain, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 5.0\n")
    other = Chain(tmp_path)
    with pytest.raises(InvalidContract, match=r"bad\.py:1:"):
        other.deploy("bad.py", caller=other.account("ann"))
