"""One engine on the bench: a test makes its peers' messages by hand and moves its clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quorate.core import crypto
from quorate.core.batches import BatchHeader, compute_batch_name
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.evidence import Signed
from quorate.core.bft.log import Record, Restored, restore
from quorate.core.bft.messages import (
    TAGS,
    Certificate,
    Kind,
    Message,
    Proposal,
    SeatAnswer,
    Vote,
    encode_statement,
)
from quorate.core.bft.quorum import build_certificate
from quorate.core.bft.replica import Opening, Replica, Setup
from quorate.core.blocks import (
    Block,
    Executed,
    Header,
    build_root,
    compute_base_fee,
    compute_batches_hash,
)
from quorate.core.params import Params
from quorate.core.values import ZERO_HASH, compute_quorum

GENESIS = crypto.compute_hash(b"quorate/bench", b"genesis")
DOMAIN = crypto.compute_domain("bench", GENESIS, 0)
PARAMS = Params(block_weight_max=1_000, view_timeout_ms=1_000, batch_validity_blocks=32)
START_MS = 10_000
CLOCK_MS = 1_700_000_000_000


def make_keys(seats: int) -> list[crypto.SigningKey]:
    return [crypto.SigningKey(crypto.compute_hash(b"seat", bytes((s,)))) for s in range(seats)]


def make_batch(number: int, weight: int = 10, expiry: int = 20, author: int = 0) -> BatchHeader:
    return BatchHeader(0, author, number, 1, 100, weight, expiry, bytes(32))


def name_of(header: BatchHeader) -> bytes:
    return compute_batch_name(header.encode())


class Bench:
    """A replica, its log, and what it has done so far; `seat` leads the views it should."""

    def __init__(
        self,
        seat: int | None = 0,
        *,
        seats: int = 4,
        params: Params = PARAMS,
        answered: bool = True,
    ) -> None:
        self.keys, self.params, self.seats, self.seat = make_keys(seats), params, seats, seat
        self.root = build_root(GENESIS, CLOCK_MS - 1_000, params)
        self.now_ms = START_MS
        self.log: dict[bytes, bytes] = {}
        self.done: list[do.Effect] = []
        self.head, self.finality = self.root, None
        self.start(answered=answered)

    # ---- life ------------------------------------------------------------------------------

    def start(self, *, answered: bool = True, log: dict[bytes, bytes] | None = None) -> None:
        """Start the engine from a log, its own by default; peers answer that they saw nothing."""
        setup = Setup(
            epoch=0, domain=DOMAIN, keys=tuple(k.public_key for k in self.keys), carried=GENESIS,
            params=self.params, seat=self.seat,
            key=None if self.seat is None else self.keys[self.seat],
        )  # fmt: skip
        opening = Opening(head=self.head, finality=self.finality, restored=read(log or self.log))
        self.replica = Replica(setup, opening)
        self.put(on.Started)
        if answered and self.seat is not None:
            for other in self.others():
                self.hear(other, SeatAnswer(0, self.seat, b""))

    def put(self, kind: Any, *fields: Any) -> list[do.Effect]:
        """Give the engine an event; return its effects."""
        clock_ms = CLOCK_MS + self.now_ms - START_MS
        effects: list[do.Effect] = self.replica.handle(kind(self.now_ms, clock_ms, *fields))
        for effect in effects:
            if isinstance(effect, do.Persist):
                self.log.update(effect.records)
        self.done += effects
        return effects

    def hear(self, seat: int, message: Message) -> list[do.Effect]:
        """Give the engine a message from a seat's node."""
        return self.put(on.MessageReceived, b"node%d" % seat, seat, message)

    def wait(self, delay_ms: int) -> list[do.Effect]:
        """Move the clock and fire the timer."""
        self.now_ms += delay_ms
        return self.put(on.TimerFired)

    def hold(self, *headers: BatchHeader) -> None:
        """Have these batches held here and reported by all others."""
        self.put(on.BatchesHeld, tuple((name_of(h), h) for h in headers))
        for seat in self.others():
            self.put(on.BatchesReported, seat, tuple(name_of(h) for h in headers))

    # ---- who ---------------------------------------------------------------------------------

    def others(self) -> list[int]:
        return [seat for seat in range(self.seats) if seat != self.seat]

    def leader(self, view: int) -> int:
        return self.replica.leader(view)

    def view_led_by(self, seat: int | None, least: int = 1) -> int:
        return next(v for v in range(least, least + self.seats) if self.leader(v) == seat)

    # ---- others' messages ----------------------------------------------------------------------

    def sign(self, seat: int, kind: Kind, view: int, digest: bytes = ZERO_HASH) -> Vote:
        statement = encode_statement(0, view, digest)
        return Vote(
            kind, 0, view, digest, seat, self.keys[seat].sign(TAGS[kind], DOMAIN, statement)
        )

    def certify(self, kind: Kind, view: int, digest: bytes = ZERO_HASH) -> Certificate:
        """Return a certificate, by other seats where they suffice."""
        seats = [*self.others(), *([] if self.seat is None else [self.seat])]
        votes = [self.sign(s, kind, view, digest) for s in seats[: compute_quorum(self.seats)]]
        made = build_certificate(votes, self.seats)
        assert made is not None
        return made

    def build(
        self, view: int, parent: Block | None = None, batches: tuple[BatchHeader, ...] = (),
        **changes: Any,
    ) -> Proposal:  # fmt: skip
        """Return the proposal of a view's leader; `changes` go into the header."""
        above = (parent or self.head).header
        names = tuple(name_of(batch) for batch in batches)
        header = Header(
            protocol_version=1, contract_engine=1, epoch=0, view=view, height=above.height + 1,
            parent=(parent or self.head).digest, parent_view=above.view,
            time_ms=max(CLOCK_MS + self.now_ms - START_MS, above.time_ms + 1),
            proposer=self.leader(view), batches_hash=compute_batches_hash(names),
            weight=sum(batch.weight for batch in batches),
            base_fee=compute_base_fee(above.base_fee, above.weight, self.params),
            last_block=ZERO_HASH, handover_hash=ZERO_HASH, executed=above.executed,
        )  # fmt: skip
        return self.sign_block(Block.build(replace(header, **changes), names))

    def sign_block(self, block: Block) -> Proposal:
        header = block.header
        statement = encode_statement(header.epoch, header.view, block.digest)
        key = self.keys[header.proposer]
        return Proposal(block, key.sign(TAGS[Kind.PROPOSAL], DOMAIN, statement))

    # ---- what the engine did -------------------------------------------------------------------

    def finish(self, proposal: Proposal) -> None:
        """Bring a proposal to its end: seen, notarized, final."""
        header, digest = proposal.block.header, proposal.block.digest
        self.hear(header.proposer, proposal)
        self.hear(self.others()[0], self.certify(Kind.NOTARIZE, header.view, digest))
        self.hear(self.others()[0], self.certify(Kind.FINALIZE, header.view, digest))
        assert self.replica.chain.head == proposal.block


def read(log: dict[bytes, bytes]) -> Restored:
    """Return what a log holds, as a driver reads it."""
    records: list[Record] = sorted(log.items())
    return restore(records)


def sent(effects: list[do.Effect], kind: Kind | None = None) -> list[Any]:
    """Return broadcast messages, of one kind or all."""
    messages = [e.message for e in effects if isinstance(e, do.Broadcast)]
    return [m for m in messages if kind is None or kind_of(m) is kind]


def kind_of(message: Message) -> Kind | None:
    if isinstance(message, Certificate):
        return Kind.CERTIFICATE
    if isinstance(message, Proposal):
        return Kind.PROPOSAL
    return message.kind if isinstance(message, Vote) else None


def find(effects: list[do.Effect], kind: type[Any]) -> list[Any]:
    """Return effects of a type."""
    return [effect for effect in effects if isinstance(effect, kind)]


def claim(height: int, digest: bytes, receipts: bytes = ZERO_HASH) -> Executed:
    return Executed(height, digest, ZERO_HASH, receipts, ZERO_HASH)


__all__ = ["Bench", "Signed", "claim", "find", "make_batch", "name_of", "read", "sent"]
