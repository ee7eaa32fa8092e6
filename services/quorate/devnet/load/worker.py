"""The generator as a process of its own: a plan in, one JSON line per event out.

    python -m quorate.devnet.load.worker <devnet directory> <plan as JSON>

Events: signing {done, total}; start, window, tick, closed and drained, all with {offered, executed,
waiting, overloaded, cpu_s}; outcome {…}; error {reason, message}. Whoever started it takes its
measurements at `window` and `closed`; nothing else happens in this process.
"""

import contextlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from quorate.core.errors import QuorateError
from quorate.devnet.accounts import load_accounts
from quorate.devnet.load.book import Book
from quorate.devnet.load.generator import Generator
from quorate.devnet.load.plan import Plan
from quorate.devnet.load.prepare import prepare
from quorate.kit.faults import find_exit_code

_NICENESS = -10
_TASKS = Path("/proc/self/task")


def main(arguments: list[str]) -> int:
    """Run the plan of the command line; return the exit code."""
    directory, plan = Path(arguments[0]), Plan(**json.loads(arguments[1]))
    try:
        import uvloop

        uvloop.run(_run(directory, plan))
    except QuorateError as error:
        _say("error", reason=error.reason, message=error.message)
        return find_exit_code(error)
    return 0


async def _run(directory: Path, plan: Plan) -> None:
    prepared = await prepare(
        plan, load_accounts(directory), lambda done, total: _say("signing", done=done, total=total)
    )
    _take_precedence()
    generator = Generator(plan, prepared.runs, prepared.bad)
    outcome = await generator.run(prepared.senders, prepared.cursor, _tell)
    _say("outcome", **asdict(outcome))


def _take_precedence() -> None:
    """Let this process run when it is due: the instrument must not wait for what it measures.

    All its threads, or the one that holds the interpreter's lock would wait instead. Without the
    right to this, or on another system, the lag of the run tells.
    """
    for task in _TASKS.iterdir() if _TASKS.exists() else ():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(task.name), _NICENESS)
            os.sched_setscheduler(int(task.name), os.SCHED_RR, os.sched_param(1))


def _tell(event: str, book: Book) -> None:
    _say(
        event,
        offered=book.outcome.offered,
        executed=book.outcome.executed,
        waiting=len(book.waiting),
        overloaded=book.outcome.overloaded,
        cpu_s=time.process_time(),
    )


def _say(event: str, **values: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
