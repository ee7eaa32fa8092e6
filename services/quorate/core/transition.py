"""The state machine: what a final block does to the state (docs/protocol.md#E1 to E8).

What comes before and after the transactions is here and in closing.py, what transactions do is in
applying.py.
"""

from collections.abc import Iterator
from dataclasses import replace

from quorate.core.applied import Applied
from quorate.core.applying import Applying
from quorate.core.closing import Closing
from quorate.core.context import Context
from quorate.core.governance.parameters import load_params
from quorate.core.records import Records
from quorate.core.seats import SeatSet
from quorate.core.state import (
    compute_expiry_key,
    decode_account,
    decode_expiries,
    encode_expiries,
)


class Execution(Applying):
    """Executes one block: `begin`, `apply` per slice of transactions, `iter_close`, `iter_writes`.

    `records` is the state at the block's parent. A slice may be applied elsewhere (`apply_apart`)
    on what `read` gives, and absorbed.
    """

    def __init__(self, context: Context, records: Records) -> None:
        params = load_params(records, context.params)
        if params is not context.params:
            context = replace(context, params=params)
        super().__init__(context, records)
        self._closing = Closing(context, self._changes)
        # What the last block of an epoch gives, once `iter_close` is through.
        self.next_set: SeatSet | None = None

    def begin(self) -> None:
        """Count views, and remove the idempotency records that ended with the block before."""
        self._closing.count_views()
        key = compute_expiry_key(self._height - 1)
        record = self._changes.get(key)
        if record:
            for name in decode_expiries(record):
                self._changes.put(b"i" + name, b"")
            self._changes.put(key, b"")

    def read(self, key: bytes) -> bytes:
        """Return a record as it stands now, for who applies transactions elsewhere."""
        if key[:1] == b"a":
            return self._changes.get_account(key[1:]).encode()
        return self._changes.get(key)

    def absorb(self, applied: Applied) -> None:
        """Take over what was applied elsewhere, on top of all that is applied here."""
        for key, value in applied.writes:
            if key[:1] == b"a":
                account, after = self._changes.get_account(key[1:]), decode_account(value)
                account.balance, account.lanes = after.balance, after.lanes
            else:
                self._changes.put(key, value)
        self.details += [(self._receipts + at, detail) for at, detail in applied.details]
        self._receipts += len(applied.receipts)
        self._fees += applied.fees
        self._bound += applied.bound
        self._refuted |= dict.fromkeys(applied.refuted)

    def iter_close(self) -> Iterator[None]:
        """Pay the proposer and, in an epoch's last block, end the epoch; in bounded steps."""
        self._closing.pay(self._fees)
        if self._bound:
            self._changes.put(compute_expiry_key(self._until_max), encode_expiries(self._bound))
        if self._closing.is_last():
            for next_set in self._closing.iter_end():
                self.next_set = next_set
                yield
