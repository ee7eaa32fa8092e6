"""What a chain really did with the payments of a plan, judged from one validator's database.

Nothing that a client or gateway said is believed here: the transactions are read from the batches
of the final blocks, what became of them from the receipts, the balances from the state.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from quorate.core.batches import Batch
from quorate.core.genesis import Genesis
from quorate.core.outcomes import OUTCOME_FAILED, OUTCOME_SUCCEEDED, OUTCOMES
from quorate.core.state import compute_account_key, decode_account
from quorate.core.transactions import Transfer
from quorate.core.values import TREASURY
from quorate.kit.convert import decode_transaction
from quorate.storage import database as db
from quorate.storage.database import Database
from quorate.storage.store import Store
from tests.idempotency.plan import Plan, Send

_ACCOUNT = compute_account_key(b"")
PROBLEMS_SHOWN = 10


class Row(NamedTuple):
    """One transaction in a final block and what became of it."""

    id: bytes
    sender: bytes
    key: bytes
    payments: tuple[tuple[bytes, int], ...]
    outcome: int
    reason: str
    fee: int
    first_id: bytes


class Facts(NamedTuple):
    """All transactions of a chain in order, and the balances after them by address."""

    rows: list[Row]
    balances: dict[bytes, int]
    height: int


@dataclass
class Verdict:
    """What was found: counts, and what is not as it must be."""

    effects: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the first problems, one per line."""
        more = len(self.problems) - PROBLEMS_SHOWN
        return "\n".join(self.problems[:PROBLEMS_SHOWN] + [f"and {more} more"] * (more > 0))


def read_facts(home: Path, genesis: Genesis) -> Facts:
    """Read the chain of a validator that does not run."""
    database = Database(home / "storage" / "db")
    try:
        store, rows = Store(database, genesis), list[Row]()
        height, _ = store.load_state([])
        for each in range(1, height + 1):
            rows += _read_block(store, genesis, each)
        balances = {
            key[len(_ACCOUNT) :]: decode_account(value).balance
            for key, value in database.iterate(db.STATE, _ACCOUNT)
            if key.startswith(_ACCOUNT)
        }
    finally:
        database.close()
    return Facts(rows, balances, height)


def _read_block(store: Store, genesis: Genesis, height: int) -> Iterable[Row]:
    receipts, raws = store.load_receipts(height), list[bytes]()
    for name in store.get_block(height).batches:
        batch = store.load_batch(name)
        assert batch is not None, f"block {height} names a batch that is not stored"
        raws += Batch.decode(batch).transactions()
    assert len(raws) == receipts.count, f"block {height}: {len(raws)} and {receipts.count}"
    for position, raw in enumerate(raws):
        transaction = decode_transaction(raw, genesis.domain)
        assert transaction.id == receipts.ids[32 * position : 32 * position + 32]
        outcome, reason = OUTCOMES[receipts.codes[position]]
        payments = [(p.to, p.amount) for p in transaction.payloads if isinstance(p, Transfer)]
        yield Row(
            transaction.id, transaction.sender, transaction.idempotency_key, tuple(payments),
            outcome, reason, receipts.fees[position], receipts.references.get(position, b""),
        )  # fmt: skip


def judge(plan: Plan, facts: Facts, funded: Mapping[bytes, int]) -> Verdict:
    """Tell whether each payment took effect exactly once; `funded` is what the genesis gave."""
    verdict = Verdict()
    by_key = defaultdict[tuple[bytes, bytes], list[Row]](list)
    for row in facts.rows:
        by_key[row.sender, row.key].append(row)
    for send in plan.list_sends():
        _judge_send(send, by_key.pop((plan.get_address(send.account), send.key), []), verdict)
        balance = facts.balances.get(send.to, 0)
        if balance != send.amount:
            verdict.problems.append(
                f"payment {send.number}: its recipient has {balance} instead of {send.amount}"
            )
    for (_, key), rows in by_key.items():
        verdict.problems.append(f"{len(rows)} transactions with a key nobody planned: {key!r}")
    _judge_ids(facts.rows, verdict)
    _judge_money(facts, funded, verdict)
    return verdict


def _judge_send(send: Send, rows: list[Row], verdict: Verdict) -> None:
    """Count the transactions of one key: one success, and nothing else that does anything."""
    say = verdict.problems.append
    firsts = [row for row in rows if row.outcome == OUTCOME_SUCCEEDED]
    verdict.effects += len(firsts)
    if len(firsts) != 1:
        say(f"payment {send.number}: {len(firsts)} transactions of its key took effect")
    for row in rows:
        if row.payments != ((send.to, send.amount),):
            say(f"payment {send.number}: its key came with {row.payments}")
        if row.outcome == OUTCOME_FAILED:
            verdict.duplicates += 1
            if row.reason != "DUPLICATE" or row.first_id not in {first.id for first in firsts}:
                say(f"payment {send.number}: {row.reason}, first {row.first_id.hex()[:12]}")
        elif row.outcome != OUTCOME_SUCCEEDED:
            verdict.skipped[row.reason] += 1


def _judge_ids(rows: list[Row], verdict: Verdict) -> None:
    """No transaction may use its sequence twice."""
    used = Counter(row.id for row in rows if row.outcome in (OUTCOME_SUCCEEDED, OUTCOME_FAILED))
    for id_, times in used.items():
        if times > 1:
            verdict.problems.append(f"transaction {id_.hex()[:12]} was executed {times} times")


def _judge_money(facts: Facts, funded: Mapping[bytes, int], verdict: Verdict) -> None:
    """Every balance but the treasury's must be what genesis, payments and fees make it.

    Where fees go is nothing of this: that all adds up to the supply is checked elsewhere.
    """
    due = Counter(funded)
    for row in facts.rows:
        if row.outcome == OUTCOME_SUCCEEDED:
            for to, amount in row.payments:
                due[to] += amount
                due[row.sender] -= amount
        due[row.sender] -= row.fee
    for address in (due.keys() | facts.balances.keys()) - {TREASURY}:
        if due[address] != facts.balances.get(address, 0):
            verdict.problems.append(
                f"account {address.hex()[:12]} has {facts.balances.get(address, 0)}, "
                f"by its transactions {due[address]}"
            )
