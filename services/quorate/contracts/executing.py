"""A child that executes slices of blocks."""

from collections.abc import Iterator, Sequence
from typing import overload

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts.asking import AskedRecords
from quorate.contracts.frames import Link
from quorate.contracts.mark import Mark
from quorate.core.applied import Aside
from quorate.core.applying import Applying
from quorate.core.context import Context
from quorate.core.loading import list_keys
from quorate.core.transactions import Transaction
from quorate.kit.contract_frames import encode_applied
from quorate.kit.convert import decode_ordered


class Marked(Sequence[Transaction]):
    """Transactions that note, when they are gone through, which one it is the turn of."""

    def __init__(self, transactions: list[Transaction], mark: Mark) -> None:
        self._transactions, self._mark = transactions, mark

    def __len__(self) -> int:
        return len(self._transactions)

    @overload
    def __getitem__(self, index: int) -> Transaction: ...

    @overload
    def __getitem__(self, index: slice) -> list[Transaction]: ...

    def __getitem__(self, index: int | slice) -> Transaction | list[Transaction]:
        return self._transactions[index]

    def __iter__(self) -> Iterator[Transaction]:
        for position, transaction in enumerate(self._transactions):
            self._mark.note(position, at_call=transaction.has_calls)
            yield transaction


def execute(context: Context, slice_: pb.Slice, link: Link, mark: Mark) -> pb.Answer:
    """Return what the transactions of a slice do; raises Abandoned."""
    mark.note(0, at_call=False)
    transactions = [decode_ordered(item, context.domain) for item in slice_.transactions]
    records = AskedRecords(link)
    records.load(list_keys(transactions))
    aside = Aside(tuple(slice_.poisoned), tuple(slice_.refuted))
    applied = Applying(context, records).apply_apart(Marked(transactions, mark), aside)
    return pb.Answer(done=encode_applied(applied))
