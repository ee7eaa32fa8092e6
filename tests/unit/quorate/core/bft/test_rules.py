"""Each reason for which a proposal is invalid or undecided, and that all else is valid."""

from dataclasses import replace
from typing import Any

import pytest

from quorate.core.batches import BatchHeader
from quorate.core.bft.chain import Chain
from quorate.core.bft.pool import Pool
from quorate.core.bft.rules import INVALID, UNDECIDED, VALID, Verdict, judge_block
from quorate.core.blocks import Block, Suspect
from quorate.core.params import Params
from quorate.core.results import Result, compute_claim
from tests.unit.quorate.core.bft.bench import CLOCK_MS, PARAMS, Bench, claim, make_batch, name_of

BATCHES = (make_batch(1), make_batch(2))


class Judge:
    """Judges blocks of view 1 on the root, with BATCHES held."""

    def __init__(self, params: Params = PARAMS) -> None:
        self.bench, self.params = Bench(params=params), params
        self.chain = Chain(self.bench.root, None, params.batch_validity_blocks)
        self.pool = Pool(4, 0, params)
        for batch in BATCHES:
            self.pool.add_held(name_of(batch), batch)

    def judge(self, block: Block, parent: Block | None = None) -> Verdict:
        return judge_block(
            block, parent or self.bench.root, self.chain, self.pool, self.params, clock_ms=CLOCK_MS
        )

    def change(self, *batches: BatchHeader, **changes: Any) -> Verdict:
        return self.judge(self.bench.build(1, None, batches, **changes).block)


def test_a_good_block_is_valid_with_and_without_batches() -> None:
    assert Judge().change() == Verdict(VALID)
    assert Judge().change(*BATCHES) == Verdict(VALID)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"protocol_version": 2}, "WRONG_VERSION"),
        ({"contract_engine": 2}, "WRONG_ENGINE"),
        ({"height": 2}, "WRONG_HEIGHT"),
        ({"height": 0}, "WRONG_HEIGHT"),
        ({"time_ms": CLOCK_MS - 1_000}, "TIME_NOT_ABOVE_PARENT"),
        ({"base_fee": 7}, "WRONG_BASE_FEE"),
        ({"weight": 1_001}, "WEIGHT_OVER_LIMIT"),
        ({"executed": claim(1, bytes(32))}, "RESULT_OF_ITSELF"),
        ({"weight": 19}, "WRONG_WEIGHT"),
        ({"weight": 0}, "WRONG_WEIGHT"),
        ({"suspect": Suspect(1, 0)}, "WRONG_SUSPECT"),
        ({"suspect": Suspect(0, 1)}, "WRONG_SUSPECT"),
    ],
)
def test_a_wrong_header_is_invalid(changes: dict[str, Any], reason: str) -> None:
    assert Judge().change(*BATCHES, **changes) == Verdict(INVALID, reason)


def test_time_may_be_ahead_by_the_bound_and_is_undecided_beyond() -> None:
    most_ms = CLOCK_MS + PARAMS.clock_ahead_ms_max
    assert Judge().change(time_ms=most_ms) == Verdict(VALID)
    assert Judge().change(time_ms=most_ms + 1) == Verdict(UNDECIDED, "TIME_AHEAD")


def test_a_repeated_name_is_invalid() -> None:
    verdict = Judge().change(BATCHES[0], BATCHES[0])
    assert verdict == Verdict(INVALID, "BATCH_REPEATED_OR_TOO_MANY")


def test_too_many_batches_are_invalid() -> None:
    verdict = Judge(replace(PARAMS, block_batches_max=1)).change(*BATCHES)
    assert verdict == Verdict(INVALID, "BATCH_REPEATED_OR_TOO_MANY")


def test_missing_batches_are_undecided_and_named() -> None:
    strange = make_batch(3)
    verdict = Judge().change(BATCHES[0], strange)
    assert verdict == Verdict(UNDECIDED, "BATCHES_MISSING", (name_of(strange),))


@pytest.mark.parametrize("expiry", [0, 34])
def test_a_batch_outside_its_window_is_invalid(expiry: int) -> None:
    judge, batch = Judge(), make_batch(3, expiry=expiry)
    judge.pool.add_held(name_of(batch), batch)
    assert judge.change(batch) == Verdict(INVALID, "BATCH_EXPIRED")


def test_a_batch_that_an_unfinalized_ancestor_names_is_invalid() -> None:
    judge = Judge()
    parent = judge.bench.build(1, None, BATCHES).block
    judge.chain.add(parent)
    verdict = judge.judge(judge.bench.build(2, parent, BATCHES[:1]).block, parent)
    assert verdict == Verdict(INVALID, "BATCH_NAMED_BY_ANCESTOR")


def test_a_batch_that_a_final_block_names_is_invalid_even_if_not_held() -> None:
    judge = Judge()
    judge.chain.add_recent([(0, name_of(make_batch(9)))])
    assert judge.change(make_batch(9)) == Verdict(INVALID, "BATCH_NAMED_BY_ANCESTOR")


class Executed(Judge):
    """Judges children of a final block at height 1 that was executed."""

    def __init__(self) -> None:
        super().__init__()
        self.one = self.bench.build(1).block
        self.chain.jump(self.one, None)  # type: ignore[arg-type]
        self.chain.add_results([Result(1, b"w" * 32, b"r" * 32)])

    def claim(self, **changes: Any) -> Verdict:
        return self.judge(self.bench.build(2, self.one, **changes).block, self.one)


def test_a_true_result_is_valid() -> None:
    judge = Executed()
    true = compute_claim(judge.one.header.executed, 1, judge.chain.results)
    assert judge.claim(executed=true) == Verdict(VALID)


@pytest.mark.parametrize("field", ["write_digest", "receipts_root", "state_root", "next_set_hash"])
def test_a_false_result_is_invalid(field: str) -> None:
    judge = Executed()
    true = compute_claim(judge.one.header.executed, 1, judge.chain.results)
    assert true is not None
    false = replace(true, **{field: b"x" * 32})  # type: ignore[arg-type]
    assert judge.claim(executed=false) == Verdict(INVALID, "FALSE_RESULT")


def test_a_claim_without_progress_must_be_the_parents() -> None:
    judge = Executed()
    assert judge.claim() == Verdict(VALID)
    assert judge.claim(executed=claim(0, b"x" * 32)) == Verdict(INVALID, "FALSE_RESULT")


def test_a_result_that_is_not_executed_here_yet_is_undecided() -> None:
    judge = Executed()
    two = judge.bench.build(2, judge.one).block
    judge.chain.add(two)
    block = judge.bench.build(3, two, executed=claim(2, b"x" * 32)).block
    assert judge.judge(block, two) == Verdict(UNDECIDED, "RESULT_NOT_EXECUTED_YET")


def test_while_execution_lags_a_block_names_no_batches_not_even_weightless_ones() -> None:
    params = replace(PARAMS, execution_lag_max=0)
    judge, empty = Judge(params), make_batch(3, weight=0)
    judge.pool.add_held(name_of(empty), empty)
    assert judge.change() == Verdict(VALID)
    for batches in ((BATCHES[0],), (empty,)):
        assert judge.change(*batches) == Verdict(INVALID, "BATCHES_WHILE_EXECUTION_LAGS")
