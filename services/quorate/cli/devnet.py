"""`quorate devnet …`: the local network of one person on one machine."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from quorate.cli import moving, options, output
from quorate.core.errors import InvalidInput
from quorate.devnet.layout import DEFAULT_DIRECTORY, ROLES, Layout, Spec, build_params
from quorate.devnet.network import Network
from quorate.devnet.processes import GATEWAY, Program
from quorate.devnet.system import is_paused
from quorate.sdk.values import Validator

app = typer.Typer(
    no_args_is_help=True, help="The local network: up, down, status, scaling and faults."
)
app.command(short_help="Have so many seats.")(moving.scale)
app.command(short_help="Move a seat to a fresh node.")(moving.handover)

Validators = Annotated[
    int, typer.Option("--validators", "-n", min=1, max=16, help="Validators of a new network.")
]
Observers = Annotated[
    int, typer.Option("--observers", min=0, max=8, help="Nodes that follow without a seat.")
]
Split = Annotated[
    bool, typer.Option("--split", help="One process per role instead of one per validator.")
]
EpochSeconds = Annotated[
    int, typer.Option("--epoch", min=2, metavar="SECONDS", help="Length of a new network's epochs.")
]
# Short, for people: seats move at epochs' boundaries. Chains that last have ten minutes or more.
_EPOCH_S = 20
NodeName = Annotated[
    str, typer.Argument(metavar="NODE", help="validator-0 or 0, observer-0, gateway.")
]


@app.command(short_help="Start in the foreground with a live table.")
def run(
    directory: options.Directory = DEFAULT_DIRECTORY,
    validators: Validators = 4,
    observers: Observers = 0,
    split: Split = False,
    epoch_s: EpochSeconds = _EPOCH_S,
) -> None:
    """**quorate devnet run**

    Start the network in the foreground, send one transfer and show its life, then a live table.
    Ctrl-C stops everything; run again, it resumes the same chain. Without a terminal: plain lines.
    """
    from quorate.cli.running import run_foreground

    params = build_params(epoch_s)
    spec = Spec(validators=validators, observers=observers, split=split, params=params)
    asyncio.run(run_foreground(directory, spec))


@app.command(short_help="Start in the background.")
def up(
    *,
    directory: options.Directory = DEFAULT_DIRECTORY,
    validators: Validators = 4,
    observers: Observers = 0,
    split: Split = False,
    epoch_s: EpochSeconds = _EPOCH_S,
    as_json: options.Json = False,
) -> None:
    """**quorate devnet up --observers 1**

    Start the network in the background, or what of it does not run, and wait until it works.
    An existing network keeps its validators and chain; it may gain observers.
    """
    from quorate.devnet.readiness import wait_ready

    params = build_params(epoch_s)
    spec = Spec(validators=validators, observers=observers, split=split, params=params)
    network, is_new = Network.open_or_create(directory, spec)
    started = network.up()
    with output.err.status("waiting for the network …"):
        status = asyncio.run(wait_ready(network))
    if as_json:
        output.print_json({**_describe_network(network), "is_new": is_new, "height": status.height})
        return
    output.err.print("new chain" if is_new else f"resumed at height {status.height:,}", end="")
    output.err.print(f", {count_processes(len(started))} started")
    print_addresses(network)


@app.command(short_help="Stop everything; the chain stays.")
def down(directory: options.Directory = DEFAULT_DIRECTORY) -> None:
    """**quorate devnet down**

    Stop everything cleanly. The chain stays; `quorate devnet up` resumes it.
    """
    network = Network.open(directory)
    running = len(network.running())
    with output.err.status("stopping …"):
        killed = network.down()
    output.err.print(f"{count_processes(running)} stopped")
    _report(killed, "did not stop in time and was killed")


@app.command(short_help="Show processes and validators.")
def status(directory: options.Directory = DEFAULT_DIRECTORY, as_json: options.Json = False) -> None:
    """**quorate devnet status --json**

    Show each process and what each validator does. Reads only; works with anything stopped.
    """
    from quorate.cli.panels import describe_validator, make_validators_table
    from quorate.devnet.readiness import list_validators

    network = Network.open(directory)
    processes = describe_processes(network)
    found = asyncio.run(list_validators(network.layout))
    if as_json:
        nodes = [
            {**describe_validator(each), "node": name, "process": processes.get(name)}
            for each, name in zip(found, find_nodes(network.layout, found), strict=True)
        ]
        output.print_json(
            {**_describe_network(network), "gateway": processes[GATEWAY], "nodes": nodes}
        )
        return
    output.print_fields([("chain", network.layout.chain_id), ("gateway", processes[GATEWAY])])
    output.out.print()
    names = find_nodes(network.layout, found)
    words = {
        each.name: processes.get(name, "") + (f" as {name}" if name != each.name else "")
        for each, name in zip(found, names, strict=True)
    }
    output.out.print(make_validators_table(found, words))


@app.command(short_help="Kill a node like a power cut.")
def kill(
    node: NodeName, role: options.Role = None, directory: options.Directory = DEFAULT_DIRECTORY
) -> None:
    """**quorate devnet kill validator-2**

    Kill a node's processes like a power cut (SIGKILL). `quorate devnet up` starts them again.
    """
    killed = Network.open(directory).kill(node, _check_role(role))
    _report(killed, "killed", otherwise=f"{node} was not running")


@app.command(short_help="Freeze a node.")
def pause(
    node: NodeName, role: options.Role = None, directory: options.Directory = DEFAULT_DIRECTORY
) -> None:
    """**quorate devnet pause validator-2**

    Freeze a node (SIGSTOP): it keeps its connections and says nothing.
    """
    frozen = Network.open(directory).pause(node, _check_role(role))
    _report(frozen, "paused", otherwise=f"{node} was not running")


@app.command(short_help="Let a paused node go on.")
def resume(
    node: NodeName, role: options.Role = None, directory: options.Directory = DEFAULT_DIRECTORY
) -> None:
    """**quorate devnet resume validator-2**

    Let a paused node go on (SIGCONT).
    """
    going = Network.open(directory).resume(node, _check_role(role))
    _report(going, "goes on", otherwise=f"{node} was not running")


@app.command(short_help="Delete the network, or one node's chain data.")
def wipe(
    node: Annotated[
        str | None,
        typer.Argument(metavar="[NODE]", help="Only this stopped node's chain data."),
    ] = None,
    directory: options.Directory = DEFAULT_DIRECTORY,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """**quorate devnet wipe --yes**

    Stop the network and delete it: keys, chain and logs. With a node: delete only its chain data;
    its keys and vote log stay, and it fetches the chain from the others.
    """
    if node is not None:
        Network.open(directory).wipe_node(node)
        output.err.print(f"chain data of {node} deleted; `quorate devnet up` lets it catch up")
        return
    if not (directory / "layout.json").exists():
        Network.open(directory)
    if not yes and not sys.stdin.isatty():
        raise InvalidInput(
            f"this deletes the network in {directory}: say so with --yes", reason="NOT_CONFIRMED"
        )
    if not yes:
        typer.confirm(f"Delete the network in {directory} with its keys and chain?", abort=True)
    _wipe(directory)
    output.err.print(f"{directory} deleted")


def print_addresses(network: Network) -> None:
    """Print where everything is: public API, node APIs, metrics, directory."""
    layout = network.layout
    output.print_fields(
        [("chain", layout.chain_id), ("gateway", layout.endpoint), ("directory", layout.directory)]
    )
    output.out.print()
    columns = ("node", "transactions", "reads", "metrics")
    table = output.make_table(*columns)
    for node in layout.nodes:
        metrics = ", ".join(
            f"127.0.0.1:{layout.metrics_port(node, role)}" for role in layout.roles()
        )
        ports = (node.gossip_port, node.storage_port)
        table.add_row(node.name, *[f"127.0.0.1:{port}" for port in ports], metrics)
    output.out.print(table)


def describe_processes(network: Network) -> dict[str, str]:
    """Return each node's processes in a word and number: running 4711, paused 4711, stopped."""
    words: dict[str, list[str]] = {}
    for program in network.processes.programs():
        process = network.processes.find(program)
        if process is None:
            word = "stopped"
        else:
            word = f"{'paused' if is_paused(process) else 'running'} {process.pid}"
        name = program.node.name if program.node is not None else GATEWAY
        words.setdefault(name, []).append(word)
    return {name: ", ".join(each) for name, each in words.items()}


