"""What blocks do with contract payloads, on the real engine: fees, deposits, details."""

from collections.abc import Iterator
from typing import Any

import pytest

from quorate.contracts.machine import Machine
from quorate.core.applied import Applied, Aside, Receipt
from quorate.core.applying import Applying
from quorate.core.context import Context
from quorate.core.contracts.details import Detail, compute_detail_hash, decode_detail
from quorate.core.contracts.payloads import (
    CallContract,
    DeployContract,
    compute_charged_fuel,
    compute_fuel_weight,
)
from quorate.core.contracts.records import (
    compute_code_hash,
    compute_code_key,
    compute_contract_address,
    compute_contract_key,
    compute_interface_hash,
    compute_interface_key,
    compute_variable_key,
    decode_contract,
)
from quorate.core.outcomes import CALLED, OUTCOMES
from quorate.core.records import MemoryRecords
from quorate.core.staking.records import decode_candidate
from quorate.core.state import Account, compute_account_key, decode_account
from quorate.core.transactions import Transaction, Transfer, compute_weight
from quorate.core.transition import Execution
from quorate.core.values import DEPOSITS
from tests.unit.quorate.contracts.worlds import ENGINES, Compiler, build_code
from tests.unit.quorate.core.chains import build_header, close_block
from tests.unit.quorate.core.worlds import DOMAIN, World

A, B = b"\1" * 32, b"\2" * 32
RICH = 10**15
FUEL = 50_000_000
PRICE = 7
# A counter that tells, pays, reverts and stores.
CODE = build_code("""
  (data (i32.const 0) "count") (data (i32.const 16) "big") (data (i32.const 32) "Counted")
  (data (i32.const 48) "no more")
  (func (export "init") (call $input (i32.const 100))
    (call $store (i32.const 0) (i32.const 5) (i32.const 100) (call $input_size)))
  (func (export "add")
    (drop (call $load (i32.const 0) (i32.const 5) (i32.const 100) (i32.const 8)))
    (i64.store (i32.const 100) (i64.add (i64.load (i32.const 100)) (i64.const 1)))
    (call $store (i32.const 0) (i32.const 5) (i32.const 100) (i32.const 8))
    (call $emit (i32.const 32) (i32.const 7) (i32.const 100) (i32.const 8))
    (call $output (i32.const 100) (i32.const 8)))
  (func (export "stop") (call $emit (i32.const 32) (i32.const 7) (i32.const 0) (i32.const 0))
    (call $revert (i32.const 48) (i32.const 7) (i32.const 12)))
  (func (export "spin") (loop $again (br $again)))
  (func (export "trap") unreachable)
  (func (export "grow") (call $store (i32.const 16) (i32.const 3) (i32.const 200) (i32.const 1000)))
  (func (export "shrink") (call $store (i32.const 16) (i32.const 3) (i32.const 0) (i32.const 0)))
  (func (export "pay") (call $input (i32.const 100))
    (call $transfer (i32.const 100) (i64.load (i32.const 132))))""")


