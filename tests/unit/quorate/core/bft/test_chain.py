"""The head, the branches above it, and what has been executed."""

from quorate.core.bft.chain import Chain
from quorate.core.bft.messages import Kind
from quorate.core.blocks import Block
from quorate.core.results import Result, compute_claim
from tests.unit.quorate.core.bft.bench import Bench, claim, make_batch, name_of


def grow(bench: Bench, views: tuple[int, ...]) -> list[Block]:
    blocks, parent = [], bench.root
    for view in views:
        blocks.append(parent := bench.build(view, parent, (make_batch(view),)).block)
    return blocks


def test_a_branch_runs_from_above_the_head_to_its_tip() -> None:
    bench = Bench()
    chain, blocks = Chain(bench.root, None, 32), grow(bench, (1, 2, 4))
    for block in blocks:
        chain.add(block)
    assert chain.find_branch(blocks[-1].digest) == blocks
    assert chain.find_branch(bench.root.digest) == []
    assert chain.find_gap(blocks[-1].digest, 4) is None


def test_the_gap_is_named_by_the_view_of_the_block_that_lacks() -> None:
    bench = Bench()
    chain, blocks = Chain(bench.root, None, 32), grow(bench, (1, 2, 4))
    chain.add(blocks[0])
    chain.add(blocks[2])
    assert chain.find_branch(blocks[2].digest) is None
    assert chain.find_gap(blocks[2].digest, 4) == 2
    assert chain.find_gap(b"unknown".ljust(32), 9) == 9


def test_final_blocks_leave_and_their_batches_are_remembered_for_the_window() -> None:
    bench = Bench()
    chain, blocks = Chain(bench.root, None, 2), grow(bench, tuple(range(1, 7)))
    for block in blocks:
        chain.add(block)
        chain.advance([block], bench.certify(Kind.FINALIZE, block.header.view, block.digest))
    assert chain.head == blocks[-1] and not chain.blocks
    recent = [n for n in range(1, 7) if chain.is_recent(name_of(make_batch(n)))]
    assert recent == [4, 5, 6]


def test_a_block_at_or_below_the_final_view_is_not_kept() -> None:
    bench = Bench()
    chain, blocks = Chain(bench.root, None, 32), grow(bench, (5, 6))
    chain.advance([blocks[0]], bench.certify(Kind.FINALIZE, 5, blocks[0].digest))
    chain.add(bench.build(4, bench.root).block)
    assert not chain.blocks


def make_results(chain: Chain, *heights: int) -> None:
    chain.add_results(Result(h, bytes((h,)) * 32, bytes((h,)) * 32) for h in heights)


def test_a_certified_false_claim_proves_the_own_state_wrong_once_it_is_executed() -> None:
    bench = Bench()
    chain, one = Chain(bench.root, None, 32), bench.build(1).block
    chain.add(one)
    two = bench.build(2, one, executed=claim(1, b"other".ljust(32))).block
    chain.add(two)
    chain.watch_claim(two)
    assert not chain.is_diverged()
    make_results(chain, 1)
    assert chain.is_diverged()
    assert chain.is_diverged()


def test_a_true_claim_proves_nothing() -> None:
    bench = Bench()
    chain, one = Chain(bench.root, None, 32), bench.build(1).block
    chain.add(one)
    make_results(chain, 1)
    true = compute_claim(one.header.executed, 1, chain.results)
    chain.watch_claim(bench.build(2, one, executed=true).block)
    assert not chain.is_diverged()


def test_a_caught_up_head_with_another_result_proves_divergence() -> None:
    bench = Bench()
    chain, one = Chain(bench.root, None, 32), bench.build(1).block
    two = bench.build(2, one, executed=claim(1, b"other".ljust(32))).block
    chain.jump(two, bench.certify(Kind.FINALIZE, 2, two.digest))
    assert not chain.is_diverged()
    make_results(chain, 1, 2)
    assert chain.is_diverged()


def test_results_below_every_claim_are_dropped() -> None:
    bench = Bench()
    chain, parent = Chain(bench.root, None, 32), bench.root
    for view in range(1, 6):
        done = parent.header.executed if view < 3 else claim(view - 2, bytes((view - 2,)) * 32)
        block = bench.build(view, parent, executed=done).block
        chain.advance([block], bench.certify(Kind.FINALIZE, view, block.digest))
        make_results(chain, view)
        parent = block
    assert min(chain.results) == 3 and chain.executed_height == 5
