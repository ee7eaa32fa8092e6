"""Commands as people type them, in a directory of a network, whose demo key and faucet they use."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quorate.cli.main import app
from quorate.core.params import Params
from quorate.devnet.layout import DEFAULT_DIRECTORY, Spec
from quorate.devnet.network import Network
from quorate.kit import faults
from tests.devnet.conftest import StartNetwork


class CommandLine:
    """Runs commands in a directory of a network, whose demo key and faucet they use."""

    def __init__(self, network: Network) -> None:
        self._endpoint = network.layout.endpoint

    async def invoke(self, *arguments: str) -> Any:
        command = [*arguments, "--json", "-e", self._endpoint]
        return await asyncio.to_thread(CliRunner().invoke, app, command)

    async def run(self, *arguments: str) -> dict[str, Any]:
        done = await self.invoke(*arguments)
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        return dict(json.loads(done.stdout))

    async def fail(self, *arguments: str) -> str:
        done = await self.invoke(*arguments)
        assert done.exit_code == faults.EXIT_PRECONDITION, (arguments, done.output)
        return str(json.loads(done.stdout)["reason"])


@pytest.fixture
async def network(
    start_network: StartNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Network:
    """A network whose blocks come without transactions too, in the current directory."""
    network = await start_network(Spec(params=Params(heartbeat_ms=300)))
    (tmp_path / DEFAULT_DIRECTORY.parent).mkdir(parents=True)
    (tmp_path / DEFAULT_DIRECTORY).symlink_to(network.layout.directory)
    monkeypatch.chdir(tmp_path)
    return network
