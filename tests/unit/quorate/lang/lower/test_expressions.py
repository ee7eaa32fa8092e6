"""What is evaluated, and in which order, as CPython does."""

from typing import Any

from tests.unit.quorate.lang.pair import Pair, make_source, run

BOB = b"\x0b" * 32
TOP = 2**64 - 1


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


def test_conditional_expressions_take_one_side() -> None:
    methods = """
        @public
        def run(self, a: u64, b: u128, flag: bool) -> tuple[u128, u64, str]:
            return (b if flag else a), (a // (a - a) if not flag else a), ("y" if flag else "n")
    """
    pair = Pair(make_source(methods))
    assert pair.call("run", 5, 7, True) == (7, 5, "y")
    assert pair.call("run", 5, 7, False)[1] == "division by zero"


def test_records_tuples_and_lists_are_compared_by_content() -> None:
    head = """
        class Inner(Record):
            x: u128
            flag: bool

        class Outer(Record):
            inner: Inner
            many: List[tuple[u8, Inner]]
            where: tuple[Address, u32]
    """
    methods = """
        @public
        def run(self, a: Outer, b: Outer, c: List[tuple[u8, bool]]) -> List[bool]:
            return [
                a == b, a != b, a.inner == b.inner, a.many == b.many, a.where == b.where,
                a in [b, a], a not in [b], (1, True) in c, c == [(1, True)], [] != c,
                (a, 1) == (b, 1), (a if a == b else b) == b,
            ]
    """
    pair = Pair(make_source(methods, head=head))

    def make(x: int, count: int, number: int) -> Any:
        inner, outer = pair.deployed[0][0].Inner, pair.deployed[0][0].Outer
        many = [(i, inner(i, False)) for i in range(count)]
        return outer(inner(x, True), many, (BOB, number))

    values = [make(1, 2, 3), make(2**64, 2, 3), make(1, 3, 3), make(1, 2, 4)]
    for first in values:
        for second in values:
            found = pair.call("run", first, second, [(1, True)] if first is second else [])
            assert found[0] is (first is second) and found[0] is not found[1]
            assert found[5] and found[11]
