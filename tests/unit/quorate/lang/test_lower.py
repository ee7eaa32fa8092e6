"""Every feature of the language: its build does what its class does under CPython."""

from typing import Any

import pytest

from tests.unit.quorate.lang.pair import Pair, make_source

BOB = b"\x0b" * 32
ALICE = b"\xa1" * 32
TOP = 2**64 - 1


def reverted(text: str, line: int) -> tuple[str, str, int]:
    return "REVERTED", text, line


def run(methods: str, *given: Any, head: str = "", variables: str = "") -> Any:
    """Return what method `run` gives."""
    return Pair(make_source(methods, head=head, variables=variables)).call("run", *given)


def test_chained_comparison_evaluates_each_operand_once_and_only_if_need_be() -> None:
    pair = Pair(
        make_source(
            """
            def count(self, x: u64) -> u64:
                self.calls += 1
                return x

            @public
            def run(self, a: u64, b: u64, c: u64) -> tuple[bool, u64]:
                self.calls = 0
                found = self.count(a) < self.count(b) <= self.count(c)
                return found, self.calls
            """,
            variables="calls: u64",
        )
    )
    assert pair.call("run", 1, 2, 2) == (True, 3)
    assert pair.call("run", 1, 2, 1) == (False, 3)
    assert pair.call("run", 2, 2, 9) == (False, 2)


def test_and_or_leave_out_what_decides_nothing() -> None:
    methods = """
        def note(self, x: bool) -> bool:
            self.calls += 1
            return x

        @public
        def run(self, a: bool, b: bool, c: bool) -> tuple[bool, u64]:
            found = self.note(a) and self.note(b) or not self.note(c)
            return found, self.calls
    """
    assert run(methods, True, True, True, variables="calls: u64") == (True, 2)
    assert run(methods, False, True, True, variables="calls: u64") == (False, 2)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ("5", [0, 1, 2, 3, 4]),
        ("2, 5", [2, 3, 4]),
        ("5, 2", []),
        ("0, 10, 3", [0, 3, 6, 9]),
        ("9, 0, -3", [9, 6, 3]),
        ("3, 0, -1", [3, 2, 1]),
        (f"{TOP - 2}, {TOP}", [TOP - 2, TOP - 1]),
        (f"{TOP - 3}, {TOP}, 5", [TOP - 3]),
        ("0, 1, 7", [0]),
    ],
)
def test_range_counts_as_python_does(bounds: str, expected: list[int]) -> None:
    methods = f"""
        @public
        def run(self) -> List[u64]:
            found: List[u64] = []
            for i in range({bounds}):
                found.append(i)
                i = 7
            return found
    """
    assert run(methods) == expected


def test_range_of_signed_numbers_goes_below_zero() -> None:
    methods = """
        @public
        def run(self, a: i64, b: i64) -> List[i64]:
            found: List[i64] = []
            for i in range(a, b, 2):
                if i == 1:
                    continue
                if i > 4:
                    break
                found.append(i)
            for i in range(b, a, -4):
                found.append(i)
            return found
    """
    assert run(methods, -3, 9) == [-3, -1, 3, 9, 5, 1]


def test_loops_break_continue_and_nest() -> None:
    methods = """
        @public
        def run(self, n: u64) -> u64:
            total = 0
            i = 0
            while True:
                i += 1
                if i > n:
                    break
                if i % 2 == 0:
                    continue
                for j in range(i):
                    if j == 3:
                        break
                    total += j * i
            return total
    """
    assert run(methods, 9) == 3 * (3 + 5 + 7 + 9)


def test_items_are_iterated_while_the_list_grows() -> None:
    methods = """
        @public
        def run(self) -> List[u64]:
            items = [1, 2, 3]
            for x in items:
                if x < 3:
                    items.append(x + 10)
            return items
    """
    assert run(methods) == [1, 2, 3, 11, 12]


def test_pairs_are_unpacked_in_loops() -> None:
    methods = """
        @public
        def run(self, pairs: List[tuple[str, u128]]) -> tuple[str, u128]:
            names = ""
            total: u128 = 0
            for name, weight in pairs:
                names += name
                total += weight
            return names, total
    """
    assert run(methods, [("a", 1), ("bc", 2**100)]) == ("abc", 2**100 + 1)


def test_values_are_swapped() -> None:
    methods = """
        @public
        def run(self, a: u64, b: u128) -> tuple[u64, u64, u128, u128]:
            x, y = a, a + 1
            x, y = y, x
            c, d = b, b + 1
            c, d = d, c
            return x, y, c, d
    """
    assert run(methods, 5, 2**90) == (6, 5, 2**90 + 1, 2**90)


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


