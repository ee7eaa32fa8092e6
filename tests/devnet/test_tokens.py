"""Tokens and locks on a network of real processes: by the command line, and by several signers."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quorate.core.tokens.payloads import CreateToken, TransferToken
from quorate.core.tokens.records import compute_token_id
from quorate.core.transactions import Transfer
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
    start_network: StartNetwork, tmp_path: Path
) -> None:
    network = await start_network(Spec())
    # The demo key and the faucet are those of the network in the current directory.
    (tmp_path / DEFAULT_DIRECTORY.parent).mkdir(parents=True)
    (tmp_path / DEFAULT_DIRECTORY).symlink_to(network.layout.directory)

    async def run(*arguments: str, code: int = 0) -> dict[str, Any]:
        command = [sys.executable, "-m", "quorate.cli.main", *arguments, "--json"]
        done = await asyncio.to_thread(
            subprocess.run, [*command, "-e", network.layout.endpoint],
            cwd=tmp_path, capture_output=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return dict(json.loads(done.stdout))

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
    refused = faults.EXIT_PRECONDITION
    claim = ("lock", "claim", lock["lock"], "--secret", lock["secret"], "--from", "faucet")
    assert (await run(*claim, code=refused))["reason"] == "TOKEN_FROZEN"
    await run("token", "policy", token, "--thaw", "--never-freezable", "--cap", "200", "--final")
    wrong = (*claim[:4], "00", *claim[5:])
    assert (await run(*wrong, code=refused))["reason"] == "WRONG_PREIMAGE"
    shown = await run("lock", "show", lock["lock"])
    assert (shown["amount"], shown["token"]) == (500, token)
    await run(*claim)
    await run("lock", "show", lock["lock"], code=faults.EXIT_NOT_FOUND)
    found = await run("token", "show", token)
    assert (found["supply"], found["cap"], found["is_final"]) == (10_720, 20_000, True)
    short = await run("lock", "create", "faucet", "1.5", "--secret", "--blocks", "1")
    await run("token", "send", token, "faucet", "1")
    await run("lock", "refund", short["lock"])
    rules = await run("gov", "list")
    assert (rules["proposals"], rules["quorum"], rules["version"]) == ([], 3, "v1")
    outsider = await run("gov", "propose", "slash_bp=1", code=refused)
    assert outsider["reason"] == "NOT_SEATED"
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
            create = [
                CreateToken(signer, symbol, symbol, 0, 0, 100, False, True)
                for signer, symbol in ((SENDER, "GLD"), (bob.address, "SLV"))
            ]
            receipt = await sender.send(create, cosigners=[bob])
            gold, silver = (compute_token_id(receipt.id, position) for position in range(2))
            swap = [
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
