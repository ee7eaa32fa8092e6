"""For each adversary: the plan that lets it do its worst, and the rule that stops it, taken away.

Without its rule the attack must show in a checker. So each adversary is known to be able to do
harm, and each rule to be the reason why it can't.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from quorate.core.bft import helping, receiving, rules
from quorate.core.bft.chain import Chain
from quorate.core.bft.helping import Helper
from quorate.core.bft.judging import Judge
from quorate.core.bft.messages import Certificate, Message, encode_statement
from quorate.core.bft.pool import Pool
from quorate.core.bft.quorum import check_certificate
from quorate.core.bft.receiving import Receiver
from quorate.core.bft.signing import Signing
from quorate.core.bft.timers import Timers
from quorate.core.bft.views import View
from quorate.core.bft.waiting import Waiter
from quorate.core.params import Params
from quorate.storage import runs
from tests.mutants.edit import Patch, both, edit
from tests.sim.network import Network
from tests.sim.plan import Partition, Plan
from tests.sim.trouble import Crash

SEAT = 1
BASE = Plan(
    seed=1,
    params=Params(
        block_weight_max=1_000,
        block_batches_max=8,
        batch_validity_blocks=32,
        block_interval_ms=20,
        heartbeat_ms=500,
        view_timeout_ms=300,
        view_timeout_ms_max=2_000,
    ),
    delay_ms=(1, 20),
    loss_percent=2,
    batch_every_ms=40,
    validity=(5, 30),
    late_ms_max=200,
    faulty_ms=3_000,
)


def make_plan(name: str, seed: int = 1) -> Plan:
    """Return the plan of an adversary's attack; a few need what they abuse."""
    plan = replace(BASE, seed=seed, adversaries=((SEAT, name),))
    match name:
        case "amnesiac":
            crashes = tuple(
                Crash(at, SEAT, "engine", "anywhere", 1) for at in range(300, 3_000, 37)
            )
            return replace(plan, crashes=crashes, delay_ms=(10, 60))
        case "catchup_liar":
            # Somebody is cut off for so long that it must catch up, again and again.
            groups = tuple(int(node != 2) for node in range(4))
            cuts = tuple(Partition(at, at + 1_300, groups) for at in range(300, 16_000, 1_600))
            return replace(plan, partitions=cuts, faulty_ms=16_500, batch_every_ms=150)
        case "double_voter" | "equivocator":
            return replace(plan, delay_ms=(1, 90), batch_every_ms=15)
        case "skipper" | "twice_namer":
            # The next block is proposed before the last one is final.
            return replace(plan, delay_ms=(20, 140), batch_every_ms=15, fifo=False)
    return plan


def hold_nothing() -> Patch:
    """Let a replica notarize what it does not hold (docs/protocol.md#B3)."""
    return edit(
        rules._judge_batches,
        'return Verdict(UNDECIDED, "BATCHES_MISSING", missing)',
        "return Verdict(VALID)",
    )


def name_early() -> Patch:
    """Let a leader name what only it holds, and the others vote for it (docs/protocol.md#B3)."""
    ready = edit(Pool._check_ready, "< self._quorum", "< 1")
    return both(ready, hold_nothing())


def name_again() -> Patch:
    """Let a block name what its ancestors named (docs/protocol.md#B4)."""
    return both(
        edit(Chain.collect_names, "in branch for", "in () for"),
        edit(rules._judge_batches, "or chain.is_recent(name) for", "for"),
    )


def trust_offers() -> Patch:
    """Take runs of blocks without looking at their finalization (docs/protocol.md#K1)."""
    return swap(runs, "_check_closing", lambda *given: None)


def take_old_certificates() -> Patch:
    """Take certificates of final views (docs/protocol.md#R7)."""
    return edit(Receiver._receive_certificate, " or number <= replica.final_view", "")


def help_always() -> Patch:
    """Help whoever votes late, each time and at once (docs/protocol.md#R6)."""
    return swap(helping, "_may_send", lambda *given: True)


def trust_logs() -> Patch:
    """Do not compare what peers saw of a seat with what its log holds (docs/protocol.md#L5)."""
    return edit(Helper.is_missing_from_log, "if not isinstance(message, Vote | Proposal):", "if 1:")


def look_far_ahead() -> Patch:
    """Keep votes of views that nobody will be in for long (docs/protocol.md#R6)."""
    return swap(receiving, "VIEWS_AHEAD_MAX", 2**64)


def forget_epochs() -> Patch:
    """Sign statements without their epoch (docs/protocol.md#S2)."""
    return edit(encode_statement, "_PLACE.pack(epoch, view)", "_PLACE.pack(0, view)")


