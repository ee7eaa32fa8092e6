"""Whatever is wrong in form is refused with its reason, and never reaches the runner."""

import asyncio
from typing import Any

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.core.contracts.payloads import FUEL_MAX
from quorate.storage.contract_servicer import TRACED_BYTES_MAX
from tests.unit.quorate.storage.scene import NOBODY, Scene, refuse


async def test_a_check_is_passed_on(scene: Scene) -> None:
    found = await scene.api.Check(pb.CheckRequest(code=b"x", profile=1))
    assert (found.message, found.offset, list(found.methods)) == ("no module", 3, ["a"])
    assert [(each.code, each.profile) for each in scene.runner.checks] == [(b"x", 1)]
    away = await refuse(scene.api.Check(pb.CheckRequest(code=b"away")))
    assert type(away).__name__ == "Unavailable"


LIMIT_S = 60
SHORT = b"s" * 31


class Asking:
    """Calls about the scene's contract, each with one thing changed."""

    def __init__(self, scene: Scene) -> None:
        self.api, self.here = scene.api, scene.contract

    def view(self, **how: Any) -> Any:
        return self.api.View(pb.ViewRequest(call=self._build_call(how)))

    def trace(self, code: bytes = b"", **how: Any) -> Any:
        return self.api.Trace(pb.TraceRequest(call=self._build_call(how), code=code))

    def state(self, **how: Any) -> Any:
        return self.api.ListState(pb.ListStateRequest(**{"contract": self.here, **how}))

    def changed(self, **how: Any) -> Any:
        return self.api.ListChanges(pb.ListChangesRequest(**{"contract": self.here, **how}))

    def events(self, **how: Any) -> Any:
        return self.api.ListEvents(pb.ListEventsRequest(**{"contract": self.here, **how}))

    def check(self, **how: Any) -> Any:
        return self.api.Check(pb.CheckRequest(**{"code": b"x", **how}))

    def about(self, contract: bytes) -> list[Any]:
        """Return every call that names a contract."""
        found = self.api.GetContract(pb.GetContractRequest(address=contract))
        asked = (self.view, self.trace, self.state, self.changed, self.events)
        return [found, *[ask(contract=contract) for ask in asked]]

    def _build_call(self, how: dict[str, Any]) -> pb.CallRequest:
        return pb.CallRequest(**{"contract": self.here, "method": "total", **how})


def list_malformed(ask: Asking) -> list[Any]:
    api = ask.api
    return [
        *ask.about(SHORT), *ask.about(b""), ask.view(caller=SHORT),
        api.GetCode(pb.GetCodeRequest(code_hash=SHORT)),
        api.GetDetail(pb.GetDetailRequest(id=SHORT)),
        api.ListContracts(pb.ListContractsRequest(creator=SHORT)),
        api.WatchEvents(pb.WatchEventsRequest(contract=SHORT)).read(),
    ]  # fmt: skip


def ask_all(scene: Scene) -> dict[str, list[Any]]:
    """Return calls that are wrong in form, under the reason that each gets."""
    ask = Asking(scene)
    code, listed = pb.GetCodeRequest(code_hash=NOBODY), pb.ListContractsRequest(page_token="no")
    return {
        "MALFORMED": list_malformed(ask),
        "MALFORMED_BYTES": [ask.api.ListContracts(listed)],
        "NO_CONTRACT": ask.about(NOBODY),
        "NO_CODE": [ask.api.GetCode(code)],
        "METHOD_NAME": [ask.view(method=name) for name in ("", "init", "a" * 65, "é", "a b")],
        "VALUE_IN_VIEW": [ask.view(value=1)],
        "FUEL_LIMIT": [ask.view(fuel=FUEL_MAX), ask.trace(fuel=2**63)],
        "OVERSIZED": [
            ask.view(arguments=bytes(40_000)), ask.trace(code=bytes(TRACED_BYTES_MAX + 1)),
            ask.state(prefix=bytes(300)), ask.state(after=bytes(300)),
            ask.changed(prefix=bytes(300)), ask.events(name="a" * 65),
            ask.check(code=bytes(60_001)),
        ],
        "OUT_OF_RANGE": [ask.check(profile=2)],
        "HEIGHT_OUT_OF_RANGE": [
            ask.state(height=99), ask.changed(from_height=99),
            ask.changed(from_height=1, to_height=99), ask.changed(from_height=1, to_height=2**63),
            ask.events(after=pb.EventCursor(height=2**64 - 1)),
        ],
    }  # fmt: skip


async def test_what_is_wrong_in_form_is_refused_with_its_reason(scene: Scene) -> None:
    for reason, calls in ask_all(scene).items():
        for call in calls:
            assert (await refuse(call)).reason == reason
    await scene.commit(scene.forge.transfer(1))
    backwards = pb.ListChangesRequest(contract=scene.contract, from_height=2, to_height=1)
    assert (await refuse(scene.api.ListChanges(backwards))).reason == "HEIGHT_OUT_OF_RANGE"


async def test_the_runner_is_up_or_said_not_to_answer(scene: Scene) -> None:
    found = await scene.api.GetRunner(pb.GetRunnerRequest())
    assert (found.is_up, found.state, found.height) == (True, "ready", 1)
    await scene.runner.stop()
    async with asyncio.timeout(LIMIT_S):
        while found.is_up:
            found = await scene.api.GetRunner(pb.GetRunnerRequest())
    assert found.state == "does not answer"
