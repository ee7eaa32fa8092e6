"""The peer table: who is known, who is connected, which seat key speaks through whom.

A peer is *up* while the stream that this node dialled to it is: then it can be sent to. What it
sends comes on the stream that it dialled, `stream`. Bounded by `peers_max`; configured peers have a
place whatever happens.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core.errors import Overloaded, Rejected
from quorate.core.gossip.outbox import Outbox
from quorate.core.gossip.scores import Scores, Sentence
from quorate.gossip.records import NodeRecord, RecordTable
from quorate.kit import metrics
from quorate.kit.config import NodeConfig
from quorate.kit.logs import get_logger

# A stranger that could not be dialled so often in a row, and does not call either, is forgotten.
FAILURES_MAX: Final = 20
# For how long a peer's height counts for nothing after it gave nothing of it; doubles each time.
DOUBT_MS: Final = 30_000
DOUBTS_MAX: Final = 7

log = get_logger("gossip")


class Closable(Protocol):
    """A stream that can be ended from outside."""

    def close(self, error: Rejected) -> None:
        """End it; the other side is told the error."""


class Peer:
    """One other node."""

    def __init__(
        self, node_id: bytes, address: str, *, is_configured: bool, is_pinned: bool = False
    ) -> None:
        self.node_id, self.address, self.is_configured = node_id, address, is_configured
        self._is_pinned = is_pinned
        self._configured = address
        self.outbox = Outbox()
        self.wake = asyncio.Event()
        # A consensus message waits: the writer must not gather any longer.
        self.urgent = asyncio.Event()
        # Set when it is worth dialling at once: it called, or its record is new.
        self.poke = asyncio.Event()
        self.is_up = False
        self.stream: Closable | None = None
        self.hang_up: Callable[[], object] = lambda: None
        # The seat key that it proved, whether that holds a seat now or not; empty: none.
        self.seat_key = b""
        self.height = 0
        self.doubts = 0
        self.doubted_until_ms = 0
        self.failures = 0

    def send_consensus(self, fragment: bytes) -> None:
        """Queue a consensus message, which leaves at once."""
        self.outbox.put_consensus(fragment)
        self.urgent.set()
        self.wake.set()

    def pick_address(self) -> str:
        """Return where to dial next: its record may be wrong, so a configured place counts too."""
        is_turn = self.is_configured and self.failures % 2
        return self._configured if self._is_pinned or is_turn else self.address

    @property
    def short_id(self) -> str:
        """The first letters of its id, for logs."""
        return self.node_id.hex()[:12]


class PeerTable:
    """All known peers by node id."""

    def __init__(self, own_id: bytes, config: NodeConfig) -> None:
        self.own_id = own_id
        self.peers: dict[bytes, Peer] = {}
        self.records = RecordTable()
        self._max, self._accepts_strangers = config.peers_max, config.accept_strangers
        self._are_pinned = config.peers_pinned
        self._scores = Scores()
        # Told of peers that came up, proved a seat key, or went; of new peers; of a changed height.
        self.on_change: Callable[[Peer, bool], None] = lambda peer, is_up: None
        self.on_new: Callable[[Peer], None] = lambda peer: None
        self.on_height: Callable[[], None] = lambda: None
        for entry in config.peers:
            node_id, _, address = entry.partition("@")
            self.configure(bytes.fromhex(node_id), address)

    def configure(self, node_id: bytes, address: str) -> None:
        """Add a peer that has a place whatever happens."""
        if node_id != self.own_id:
            self.peers[node_id] = Peer(
                node_id, address, is_configured=True, is_pinned=self._are_pinned
            )

    # ---- who is who ------------------------------------------------------------------------

    def check_welcome(self, node_id: bytes) -> None:
        """Raise Rejected (STRANGER, BANNED, SELF) or Overloaded when a node may not attach."""
        if node_id == self.own_id:
            raise Rejected("this is the same node", reason="SELF")
        ban_ms = self._scores.find_ban_ms(node_id, _now_ms())
        if ban_ms:
            raise Rejected("this node is banned for a while", reason="BANNED", ban_ms=ban_ms)
        if node_id in self.peers:
            return
        if not self._accepts_strangers:
            raise Rejected("this node takes no strangers", reason="STRANGER")
        if len(self.peers) >= self._max:
            raise Overloaded("the peer table", retry_after_ms=5_000)

    def get_ban_ms(self, peer: Peer) -> int:
        """Return how long a peer must not be dialled."""
        return self._scores.find_ban_ms(peer.node_id, _now_ms())

    def learn(self, record: NodeRecord) -> bool:
        """Take in a checked record; True when it was news, which is then worth passing on."""
        if record.node_id == self.own_id or not self.records.put(record):
            return False
        peer = self.peers.get(record.node_id)
        if peer is None:
            if not self._accepts_strangers or len(self.peers) >= self._max:
                return True
            peer = Peer(record.node_id, record.address, is_configured=False)
            self.peers[record.node_id] = peer
            self.on_new(peer)
        peer.address = record.address
        peer.poke.set()
        return True

    def forget_if_lost(self, peer: Peer) -> bool:
        """Forget a stranger that is gone for good; True when it was forgotten."""
        if peer.is_configured or peer.stream is not None or peer.failures < FAILURES_MAX:
            return False
        self.peers.pop(peer.node_id, None)
        self.records.forget(peer.node_id)
        log.info("peer forgotten", peer=peer.short_id)
        return True

    # ---- up and down -----------------------------------------------------------------------

    def set_up(self, peer: Peer) -> None:
        """Note that a peer can be sent to."""
        peer.outbox.clear()
        peer.is_up, peer.failures = True, 0
        metrics.PEERS.set(sum(each.is_up for each in self.peers.values()))
        log.info("peer connected", peer=peer.short_id, address=peer.address)
        self.on_change(peer, True)

    def set_down(self, peer: Peer) -> None:
        """Note that a peer can't be sent to."""
        if not peer.is_up:
            return
        peer.is_up = False
        peer.outbox.clear()
        metrics.PEERS.set(sum(each.is_up for each in self.peers.values()))
        log.info("peer lost", peer=peer.short_id)
        self.on_change(peer, False)

    def set_seat_key(self, peer: Peer, key: bytes) -> None:
        """Note that a peer proved to speak for a seat key; another node's older proof is void."""
        if peer.seat_key == key:
            return
        for other in self.peers.values():
            if other.seat_key == key:
                other.seat_key = b""
        peer.seat_key = key
        log.info("peer proved a seat key", peer=peer.short_id, key=key.hex())
        if peer.is_up:
            self.on_change(peer, True)

    def set_height(self, peer: Peer, height: int) -> None:
        """Note the executed height that a peer tells; its last word counts, a lower one too."""
        if height != peer.height:
            peer.height = height
            self.on_height()

    def compute_best_height(self) -> int:
        """Return the best height that a connected peer says it has, and is believed."""
        peers = [peer for peer in self.peers.values() if peer.is_up and not self.is_doubted(peer)]
        return max((peer.height for peer in peers), default=0)

    def is_doubted(self, peer: Peer) -> bool:
        """Tell whether a peer's height counts for nothing now."""
        return _now_ms() < peer.doubted_until_ms

    def doubt(self, peer: Peer) -> None:
        """Do not believe a peer's height for a while: it gave nothing of what it says it has."""
        peer.doubted_until_ms = _now_ms() + (DOUBT_MS << peer.doubts)
        peer.doubts = min(peer.doubts + 1, DOUBTS_MAX)
        self.on_height()

    def believe(self, peer: Peer) -> None:
        """Believe a peer's height again: it gave blocks."""
        peer.doubts = peer.doubted_until_ms = 0

    def add_fault(self, node_id: bytes, fault: str) -> None:
        """Count a fault; too many end the streams, then bring a ban with an end."""
        sentence = self._scores.add_fault(node_id, fault, _now_ms())
        metrics.PEER_FAULTS.labels(fault).inc()
        log.warning("fault of a peer", peer=node_id.hex()[:12], fault=fault, then=sentence.value)
        peer = self.peers.get(node_id)
        if peer is None or sentence is Sentence.NOTED:
            return
        reason = "BANNED" if sentence is Sentence.BAN else "FAULT"
        if peer.stream is not None:
            peer.stream.close(Rejected(f"ended because of {fault}", reason=reason, fault=fault))
        peer.hang_up()

    # ---- sending ---------------------------------------------------------------------------

    def list_up(self) -> list[Peer]:
        """Return the peers that can be sent to."""
        return [peer for peer in self.peers.values() if peer.is_up]

    def find_seat(self, key: bytes) -> Peer | None:
        """Return the connected peer that speaks for a seat key."""
        for peer in self.peers.values():
            if key and peer.seat_key == key and peer.is_up:
                return peer
        return None

    def broadcast_consensus(self, fragment: bytes) -> None:
        """Queue a consensus message for every connected peer."""
        for peer in self.list_up():
            peer.send_consensus(fragment)

    def broadcast_held(self, names: bytes) -> None:
        """Tell every connected peer what is durable here."""
        for peer in self.list_up():
            peer.outbox.put_held(names)
            peer.wake.set()

    def broadcast_note(self, fragment: bytes, besides: bytes = b"") -> None:
        """Queue a small fragment for every connected peer but one."""
        for peer in self.list_up():
            if peer.node_id != besides:
                peer.outbox.put_note(fragment)
                peer.wake.set()

    def broadcast_batch(self, encoded: bytes) -> None:
        """Queue a sealed batch for every connected peer."""
        fragment = pb.Frame(batches=[encoded]).SerializeToString()
        for peer in self.list_up():
            peer.outbox.put_bulk(fragment)
            peer.wake.set()


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
