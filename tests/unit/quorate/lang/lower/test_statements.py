"""Loops, assignments and failures of builds, as CPython has them."""

import pytest

from tests.unit.quorate.lang.pair import Pair, make_source, reverted, run

BOB = b"\x0b" * 32
TOP = 2**64 - 1


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
