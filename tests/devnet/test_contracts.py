"""Contracts on a network of real processes, by the command line alone, as an author uses it."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quorate.cli.main import app
from quorate.core.errors import InvalidInput, QuorateError, Rejected
from quorate.devnet import checks
from quorate.devnet.network import Network
from tests.devnet.command_line import CommandLine
from tests.devnet.command_line import network as network
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet
EXAMPLES = Path(__file__).parents[2] / "examples" / "contracts"
Documents = AsyncIterator[dict[str, Any]]
ARGUMENTS = ("Gold", "AU", "2", "1000")


class Contracts(CommandLine):
    """Commands of one contract, in the directory of its network."""

    async def invoke(self, *arguments: str) -> Any:
        if "build" not in arguments:
            return await super().invoke(*arguments)
        return await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--json"])

    async def contract(self, *arguments: str) -> dict[str, Any]:
        return await self.run("contract", *arguments)

    async def refuse(self, *arguments: str) -> QuorateError:
        done = await self.invoke("contract", *arguments)
        assert isinstance(done.exception, QuorateError), (arguments, done.output, done.exception)
        return done.exception


@pytest.fixture
def cli(network: Network) -> Contracts:
    shutil.copy(EXAMPLES / "token.py", "token.py")
    return Contracts(network)


@asynccontextmanager
async def follow(network: Network, arguments: list[str]) -> AsyncIterator[Documents]:
    """Run a command that tells one document per line, until it is left."""
    command = [sys.executable, "-P", "-m", "quorate.cli.main", "contract", *arguments]
    child = await asyncio.create_subprocess_exec(
        *command, "-e", network.layout.endpoint, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield read_documents(child)
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def read_documents(child: asyncio.subprocess.Process) -> Documents:
    assert child.stdout is not None
    while line := await child.stdout.readline():
        yield json.loads(line)


async def assert_all_agree(network: Network) -> None:
    height = max([await checks.read_height(node) for node in network.layout.nodes])
    digests = await checks.compare_digests(network.layout.nodes, height)
    assert len(set(digests.values())) == 1


async def test_a_token_is_built_deployed_called_and_read(network: Network, cli: Contracts) -> None:
    built = await cli.contract("build", "token.py")
    assert Path("token.wasm").stat().st_size == built["size_bytes"] < 20_000
    tried = await cli.contract("deploy", "token.wasm", *ARGUMENTS, "--dry-run")
    assert tried["receipt"]["outcome"] == "SUCCEEDED" and tried["receipt"]["fee"] > 0
    made = await cli.contract("deploy", "token.wasm", *ARGUMENTS, "--as", "token")
    assert made["outcome"] == "SUCCEEDED" and made["deposit"] > 0 and made["fuel"] > 0
    assert {each["variable"] for each in made["changes"]} >= {"owner", "supply", "balances"}
    paid = await cli.contract("call", "token", "transfer", "amount=300", "to=faucet")
    assert paid["failure"] is None and 0 < paid["fuel"] <= paid["fuel_limit"]
    (event,) = paid["calls"][0]["events"]
    assert (event["name"], event["fields"]["amount"]) == ("Transferred", 300)
    after = {each["after"] for each in paid["changes"] if each["variable"] == "balances"}
    assert after == {700, 300}
    assert (await cli.contract("view", "token", "balance_of", "faucet"))["result"] == 300
    pages, after = [], "0x"
    while after:
        page = await cli.contract("state", "token", "--count", "2", "--after", after)
        pages += page["records"]
        after = page["next"]
    assert pages == (await cli.contract("state", "token"))["records"] and len(pages) == 7
    state = await cli.contract("state", "token", "balances")
    assert sorted(each["value"] for each in state["records"]) == [300, 700]
    events = await cli.contract("events", "token", "Transferred")
    assert [each["fields"]["amount"] for each in events["events"]] == [1_000, 300]
    first = await cli.contract("events", "token", "--count", "1")
    assert (first["events"], first["more"]) == (events["events"][:1], True)
    later = await cli.contract("events", "token", "--since", str(paid["height"]))
    assert (later["events"], later["more"]) == (events["events"][1:], False)
    changes = await cli.contract("diff", "token", paid["id"])
    assert {(each["before"], each["after"]) for each in changes["changes"]} == {
        (1_000, 700), (None, 300),
    }  # fmt: skip
    receipt = await cli.contract("receipt", paid["id"])
    assert receipt["calls"] == paid["calls"] and receipt["fuel"] == paid["fuel"]
    listed = await cli.contract("list")
    assert [(each["name"], each["contract"]) for each in listed["contracts"]] == [
        ("token", made["contract"])
    ]
    found = await cli.contract("inspect", "token")
    assert found["code_hash"] == built["code_hash"] and found["contract"] == made["contract"]
    await assert_all_agree(network)


async def test_what_would_fail_is_told_and_not_sent(network: Network, cli: Contracts) -> None:
    await cli.contract("deploy", "token.py", *ARGUMENTS, "--as", "token")
    before = await cli.run("account", "demo")
    error = await cli.refuse("call", "token", "transfer", "faucet", "1001")
    assert isinstance(error, Rejected) and error.reason == "REVERTED"
    source = Path("token.py").read_text().splitlines()
    line = int(error.fields()["line"])
    assert "balance too small" in source[line - 1] and "balance too small" in error.message
    assert (await cli.run("account", "demo"))["lanes"] == before["lanes"]
    done = await cli.invoke("contract", "call", "token", "transfer", "faucet", "1001", "--force")
    failed = json.loads(done.stdout)
    assert (failed["outcome"], failed["failure"]["line"]) == ("FAILED", line)
    receipt = await cli.contract("receipt", failed["id"])
    assert receipt["failure"] == failed["failure"] and receipt["calls"] == []
    error = await cli.refuse("call", "token", "transfer", "faucet")
    assert isinstance(error, InvalidInput) and error.reason == "BAD_ARGUMENTS"
    error = await cli.refuse("call", "token", "transfers", "faucet", "1")
    assert error.reason == "NO_METHOD" and "transfer_from" in error.message
    error = await cli.refuse("view", "token", "transfer", "faucet", "1")
    assert error.reason == "NO_VIEW"
    error = await cli.refuse("view", "token", "balance_of", "nobody-here")
    assert "nobody-here" in error.message


async def test_a_call_is_simulated_and_traced_without_effect(cli: Contracts) -> None:
    await cli.contract("deploy", "token.py", *ARGUMENTS, "--as", "token")
    tried = await cli.contract("simulate", "token", "transfer", "faucet", "5")
    trial = tried["trial"]
    assert tried["receipt"]["outcome"] == "SUCCEEDED" and trial["fuel"] > 0
    touched = {key["variable"] for each in trial["access"] for key in each["keys"]}
    assert touched == {"balances"}
    assert {each["after"] for each in trial["changes"]} == {995, 5}
    traced = await cli.contract("trace", "token", "transfer", "faucet", "5", "--source", "token.py")
    lines = [each["line"] for each in traced["steps"] if not each["action"]]
    source = Path("token.py").read_text().splitlines()
    assert any("self.move(self.caller, to, amount)" in source[line - 1] for line in lines)
    stored = [each["value"] for each in traced["steps"] if each["action"] == "store"]
    assert stored == [995, 5] and traced["failure"] is None
    fuel = [each["fuel"] for each in traced["steps"]]
    assert fuel == sorted(fuel) and fuel[-1] <= traced["fuel"]
    Path("token.py").write_text(Path("token.py").read_text().replace("amount\n", "amount + 1\n"))
    error = await cli.refuse("trace", "token", "transfer", "faucet", "5", "--source", "token.py")
    assert error.reason == "OTHER_SOURCE"
    state = await cli.contract("state", "token", "balances")
    assert [each["value"] for each in state["records"]] == [1_000]


async def test_events_are_followed_as_they_come(cli: Contracts, network: Network) -> None:
    await cli.contract("deploy", "token.py", *ARGUMENTS, "--as", "token")
    command = ["events", "token", "--follow", "--since", "1", "--json"]
    async with asyncio.timeout(PATIENCE_S), follow(network, command) as told:
        assert (await anext(told))["fields"]["amount"] == 1_000
        await cli.contract("call", "token", "transfer", "faucet", "7")
        assert (await anext(told))["fields"]["amount"] == 7


async def test_the_authors_loop_builds_tests_deploys_and_survives_errors(
    network: Network, cli: Contracts
) -> None:
    source, tests = Path("token.py"), Path("tests") / "test_token.py"
    tests.parent.mkdir()
    shutil.copy(EXAMPLES / "tests" / "test_token.py", tests)
    text = source.read_text()
    command = ["dev", "token.py", *ARGUMENTS, "--json"]
    async with asyncio.timeout(2 * PATIENCE_S), follow(network, command) as rounds:
        first = await anext(rounds)
        assert first["error"] is None and first["tests"]["passed"] is True, first
        assert {each["value"] for each in first["state"] if each["variable"] == "supply"} == {1_000}
        source.write_text(text.replace("self.supply += amount", "self.supply += 0.5"))
        broken = await anext(rounds)
        assert broken["error"]["reason"] == "INVALID_CONTRACT" and broken["contract"] is None
        source.write_text(text.replace("self.supply -= amount", "self.supply -= 0"))
        failing = await anext(rounds)
        assert failing["error"]["reason"] == "TESTS_FAILED"
        source.write_text(text + "\n# Only a remark.\n")
        again = await anext(rounds)
        assert again["error"] is None and again["contract"], again
    assert (await cli.contract("view", "token", "balance_of", "demo"))["result"] == 1_000
