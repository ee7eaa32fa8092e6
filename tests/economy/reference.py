"""The economy in plain Python, from the rules alone (docs/protocol.md F, D, J, Y), not core/."""

from collections import namedtuple
from copy import copy
from types import SimpleNamespace
from typing import Any

TREASURY = b"quorate treasury".ljust(32, b"\0")
NO_KEY = bytes(32)
TERMS = "operator seat_key name description commission_bp commission_changed_ms"
NUMBERS = "stake self_stake ready_epoch jailed_until missed missed_epoch index pot commission_due"
TABLES = "balances candidates delegations unbonding moved keys"
Seat = namedtuple("Seat", "key candidate stake name")


class Failed(Exception):
    """A payload can't take effect; the reason is the only argument."""


def make_candidate(*terms: Any) -> SimpleNamespace:
    """Return a new candidate; `slashed` will be (from epoch, in epoch, basis points)."""
    row = dict.fromkeys(NUMBERS.split(), 0) | dict(zip(TERMS.split(), terms, strict=True))
    return SimpleNamespace(**row, next_key=NO_KEY, resigned=False, slashed=None)


def is_standing(candidate: SimpleNamespace) -> bool:
    return not candidate.resigned and not candidate.slashed


def require(holds: Any, reason: str) -> None:
    if not holds:
        raise Failed(reason)


