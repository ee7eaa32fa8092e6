"""What waits for the attached engine: others' messages, held batches, reports, peers.

Everything of one loop turn leaves in one frame. Messages are bounded per sending node and in all,
the oldest go first; held headers and reports are bounded by what is unfinalized, and told anew to
an engine that attaches. Messages that come while no engine is attached are dropped.
"""

import asyncio
from contextlib import suppress
from typing import Final

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.core.gossip.held import HeldBatches
from quorate.gossip.peers import Peer, PeerTable
from quorate.kit.logs import get_logger

NODE_BYTES_MAX: Final = 1024 * 1024
MESSAGES_MAX: Final = 8_192
REPORTS_MAX: Final = 65_536
VOTES_GATHER_S: Final = 0.001
GATHER_S: Final = 0.006

log = get_logger("gossip")


class Hub:
    """The queue towards the engine; one engine is attached at a time."""

    def __init__(self, held: HeldBatches, table: PeerTable) -> None:
        self._held, self._table = held, table
        self._wake, self._urgent = asyncio.Event(), asyncio.Event()
        self._attached = self._numbers = 0
        self._frame = pb.ChannelResponse()
        self._bytes: dict[bytes, int] = {}
        self._reports: dict[bytes, list[bytes]] = {}
        self._reported = 0

    @property
    def is_attached(self) -> bool:
        """Whether an engine takes what comes."""
        return bool(self._attached)

    def attach(self) -> int:
        """Let an engine attach in place of the one before; returns its number."""
        self._numbers += 1
        self._attached = self._numbers
        self._clear()
        # The one before wakes up and finds that it is over.
        self._wake.set()
        self._wake = asyncio.Event()
        for peer in self._table.list_up():
            self._add_change(peer, is_up=True)
        self._frame.held_headers.extend(h.signed_header for h in self._held.batches.values())
        self.repeat_reports()
        self._wake.set()
        return self._attached

    def repeat_reports(self) -> None:
        """Tell all holders again: an engine that starts anew, or an epoch with other seats."""
        if self._attached:
            for key, names in self._held.list_holders():
                self._frame.reports.add(seat_key=key, names=b"".join(names))
            self._wake.set()

    def detach(self, number: int) -> None:
        """Note that an engine went; nothing is kept for it."""
        if number == self._attached:
            self._attached = 0
            self._clear()
            self._wake.set()

    async def take(self, number: int) -> pb.ChannelResponse | None:
        """Return the next frame for the engine of this number; None when another took its place."""
        while True:
            if number != self._attached:
                return None
            await self._wake.wait()
            # Votes of one step come within a millisecond of each other; the rest can wait longer,
            # but no longer than until a vote comes.
            if not self._urgent.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(GATHER_S):
                        await self._urgent.wait()
            if self._urgent.is_set():
                await asyncio.sleep(VOTES_GATHER_S)
            if number == self._attached:
                return self._take_frame()

    def put_message(self, peer: Peer, message: bytes) -> None:
        """Pass a message of another engine on."""
        if not self._attached:
            return
        size = self._bytes.get(peer.node_id, 0) + len(message)
        if size > NODE_BYTES_MAX or len(self._frame.incoming) >= MESSAGES_MAX:
            log.debug("the engine is slow: a message is dropped", peer=peer.short_id)
            return
        self._bytes[peer.node_id] = size
        self._frame.incoming.add(node_id=peer.node_id, seat_key=peer.seat_key, message=message)
        self._urgent.set()
        self._wake.set()

    def put_held(self, signed_header: bytes) -> None:
        """Tell that a batch is durable here."""
        if self._attached:
            self._frame.held_headers.append(signed_header)
            self._wake.set()

    def put_report(self, key: bytes, name: bytes) -> None:
        """Tell that the node of another seat key holds a batch."""
        if self._attached and self._reported < REPORTS_MAX:
            self._reports.setdefault(key, []).append(name)
            self._reported += 1
            self._wake.set()

    def put_change(self, peer: Peer, is_up: bool) -> None:
        """Tell that a peer came, proved a seat key, or went."""
        if self._attached:
            self._add_change(peer, is_up=is_up)
            self._wake.set()

    def _add_change(self, peer: Peer, *, is_up: bool) -> None:
        self._frame.peer_changes.add(node_id=peer.node_id, seat_key=peer.seat_key, connected=is_up)

    def _take_frame(self) -> pb.ChannelResponse:
        frame = self._frame
        for key, names in self._reports.items():
            frame.reports.add(seat_key=key, names=b"".join(names))
        self._clear()
        return frame

    def _clear(self) -> None:
        self._frame = pb.ChannelResponse()
        self._bytes.clear()
        self._reports.clear()
        self._reported = 0
        self._wake.clear()
        self._urgent.clear()