class Town(World):
    """A world whose blocks run contracts, and in which fees are paid."""

    def __init__(self, **params: int) -> None:
        super().__init__({A: RICH, B: RICH}, **params)
        self.machine = Machine(ENGINES, Compiler())
        self.details: list[Detail] = []
        self.base_fee = PRICE

    def open(self) -> Execution:
        header = build_header(self.height, base_fee=self.base_fee, time_ms=self.time_ms)
        execution = Execution(Context(header, self.params, DOMAIN, self.machine), self.state)
        execution.begin()
        return execution

    def make(self, *payloads: Any, sender: bytes | None = None, ahead: int = 0) -> Transaction:
        made: Transaction = super().make(*payloads, sender=sender)
        weight = compute_weight(100, 1, payloads)
        return made._replace(
            weight=weight, fee_limit=weight * PRICE, valid_until_height=self.height + 9,
            sequence=made.sequence + ahead,
        )  # fmt: skip

    def apply(self, *transactions: Transaction, poisoned: tuple[int, ...] = ()) -> list[Receipt]:
        self.height += 1
        self.time_ms += 1
        execution = self.open()
        receipts = execution.apply(transactions, poisoned)
        self.details = [decode_detail(each) for _, each in execution.details]
        hashes = [compute_detail_hash(each) for _, each in execution.details]
        assert hashes == [each.detail_hash for each in receipts if each.detail_hash]
        self.state.take(close_block(execution))
        return receipts

    def run(self, *payloads: Any, sender: bytes | None = None) -> Receipt:
        """Execute payloads as one transaction of a block of its own."""
        before = self.sum_up()
        self.last = self.make(*payloads, sender=sender)
        (receipt,) = self.apply(self.last)
        assert self.sum_up() == before
        return receipt

    def deploy(self, code: bytes = CODE, *, interface: bytes = b"{}", **fields: Any) -> bytes:
        """Deploy and return the address."""
        values = {"arguments": bytes(8), "value": 0, "fuel_limit": FUEL, **fields}
        payload = DeployContract(
            A, code, interface, 0, values.get("reentrant", False), values["arguments"],
            values["value"], values["fuel_limit"],
        )  # fmt: skip
        receipt = self.run(payload)
        assert receipt.code == CALLED, (OUTCOMES[receipt.code], self.details)
        return compute_contract_address(self.last.id, 0)

    def sum_up(self) -> int:
        """Return all native money there is: balances, and what candidates hold."""
        return sum(
            decode_account(value).balance for key, value in self.state.items() if key[:1] == b"a"
        ) + sum(self._count_candidates())

    def _count_candidates(self) -> Iterator[int]:
        for key, value in self.state.items():
            if key[:1] == b"c":
                candidate = decode_candidate(value)
                yield candidate.stake + candidate.pot + candidate.commission_due


def call(contract: bytes, method: str, given: bytes = b"", **fields: Any) -> CallContract:
    values = {"signer": A, "value": 0, "fuel_limit": FUEL, "access": (), **fields}
    return CallContract(
        values["signer"], contract, method, given, values["value"], values["fuel_limit"],
        values["access"],
    )  # fmt: skip


@pytest.fixture
def town() -> Town:
    return Town()


def test_a_deployment_stores_code_interface_and_what_the_constructor_says(town: Town) -> None:
    address = town.deploy(interface=b'{"abi":1}', arguments=b"12345678")
    record = decode_contract(town.state[compute_contract_key(address)])
    assert record.creator == A and record.height == town.height and not record.reentrant
    assert town.state[compute_code_key(record.code_hash)] == CODE
    assert town.state[compute_interface_key(record.interface_hash)] == b'{"abi":1}'
    assert town.state[compute_variable_key(address, b"count")] == b"12345678"
    assert record.code_hash == compute_code_hash(CODE)
    assert record.interface_hash == compute_interface_hash(b'{"abi":1}')


def test_deploying_twice_gives_two_contracts_with_one_code_and_one_deposit_for_it(
    town: Town,
) -> None:
    first, paid = town.deploy(), town.balance(DEPOSITS)
    second = town.deploy()
    assert first != second
    again = town.balance(DEPOSITS) - paid
    assert paid - again == (33 + len(CODE) + 33 + len(b"{}")) * town.params.deposit_per_byte
    town.run(call(first, "add"))
    assert town.state[compute_variable_key(second, b"count")] == bytes(8)


def test_a_call_gives_a_result_and_events_whose_hash_the_receipt_carries(town: Town) -> None:
    address = town.deploy()
    receipt = town.run(call(address, "add"))
    (detail,) = town.details
    (done,) = detail.calls
    assert receipt.code == CALLED and receipt.reference and detail.failure is None
    assert (done.contract, done.method, done.result) == (address, "add", b"\1" + bytes(7))
    assert [(each.contract, each.name, each.data) for each in done.events] == [
        (address, b"Counted", b"\1" + bytes(7))
    ]
    assert 0 < done.fuel < FUEL


def test_only_used_fuel_is_paid_for_but_half_of_the_limit_at_least(town: Town) -> None:
    address = town.deploy()
    for limit in (FUEL, 3_000_000, 2_500_001):
        receipt = town.run(call(address, "add", fuel_limit=limit))
        used = town.details[0].calls[0].fuel
        charged = compute_fuel_weight(compute_charged_fuel(limit, used))
        whole = town.last.weight - compute_fuel_weight(limit)
        assert receipt.fee == (whole + charged) * PRICE
    assert town.run(call(address, "spin")).fee == town.last.weight * PRICE


