"""What a child can't do once it is enclosed, and what happens where it can't be."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from quorate.contracts import landlock, sandbox
from quorate.contracts.sandbox import NO_SANDBOX
from quorate.core.errors import RefusedToStart
from quorate.kit.config import NodeConfig
from tests.unit.quorate.contracts.conftest import Chain, open_runner
from tests.unit.quorate.contracts.test_servicer import COUNTER

# Run in a process of its own: there is no way back from the sandbox.
ESCAPES = """
import ctypes, json, mmap, os, signal, socket, subprocess, sys, threading
from quorate.contracts import sandbox
from quorate.contracts.engine import PLAIN, Engine

path = sys.argv[1]
parent = os.getppid()
ours, theirs = socket.socketpair()
escapes = {
    "tcp": lambda: socket.socket(socket.AF_INET),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "pair": socket.socketpair,
    "connect": lambda: ours.connect(path),
    "listen": lambda: ours.listen(1),
    "read": lambda: open(path).read(),
    "write": lambda: open(path, "w"),
    "make": lambda: open(path + "2", "x"),
    "remove": lambda: os.remove(path),
    "list": lambda: os.listdir("/"),
    "memory": lambda: open("/proc/self/mem"),
    "fork": os.fork,
    "program": lambda: os.execv(sys.executable, [sys.executable]),
    "subprocess": lambda: subprocess.run([sys.executable, "-c", ""]),
    "signal": lambda: os.kill(parent, 0),
    "ptrace": lambda: raise_from(101 if os.uname().machine == "x86_64" else 117),
}

def raise_from(number):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, 16, parent, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "refused")

def attempt(name):
    try:
        escapes[name]()
    except OSError as error:
        refused.append(name)

refused = []
sandbox.give_way()
sandbox.enclose()
for name in escapes:
    attempt(name)
ours.send(b"x")
assert theirs.recv(1) == b"x"
allowed = ["socket it has"]
again = threading.Thread(target=attempt, args=("read",))
again.start()
again.join()
allowed.append("thread")
engine = Engine(PLAIN)
engine.load(engine.compile(bytes.fromhex("0061736d01000000")).compiled)
allowed.append("engine")
os.kill(os.getpid(), 0)
print(json.dumps([refused, sorted(escapes), allowed]))
"""


def test_an_enclosed_process_has_no_file_network_program_or_other_process(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("kept")
    done = subprocess.run(
        [sys.executable, "-c", ESCAPES, str(target)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    refused, escapes, allowed = json.loads(done.stdout)
    assert sorted(refused[:-1]) == escapes and refused[-1] == "read"
    assert allowed == ["socket it has", "thread", "engine"]
    assert target.read_text() == "kept"


async def test_every_child_that_serves_is_enclosed(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="q") as sockets:
        runner = await open_runner(tmp_path, Path(sockets))
        for pid in (runner.service.execution.pid, runner.service.views.pid):
            status = Path(f"/proc/{pid}/status").read_text()
            assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
            assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"
        await runner.stop()


async def test_without_landlock_the_service_refuses_to_start_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "find_version", lambda: 0)
    with pytest.raises(RefusedToStart) as caught:
        await open_runner(tmp_path, tmp_path)
    assert caught.value.reason == NO_SANDBOX
    assert "landlock" in caught.value.message
    assert "contracts_sandbox = false" in caught.value.message


async def test_it_runs_open_where_the_node_s_file_says_so(
    tmp_path: Path, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert NodeConfig(home=tmp_path, name="n", sockets_dir=tmp_path).contracts_sandbox
    monkeypatch.setattr(sandbox, "find_lack", lambda: "everything")
    with tempfile.TemporaryDirectory(prefix="q") as sockets:
        runner = await open_runner(tmp_path, Path(sockets), contracts_sandbox=False)
        status = Path(f"/proc/{runner.service.execution.pid}/status").read_text()
        assert "Seccomp:\t0" in status
        contract = chain.deploy(COUNTER)
        assert len((await runner.execute(chain, chain.call(contract, "add"))).receipts) == 1
        await runner.stop()
