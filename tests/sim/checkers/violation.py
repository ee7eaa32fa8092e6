"""A broken invariant."""


class Violation(Exception):
    """A rule that did not hold, and what shows it."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule


def expect(holds: bool, rule: str, detail: object) -> None:
    """Raise Violation unless a rule holds."""
    if not holds:
        raise Violation(rule, str(detail))
