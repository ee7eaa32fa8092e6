"""Contracts in typed Python that mean harm, and callers that do: what it costs them, and no more.

Modules that no build of ours would make are in tests of the module checker and the machine.
"""

import pytest

from quorate.core.contracts.payloads import FUEL_MAX
from quorate.lang.testing import CallFailed, Chain, Deployed, fails, reverts

HOSTILE = '''
"""Whatever a contract might try."""

from quorate.lang import (
    Address, Contract, Event, Interface, List, Map, balance, emit, public, sha256, transfer, u8,
    u64, view,
)


class Self(Interface):
    def chain(self, depth: u64) -> u64: ...
    def touch(self) -> None: ...


class Told(Event):
    data: bytes


class Hostile(Contract):
    count: u64
    data: bytes
    a: Map[str, u64]
    ab: Map[bytes, u64]
    pairs: Map[tuple[str, str], u64]
    nested: Map[str, Map[str, u64]]

    @public
    def loop(self) -> None:
        while True:
            self.count += 0

    @public
    def spin(self) -> u64:
        x = u64(0)
        while True:
            x = x ^ 1
        return x

    @public
    def recurse(self, depth: u64) -> u64:
        return deepen(depth)

    @public
    def grab(self, size: u64) -> u64:
        return len(bytes(size))

    @public
    def double(self) -> u64:
        data = bytes(1024)
        while True:
            data = data + data
        return len(data)

    @public
    def storm(self) -> u64:
        total = u64(0)
        while True:
            total = total | balance(self.caller)
        return total

    @public
    def hash_all(self) -> bytes:
        data = bytes(1_000_000)
        while True:
            data = data + sha256(data)
        return data

    @public
    def tell(self, size: u64, times: u64) -> None:
        for _ in range(times):
            emit(Told(bytes(size)))

    @public
    def answer(self, size: u64) -> bytes:
        return bytes(size)

    @public
    def keep(self, size: u64) -> None:
        data = bytes(size)
        if size > 0:
            data = data + sha256(data)
        self.data = data

    @public
    def keep_under(self, key: str) -> None:
        self.a[key] = 1

    @public
    def chain(self, depth: u64) -> u64:
        if depth == 0:
            return 0
        return Self(self.address).chain(depth - 1) + 1

    @public
    def reenter(self) -> None:
        self.count = 7
        Self(self.address).touch()

    @public
    def touch(self) -> None:
        self.count = 1

    @public
    def take(self, amount: u64) -> None:
        transfer(self.caller, amount)

    @public
    def collide(self, left: str, right: str) -> None:
        self.a[left + right] += 1
        self.ab[(left + right).encode()] += 1
        self.pairs[(left, right)] += 1
        self.nested[left][right] += 1

    @public
    def typed(self, flag: bool, number: u8, text: str, items: List[u64], who: Address) -> u64:
        return len(items)

    @view
    def look(self) -> u64:
        return self.count


def deepen(depth: u64) -> u64:
    if depth == 0:
        return 0
    return deepen(depth - 1) + 1
'''


@pytest.fixture
def chain() -> Chain:
    return Chain(backend="compiled")


def deploy(chain: Chain, *, reentrant: bool = False) -> Deployed:
    return chain.deploy_source(
        (HOSTILE, "hostile.py"), caller=chain.account("mallory"), reentrant=reentrant
    )


