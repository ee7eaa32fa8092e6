"""gRPC servers and channels as every service uses them: limits, health, reflection, drain."""

from collections.abc import Iterable
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
DEADLINE_S: Final = 10.0
# These bound a connection attempt: a way of 100 ms, or a busy process at its end, is no failure.
CONNECT_MS: Final = 1_000
TLS_CONNECT_MS: Final = 3_000

_OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
_CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", CONNECT_MS),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


class Server:
    """A gRPC server with health per service and reflection; `ready` flips health to SERVING."""

    def __init__(self, names: Iterable[str]) -> None:
        self.server = grpc.aio.server(options=_OPTIONS)
        self._names = (*names, "")
        self._health = health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)
        listed = (*self._names[:-1], "grpc.health.v1.Health", reflection.SERVICE_NAME)
        reflection.enable_server_reflection(listed, self.server)

    async def start(self) -> None:
        """Start serving; health says NOT_SERVING until `set_ready`."""
        await self.set_ready(False)
        await self.server.start()

    async def set_ready(self, ready: bool) -> None:
        """Set the health of all services of this server."""
        state = health_pb2.HealthCheckResponse
        for name in self._names:
            await self._health.set(name, state.SERVING if ready else state.NOT_SERVING)

    async def stop(self, grace_s: float = 1.0) -> None:
        """Say NOT_SERVING, let running calls end for a while, then stop."""
        await self._health.enter_graceful_shutdown()
        await self.server.stop(grace_s)


def open_channel(
    target: str, credentials: grpc.ChannelCredentials | None = None, *, override: str = ""
) -> grpc.aio.Channel:
    """Return a channel; `override` is the name that the peer's certificate carries."""
    options: list[tuple[str, Any]] = []
    if override:
        options.append(("grpc.ssl_target_name_override", override))
    if credentials is not None:
        # A TLS handshake takes several round trips.
        options.append(("grpc.min_reconnect_backoff_ms", TLS_CONNECT_MS))
    # Of two options with one name the first counts.
    options += _CHANNEL_OPTIONS
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options)
    return grpc.aio.secure_channel(target, credentials, options=options)
