"""Runs the generator in a process of its own and passes on what it says."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quorate.core.errors import QuorateError
from quorate.devnet.load.plan import Outcome, Plan

Hear = Callable[[str, dict[str, Any]], None]
"""Hears (event, its values)."""


async def run_load(directory: Path, plan: Plan, hear: Hear) -> Outcome:
    """Run a plan against the network in `directory`; raises QuorateError when it cannot be run."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "quorate.devnet.load.worker",
        str(directory),
        json.dumps(asdict(plan)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    last: dict[str, Any] = {}
    try:
        async for line in process.stdout:
            last = json.loads(line)
            event = last.pop("event")
            hear(event, last)
            if event == "error":
                raise QuorateError(last["message"], reason=last["reason"])
            if event == "outcome":
                return Outcome(**last)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
    raise QuorateError("the load generator ended without a result", reason="GENERATOR_ENDED")
