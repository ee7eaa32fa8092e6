"""When a replica gives up on a view, repeats itself, or must be woken (docs/protocol.md#W1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft.helping import ASK_EVERY_MS
from quorate.core.bft.messages import Kind, SeatQuery
from quorate.core.bft.receiving import VIEWS_AHEAD_MAX
from quorate.core.bft.views import View

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica


class Waiter:
    """The timer side of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._chased_view = 0

    def arm(self) -> None:
        """Give up or say it again when a time has come; run the timers that have a reason."""
        view = self._replica.get_view(self._replica.view)
        self._chase()
        if self._replica.timers.is_view_over(self._replica.now_ms):
            self._replica.timers.deadline_ms = None
            if self._replica.nullify(view):
                self._replica.settle()
                return
            self.resend_own()
        elif self._replica.timers.is_retry_due(self._replica.now_ms):
            self.resend_own()
            self._replica.helper.send_entry_proof()
        gave_up = Kind.NULLIFY in view.own or not self._replica.signing.may_nullify(view.number)
        self._replica.timers.arm(
            self._replica.now_ms, wanted=self._has_reason_to_wait(view), gave_up=gave_up
        )

    def _has_reason_to_wait(self, view: View) -> bool:
        # Messages of later views count as well: what ended this one was lost here.
        for number, each in self._replica.views.items():
            if (each.touched and number >= view.number) or Kind.NOTARIZE in each.certificates:
                return True
        if self._replica.committer.is_open() or self._replica.signing.is_waiting():
            return True
        return self._replica.proposer.has_work() or self._replica.proposer.is_heartbeat_due()

    def resend_own(self) -> None:
        """Broadcast own messages above the final view, as they are."""
        # Verbatim, oldest first, the newest views if there are many; views that only others have
        # touched don't count, or a flood of messages for later views would silence this seat.
        own = [number for number, view in self._replica.views.items() if view.own]
        for number in sorted(own)[-VIEWS_AHEAD_MAX:]:
            for message in self._replica.views[number].own.values():
                self._replica.send(do.Broadcast(message))
        if self._replica.signing.is_waiting() and self._replica.setup.seat is not None:
            self._replica.send(
                do.Broadcast(SeatQuery(self._replica.setup.epoch, self._replica.setup.seat))
            )

    def compute_wake_ms(self) -> int | None:
        """Return when the next TimerFired is needed; None: only events matter."""
        times = [
            self._replica.timers.deadline_ms,
            self._replica.timers.retry_ms,
            self._replica.proposer.compute_wake_ms(),
            self._compute_undecided_wake_ms(),
            self._compute_chase_ms(),
        ]
        return min([at for at in times if at is not None], default=None)

    def _chase(self) -> None:
        # The finalization of what has long been notarized may have been lost only here.
        chase_ms, replica = self._compute_chase_ms(), self._replica
        if chase_ms is not None and replica.now_ms >= chase_ms:
            self._chased_view = replica.view
            replica.helper.ask_proof(replica.final_view + 1, replica.view - 1)

    def _compute_chase_ms(self) -> int | None:
        replica = self._replica
        if self._chased_view == replica.view:
            return None
        newest_ms = None
        for view in replica.views.values():
            if Kind.NOTARIZE in view.certificates:
                newest_ms = max(view.ended_ms, newest_ms or view.ended_ms)
        return None if newest_ms is None else newest_ms + replica.params.view_timeout_ms // 2

    def _compute_undecided_wake_ms(self) -> int | None:
        # A proposal from a clock ahead of ours becomes valid by waiting; for what is missing one
        # asks again.
        replica = self._replica
        if self._replica.committer.is_open():
            return replica.now_ms + ASK_EVERY_MS
        view = replica.views.get(replica.view)
        if view is None or view.proposal is None or not replica.signing.may_notarize(view.number):
            return None
        if view.reason == "TIME_AHEAD":
            ahead_ms = view.proposal.block.header.time_ms - replica.clock_ms
            return replica.now_ms + max(ahead_ms - replica.params.clock_ahead_ms_max, 1)
        if view.reason in ("ANCESTRY_UNPROVED", "BATCHES_MISSING"):
            return replica.now_ms + ASK_EVERY_MS
        return None
