"""Where a local network lives: directories, ports, genesis and configuration files.

    layout.json     nodes, ports, where the sockets are     accounts.json  seeds
    genesis.json    the chain                               logs/  run/    per process
    validator-0/    home of a node: genesis.json, node.toml, and a directory per role
    gateway/        gateway.toml

Made once by `create_network`; each start calls `prepare`, which replaces ports that someone else
has taken and writes the configuration files anew: nodes find each other only through those.
"""

import json
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from quorate.core.errors import NotFound, QuorateError, RefusedToStart
from quorate.core.genesis import Terms, build_genesis, build_seat_entry
from quorate.core.genesis_entries import SeatEntry
from quorate.core.params import Params
from quorate.core.values import format_address, parse_address
from quorate.devnet.accounts import address_of, compute_stake, create_accounts, load_accounts
from quorate.devnet.ports import HOST, find_free_ports, is_free

DEFAULT_DIRECTORY = Path(".quorate/devnet")
ROLES = ("storage", "gossip", "consensus", "contracts")
# 2: nodes have a seat key and a candidate; there are retired nodes and a handover under way.
_VERSION = 2
# A Unix socket's path has room for 108 bytes on Linux and 104 elsewhere.
_SOCKET_PATH_BYTES_MAX = 100
PORTS_PER_NODE = 3 + len(ROLES)
_PORTS_OF_GATEWAY = 2


# An idle chain ends its epochs with heartbeats: so many of them fit into one.
_HEARTBEATS_PER_EPOCH = 4


