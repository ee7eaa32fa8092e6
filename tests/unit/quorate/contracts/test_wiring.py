"""The contract-runner as `quorate serve contracts` runs it: it leaves nobody behind."""

import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from grpc_health.v1 import health_pb2, health_pb2_grpc

from quorate.kit.rpc import open_channel

TIMEOUT_S = 60.0


def list_children(pid: int) -> list[int]:
    """Return all processes below one."""
    text = " ".join(
        each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children") if each.exists()
    )
    found = [int(each) for each in text.split()]
    return found + [below for each in found for below in list_children(each)]


def wait_gone(pidfd: int) -> None:
    """Return once a process has ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(TIMEOUT_S * 1_000)
    os.close(pidfd)


async def test_no_child_outlives_a_service_that_is_killed(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="q") as sockets:
        config = tmp_path / "node.toml"
        config.write_text(f'home = "{tmp_path}"\nname = "n"\nsockets_dir = "{sockets}"\n')
        command = [
            sys.executable,
            "-m",
            "quorate.cli.main",
            "serve",
            "contracts",
            "--config",
            str(config),
        ]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            channel = open_channel(f"unix:{sockets}/contracts.sock")
            stub = health_pb2_grpc.HealthStub(channel)
            async for health in stub.Watch(
                health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=TIMEOUT_S
            ):
                if health.status == health_pb2.HealthCheckResponse.SERVING:
                    break
            children = [os.pidfd_open(pid) for pid in list_children(process.pid)]
            assert len(children) == 3  # the spawner, and children for blocks and views
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        for pidfd in children:
            wait_gone(pidfd)
        await channel.close()
