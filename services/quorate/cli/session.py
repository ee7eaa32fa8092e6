"""Which gateway a command talks to, and how its failures read.

An explicit --endpoint wins over QUORATE_ENDPOINT, which wins over the local network in the current
directory: what someone named is never replaced by what happens to lie there.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from quorate.core.errors import NotFound, Unavailable
from quorate.devnet.layout import DEFAULT_DIRECTORY, load_network
from quorate.sdk.client import Client

ENDPOINT_VARIABLE: Final = "QUORATE_ENDPOINT"
_PROBE_S: Final = 1.0
_Result = TypeVar("_Result")


def find_endpoint(given: str | None, directory: Path = DEFAULT_DIRECTORY) -> str:
    """Return host:port of the gateway to use; raises NotFound with the next step."""
    named = given or os.environ.get(ENDPOINT_VARIABLE)
    if named:
        return named
    try:
        return load_network(directory).endpoint
    except NotFound as error:
        raise NotFound(
            f"no gateway named and no local network in {directory}: start one with "
            f"`quorate devnet up`, or give --endpoint or {ENDPOINT_VARIABLE}",
            reason="NO_ENDPOINT",
        ) from error


def run(given: str | None, work: Callable[[Client], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run work with a client of the chosen gateway; an absent gateway names the next step."""
    endpoint = find_endpoint(given)

    async def connected() -> _Result:
        async with Client(endpoint) as client:
            return await work(client)

    try:
        return asyncio.run(connected())
    except Unavailable as error:
        if error.reason != Unavailable.reason or _is_listening(endpoint):
            raise
        raise Unavailable(
            f"no gateway at {endpoint}: start one with `quorate devnet up`",
            reason="NO_GATEWAY",
            endpoint=endpoint,
        ) from error


def _is_listening(endpoint: str) -> bool:
    host, _, port = endpoint.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PROBE_S):
            return True
    except (OSError, ValueError):
        return False
