"""Reading commands against a real gateway."""

import asyncio
import json
from typing import Any

from typer.testing import CliRunner

from quorate.cli.main import app
from quorate.core.seats import Seat, SeatSet
from quorate.core.values import format_address
from tests.unit.quorate.gateway.conftest import build_network

__all__ = ["build_network"]


async def run(network: Any, *arguments: str) -> str:
    """Return what a command prints."""
    done = await asyncio.to_thread(
        CliRunner().invoke, app, [*arguments, "-e", network.target], env={"COLUMNS": "120"}
    )
    assert done.exit_code == 0, done.output
    return done.stdout


async def test_seats_are_shown_by_epoch(build_network: Any) -> None:
    network = await build_network()
    network.chain.epoch = 4
    network.chain.sets[4] = (Seat(0, "alpha", bytes(31) + b"\x01"),)
    document = json.loads(await run(network, "seats", "--json"))
    assert document == {
        "epoch": 4, "running_epoch": 4, "height": 0,
        "hash": SeatSet(4, network.chain.sets[4]).hash.hex(),
        "seats": [{
            "seat": 0, "name": "alpha", "public_key": "00" * 31 + "01", "mark": None,
            "candidate": format_address(b""), "stake": 0, "missed": 0,
            "views_left": None,
        }],
    }  # fmt: skip
    text = await run(network, "seats")
    assert "4 (running)" in text and "alpha" in text and "00" * 8 + "…" in text
    text = await run(network, "seats", "--epoch", "5")
    assert "5 (4 runs)" in text and "v3" in text


async def test_status_shows_the_epoch(build_network: Any) -> None:
    text = await run(await build_network(), "status")
    assert ["epoch", "0"] in [line.split() for line in text.splitlines()]
