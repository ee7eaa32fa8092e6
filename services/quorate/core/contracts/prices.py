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
    "input_size": 800, "input": 1_300, "output": 1_200, "load": 2_700, "store": 2_300,
    "caller": 1_100, "origin": 1_100, "self": 1_100, "value": 800, "height": 800,
    "time_ms": 800, "balance": 1_400, "transfer": 1_600, "token_create": 7_500,
    "token_mint": 6_300, "token_burn": 5_800, "token_transfer": 6_500, "token_balance": 2_600,
    "emit": 2_000, "call": 3_000, "returned": 1_200, "sha256": 1_900, "ed25519_verify": 44_100,
}  # fmt: skip
"""What a call with a few bytes was measured to take in the process that runs it."""

INSTANCE_PRICE: Final = 60_000
"""Of every call of a contract: a fresh instance."""
JAVA_PRICE: Final = 100_000
"""Of every call of a contract of profile java: the objects that its globals begin with."""
PAGE_PRICE: Final = 80_000
"""Of every 64-KiB page of a contract's memory, at the start of a call or grown in it."""
