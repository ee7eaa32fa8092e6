"""A state to which blocks of reports are applied: for tests of evidence on chain."""

from quorate.core import crypto
from quorate.core.outcomes import OUTCOMES
from quorate.core.params import Params
from quorate.core.seats import Seat, SeatSet
from quorate.core.state import (
    compute_account_key,
    compute_mark_key,
    decode_account,
)
from quorate.core.transactions import Transaction
from tests.unit.quorate.core.chains import build_header, build_state, close_block, open_block
from tests.unit.quorate.core.liars import Liar, make_liars

DOMAIN = b"d" * 32
LIARS = make_liars(4, DOMAIN)
PARAMS = Params(validity_max_blocks=10)
SEATS = SeatSet(0, tuple(Seat(i, f"v{i}", liar.key.public_key) for i, liar in enumerate(LIARS)))


def address_of(liar: Liar) -> bytes:
    """Return the account of a seat's key."""
    return crypto.compute_address(1, liar.key.public_key)


class World:
    """A state without any money, to which blocks are applied."""

    def __init__(self, epoch: int = 0) -> None:
        self.state = build_state(epoch, SEATS)
        self.height, self.epoch = 0, epoch

    def apply(self, *transactions: Transaction) -> list[str]:
        """Execute a block; return the reasons, "" for success."""
        self.height += 1
        header = build_header(self.height, base_fee=7, epoch=self.epoch)
        execution = open_block(self.state, header, PARAMS, DOMAIN)
        receipts = execution.apply(transactions)
        assert all(receipt.fee == 0 for receipt in receipts)
        self.state.take(close_block(execution))
        return [OUTCOMES[receipt.code][1] for receipt in receipts]

    def is_marked(self, seat: int, epoch: int = 0) -> bool:
        return bool(self.state.get(compute_mark_key(epoch, seat)))

    def count_sequences(self, liar: Liar) -> dict[int, int]:
        record = self.state.get(compute_account_key(address_of(liar)), b"")
        return decode_account(record).lanes
