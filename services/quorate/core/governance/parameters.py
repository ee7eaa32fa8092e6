"""Which parameters seats may change, and which values are in force (docs/protocol.md#G4, G5).

g   what differs from the genesis: per entry from_epoch u64, value u64, name behind a u32 length,
    ascending by name and epoch; of one name what the genesis said (from_epoch 0), what is in force
    and what comes next

Only what nothing but execution reads can change: engine, mempool and peers go by the genesis.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from quorate.core.codec import U64, Reader, encode_blob
from quorate.core.epochs import EpochStart
from quorate.core.params import Params
from quorate.core.records import Records
from quorate.core.state import EPOCH_START_KEY

CHANGES_KEY: Final = b"g"
NAME_BYTES_MAX: Final = 64
ISSUE_AMOUNT: Final = "issue_per_block"
ISSUE_HALVING: Final = "issue_halving_blocks"
UNBONDING: Final = "unbonding_epochs"
# validity_max_blocks is not here: mempools judge expiry by it before execution does.
CHANGEABLE: Final = (
    "seats_max",
    "seats_min",
    "candidates_max",
    "self_stake_min",
    "stake_min",
    UNBONDING,
    "jail_epochs",
    "missed_views_max",
    "slash_bp",
    "commission_step_bp",
    "commission_interval_ms",
    ISSUE_AMOUNT,
    ISSUE_HALVING,
    "lock_blocks_max",
)


class Change(NamedTuple):
    """A parameter's value from an epoch's first block on."""

    name: str
    from_epoch: int
    value: int


def encode_changes(changes: list[Change]) -> bytes:
    """Return the record of changes."""
    return b"".join([
        U64.pack(each.from_epoch) + U64.pack(each.value) + encode_blob(each.name.encode())
        for each in sorted(changes)
    ])  # fmt: skip


def decode_changes(record: bytes) -> tuple[Change, ...]:
    """Return the changes of a record, ascending by name and epoch; raises MalformedBytes."""
    reader, changes, left = Reader(record, "changes of parameters"), list[Change](), len(record)
    while left:
        from_epoch, value = reader.u64(), reader.u64()
        name = reader.blob(NAME_BYTES_MAX).decode(errors="replace")
        if name not in CHANGEABLE:
            raise reader.fail(f"'{name}' is no parameter that changes")
        changes.append(Change(name, from_epoch, value))
        left -= 20 + len(name)
    return tuple(changes)


def find_first(record: bytes, name: str, params: Params) -> int:
    """Return what the genesis said of a parameter, given those in force now."""
    first = [each.value for each in decode_changes(record) if each[:2] == (name, 0)]
    in_force: int = getattr(params, name)
    return first[0] if first else in_force


def add_change(record: bytes, change: Change, epoch: int, first: int) -> bytes:
    """Return the record with a change of a later epoch; what it or an older one replaces goes.

    `first` is what the genesis said.
    """
    kept: dict[tuple[str, bool, bool], Change] = {}
    for each in (Change(change.name, 0, first), *decode_changes(record), change):
        kept[each.name, each.from_epoch > 0, each.from_epoch > epoch] = each
    return encode_changes(list(kept.values()))


def compute_params(record: bytes, epoch: int, params: Params) -> Params:
    """Return the genesis' parameters with those changes that are in force in an epoch."""
    found = {each.name: each.value for each in decode_changes(record) if each.from_epoch <= epoch}
    return replace(params, **found) if found else params


def load_params(records: Records, genesis_params: Params) -> Params:
    """Return the parameters in force for the block after the one that gave this state."""
    record = records[CHANGES_KEY]
    return _read(record, records[EPOCH_START_KEY], genesis_params) if record else genesis_params


@lru_cache(maxsize=4)
def _read(record: bytes, start: bytes, genesis_params: Params) -> Params:
    # Asked for every block, and the same for an epoch.
    return compute_params(record, EpochStart.decode(start).epoch, genesis_params)


def keeps_promise(name: str, value: int, first: int) -> bool:
    """Tell whether a value keeps what others rely on a genesis for, which said `first`.

    No block issues more than by the genesis, because that and its supply together fit 63 bits. No
    stake is free earlier, because finality receipts are trusted so long (docs/protocol.md#Q6).
    """
    if name == ISSUE_HALVING:
        # 0 never halves, so it is above all others.
        return first == 0 or 0 < value <= first
    if name == ISSUE_AMOUNT:
        return value <= first
    return name != UNBONDING or value >= first


def are_consistent(params: Params) -> bool:
    """Tell whether parameters that each are within bounds also fit one another."""
    return params.seats_min <= params.seats_max