def find_nodes(layout: Layout, validators: Sequence[Validator]) -> list[str]:
    """Return the node behind each validator: after a handover, a seat's name is another's."""
    by_key = {node.seat_key: node.name for node in layout.validators}
    return [by_key.get(each.public_key.hex(), each.name) for each in validators]


def count_processes(count: int) -> str:
    """Return a number of processes in words."""
    return "1 process" if count == 1 else f"{count} processes"


def _describe_network(network: Network) -> dict[str, Any]:
    layout = network.layout
    return {
        "chain_id": layout.chain_id,
        "endpoint": layout.endpoint,
        "directory": str(layout.directory),
    }


def _report(programs: Sequence[Program], what: str, otherwise: str = "") -> None:
    for program in programs:
        output.err.print(f"{program.name} {what}")
    if otherwise and not programs:
        output.err.print(otherwise)


def _check_role(role: str | None) -> str | None:
    if role is not None and role not in ROLES:
        raise InvalidInput(
            f"'{role}' is no role of a validator; there are {', '.join(ROLES)}", reason="NO_ROLE"
        )
    return role


def _wipe(directory: Path) -> None:
    Network.open(directory).wipe()
    # Nothing else lives in `.quorate` unless someone put it there.
    if directory.absolute().parent.name == ".quorate" and not any(directory.parent.iterdir()):
        shutil.rmtree(directory.parent)
