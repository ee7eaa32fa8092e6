"""What a contract pays for the host's work, in fuel: 2,000 stand for 1 µs of a validator's time.

Measured by `bench/host_prices.py` beside a signature check. A price covers what it takes here, and
what follows of it elsewhere: a record that is written is sent to storage, hashed and stored; events
and results are kept for good, as transactions are, whose bytes weigh about as much.
"""

from typing import Final

HOST_PRICES: Final[dict[str, tuple[int, int]]] = {
    "input_size": (4_000, 0),
    "input": (5_000, 1),
    "output": (5_000, 500),
    "load": (12_000, 1),
    "store": (24_000, 40),
    "caller": (4_500, 0),
    "origin": (4_500, 0),
    "self": (4_500, 0),
    "value": (4_000, 0),
    "height": (4_000, 0),
    "time_ms": (4_000, 0),
    "balance": (8_000, 0),
    "transfer": (24_000, 0),
    "token_create": (80_000, 40),
    "token_mint": (48_000, 0),
    "token_burn": (48_000, 0),
    "token_transfer": (50_000, 0),
    "token_balance": (12_000, 0),
    "emit": (12_000, 500),
    "call": (20_000, 2),
    "returned": (5_000, 1),
    "sha256": (6_000, 2),
    "ed25519_verify": (100_000, 6),
    "revert": (10_000, 10),
    "trace_line": (0, 0),
}
"""Name of a host function → fuel per call, and per byte that it reads or writes."""

MEASURED_NS: Final[dict[str, int]] = {
    "input_size": 1_400, "input": 2_000, "output": 1_900, "load": 3_200, "store": 3_400,
    "caller": 1_700, "origin": 1_600, "self": 1_700, "value": 1_300, "height": 1_200,
    "time_ms": 1_200, "balance": 2_300, "transfer": 2_800, "token_create": 14_100,
    "token_mint": 8_400, "token_burn": 7_900, "token_transfer": 9_500, "token_balance": 3_800,
    "emit": 3_300, "call": 5_000, "returned": 1_800, "sha256": 2_900, "ed25519_verify": 46_000,
}  # fmt: skip
"""What a call with a few bytes was measured to take in the process that runs it."""

INSTANCE_PRICE: Final = 60_000
"""Of every call of a contract: a fresh instance."""
PAGE_PRICE: Final = 80_000
"""Of every 64-KiB page of a contract's memory, at the start of a call or grown in it."""
