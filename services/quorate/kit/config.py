"""Configuration: one model per kind of process, from `node.toml`/`gateway.toml` and environment.

Environment variables win over the file: QUORATE_NAME, QUORATE_PEERS='["…"]' and so on.
"""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from quorate.core.errors import MalformedAddress, RefusedToStart
from quorate.core.values import format_address, parse_address

Config = TypeVar("Config", bound="FileConfig")


class FileConfig(BaseSettings):
    """Settings whose file is overridden by the environment."""

    _source: Path | None = PrivateAttr(default=None)

    @property
    def source(self) -> Path | None:
        """The file that it was read from; None when it was made otherwise."""
        return self._source

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over what `_load` passes from the file."""
        return env_settings, init_settings


class NodeConfig(FileConfig):
    """One validator or observer: where it lives, listens and finds others."""

    model_config = SettingsConfigDict(env_prefix="QUORATE_", extra="forbid")

    home: Path
    """Directory of all its data: genesis.json, node key, consensus/, storage/."""
    name: str
    """What people call it; a seat's name stands in the genesis."""
    observer: bool = False
    """Follow without a seat key: never a validator."""
    candidate: str = ""
    """Address of the candidate that this node's seat key may sign for; empty: none, a spare."""
    peer_listen: str = "127.0.0.1:0"
    """host:port for TLS streams of other nodes."""
    peer_advertise: str = ""
    """host:port under which others reach it; empty: peer_listen."""
    gossip_api_listen: str = "127.0.0.1:0"
    """host:port of the node API of gossip (transactions of gateways)."""
    storage_api_listen: str = "127.0.0.1:0"
    """host:port of the node API of storage (reads and streams)."""
    metrics_listen: str = ""
    """host:port of Prometheus metrics; empty: none."""
    sockets_dir: Path
    """Directory of the Unix sockets, gossip.sock and so on, one per role (short path)."""
    peers: list[str] = Field(default_factory=list)
    """Nodes to dial first: `<node id, hex>@host:port`."""
    peers_pinned: bool = False
    """Dial `peers` only where this file says, not where their records say (tunnels)."""
    accept_strangers: bool = True
    """Accept nodes that are not in `peers`."""
    peers_max: int = 64
    """Most peer streams at a time."""
    mempool_bytes_max: int = 64 * 1024 * 1024
    """Most bytes of transactions waiting in gossip."""
    contracts_sandbox: bool = True
    """Run contracts only in processes without files, network and programs; false: anyhow."""
    log_level: str = "info"
    """debug, info, warning or error."""

    @field_validator("candidate")
    @classmethod
    def _check_candidate(cls, candidate: str) -> str:
        try:
            return candidate and format_address(parse_address(candidate))
        except MalformedAddress as error:
            raise ValueError(error.message) from error

    def socket(self, role: str) -> str:
        """Return the gRPC address of a sibling's Unix socket."""
        return f"unix:{self.sockets_dir / role}.sock"


class ValidatorAddress(BaseModel, frozen=True):
    """How a gateway reaches one validator or observer."""

    name: str
    gossip: str
    storage: str


class GatewayConfig(FileConfig):
    """A gateway: what it listens on and which validators stand behind it."""

    model_config = SettingsConfigDict(env_prefix="QUORATE_GATEWAY_", extra="forbid")

    listen: str = "127.0.0.1:0"
    """host:port of the public API."""
    genesis: Path
    """The genesis document of its chain."""
    validators: list[ValidatorAddress]
    """Validators and observers to serve from; the file's are followed while it runs."""
    tls_certificate: Path | None = None
    """PEM chain; with tls_key, the public API speaks TLS."""
    tls_key: Path | None = None
    """PEM key."""
    metrics_listen: str = ""
    """host:port of Prometheus metrics; empty: none."""
    pending_bytes_max: int = 64 * 1024 * 1024
    """Most bytes of transactions kept until their batch is durable at f+1 validators."""
    streams_max: int = 1_000
    """Most client streams at a time."""
    log_level: str = "info"
    """debug, info, warning or error."""


def load_node_config(path: Path) -> NodeConfig:
    """Return a node's configuration from its TOML file and the environment."""
    return _load(NodeConfig, path)


def load_gateway_config(path: Path) -> GatewayConfig:
    """Return a gateway's configuration from its TOML file and the environment."""
    return _load(GatewayConfig, path)


def _load(kind: type[Config], path: Path) -> Config:
    try:
        config = kind(**_read(path))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "(file)"
        raise RefusedToStart(
            f"{path}: {field}: {first['msg']}", reason="BAD_CONFIG", field=field
        ) from error
    config._source = path
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise RefusedToStart(f"cannot read {path}: {error}", reason="NO_CONFIG") from error
    except tomllib.TOMLDecodeError as error:
        raise RefusedToStart(f"{path} is not TOML: {error}", reason="BAD_CONFIG") from error
