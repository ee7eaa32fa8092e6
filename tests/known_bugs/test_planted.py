"""Each test of a known bug fails once its rule is taken away: the bug is then planted here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from quorate.consensus.driver import Driver
from quorate.core.bft import helping, messages, restoring
from quorate.core.bft.committing import Committer
from quorate.core.bft.helping import Helper
from quorate.core.bft.quorum import check_certificate
from quorate.core.bft.receiving import Receiver
from quorate.core.bft.replica import Replica
from quorate.core.bft.timers import Timers
from quorate.core.bft.waiting import Waiter
from quorate.gossip.frames import FrameHandler
from quorate.gossip.receiver import Receiver as BatchReceiver
from quorate.storage.catchup import CatchUp
from tests.adversaries import defences
from tests.known_bugs import test_aptos as aptos
from tests.known_bugs import test_ava_labs_simplex as ava
from tests.known_bugs import test_besu as besu
from tests.known_bugs import test_celo as celo
from tests.known_bugs import test_cometbft as comet
from tests.known_bugs import test_commonware as common
from tests.mutants.edit import Patch, both, edit

Plant = tuple[Callable[..., Any], Callable[[], Patch], dict[str, Any]]
SHORT_S = 1.0


def take_restored() -> Patch:
    """Restore certificates of final views."""
    return edit(restoring.restore_replica, "if certificate.view > replica.final_view:", "if True:")


def take_any_proof() -> Patch:
    """Let any certificate of a view stand for its nullification."""
    return edit(
        Helper.judge_ancestry,
        "number not in views or Kind.NULLIFY not in views[number].certificates",
        "number not in views",
    )


def prove_up_to_here() -> Patch:
    """Count what lacks up to the view at hand."""
    return edit(Helper.judge_ancestry, "header.view)\n", "replica.view + 1)\n")


def go_by_the_first_block() -> Patch:
    """Let the first block that was seen be the notarized one."""
    return edit(
        helping.find_notarized,
        "return view.certificates[kind].digest",
        "return (view.proposal or view.certificates[kind]).block.digest",
    )


def keep_one_certificate() -> Patch:
    """Take one certificate of a view, and none of another kind."""
    old = "certificate.kind in view.certificates"
    return edit(Receiver._receive_certificate, old, "view.certificates")


def answer_nothing() -> Patch:
    """Give nobody a proof, neither asked nor unasked."""
    return both(
        edit(Helper.answer_proof, "if request.epoch != self._replica.setup.epoch:", "if True:"),
        edit(Helper.greet, "_list_proofs(replica.views[number])", "()"),
        edit(Helper.help_late, "if view is not None and", "if True or"),
        edit(Helper.send_entry_proof, "self._list_entry_proof()", "()"),
    )


def forget_own_votes() -> Patch:
    """Send restored votes again, but do not count them."""
    old = "view.votes[message.kind][message.seat] = message"
    return edit(restoring._restore_own, old, "pass")


def ask_for_no_block() -> Patch:
    """Wait for the block of a finalization without asking for it."""
    old = "replica.helper.ask_proof(replica.final_view + 1, certificate.view)"
    return edit(Committer.commit, old, "pass")


def send_first() -> Patch:
    """Send, and write the log afterwards."""
    return edit(
        Driver.run,
        "await self._persist([effect for effect, _ in turn])",
        "[self._do(effect, seats) for effect, seats in turn]",
        "for effect, seats in turn:\n            self._do(effect, seats)",
        "await self._persist([effect for effect, _ in turn])",
    )  # fmt: skip


def write_unsynced() -> Patch:
    """Write own votes without asking for the sync."""
    return edit(Replica.vote, "self._synced = True", "pass")


def only_raise() -> Patch:
    """Let the target of catching up only rise."""
    return edit(CatchUp.watch, "self.best = height", "self.best = max(self.best, height)")


def ask_at_once() -> Patch:
    """Ask again without waiting longer."""
    old = "retry_s = min(retry_s * 2, RETRY_S_MAX)"
    return edit(CatchUp._fetch_until_near, old, "pass")


def index_votes() -> Patch:
    """Look a vote's key up before its seat is checked."""
    return edit(Receiver._receive_vote, "or vote.seat >= replica.seats", "")


