"""When a seat may sign. The only home of this rule (docs/protocol.md#L1 to L5).

A seat signs in a view only what does not conflict with what it signed there; after a restart no new
proposal or notarize up to the highest logged view; nothing at all until a quorum's worth of peers
has answered what they saw of this seat, nothing while blocked, and nothing any more in this epoch
when a peer shows a message that the log lacks (an old copy of the volume).
"""

from quorate.core import crypto
from quorate.core.bft.messages import TAGS, Kind, Vote, encode_statement
from quorate.core.values import compute_quorum

STALE_LOG = "STALE_VOTE_LOG"
DIVERGED = "STATE_DIVERGED"
STORAGE = "STORAGE_FAULT"
WAITING = "WAITING_FOR_PEERS"
# What forbids to sign whatever the epoch; the other reasons end with theirs.
CARRIED_BLOCKS = (DIVERGED, STORAGE)


class Signing:
    """The right to sign of one seat in one epoch; `signed` maps view and kind to own digests."""

    def __init__(self, seat: int | None, key: crypto.SigningKey | None, seats: int) -> None:
        self.seat = seat
        self._key = key
        self._answers_needed = compute_quorum(seats) - 1
        self._answered: set[int] = set()
        self.signed: dict[int, dict[Kind, bytes]] = {}
        self.logged_view_max = 0
        self.blocks: dict[str, str] = {}
        if seat is not None and self._answers_needed > 0:
            self.blocks[WAITING] = "peers have not yet said what they saw of this seat"

    def restore(self, view: int, kind: Kind, digest: bytes) -> None:
        """Note that the log holds an own message of this kind in this view."""
        self.signed.setdefault(view, {})[kind] = digest
        self.logged_view_max = max(self.logged_view_max, view)

    def note_answer(self, seat: int) -> None:
        """Count a peer's answer that showed nothing the log lacks."""
        if seat != self.seat:
            self._answered.add(seat)
        if len(self._answered) >= self._answers_needed:
            self.blocks.pop(WAITING, None)

    def is_waiting(self) -> bool:
        """Tell whether answers of peers are still needed."""
        return WAITING in self.blocks

    def is_sure(self) -> bool:
        """Tell whether this seat knows all that it ever signed in this epoch."""
        return self.seat is not None and WAITING not in self.blocks and STALE_LOG not in self.blocks

    def stop_waiting(self) -> None:
        """Ask nobody: this seat can't have signed in this epoch yet."""
        self.blocks.pop(WAITING, None)

    def get_state(self) -> tuple[str, str]:
        """Return what this seat does now, as ReportState says it, and why it does not vote."""
        if self.seat is None:
            return "observing", ""
        hard = [f"{why}: {text}" for why, text in self.blocks.items() if why != WAITING]
        if hard:
            return "halted", "; ".join(hard)
        if self.blocks:
            return "catching_up", f"{WAITING}: {self.blocks[WAITING]}"
        return "voting", ""

    def may_sign(self) -> bool:
        """Tell whether this seat may sign anything now."""
        return self.seat is not None and not self.blocks

    def may_propose(self, view: int) -> bool:
        """Tell whether a proposal in `view` is lawful: none yet, no nullify, above the old log."""
        signed = self.signed.get(view, ())
        fresh = Kind.PROPOSAL not in signed and Kind.NULLIFY not in signed
        return self.may_sign() and view > self.logged_view_max and fresh

    def may_notarize(self, view: int) -> bool:
        """Tell whether a notarize in `view` is lawful: no vote there yet, above the old log."""
        signed = self.signed.get(view, ())
        fresh = all(kind is Kind.PROPOSAL for kind in signed)
        return self.may_sign() and view > self.logged_view_max and fresh

    def may_nullify(self, view: int) -> bool:
        """Tell whether a nullify in `view` is lawful: none yet and no finalize."""
        signed = self.signed.get(view, ())
        return self.may_sign() and Kind.NULLIFY not in signed and Kind.FINALIZE not in signed

    def may_finalize(self, view: int, digest: bytes) -> bool:
        """Tell whether a finalize in `view` is lawful: none yet, no nullify, no other notarize.

        With a leader that shows two blocks, the quorum may notarize the one that was not seen
        here; to finalize it would be evidence against this seat (docs/protocol.md#V1).
        """
        signed = self.signed.get(view, {})
        fresh = Kind.FINALIZE not in signed and Kind.NULLIFY not in signed
        return self.may_sign() and fresh and signed.get(Kind.NOTARIZE, digest) == digest

    def sign_vote(self, kind: Kind, epoch: int, view: int, digest: bytes, domain: bytes) -> Vote:
        """Return the own vote; the caller has asked the `may_` of its kind."""
        return Vote(
            kind, epoch, view, digest, self._seat(), self._sign(kind, epoch, view, digest, domain)
        )

    def sign_proposal(self, epoch: int, view: int, digest: bytes, domain: bytes) -> bytes:
        """Return the signature of an own proposal; the caller has asked `may_propose`."""
        return self._sign(Kind.PROPOSAL, epoch, view, digest, domain)

    def forget(self, view: int) -> None:
        """Drop views up to a final one: nothing is ever signed there again."""
        for old in [each for each in self.signed if each <= view]:
            del self.signed[old]

    def _sign(self, kind: Kind, epoch: int, view: int, digest: bytes, domain: bytes) -> bytes:
        assert self._key is not None, "an observer has no key to sign with"
        signed = self.signed.setdefault(view, {})
        assert kind not in signed, "a seat signs each kind once in a view"
        signed[kind] = digest
        return self._key.sign(TAGS[kind], domain, encode_statement(epoch, view, digest))

    def _seat(self) -> int:
        assert self.seat is not None, "an observer has no seat"
        return self.seat