def cut(amount: int, bp: int) -> int:
    return -(-amount * bp // 10_000)


class Economy:
    """What blocks do to money, stake and seats; a payload's method has its name.
    Tables: balances by address, candidates by owner, delegations and unbonding (epoch → amount) by
    (delegator, candidate), moved (epoch → amount) by (source, delegator, target), keys.
    """

    def __init__(self, params: Any, time_ms: int) -> None:
        self.params, self.time_ms = params, time_ms
        self.tables = SimpleNamespace(**{name: {} for name in TABLES.split()})
        self.height = self.epoch = self.issued = self.fees = 0
        # Seats by epoch; by (epoch, seat), in which epoch it was accused; views missed by seat.
        self.sets, self.marks, self.missed = {}, {}, []

    def execute(self, payer: bytes, fee: int, payloads: tuple[tuple[Any, ...], ...]) -> str:
        """Take the fee, and let all payloads (kind, signer, fields…) take effect or none."""
        self._pay(payer, -fee)
        self.fees += fee
        tables = vars(self.tables).items()
        before = {name: {k: copy(row) for k, row in table.items()} for name, table in tables}
        try:
            for self.position, (kind, *fields) in enumerate(payloads):
                getattr(self, kind)(*fields)
                self._forget_empty()
        except Failed as failure:
            self.tables = SimpleNamespace(**before)
            return str(failure)
        return ""

    def close(self, proposer: int, missed: list[int], is_last: bool) -> None:
        """End a block of a seat; `missed` lists the leaders of the views since its parent."""
        halving = self.params.issue_halving_blocks or self.height
        issue = self.params.issue_per_block >> (self.height - 1) // halving
        self.issued += (issue := issue if self.height <= 1 << 32 else 0)
        self._reward(self.fees + issue, self.sets[self.epoch][proposer].candidate)
        for seat in missed:
            self.missed[seat] += 1
        if is_last:
            self._end_epoch()
        self._forget_empty()

    def add_candidate(self, address: bytes, candidate: SimpleNamespace, stake: int) -> None:
        self.tables.candidates[address] = candidate
        self.tables.keys[candidate.seat_key] = address
        self._add(address, address, stake)

    def Transfer(self, signer: bytes, to: bytes, amount: int) -> None:
        self._pay(signer, -amount)
        self._pay(to, amount)

    def RegisterCandidate(self, signer: bytes, operator: bytes, key: bytes, *more: Any) -> None:
        (*terms, stake), known = more, self.tables.candidates
        require(signer not in known, "CANDIDATE_EXISTS")
        full = sum(map(is_standing, known.values())) >= self.params.candidates_max
        require(not full, "CANDIDATES_FULL")
        require(key not in self.tables.keys, "SEAT_KEY_USED")
        require(stake >= self.params.self_stake_min, "STAKE_TOO_SMALL")
        self._pay(signer, -stake)
        self.add_candidate(signer, make_candidate(operator, key, *terms, self.time_ms), stake)

    def UpdateCandidate(self, signer: bytes, address: bytes, name: str, text: str, bp: int) -> None:
        found = self._find(address, "standing", signer)
        if step := abs(bp - found.commission_bp):
            is_due = (
                self.time_ms - found.commission_changed_ms >= self.params.commission_interval_ms
            )
            require(is_due and step <= self.params.commission_step_bp, "COMMISSION_STEP")
            found.commission_changed_ms = self.time_ms
        found.name, found.description, found.commission_bp = name, text, bp

    def Ready(self, signer: bytes, address: bytes, epoch: int, key: bytes) -> None:
        found = self._find(address, "standing")
        require(epoch in (self.epoch - 1, self.epoch), "READY_UNTIMELY")
        require(key in (found.seat_key, found.next_key) and key != NO_KEY, "SEAT_KEY_UNKNOWN")
        if key == found.next_key:
            found.seat_key, found.next_key = key, NO_KEY
        found.ready_epoch = max(found.ready_epoch, epoch + 1)

    def Resign(self, signer: bytes, address: bytes) -> None:
        self._find(address, "standing", signer).resigned = True

    def RotateSeatKey(self, signer: bytes, address: bytes, key: bytes) -> None:
        found = self._find(address, "standing", signer)
        require(key not in self.tables.keys, "SEAT_KEY_USED")
        self.tables.keys[key], found.next_key = address, key

    def Unjail(self, signer: bytes, address: bytes) -> None:
        found = self._find(address, "standing", signer)
        require(found.jailed_until, "NOT_JAILED")
        require(self.epoch >= found.jailed_until, "JAILED_STILL")
        found.jailed_until = found.missed = 0

    def Delegate(self, signer: bytes, address: bytes, amount: int) -> None:
        self._find(address, "standing")
        require(amount >= self.params.stake_min, "STAKE_TOO_SMALL")
        self._pay(signer, -amount)
        self._add(signer, address, amount)

    def Undelegate(self, signer: bytes, address: bytes, amount: int) -> None:
        self._find(address)
        self._take(signer, address, amount)
        self._note(self.tables.unbonding, (signer, address), amount, "UNBONDING_LIMIT")

    def Redelegate(self, signer: bytes, source: bytes, target: bytes, amount: int) -> None:
        self._find(target)
        require(not self._find(source).slashed, "CANDIDATE_SLASHED")
        self._find(target, "standing")
        moved_epoch, place = self._get(signer, source).moved_epoch, (source, signer, target)
        self._take(signer, source, amount)
        require(amount >= self.params.stake_min, "STAKE_TOO_SMALL")
        require(not moved_epoch or self._is_ripe(moved_epoch - 1), "REDELEGATION_IN_TRANSIT")
        entries = self.tables.moved.get(place, {})
        self.tables.moved[place] = {k: v for k, v in entries.items() if not self._is_ripe(k)}
        self._note(self.tables.moved, place, amount, "REDELEGATION_LIMIT")
        self._add(signer, target, amount).moved_epoch = self.epoch + 1

    def ClaimRewards(self, signer: bytes, address: bytes) -> None:
        found, given = self._find(address), self._get(signer, address)
        entries = self.tables.unbonding.get((signer, address), {})
        ripe = [epoch for epoch in entries if self._is_ripe(epoch)]
        commission = found.commission_due if signer == address else 0
        require(given.due or commission or ripe, "NOTHING_TO_CLAIM")
        self._pay(signer, given.due + commission)
        found.pot, given.due = found.pot - given.due, 0
        found.commission_due -= commission
        for epoch in ripe:
            amount, lost = entries.pop(epoch), 0
            if found.slashed and found.slashed[0] <= epoch <= found.slashed[1]:
                lost = cut(amount, found.slashed[2])
            self._pay(signer, amount - lost)
            self._pay(TREASURY, lost)

    def _find(self, address: bytes, need: str = "", signer: bytes | None = None) -> SimpleNamespace:
        """Return a candidate; that stands, and is the signer's to govern, if that is needed."""
        require(address in self.tables.candidates, "NO_CANDIDATE")
        found = self.tables.candidates[address]
        require(signer in (None, address, found.operator), "NOT_ENTITLED")
        require(not need or not found.slashed, "CANDIDATE_SLASHED")
        require(not need or not found.resigned, "CANDIDATE_RESIGNED")
        return found

    def _pay(self, who: bytes, amount: int) -> None:
        """Add an amount of either sign to a balance."""
        left = self.tables.balances.get(who, 0) + amount
        require(left >= 0, "INSUFFICIENT_BALANCE")
        self.tables.balances[who] = left

    def _is_ripe(self, epoch: int) -> bool:
        return epoch + self.params.unbonding_epochs <= self.epoch

    def _get(self, delegator: bytes, address: bytes) -> SimpleNamespace:
        """Return a delegation, an empty one if there is none, with all it has earned until now."""
        fresh = SimpleNamespace(amount=0, index=0, due=0, moved_epoch=0)
        found = self.tables.delegations.setdefault((delegator, address), fresh)
        index = self.tables.candidates[address].index
        found.due += found.amount * (index - found.index) >> 64
        found.index = index
        return found

    def _add(self, delegator: bytes, address: bytes, amount: int) -> SimpleNamespace:
        """Add an amount of either sign to a delegation."""
        found, candidate = self._get(delegator, address), self.tables.candidates[address]
        found.amount += amount
        candidate.stake += amount
        candidate.self_stake += amount if delegator == address else 0
        return found

    def _take(self, delegator: bytes, address: bytes, amount: int) -> None:
        left = self._get(delegator, address).amount - amount
        require(left >= 0, "INSUFFICIENT_STAKE")
        require(left == 0 or min(left, amount) >= self.params.stake_min, "STAKE_TOO_SMALL")
        self._add(delegator, address, -amount)

    def _note(self, table: dict[Any, Any], place: Any, amount: int, limit: str) -> None:
        entries = table.setdefault(place, {})
        entries[self.epoch] = entries.get(self.epoch, 0) + amount
        require(len(entries) <= 16, limit)

    def _forget_empty(self) -> None:
        t = self.tables
        t.delegations = {k: d for k, d in t.delegations.items() if d.amount or d.due}
        for name in "unbonding", "moved":
            lists = {k: {e: n for e, n in v.items() if n} for k, v in vars(t)[name].items()}
            setattr(t, name, {k: entries for k, entries in lists.items() if entries})

    def _reward(self, reward: int, address: bytes) -> None:
        found = self.tables.candidates.get(address)
        commission = reward * found.commission_bp // 10_000 if found else 0
        is_lost = not found or found.slashed or not found.stake
        if is_lost or found.index + (reward - commission << 64) // found.stake >= 1 << 128:
            self._pay(TREASURY, reward)
            return
        found.commission_due += commission
        found.pot += reward - commission
        found.index += (reward - commission << 64) // found.stake

    def _end_epoch(self) -> None:
        for epoch, seat in sorted(self.marks):
            if epoch >= self.epoch - 1 and self.marks[epoch, seat] == self.epoch:
                self._slash(self.sets[epoch][seat].candidate, epoch)
        due = {}  # missed views in the window, of who is due for jail
        for seat, missed in zip(self.sets[self.epoch], self.missed, strict=True):
            found = self.tables.candidates[seat.candidate]
            window = missed + (found.missed if found.missed_epoch == self.epoch - 1 else 0)
            found.missed, found.missed_epoch = missed, self.epoch
            if window > self.params.missed_views_max and is_standing(found):
                due[seat.candidate] = window
        self.sets[self.epoch + 2] = self._elect(due)
        self.epoch += 1
        self.missed = [0] * len(self.sets[self.epoch])

    def _slash(self, address: bytes, since: int) -> None:
        found, bp, t = self.tables.candidates[address], self.params.slash_bp, self.tables
        if found.slashed:
            return
        found.slashed = since, self.epoch, bp
        left = found.stake - found.stake * bp // 10_000
        self._pay(TREASURY, found.stake - left)
        for holder, given in [place for place in t.delegations if place[1] == address]:
            self._add(holder, given, -cut(self._get(holder, given).amount, bp))
        found.stake = left  # what rounding took too much of single holdings stays in the total
        for place in [place for place in t.moved if place[0] == address]:
            entries = t.moved.pop(place).items()
            if owed := sum(cut(n, bp) for epoch, n in entries if since <= epoch <= self.epoch):
                self._take_moved(*place[1:], owed)

    def _take_moved(self, holder: bytes, target: bytes, owed: int) -> None:
        taken = min(owed, self._get(holder, target).amount)
        self._add(holder, target, -taken)
        entries = self.tables.unbonding.get((holder, target), {})
        for epoch in sorted(entries, reverse=True):
            part = min(owed - taken, entries[epoch])
            taken += part
            entries[epoch] -= part
        self._pay(TREASURY, taken)

    def _elect(self, due: dict[bytes, int]) -> list[Seat]:
        p, known, following = self.params, self.tables.candidates, self.sets[self.epoch + 1]
        holders, keys = [s.candidate for s in following], [s.key for s in following]
        causes = {}
        for name in holders:
            c = known[name]
            poor = c.self_stake < p.self_stake_min
            marks = [bool(c.slashed), name in due, c.jailed_until > 0, poor, c.resigned]
            if any(marks):
                causes[name] = marks.index(True), -due.get(name, 0), name
        worst_first, faults = sorted(causes, key=causes.__getitem__), (len(following) - 1) // 3
        leaving, kept = worst_first[:faults], worst_first[faults:]
        able = [
            name for name, c in known.items()
            if is_standing(c) and not c.jailed_until and name not in due
            and c.self_stake >= p.self_stake_min
            and (c.seat_key in keys or c.ready_epoch >= max(self.epoch, 1))
        ]  # fmt: skip
        able.sort(key=lambda name: (-known[name].stake, name))
        chosen = kept + able[: max(p.seats_max - len(kept), 0)] if able else holders
        while leaving and len(chosen) < min(p.seats_min, len(following)):
            chosen.append(leaving.pop())
        for name in due:
            if name not in chosen:
                known[name].jailed_until = self.epoch + 1 + p.jail_epochs
        seats = [Seat(known[n].seat_key, n, known[n].stake, known[n].name) for n in chosen]
        return sorted(seats, key=lambda seat: (-seat.stake, seat.candidate)) if able else seats