def index_certificates() -> Patch:
    """Look keys up for whatever seats a certificate names."""
    return edit(check_certificate, " or any(seat >= len(keys) for seat in voters)", "")


def decode_any_set() -> Patch:
    """Decode certificates of sets of any size."""
    return edit(messages._decode_certificate, "if not 1 <= seats <= SEATS_MAX:", "if False:")


def decode_any_seat() -> Patch:
    """Decode bitmaps that go on behind the set."""
    old = 'if int.from_bytes(bitmap, "little") >> seats:'
    return edit(messages._decode_certificate, old, "if False:")


def index_seat_proofs() -> Patch:
    """Note whatever key a node says that it speaks for."""
    return edit(FrameHandler._check_seat, "if not crypto.is_signed(", "if False and (")


def index_authors() -> Patch:
    """Look a batch author's key up before the author is checked."""
    return edit(BatchReceiver._check_sender, "header.author >= len(seats.keys)", "False")


def grow_while_waiting() -> Patch:
    """Let the timer grow each time that it fires, as if a view had failed."""
    return both(
        edit(
            Timers.is_retry_due,
            "self.retry_ms = now_ms + self.compute_timeout_ms()",
            "self.failures += 1; self.retry_ms = now_ms + self.compute_timeout_ms()",
        ),
        defences.swap(besu.PLAN.params.__class__, "view_timeout_ms_max", property(lambda p: 2**40)),
    )


def repeat_nothing() -> Patch:
    """Say nothing again, and help nobody."""
    return both(answer_nothing(), edit(Waiter.resend_own, "[-VIEWS_AHEAD_MAX:]", "[:0]"))


def never_time_out() -> Patch:
    """Never give up on a view."""
    return defences.wait_for_ever()


PLANTS: tuple[Plant, ...] = (
    (ava.test_280_no_finalize_is_built_for_a_view_that_was_timed_out,
     defences.finalize_after_nullify, {}),
    (ava.test_280_a_later_final_block_does_not_erase_that_a_view_was_timed_out,
     defences.take_old_certificates, {}),
    (ava.test_281_a_leader_must_prove_the_view_it_skips_as_empty, take_any_proof, {}),
    (ava.test_281_a_leader_without_the_proof_loses_its_view, never_time_out, {}),
    (ava.test_290_a_notarized_block_that_was_bypassed_is_not_finalized,
     defences.take_old_certificates, {}),
    (ava.test_290_a_notarized_block_that_was_bypassed_is_not_finalized, take_restored, {}),
    *((common.test_2045_2050_votes_from_before_a_restart_are_counted_once,
       defences.count_again, {"kind": kind}) for kind in (common.N, common.Z, common.F)),
    (common.test_2100_exactly_the_missing_nullifications_are_asked_for, prove_up_to_here, {}),
    *((common.test_2178_a_certificate_overrides_votes_and_no_vote_overrides_a_certificate,
       go_by_the_first_block, {"is_certificate_first": False}),),
    (common.test_2192_a_view_with_one_certificate_may_still_lack_the_other,
     keep_one_certificate, {}),
    (common.test_2192_who_holds_different_certificates_of_the_same_views_gets_together_again,
     answer_nothing, {}),
    (common.test_4275_an_own_nullify_counts_after_a_restart, forget_own_votes, {}),
    (common.test_4328_after_a_replayed_equivocation_the_notarized_block_wins_over_the_own_vote,
     go_by_the_first_block, {}),
    (common.test_4328_after_a_replayed_equivocation_the_finalized_block_wins_over_the_own_vote,
     ask_for_no_block, {}),
    *((aptos.test_18298_a_crash_between_signing_and_writing_gives_no_second_vote,
       plant, {"is_durable": is_durable})
      for plant, is_durable in ((send_first, True), (send_first, False), (write_unsynced, True))),
    (comet.test_asa_2024_011_an_index_out_of_range_is_refused_and_breaks_nothing,
     index_votes, {"seat": 4}),
    (comet.test_asa_2024_011_an_index_out_of_range_is_refused_and_breaks_nothing,
     index_certificates, {"seat": 4}),
    (comet.test_asa_2024_011_a_set_beyond_the_limit_or_a_seat_beyond_the_set_is_malformed,
     decode_any_set, {"seats": 513, "voters": 0}),
    (comet.test_asa_2024_011_a_set_beyond_the_limit_or_a_seat_beyond_the_set_is_malformed,
     decode_any_seat, {"seats": 4, "voters": 8}),
    (besu.test_7642_after_ten_minutes_without_a_quorum_it_goes_on_within_two_time_outs,
     grow_while_waiting, {"kind": "power"}),
    (celo.test_706_one_who_is_a_view_ahead_of_the_others_is_met_again, repeat_nothing, {}),
)  # fmt: skip
# At real nodes: the fixtures must be the test's own.
AT_STORAGE = (
    (comet.test_asa_2025_001_a_target_that_is_taken_back_ends_catching_up, only_raise),
    (comet.test_cve_2025_24371_a_height_that_nobody_has_neither_stalls_nor_heats, ask_at_once),
)
AT_GOSSIP = (index_seat_proofs, index_authors)


