"""The token whose calls `make bench PROFILE=contracts` counts, and how fast views are."""

import asyncio
import time
from pathlib import Path
from typing import Final

from figures import Figures
from rich.console import Console

from quorate.core.contracts.payloads import CallContract
from quorate.devnet.accounts import address_of, load_accounts
from quorate.devnet.load.plan import compute_percentile
from quorate.devnet.network import Network
from quorate.lang.build import build
from quorate.sdk.client import Client
from quorate.sdk.contracts import Contract, deploy
from quorate.sdk.keys import Key
from quorate.sdk.sender import Sender

SOURCE: Final = Path(__file__).resolve().parents[1] / "examples" / "contracts" / "token.py"
VIEWS: Final = 500
VIEW_P50_MS_MAX: Final = 2.0
_HOLDING: Final = 1_000_000
_MINT_FUEL: Final = 20_000_000
_PAYLOADS: Final = 16


async def deploy_token(network: Network, accounts: int) -> str:
    """Deploy the example token and give some to each sender; return its address in hex digits."""
    known = load_accounts(network.layout.directory)
    built = build(SOURCE.read_text(), str(SOURCE))
    async with (
        Client(network.layout.endpoint) as client,
        Sender(client, Key(known.demo), lanes=8) as sender,
    ):
        token = await deploy(client, sender, built, "Gold", "AU", 0, 0)
        holders = [address_of(known.load_seed(index)) for index in range(accounts)]
        parts = [holders[start : start + _PAYLOADS] for start in range(0, accounts, _PAYLOADS)]
        await asyncio.gather(*[_mint(sender, token.address, part) for part in parts])
    return token.address.hex()


async def measure_views(network: Network, contract: str) -> list[float]:
    """Return how long views through the gateway took, ascending, milliseconds; one at a time."""
    holder = address_of(load_accounts(network.layout.directory).load_seed(0))
    took: list[float] = []
    async with Client(network.layout.endpoint) as client:
        token = await Contract.at(client, bytes.fromhex(contract))
        for _ in range(VIEWS):
            started = time.perf_counter()
            await token.view.balance_of(holder)
            took.append((time.perf_counter() - started) * 1_000)
    return sorted(took)


def print_calls(console: Console, top: Figures, views: list[float]) -> None:
    """Print what calls and views came to."""
    calls = top.outcome.finalized_tps / 2
    p50, p99 = compute_percentile(views, 50), compute_percentile(views, 99)
    met = "[green]met[/]" if p50 <= VIEW_P50_MS_MAX else "[red]missed[/]"
    console.print(f"contract calls per second: {calls:,.0f}, as many transfers beside them")
    console.print(f"view through the gateway: p50 {p50:.2f} ms (≤ 2 ms: {met}), p99 {p99:.2f} ms")


async def _mint(sender: Sender, contract: bytes, holders: list[bytes]) -> None:
    amount = _HOLDING.to_bytes(8, "little")
    payloads = [
        CallContract(sender.address, contract, "mint", holder + amount, 0, _MINT_FUEL, ())
        for holder in holders
    ]
    await sender.send(payloads)