def test_bytes_and_text() -> None:
    methods = """
        @public
        def run(self, a: bytes, s: str, i: u64, j: u64) -> List[bytes]:
            found: List[bytes] = [a[i:j], a[:i], a[j:], a[:], a + a[i:], s.encode() + b"!"]
            found.append(bytes(i))
            found.append(bytes(self.caller))
            found.append(sha256(a))
            found.append(encode(i, s, a < b"b", [i, j], (self.caller, 5)))
            found.append((s + f"<{i}>" + str(j)).encode())
            return found
    """
    pair = Pair(make_source(methods))
    for given in (
        (b"abcdef", "äöü", 2, 4),
        (b"", "", 0, 9),
        (b"xyz", "z", 9, 1),
        (b"q", "€", 1, TOP),
    ):
        pair.call("run", *given)


def test_text_has_characters_and_an_order() -> None:
    methods = """
        @public
        def run(self, a: str, b: str) -> tuple[u64, u64, bool, bool, bool, bool]:
            return len(a), len(a.encode()), a < b, a <= b, a == b, a.encode() >= b.encode()
    """
    pair = Pair(make_source(methods))
    for a in ("", "a", "ab", "b", "ä", "€uro", "😀", "aä"):
        for b in ("", "a", "b", "ä", "\uffff", "😀"):
            pair.call("run", a, b)


def test_bytes_become_text_only_if_they_are() -> None:
    methods = """
        @public
        def run(self, a: bytes) -> str:
            return a.decode()
    """
    pair = Pair(make_source(methods))
    good = [b"", b"abc", "äß€😀\U0010ffff\ue000\ud7ff\x7f\x80\u07ff\u0800".encode()]
    bad = """
        80 c080 c1bf e08080 e09fbf eda080 f0808080 f08fbfbf f4908080 f5808080 ff
        61c3 e282 f09f98 c328 e228a1
    """
    for data in good:
        assert pair.call("run", data) == data.decode()
    for text in bad.split():
        assert pair.call("run", bytes.fromhex(text))[1] == "invalid UTF-8"


def test_addresses_are_made_of_32_bytes() -> None:
    methods = """
        @public
        def run(self, a: bytes) -> tuple[bool, bool, Address]:
            made = Address(a)
            return made == self.caller, made < NO_ADDRESS or made > NO_ADDRESS, made
    """
    pair = Pair(make_source(methods))
    assert pair.call("run", BOB) == (False, True, BOB)
    assert pair.call("run", bytes(32)) == (False, False, bytes(32))
    assert pair.call("run", b"\1" * 31)[1] == "an address is 32 bytes"


def test_natives_tell_of_the_call_and_move_money() -> None:
    methods = """
        @public
        @payable
        def run(self, to: Address, amount: u64) -> tuple[u64, u64, u64, bool, bool]:
            transfer(to, amount)
            return balance(to), balance(self.address), self.value, self.caller == self.origin, (
                self.height > 0 and self.time_ms > 0
            )

        @public
        def plain(self) -> u64:
            return self.value
    """
    pair = Pair(make_source(methods))
    assert pair.call("run", BOB, 30, value=100) == (30, 70, 100, True, True)
    assert pair.call("run", BOB, 71, value=0)[0] != "REVERTED"
    assert pair.call("plain", value=1)[1] == "this method takes no value"


def test_native_tokens_are_made_and_moved() -> None:
    methods = """
        @public
        def run(self, to: Address) -> tuple[u64, u64]:
            self.token = create_token(TokenSpec("TOK", "A token", 2, 1000, 100, False, False))
            mint_token(self.token, to, 50)
            transfer_token(self.token, to, 20)
            burn_token(self.token, 10)
            return token_balance(self.token, to), token_balance(self.token, self.address)
    """
    assert run(methods, BOB, variables="token: Address") == (70, 70)


def test_functions_and_methods_call_each_other() -> None:
    head = """
        LIMIT: u64 = 1_000
        STEP = 3

        def double(x: u128) -> u128:
            return x * 2 if x < LIMIT else x

        def fibonacci(n: u64) -> u64:
            if n < 2:
                return n
            return fibonacci(n - 1) + fibonacci(n - 2)

        def mark(items: List[u64], x: u64):
            items.append(x)
    """
    methods = """
        @public
        def run(self, n: u64) -> tuple[u128, u64, List[u64]]:
            items: List[u64] = []
            mark(items, n + STEP)
            self.other(items)
            return double(double(u128(n))), fibonacci(n), items

        def other(self, items: List[u64]):
            mark(items, 1)
            if len(items) > 1:
                return
            mark(items, 2)
    """
    assert run(methods, 12, head=head) == (48, 144, [15, 1])


