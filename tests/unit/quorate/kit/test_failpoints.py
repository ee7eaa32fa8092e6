"""A fail-point kills only where it is asked for, and only beside the switch of a local network."""

import os
import signal
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from quorate.core.errors import InvalidInput
from quorate.kit import failpoints

SCRIPT = """
from quorate.kit import failpoints
reach = failpoints.open_failpoints()
for number in range(1, 10):
    reach("before_sync")
    reach("after_persist")
    print(number, flush=True)
"""


def run(environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run a process that passes two points nine times; return how it ended and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    return done.returncode, [line for line in done.stdout.split() if line.isdigit()]


def test_process_dies_when_it_comes_there_for_the_nth_time() -> None:
    environment = failpoints.build_environment(failpoints.AFTER_PERSIST, 3)
    assert run(environment) == (-signal.SIGKILL, ["1", "2"])


def test_process_lives_without_the_switch() -> None:
    environment = failpoints.build_environment(failpoints.AFTER_PERSIST, 3)
    environment.pop(failpoints.SWITCH)
    assert run(environment)[0] == 0


@pytest.mark.parametrize("switch", ["", "0", "true", "yes"])
def test_only_the_exact_switch_counts_and_refusing_is_logged(switch: str) -> None:
    wished = {failpoints.VARIABLE: "after_persist:1", failpoints.SWITCH: switch}
    with capture_logs() as logs:
        failpoints.open_failpoints(wished)(failpoints.AFTER_PERSIST)
    assert [(each["log_level"], each["wished"]) for each in logs] == [("error", "after_persist:1")]


def test_what_cannot_be_read_is_refused_and_logged() -> None:
    for wished in ("nowhere:1", "after_persist", "after_persist:0", "after_persist:-1", "1"):
        environment = {failpoints.VARIABLE: wished, failpoints.SWITCH: "1"}
        with capture_logs() as logs:
            failpoints.open_failpoints(environment)
        assert [each["log_level"] for each in logs] == ["error"], wished


def test_an_armed_process_says_so() -> None:
    with capture_logs() as logs:
        failpoints.open_failpoints(failpoints.build_environment(failpoints.AMID_SENDS, 7))
    assert [(e["log_level"], e["point"], e["count"]) for e in logs] == [
        ("warning", "amid_sends", 7)
    ]


def test_without_a_fail_point_nothing_is_said_and_nothing_counted() -> None:
    with capture_logs() as logs:
        reach = failpoints.open_failpoints({})
        assert reach is failpoints.open_failpoints({failpoints.SWITCH: "1"})
    assert logs == []


def test_environment_of_an_unknown_point_is_not_built() -> None:
    with pytest.raises(InvalidInput):
        failpoints.build_environment("nowhere", 1)
