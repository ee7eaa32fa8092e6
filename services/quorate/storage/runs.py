"""Checks a run of final blocks that a peer gave (docs/protocol.md#K1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from quorate.core.batches import Batch
from quorate.core.bft.messages import decode_certificate
from quorate.core.bft.quorum import check_certificate, is_finalization
from quorate.core.blocks import Block
from quorate.core.errors import InvalidBatch, InvalidBlock, InvalidCertificate
from quorate.core.genesis import Genesis
from quorate.storage.chain import Run
from quorate.storage.pacer import Pacer

RUN_BLOCKS_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class Offer:
    """A run as it came: encoded blocks, encoded finalization of the last, encoded batches."""

    blocks: Sequence[bytes]
    certificate: bytes
    batches: Sequence[bytes]


async def check_run(offer: Offer, from_height: int, genesis: Genesis) -> Run:
    """Return the run when a quorum made it final; raises InvalidInput when it is not so.

    Under the finalization of the last block the hash chain proves the others, and the names their
    batches; so signatures of batches and transactions are not checked again.
    """
    blocks = tuple([Block.decode(data) for data in offer.blocks])
    if not 1 <= len(blocks) <= RUN_BLOCKS_MAX:
        raise InvalidBlock(f"a run of {len(blocks)} blocks", reason="WRONG_RUN")
    _check_links(blocks, from_height)
    _check_closing(blocks[-1], offer.certificate, genesis)
    named = {name for block in blocks for name in block.batches}
    batches, pacer = [], Pacer()
    for data in offer.batches:
        batch = Batch.decode(data)
        if batch.name not in named:
            raise InvalidBatch("no block of the run names this batch", reason="UNNAMED_BATCH")
        batches.append(batch)
        await pacer.pause()
    return Run(blocks, offer.certificate, tuple(batches), caught_up=True)


def _check_links(blocks: tuple[Block, ...], from_height: int) -> None:
    if blocks[0].header.height != from_height:
        raise InvalidBlock("the run starts at another height", reason="WRONG_RUN")
    for parent, block in pairwise(blocks):
        linked = block.header.parent == parent.digest
        if not linked or block.header.height != parent.header.height + 1:
            raise InvalidBlock("the run is no chain", reason="WRONG_RUN")


def _check_closing(last: Block, encoded: bytes, genesis: Genesis) -> None:
    certificate = decode_certificate(encoded)
    if not is_finalization(certificate) or certificate.digest != last.digest:
        raise InvalidCertificate("no finalization of the run's last block")
    if certificate.view != last.header.view:
        raise InvalidCertificate("a finalization of another view")
    keys = [seat.public_key for seat in genesis.seats]
    check_certificate(certificate, keys, genesis.domain, last.header.epoch)
