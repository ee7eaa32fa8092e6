"""A local network as one thing: up, ready, down, and its faults.

`down` and the faults work on a network that another process brought up: everything is found
through the directory. Only one command at a time changes a network (a lock file).
"""

import fcntl
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from quorate.core.errors import Rejected
from quorate.devnet import growth
from quorate.devnet import layout as layouts
from quorate.devnet.configs import Routes, write_configs
from quorate.devnet.layout import Handover, Layout, Node, Spec
from quorate.devnet.processes import Processes, Program


class Network:
    """The local network in one directory."""

    def __init__(self, layout: Layout, *, with_parent: bool = False) -> None:
        """`with_parent`: its processes stop when this one ends, however it ends."""
        self.layout = layout
        self.processes = Processes(layout, with_parent=with_parent)
        self.routes: Routes = {}

    @classmethod
    def open(cls, directory: Path) -> "Network":
        """Return an existing network; raises NotFound with the next step."""
        return cls(layouts.load_network(directory))

    @classmethod
    def open_or_create(
        cls, directory: Path, spec: Spec, *, with_parent: bool = False
    ) -> tuple["Network", bool]:
        """Return the network of a directory and whether it is new.

        An existing one keeps its validators and chain; it may gain observers.
        """
        is_new = not (directory / "layout.json").exists()
        if is_new:
            layout = layouts.create_network(directory, spec)
        else:
            layout = growth.add_observers(layouts.load_network(directory), spec.observers)
        return cls(layout, with_parent=with_parent), is_new

    def up(self) -> list[Program]:
        """Start everything that does not run; return what was started.

        When nothing runs yet, taken ports are replaced and configuration files written anew.
        """
        with self._lock():
            if not self.running():
                self._use(layouts.prepare(self.layout))
            write_configs(self.layout, self.routes)
            return self.processes.start(self.processes.programs())

    def refresh(self) -> None:
        """Take up what other commands have changed in the layout."""
        self._use(layouts.load_network(self.layout.directory))

    def running(self) -> list[Program]:
        """Return the programs that run now (paused ones too)."""
        programs = self.processes.programs()
        return [program for program in programs if self.processes.find(program) is not None]

    def down(self, timeout_s: float = 10.0) -> list[Program]:
        """Stop everything; return what had to be killed because it did not stop in time."""
        with self._lock():
            # The gateway first: it would only report validators as gone.
            killed = self.processes.stop(self.processes.select("gateway"), timeout_s)
            return killed + self.processes.stop(self.processes.programs(), timeout_s)

    def grow(self) -> Node:
        """Add a validator, which stands for a candidate of its own, and start it."""
        with self._lock():
            layout, node = growth.add_validator(self.layout)
            self._start_new(layout, node.name)
        return node

    def begin_handover(self, source: str, seat: str, height: int) -> Handover:
        """Add a validator that is to take over a node's seat, start it, and write that down."""
        with self._lock():
            layout, handover = growth.begin_handover(self.layout, source, seat, height)
            self._start_new(layout, handover.target)
        return handover

    def end_handover(self) -> None:
        """Write down that no handover is under way any more."""
        with self._lock():
            self._use(replace(self.layout, handover=None))
            layouts.save(self.layout)

    def retire(self, name: str) -> list[Program]:
        """Stop a node and take it out, its directory stays; return what had to be killed."""
        with self._lock():
            killed = self.processes.stop(self.processes.select(name))
            self._use(growth.retire(self.layout, name))
            write_configs(self.layout, self.routes)
        return killed

    def start(self, name: str, role: str | None = None) -> list[Program]:
        """Start one node (or one role of it, or the gateway) again after a kill or stop."""
        return self.processes.start(self.processes.select(name, role))

    def stop(self, name: str, role: str | None = None) -> list[Program]:
        """Stop one node cleanly; return what had to be killed."""
        return self.processes.stop(self.processes.select(name, role))

    def kill(self, name: str, role: str | None = None) -> list[Program]:
        """Kill one node (or one role of it) like a power cut; return what was killed."""
        return self.processes.kill(self.processes.select(name, role))

    def pause(self, name: str, role: str | None = None) -> list[Program]:
        """Freeze one node by SIGSTOP; return what was frozen."""
        return self.processes.signal(self.processes.select(name, role), signal.SIGSTOP)

    def resume(self, name: str, role: str | None = None) -> list[Program]:
        """Let one node go on after a pause; return what goes on."""
        return self.processes.signal(self.processes.select(name, role), signal.SIGCONT)

    def wipe_node(self, name: str) -> None:
        """Delete a stopped node's chain data; keys and vote log stay, it fetches the rest anew.

        Raises Rejected while it runs. Deleting its seat key would end its seat for good.
        """
        programs = self.processes.select(name)
        if any(self.processes.find(program) is not None for program in programs):
            raise Rejected(
                f"{name} is running: stop it first with `quorate devnet kill {name}`",
                reason="NODE_RUNS",
            )
        node = self.layout.find_node(name)
        shutil.rmtree(self.layout.home(node) / "storage", ignore_errors=True)

    def wipe(self) -> None:
        """Stop everything and delete the network: keys, chain, logs."""
        self.down()
        shutil.rmtree(self.layout.sockets_dir, ignore_errors=True)
        shutil.rmtree(self.layout.directory)

    def _start_new(self, layout: Layout, name: str) -> None:
        self._use(layout)
        write_configs(layout, self.routes)
        self.processes.start(self.processes.select(name))

    def _use(self, layout: Layout) -> None:
        self.layout = layout
        self.processes.layout = layout

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Hold while something changes that takes epochs; raises Rejected (DEVNET_LOCKED)."""
        with self._hold("operation.lock", "a scaling or handover is under way: let it end first"):
            yield

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with self._hold("lock", "another command is changing this network right now: try again"):
            # Another command may have added or retired nodes meanwhile.
            self.refresh()
            yield

    @contextmanager
    def _hold(self, name: str, refusal: str) -> Iterator[None]:
        with (self.layout.directory / "run" / name).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Rejected(refusal, reason="DEVNET_LOCKED") from error
            yield


@contextmanager
def temporary_network(spec: Spec) -> Iterator[Network]:
    """Yield a new network (not started yet) that is stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="quorate-net-") as directory:
        layout = layouts.create_network(Path(directory) / "net", spec)
        network = Network(layout, with_parent=True)
        try:
            yield network
        finally:
            network.wipe()