def name_plant(plant: Any) -> str:
    """Return a plant's name for the report."""
    test, remove = plant[:2]
    return f"{test.__name__.removeprefix('test_')[:40]}-{remove.__name__}"


async def expect_failure(remove: Callable[[], Patch], run: Callable[[], Any]) -> None:
    """Fail unless a test fails while a rule is taken away."""
    with remove():
        try:
            found = run()
            if inspect.isawaitable(found):
                await found
        except (AssertionError, Exception, pytest.fail.Exception) as error:
            print(f"it fails with {type(error).__name__}: {error}")
            return
    pytest.fail(f"the test did not notice {remove.__name__}")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What will never come is not waited for long."""
    for module in (aptos, comet):
        monkeypatch.setattr(module, "DEADLINE_S", SHORT_S)


@pytest.mark.parametrize("plant", PLANTS, ids=name_plant)
async def test_with_its_rule_taken_away_the_test_of_a_bug_fails(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test, remove, given = plant
    fixtures = {"tmp_path": tmp_path, "monkeypatch": monkeypatch}
    names = inspect.signature(test).parameters
    wanted = {name: value for name, value in fixtures.items() if name in names}
    await expect_failure(remove, lambda: test(**given, **wanted))


@pytest.mark.parametrize("plant", AT_STORAGE, ids=name_plant)
async def test_with_its_rule_taken_away_the_test_at_storage_fails(
    plant: Any, node: Any, ahead: Any, make_gossip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    test, remove = plant
    given = {"node": node, "ahead": ahead, "make_gossip": make_gossip}
    if "monkeypatch" in inspect.signature(test).parameters:
        given["monkeypatch"] = monkeypatch
    # The service runs already; its loops take up the broken code with their next turn only.
    await node.stop()
    with remove():
        await node.start()
        await expect_failure(nullcontext, lambda: test(**given))


@pytest.mark.parametrize("remove", AT_GOSSIP)
async def test_with_its_rule_taken_away_the_test_at_gossip_fails(
    remove: Callable[[], Patch], start_cluster: Any, strangers: Any
) -> None:
    test = comet.test_asa_2024_011_a_node_lives_on_after_indexes_out_of_range
    await expect_failure(remove, lambda: test(start_cluster, strangers))
