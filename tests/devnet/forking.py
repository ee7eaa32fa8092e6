"""Makes a forked network out of a stopped one, by the commands that operators use."""

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from quorate.core.genesis import Genesis, parse_genesis
from quorate.core.values import format_address
from quorate.devnet import layout as layouts
from quorate.devnet.layout import Layout, Spec
from quorate.devnet.network import Network

COMMAND_S = 120.0
FORK_EPOCH = 1


async def quorate(*words: object) -> dict[str, Any]:
    """Run the command line and return what it prints with --json; fails with its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "quorate.cli.main", *map(str, words), "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, errors = await asyncio.wait_for(process.communicate(), COMMAND_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, (words, out, errors)
    answer: dict[str, Any] = json.loads(out)
    return answer


def load_genesis(layout: Layout) -> Genesis:
    return parse_genesis(layout.genesis.read_text())


class Fork:
    """A network whose first two validators were two of the old one's; the others are new."""

    def __init__(self, old: Network, directory: Path) -> None:
        self.old = old
        made = layouts.create_network(directory / "net", Spec())
        shutil.copy(old.layout.directory / "accounts.json", made.directory / "accounts.json")
        nodes = list(made.nodes)
        for index in range(2):
            node = replace(nodes[index], node_id=old.layout.nodes[index].node_id)
            shutil.rmtree(made.home(node))
            # The other side goes on in this test as well, so each has a home of its own.
            shutil.copytree(old.layout.home(old.layout.nodes[index]), made.home(node))
            nodes[index] = node
        for node in nodes[2:]:
            (made.home(node) / "genesis.json").unlink()
        self.layout = replace(made, nodes=tuple(nodes), chain_id=old.layout.chain_id)
        layouts.save(self.layout)
        self.parts = directory / "parts"
        self.out = directory / "fork"

    async def write_parts(self, owners: Sequence[bytes], stake: int) -> list[Path]:
        """Have each validator make its part; new ones are owned by `owners`."""
        genesis = load_genesis(self.old.layout)
        owners = [*[seat.candidate for seat in genesis.seats[:2]], *owners]
        parts = []
        for node, owner in zip(self.layout.nodes, owners, strict=True):
            parts.append(self.parts / f"{node.name}.json")
            await quorate(
                "keys", "candidate", "--home", self.layout.home(node),
                "--chain-id", genesis.chain_id, "--fork-epoch", FORK_EPOCH, "--name", node.name,
                "--owner", format_address(owner), "--stake", stake, "-o", parts[-1],
            )  # fmt: skip
        return parts

    async def cut(self, height: int, parts: list[Path], home: Path, out: Path) -> dict[str, Any]:
        """Make the genesis from a stopped node's home."""
        named = [word for part in parts for word in ("--set", part)]
        return await quorate("genesis", "fork", "--at", height, "--home", home, *named, "-o", out)

    async def adopt(self) -> Network:
        """Give every home the fork's genesis; return the network, not started yet."""
        document = self.out / "genesis.json"
        await quorate("genesis", "check", document)
        for node in self.layout.nodes:
            await quorate("genesis", "adopt", document, "--home", self.layout.home(node))
        shutil.copy(document, self.layout.genesis)
        return Network(self.layout, with_parent=True)
