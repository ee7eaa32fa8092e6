"""What operations that take epochs have in common: a view of the chain, patience, and a clock."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Final, NamedTuple

from quorate.core.errors import NotFound, Overloaded, QuorateError, Rejected, Unavailable
from quorate.core.genesis import parse_genesis
from quorate.core.values import parse_address
from quorate.devnet.desk import Desk
from quorate.devnet.epoch_clock import EpochStarts, read_remaining
from quorate.devnet.layout import Layout, Node
from quorate.devnet.network import Network
from quorate.devnet.seat_keys import sign_ready
from quorate.devnet.telling import Tell
from quorate.sdk.client import Client
from quorate.sdk.payloads import SeatReady
from quorate.sdk.stake_values import Candidate
from quorate.sdk.values import SeatSet

POLL_S: Final = 0.25
_EPOCHS_PATIENCE: Final = 5
_SLOW_S: Final = 60.0
# What the next look finds otherwise: it was done before, came too late, or is not synced yet.
_PASSING: Final = frozenset(
    {
        "NOT_SYNCED", "READY_UNTIMELY", "CANDIDATE_EXISTS", "CANDIDATE_RESIGNED", "SEQUENCE_TAKEN",
        "SEQUENCE_PAST", "ALREADY_EXECUTED", "EXPIRED",
    }
)  # fmt: skip


class Sets(NamedTuple):
    """The running epoch's set, and the newest that is known: that of the next epoch, or itself."""

    running: SeatSet
    newest: SeatSet

    def holds(self, key: str) -> bool:
        """Tell whether a key (hex) has a seat in the running epoch."""
        return _has(self.running, key)

    def will_hold(self, key: str) -> bool:
        """Tell whether a key (hex) has a seat in the newest set."""
        return _has(self.newest, key)


class Operation:
    """One operation on a running network, by its public API, its nodes' sockets and processes."""

    def __init__(self, network: Network, client: Client, tell: Tell) -> None:
        network.refresh()
        self.network, self.client, self.tell = network, client, tell
        self.genesis = parse_genesis(network.layout.genesis.read_text())
        self.desk = Desk(network.layout, client)
        self.starts = EpochStarts(client, self.genesis)
        self.started_s = time.monotonic()
        self._moved_s, self._last = self.started_s, ""

    @property
    def layout(self) -> Layout:
        """The network as it is now."""
        return self.network.layout

    async def read_sets(self) -> Sets:
        """Return the sets that count now."""
        running = await self.client.seats()
        running = await self.client.seats(running.running_epoch)
        try:
            return Sets(running, await self.client.seats(running.epoch + 1))
        except NotFound:
            return Sets(running, running)

    async def read_candidate(self, candidate: str) -> Candidate | None:
        """Return a candidate as the chain has it; None when there is none."""
        try:
            return await self.client.candidate(parse_address(candidate))
        except NotFound:
            return None

    async def ask_ready(self, node: Node, epoch: int) -> SeatReady:
        """Return a node's word that it is ready in the running epoch; raises Rejected, Unavailable.

        A node that has just started may not have heard yet how far the chain is.
        """
        word = await sign_ready(self.layout, node)
        if word.epoch < epoch:
            raise Rejected(
                f"{node.name} has got to epoch {word.epoch}, the chain to {epoch}",
                reason="NOT_SYNCED",
            )
        return word

    def runs(self, node: Node) -> bool:
        """Tell whether all processes of a node run."""
        programs = self.network.processes.select(node.name)
        return all(self.network.processes.find(each) is not None for each in programs)

    async def pause(self, waiting_for: str, what: str, again: str) -> None:
        """Tell what is waited for, and wait a little.

        Raises Unavailable (NOT_READY) when the same has been waited for over many epochs.
        """
        if waiting_for != self._last:
            self._last, self._moved_s = waiting_for, time.monotonic()
        try:
            remaining = (await read_remaining(self.client)).describe()
        except QuorateError as error:
            remaining = error.message
        self.tell.wait(f"{waiting_for} · {remaining}")
        waited_s = time.monotonic() - self._moved_s
        if waited_s > self._compute_patience_s():
            raise Unavailable(
                f"{what} stands still: for {waited_s:.0f} s {waiting_for}; see "
                f"{self.layout.directory / 'logs'} and `quorate devnet status`, then `{again}`, "
                "which goes on from here",
                reason="NOT_READY",
            )
        await asyncio.sleep(POLL_S)

    @staticmethod
    async def attempt(step: Awaitable[None]) -> str:
        """Do one step; return what stands in its way for now, "" when it is done.

        Raises Rejected for what waiting does not heal.
        """
        try:
            await step
        except (Overloaded, Unavailable) as error:
            return error.message
        except Rejected as error:
            if error.reason not in _PASSING:
                raise
            return error.message
        return ""

    def _compute_patience_s(self) -> float:
        params = self.genesis.params
        return _EPOCHS_PATIENCE * (params.epoch_ms + params.heartbeat_ms) / 1_000 + _SLOW_S


def _has(seats: SeatSet, key: str) -> bool:
    return any(seat.public_key.hex() == key for seat in seats.seats)
