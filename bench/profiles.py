"""The profiles of `make bench`: which rates, for how long, with what broken."""

from collections.abc import Sequence
from dataclasses import dataclass

from quorate.devnet.load.plan import Outcome

RISE = 1.35
RISING_FIRST_TPS = 1_500
RISING_STEPS_MAX = 9
SATURATION_P50_MS = 2_000.0
_FINALIZED_SHARE_MIN = 0.93
_OVERLOADED_SHARE_MAX = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`rates_tps` in turn; empty means: rise until it saturates, then `beyond` × that, if set.

    `has_calls`: every second transaction calls a contract, and the run with most of them speaks.
    """

    name: str
    rates_tps: Sequence[int] = ()
    duration_s: float = 15.0
    warmup_s: float = 3.0
    accounts: int = 128
    tick_ms: int = 10
    beyond: float = 0.0
    is_one_down: bool = False
    bad_per_mille: int = 10
    has_calls: bool = False


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="idle", rates_tps=(10,), duration_s=20.0, accounts=16),
        Profile(name="steady", rates_tps=(500, 2_000)),
        Profile(name="saturate", duration_s=8.0, warmup_s=2.0, accounts=240),
        Profile(name="overload", duration_s=8.0, warmup_s=2.0, accounts=240, beyond=2.0),
        Profile(name="one-down", rates_tps=(1_000,), is_one_down=True),
        # Every second transaction is a token's transfer by contract; the last rate is too much.
        Profile(
            name="contracts",
            rates_tps=(1_000, 2_200, 3_000),
            duration_s=8.0,
            warmup_s=2.0,
            accounts=240,
            has_calls=True,
        ),
    )
}


def is_saturated(outcome: Outcome) -> bool:
    """Tell whether a rising rate has gone past what the network can finalize."""
    refused = outcome.overloaded / max(1, outcome.offered)
    return (
        outcome.finalized_tps < outcome.offered_tps * _FINALIZED_SHARE_MIN
        or refused > _OVERLOADED_SHARE_MAX
        or outcome.p50_ms > SATURATION_P50_MS
    )


def compute_next_rate(rate_tps: int) -> int:
    """Return the next rate of a rising run, rounded to hundreds."""
    return round(rate_tps * RISE / 100) * 100
