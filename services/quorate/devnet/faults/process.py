"""The relay as a process of its own: it must not wait for what it is used to test.

    python -m quorate.devnet.faults.process <seed> <links and ports as JSON>

One JSON command per line in, {"targets": …} or {"conditions": …}; one line out when it is done,
with what the relay has carried and used so far. It ends with its standard input.
"""

import asyncio
import json
import sys
import time
from typing import Any

from quorate.devnet.faults.conditions import Condition
from quorate.devnet.faults.relay import Pair, Relay

LINE_BYTES_MAX = 1024 * 1024


def main(arguments: list[str]) -> int:
    """Relay until told to stop."""
    seed, ports = int(arguments[0]), json.loads(arguments[1])
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(seed, ports))
    else:
        uvloop.run(_run(seed, ports))
    return 0


async def _run(seed: int, ports: dict[str, int]) -> None:
    relay = Relay(seed)
    await relay.listen({split_pair(pair): port for pair, port in ports.items()})
    reader = asyncio.StreamReader(LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(relay)
    try:
        while line := await reader.readline():
            _obey(relay, json.loads(line))
            _say(relay)
    finally:
        relay.stop()


def _obey(relay: Relay, command: dict[str, Any]) -> None:
    if "targets" in command:
        relay.set_targets(command["targets"])
    relay.set_conditions(
        {
            split_pair(pair): Condition(**fields)
            for pair, fields in command.get("conditions", {}).items()
        }
    )


def _say(relay: Relay) -> None:
    answer = {"carried_bytes": relay.count_bytes(), "cpu_s": time.process_time()}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def join_pair(pair: Pair) -> str:
    """Return a link as text, which JSON wants for a key."""
    return ">".join(pair)


def split_pair(text: str) -> Pair:
    """Return a link from its text."""
    i, _, j = text.partition(">")
    return i, j


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
