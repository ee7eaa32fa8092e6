"""Places where a process can be told to die as by kill -9. For local networks under test only.

`QUORATE_FAILPOINT=<point>:<count>` kills the process when it comes to the point for the count-th
time. It counts only beside `QUORATE_DEVNET=1`, which `quorate devnet` alone sets: anywhere else it
is refused, and the log says so. The environment is read once, when a service is made; without a
fail-point, passing one costs a call of an empty function.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from quorate.core.errors import InvalidInput
from quorate.kit.logs import get_logger

BEFORE_PERSIST: Final = "before_persist"
AFTER_PERSIST: Final = "after_persist"
AMID_SENDS: Final = "amid_sends"
BEFORE_SYNC: Final = "before_sync"
AFTER_SYNC: Final = "after_sync"
POINTS: Final = (BEFORE_PERSIST, AFTER_PERSIST, AMID_SENDS, BEFORE_SYNC, AFTER_SYNC)

VARIABLE: Final = "QUORATE_FAILPOINT"
SWITCH: Final = "QUORATE_DEVNET"

Reach = Callable[[str], None]
log = get_logger("failpoints")


def open_failpoints(environment: Mapping[str, str] | None = None) -> Reach:
    """Return what a service calls with the name of each point it passes."""
    environment = os.environ if environment is None else environment
    wished = environment.get(VARIABLE, "")
    if not wished:
        return _pass
    if environment.get(SWITCH) != "1":
        log.error("a fail-point is refused: this is no local network under test", wished=wished)
        return _pass
    try:
        point, count = parse_failpoint(wished)
    except InvalidInput as error:
        log.error("a fail-point is refused", wished=wished, why=error.message)
        return _pass
    log.warning("this process kills itself at a fail-point", point=point, count=count)
    return _Countdown(point, count)


def parse_failpoint(text: str) -> tuple[str, int]:
    """Return (point, count) of `point:count`; raises InvalidInput."""
    point, _, count = text.partition(":")
    if point not in POINTS or not count.isdecimal() or int(count) < 1:
        raise InvalidInput(
            f"'{text}' is no fail-point: <point>:<count>, points are {', '.join(POINTS)}",
            reason="BAD_FAILPOINT",
        )
    return point, int(count)


def build_environment(point: str, count: int) -> dict[str, str]:
    """Return the variables that make a node of a local network die at a point."""
    parse_failpoint(f"{point}:{count}")
    return {VARIABLE: f"{point}:{count}", SWITCH: "1"}


class _Countdown:
    def __init__(self, point: str, count: int) -> None:
        self._point, self._left = point, count

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _pass(point: str) -> None:
    """Do nothing: no fail-point is set."""
