"""Checks a run of final blocks that a peer gave (docs/protocol.md#K1).

A run lies within one epoch, that of the block after the own head. Its set is known here: executing
an epoch's last block gives the set of the epoch after the next, and all below was executed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from quorate.core.batches import Batch
from quorate.core.bft.finality import check_finality, decode_finality
from quorate.core.blocks import Block
from quorate.core.epochs import EpochEnd, Epochs, compute_end, is_last_block
from quorate.core.errors import InvalidBatch, InvalidBlock, InvalidCertificate, MalformedBytes
from quorate.core.genesis import Genesis
from quorate.storage.chain import Run
from quorate.storage.pacer import Pacer

RUN_BLOCKS_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class Offer:
    """A run as it came: encoded blocks, encoded finality of the last, encoded batches."""

    blocks: Sequence[bytes]
    certificate: bytes
    batches: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Base:
    """What a run must continue: the head, and the epoch of the block after it."""

    head: Block
    epochs: Epochs


async def check_run(offer: Offer, base: Base, genesis: Genesis) -> Run:
    """Return the run when a quorum made it final; raises InvalidInput when it is not so.

    Under the finality of the last block the hash chain proves the others, and the names their
    batches; so signatures of batches and transactions are not checked again.
    """
    blocks = tuple([Block.decode(data) for data in offer.blocks])
    check_shape(blocks)
    if blocks[0].header.height != base.head.header.height + 1:
        raise InvalidBlock("the run starts at another height", reason="WRONG_RUN")
    _check_epoch(blocks, base, compute_end(base.epochs.start, genesis.params))
    _check_closing(blocks[-1], offer.certificate, base, genesis)
    _check_handover(blocks[0], base, genesis)
    named = {name for block in blocks for name in block.batches}
    batches, pacer = [], Pacer()
    for data in offer.batches:
        batch = Batch.decode(data)
        if batch.name not in named:
            raise InvalidBatch("no block of the run names this batch", reason="UNNAMED_BATCH")
        batches.append(batch)
        await pacer.pause()
    return Run(blocks, offer.certificate, tuple(batches), caught_up=True)


def check_shape(blocks: tuple[Block, ...]) -> None:
    """Raise InvalidBlock unless these are consecutive blocks of the chain within one epoch."""
    if not 1 <= len(blocks) <= RUN_BLOCKS_MAX:
        raise InvalidBlock(f"a run of {len(blocks)} blocks", reason="WRONG_RUN")
    if any(block.is_tail for block in blocks):
        raise InvalidBlock("a tail block is no part of the chain", reason="TAIL_BLOCK")
    for parent, block in pairwise(blocks):
        linked = block.header.parent == parent.digest
        if not linked or block.header.height != parent.header.height + 1:
            raise InvalidBlock("the run is no chain", reason="WRONG_RUN")
        if block.header.epoch != parent.header.epoch:
            raise InvalidBlock("the run goes over two epochs", reason="WRONG_RUN")


def _check_epoch(blocks: tuple[Block, ...], base: Base, end: EpochEnd) -> None:
    running, found = base.epochs.start.epoch, blocks[0].header.epoch
    if found != running:
        raise InvalidBlock(
            f"a run of epoch {found} where epoch {running} goes on",
            reason="WRONG_EPOCH", found=found, expected=running,
        )  # fmt: skip
    if any(is_last_block(block.header, end) for block in blocks[:-1]):
        raise InvalidBlock("the run goes on after its epoch's last block", reason="WRONG_RUN")
    if any(block.handover for block in blocks[1:]):
        raise InvalidBlock("a handover in the middle of an epoch", reason="WRONG_HANDOVER")


def _check_closing(last: Block, encoded: bytes, base: Base, genesis: Genesis) -> None:
    finality, start = decode_finality(encoded), base.epochs.start
    is_last = is_last_block(last.header, compute_end(start, genesis.params))
    if finality.tail is not None and not is_last:
        raise InvalidCertificate("a tail block makes only an epoch's last block final")
    check_finality(finality, last, _get_keys(base, start.epoch), genesis.domain)


def _check_handover(first: Block, base: Base, genesis: Genesis) -> None:
    """Raise InvalidBlock unless exactly the first block of an epoch proves the one before over."""
    head, start = base.head, base.epochs.start
    if head.header.height != start.height or start.height == genesis.start.height:
        if first.handover:
            raise InvalidBlock("a handover in the middle of an epoch", reason="WRONG_HANDOVER")
        return
    if first.header.parent != head.digest:
        # Two final blocks conflict: the chain finds that, which is no matter of a handover.
        return
    keys = _get_keys(base, start.epoch - 1)
    try:
        check_finality(decode_finality(first.handover), head, keys, genesis.domain)
    except (InvalidCertificate, MalformedBytes) as error:
        raise InvalidBlock(
            f"its handover does not prove epoch {start.epoch - 1} over: {error.message}",
            reason="WRONG_HANDOVER",
        ) from error


def _get_keys(base: Base, epoch: int) -> tuple[bytes, ...]:
    return next(each.keys for each in base.epochs.sets if each.epoch == epoch)
