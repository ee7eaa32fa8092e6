"""What execution takes from the block and the chain, and what a payload's `apply_` is given."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from quorate.core.blocks import Header
from quorate.core.contracts.log import CallLog
from quorate.core.contracts.machine import Machine
from quorate.core.params import Params
from quorate.core.state import Account


@dataclass(frozen=True, slots=True)
class Context:
    """The executing block's header, and the chain's parameters and domain.

    `machine` runs contracts; None where transactions that call some are never executed.
    """

    header: Header
    params: Params
    domain: bytes
    machine: Machine | None = None


class Ledger(Protocol):
    """State as a payload reads and changes it; changes of a failed transaction are dropped."""

    def get_account(self, address: bytes) -> Account:
        """Return an account as it stands now; its balance is changed in place."""
        ...

    def get(self, key: bytes) -> bytes:
        """Return another record as it stands now; b"" when there is none."""
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Write another record; b"" deletes it."""
        ...


class Call(NamedTuple):
    """Where a payload stands: its block, its transaction's id, its position in it.

    `log` is there when the transaction has contract payloads.
    """

    context: Context
    id: bytes
    position: int
    log: CallLog | None = None

    @property
    def params(self) -> Params:
        """The parameters in force."""
        return self.context.params

    @property
    def epoch(self) -> int:
        """The epoch of the executing block."""
        return self.context.header.epoch

    @property
    def height(self) -> int:
        """The height of the executing block."""
        return self.context.header.height
