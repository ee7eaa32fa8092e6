"""What a header may claim about execution is valid, invalid, or not to be judged yet (X1 to X4)."""

import random
from dataclasses import replace

import pytest

from quorate.core.blocks import Executed
from quorate.core.results import (
    Judgement,
    Result,
    compute_claim,
    compute_write_digest,
    judge_claim,
)
from quorate.core.values import ZERO_HASH

START = Executed(4, b"\4" * 32, ZERO_HASH, b"\5" * 32, ZERO_HASH)
RESULTS = {n: Result(n, bytes([n]) * 32, bytes([n + 100]) * 32) for n in range(5, 11)}


def claim(height: int) -> Executed:
    made = compute_claim(START, height, RESULTS)
    assert made is not None
    return made


def test_a_claim_of_the_parents_height_repeats_it() -> None:
    assert claim(4) == START
    assert judge_claim(START, START, 10, RESULTS) is Judgement.VALID


def test_a_claim_carries_the_results_of_its_height_however_it_was_reached() -> None:
    assert claim(7).write_digest == RESULTS[7].write_digest
    assert claim(7).receipts_root == RESULTS[7].receipts_root
    assert compute_claim(claim(6), 7, RESULTS) == claim(7)


@pytest.mark.parametrize("height", range(5, 11))
def test_a_true_claim_is_valid_as_soon_as_its_height_was_executed_here(height: int) -> None:
    assert judge_claim(START, claim(height), height, RESULTS) is Judgement.VALID
    assert judge_claim(START, claim(height), 10, RESULTS) is Judgement.VALID


def test_a_claim_ahead_of_own_execution_is_undecided_true_or_not() -> None:
    false = replace(claim(7), write_digest=b"\xff" * 32)
    for made in (claim(7), false):
        assert judge_claim(START, made, 6, RESULTS) is Judgement.UNDECIDED


@pytest.mark.parametrize(
    "change",
    [
        {"write_digest": b"\xff" * 32},
        {"receipts_root": b"\xff" * 32},
        {"state_root": b"\xff" * 32},
        {"next_set_hash": b"\xff" * 32},
    ],
)
def test_a_false_claim_is_invalid(change: dict[str, bytes]) -> None:
    assert judge_claim(START, replace(claim(7), **change), 7, RESULTS) is Judgement.INVALID
    assert judge_claim(START, replace(START, **change), 7, RESULTS) is Judgement.INVALID


def test_a_claim_below_the_parents_is_invalid_even_when_it_is_true() -> None:
    assert judge_claim(claim(7), claim(6), 10, RESULTS) is Judgement.INVALID


def test_a_claim_whose_results_are_forgotten_here_is_undecided() -> None:
    few = {height: result for height, result in RESULTS.items() if height != 6}
    assert judge_claim(START, claim(7), 10, few) is Judgement.UNDECIDED
    assert compute_claim(START, 7, few) is None


def test_the_write_digest_does_not_depend_on_the_order_of_writes(rng: random.Random) -> None:
    writes = [(bytes([n]) * (n % 3 + 1), bytes([n])) for n in range(20)]
    shuffled = writes[:]
    rng.shuffle(shuffled)
    assert compute_write_digest(ZERO_HASH, shuffled) == compute_write_digest(ZERO_HASH, writes)


def test_the_write_digest_tells_keys_values_and_deletions_apart() -> None:
    previous = b"\1" * 32
    digests = [
        compute_write_digest(previous, []),
        compute_write_digest(previous, [(b"a", b"b")]),
        compute_write_digest(previous, [(b"ab", b"")]),
        compute_write_digest(previous, [(b"", b"ab")]),
        compute_write_digest(previous, [(b"a", b""), (b"b", b"")]),
        compute_write_digest(b"\2" * 32, []),
    ]
    assert len(set(digests)) == len(digests)
