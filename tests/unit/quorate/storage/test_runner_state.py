"""What storage says of the contract-runner: what executing met, else whether it answers."""

from pathlib import Path

from quorate.kit.rpc import Server, open_channel
from quorate.storage.contract_link import ContractLink
from quorate.storage.contract_slices import READY, Runner
from quorate.storage.runner_state import SILENT, RunnerState


async def test_a_runner_is_ready_silent_or_as_executing_found_it(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/contracts.sock"
    channel = open_channel(address)
    runner = Runner(ContractLink(channel), None)  # type: ignore[arg-type]
    state = RunnerState(runner, channel, sandboxed=True)
    assert (await state.describe()).state == SILENT
    server = Server(["quorate.Test"])
    server.server.add_insecure_port(address)
    await server.start()
    await server.set_ready(True)
    try:
        await channel.channel_ready()
        found = await state.describe()
        assert (found.state, found.sandboxed) == (READY, True)
        runner.state = "away: the contract-runner died"
        assert (await state.describe()).state == runner.state
    finally:
        await server.stop()
        await channel.close()