@pytest.mark.parametrize("method", ["loop", "spin", "storm"])
def test_endless_work_ends_with_its_fuel(chain: Chain, method: str) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    with fails("OUT_OF_FUEL"):
        getattr(hostile, method)(caller=mallory, fuel=FUEL_MAX // 10)
    assert hostile.count == 0


def test_recursion_is_bounded_and_traps(chain: Chain) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    assert hostile.recurse(100, caller=mallory) == 100
    with fails("TRAPPED"):
        hostile.recurse(1_000_000, caller=mallory)


@pytest.mark.parametrize("size", [17 * 2**20, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
def test_memory_is_bounded(chain: Chain, size: int) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    with pytest.raises(CallFailed, match=r"REVERTED|TRAPPED|OUT_OF_FUEL"):
        hostile.grab(size, caller=mallory)
    assert hostile.grab(2**20, caller=mallory) == 2**20


@pytest.mark.parametrize("method", ["double", "hash_all"])
def test_growing_without_end_ends(chain: Chain, method: str) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    with pytest.raises(CallFailed, match=r"REVERTED|TRAPPED|OUT_OF_FUEL"):
        getattr(hostile, method)(caller=mallory)


@pytest.mark.parametrize(("size", "times"), [(32_765, 1), (1_000, 33), (0, 65)])
def test_events_are_bounded(chain: Chain, size: int, times: int) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    with fails("LIMIT_EXCEEDED", "too many events"):
        hostile.tell(size, times, caller=mallory)
    hostile.tell(size // 2, times // 2, caller=mallory)


def test_results_values_and_keys_are_bounded(chain: Chain) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    assert len(hostile.answer(16_380, caller=mallory)) == 16_380
    with fails("LIMIT_EXCEEDED", "a result of 16385 bytes"):
        hostile.answer(16_381, caller=mallory)
    with fails("LIMIT_EXCEEDED", "a stored value"):
        hostile.keep(16_384, caller=mallory)
    hostile.keep_under("x" * 250, caller=mallory)
    with fails("LIMIT_EXCEEDED", "a key of 257 bytes"):
        hostile.keep_under("x" * 251, caller=mallory)


def test_nobody_comes_in_twice(chain: Chain) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    with fails("REENTERED"):
        hostile.reenter(caller=mallory)
    assert hostile.count == 0


def test_who_allows_it_comes_in_and_sees_what_was_written(chain: Chain) -> None:
    hostile, mallory = deploy(chain, reentrant=True), chain.account("mallory")
    hostile.reenter(caller=mallory)
    assert hostile.count == 1


def test_chains_of_calls_are_eight_deep(chain: Chain) -> None:
    hostile, mallory = deploy(chain, reentrant=True), chain.account("mallory")
    assert hostile.chain(7, caller=mallory) == 7
    with fails("CALL_TOO_DEEP"):
        hostile.chain(8, caller=mallory)


def test_nobody_pays_out_what_is_not_there(chain: Chain) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    with fails("HOST_REFUSED", "INSUFFICIENT_BALANCE"):
        hostile.take(1, caller=mallory)


def test_no_two_variables_share_a_key(chain: Chain) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    pairs = [("", ""), ("a", "b"), ("ab", ""), ("", "ab"), ("b", ""), ("\x01", "a"), ("\x01a", "")]
    for left, right in pairs:
        hostile.collide(left, right, caller=mallory)
    for left, right in pairs:
        assert hostile.pairs[(left, right)] == hostile.nested[left][right] == 1
        same = sum(left + right == one + other for one, other in pairs)
        assert hostile.a[left + right] == hostile.ab[(left + right).encode()] == same


# typed(flag: bool, number: u8, text: str, items: List[u64], who: Address)
GOOD = b"\1" + b"\7" + b"\1\0\0\0x" + b"\1\0\0\0" + bytes(8) + bytes(32)
WRONG = {
    "nothing": b"",
    "too short": GOOD[:-1],
    "too long": GOOD + b"\0",
    "a bool of 2": b"\2" + GOOD[1:],
    "text longer than all": GOOD[:2] + b"\xff\xff\xff\xff" + GOOD[6:],
    "text that ends at 2³²": GOOD[:2] + b"\xfa\xff\xff\xff" + GOOD[6:],
    "text that is no text": GOOD[:6] + b"\xff" + GOOD[7:],
    "text with a surrogate": GOOD[:2] + b"\3\0\0\0\xed\xa0\x80" + GOOD[7:],
    "text with an overlong letter": GOOD[:2] + b"\2\0\0\0\xc0\x80" + GOOD[7:],
    "list longer than all": GOOD[:7] + b"\xff\xff\xff\x1f" + GOOD[11:],
    "list of 2³² bytes": GOOD[:7] + b"\0\0\0\x20" + GOOD[11:],
    "list of more items than there are": GOOD[:7] + b"\2\0\0\0" + GOOD[11:],
}


@pytest.mark.parametrize("backend", ["shim", "compiled"])
@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG)
def test_malformed_arguments_revert(backend: str, data: bytes) -> None:
    chain = Chain(backend=backend)
    hostile, mallory = deploy(chain), chain.account("mallory")
    assert chain.call(hostile.address, "typed", GOOD, caller=mallory) == (1).to_bytes(8, "little")
    with reverts():
        chain.call(hostile.address, "typed", data, caller=mallory)


def test_only_methods_can_be_called(chain: Chain) -> None:
    hostile, mallory = deploy(chain), chain.account("mallory")
    for name in ("deepen", "memory", "init", "__init__", "absent", "caller"):
        with fails("NO_METHOD"):
            chain.call(hostile.address, name, b"", caller=mallory)
    with fails("NO_CONTRACT"):
        chain.call(mallory, "loop", b"", caller=mallory)


def test_the_same_code_twice_is_two_contracts(chain: Chain) -> None:
    first, second, mallory = deploy(chain), deploy(chain), chain.account("mallory")
    first.touch(caller=mallory)
    assert (first.count, second.count) == (1, 0)
    assert first.address != second.address
