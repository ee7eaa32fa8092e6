"""What is evaluated, and in which order, as CPython does."""

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
