"""Whatever is asked about contracts, and whatever a runner answers, comes to a typed end."""

import asyncio
import random
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor as Field

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contracts.v1 import contracts_pb2
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.api.transaction.v1 import transaction_pb2_grpc
from tests.conftest import SEED
from tests.unit.quorate.storage.scene import Scene, number

ROUNDS = 25
TYPED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
)
NUMBERS = (0, 1, 2, 3, 7, 100, 2**31, 2**32 - 1)


class Filler:
    """Fills messages with what is nearly right, or not at all."""

    def __init__(self, rng: random.Random, known: list[bytes]) -> None:
        self._rng, self._known = rng, known

    def fill(self, message: Any, depth: int = 0) -> Any:
        for field in message.DESCRIPTOR.fields:
            if self._rng.random() < 0.25:
                continue
            if field.type == Field.TYPE_MESSAGE:
                if depth < 4:
                    self._fill_message(message, field, depth)
            elif field.is_repeated:
                values = [self._pick(field) for _ in range(self._rng.randrange(4))]
                getattr(message, field.name).extend(values)
            else:
                setattr(message, field.name, self._pick(field))
        return message

    def _fill_message(self, message: Any, field: Field, depth: int) -> None:
        if field.is_repeated:
            for _ in range(self._rng.randrange(3)):
                self.fill(getattr(message, field.name).add(), depth + 1)
            return
        inner = getattr(message, field.name)
        inner.SetInParent()
        self.fill(inner, depth + 1)

    def _pick(self, field: Field) -> Any:
        rng = self._rng
        if field.type == Field.TYPE_BYTES:
            fresh = rng.randbytes(rng.choice((0, 1, 31, 32, 33, 80, 300)))
            return rng.choice((rng.choice(self._known), fresh))
        if field.type == Field.TYPE_STRING:
            return rng.choice(("", "total", "count", "init", "a" * 70, "é\0", "Counted"))
        if field.type == Field.TYPE_BOOL:
            return rng.random() < 0.5
        wide = (*NUMBERS, 2**63, 2**64 - 1)
        return rng.choice(wide if field.type == Field.TYPE_UINT64 else NUMBERS)


def open_rng() -> random.Random:
    print(f"seed {SEED}: QUORATE_TEST_SEED={SEED} pytest {__file__}")
    return random.Random(SEED)


async def end(call: Any) -> None:
    """Wait for a call, which must end well or by a typed error."""
    (found,) = await asyncio.gather(call, return_exceptions=True)
    if isinstance(found, BaseException):
        assert isinstance(found, grpc.aio.AioRpcError)
        assert found.code() in TYPED, (found.code(), found.details())


async def test_every_request_is_answered_or_refused_with_a_reason(scene: Scene) -> None:
    await scene.commit(scene.count(3))
    filler = Filler(open_rng(), [scene.contract, b"\x05total", b"", scene.forge.addresses[0]])
    service = pb.DESCRIPTOR.services_by_name["ContractService"]
    for _ in range(ROUNDS):
        for method in service.methods:
            request = filler.fill(getattr(pb, method.input_type.name)())
            ask = getattr(scene.api, method.name)(request)
            if method.name == "WatchEvents":
                await end(ask.read())
                ask.cancel()
            else:
                await end(ask)
    assert number((await scene.view()).outcome.result) == 4


def spoil(answer: contracts_pb2.Answer, filler: Filler, rng: random.Random) -> contracts_pb2.Answer:
    """Return another answer, or this one with something in it that nobody wrote or did."""
    if not answer.HasField("done") or rng.random() < 0.3:
        return filler.fill(contracts_pb2.Answer())
    for name in rng.sample(("writes", "details", "bound", "fees"), 2):
        other = filler.fill(contracts_pb2.Done())
        answer.done.ClearField(name)
        answer.done.MergeFrom(contracts_pb2.Done(**{name: getattr(other, name)}))
    return answer


async def test_a_runner_may_answer_anything(scene: Scene) -> None:
    rng = open_rng()
    filler = Filler(rng, [scene.contract, b"a" + scene.contract, b"z" + scene.contract + b"k"])
    scene.runner.spoil = lambda answer: spoil(answer, filler, rng)
    trials = transaction_pb2_grpc.SimulationServiceStub(scene.node.channel)
    raw = scene.count(3)
    call = pb.CallRequest(contract=scene.contract, method="total")
    for _ in range(ROUNDS):
        await end(scene.view())
        await end(scene.api.Trace(pb.TraceRequest(call=call)))
        await end(trials.Simulate(tx.SimulateRequest(transaction=raw)))
    scene.runner.spoil = lambda answer: answer
    assert number((await scene.view()).outcome.result) == 1
    await scene.commit(raw)
    assert number((await scene.view()).outcome.result) == 4
