"""What a contract pays for the host's work, in fuel: one unit is 0.1 ns of a validator's time.

Measured by `bench/host_prices.py`, which prints the table of docs/contracts.md#fuel.
"""

from typing import Final

HOST_PRICES: Final[dict[str, tuple[int, int]]] = {
    "input_size": (10_000, 0),
    "input": (12_000, 1),
    "output": (15_000, 5),
    "load": (40_000, 10),
    "store": (50_000, 100),
    "caller": (12_000, 0),
    "origin": (12_000, 0),
    "self": (12_000, 0),
    "value": (10_000, 0),
    "height": (10_000, 0),
    "time_ms": (10_000, 0),
    "balance": (30_000, 0),
    "transfer": (60_000, 0),
    "token_create": (400_000, 100),
    "token_mint": (100_000, 0),
    "token_burn": (100_000, 0),
    "token_transfer": (150_000, 0),
    "token_balance": (40_000, 0),
    "emit": (40_000, 20),
    "call": (150_000, 10),
    "returned": (12_000, 1),
    "sha256": (20_000, 60),
    "ed25519_verify": (1_000_000, 60),
    "revert": (20_000, 10),
    "trace_line": (0, 0),
}
"""Name of a host function → fuel per call, and per byte that it reads or writes."""

INSTANCE_PRICE: Final = 200_000
"""Of every call of a contract: a fresh instance."""
PAGE_PRICE: Final = 80_000
"""Of every 64-KiB page of a contract's memory, at the start of a call or grown in it."""