def build_params(epoch_s: int) -> Params:
    """Return parameters of a chain whose epochs last so many seconds, also while it is idle."""
    epoch_ms, usual = epoch_s * 1_000, Params()
    heartbeat_ms = min(epoch_ms // _HEARTBEATS_PER_EPOCH, usual.heartbeat_ms)
    return replace(usual, epoch_ms=epoch_ms, heartbeat_ms=heartbeat_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a new network shall be like.

    Of the validators, which all hold a seat in epoch 0, the first `leaving` hold none afterwards;
    `joining` more get one in epoch 1.
    """

    validators: int = 4
    leaving: int = 0
    joining: int = 0
    observers: int = 0
    split: bool = False
    params: Params = field(default_factory=Params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One validator or observer: name, node id (hex) and ports; metrics ports, one per role.

    `seat_key` is the public key (hex) of its seat key, `candidate` the address that this key may
    sign for; both are empty for an observer, `candidate` for a spare too.
    """

    name: str
    node_id: str
    observer: bool
    seat_key: str = ""
    candidate: str = ""
    peer_port: int
    gossip_port: int
    storage_port: int
    metrics_ports: tuple[int, ...]

    def ports(self) -> list[int]:
        """Return all its ports."""
        return [self.peer_port, self.gossip_port, self.storage_port, *self.metrics_ports]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A seat on its way from one node to another, by their names, and the height it began at.

    `seat` is what its number was then. All this stands in the layout until it is done, so that
    whoever is interrupted can go on.
    """

    candidate: str
    seat: str
    source: str
    target: str
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A network on this machine as it lies on disk.

    `retired` names nodes that have left: their directories stay, their names are never used again.
    """

    directory: Path
    chain_id: str
    split: bool
    sockets_dir: Path
    gateway_port: int
    gateway_metrics_port: int
    nodes: tuple[Node, ...]
    retired: tuple[str, ...] = ()
    handover: Handover | None = None

    @property
    def endpoint(self) -> str:
        """Where the gateway's public API is: host:port."""
        return f"{HOST}:{self.gateway_port}"

    @property
    def genesis(self) -> Path:
        """The genesis document."""
        return self.directory / "genesis.json"

    def home(self, node: Node) -> Path:
        """Return a node's home directory."""
        return self.directory / node.name

    def roles(self) -> tuple[str, ...]:
        """Return what one node's processes are started as."""
        return ROLES if self.split else ("all",)

    def config(self, node: Node, role: str) -> Path:
        """Return the configuration file of one of a node's processes."""
        return self.home(node) / ("node.toml" if role == "all" else f"node.{role}.toml")

    def metrics_port(self, node: Node, role: str) -> int:
        """Return the metrics port of one of a node's processes."""
        return node.metrics_ports[0 if role == "all" else ROLES.index(role)]

    @property
    def gateway_config(self) -> Path:
        """The gateway's configuration file."""
        return self.directory / "gateway" / "gateway.toml"

    @property
    def validators(self) -> tuple[Node, ...]:
        """The nodes that have a seat key, whether it holds a seat or not."""
        return tuple(node for node in self.nodes if not node.observer)

    def find_node(self, name: str) -> Node:
        """Return a node by name or number; raises NotFound naming those there are."""
        for node in self.nodes:
            if name in (node.name, node.name.removeprefix("validator-")):
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise NotFound(f"no node '{name}' here; there are {known}", reason="NO_NODE", name=name)


def create_network(directory: Path, spec: Spec) -> Layout:
    """Make keys, genesis and homes of a new network; an interrupted one leaves nothing behind."""
    directory = directory.absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".new-", dir=directory.parent))
    try:
        layout = _build(building, spec)
        if directory.exists():
            directory.rmdir()  # an empty directory may be replaced, nothing else
        building.rename(directory)
    except OSError as error:
        raise RefusedToStart(
            f"cannot make a network in {directory}: {error}", reason="BAD_DIRECTORY"
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return replace(layout, directory=directory)


def load_network(directory: Path) -> Layout:
    """Return the network in a directory; raises NotFound with the next step when there is none."""
    directory = directory.absolute()
    try:
        document: dict[str, Any] = json.loads((directory / "layout.json").read_text())
        if document.get("version", 1) > _VERSION:
            raise ValueError(f"version {document['version']} is of a later quorate")
        nodes = tuple(
            Node(**{**node, "metrics_ports": _fill_ports(node["metrics_ports"])})
            for node in document["nodes"]
        )
        return Layout(
            directory=directory,
            chain_id=document["chain_id"],
            split=document["split"],
            sockets_dir=Path(document["sockets_dir"]),
            gateway_port=document["gateway_port"],
            gateway_metrics_port=document["gateway_metrics_port"],
            nodes=nodes,
            retired=tuple(document.get("retired", ())),
            handover=Handover(**document["handover"]) if document.get("handover") else None,
        )
    except FileNotFoundError as error:
        raise NotFound(
            f"no local network in {directory}: make one with `quorate devnet up`",
            reason="NO_DEVNET",
            directory=directory,
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefusedToStart(
            f"{directory / 'layout.json'} cannot be read ({error}): "
            "remove this network with `quorate devnet wipe`",
            reason="BAD_LAYOUT",
        ) from error


def prepare(layout: Layout) -> Layout:
    """Make a layout startable now: free ports, a private sockets directory, fresh config files."""
    gateway_port, gateway_metrics_port = _renew([layout.gateway_port, layout.gateway_metrics_port])
    ready = replace(
        layout,
        nodes=tuple(_with_ports(node, _renew(node.ports())) for node in layout.nodes),
        gateway_port=gateway_port,
        gateway_metrics_port=gateway_metrics_port,
        sockets_dir=_make_sockets_dir(layout.sockets_dir),
    )
    save(ready)
    return ready


def save(layout: Layout) -> None:
    """Write layout.json; whole or not at all."""
    document = asdict(layout) | {"version": _VERSION, "sockets_dir": str(layout.sockets_dir)}
    del document["directory"]
    path = layout.directory / "layout.json"
    path.with_suffix(".new").write_text(json.dumps(document, indent=2))
    path.with_suffix(".new").replace(path)


def _build(directory: Path, spec: Spec) -> Layout:
    chain_id = f"devnet-{os.urandom(3).hex()}"
    names = [f"validator-{index}" for index in range(spec.validators + spec.joining)]
    names += [f"observer-{index}" for index in range(spec.observers)]
    ports = find_free_ports(PORTS_PER_NODE * len(names) + _PORTS_OF_GATEWAY)
    accounts = create_accounts(directory)
    nodes = tuple(
        make_node(
            directory,
            name,
            ports[PORTS_PER_NODE * i : PORTS_PER_NODE * (i + 1)],
            "" if is_observer(name) else format_address(address_of(accounts.owner_seed(name))),
        )
        for i, name in enumerate(names)
    )
    entries = [_build_entry(directory, node, chain_id) for node in nodes if not node.observer]
    seats, next_seats = entries[: spec.validators], entries[spec.leaving :]
    genesis = build_genesis(
        chain_id, time.time_ns() // 10**6, spec.params, seats, accounts.balances(),
        next_seats=None if next_seats == seats else next_seats,
    )  # fmt: skip
    for place in (directory, *(directory / node.name for node in nodes)):
        (place / "genesis.json").write_text(genesis)
    for name in ("gateway", "logs", "run"):
        (directory / name).mkdir()
    layout = Layout(
        directory=directory,
        chain_id=chain_id,
        split=spec.split,
        sockets_dir=_make_sockets_dir(None),
        gateway_port=ports[-2],
        gateway_metrics_port=ports[-1],
        nodes=nodes,
    )
    save(layout)
    return layout


def _build_entry(directory: Path, node: Node, chain_id: str) -> SeatEntry:
    from quorate.consensus.seat_key import init_seat

    accounts, name = load_accounts(directory), node.name
    terms = Terms(
        owner=parse_address(node.candidate),
        operator=address_of(accounts.operator_seed(name)),
        stake=compute_stake(name),
    )
    return build_seat_entry(chain_id, name, init_seat(directory / name), terms)


def is_observer(name: str) -> bool:
    """Tell whether a node of this name only follows."""
    return name.startswith("observer-")


def make_node(directory: Path, name: str, ports: list[int], candidate: str = "") -> Node:
    """Make a node's home with its keys below a network's directory; the genesis is not in it."""
    from quorate.consensus.seat_key import init_seat  # loads what few commands need
    from quorate.gossip.identity import init_node

    home, observes = directory / name, is_observer(name)
    home.mkdir(mode=0o700)
    node = Node(
        name=name,
        node_id=init_node(home).hex(),
        observer=observes,
        seat_key="" if observes else init_seat(home).public_key.hex(),
        candidate=candidate,
        peer_port=0,
        gossip_port=0,
        storage_port=0,
        metrics_ports=(0,) * len(ROLES),
    )
    return _with_ports(node, ports)


def _with_ports(node: Node, ports: list[int]) -> Node:
    return replace(
        node,
        peer_port=ports[0],
        gossip_port=ports[1],
        storage_port=ports[2],
        metrics_ports=tuple(ports[3:]),
    )


def _renew(ports: list[int]) -> list[int]:
    taken = [port for port in ports if not port or not is_free(port)]
    fresh = iter(find_free_ports(len(taken), ports))
    return [next(fresh) if port in taken else port for port in ports]


def _fill_ports(ports: list[int]) -> tuple[int, ...]:
    """Return ports of metrics, one per role: a network of an earlier quorate had fewer roles."""
    return (*ports, *[0] * (len(ROLES) - len(ports)))


def _make_sockets_dir(present: Path | None) -> Path:
    if present is not None and present.is_dir() and present.stat().st_uid == os.getuid():
        return present
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 (0700, name is random)
        longest = os.fsencode(parent) + b"/quorate-12345678/validator-99/consensus.sock"
        if len(longest) < _SOCKET_PATH_BYTES_MAX:
            return Path(tempfile.mkdtemp(prefix="quorate-", dir=parent))
    raise QuorateError("the temporary directory's path is too long for Unix sockets")
