"""A contract-runner in the test's own process, whose answers a test may spoil."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import grpc
import wasmtime
from grpc import aio

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.api.contracts.v1 import contracts_pb2_grpc as rpc
from quorate.core.applied import Aside
from quorate.core.context import Call, Context
from quorate.core.contracts.host import Frame, Host
from quorate.core.contracts.machine import Code, Environment, Stopped
from quorate.core.records import MemoryRecords, Record
from quorate.core.state import Changes, Draft
from quorate.core.transition import Execution
from quorate.kit.contract_frames import decode_begin, encode_applied
from quorate.kit.convert import decode_ordered

# Nothing but the names of a counter's methods: a Script does what they do.
NAMES = ("init", "count", "forget", "total", "spin")
COUNTER = bytes(
    wasmtime.wat2wasm(
        '(module (memory (export "memory") 1)'
        + "".join(f'(func (export "{name}"))' for name in NAMES)
        + ")"
    )
)
INTERFACE = json.dumps(
    {
        "abi": 1, "name": "Counter", "language": "wat", "records": {},
        "variables": [["total", "u64"], ["counts", "Map[Address, u64]"]],
        "constructor": {"parameters": [], "payable": False, "doc": ""},
        "methods": [
            {"name": "count", "parameters": [["by", "u64"]], "returns": "u64"},
            {"name": "forget", "parameters": []},
            {"name": "total", "parameters": [], "returns": "u64", "view": True},
            {"name": "spin", "parameters": [], "view": True},
        ],
        "events": [{"name": "Counted", "fields": [["by", "u64"]]}],
    },
    sort_keys=True, separators=(",", ":"),
).encode()  # fmt: skip

TOTAL = b"\x05total"

Ask = Callable[[pb.Answer], pb.Ask]


class Script:
    """A machine that runs a counter per caller and one for all, whatever the code is."""

    def run(self, code: Code, method: str, host: Environment) -> None:
        """Run a method."""
        assert isinstance(host, Host)
        if method not in NAMES:
            raise Stopped("NO_METHOD", f"there is no method '{method}'")
        try:
            getattr(self, f"_{method}")(host)
        finally:
            host.fuel -= 1_000 + host.owed
            host.owed = 0
            if host.fuel < 0:
                host.fuel = 0
                raise Stopped("OUT_OF_FUEL")

    def prepare(self, code: Code, host: Environment) -> None:
        """Do nothing: there is nothing to compile."""

    def _init(self, host: Host) -> None:
        _put(host, TOTAL, 1)

    def _count(self, host: Host) -> None:
        by = int.from_bytes(host.frame.input, "little")
        if by > 1_000:
            host.revert(b"enough is enough", 7)
        for key in (TOTAL, b"\x06counts" + host.frame.caller):
            _put(host, key, int.from_bytes(host.load(key), "little") + by)
        host.emit(b"Counted", host.frame.input)
        host.set_output(host.load(TOTAL))

    def _forget(self, host: Host) -> None:
        _put(host, TOTAL, 0)

    def _total(self, host: Host) -> None:
        host.set_output(host.load(TOTAL))

    def _spin(self, host: Host) -> None:
        host.owed += host.fuel


def _put(host: Host, key: bytes, value: int) -> None:
    host.store(key, value.to_bytes(8, "little") if value else b"")


class AskedRecords(MemoryRecords):
    """Records that storage serves, each asked for once, from another thread."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, key: bytes) -> bytes:
        answer = self._ask(pb.Answer(need=pb.Need(keys=[key])))
        value = self[key] = answer.records.values[0]
        return value

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Return nothing: payloads never scan."""
        raise AssertionError("payloads never scan")


class Steps:
    """Collects the steps of a trace."""

    def __init__(self) -> None:
        self.steps: list[pb.Step] = []

    def note(self, host: Host, action: str, key: bytes = b"", value: bytes = b"") -> None:
        """Take a request to the host."""
        self.steps.append(
            pb.Step(
                action=action, key=key, value=value, depth=len(host.frames),
                contract=host.frame.address,
            )
        )  # fmt: skip

    def note_line(self, host: Host, line: int) -> None:
        """Take a line."""
        self.steps.append(pb.Step(line=line))


class Runner(rpc.ContractsServiceServicer):
    """Runs one talk after the other in threads; `spoil` changes what it answers to work."""

    def __init__(self) -> None:
        self._machine = Script()
        self.spoil: Callable[[pb.Answer], pb.Answer] = lambda answer: answer
        self.checks: list[pb.CheckRequest] = []
        self.talks = self.needs = 0

    async def start(self, target: str) -> "Runner":
        self._server = aio.server()
        rpc.add_ContractsServiceServicer_to_server(self, self._server)
        self._server.add_insecure_port(target)
        await self._server.start()
        return self

    async def stop(self) -> None:
        await self._server.stop(None)

    async def Execute(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for answer in self._talk(requests):
            yield pb.ExecuteResponse(answer=answer)

    async def View(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for answer in self._talk(requests):
            yield pb.ViewResponse(answer=answer)

    async def Trace(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for answer in self._talk(requests):
            yield pb.TraceResponse(answer=answer)

    async def Check(self, request: pb.CheckRequest, context: Any) -> pb.CheckResponse:
        self.checks.append(request)
        if request.code == b"slow":
            await asyncio.Event().wait()
        if request.code == b"away":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        return pb.CheckResponse(message="no module", offset=3, methods=["a"], compile_us=5)

    async def _talk(self, requests: AsyncIterator[Any]) -> AsyncIterator[pb.Answer]:
        self.talks += 1
        loop, answers = asyncio.get_running_loop(), asyncio.Queue[Any]()
        open_replies, is_over = list[asyncio.Future[pb.Ask]](), list[bool]()
        context: Context | None = None

        def ask(answer: pb.Answer) -> pb.Ask:
            future = asyncio.run_coroutine_threadsafe(post(answer), loop)
            return future.result()

        async def post(answer: pb.Answer) -> pb.Ask:
            reply = loop.create_future()
            open_replies.append(reply)
            if is_over:
                reply.cancel()
            await answers.put((answer, reply))
            return await reply

        try:
            async for request in requests:
                if request.ask.HasField("begin"):
                    context = decode_begin(request.ask.begin, self._machine)
                    continue
                job = partial(do, request.ask, context, ask)
                work = loop.run_in_executor(None, job)
                work.add_done_callback(lambda done: answers.put_nowait((done, None)))
                while True:
                    answer, reply = await answers.get()
                    if reply is None:
                        yield self.spoil(answer.result())
                        break
                    self.needs += 1
                    yield answer
                    reply.set_result((await anext(requests)).ask)
        finally:
            # Whoever still waits in a thread waits for nothing.
            is_over.append(True)
            for reply in open_replies:
                reply.cancel()


def do(work: pb.Ask, context: Context, ask: Ask) -> pb.Answer:
    """Do one piece of work."""
    if work.WhichOneof("kind") == "slice":
        execution = Execution(context, AskedRecords(ask))
        raws = [decode_ordered(raw, context.domain) for raw in work.slice.transactions]
        aside = Aside(tuple(work.slice.poisoned), tuple(work.slice.refuted))
        return pb.Answer(done=encode_applied(execution.apply_apart(raws, aside)))
    if work.WhichOneof("kind") == "view":
        viewed, _ = run_call(work.view, context, ask, read_only=True)
        return pb.Answer(viewed=viewed)
    viewed, steps = run_call(work.trace.call, context, ask, read_only=False)
    return pb.Answer(traced=pb.Traced(outcome=viewed, steps=steps))


def run_call(
    view: pb.View, context: Context, ask: Ask, *, read_only: bool
) -> tuple[pb.Viewed, list[pb.Step]]:
    """Run one call; return what came of it, and its steps."""
    records = AskedRecords(ask)
    records.update({each.key: each.value for each in view.known})
    ledger = Draft(Changes(records))
    host = Host(ledger, Call(context, bytes(32), 0), view.caller, view.fuel, read_only=read_only)
    host.tracer = steps = Steps()
    try:
        record = host.load_contract(view.contract)
        frame = Frame(view.contract, record, view.method, view.caller, view.arguments, view.value)
        result = host.run(frame)
    except Stopped as stopped:
        used = view.fuel - host.fuel
        failed = pb.Viewed(
            fuel=used, reason=stopped.reason, message=stopped.text, line=stopped.line
        )
        return failed, steps.steps
    return pb.Viewed(result=result, fuel=view.fuel - host.fuel), steps.steps
