"""Which validators stand behind this gateway: what its file says now, without a restart.

The file is looked at every LOOK_S. What is new gets a session; what is gone loses it, and its lanes
move on. A file that can't be used changes nothing (docs/adr/010-gateway-membership.md).
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from quorate.core.errors import RefusedToStart
from quorate.gateway.backends import Backend, Owner
from quorate.kit.config import GatewayConfig, ValidatorAddress, load_gateway_config
from quorate.kit.logs import get_logger
from quorate.kit.tasks import Tasks

LOOK_S: Final = 0.5

_log = get_logger("gateway")


def check_addresses(addresses: Sequence[ValidatorAddress]) -> None:
    """Raise RefusedToStart (BAD_CONFIG) unless there are some, with distinct names."""
    names = [address.name for address in addresses]
    if not names or len(set(names)) != len(names):
        raise RefusedToStart("validators need distinct names, at least one", reason="BAD_CONFIG")


class Membership:
    """Owns the backends; `backends` is one list for all who route and read, changed in place."""

    def __init__(self, domain: bytes, tasks: Tasks) -> None:
        self.backends: list[Backend] = []
        self._domain, self._tasks = domain, tasks
        self._sessions: dict[ValidatorAddress, tuple[Backend, asyncio.Task[None]]] = {}

    def start(self, config: GatewayConfig, owner: Owner) -> None:
        """Begin sessions with all validators; follow the configuration's file, if it has one."""
        self.replace(config.validators, owner)
        if config.source is not None:
            self._tasks.start(self._follow(config.source, owner), "membership")

    def replace(self, addresses: Sequence[ValidatorAddress], owner: Owner) -> None:
        """Stand in front of these validators, in this order, and of no others."""
        sessions = {each: self._sessions.pop(each, None) for each in addresses}
        gone, self._sessions = self._sessions, {}
        for address, session in sessions.items():
            self._sessions[address] = session or self._begin(address, owner)
        self.backends[:] = [backend for backend, _ in self._sessions.values()]
        # Only now: the lanes that they give up must find others.
        for backend, task in gone.values():
            _log.info("validator no longer behind this gateway", validator=backend.name)
            # Its channels close when the last call on them ends: closing them now would end the
            # streams of clients who read from it, instead of handing them on.
            task.cancel()

    async def close(self) -> None:
        """Close all channels."""
        for backend in self.backends:
            await backend.close()

    def _begin(self, address: ValidatorAddress, owner: Owner) -> tuple[Backend, asyncio.Task[None]]:
        backend = Backend(address, self._domain)
        return backend, self._tasks.start(backend.run(owner), f"backend-{address.name}")

    def read(self, path: Path, owner: Owner) -> None:
        """Take up what a file says now; raises RefusedToStart, and then nothing has changed."""
        addresses = load_gateway_config(path).validators
        check_addresses(addresses)
        if addresses != list(self._sessions):
            self.replace(addresses, owner)
            _log.info("validators changed", names=[each.name for each in addresses])

    async def _follow(self, path: Path, owner: Owner) -> None:
        """Take up what the file says whenever it changed, until cancelled."""
        seen = b""
        while True:
            found = _look(path)
            if found != seen:
                seen = found
                try:
                    self.read(path, owner)
                except RefusedToStart as error:
                    _log.error("the new configuration cannot be used", why=error.message)
            await asyncio.sleep(LOOK_S)


def _look(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