@pytest.mark.parametrize(
    ("method", "reason", "text", "line"),
    [
        ("stop", "REVERTED", "no more", 12),
        ("spin", "OUT_OF_FUEL", "", 0),
        ("trap", "TRAPPED", "unreachable code reached", 0),
        ("nothing", "NO_METHOD", "there is no method 'nothing'", 0),
    ],
)
def test_a_call_that_fails_undoes_all_of_its_transaction_and_says_why(
    town: Town, method: str, reason: str, text: str, line: int
) -> None:
    address = town.deploy()
    before = dict(town.state)
    payloads = (Transfer(A, B, 5), call(address, "add"), call(address, method))
    receipt = town.run(*payloads)
    assert OUTCOMES[receipt.code][1] == reason
    (detail,) = town.details
    assert detail.calls == () and detail.failure is not None
    assert (detail.failure.position, detail.failure.contract) == (2, address)
    assert (detail.failure.method, detail.failure.text, detail.failure.line) == (method, text, line)
    assert 0 < detail.failure.fuel <= 2 * FUEL
    kept = {key: value for key, value in town.state.items() if before.get(key) != value}
    assert town.balance(B) == RICH
    assert not [key for key in kept if key[:1] == b"z"]
    assert decode_account(before[compute_account_key(A)]).balance - receipt.fee == town.balance(A)


def test_when_another_payload_fails_calls_before_it_are_undone_and_fuel_is_paid(town: Town) -> None:
    address = town.deploy()
    receipt = town.run(call(address, "add"), Transfer(A, B, 2 * RICH))
    assert OUTCOMES[receipt.code][1] == "INSUFFICIENT_BALANCE" and receipt.reference == b""
    assert town.details == []
    assert town.state[compute_variable_key(address, b"count")] == bytes(8)
    assert receipt.fee < town.last.weight * PRICE


def test_value_moves_with_the_call_and_contracts_pay_out(town: Town) -> None:
    address = town.deploy(value=100)
    assert town.balance(address) == 100
    town.run(call(address, "add", value=11))
    assert town.balance(address) == 111
    town.run(call(address, "pay", B + (111).to_bytes(8, "little")))
    assert (town.balance(address), town.balance(B)) == (0, RICH + 111)
    receipt = town.run(call(address, "pay", B + (1).to_bytes(8, "little")))
    assert OUTCOMES[receipt.code][1] == "HOST_REFUSED"
    assert town.details[0].failure is not None
    assert town.details[0].failure.text == "INSUFFICIENT_BALANCE"
    assert OUTCOMES[town.run(call(address, "add", value=2 * RICH)).code][1] == "HOST_REFUSED"


def test_stored_bytes_cost_a_deposit_that_comes_back_when_they_go(town: Town) -> None:
    address = town.deploy()
    start, before = town.balance(DEPOSITS), town.balance(A)
    receipt = town.run(call(address, "grow"))
    deposit = 1_003 * town.params.deposit_per_byte
    assert town.balance(DEPOSITS) - start == deposit
    assert before - town.balance(A) == deposit + receipt.fee
    assert town.run(call(address, "grow")).code == CALLED
    assert town.balance(DEPOSITS) - start == deposit
    freed = town.run(call(address, "shrink", signer=B))
    assert town.balance(DEPOSITS) == start
    assert town.balance(B) == RICH + deposit - freed.fee


