"""A child of the spawner: encloses itself, then does one kind of work until the service is gone.

What goes wrong here by our own fault ends the process loudly. A wrong result would be worse: all
validators must come to the same one.
"""

import os
import socket
import sys
import time
from typing import Final

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts import compiling, executing, frames, sandbox, viewing
from quorate.contracts.asking import Abandoned, AskedArtefacts
from quorate.contracts.engine import Engine
from quorate.contracts.frames import Link
from quorate.contracts.machine import Machine, run_deep
from quorate.contracts.mark import Mark
from quorate.contracts.planted import open_plant
from quorate.core.context import Context
from quorate.kit.contract_frames import decode_begin

EXECUTE: Final = "execute"
VIEW: Final = "view"
COMPILE: Final = "compile"
KINDS: Final = (EXECUTE, VIEW, COMPILE)
OUT_OF_MEMORY: Final = 77
"""Exit code of a child that could get no more memory."""
FAULT: Final = 78
"""Exit code of a child that met a fault of its own."""
_COMPILE_BYTES_MAX: Final = 1024 * 1024 * 1024


class Setting:
    """What every child is given: its end of the socket, its mark, the engines, the sandbox."""

    def __init__(
        self, end: socket.socket, mark: Mark, engines: tuple[Engine, ...], *, sandboxed: bool
    ) -> None:
        self.link, self.mark, self.engines = Link(end), mark, engines
        self.is_sandboxed = sandboxed


def main(kind: str, setting: Setting) -> None:
    """Serve in this process until the service closes the socket; never returns."""
    code = FAULT
    # An error that Python would only print must not let work go on.
    sys.unraisablehook = _die
    try:
        if _enclose(kind, setting):
            run_deep(lambda: _serve(kind, setting))
        code = 0
    except (BrokenPipeError, ConnectionResetError):
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def _die(unraisable: "sys.UnraisableHookArgs") -> None:
    sys.__unraisablehook__(unraisable)
    sys.stderr.flush()
    os._exit(FAULT)


def _enclose(kind: str, setting: Setting) -> bool:
    """Tell the service that work can come, or why not."""
    sandbox.give_way()
    if kind == VIEW:
        os.nice(compiling.NICENESS)
    if kind == COMPILE:
        sandbox.bound_memory(_COMPILE_BYTES_MAX)
    try:
        if setting.is_sandboxed:
            sandbox.enclose()
    except OSError as error:
        setting.link.send(frames.LACKS, str(error).encode())
        return False
    setting.link.send(frames.READY)
    return True


def _serve(kind: str, setting: Setting) -> None:
    if kind == COMPILE:
        frame = setting.link.receive()
        if frame is not None:
            compiling.serve_job(setting.link, frame.body, setting.engines)
        return
    worker = _Worker(setting)
    while worker.serve_one():
        pass


class _Worker:
    """Serves streams, one after the other, for as long as the process lives."""

    def __init__(self, setting: Setting) -> None:
        self._link, self._mark = setting.link, setting.mark
        self._machine = Machine(setting.engines, AskedArtefacts(setting.link), plant=open_plant())
        self._context: Context | None = None

    def serve_one(self) -> bool:
        """Take one frame; tell whether there may be another."""
        frame = self._link.receive()
        if frame is None:
            return False
        try:
            if frame.kind == frames.RESET:
                raise Abandoned
            assert frame.kind == frames.ASK, f"frame {frame.kind}"
            self._work(pb.Ask.FromString(frame.body))
        except Abandoned:
            self._context = None
            self._link.send(frames.READY)
        return True

    def _work(self, ask: pb.Ask) -> None:
        if ask.WhichOneof("kind") == "begin":
            self._context = decode_begin(ask.begin, self._machine)
            return
        assert self._context is not None, "a stream begins with its block"
        started, machine = time.thread_time_ns(), self._machine
        machine.calls = machine.fuel = 0
        answer = self._answer(self._context, ask)
        cpu_us = (time.thread_time_ns() - started) // 1_000
        counts = frames.COUNTS.pack(machine.calls, machine.fuel, cpu_us)
        self._link.send(frames.RESULT, counts + answer.SerializeToString())

    def _answer(self, context: Context, ask: pb.Ask) -> pb.Answer:
        kind = ask.WhichOneof("kind")
        if kind == "slice":
            return executing.execute(context, ask.slice, self._link, self._mark)
        self._mark.note(0, at_call=True)
        if kind == "view":
            return viewing.view(context, ask.view, self._link)
        assert kind == "trace", kind
        return viewing.trace(context, ask.trace, self._link, self._machine)
