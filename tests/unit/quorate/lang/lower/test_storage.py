"""Variables, Maps and what is read from them, as CPython has them."""

from typing import Any

import pytest

from tests.unit.quorate.lang.pair import Pair, make_source

BOB = b"\x0b" * 32
TOP = 2**64 - 1


RECORDS = """
    class Offer(Record):
        seller: Address
        price: u64
        tags: List[str]

    class Sold(Event):
        from_: Address
        offer: Offer
        pair: tuple[u8, bool]
"""


def test_records_are_references_and_storage_holds_copies() -> None:
    pair = Pair(
        make_source(
            """
            @public
            def run(self) -> u64:
                offer = Offer(self.caller, 5, ["a"])
                self.offers[1] = offer
                same = offer
                same.price += 1
                same.tags.append("b")
                self.last = offer
                stored = self.offers[1]
                stored.price = 100
                emit(Sold(self.caller, offer, (3, True)))
                assert self.offers[1] != offer and self.last == offer
                return offer.price + self.offers[1].price + self.last.price + stored.price

            @view
            def get(self, n: u64) -> Offer:
                return self.offers[n]
            """,
            head=RECORDS,
            variables="offers: Map[u64, Offer]\nlast: Offer",
        )
    )
    assert pair.call("run") == 6 + 5 + 6 + 100
    assert "tags=['a']" in pair.call("get", 1)
    assert "tags=[]" in pair.call("get", 2)
    assert pair.chains[1].events[0].fields["pair"] == (3, True)


def test_lists_in_storage_are_changed_where_they_are() -> None:
    pair = Pair(
        make_source(
            """
            @public
            def add(self, key: u64, x: u128) -> u64:
                self.all.append(x)
                self.some[key].append(x)
                return len(self.some[key])

            @public
            def change(self, key: u64, i: u64) -> u128:
                self.some[key][i] += 5
                self.all[i] = self.all[i] * 2
                return self.all[i] + self.some[key][i]

            @public
            def take(self, key: u64) -> tuple[u128, u128, u128]:
                copied = self.all
                copied.append(9)
                return self.some[key].pop(), self.all.pop(), copied.pop()

            @view
            def sums(self, key: u64) -> tuple[u128, bool]:
                return sum(self.all) + sum(self.some[key]), 7 in self.all
            """,
            variables="all: List[u128]\nsome: Map[u64, List[u128]]",
        )
    )
    assert pair.call("add", 1, 2**80) == 1
    assert pair.call("add", 1, 7) == 2
    assert pair.call("add", 2, 1) == 1
    assert pair.call("sums", 1) == (2**81 + 15, True)
    assert pair.call("change", 1, 1) == 26
    assert pair.call("take", 1) == (12, 1, 9)
    assert pair.call("take", 2) == (1, 14, 9)
    assert pair.call("take", 2)[1] == "index out of range"


def test_nested_maps_hold_what_was_set_and_zero_removes() -> None:
    pair = Pair(
        make_source(
            """
            @public
            def set(self, a: Address, b: str, x: i64) -> bool:
                self.table[a][b] = x
                return b in self.table[a]

            @public
            def add(self, a: Address, b: str, x: i64) -> i64:
                self.table[a][b] += x
                return self.table[a][b]

            @public
            def remove(self, a: Address, b: str) -> bool:
                del self.table[a][b]
                return b not in self.table[a]
            """,
            variables="table: Map[Address, Map[str, i64]]",
        )
    )
    assert pair.call("set", BOB, "x", -5) is True
    assert pair.call("add", BOB, "x", 2) == -3
    assert pair.call("add", BOB, "", 1) == 1
    assert pair.call("set", BOB, "", 0) is False
    assert pair.call("remove", BOB, "y") is True
    (key,) = pair.chains[1].records(pair.deployed[0][1])
    assert key == b"\x05table" + BOB + b"\x01\0\0\0x"
    assert pair.call("add", BOB, "x", 3) == 0
    assert pair.chains[1].records(pair.deployed[0][1]) == {}


KINDS: dict[str, tuple[Any, Any]] = {
    "u8": (200, 0),
    "u32": (2**32 - 1, 0),
    "u64": (TOP, 0),
    "i64": (-(2**63), 0),
    "u128": (2**127 + 1, 0),
    "bool": (True, False),
    "bytes": (b"\0\1", b""),
    "str": ("Grüße", ""),
    "Address": (BOB, bytes(32)),
    "tuple[u8, str]": ((1, "x"), (0, "")),
    "List[bool]": ([True, False], []),
    "List[List[u8]]": ([[1], [], [2]], []),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_is_kept_in_variables_and_maps(kind: str) -> None:
    value, zero = KINDS[kind]
    pair = Pair(
        make_source(
            f"""
            @public
            def put(self, x: {kind}) -> {kind}:
                before = self.kept
                assert self.table[1] == before and self.table[0] == self.table[2]
                self.kept = x
                self.table[1] = x
                assert self.table[1] == x and self.table[0] != x and self.kept == x
                return before
            """,
            variables=f"kept: {kind}\ntable: Map[u8, {kind}]",
        )
    )
    assert pair.call("put", value) == zero
    assert pair.call("put", value) == value


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "List" not in kind])
def test_a_type_is_a_key(kind: str) -> None:
    value, zero = KINDS[kind]
    pair = Pair(
        make_source(
            f"""
            @public
            def put(self, a: {kind}, b: {kind}) -> u64:
                self.table[a][b] += 1
                return self.table[a][b]
            """,
            variables=f"table: Map[{kind}, Map[{kind}, u64]]",
        )
    )
    given = [(value, value), (value, zero), (zero, value), (zero, zero)] * 2
    assert [pair.call("put", *keys) for keys in given] == [1] * 4 + [2] * 4
