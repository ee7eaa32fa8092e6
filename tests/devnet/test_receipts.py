"""A finality receipt from real processes still proves its transaction when all of them are gone."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from quorate.core.errors import NotFound
from quorate.core.genesis import parse_genesis
from quorate.core.params import Params
from quorate.core.values import compute_quorum
from quorate.devnet.accounts import load_accounts
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.kit import faults
from quorate.sdk import receipts
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.sender import Sender
from quorate.sdk.values import Outcome, Receipt
from tests.devnet.conftest import StartNetwork

pytestmark = pytest.mark.devnet

TIMEOUT_S = 60.0


def run_cli(*arguments: str, cwd: Path) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "quorate.cli.main", *arguments, "--json"]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    return done.returncode, json.loads(done.stdout)


async def transfer(network: Network, client: Client) -> Receipt:
    accounts = load_accounts(network.layout.directory)
    sender = Sender(client, Key(accounts.load_seed(0)))
    return await sender.transfer([(Key(accounts.load_seed(1)).address, 5)])


async def wait_epoch(client: Client, epoch: int) -> None:
    deadline_s = time.monotonic() + 90.0
    async for block in client.watch_blocks():
        if block.epoch >= epoch:
            return
        assert time.monotonic() < deadline_s, f"epoch {block.epoch} still runs"


async def test_receipts_outlive_the_network_they_came_from(
    start_network: StartNetwork, tmp_path: Path
) -> None:
    """The seats change too: one leaves and comes back by election, another one comes."""
    params = Params(epoch_ms=1_500, heartbeat_ms=300)
    network = await start_network(Spec(leaving=1, joining=1, params=params))
    genesis = parse_genesis(network.layout.genesis.read_text())
    files = [tmp_path / name for name in ("early", "late", "trusting")]
    async with Client(network.layout.endpoint) as client:
        early = await transfer(network, client)
        receipts.save(files[0], await receipts.fetch(client, early.id, timeout_s=TIMEOUT_S))
        await wait_epoch(client, 5)
        late = await transfer(network, client)
        receipts.save(files[1], await receipts.fetch(client, late.id, timeout_s=TIMEOUT_S))
        # Who verified the late one needs nothing before its epoch, also for what is older.
        point = receipts.verify(receipts.load(files[1]), genesis.hash, any_age=True).proof.trust
        again = await receipts.fetch(client, early.id, from_epoch=point.epoch, timeout_s=TIMEOUT_S)
        receipts.save(files[2], again)
        with pytest.raises(NotFound):
            await client.finality_receipt(bytes(32))
    (tmp_path / "genesis.json").write_text(network.layout.genesis.read_text())
    await asyncio.to_thread(network.down)

    proven = receipts.verify(receipts.load(files[1]), genesis.hash, any_age=True)
    assert (proven.id, proven.outcome, proven.fee) == (late.id, Outcome.SUCCEEDED, late.fee)
    assert (proven.height, proven.position) == (late.height, late.position)
    assert proven.proof.links >= 4
    assert (
        receipts.verify(receipts.load(files[2]), genesis.hash, point, any_age=True).id == early.id
    )
    for named in (genesis.hash.hex(), "genesis.json"):
        code, found = run_cli(
            "receipt", "verify", "early", "--any-age", "--genesis", named, cwd=tmp_path
        )
        assert (code, found["id"], found["outcome"]) == (0, early.id.hex(), "SUCCEEDED")
        assert len(found["signers"]) == compute_quorum(found["seats"])
    code, found = run_cli(
        "receipt", "verify", "trusting", "--any-age", "--genesis", "genesis.json",
        "--trust", receipts.format_point(point), cwd=tmp_path,
    )  # fmt: skip
    assert (code, found["links"]) == (0, 0)
    altered = bytearray(files[0].read_bytes())
    altered[len(altered) // 2] ^= 1
    files[0].write_bytes(altered)
    code, found = run_cli("receipt", "verify", "early", "--genesis", "genesis.json", cwd=tmp_path)
    assert code == faults.EXIT_USAGE and "error" in found


async def test_the_command_line_gets_a_receipt_of_an_idle_chain(
    start_network: StartNetwork, tmp_path: Path
) -> None:
    network = await start_network(Spec())
    async with Client(network.layout.endpoint) as client:
        sent = await transfer(network, client)
    code, found = await asyncio.to_thread(
        run_cli, "receipt", "get", sent.id.hex(), "-o", "kept", "-e", network.layout.endpoint,
        "--genesis", str(network.layout.genesis), cwd=tmp_path,
    )  # fmt: skip
    assert (code, found["id"], found["height"]) == (0, sent.id.hex(), sent.height)
    assert (tmp_path / "kept").stat().st_size == found["size_bytes"] <= 4_096
