"""What contracts can and can't do to the process that runs them."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from quorate.contracts import machine as machines
from quorate.contracts.engine import JAVA, MIB
from quorate.contracts.machine import MachineFault, run_deep
from quorate.core.contracts.machine import Stopped
from quorate.core.contracts.prices import HOST_PRICES, INSTANCE_PRICE, PAGE_PRICE
from quorate.core.crypto import SigningKey
from quorate.core.outcomes import Failed
from tests.unit.quorate.contracts.worlds import CALLER, FUEL, World, build_code

ECHO = """(func (export "echo")
  (call $input (i32.const 64)) (call $output (i32.const 64) (call $input_size)))"""


@pytest.fixture
def world() -> World:
    return World()


def stop(work: Callable[[], object]) -> Stopped:
    with pytest.raises(Stopped) as caught:
        work()
    return caught.value


def test_arguments_come_in_and_a_result_goes_out(world: World) -> None:
    contract = world.deploy(build_code(ECHO))
    assert world.call(contract, "echo", b"what is said") == b"what is said"
    assert world.call(contract, "echo", b"") == b""


def test_records_are_kept_from_call_to_call_and_memory_is_not(world: World) -> None:
    contract = world.deploy(build_code("""
      (data (i32.const 0) "key")
      (func (export "put") (call $input (i32.const 64))
        (i32.store (i32.const 2000) (i32.const 7))
        (call $store (i32.const 0) (i32.const 3) (i32.const 64) (call $input_size)))
      (func (export "get") (call $output (i32.const 64)
        (call $load (i32.const 0) (i32.const 3) (i32.const 64) (i32.const 100))))
      (func (export "memory_left") (call $output (i32.const 2000) (i32.const 4)))
      (func (export "missing") (i32.store (i32.const 0)
        (call $load (i32.const 1) (i32.const 2) (i32.const 64) (i32.const 100)))
        (call $output (i32.const 0) (i32.const 4)))"""))  # fmt: skip
    world.call(contract, "put", b"stored")
    assert world.call(contract, "get") == b"stored"
    assert world.call(contract, "memory_left") == bytes(4)
    assert world.call(contract, "missing") == b"\xff" * 4
    world.call(contract, "put", b"")
    assert stop(lambda: world.call(contract, "get")).reason == "TRAPPED"  # −1 bytes of output


def test_a_contract_knows_who_called_what_and_when(world: World) -> None:
    contract = world.deploy(
        build_code("""(func (export "who")
      (call $caller (i32.const 0)) (call $origin (i32.const 32)) (call $self (i32.const 64))
      (i64.store (i32.const 96) (call $height)) (i64.store (i32.const 104) (call $time_ms))
      (i64.store (i32.const 112) (call $value)) (call $output (i32.const 0) (i32.const 120)))""")
    )
    numbers = b"".join(each.to_bytes(8, "little") for each in (7, 9, 0))
    assert world.call(contract, "who") == CALLER + b"o" * 32 + contract + numbers


def test_hashes_and_signatures_are_those_of_everybody_else(world: World) -> None:
    contract = world.deploy(
        build_code("""
      (func (export "hash") (call $input (i32.const 0))
        (call $sha256 (i32.const 0) (call $input_size) (i32.const 9000))
        (call $output (i32.const 9000) (i32.const 32)))
      (func (export "verify") (call $input (i32.const 0))
        (i32.store (i32.const 9000) (call $ed25519_verify (i32.const 0) (i32.const 32)
          (i32.const 96) (i32.sub (call $input_size) (i32.const 96))))
        (call $output (i32.const 9000) (i32.const 1)))""")
    )
    assert world.call(contract, "hash", b"abc") == hashlib.sha256(b"abc").digest()
    key = SigningKey(b"s" * 32)
    signature = key.sign(b"", b"", b"message")
    given = key.public_key + signature
    assert world.call(contract, "verify", given + b"\0message") == b"\1"
    assert world.call(contract, "verify", given + b"\0another") == b"\0"


def test_what_is_no_method_can_not_be_called(world: World) -> None:
    contract = world.deploy(
        build_code("""
      (func (export "takes") (param i32)) (func (export "gives") (result i32) i32.const 1)
      (global (export "number") i32 (i32.const 1))""")
    )
    for name in ("takes", "gives", "number", "memory", "absent"):
        for _ in range(2):
            assert stop(lambda name=name: world.call(contract, name)).reason == "NO_METHOD"


def test_an_endless_loop_ends_with_its_fuel(world: World) -> None:
    contract = world.deploy(build_code('(func (export "spin") (loop $l (br $l)))'))
    host = world.open_host(3_000_000)
    assert stop(lambda: world.call_with(host, contract, "spin")).reason == "OUT_OF_FUEL"
    assert host.fuel == 0


def test_a_storm_of_host_calls_ends_with_its_fuel(world: World) -> None:
    contract = world.deploy(
        build_code('(func (export "storm") (loop $l (drop (call $input_size)) (br $l)))')
    )
    host = world.open_host()
    assert stop(lambda: world.call_with(host, contract, "storm")).reason == "OUT_OF_FUEL"
    assert host.fuel == 0


def test_fuel_is_charged_to_the_unit_whatever_the_order(world: World) -> None:
    contract = world.deploy(
        build_code("""(func (export "ask") (local $i i32)
      (local.set $i (i32.const 100)) (loop $l (drop (call $height))
      (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))))""")
    )
    used = []
    for fuel in (FUEL, FUEL // 2):
        host = world.open_host(fuel)
        world.call_with(host, contract, "ask")
        used.append(fuel - host.fuel)
    start = INSTANCE_PRICE + PAGE_PRICE
    assert used[0] == used[1] > start + 100 * HOST_PRICES["height"][0]
    exact, short = world.open_host(used[0]), world.open_host(used[0] - 1)
    world.call_with(exact, contract, "ask")
    assert exact.fuel == 0
    assert stop(lambda: world.call_with(short, contract, "ask")).reason == "OUT_OF_FUEL"
    assert short.fuel == 0


def test_memory_grows_as_far_as_fuel_pays_and_no_further(world: World) -> None:
    contract = world.deploy(
        build_code("""(func (export "grab") (local $got i32)
      (loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
      (i32.store (i32.const 0) (memory.size)) (call $output (i32.const 0) (i32.const 4)))""")
    )
    host = world.open_host()
    assert int.from_bytes(world.call_with(host, contract, "grab"), "little") == 256
    assert FUEL - host.fuel > 256 * PAGE_PRICE
    poor = world.open_host(INSTANCE_PRICE + 11 * PAGE_PRICE + PAGE_PRICE // 2)
    assert int.from_bytes(world.call_with(poor, contract, "grab"), "little") == 11
    broke = world.open_host(INSTANCE_PRICE)
    assert stop(lambda: world.call_with(broke, contract, "grab")).reason == "OUT_OF_FUEL"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("output", "(i32.const 65530) (i32.const 7)"),
        ("output", "(i32.const -1) (i32.const 1)"),
        ("output", "(i32.const 1) (i32.const -1)"),
        ("caller", "(i32.const 65505)"),
        ("input", "(i32.const 65536)"),
        ("store", "(i32.const 0) (i32.const 1) (i32.const 65535) (i32.const 2)"),
        ("store", "(i32.const 65536) (i32.const 1) (i32.const 0) (i32.const 1)"),
        ("transfer", "(i32.const 65505) (i64.const 1)"),
        ("emit", "(i32.const 65536) (i32.const 1) (i32.const 0) (i32.const 1)"),
        ("sha256", "(i32.const 0) (i32.const 1) (i32.const 65505)"),
        ("revert", "(i32.const 65530) (i32.const 7) (i32.const 1)"),
    ],
)
def test_what_lies_outside_of_memory_is_a_trap(world: World, name: str, arguments: str) -> None:
    contract = world.deploy(build_code(f'(func (export "m") (call ${name} {arguments}))'))
    assert stop(lambda: world.call(contract, "m", b"x")).reason == "TRAPPED"


def test_memory_that_has_grown_is_inside(world: World) -> None:
    contract = world.deploy(
        build_code("""(func (export "m") (drop (memory.grow (i32.const 1)))
      (call $caller (i32.const 131040)) (call $output (i32.const 131040) (i32.const 32)))""")
    )
    assert world.call(contract, "m") == CALLER


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("unreachable", "unreachable code reached"),
        ("(drop (i32.load (i32.const 65533)))", "memory access out of bounds"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divided by zero"),
        ("(drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))", "integer overflow"),
        ("(call_indirect (i32.const 0))", "indirect call of nothing"),
        ("(call_indirect (i32.const 1))", "table access out of bounds"),
    ],
)
def test_traps_say_what_it_was(world: World, body: str, text: str) -> None:
    contract = world.deploy(build_code(f'(table 1 funcref) (func (export "m") {body})'))
    failed = stop(lambda: world.call(contract, "m"))
    assert (failed.reason, failed.text) == ("TRAPPED", text)


def test_a_revert_carries_its_text_and_line(world: World) -> None:
    contract = world.deploy(
        build_code("""(data (i32.const 0) "not yours") (func (export "m")
      (call $revert (i32.const 0) (i32.const 9) (i32.const 41)) unreachable)""")
    )
    failed = stop(lambda: world.call(contract, "m"))
    assert (failed.reason, failed.text, failed.line) == ("REVERTED", "not yours", 41)


def test_a_revert_after_the_last_of_the_fuel_is_lack_of_fuel(world: World) -> None:
    contract = world.deploy(
        build_code("""(func (export "m") (drop (call $height))
      (call $revert (i32.const 0) (i32.const 0) (i32.const 1)))""")
    )
    start = INSTANCE_PRICE + PAGE_PRICE + HOST_PRICES["height"][0]
    enough, short = start + HOST_PRICES["revert"][0] + 100, start + 100
    assert stop(lambda: world.call(contract, "m", fuel=enough)).reason == "REVERTED"
    host = world.open_host(short)
    assert stop(lambda: world.call_with(host, contract, "m")).reason == "OUT_OF_FUEL"
    assert host.fuel == 0


def test_what_the_host_refuses_comes_out_as_it_is(world: World) -> None:
    contract = world.deploy(
        build_code("""(func (export "m")
      (call $transfer (i32.const 0) (i64.const 5)))""")
    )
    with pytest.raises(Failed) as caught:
        world.call(contract, "m")
    assert caught.value.reason == "INSUFFICIENT_BALANCE"


@pytest.mark.parametrize("size", [16_385, 65_536])
def test_a_huge_result_or_event_is_refused(world: World, size: int) -> None:
    contract = world.deploy(
        build_code(f"""(data (i32.const 0) "Event")
      (func (export "result") (call $output (i32.const 0) (i32.const {size})))
      (func (export "event") (loop $l
        (call $emit (i32.const 0) (i32.const 5) (i32.const 0) (i32.const {size})) (br $l)))""")
    )
    for method in ("result", "event"):
        assert stop(lambda method=method: world.call(contract, method)).reason == "LIMIT_EXCEEDED"


CALLS = """(func (export "again") (call $input (i32.const 0))
    (drop (call $call (i32.const 0) (i32.const 32) (i32.const 5) (i32.const 0) (call $input_size)
      (i64.const 0) (i64.const 0)))
    (call $returned (i32.const 200)) (call $output (i32.const 200) (i32.const 4)))
  (func (export "other") (call $input (i32.const 0)) (call $output (i32.const 32) (i32.const 5)))"""


def test_one_contract_calls_another_and_gets_its_result(world: World) -> None:
    first, second = (world.deploy(build_code(CALLS + part)) for part in ("", "(func)"))
    assert world.call(first, "again", second + b"other") == b"othe"


def test_a_contract_that_runs_is_not_entered_again(world: World) -> None:
    contract = world.deploy(build_code(CALLS))
    failed = stop(lambda: world.call(contract, "again", contract + b"other"))
    assert failed.reason == "REENTERED"


def test_a_chain_of_calls_of_oneself_ends_at_the_depth(world: World) -> None:
    contract = world.deploy(build_code(CALLS), reentrant=True)
    host = world.open_host(FUEL)
    failed = stop(
        lambda: run_deep(lambda: world.call_with(host, contract, "again", contract + b"again"))
    )
    assert failed.reason == "CALL_TOO_DEEP"
    assert 0 < host.fuel < FUEL - 8 * INSTANCE_PRICE


def test_a_call_gets_no_more_fuel_than_it_was_given(world: World) -> None:
    spin = world.deploy(build_code('(func (export "again") (loop $l (br $l)))'))
    contract = world.deploy(build_code(CALLS.replace("(i64.const 0)))", "(i64.const 1000000)))")))
    host = world.open_host()
    failed = stop(lambda: world.call_with(host, contract, "again", spin + b"again"))
    assert failed.reason == "OUT_OF_FUEL"
    assert host.fuel > FUEL - 20_000_000


def test_the_end_of_the_native_stack_is_no_result(world: World) -> None:
    contract = world.deploy(build_code('(func $f (export "m") (call $f))'))
    with pytest.raises(MachineFault):
        run_deep(lambda: world.call(contract, "m", fuel=100 * FUEL))


def test_modules_are_compiled_once_and_dropped_when_there_are_too_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "LOADED_BYTES_MAX", 1)
    codes = [build_code(ECHO + "(func)" * count) for count in range(12)]
    contracts = [world.deploy(code) for code in codes]
    for _ in range(2):
        for contract in contracts:
            assert world.call(contract, "echo", b"still") == b"still"
    assert len(world.machine._modules) == machines.NESTED_MAX


COLLECTED = """(type $bytes (array (mut i8)))
  (type $node (struct (field (mut i64)) (field (mut (ref null $node)))))
  (tag $t (param i32))
  (func (export "thrown") (throw $t (i32.const 1)))
  (func (export "large") (drop (array.new_default $bytes (i32.const 0x7fffffff))))
  (func (export "kept") (local $n (ref null $node))
    (loop $l (local.set $n (struct.new $node (i64.const 1) (local.get $n))) (br $l)))
  (func (export "null") (drop (struct.get $node 0 (ref.null $node))))
  (func (export "cast") (drop (ref.cast (ref $node) (ref.i31 (i32.const 1)))))
  (func (export "nan") (i64.store (i32.const 0) (i64.reinterpret_f64 (f64.div (f64.const 0)
    (f64.const 0)))) (call $output (i32.const 0) (i32.const 8)))
  (func (export "payload") (i64.store (i32.const 0) (i64.reinterpret_f64 (f64.add
    (f64.const nan:0x123456) (f64.const 1)))) (call $output (i32.const 0) (i32.const 8)))"""


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("thrown", "exception not caught"),
        ("large", "the heap is full"),
        ("kept", "the heap is full"),
        ("null", "reference to nothing"),
        ("cast", "reference of another type"),
    ],
)
def test_what_ends_a_call_of_the_java_profile_is_a_trap(
    world: World, method: str, text: str
) -> None:
    contract = world.deploy(build_code(COLLECTED), profile=JAVA)
    failed = stop(lambda: world.call(contract, method))
    assert (failed.reason, failed.text) == ("TRAPPED", text)


def test_numbers_that_are_none_have_one_form(world: World) -> None:
    contract = world.deploy(build_code(COLLECTED), profile=JAVA)
    canonical = (0x7FF8_0000_0000_0000).to_bytes(8, "little")
    assert world.call(contract, "nan") == world.call(contract, "payload") == canonical


def test_memory_stays_flat_over_calls_that_end_in_every_way(world: World) -> None:
    other = world.deploy(build_code(CALLS))
    contract = world.deploy(
        build_code(
            ECHO
            + """(func (export "trap") unreachable)
      (func (export "oob") (call $output (i32.const -1) (i32.const 7)))
      (func (export "spin") (loop $l (br $l)))"""
        )
    )

    def call_all() -> None:
        world.call(contract, "echo", b"given")
        stop(lambda: world.call(other, "again", other + b"other"))
        for method in ("trap", "oob", "spin", "none"):
            stop(lambda method=method: world.call(contract, method, fuel=200_000))

    for _ in range(200):
        call_all()
    before = _read_resident_bytes()
    for _ in range(1_000):
        call_all()
    assert _read_resident_bytes() - before < 8 * MIB


def _read_resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
