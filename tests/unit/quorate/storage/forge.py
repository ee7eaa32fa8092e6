"""A forge of valid transactions, batches, blocks and certificates of one chain."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from quorate.core import crypto
from quorate.core.batches import Batch, BatchHeader, compute_batch_name, compute_content_hash
from quorate.core.bft.bounds import build_tail
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Certificate, Kind, decode_certificate, encode_statement
from quorate.core.blocks import (
    Block,
    Header,
    compute_base_fee,
    compute_batches_hash,
    compute_handover_hash,
)
from quorate.core.codec import pack_list
from quorate.core.epochs import compute_end, is_last_block, start_after
from quorate.core.genesis import build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params
from quorate.core.transactions import Signature, Transfer
from quorate.core.values import ZERO_HASH, compute_quorum, format_address
from quorate.kit.convert import decode_certified, encode_body, encode_envelope

CHAIN = "storage-test"
USERS = 8
BALANCE = 10**12


def make_key(number: int) -> crypto.SigningKey:
    return crypto.SigningKey(number.to_bytes(32, "big"))


class Forge:
    """Makes transactions, batches, blocks and certificates of one chain."""

    def __init__(self, chain_id: str = CHAIN, *, is_moving: bool = False, **params: int) -> None:
        self.seats = [make_key(100 + i) for i in range(4)]
        # Epoch 1 and all that follow: two validators stay, two go, five come.
        self.next_seats = self.seats[1:3] + [make_key(200 + i) for i in range(5)]
        if not is_moving:
            self.next_seats = self.seats
        self.users = [make_key(1_000 + i) for i in range(USERS)]
        self.addresses = [crypto.compute_address(1, key.public_key) for key in self.users]
        everyone = [*self.seats, *self.next_seats[2:]] if is_moving else self.seats
        names = {key.public_key: f"v{i}" for i, key in enumerate(everyone)}
        entries, next_entries = (
            [build_seat_entry(chain_id, names[key.public_key], key) for key in keys]
            for keys in (self.seats, self.next_seats)
        )
        balances = {format_address(address): BALANCE for address in self.addresses}
        self.text = build_genesis(
            chain_id, 1_700_000_000_000, Params(**params), entries, balances,
            next_seats=next_entries if is_moving else None,
        )  # fmt: skip
        self.genesis = parse_genesis(self.text)
        self.root = self.genesis.root
        self.sequences: dict[tuple[int, int], int] = {}
        self._numbers = 0
        # What the epoch of a block's child starts from, by the block's digest.
        self.starts = {self.root.digest: self.genesis.start}

    def keys_of(self, epoch: int) -> list[crypto.SigningKey]:
        return self.next_seats if epoch else self.seats

    def transfer(
        self, user: int = 0, to: bytes | None = None, amount: int = 1, **body: Any
    ) -> bytes:
        lane = body.pop("lane", 0)
        sequence = body.pop("sequence", None)
        if sequence is None:
            sequence = self.sequences.get((user, lane), 0)
            self.sequences[user, lane] = sequence + 1
        sender = self.addresses[user]
        body = {"valid_until_height": 10_000, "fee_limit": 10**6, **body}
        payload = Transfer(sender, to or self.addresses[(user + 1) % USERS], amount)
        raw = encode_body(sender, lane, sequence, [payload], **body)
        return self.sign(raw, self.users[user])

    def act(
        self, *payloads: Any, user: int = 0, cosigners: Sequence[int] = (), **changes: Any
    ) -> bytes:
        """Return a transaction of a user, with payloads of seats' owners beside its own."""
        sequence = self.sequences.get((user, 0), 0)
        self.sequences[user, 0] = sequence + 1
        body = {"valid_until_height": 10_000, "fee_limit": 10**6, **changes}
        raw = encode_body(self.addresses[user], 0, sequence, payloads, **body)
        return self.sign(raw, self.users[user], *[self.seats[seat] for seat in cosigners])

    def sign(self, raw: bytes, *keys: crypto.SigningKey) -> bytes:
        domain = self.genesis.domain
        signatures = [
            Signature(1, key.public_key, key.sign(crypto.TAG_TRANSACTION, domain, raw))
            for key in keys
        ]
        return encode_envelope(raw, signatures)

    def owner(self, seat: int) -> bytes:
        """Return who owns the candidate of a seat: its own key."""
        return crypto.compute_address(1, self.seats[seat].public_key)

    def identify(self, raw: bytes) -> bytes:
        return decode_certified(raw, self.genesis.domain).id

    def batch(
        self, raws: Sequence[bytes], author: int = 0, expiry_height: int = 1_000, epoch: int = 0
    ) -> Batch:
        self._numbers += 1
        content = pack_list(list(raws))
        weight = 0
        for raw in raws:
            with contextlib.suppress(Exception):
                weight += decode_certified(raw, self.genesis.domain).weight
        header = BatchHeader(
            epoch, author, self._numbers, len(raws), len(content), weight, expiry_height,
            compute_content_hash(content),
        )  # fmt: skip
        encoded = header.encode()
        signature = self.keys_of(epoch)[author].sign(crypto.TAG_BATCH, self.genesis.domain, encoded)
        return Batch(header, signature, content, compute_batch_name(encoded))

    def block(
        self,
        parent: Block,
        batches: Sequence[Batch] = (),
        *,
        handover: bytes = b"",
        **changes: Any,
    ) -> Block:
        names = tuple(batch.name for batch in batches)
        above, params = parent.header, self.genesis.params
        start = self.starts.get(parent.digest, self.genesis.start)
        if start.epoch > above.epoch and not handover:
            handover = self.certify(parent)
        fields: dict[str, Any] = {
            "protocol_version": 1, "contract_engine": 1, "epoch": start.epoch,
            "view": above.view + 1,
            "height": above.height + 1, "parent": parent.digest, "parent_view": above.view,
            "time_ms": above.time_ms + 20, "proposer": (above.view + 1) % 4,
            "batches_hash": compute_batches_hash(names),
            "weight": sum(batch.header.weight for batch in batches),
            "base_fee": compute_base_fee(above.base_fee, above.weight, params),
            "last_block": ZERO_HASH, "handover_hash": compute_handover_hash(handover),
            "executed": replace(above.executed, height=start.height), **changes,
        }  # fmt: skip
        block = Block.build(Header(**fields), names, handover)
        is_last = is_last_block(block.header, compute_end(start, params))
        self.starts[block.digest] = start_after(block.header) if is_last else start
        return block

    def certify(
        self, block: Block, voters: Sequence[int] = (), kind: Kind = Kind.FINALIZE
    ) -> bytes:
        epoch, view, digest = block.header.epoch, block.header.view, block.digest
        keys = self.keys_of(epoch)
        statement, tags = (
            encode_statement(epoch, view, digest),
            {
                Kind.FINALIZE: crypto.TAG_FINALIZE,
                Kind.NOTARIZE: crypto.TAG_NOTARIZE,
            },
        )
        signatures = tuple(
            (seat, keys[seat].sign(tags[kind], self.genesis.domain, statement))
            for seat in voters or range(compute_quorum(len(keys)))
        )
        return Certificate(kind, epoch, view, digest, len(keys), signatures).encode()

    def certify_by_tail(self, last: Block) -> bytes:
        """Return the finality of an epoch's last block by a tail block two views on."""
        above, digest = last.header, last.digest
        first = build_tail(above, digest, above.view + 1, 0)
        tail = build_tail(first, digest, above.view + 2, 1)
        certificate = decode_certificate(self.certify(Block.build(tail, ())))
        return Finality(certificate, tail).encode()

    def extend(self, count: int, parent: Block | None = None) -> list[tuple[Block, list[Batch]]]:
        """Return blocks on top of `parent`, each with one batch of two transfers."""
        out, parent = [], parent or self.root
        for _ in range(count):
            epoch = self.starts[parent.digest].epoch
            batch = self.batch([self.transfer(0), self.transfer(1)], epoch=epoch)
            parent = self.block(parent, [batch])
            out.append((parent, [batch]))
        return out
