"""A contract-runner in the test's own process: the real machine, and answers a test may spoil."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc import aio

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.api.contracts.v1 import contracts_pb2_grpc as rpc
from quorate.contracts.machine import Machine, run_deep
from quorate.core.applied import Aside
from quorate.core.context import Call, Context
from quorate.core.contracts.host import Frame, Host
from quorate.core.contracts.machine import Stopped
from quorate.core.records import MemoryRecords, Record
from quorate.core.state import Changes, Draft
from quorate.core.transition import Execution
from quorate.kit.contract_frames import decode_begin, encode_applied
from quorate.kit.convert import decode_ordered
from tests.unit.quorate.contracts.worlds import ENGINES, Compiler, build_code

# A counter per caller and one for all, in the layout of docs/contract-abi.md.
COUNTER = build_code("""
  (data (i32.const 0) "\\05total")
  (data (i32.const 16) "\\06counts")
  (data (i32.const 64) "Counted")
  (data (i32.const 80) "enough is enough")
  (func $read (param $key i32) (param $size i32) (result i64)
    (i64.store (i32.const 200) (i64.const 0))
    (drop (call $load (local.get $key) (local.get $size) (i32.const 200) (i32.const 8)))
    (i64.load (i32.const 200)))
  (func $write (param $key i32) (param $size i32) (param $value i64)
    (i64.store (i32.const 200) (local.get $value))
    (call $store (local.get $key) (local.get $size) (i32.const 200)
      (select (i32.const 0) (i32.const 8) (i64.eqz (local.get $value)))))
  (func (export "init") (call $write (i32.const 0) (i32.const 6) (i64.const 1)))
  (func (export "count") (local $by i64)
    (call $input (i32.const 300))
    (local.set $by (i64.load (i32.const 300)))
    (if (i64.gt_u (local.get $by) (i64.const 1000))
      (then (call $revert (i32.const 80) (i32.const 16) (i32.const 7))))
    (call $caller (i32.const 23))
    (call $write (i32.const 0) (i32.const 6)
      (i64.add (call $read (i32.const 0) (i32.const 6)) (local.get $by)))
    (call $write (i32.const 16) (i32.const 39)
      (i64.add (call $read (i32.const 16) (i32.const 39)) (local.get $by)))
    (call $emit (i32.const 64) (i32.const 7) (i32.const 300) (i32.const 8))
    (i64.store (i32.const 200) (call $read (i32.const 0) (i32.const 6)))
    (call $output (i32.const 200) (i32.const 8)))
  (func (export "forget") (call $write (i32.const 0) (i32.const 6) (i64.const 0)))
  (func (export "total")
    (i64.store (i32.const 208) (call $read (i32.const 0) (i32.const 6)))
    (call $output (i32.const 208) (i32.const 8)))
  (func (export "spin") (loop $again (br $again)))
""")
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

Ask = Callable[[pb.Answer], pb.Ask]


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
        self._machine = Machine(ENGINES, Compiler())
        # A machine serves one call at a time, as in the runner's own processes.
        self._pool = ThreadPoolExecutor(1)
        self.spoil: Callable[[pb.Answer], pb.Answer] = lambda answer: answer
        self.checks: list[pb.CheckRequest] = []
        self.talks = 0

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
        begin = (await anext(requests)).ask.begin
        context = decode_begin(begin, self._machine)

        def ask(answer: pb.Answer) -> pb.Ask:
            future = asyncio.run_coroutine_threadsafe(post(answer), loop)
            return future.result()

        async def post(answer: pb.Answer) -> pb.Ask:
            reply = loop.create_future()
            await answers.put((answer, reply))
            return await reply

        async for request in requests:
            work = loop.run_in_executor(
                self._pool, run_deep, lambda r=request: do(r.ask, context, ask)
            )
            work.add_done_callback(lambda done: answers.put_nowait((done, None)))
            while True:
                answer, reply = await answers.get()
                if reply is None:
                    yield self.spoil(answer.result())
                    break
                yield answer
                reply.set_result((await anext(requests)).ask)


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
    ledger = Draft(Changes(AskedRecords(ask)))
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
