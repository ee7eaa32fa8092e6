"""The rules of epochs, broken: where one ends, who goes on, and what is carried over."""

from quorate.core import epochs
from quorate.core.bft.bounds import EpochBounds
from quorate.core.bft.engine import Engine
from quorate.core.bft.judging import Judge
from quorate.core.bft.proposing import Proposer
from tests.mutants import plans
from tests.mutants.edit import Patch, both, edit
from tests.mutants.entry import LIVENESS, SAFETY, Plans, mutant


@mutant(SAFETY, Plans(plans.short_epochs))
def tail_blocks_committed() -> Patch:
    """Tail blocks become blocks of the chain (docs/protocol.md#N2)."""
    return edit(EpochBounds.split, "if not block.is_tail", "if block")


@mutant(SAFETY, Plans(plans.short_epochs))
def blocks_after_the_last_one() -> Patch:
    """After an epoch's last block its leaders go on as before (docs/protocol.md#N2)."""
    return both(
        edit(Judge._judge_block, "if replica.epoch.needs_tail(parent):", "if False:"),
        edit(Proposer._build_on, "if replica.epoch.needs_tail(parent):", "if False:"),
    )


@mutant(SAFETY, Plans(plans.stalling_epochs))
def epoch_ends_without_its_result() -> Patch:
    """An epoch ends though no header carries the result of its start (docs/protocol.md#N1)."""
    return edit(
        epochs.is_last_block, "return is_past and header.executed.height >= end.result_height",
        "return is_past",
    )  # fmt: skip


@mutant(SAFETY, Plans(plans.short_epochs))
def first_block_without_proof() -> Patch:
    """An epoch's first block carries no proof that the one before is over (docs/protocol.md#N3)."""
    return both(
        edit(EpochBounds.build_handover, "return finality.encode()", 'return b""'),
        edit(
            EpochBounds.is_opened_well,
            "try:",
            "if not block.handover:\n        return True\n    try:",
        ),
    )


@mutant(LIVENESS, Plans(plans.short_epochs))
def never_begins_the_next_epoch() -> Patch:
    """The engine of the next epoch is not started (docs/protocol.md#N5)."""
    return edit(Engine._move_on, "if following is None:", "if True:")


@mutant(SAFETY, Plans(plans.short_epochs))
def old_engine_votes_on() -> Patch:
    """Who has a new seat signs with the number it had before (docs/protocol.md#N5)."""
    return edit(
        Engine._build_setup,
        "seat = None if key is None else seats.find(key.public_key)",
        "seat = None if key is None else (self._sets[0].find(key.public_key))",
    )
