"""Processes of a local network: one `quorate serve` per validator (or per role) and a gateway.

Each leads a session and process group of its own, writes to logs/<name>.log, and is written down
in run/<name>.json as (pid, start time), so that a stale file never leads to a stranger's process.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quorate.core.errors import NotFound, Unavailable
from quorate.devnet import system
from quorate.devnet.layout import Layout, Node
from quorate.devnet.system import ProcessId

NO_SANDBOX = "QUORATE_CONTRACTS_SANDBOX"
GATEWAY = "gateway"
_LOG_BYTES_MAX = 16 * 1024 * 1024
_TAIL_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Program:
    """One process that the network consists of: `node` is None for the gateway."""

    name: str
    role: str
    config: Path
    node: Node | None


@dataclass(frozen=True, slots=True)
class Exit:
    """A process that ended without being told to."""

    name: str
    code: int
    log: Path
    last_words: str


class Processes:
    """Starts, finds, signals and stops the processes of one network."""

    def __init__(self, layout: Layout, *, with_parent: bool = False) -> None:
        """`with_parent`: the processes stop when this one ends, however it ends."""
        self.layout = layout
        self._with_parent = with_parent
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def programs(self) -> list[Program]:
        """Return everything that belongs to the network, gateway last."""
        layout = self.layout
        found = [
            Program(node.name if role == "all" else f"{node.name}.{role}", role, config, node)
            for node in layout.nodes
            for role in layout.roles()
            for config in (layout.config(node, role),)
        ]
        return [*found, Program(GATEWAY, GATEWAY, layout.gateway_config, None)]

    def select(self, name: str, role: str | None = None) -> list[Program]:
        """Return the processes of a node (or one role's of it), or the gateway's.

        Raises NotFound when there is no such node, or no process of its own for that role.
        """
        if name == GATEWAY:
            return [program for program in self.programs() if program.node is None]
        node = self.layout.find_node(name)
        found = [
            program
            for program in self.programs()
            if program.node == node and role in (None, program.role)
        ]
        if not found:
            raise NotFound(
                f"{node.name} runs all roles in one process: make the network with --split "
                f"to reach its {role} alone",
                reason="NO_PROCESS",
            )
        return found

    def find(self, program: Program) -> ProcessId | None:
        """Return the running process of a program; None when it does not run."""
        child = self._children.get(program.name)
        if child is not None:
            child.poll()  # takes in a child that ended, else it would stay as a zombie
        try:
            document = json.loads(self._pid_file(program).read_text())
            process = ProcessId(int(document["pid"]), str(document["start"]))
        except (OSError, ValueError, KeyError):
            return None
        return process if system.is_alive(process) else None

    def start(
        self, programs: Iterable[Program], environment: Mapping[str, str] | None = None
    ) -> list[Program]:
        """Start what does not run yet, with more variables; return what was started."""
        started = [program for program in programs if self.find(program) is None]
        for program in started:
            self._spawn(program, environment or {})
        return started

    def signal(self, programs: Iterable[Program], number: signal.Signals) -> list[Program]:
        """Signal process groups (a process with its helpers); return those that were running."""
        running = [(program, self.find(program)) for program in programs]
        return [
            program
            for program, process in running
            if process is not None and system.send_signal(process, number, group=True)
        ]

    def kill(self, programs: Sequence[Program]) -> list[Program]:
        """Kill process groups like a power cut and wait until they are gone."""
        running = {program.name: self.find(program) for program in programs}
        killed = self.signal(programs, signal.SIGKILL)
        for program in killed:
            process = running[program.name]
            if process is not None:
                self._wait_gone(program, process, 5.0)
        return killed

    def stop(self, programs: Sequence[Program], timeout_s: float = 10.0) -> list[Program]:
        """Ask processes to stop, kill those that have not by `timeout_s`; return the killed."""
        deadline = time.monotonic() + timeout_s
        running = [(p, process) for p in programs if (process := self.find(p)) is not None]
        for _, process in running:
            system.send_signal(process, signal.SIGCONT, group=True)
            system.send_signal(process, signal.SIGTERM)
        late = [
            program
            for program, process in running
            if not self._wait_gone(program, process, deadline - time.monotonic())
        ]
        self.kill(late)
        for program in programs:
            self._pid_file(program).unlink(missing_ok=True)
        return late

    def wait_exit(self, program: Program, timeout_s: float) -> Exit:
        """Wait until an own child ends by itself; raises Unavailable when it does not."""
        child, log = self._children[program.name], self._log(program.name)
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{program.name} still runs after {timeout_s:.0f} s") from error
        return Exit(program.name, code, log, read_tail(log))

    def find_exits(self) -> list[Exit]:
        """Return own children that have ended, with the end of their logs."""
        return [
            Exit(name, child.returncode, self._log(name), read_tail(self._log(name)))
            for name, child in list(self._children.items())  # kill() may run in a thread
            if child.poll() is not None
        ]

    def _spawn(self, program: Program, environment: Mapping[str, str]) -> None:
        log = self._log(program.name)
        if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        command = [sys.executable, "-m", "quorate.cli.main", "serve", program.role]
        command += ["--config", str(program.config)]
        command += ["--with-parent"] if self._with_parent else []
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if self._with_parent else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.layout.directory,
                env=_build_environment() | dict(environment),
            )
        self._children[program.name] = child
        process = system.identify(child.pid)
        if process is not None:
            self._pid_file(program).write_text(json.dumps(process._asdict()))

    def _wait_gone(self, program: Program, process: ProcessId, timeout_s: float) -> bool:
        child = self._children.get(program.name)
        if child is None or child.pid != process.pid:
            return system.wait_gone(process, max(timeout_s, 0.0))
        try:
            child.wait(max(timeout_s, 0.0))
        except subprocess.TimeoutExpired:
            return False
        if child.stdin is not None:
            child.stdin.close()
        self._children.pop(program.name)
        return True

    def _log(self, name: str) -> Path:
        return self.layout.directory / "logs" / f"{name}.log"

    def _pid_file(self, program: Program) -> Path:
        return self.layout.directory / "run" / f"{program.name}.json"


def _build_environment() -> dict[str, str]:
    """Return the environment of a node's process; a machine may lack what a sandbox takes."""
    # A QUORATE_HOME of the caller would otherwise be every node's home. And without compiled
    # files each of many processes compiles everything anew: a second more per start.
    left_out = ("QUORATE_", "PYTHONDONTWRITEBYTECODE")
    return {
        name: value
        for name, value in os.environ.items()
        if name == NO_SANDBOX or not name.startswith(left_out)
    }


def read_tail(path: Path) -> str:
    """Return the last lines of a log, for telling why a process ended."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-6:])
