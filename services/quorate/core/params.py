"""Chain parameters: fixed in the genesis, the same on every validator, integers only."""

from dataclasses import asdict, dataclass, fields

from quorate.core.errors import InvalidGenesis

# Where arithmetic or the header's layout needs more than a 63-bit integer.
_BOUNDS = {
    "protocol_version": (1, 2**16 - 1),
    "contract_engine": (0, 2**16 - 1),
    "block_weight_max": (2, 2**63 - 1),
    "epoch_blocks": (1, 2**63 - 1),
    "epoch_ms": (1, 2**63 - 1),
    "seats_max": (1, 512),
    "seats_min": (1, 512),
    "candidates_max": (0, 2**31),
    "self_stake_min": (1, 2**63 - 1),
    "stake_min": (1, 2**63 - 1),
    # Evidence of the epoch before is accepted, so what unbonds must last longer.
    "unbonding_epochs": (2, 2**31),
    "jail_epochs": (1, 2**31),
    "missed_views_max": (0, 2**31),
    "slash_bp": (0, 10_000),
    "commission_step_bp": (0, 10_000),
    "issue_per_block": (0, 2**40),
    "lock_blocks_max": (1, 2**40),
    "deposit_per_byte": (0, 2**32),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Parameters of a chain; units stand last in the name, `_max` after the unit."""

    protocol_version: int = 1
    # 0: no contracts; 1: docs/contract-abi.md, version 1
    contract_engine: int = 1
    # Blocks and batches
    block_weight_max: int = 8_000_000
    block_batches_max: int = 256
    batch_size_bytes_max: int = 262_144
    batch_transactions_max: int = 2_048
    batch_validity_blocks: int = 256
    author_unfinalized_bytes_max: int = 16_777_216
    # Transactions
    transaction_size_bytes_max: int = 65_536
    payloads_max: int = 16
    memo_size_bytes_max: int = 256
    lanes_max: int = 16
    validity_max_blocks: int = 100_000
    base_fee_min: int = 1
    # Consensus
    block_interval_ms: int = 20
    heartbeat_ms: int = 15_000
    view_timeout_ms: int = 1_000
    view_timeout_ms_max: int = 8_000
    clock_ahead_ms_max: int = 500
    execution_lag_max: int = 64
    # Epochs
    epoch_blocks: int = 10_000
    epoch_ms: int = 600_000
    # Stake, in native units of 10^-9; bp: of 10,000
    seats_max: int = 31
    seats_min: int = 4
    candidates_max: int = 10_000
    self_stake_min: int = 1_000_000_000
    stake_min: int = 1_000_000
    unbonding_epochs: int = 144
    jail_epochs: int = 6
    missed_views_max: int = 500
    slash_bp: int = 500
    commission_step_bp: int = 100
    commission_interval_ms: int = 86_400_000
    issue_per_block: int = 0
    issue_halving_blocks: int = 0
    # Locks
    lock_blocks_max: int = 100_000_000
    # Contracts: native units of 10^-9 for each byte that they store
    deposit_per_byte: int = 10_000

    @classmethod
    def parse(cls, document: dict[str, object]) -> "Params":
        """Return parameters from a genesis document; unknown or non-integer fields are refused."""
        known = {field.name for field in fields(cls)}
        for name, value in document.items():
            if name not in known:
                raise InvalidGenesis(f"params.{name}", "is not a parameter")
            least, most = find_bounds(name)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise InvalidGenesis(f"params.{name}", f"must be an integer, {least} to {most}")
        return cls(**document)  # type: ignore[arg-type]

    def to_document(self) -> dict[str, int]:
        """Return the parameters as they stand in a genesis document."""
        return asdict(self)


def find_bounds(name: str) -> tuple[int, int]:
    """Return the least and the most that a parameter may be."""
    return _BOUNDS.get(name, (0, 2**63 - 1))


# What is bounded by the protocol for good, whatever the parameters.
SEATS_MAX = 512
IDEMPOTENCY_KEY_BYTES_MAX = 64
SUPPLY_MAX = 2**63 - 1
