"""Tokens and locks on a network of real processes: by the command line, and by several signers."""

import asyncio

import pytest

from quorate.core.errors import NotFound
from quorate.core.tokens.payloads import CreateToken, TransferToken
from quorate.core.tokens.records import compute_token_id
from quorate.core.transactions import Payload, Transfer
from quorate.devnet import checks
from quorate.devnet.accounts import load_accounts
from quorate.devnet.network import Network
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import SENDER
from quorate.sdk.sender import Sender
from quorate.sdk.values import Outcome
from tests.devnet.command_line import CommandLine
from tests.devnet.command_line import network as network
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet


async def test_the_command_line_makes_moves_freezes_locks_and_burns(network: Network) -> None:
    cli = CommandLine(network)
    made = await cli.run(
        "token", "create", "GLD", "Gold", "--supply", "100", "--decimals", "2", "--freezable"
    )
    token = made["token"]
    await cli.run("token", "mint", token, "faucet", "7.25")
    await cli.run("token", "send", token, "faucet", "12.5")
    await cli.run("token", "burn", token, "0.05", "--from", "faucet")
    held = await cli.run("token", "list", "faucet")
    assert held["balances"] == [{"token": token, "balance": 1_970, "symbol": "GLD", "decimals": 2}]
    lock = await cli.run("lock", "create", "faucet", "5", "--token", token, "--secret")
    await cli.run("token", "policy", token, "--freeze")
    claim = ("lock", "claim", lock["lock"], "--from", "faucet", "--secret")
    assert await cli.fail(*claim, lock["secret"]) == "TOKEN_FROZEN"
    await cli.run(
        "token", "policy", token, "--thaw", "--never-freezable", "--cap", "200", "--final"
    )
    assert await cli.fail(*claim, "00") == "WRONG_PREIMAGE"
    shown = await cli.run("lock", "show", lock["lock"])
    assert (shown["amount"], shown["token"]) == (500, token)
    await cli.run(*claim, lock["secret"])
    gone = await cli.invoke("lock", "show", lock["lock"])
    assert isinstance(gone.exception, NotFound)
    found = await cli.run("token", "show", token)
    assert (found["supply"], found["cap"], found["is_final"]) == (10_720, 20_000, True)
    height = max([await checks.read_height(node) for node in network.layout.nodes])
    digests = await checks.compare_digests(network.layout.nodes, height)
    assert len(set(digests.values())) == 1


async def test_the_command_line_takes_back_what_nobody_claimed_and_lists_votes(
    network: Network,
) -> None:
    cli = CommandLine(network)
    short = await cli.run("lock", "create", "faucet", "1.5", "--secret", "--blocks", "40")
    until = (await cli.run("lock", "show", short["lock"]))["until_height"]
    async with Client(network.layout.endpoint) as client, asyncio.timeout(PATIENCE_S):
        async for block in client.watch_blocks(until - 1):
            assert block.height == until - 1
            break
    await cli.run("lock", "refund", short["lock"])
    rules = await cli.run("gov", "list")
    assert (rules["proposals"], rules["quorum"], rules["version"]) == ([], 3, "v1")
    assert await cli.fail("gov", "propose", "slash_bp=1") == "NOT_SEATED"


async def test_two_people_swap_tokens_in_one_transaction_whole_or_not(network: Network) -> None:
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
