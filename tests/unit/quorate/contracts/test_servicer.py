"""Slices, views and checks through the real service and its processes."""

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.contracts.details import decode_detail
from quorate.core.outcomes import CALLED, OUTCOMES
from quorate.core.transactions import Transfer
from quorate.kit.contract_frames import build_begin
from quorate.storage.contract_link import EXECUTE, TRACE, VIEW
from tests.unit.quorate.contracts.conftest import ALICE, Chain, Runner
from tests.unit.quorate.contracts.worlds import build_code

COUNTER = build_code("""(data (i32.const 0) "count")
  (func $get (result i64)
    (drop (call $load (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 8)))
    (i64.load (i32.const 16)))
  (func (export "add") (i64.store (i32.const 16) (i64.add (call $get) (i64.const 1)))
    (call $store (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 8))
    (call $output (i32.const 16) (i32.const 8)))
  (func (export "get") (drop (call $get)) (call $output (i32.const 16) (i32.const 8)))
  (func (export "spin") (loop $l (br $l)))""")


async def test_a_slice_mixes_calls_and_transfers(runner: Runner, chain: Chain) -> None:
    contract = chain.deploy(COUNTER)
    applied = await runner.execute(
        chain,
        chain.call(contract, "add"),
        chain.sign(Transfer(ALICE, b"B" * 32, 5)),
        chain.call(contract, "add"),
        chain.call(contract, "spin"),
        chain.call(contract, "none"),
    )
    reasons = [OUTCOMES[each.code][1] for each in applied.receipts]
    assert reasons == ["", "", "", "OUT_OF_FUEL", "NO_METHOD"]
    assert applied.receipts[0].code == CALLED
    results = [decode_detail(detail) for _, detail in applied.details]
    assert [each.calls[0].result[0] for each in results[:2]] == [1, 2]


async def test_a_block_goes_on_over_several_slices(runner: Runner, chain: Chain) -> None:
    contract = chain.deploy(COUNTER)
    async with runner.link.open(EXECUTE, build_begin(chain.context)) as talk:
        for _ in range(3):
            await chain.apply(talk, [chain.call(contract, "add") for _ in range(5)])
    applied = await runner.execute(chain, chain.call(contract, "get"))
    assert decode_detail(applied.details[0][1]).calls[0].result[0] == 15


async def test_a_view_gives_a_result_and_writes_nothing(runner: Runner, chain: Chain) -> None:
    contract = chain.deploy(COUNTER)
    await runner.execute(chain, chain.call(contract, "add"))
    before = dict(chain.state)
    for method, reason, result in (("get", "", 1), ("add", "READ_ONLY", None)):
        view = pb.View(contract=contract, method=method, caller=ALICE, fuel=10_000_000)
        async with runner.link.open(VIEW, build_begin(chain.context)) as talk:
            viewed = (await talk.ask(pb.Ask(view=view), chain.read)).viewed
        assert viewed.reason == reason
        assert viewed.result == (b"" if result is None else result.to_bytes(8, "little"))
        assert 0 < viewed.fuel < 10_000_000
    assert chain.state == before


async def test_a_trace_tells_what_a_call_asks_of_the_host(runner: Runner, chain: Chain) -> None:
    contract = chain.deploy(COUNTER)
    call = pb.View(contract=contract, method="add", caller=ALICE, fuel=10_000_000)
    async with runner.link.open(TRACE, build_begin(chain.context)) as talk:
        traced = (await talk.ask(pb.Ask(trace=pb.Trace(call=call)), chain.read)).traced
    assert traced.outcome.result == b"\1" + bytes(7)
    assert [step.action for step in traced.steps] == ["load", "store"]
    fuels = [step.fuel for step in traced.steps]
    assert 0 < fuels[0] < fuels[1] < traced.outcome.fuel
    assert not traced.cut


async def test_a_module_is_checked_as_a_deployment_would(runner: Runner) -> None:
    good = await runner.check(COUNTER)
    assert (good.message, list(good.methods)) == ("", ["add", "get", "spin"])
    assert good.compiled_bytes > 0
    bad = await runner.check(COUNTER[:-9])
    assert bad.message
