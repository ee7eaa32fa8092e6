"""A candidate's life by the command line, on a network of real processes."""

import json
from pathlib import Path
from typing import Any

import pytest

from quorate.core import crypto
from quorate.core.staking.payloads import encode_ready
from quorate.core.values import format_address
from quorate.devnet.accounts import address_of, load_accounts
from quorate.devnet.network import Network
from quorate.sdk.client import Client
from tests.devnet.command_line import CommandLine
from tests.devnet.command_line import network as network

pytestmark = pytest.mark.devnet


class Seat:
    """A seat key without a machine, whose words are files, as an operator may carry them."""

    def __init__(self, folder: Path, owner: bytes, domain: bytes, seed: int) -> None:
        self.key = crypto.SigningKey(bytes([seed]) * 32)
        self._folder, self._owner, self._domain = folder, owner, domain

    def prove(self) -> str:
        proof = self.key.sign(crypto.TAG_SEAT, self._domain, self._owner)
        return self._write("proof.json", proof=proof.hex())

    def say_ready(self, epoch: int) -> str:
        message = encode_ready(self._owner, epoch)
        signature = self.key.sign(crypto.TAG_READY, self._domain, message)
        return self._write("ready.json", epoch=epoch, signature=signature.hex())

    def _write(self, name: str, **word: Any) -> str:
        seat = {"seat_key": self.key.public_key.hex(), "candidate": format_address(self._owner)}
        path = self._folder / name
        path.write_text(json.dumps({**seat, **word}))
        return str(path)


async def test_a_candidate_registers_rotates_is_refused_and_resigns(
    network: Network, tmp_path: Path
) -> None:
    cli, owner = CommandLine(network), address_of(load_accounts(network.layout.directory).demo)
    async with Client(network.layout.endpoint) as client:
        domain = (await client.status()).domain
        first, second = (Seat(tmp_path, owner, domain, seed) for seed in (1, 2))
        address = format_address(owner)
        register = ("candidate", "register", "1500", "--name", "mine", "--seat", first.prove())
        await cli.run(*register)
        assert await cli.fail(*register) == "CANDIDATE_EXISTS"
        await cli.run("stake", "delegate", address, "20", "--from", "faucet")
        await cli.run("candidate", "update", "demo", "--description", "on a shelf")
        leap = ("candidate", "update", "demo", "--commission", "50")
        assert await cli.fail(*leap) == "COMMISSION_STEP"
        await cli.run("candidate", "rotate", "--seat", second.prove())
        again = ("candidate", "rotate", "--seat", first.prove())
        assert await cli.fail(*again) == "SEAT_KEY_USED"
        epoch = (await client.economy()).epoch.epoch
        await cli.run("candidate", "ready", "--seat", second.say_ready(epoch))
        assert await cli.fail("candidate", "unjail", "demo") == "NOT_JAILED"
        shown = await cli.run("candidate", "show", "demo")
        assert shown["seat_key"] == second.key.public_key.hex()
        assert (shown["name"], shown["description"]) == ("mine", "on a shelf")
        await cli.run("candidate", "resign", "demo")
        late = ("stake", "delegate", address, "20", "--from", "faucet")
        assert await cli.fail(*late) == "CANDIDATE_RESIGNED"
        assert (await client.candidate(owner)).stake == 1_520 * 10**9
