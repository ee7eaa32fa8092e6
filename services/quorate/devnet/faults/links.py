"""The links between the validators of a local network, in the hands of a test.

async with Links.open(network) as links:      # before network.up()
    network.up()
    await links.aim()
    await links.partition([["validator-0", "validator-1"], ["validator-2", "validator-3"]])
    await links.heal()
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import NamedTuple, Self

from quorate.core.errors import Unavailable
from quorate.devnet.faults.conditions import PERFECT, Condition, Cut
from quorate.devnet.faults.process import join_pair
from quorate.devnet.faults.relay import Pair
from quorate.devnet.network import Network
from quorate.devnet.ports import find_free_ports

_ANSWER_S = 10.0
_ENDS_S = 5.0


class Usage(NamedTuple):
    """What the relay has carried and used so far."""

    carried_bytes: int
    cpu_s: float


class Links:
    """All links of one network; made by `open`."""

    def __init__(
        self, network: Network, ports: Mapping[Pair, int], process: asyncio.subprocess.Process
    ) -> None:
        self._network, self._process = network, process
        self.ports = dict(ports)
        self.names = sorted({i for i, _ in ports})

    @classmethod
    @asynccontextmanager
    async def open(cls, network: Network, seed: int = 0) -> AsyncIterator[Self]:
        """Route a network that does not run yet through a relay; both end together."""
        names = [node.name for node in network.layout.nodes if not node.observer]
        pairs = [(i, j) for i in names for j in names if i != j]
        used = [port for node in network.layout.nodes for port in node.ports()]
        ports = dict(zip(pairs, find_free_ports(len(pairs), used), strict=True))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "quorate.devnet.faults.process", str(seed),
            json.dumps({join_pair(pair): port for pair, port in ports.items()}),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        links = cls(network, ports, process)
        try:
            await links._hear()
            network.routes = ports
            yield links
        finally:
            await links._end()

    async def aim(self) -> Usage:
        """Tell the relay where the nodes listen, once the network is up."""
        targets = {node.name: node.peer_port for node in self._network.layout.nodes}
        return await self._tell({"targets": targets})

    async def set(self, conditions: Mapping[Pair, Condition]) -> Usage:
        """Change links, all at one moment; others stay as they are."""
        return await self._tell(
            {"conditions": {join_pair(pair): asdict(each) for pair, each in conditions.items()}}
        )

    async def set_all(self, condition: Condition) -> Usage:
        """Make all links alike."""
        return await self.set(dict.fromkeys(self.ports, condition))

    async def heal(self) -> Usage:
        """Make all links perfect."""
        return await self.set_all(PERFECT)

    async def partition(self, groups: Iterable[Sequence[str]], cut: Cut = "silent") -> Usage:
        """Cut every link between different groups; within a group all are perfect.

        A validator in no group is alone.
        """
        group_of = {name: name for name in self.names}
        for group in groups:
            group_of |= dict.fromkeys(group, group[0])
        return await self.set(
            {
                (i, j): PERFECT if group_of[i] == group_of[j] else Condition(cut=cut)
                for i, j in self.ports
            }
        )

    async def measure(self) -> Usage:
        """Return what the relay has carried and used so far."""
        return await self._tell({})

    async def _tell(self, command: Mapping[str, object]) -> Usage:
        assert self._process.stdin is not None, "made with a pipe"
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self._hear()

    async def _hear(self) -> Usage:
        assert self._process.stdout is not None, "made with a pipe"
        async with asyncio.timeout(_ANSWER_S):
            line = await self._process.stdout.readline()
        if not line:
            raise Unavailable("the relay of the links has ended", reason="RELAY_ENDED")
        return Usage(**json.loads(line))

    async def _end(self) -> None:
        assert self._process.stdin is not None, "made with a pipe"
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_ENDS_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
