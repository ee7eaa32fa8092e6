"""The spawner: a small process that makes the contract-runner's children by forking itself.

It has loaded all they need, but runs no contract, has no thread and has never seen gRPC: so a fork
is whole, quick, and shares its memory. It ends with the service, and its children with it.
"""

import gc
import os
import resource
import selectors
import signal
import socket
import sys
from struct import Struct
from typing import Final

from quorate.contracts import child, sandbox
from quorate.contracts.engine import PROFILES, Engine
from quorate.contracts.mark import Mark

# Service → spawner: KILL and a process id; or SPAWN, kind of child and number of the order, with
# socket and mark.
ORDER: Final = Struct(">BBI")
SPAWN: Final = 1
KILL: Final = 2
# Spawner → service: SPAWNED, process id and number of the order; or ENDED, process id and status.
NEWS: Final = Struct(">BIi")
SPAWNED: Final = 1
ENDED: Final = 2
SANDBOXED: Final = "sandboxed"
OPEN: Final = "open"
_MESSAGE_BYTES: Final = 64
_STANDARD_FILES: Final = 3


def main() -> None:
    """Serve orders until the service is gone."""
    parent, sandboxed = int(sys.argv[2]), sys.argv[3] == SANDBOXED
    sandbox.follow_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The service stops us by closing the socket.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _Spawner(control, sandboxed=sandboxed).run()


class _Spawner:
    def __init__(self, control: socket.socket, *, sandboxed: bool) -> None:
        self._control, self._sandboxed = control, sandboxed
        self._engines = tuple(Engine(profile) for profile in PROFILES)
        self._children: set[int] = set()
        self._wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        """Take orders and bury the dead until the socket closes."""
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wakes[1], warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        gc.disable()
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._wakes[0], selectors.EVENT_READ)
            is_open = True
            while is_open:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._wakes[0] in ready:
                    os.read(self._wakes[0], 4_096)
                    self._bury()
                if self._control in ready:
                    is_open = self._obey()
        for each in self._children:
            os.kill(each, signal.SIGKILL)

    def _obey(self) -> bool:
        try:
            message, files, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 2)
        except ConnectionResetError:  # the service went with news unread
            return False
        if not message:
            return False
        order, kind, number = ORDER.unpack(message)
        if order == SPAWN:
            pid = self._spawn(child.KINDS[kind], *files)
            self._tell(SPAWNED, pid, number)
        elif number in self._children:
            os.kill(number, signal.SIGKILL)
        return True

    def _spawn(self, kind: str, end: int, mark: int) -> int:
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            self._become(kind, parent, end, mark)
        os.close(end)
        os.close(mark)
        self._children.add(pid)
        return pid

    def _become(self, kind: str, parent: int, end: int, mark: int) -> None:
        try:
            sandbox.follow_parent(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            gc.enable()
            _close_all_but(end, mark)
            setting = child.Setting(
                socket.socket(fileno=end), Mark(mark), self._engines, sandboxed=self._sandboxed
            )
            child.main(kind, setting)
        finally:
            os._exit(child.FAULT)

    def _bury(self) -> None:
        for pid in list(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._children.remove(pid)
                self._tell(ENDED, pid, status)

    def _tell(self, news: int, pid: int, status: int) -> None:
        try:
            self._control.send(NEWS.pack(news, pid, status))
        except (BrokenPipeError, ConnectionResetError):
            return


def _close_all_but(*kept: int) -> None:
    """Close every file but standard ones and these."""
    last = _STANDARD_FILES - 1
    for number in sorted(kept):
        os.closerange(last + 1, number)
        last = number
    os.closerange(last + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


if __name__ == "__main__":
    main()
