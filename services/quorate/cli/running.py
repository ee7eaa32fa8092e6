"""`quorate devnet run`, which is `make run`: a network in the foreground, alive to look at.

On a terminal a live table; without one a line every few seconds. Ctrl-C (or SIGTERM) stops
everything and says so; whatever happens to this process, its children end with it.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from quorate.cli import life, output
from quorate.cli.devnet import count_processes
from quorate.cli.panels import make_validators_table
from quorate.cli.tx import sign
from quorate.core.errors import QuorateError, Rejected
from quorate.devnet.accounts import UNIT, load_accounts
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.devnet.readiness import wait_ready
from quorate.devnet.vitals import Pace, Vitals
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import build_transfers
from quorate.sdk.transactions import Options

_REFRESH_S: Final = 0.5
_LINE_S: Final = 5.0
_TRANSFER_S: Final = 15.0


async def run_foreground(directory: Path, spec: Spec) -> None:
    """Run until told to stop; raises QuorateError when the network does not come up."""
    started_s = time.monotonic()
    network, is_new = Network.open_or_create(directory, spec, with_parent=True)
    if network.running():
        raise Rejected(
            f"this network is running already: see `quorate devnet status`, stop it with "
            f"`quorate devnet down` ({directory})",
            reason="DEVNET_RUNS",
        )
    told = _listen_for_stop()
    try:
        network.up()
        working = asyncio.create_task(_work(network, is_new=is_new, started_s=started_s))
        telling = asyncio.create_task(told.wait())
        await asyncio.wait({working, telling}, return_when=asyncio.FIRST_COMPLETED)
        for task in (working, telling):
            task.cancel()
        results = await asyncio.gather(working, telling, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]
    finally:
        _stop(network)


async def _work(network: Network, *, is_new: bool, started_s: float) -> None:
    with _spinner(f"starting {len(network.layout.nodes)} nodes and a gateway …"):
        status = await wait_ready(network)
    chain = "a new chain" if is_new else f"resumed at height {status.height:,}"
    output.out.print(
        Text.assemble(
            ("Quorate is up", "bold green"),
            f" after {time.monotonic() - started_s:.1f} s: {chain}\n",
        )
    )
    demo = Key(load_accounts(network.layout.directory).demo)
    async with Client(network.layout.endpoint) as client:
        await _print_summary(network, client, demo)
        await _show_transfer(network, client, demo)
        await _show_live(client)


async def _print_summary(network: Network, client: Client, demo: Key) -> None:
    layout, account = network.layout, await client.account(demo.address)
    output.print_fields(
        [
            ("public API", f"{layout.endpoint}  (gRPC, with reflection)"),
            ("demo account", demo.address_text),
            ("balance", output.format_amount(account.balance)),
            ("data and logs", _shorten(layout.directory)),
            ("metrics", ", ".join(f"127.0.0.1:{n.metrics_ports[0]}" for n in layout.nodes)),
        ]
    )
    output.out.print()


async def _show_transfer(network: Network, client: Client, demo: Key) -> None:
    """Send one token back to the faucet and print each stage as it is heard of."""
    faucet = Key(load_accounts(network.layout.directory).faucet)
    wished = Options(sequence=0, valid_until_height=0, fee_limit=0, memo=b"hello")
    output.out.print("A transfer of 1 token, demo → faucet:")
    payloads = build_transfers([(faucet.address, UNIT)])
    signed = await sign(client, [demo], payloads, wished)
    try:
        tell = partial(life.print_stage, console=output.out)
        await life.send_and_show(client, signed, _TRANSFER_S, tell)
    except QuorateError as error:
        # The network may still be worth looking at: the table shows who is missing.
        output.print_error(error, as_json=False)
    output.out.print(
        Text("\nTry in another terminal:  quorate tx send faucet 5  ·  quorate load --rate 500\n")
    )


async def _show_live(client: Client) -> None:
    vitals = Vitals(client)
    following = asyncio.create_task(vitals.follow())
    try:
        if output.out.is_terminal:
            await _refresh(vitals, following)
        else:
            await _print_lines(vitals, following)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _refresh(vitals: Vitals, following: "asyncio.Task[None]") -> None:
    with Live(console=output.out, auto_refresh=False, transient=False) as live:
        while not following.done():
            live.update(render(vitals), refresh=True)
            await asyncio.sleep(_REFRESH_S)
    following.result()


async def _print_lines(vitals: Vitals, following: "asyncio.Task[None]") -> None:
    while not following.done():
        await asyncio.sleep(_LINE_S)
        states = ", ".join(f"{each.name} {each.state}" for each in vitals.validators)
        output.out.print(f"{_describe_pace(vitals)}; {states}")
        sys.stdout.flush()
    following.result()


def render(vitals: Vitals) -> RenderableType:
    """Return the live table: figures of the last seconds, then each validator."""
    pace = vitals.pace()
    head = Text()
    for name, value in _figures(vitals, pace):
        head.append(f"{name} ", style="dim").append(value, style="bold").append("    ")
    foot = Text("Ctrl-C stops everything; the chain stays and goes on when run again", style="dim")
    if not vitals.is_gateway_up:
        foot = Text("the gateway does not answer", style="bold red")
    return Group(head, Text(), make_validators_table(vitals.validators), Text(), foot)


def _figures(vitals: Vitals, pace: Pace) -> list[tuple[str, str]]:
    if pace.p50_ms is None or pace.p99_ms is None:
        finality = "—"
    else:
        finality = f"{pace.p50_ms:,.0f} / {pace.p99_ms:,.0f} ms"
    return [
        ("height", f"{vitals.height:,}"),
        ("view", f"{vitals.view:,}"),
        ("tx/s", f"{pace.transactions_per_s:,.1f}"),
        ("finality p50/p99", finality),
    ]


def _describe_pace(vitals: Vitals) -> str:
    return ", ".join(f"{name} {value}" for name, value in _figures(vitals, vitals.pace()))


def _listen_for_stop() -> asyncio.Event:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    return told


def _stop(network: Network) -> None:
    output.out.print()
    # `quorate devnet scale` may have added some.
    network.refresh()
    count = len(network.running())
    with _spinner("stopping …"):
        killed = network.down()
    output.out.print(f"Stopped {count_processes(count)}. Run again, it resumes this chain.")
    for program in killed:
        output.err.print(f"{program.name} did not stop in time and was killed")


@contextlib.contextmanager
def _spinner(what: str) -> Iterator[None]:
    if not output.err.is_terminal:
        output.err.print(what)
        yield
        return
    with output.err.status(what):
        yield


def _shorten(path: Path) -> str:
    """Return a path relative to the current directory where that is shorter."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