def finalize_after_nullify() -> Patch:
    """Finalize what was given up (docs/protocol.md#R8)."""
    return edit(Signing.may_finalize, " and Kind.NULLIFY not in signed", "")


def finalize_any_block() -> Patch:
    """Finalize one block having notarized another (docs/protocol.md#R8)."""
    return edit(Signing.may_finalize, "signed.get(Kind.NOTARIZE, digest) == digest", "True")


def believe_results() -> Patch:
    """Notarize claims that differ from the own result (docs/protocol.md#X2)."""
    return edit(rules.judge_block, "if claim is INVALID:", "if False:")


def count_again() -> Patch:
    """Count a vote each time that it comes (docs/protocol.md#R1)."""
    return both(
        edit(
            View.add_vote,
            "votes.setdefault(vote.seat, vote)",
            "votes[-len(votes) if vote.seat in votes else vote.seat] = vote",
        ),
        edit(View.has_vote, "return", "return False and"),
    )


def repeat_seats() -> Patch:
    """Take a certificate in which a seat stands twice (docs/protocol.md#R1)."""
    return edit(check_certificate, "len(set(voters)) != len(voters) or ", "")


def tell_nobody() -> Patch:
    """Neither relay certificates, nor help who is behind, nor repeat (docs/protocol.md#R5, #R6)."""
    broadcast = Network.broadcast

    def keep_certificates(network: Network, source: int, message: Message) -> None:
        if not isinstance(message, Certificate):
            broadcast(network, source, message)

    return both(
        swap(Network, "broadcast", keep_certificates),
        edit(Helper.answer_proof, "if request.epoch != self._replica.setup.epoch:", "if True:"),
        edit(Helper.help_late, "if view is not None and", "if True or"),
        edit(Helper.send_entry_proof, "self._list_entry_proof()", "()"),
        edit(Helper.greet, "if replica.chain.finality is not None:", "if False:"),
        edit(Waiter.resend_own, "[-VIEWS_AHEAD_MAX:]", "[:0]"),
    )


def wait_for_ever() -> Patch:
    """Never give up on a view (docs/protocol.md#W1)."""
    return edit(Timers.is_view_over, "self.deadline_ms is not None and", "False and")


def skip_unproved() -> Patch:
    """Take it on trust that skipped views were nullified (docs/protocol.md#R4)."""
    return edit(
        Judge._judge_block,
        "if ancestry.judgement is not Judgement.VALID:",
        "if replica.chain.find(header.parent) is None:",
    )


def swap(place: object, name: str, value: object) -> Patch:
    """Return a context in which a module's name means something else."""
    return _Swap(place, name, value)


class _Swap:
    def __init__(self, place: object, name: str, value: object) -> None:
        self._patch, self._what = pytest.MonkeyPatch(), (place, name, value)

    def __enter__(self) -> None:
        self._patch.setattr(*self._what)

    def __exit__(self, *error: object) -> None:
        self._patch.undo()


# What takes the defence away, and the rules whose checkers may then speak.
DEFENCES: dict[str, tuple[Callable[[], Patch], tuple[str, ...]]] = {
    "bad_sealer": (hold_nothing, ("notarize only what is held",)),
    "catchup_liar": (trust_offers, ("agreement",)),
    "double_voter": (finalize_after_nullify, ("never finalize and nullify in one view",)),
    "epoch_replayer": (forget_epochs, ("no evidence against who is honest",)),
    "equivocator": (
        finalize_any_block, ("never finalize one block having notarized another",),
    ),
    "false_result": (believe_results, ("no honest seat halts", "claims only what is true")),
    "future_flooder": (look_far_ahead, ("bounded memory",)),
    "leader_favourer": (name_early, ("notarize only what is held",)),
    "replayer": (count_again, ("a quorum of distinct seats",)),
    "seat_repeater": (repeat_seats, ("a quorum of distinct seats",)),
    "selective": (tell_nobody, ("liveness",)),
    "silent_leader": (wait_for_ever, ("liveness",)),
    "skipper": (skip_unproved, ("skipped views are nullified", "agreement")),
    "twice_namer": (name_again, ("no batch twice",)),
    "withholder": (hold_nothing, ("notarize only what is held",)),
}  # fmt: skip
# Without these nothing breaks, but the others pay for it: how much more is then sent.
COSTS: dict[str, tuple[Callable[[], Patch], float]] = {
    "certificate_replayer": (take_old_certificates, 2.0),
    "late_voter": (help_always, 1.15),
}
