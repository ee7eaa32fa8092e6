"""A small chain to prove receipts of: real keys, sets, headers, certificates and trees, no network.

Each epoch has other seats. Every block's receipts and every header are functions of its height, so
what is built is the same in each run.
"""

from dataclasses import replace

from quorate.core import crypto
from quorate.core.applied import Receipt
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Certificate, Kind, encode_statement
from quorate.core.blocks import Executed, Header, compute_digest
from quorate.core.merkle import Tree, iter_siblings
from quorate.core.origin import Origin
from quorate.core.outcomes import DUPLICATE, INSUFFICIENT_BALANCE, SUCCEEDED
from quorate.core.proofs import (
    FinalityReceipt,
    Inclusion,
    Link,
    SetChain,
    SignedHeader,
    build_signed_header,
)
from quorate.core.receipts import compute_leaves, compute_receipts_hash
from quorate.core.seats import Seat, SeatSet
from quorate.core.values import ZERO_HASH, Hash

GENESIS_MS = 1_700_000_000_000
DAY_MS = 86_400_000
_CODES = (SUCCEEDED, SUCCEEDED, INSUFFICIENT_BALANCE, DUPLICATE)


class Chain:
    """`counts` says how many receipts each block has; a fork's root has a height and an epoch."""

    def __init__(
        self,
        counts: tuple[int, ...] = (3, 0, 1, 6, 200),
        seats: int = 4,
        *,
        root: tuple[int, int] = (0, 0),
    ) -> None:
        self._root_height, epoch = root
        self.blocks = [
            [build_receipt(height, position) for position in range(count)]
            for height, count in enumerate(counts, self._root_height + 1)
        ]
        self._seats = seats
        hashes = (self.get_set(epoch).hash, self.get_set(epoch + 1).hash)
        self.origin = Origin(b"\x0d" * 32, GENESIS_MS, DAY_MS, 0, epoch, hashes, "vectors")
        self.genesis_hash = self.origin.compute_genesis_hash()

    def get_key(self, epoch: int, seat: int) -> crypto.SigningKey:
        """Return a seat's key: each epoch has one seat of new."""
        number = epoch + seat
        return crypto.SigningKey(number.to_bytes(32, "big"))

    def get_set(self, epoch: int) -> SeatSet:
        """Return the set of an epoch."""
        seats = [
            Seat(index, f"validator-{epoch + index}", self.get_key(epoch, index).public_key)
            for index in range(self._seats)
        ]
        return SeatSet(epoch, tuple(seats))

    def compute_root(self, height: int) -> Hash:
        """Return the receipts root over the blocks 1 … height."""
        return self._fold(self._list_block_hashes()[:height])

    def build_header(self, epoch: int, claimed: int, view: int = 900) -> Header:
        """Return a header of an epoch that claims the results up to a height."""
        root, next_set_hash = self.compute_root(claimed), self.get_set(epoch + 1).hash
        executed = Executed(claimed, b"\x71" * 32, ZERO_HASH, root, next_set_hash)
        return Header(
            1, 0, epoch, view + epoch, claimed + 2, b"\x23" * 32, view + epoch - 1,
            GENESIS_MS + 1_000 * (epoch + 1), epoch % self._seats, b"\x24" * 32, 0, 1, ZERO_HASH,
            ZERO_HASH, executed,
        )  # fmt: skip

    def sign(self, header: Header, voters: tuple[int, ...] = (0, 1, 2, 3)) -> SignedHeader:
        """Return a header with the finalizes of seats of its epoch."""
        seats = self.get_set(header.epoch)
        return build_signed_header(header, self.finalize(header, voters), seats)

    def finalize(self, header: Header, voters: tuple[int, ...]) -> Finality:
        """Return a header's finalization, signed by seats of its epoch."""
        digest = compute_digest(header.encode())
        statement = encode_statement(header.epoch, header.view, digest)
        domain = self.origin.compute_domain()
        signatures = tuple(
            (seat, self.get_key(header.epoch, seat).sign(crypto.TAG_FINALIZE, domain, statement))
            for seat in voters
            if seat < self._seats
        )
        return Finality(
            Certificate(Kind.FINALIZE, header.epoch, header.view, digest, self._seats, signatures)
        )

    def build_chain(self, first: int, last: int) -> SetChain:
        """Return the sets of epochs, each handing over to the next."""
        claimed = self._root_height + 1
        links = [
            Link(self.sign(self.build_header(epoch, claimed)), self.get_set(epoch + 1))
            for epoch in range(first, last)
        ]
        return SetChain(self.get_set(first), tuple(links))

    def include(self, height: int, position: int, claimed: int) -> Inclusion:
        """Return the paths of a receipt to the root over the blocks 1 … claimed."""
        receipts = self.blocks[height - self._root_height - 1]
        hashes = self._list_block_hashes()[:claimed]
        leaves = compute_leaves(receipts)
        block_path = [self._fold(leaves[a:b]) for a, b in iter_siblings(position, len(leaves))]
        chain_path = [self._fold(hashes[a:b]) for a, b in iter_siblings(height - 1, claimed)]
        return Inclusion(
            height, position, len(receipts), receipts[position], tuple(block_path),
            tuple(chain_path),
        )  # fmt: skip

    def prove(
        self, height: int, position: int, *, first: int = 1, last: int = 1, claimed: int = 0
    ) -> FinalityReceipt:
        """Return a finality receipt by a header of epoch `last`, from the set of epoch `first`."""
        claimed = claimed or self._root_height + len(self.blocks)
        signed = self.sign(self.build_header(last, claimed))
        chain, inclusion = self.build_chain(first, last), self.include(height, position, claimed)
        return FinalityReceipt(self.origin, chain, signed, inclusion)

    def sign_tail(self, epoch: int, claimed: int) -> SignedHeader:
        """Return what proves an epoch's last block that only a tail block made final."""
        header = self.build_header(epoch, claimed)
        digest = compute_digest(header.encode())
        tail = replace(header, view=header.view + 1, parent=digest, last_block=digest)
        finality = replace(self.finalize(tail, (1, 2, 3)), tail=tail)
        return build_signed_header(header, finality, self.get_set(epoch))

    def _list_block_hashes(self) -> list[bytes]:
        # A fork holds nothing of its parent's blocks but their places.
        return [ZERO_HASH] * self._root_height + [
            compute_receipts_hash(len(each), self._fold(compute_leaves(each)))
            for each in self.blocks
        ]

    @staticmethod
    def _fold(leaves: list[bytes]) -> Hash:
        tree = Tree()
        tree.extend(leaves)
        return tree.compute_root()


def build_receipt(height: int, position: int) -> Receipt:
    """Return the receipt at a place."""
    place = height.to_bytes(8, "big") + position.to_bytes(8, "big")
    code = _CODES[(height + position) % len(_CODES)]
    first = crypto.compute_hash(b"first", place) if code == DUPLICATE else b""
    identity, sender = crypto.compute_hash(b"id", place), crypto.compute_hash(b"sender", place)
    return Receipt(identity, sender, position % 16, height * 7, code, 300 + position, first)
