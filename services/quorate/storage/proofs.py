"""Builds finality receipts out of what is stored (docs/protocol.md#Q7).

The header is the first certified one that claims the transaction's block, or the first of the
epoch asked for: so as few epochs as possible hand over on the way to it.
"""

import asyncio
from bisect import bisect_left
from typing import Final

from quorate.core.applying import SLICE
from quorate.core.bft.finality import decode_finality
from quorate.core.blocks import HEADER_BYTES, Header
from quorate.core.errors import NotFound, NotYet, Overloaded, Rejected
from quorate.core.merkle import Tree, fold_edge, iter_siblings, list_subtrees
from quorate.core.proofs import (
    RECEIPT_BYTES_MAX,
    FinalityReceipt,
    Inclusion,
    Link,
    SetChain,
    SignedHeader,
    build_signed_header,
)
from quorate.core.receipts import Receipts, compute_leaves
from quorate.storage.chain import Chain
from quorate.storage.pacer import Pacer
from quorate.storage.store import Place

NOT_CLAIMED: Final = "NOT_CLAIMED_YET"
# Requests that wait or are worked on. One at a time is: each may hash a whole block's receipts, and
# several that take turns would keep the loop from others for as many slices.
PROOFS_MAX: Final = 64
# About as long as a busy chain takes to claim what it executed; an idle one needs a few of these.
RETRY_MS: Final = 250
_ENDS_MAX: Final = 4_096


class Prover:
    """Proves what became of transactions."""

    def __init__(self, chain: Chain) -> None:
        self._chain, self._store = chain, chain.store
        self._asked, self._turn = 0, asyncio.Lock()
        # Where epochs ended; that never changes.
        self._ends: dict[int, int] = {}

    async def prove(self, identity: bytes, from_epoch: int | None) -> bytes:
        """Return an encoded finality receipt, from an epoch's set (None: from the genesis').

        Raises NotFound, NotYet (NOT_CLAIMED_YET), Overloaded, or Rejected (TOO_MANY_EPOCHS).
        """
        if self._asked >= PROOFS_MAX:
            raise Overloaded("the queue of finality receipts")
        self._asked += 1
        try:
            async with self._turn:
                return await self._prove(identity, from_epoch)
        finally:
            self._asked -= 1

    async def _prove(self, identity: bytes, from_epoch: int | None) -> bytes:
        place = self._store.find_places([identity])[0]
        if place is None or place.height > self._chain.height:
            raise NotFound("no such transaction was executed here", id=identity.hex())
        running = self._chain.certified_start.epoch
        genesis = self._store.genesis
        if from_epoch is not None and from_epoch < genesis.epoch:
            raise NotFound(f"this chain begins with epoch {genesis.epoch}", epoch=genesis.epoch)
        if from_epoch is not None and from_epoch > running:
            raise NotFound(f"epoch {from_epoch} has not begun here", running=running)
        pacer = Pacer()
        signed = self._find_signed(place.height, from_epoch or 0)
        header = signed.header
        first = min(genesis.epoch + 1 if from_epoch is None else from_epoch, header.epoch)
        chain = await self._link(first, header.epoch, pacer)
        inclusion = await self._include(place, header.executed.height, pacer)
        built = FinalityReceipt(genesis.origin, chain, signed, inclusion).encode()
        if len(built) > RECEIPT_BYTES_MAX:
            _refuse_length(first, header.epoch)
        return built

    def _find_signed(self, height: int, epoch: int) -> SignedHeader:
        """Return the first final header from an epoch on that claims a height; raises NotYet."""
        heights = range(height + 1, self._chain.certified_height + 1)

        def is_fit(each: int) -> bool:
            header = self._load_header(each)
            return header.executed.height >= height and header.epoch >= epoch

        # Neither the claimed height nor the epoch ever falls.
        at = bisect_left(heights, x=True, key=is_fit)
        if at == len(heights):
            raise NotYet(
                f"no final header claims block {height} yet, or none of epoch {epoch} is there",
                reason=NOT_CLAIMED, retry_after_ms=RETRY_MS, height=height,
            )  # fmt: skip
        return self._sign(heights[at])

    def _sign(self, height: int) -> SignedHeader:
        """Return the first header from a height on that has its own finality, with that."""
        found = self._store.find_certificate(height)
        assert found is not None, "the certified block has its own finality"
        header = self._load_header(found[0])
        seats = self._store.get_set(header.epoch)
        return build_signed_header(header, decode_finality(found[1]), seats)

    async def _link(self, first: int, last: int, pacer: Pacer) -> SetChain:
        links, size_bytes = list[Link](), 0
        for epoch in range(first, last):
            # A run of blocks lies in one epoch, so an epoch's last block has its own finality.
            link = Link(self._sign(self._find_end(epoch)), self._store.get_set(epoch + 1))
            links.append(link)
            size_bytes += len(link.signed.encode()) + len(link.next_set.encode())
            if size_bytes > RECEIPT_BYTES_MAX:
                _refuse_length(first, last)
            await pacer.pause()
        return SetChain(self._store.get_set(first), tuple(links))

    def _find_end(self, epoch: int) -> int:
        """Return the height of an epoch's last block; the epoch must be over."""
        found = self._ends.get(epoch)
        if found is None:
            root_height = self._store.genesis.height
            heights = range(self._ends.get(epoch - 1, root_height), self._chain.height + 1)
            after = bisect_left(heights, epoch + 1, key=lambda each: self._load_header(each).epoch)
            found = self._ends[epoch] = heights[after - 1]
            if len(self._ends) > _ENDS_MAX:
                del self._ends[next(iter(self._ends))]
        return found

    async def _include(self, place: Place, claimed_height: int, pacer: Pacer) -> Inclusion:
        receipts, position = self._store.load_receipts(place.height), place.position
        block_path = [
            await _compute_root(receipts, start, end, pacer)
            for start, end in iter_siblings(position, receipts.count)
        ]
        chain_path = [
            fold_edge(self._store.load_subtrees(list_subtrees(start, end)))
            for start, end in iter_siblings(place.height - 1, claimed_height)
        ]
        (receipt,) = receipts.list_slice(position, position + 1)
        return Inclusion(
            place.height, position, receipts.count, receipt, tuple(block_path), tuple(chain_path)
        )

    def _load_header(self, height: int) -> Header:
        return Header.decode(self._store.get_block_bytes(height)[:HEADER_BYTES])


async def _compute_root(receipts: Receipts, start: int, end: int, pacer: Pacer) -> bytes:
    """Return the root over the receipts start … end − 1 of a block."""
    tree = Tree()
    for at in range(start, end, SLICE):
        tree.extend(compute_leaves(receipts.list_slice(at, min(at + SLICE, end))))
        await pacer.pause()
    return tree.compute_root()


def _refuse_length(first: int, last: int) -> None:
    raise Rejected(
        f"from epoch {first} to {last} it would be larger than {RECEIPT_BYTES_MAX} bytes: ask from "
        "a later epoch that you trust", reason="TOO_MANY_EPOCHS", first=first, last=last,
    )  # fmt: skip
