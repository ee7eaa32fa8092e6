"""The reference, with a note of what it met: rare paths that a long run must have taken."""

from collections import Counter
from typing import Any

from tests.economy.envelope import Chain
from tests.economy.reference import TREASURY, Seat, is_standing


class Watched(Chain):
    """The same chain; `met` counts what happened by name (coverage.py lists the names)."""

    def __init__(self, params: Any, time_ms: int) -> None:
        super().__init__(params, time_ms)
        self.met = Counter[str]()

    def send(self, sent: Any) -> tuple[str, int]:
        reason, fee = super().send(sent)
        done = [f"{kind} done" for kind, *_ in sent.payloads]
        self.met.update([reason] if reason else done)
        return reason, fee

    def report(self, sent: Any) -> str:
        reason = super().report(sent)
        self.met[reason or "evidence done"] += 1
        return reason

    def ClaimRewards(self, signer: bytes, address: bytes) -> None:
        before = self._get_treasury()
        super().ClaimRewards(signer, address)
        self.met["unbonding slashed"] += self._get_treasury() > before

    def _reward(self, reward: int, address: bytes) -> None:
        before = self._get_treasury()
        super()._reward(reward, address)
        self.met["reward to the treasury"] += self._get_treasury() > before

    def _take_moved(self, holder: bytes, target: bytes, owed: int) -> None:
        super()._take_moved(holder, target, owed)
        self.met["redelegation slashed"] += 1

    def _elect(self, due: dict[bytes, int]) -> list[Seat]:
        before = {seat.candidate: seat.key for seat in self.sets[self.epoch + 1]}
        chosen = super()._elect(due)
        after = {seat.candidate: seat.key for seat in chosen}
        faults, met = 0, self.met
        for name in after:
            found = self.tables.candidates[name]
            met["slashed seat kept"] += bool(found.slashed)
            met["resigned seat kept"] += found.resigned
            met["due seat kept"] += name in due
            met["seat handed over"] += before.get(name, after[name]) != after[name]
            faults += not is_standing(found) or found.jailed_until > 0 or name in due
        candidates = self.tables.candidates.values()
        met["slashed"] += sum(bool(c.slashed and c.slashed[1] == self.epoch) for c in candidates)
        met["jailed"] += sum(self.tables.candidates[name].jailed_until > 0 for name in due)
        met["epoch"] += 1
        met["parameter changed"] += self.get_params(self.epoch) != self.get_params(self.epoch + 1)
        met["nobody electable"] += faults == len(after)
        met["seat won"] += len(after.keys() - before.keys())
        met["seat lost"] += len(before.keys() - after.keys())
        return chosen

    def _get_treasury(self) -> int:
        return self.tables.balances.get(TREASURY, 0)
