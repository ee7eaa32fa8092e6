"""Whatever is wrong in form is refused with its reason, and never reaches the runner."""

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


def ask_all(scene: Scene, **changes: Any) -> dict[str, Any]:
    """Return calls that are wrong in form, with the reason that each gets."""
    api, here = scene.api, scene.contract
    call = {"contract": here, "method": "total"}

    def view(**how: Any) -> Any:
        return api.View(pb.ViewRequest(call=pb.CallRequest(**{**call, **how})))

    def trace(code: bytes = b"", **how: Any) -> Any:
        request = pb.TraceRequest(call=pb.CallRequest(**{**call, **how}), code=code)
        return api.Trace(request)

    def state(**how: Any) -> Any:
        return api.ListState(pb.ListStateRequest(**{"contract": here, **how}))

    def changed(**how: Any) -> Any:
        return api.ListChanges(pb.ListChangesRequest(**{"contract": here, **how}))

    def events(**how: Any) -> Any:
        return api.ListEvents(pb.ListEventsRequest(**{"contract": here, **how}))

    short = b"s" * 31
    return {
        "MALFORMED": [
            view(contract=short), view(caller=short), trace(contract=b""), state(contract=short),
            changed(contract=short), events(contract=short),
            api.GetContract(pb.GetContractRequest(address=short)),
            api.GetCode(pb.GetCodeRequest(code_hash=short)),
            api.GetDetail(pb.GetDetailRequest(id=short)),
            api.ListContracts(pb.ListContractsRequest(creator=short)),
            api.WatchEvents(pb.WatchEventsRequest(contract=short)).read(),
        ],
        "MALFORMED_BYTES": [api.ListContracts(pb.ListContractsRequest(page_token="no"))],
        "NO_CONTRACT": [
            view(contract=NOBODY), trace(contract=NOBODY), state(contract=NOBODY),
            changed(contract=NOBODY), events(contract=NOBODY),
            api.GetContract(pb.GetContractRequest(address=NOBODY)),
        ],
        "NO_CODE": [api.GetCode(pb.GetCodeRequest(code_hash=NOBODY))],
        "METHOD_NAME": [
            view(method=""), view(method="init"), view(method="a" * 65), trace(method="é"),
        ],
        "VALUE_IN_VIEW": [view(value=1)],
        "FUEL_LIMIT": [view(fuel=FUEL_MAX), trace(fuel=2**63)],
        "OVERSIZED": [
            view(arguments=bytes(40_000)), trace(code=bytes(TRACED_BYTES_MAX + 1)),
            state(prefix=bytes(300)), state(after=bytes(300)), changed(prefix=bytes(300)),
            events(name="a" * 65), api.Check(pb.CheckRequest(code=bytes(60_001))),
        ],
        "OUT_OF_RANGE": [api.Check(pb.CheckRequest(code=b"x", profile=2))],
        "HEIGHT_OUT_OF_RANGE": [
            state(height=99), changed(from_height=99), changed(from_height=1, to_height=99),
            changed(from_height=1, to_height=2**63),
            events(after=pb.EventCursor(height=2**64 - 1)),
        ],
    }  # fmt: skip


async def test_what_is_wrong_in_form_is_refused_with_its_reason(scene: Scene) -> None:
    for reason, calls in ask_all(scene).items():
        for call in calls:
            assert (await refuse(call)).reason == reason
    await scene.commit(scene.forge.transfer(1))
    backwards = pb.ListChangesRequest(contract=scene.contract, from_height=2, to_height=1)
    assert (await refuse(scene.api.ListChanges(backwards))).reason == "HEIGHT_OUT_OF_RANGE"