BANK = """
    class Bank(Interface):
        def deposit(self, to: Address, amount: u64) -> u64: ...
        @view
        def get(self, of: Address) -> tuple[u64, str]: ...
        def back(self, to: Address) -> u64: ...
        def fail(self): ...
        def lie(self) -> bool: ...
"""


def test_contracts_call_each_other_with_state_written_before_and_read_after() -> None:
    bank = make_source(
        """
        @public
        @payable
        def deposit(self, to: Address, amount: u64) -> u64:
            self.held[to] += amount + self.value
            return self.held[to]

        @view
        def get(self, of: Address) -> tuple[u64, str]:
            return self.held[of], "held"

        @public
        def fail(self):
            revert("no" + " way")

        @public
        def lie(self) -> u8:
            return 2
        """,
        variables="held: Map[Address, u64]",
    )
    user = make_source(
        """
        @public
        @payable
        def run(self, bank: Address) -> tuple[u64, tuple[u64, str], u64]:
            self.count += 1
            first = Bank(bank, value=self.value).deposit(self.address, self.count)
            self.count += Bank(bank).deposit(self.address, 2)
            return first, Bank(bank).get(self.address), self.count

        @public
        def fail(self, bank: Address):
            self.count = 77
            Bank(bank).fail()

        @public
        def lie(self, bank: Address) -> bool:
            return Bank(bank).lie()
        """,
        head=BANK,
        variables="count: u64",
    )
    pair = Pair(bank)
    where = pair.deployed[0][1].address
    assert pair.add(user) is None
    assert pair.call("run", where, value=10) == (11, (13, "held"), 14)
    assert pair.call("fail", where)[:2] == ("REVERTED", "no way")
    assert pair.call("lie", where)[:2] == ("REVERTED", "malformed result")
    assert pair.call("run", where) == (28, (30, "held"), 45)


def test_failures_carry_their_text_and_line() -> None:
    source = make_source(
        """
        @public
        def run(self, n: u64, s: str) -> u64:
            assert n != 1
            assert n != 2, "n is " + s
            if n == 3:
                revert(f"{n} is {s}")
            items = [1, 2]
            x: u8 = 250
            if n == 4:
                x += u8(n + 2)
            if n == 5:
                return (items[
                    n])
            if n == 6:
                return 1 // (n - 6)
            if n == 7:
                return n - 8
            if n == 300:
                x = u8(n)
            return n
        """
    )
    lines = source.splitlines()

    def find(text: str) -> int:
        return next(i for i, line in enumerate(lines, 1) if text in line)

    pair = Pair(source)
    assert pair.call("run", 1, "") == reverted("assertion failed", find("n != 1"))
    assert pair.call("run", 2, "x" * 300)[1] == "n is " + "x" * 251
    assert pair.call("run", 3, "ä") == reverted("3 is ä", find("is {s}"))
    assert pair.call("run", 4, "") == reverted("arithmetic overflow", find("x +="))
    assert pair.call("run", 5, "") == reverted("index out of range", find("items["))
    assert pair.call("run", 6, "") == reverted("division by zero", find("1 //"))
    assert pair.call("run", 7, "") == reverted("arithmetic overflow", find("n - 8"))
    assert pair.call("run", 300, "") == reverted("number out of range", find("u8(n)"))
    assert pair.call("run", 9, "") == 9


def test_conditional_expressions_take_one_side() -> None:
    methods = """
        @public
        def run(self, a: u64, b: u128, flag: bool) -> tuple[u128, u64, str]:
            return (b if flag else a), (a // (a - a) if not flag else a), ("y" if flag else "n")
    """
    pair = Pair(make_source(methods))
    assert pair.call("run", 5, 7, True) == (7, 5, "y")
    assert pair.call("run", 5, 7, False)[1] == "division by zero"


def test_augmented_assignment_reads_its_target_first() -> None:
    methods = """
        def bump(self) -> u64:
            self.total += 100
            self.table[1] += 100
            return 1

        @public
        def run(self) -> tuple[u64, u64, List[u64]]:
            self.total += self.bump()
            self.table[1] += self.bump()
            items = [5, 6]
            items[self.bump()] *= 7
            return self.total, self.table[1], items
    """
    variables = "total: u64\ntable: Map[u64, u64]"
    assert run(methods, variables=variables) == (201, 201, [5, 42])
