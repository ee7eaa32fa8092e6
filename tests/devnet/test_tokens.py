"""Tokens and locks on a network of real processes: by the command line, and by several signers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quorate.cli.main import app
from quorate.core.errors import NotFound
from quorate.core.params import Params
from quorate.core.tokens.payloads import CreateToken, TransferToken
from quorate.core.tokens.records import compute_token_id
from quorate.core.transactions import Payload, Transfer
from quorate.devnet import checks
from quorate.devnet.accounts import load_accounts
from quorate.devnet.layout import DEFAULT_DIRECTORY, Spec
from quorate.devnet.network import Network
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import SENDER
from quorate.sdk.sender import Sender
from quorate.sdk.values import Outcome
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet


async def test_the_command_line_makes_moves_freezes_locks_and_burns(
    start_network: StartNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = await start_network(Spec(params=Params(heartbeat_ms=300)))
    # The demo key and the faucet are those of the network in the current directory.
    (tmp_path / DEFAULT_DIRECTORY.parent).mkdir(parents=True)
    (tmp_path / DEFAULT_DIRECTORY).symlink_to(network.layout.directory)
    monkeypatch.chdir(tmp_path)

    async def invoke(*arguments: str) -> Any:
        command = [*arguments, "--json", "-e", network.layout.endpoint]
        return await asyncio.to_thread(CliRunner().invoke, app, command)

    async def run(*arguments: str) -> dict[str, Any]:
        done = await invoke(*arguments)
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        return dict(json.loads(done.stdout))

    async def fail(*arguments: str) -> str:
        done = await invoke(*arguments)
        assert done.exit_code == faults.EXIT_PRECONDITION, (arguments, done.output)
        return str(json.loads(done.stdout)["reason"])

    made = await run(
        "token", "create", "GLD", "Gold", "--supply", "100", "--decimals", "2", "--freezable"
    )
    token = made["token"]
    await run("token", "mint", token, "faucet", "7.25")
    await run("token", "send", token, "faucet", "12.5")
    await run("token", "burn", token, "0.05", "--from", "faucet")
    held = await run("token", "list", "faucet")
    assert held["balances"] == [{"token": token, "balance": 1_970, "symbol": "GLD", "decimals": 2}]
    lock = await run("lock", "create", "faucet", "5", "--token", token, "--secret")
    await run("token", "policy", token, "--freeze")
    claim = ("lock", "claim", lock["lock"], "--from", "faucet", "--secret")
    assert await fail(*claim, lock["secret"]) == "TOKEN_FROZEN"
    await run("token", "policy", token, "--thaw", "--never-freezable", "--cap", "200", "--final")
    assert await fail(*claim, "00") == "WRONG_PREIMAGE"
    shown = await run("lock", "show", lock["lock"])
    assert (shown["amount"], shown["token"]) == (500, token)
    await run(*claim, lock["secret"])
    gone = await invoke("lock", "show", lock["lock"])
    assert isinstance(gone.exception, NotFound)
    found = await run("token", "show", token)
    assert (found["supply"], found["cap"], found["is_final"]) == (10_720, 20_000, True)
    short = await run("lock", "create", "faucet", "1.5", "--secret", "--blocks", "40")
    until = (await run("lock", "show", short["lock"]))["until_height"]
    async with Client(network.layout.endpoint) as client, asyncio.timeout(PATIENCE_S):
        async for block in client.watch_blocks(until - 1):
            assert block.height == until - 1
            break
    await run("lock", "refund", short["lock"])
    rules = await run("gov", "list")
    assert (rules["proposals"], rules["quorum"], rules["version"]) == ([], 3, "v1")
    assert await fail("gov", "propose", "slash_bp=1") == "NOT_SEATED"
    height = max([await checks.read_height(node) for node in network.layout.nodes])
    digests = await checks.compare_digests(network.layout.nodes, height)
    assert len(set(digests.values())) == 1


async def test_two_people_swap_tokens_in_one_transaction_whole_or_not(
    start_network: StartNetwork,
) -> None:
    network: Network = await start_network(Spec())
    accounts = load_accounts(network.layout.directory)
    alice, bob = Key(accounts.load_seed(0)), Key(accounts.load_seed(1))
    async with Client(network.layout.endpoint) as client, asyncio.timeout(PATIENCE_S):
        async with Sender(client, alice) as sender:
            create: list[Payload] = [
                CreateToken(signer, symbol, symbol, 0, 0, 100, False, True)
                for signer, symbol in ((SENDER, "GLD"), (bob.address, "SLV"))
            ]
            receipt = await sender.send(create, cosigners=[bob])
            gold, silver = (compute_token_id(receipt.id, position) for position in range(2))
            swap: list[Payload] = [
                TransferToken(SENDER, gold, bob.address, 30),
                TransferToken(bob.address, silver, alice.address, 70),
                Transfer(bob.address, alice.address, 5),
            ]
            receipt = await sender.send(swap, cosigners=[bob])
            assert receipt.outcome is Outcome.SUCCEEDED
            # Bob has 30 silver left: nobody gets anything.
            receipt = await sender.send(swap, cosigners=[bob])
            assert (receipt.outcome, receipt.reason) == (Outcome.FAILED, "INSUFFICIENT_TOKENS")
        for who, expected in ((alice, {gold: 70, silver: 70}), (bob, {gold: 30, silver: 30})):
            found, _ = await client.token_balances(who.address)
            assert {each.token: each.balance for each in found} == expected
