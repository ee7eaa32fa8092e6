"""Runs roles of a node, or a gateway, until told to stop.

Order of stopping: consensus first (it must not vote on with siblings gone), then gossip, then
storage, which flushes and closes its database, then what it has contracts run by. That one starts
first, so that its spawner is made before this process opens any channel.
"""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import start_http_server

from quorate.core.errors import RefusedToStart
from quorate.kit import config as configs
from quorate.kit import metrics
from quorate.kit.logs import get_logger, set_up_logs
from quorate.kit.tasks import Running, Tasks

NODE_ROLES: Final = ("contracts", "storage", "gossip", "consensus")
ROLES: Final = (*NODE_ROLES, "gateway", "all")
_LAG_PERIOD_S: Final = 0.1
_STDIN: Final = 0

Start = Callable[[], Awaitable[Running]]


def serve(role: str, config: Path, *, with_parent: bool) -> None:
    """Serve a role until SIGTERM, SIGINT or (`with_parent`) the end of standard input.

    Raises RefusedToStart, or whatever made a service fail after its siblings were stopped.
    """
    starts, log_level, metrics_listen, name = _load(role, config)
    set_up_logs(log_level, node=name, role=role)
    if metrics_listen:
        _serve_metrics(metrics_listen)
    _run(_serve_until_told(starts, get_logger("serve"), with_parent=with_parent))


def _run(work: Coroutine[None, None, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def _load(role: str, path: Path) -> tuple[list[Start], str, str, str]:
    """Return how to start each service, the log level, where metrics go, and a name."""
    if role == "gateway":
        gateway = configs.load_gateway_config(path)
        starts = [_starter("gateway", gateway)]
        # The gateway serves its metrics itself.
        return starts, gateway.log_level, "", "gateway"
    node = configs.load_node_config(path)
    roles = NODE_ROLES if role == "all" else (role,)
    return [_starter(each, node) for each in roles], node.log_level, node.metrics_listen, node.name


def _starter(role: str, config: configs.NodeConfig | configs.GatewayConfig) -> Start:
    # Imported when served: a gateway needs no database, a gossip process no engine.
    async def start() -> Running:
        from importlib import import_module

        running: Running = await import_module(f"quorate.{role}.wiring").start(config)
        return running

    return start


async def _serve_until_told(
    starts: list[Start], log: structlog.typing.FilteringBoundLogger, *, with_parent: bool
) -> None:
    told = _listen_for_stop(with_parent=with_parent)
    tasks = Tasks()
    tasks.start(_measure_lag(), "loop-lag")
    running: list[Running] = []
    waiting: list[asyncio.Task[object]] = [asyncio.create_task(told.wait())]
    try:
        for start in starts:
            starting = asyncio.ensure_future(start())
            await asyncio.wait({waiting[0], starting}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                return
            running.append(await starting)
        _calm_collector()
        log.info("serving")
        waiting += [asyncio.create_task(each.wait_failed()) for each in (*running, tasks)]
        ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        log.info("stopping")
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await _stop(running, log)
        await tasks.stop()
    log.info("stopped")


async def _stop(running: list[Running], log: structlog.typing.FilteringBoundLogger) -> None:
    for each in reversed(running):
        # One service that fails to stop must not keep the database from closing.
        for error in await asyncio.gather(each.stop(), return_exceptions=True):
            if error is not None:
                log.error("stopping failed", exc_info=error)


def _calm_collector() -> None:
    # What start-up made stays for good; per-message objects die by their reference count. At the
    # default threshold cycle collection took 4 % of a validator's time under load.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _listen_for_stop(*, with_parent: bool) -> asyncio.Event:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if with_parent:

        def read() -> None:
            if not os.read(_STDIN, 1_024):
                loop.remove_reader(_STDIN)
                told.set()

        os.set_blocking(_STDIN, False)
        loop.add_reader(_STDIN, read)
    return told


async def _measure_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_PERIOD_S
        await asyncio.sleep(_LAG_PERIOD_S)
        metrics.LOOP_LAG_SECONDS.observe(max(0.0, loop.time() - due))


def _serve_metrics(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    try:
        start_http_server(int(port), host)
    except (OSError, ValueError) as error:
        raise RefusedToStart(
            f"cannot serve metrics on {listen}: {error}", reason="METRICS_LISTEN"
        ) from error
