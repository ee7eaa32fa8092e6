"""What the contract payloads of one transaction have done so far, and used."""

from quorate.core.contracts.details import CallDone, Detail, Failure
from quorate.core.contracts.payloads import compute_charged_fuel, compute_fuel_weight


class CallLog:
    """Collects calls of one transaction: what they gave, what they used, why one failed.

    `warm` are the keys of records that are loaded beforehand, or were touched before.
    `is_poisoned`: a quorum found that they kill the service, so they are not run
    (docs/protocol.md#Z2).
    """

    def __init__(self, warm: set[bytes], *, is_poisoned: bool = False) -> None:
        self.warm, self.is_poisoned = warm, is_poisoned
        self.calls: list[CallDone] = []
        self.failure: Failure | None = None
        self._used: dict[int, int] = {}

    def note_used(self, position: int, fuel: int) -> None:
        """Keep what the payload at a position used."""
        self._used[position] = fuel

    def compute_used(self) -> int:
        """Return the fuel that all calls so far used."""
        return sum(self._used.values())

    def compute_unused_weight(self, limits: dict[int, int]) -> int:
        """Return the weight that was declared for fuel and need not be paid (#C5).

        `limits` has the fuel limit of each contract payload by its position.
        """
        unused = 0
        for position, limit in limits.items():
            charged = compute_charged_fuel(limit, self._used.get(position, 0))
            unused += compute_fuel_weight(limit) - compute_fuel_weight(charged)
        return unused

    def build_detail(self, *, succeeded: bool) -> Detail | None:
        """Return what the receipt refers to; None when a payload of another kind failed."""
        if succeeded:
            return Detail(tuple(self.calls), None)
        return Detail((), self.failure) if self.failure else None
