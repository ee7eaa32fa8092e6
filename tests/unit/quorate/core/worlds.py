"""A state in memory with money and seats, on which one transaction after the other is executed."""

from dataclasses import replace

from quorate.core.outcomes import OUTCOMES
from quorate.core.params import Params
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.records import Candidate, compute_candidate_key
from quorate.core.state import Account, compute_account_key, decode_account
from quorate.core.transactions import Transaction, check_payload
from quorate.core.values import Hash
from tests.unit.quorate.core.chains import build_header, build_state, close_block, open_block

A, B, C, D, E = (bytes([i]) * 32 for i in range(1, 6))
DOMAIN = b"d" * 32
# Candidates of the seats; the first four are those of a set of four.
OWNERS = tuple(bytes([100 + i]) * 32 for i in range(7))


def build_seats(owners=OWNERS[:4], epoch=0):
    return SeatSet(
        epoch,
        tuple(Seat(i, f"v{i}", bytes([40 + i]) * 32, owner) for i, owner in enumerate(owners)),
    )


class World:
    """Blocks cost nothing here, so that balances change by payloads alone."""

    def __init__(self, balances=(), seats=None, **params):
        self.params = Params(**params)
        seats = seats or build_seats()
        self.state = build_state(seats=seats)
        for seat in seats.seats:
            stake = self.params.self_stake_min
            candidate = Candidate(
                seat.candidate, seat.public_key, seat.name, "", 0, stake=stake, self_stake=stake
            )
            self.state[compute_candidate_key(seat.candidate)] = candidate.encode()
        self.balances = dict(balances)
        for address, balance in self.balances.items():
            self.state[compute_account_key(address)] = Account(balance, {}).encode()
        self.height, self.epoch, self.time_ms, self._ids = 0, 0, 0, 0

    def make(self, *payloads, sender=None):
        """Return a transaction of these payloads, the first one's signer sending it."""
        self._ids += 1
        sender = sender or payloads[0].signer
        sequence = decode_account(self.state[compute_account_key(sender)]).lanes.get(0, 0)
        return Transaction(
            Hash(self._ids.to_bytes(32, "big")), sender, 0, sequence, self.height + 1, 0, 0, b"",
            b"", payloads, b"", (), b"", 100, 100,
        )  # fmt: skip

    def apply(self, *transactions, **header):
        """Execute a block; returns the receipts."""
        self.height += 1
        self.time_ms += 1
        fields = {"base_fee": 0, "epoch": self.epoch, "time_ms": self.time_ms, **header}
        execution = open_block(self.state, build_header(self.height, **fields), self.params, DOMAIN)
        receipts = execution.apply(transactions)
        self.writes = close_block(execution)
        self.state.take(self.writes)
        if execution.next_set is not None:
            self.epoch += 1
        return receipts

    def act(self, *payloads, sender=None):
        """Execute payloads as one transaction; returns "", or why it failed.

        Raises InvalidTransaction for what no mempool takes.
        """
        for payload in payloads:
            check_payload(payload)
        transaction = self.make(*payloads, sender=sender)
        (receipt,) = self.apply(transaction)
        self.last_id = transaction.id
        return OUTCOMES[receipt.code][1]

    def skip_to(self, height):
        """Execute empty blocks up to below a height."""
        while self.height < height - 1:
            self.apply()

    def end_epoch(self):
        """Execute the last block of the running epoch."""
        self.time_ms += self.params.epoch_ms
        before = self.epoch
        self.apply(executed=replace(build_header(0).executed, height=self.height))
        assert self.epoch == before + 1

    def balance(self, address):
        return decode_account(self.state[compute_account_key(address)]).balance

    def digest(self):
        """Return the state without what a failed transaction changes: the senders' lanes."""
        found = dict(self.state)
        for key, record in self.state.items():
            if key[:1] == b"a":
                found[key] = decode_account(record).balance
        return {key: value for key, value in found.items() if value}