def test_who_can_not_pay_the_deposit_stores_nothing(town: Town) -> None:
    address = town.deploy()
    poor = b"\3" * 32
    fee = town.make(call(address, "grow", signer=poor)).weight * PRICE
    town.state[compute_account_key(poor)] = Account(fee + 5, {}).encode()
    receipt = town.run(call(address, "grow", signer=poor))
    assert OUTCOMES[receipt.code][1] == "DEPOSIT_NOT_COVERED"
    assert not town.state[compute_variable_key(address, b"big")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (lambda a: call(b"\7" * 32, "add"), "NO_CONTRACT"),
        (lambda a: call(B, "add"), "NO_CONTRACT"),
        (lambda a: DeployContract(A, b"\0asm", b"", 0, False, b"", 0, FUEL), "BAD_MODULE"),
        (lambda a: DeployContract(A, CODE, b"", 1, False, bytes(8), 0, 0), "OUT_OF_FUEL"),
        (
            lambda a: DeployContract(
                A, build_code('(func (export "f"))'), b"", 0, False, b"!", 0, FUEL
            ),
            "NO_METHOD",
        ),
        (
            lambda a: DeployContract(
                A, _spoil(build_code('(func (export "f") (drop (i32.const 1)))')), b"", 0, False,
                b"", 0, FUEL,
            ),
            "BAD_MODULE",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_called_or_deployed_changes_nothing_but_the_fee(
    town: Town, payload: Any, reason: str
) -> None:
    address = town.deploy()
    before = {key: value for key, value in town.state.items() if key[:1] in b"hojz"}
    assert OUTCOMES[town.run(payload(address)).code][1] == reason
    assert {key: value for key, value in town.state.items() if key[:1] in b"hojz"} == before


def _spoil(code: bytes) -> bytes:
    """Return a module that is right in shape, but drops a value that is not there."""
    assert code.count(b"\x41\x01\x1a") == 1
    return code.replace(b"\x41\x01\x1a", b"\x1a\x01\x01")


def test_a_chain_without_an_engine_refuses_contracts() -> None:
    town = Town(contract_engine=0)
    payload = DeployContract(A, CODE, b"", 0, False, bytes(8), 0, FUEL)
    assert OUTCOMES[town.run(payload).code][1] == "NO_ENGINE"


def test_a_poisoned_call_is_not_run_and_pays_for_all_its_fuel(town: Town) -> None:
    address = town.deploy()
    transactions = [town.make(call(address, "add"), sender=A), town.make(Transfer(B, A, 1))]
    receipts = town.apply(*transactions, poisoned=(0,))
    assert [OUTCOMES[each.code][1] for each in receipts] == ["POISONED", ""]
    assert receipts[0].fee == transactions[0].weight * PRICE
    assert town.state[compute_variable_key(address, b"count")] == bytes(8)


def test_a_duplicate_call_pays_for_half_its_fuel_and_takes_no_effect(town: Town) -> None:
    address = town.deploy()
    keyed = {"idempotency_key": b"once", "payload_hash": b"p" * 32}
    town.apply(town.make(call(address, "add"))._replace(**keyed))
    (receipt,) = town.apply(town.make(call(address, "add"))._replace(**keyed))
    assert OUTCOMES[receipt.code][1] == "DUPLICATE" and receipt.first_id
    assert town.state[compute_variable_key(address, b"count")][0] == 1


def test_a_slice_applied_apart_and_absorbed_gives_the_same_as_one_applied_here(town: Town) -> None:
    address = town.deploy()
    transactions = [
        town.make(Transfer(A, B, 3)),
        town.make(call(address, "add"), ahead=1)._replace(
            idempotency_key=b"k", payload_hash=b"p" * 32
        ),
        town.make(call(address, "stop"), ahead=2),
        town.make(Transfer(B, address, 4)),
        town.make(call(address, "pay", B + (2).to_bytes(8, "little")), ahead=3),
        town.make(Transfer(B, A, RICH // 2), ahead=1),
    ]
    town.height += 1
    here, there = town.open(), town.open()
    receipts = here.apply(transactions)
    found = there.apply(transactions[:1])
    for part in (transactions[1:3], transactions[3:]):
        applied = apply_apart(town, there, part)
        there.absorb(applied)
        found += applied.receipts
    assert found == receipts
    assert there.details == here.details
    assert close_block(there) == close_block(here)


def apply_apart(town: Town, execution: Execution, part: list[Transaction]) -> Applied:
    """Apply transactions as the contract-runner does, on what the execution tells."""

    class Served(MemoryRecords):
        def __missing__(self, key: bytes) -> bytes:
            return execution.read(key)

    context = Context(execution.context.header, execution.context.params, DOMAIN, town.machine)
    return Applying(context, Served()).apply_apart(part, Aside((), execution.refuted))


def test_records_that_nobody_named_cost_more_and_named_ones_do_not(town: Town) -> None:
    address = town.deploy()
    town.run(call(address, "add"))
    cold = town.details[0].calls[0].fuel
    town.run(call(address, "add", access=(b"count",)))
    warm = town.details[0].calls[0].fuel
    assert cold - warm == 1_000_000
