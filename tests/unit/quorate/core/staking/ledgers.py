"""A state in memory with accounts and candidates, on which payloads and elections are run."""

from quorate.core.context import Call, Context
from quorate.core.kinds import Action, get_kind
from quorate.core.outcomes import OUTCOMES, Failed
from quorate.core.params import Params
from quorate.core.records import MemoryRecords
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.records import (
    COUNT_KEY,
    Candidate,
    Delegation,
    Entry,
    compute_candidate_key,
    compute_delegation_key,
    compute_moved_key,
    compute_unbonding_key,
    decode_candidate,
    decode_count,
    decode_delegation,
    decode_entries,
    encode_count,
)
from quorate.core.state import Changes, Draft
from quorate.core.values import TREASURY
from tests.unit.quorate.core.chains import build_header

PARAMS = Params(
    self_stake_min=100, stake_min=10, unbonding_epochs=3, jail_epochs=2, missed_views_max=5,
    slash_bp=1_000, candidates_max=40, seats_max=4, seats_min=2,
)  # fmt: skip
A, B, C, D = (bytes([number]) * 32 for number in (1, 2, 3, 4))
OWNERS = tuple(bytes([number]) * 32 for number in range(10, 20))


def get_seat_key(number: int) -> bytes:
    """Return the seat key of candidate `number`."""
    return bytes([100 + number]) * 32


class World:
    """A ledger with candidates OWNERS[0…], each with 1,000 of its own; accounts have 10,000."""

    def __init__(self, candidates: int = 2, params: Params = PARAMS) -> None:
        self.params, self.epoch, self.time_ms = params, 5, 0
        self.changes = Changes(MemoryRecords())
        for address in (A, B, C, D, *OWNERS):
            self.changes.get_account(address).balance = 10_000
        for number in range(candidates):
            self.add(number)

    def add(self, number: int, stake: int = 1_000, **fields: object) -> None:
        """Put a candidate in place that is ready for the running epoch."""
        made = Candidate(OWNERS[number], get_seat_key(number), f"c{number}", "", 0)
        made.stake = made.self_stake = stake
        made.ready_epoch = self.epoch + 1
        for name, value in fields.items():
            setattr(made, name, value)
        self.put(number, made)
        own = Delegation(made.self_stake)
        self.changes.put(compute_delegation_key(OWNERS[number], OWNERS[number]), own.encode())
        count = decode_count(self.changes.get(COUNT_KEY))
        self.changes.put(COUNT_KEY, encode_count(count + 1))

    def put(self, number: int, candidate: Candidate) -> None:
        """Write a candidate."""
        self.changes.put(compute_candidate_key(OWNERS[number]), candidate.encode())

    def do(self, payload: Action) -> str:
        """Apply a payload, all or nothing; return the reason of its failure, "" for success."""
        header = build_header(9, epoch=self.epoch, time_ms=self.time_ms)
        call = Call(Context(header, self.params, bytes(32)), bytes(32), 0)
        draft = Draft(self.changes)
        try:
            get_kind(payload).apply(payload, draft, call)
        except Failed as failed:
            return OUTCOMES[failed.code][1]
        draft.commit()
        return ""

    def candidate(self, number: int) -> Candidate:
        """Return a candidate."""
        return decode_candidate(self.changes.get(compute_candidate_key(OWNERS[number])))

    def delegation(self, who: bytes, number: int) -> Delegation:
        """Return a delegation as it stands in its record."""
        return decode_delegation(self.changes.get(compute_delegation_key(who, OWNERS[number])))

    def unbonding(self, who: bytes, number: int) -> list[Entry]:
        """Return what unbonds."""
        return decode_entries(self.changes.get(compute_unbonding_key(who, OWNERS[number])))

    def moved(self, source: int, who: bytes, target: int) -> list[Entry]:
        """Return redelegations."""
        key = compute_moved_key(OWNERS[source], who, OWNERS[target])
        return decode_entries(self.changes.get(key))

    def balance(self, who: bytes) -> int:
        """Return a balance."""
        return self.changes.get_account(who).balance

    def total(self) -> int:
        """Return everything there is: balances, stakes, pots, commissions, what unbonds."""
        whole = sum([self.balance(who) for who in (A, B, C, D, *OWNERS, TREASURY)])
        for page in self.changes.iter_prefix(b"c", 100):
            for _, record in page:
                found = decode_candidate(record)
                whole += found.stake + found.pot + found.commission_due
        for page in self.changes.iter_prefix(b"u", 100):
            whole += sum([entry.amount for _, r in page for entry in decode_entries(r)])
        return whole


def build_seats(epoch: int, numbers: list[int], world: World) -> SeatSet:
    """Return a set in which these candidates have the seats."""
    seats = []
    for index, number in enumerate(numbers):
        found = world.candidate(number)
        seats.append(Seat(index, found.name, found.seat_key, OWNERS[number], found.stake))
    return SeatSet(epoch, tuple(seats))
