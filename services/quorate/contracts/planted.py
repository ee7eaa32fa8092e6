"""A death that is planted in a contract's method. For local networks under test only.

`QUORATE_CONTRACTS_PLANTED=<abort|hang>:<method>` makes every child of the contract-runner abort, or
stand still, when a method of that name is called. It counts only beside `QUORATE_DEVNET=1`, which
`quorate devnet` alone sets.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from quorate.kit.failpoints import SWITCH

VARIABLE: Final = "QUORATE_CONTRACTS_PLANTED"
ABORT: Final = "abort"
HANG: Final = "hang"

Plant = Callable[[str], None]


def build_environment(how: str, method: str) -> dict[str, str]:
    """Return the variables with which a node's contract-runner dies at a method."""
    assert how in (ABORT, HANG)
    return {VARIABLE: f"{how}:{method}", SWITCH: "1"}


def open_plant(environment: Mapping[str, str] | None = None) -> Plant | None:
    """Return what the machine calls with each method that it runs; None: nothing is planted."""
    environment = os.environ if environment is None else environment
    how, _, method = environment.get(VARIABLE, "").partition(":")
    if environment.get(SWITCH) != "1" or how not in (ABORT, HANG):
        return None
    act = os.abort if how == ABORT else _hang

    def reach(name: str) -> None:
        if name == method:
            act()

    return reach


def _hang() -> None:
    while True:
        signal.pause()
