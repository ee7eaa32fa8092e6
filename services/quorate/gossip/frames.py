"""What a frame of a peer means: each part goes to who is responsible for it.

Nothing here waits: a peer that sends more than is allowed has it dropped and scored.
"""

from typing import Final, Protocol

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core import crypto
from quorate.core.codec import U64, split_hashes
from quorate.core.errors import MalformedBytes, QuorateError, Rejected
from quorate.core.genesis import Genesis
from quorate.gossip.peers import Peer, PeerTable
from quorate.gossip.records import check_record
from quorate.kit import metrics

CONSENSUS_BYTES_MAX: Final = 128 * 1024
RECORDS_MAX: Final = 64


class Receivers(Protocol):
    """Who takes the parts of a frame."""

    def handle_consensus(self, peer: Peer, message: bytes) -> None:
        """Take a message for the engine."""

    def handle_held(self, peer: Peer, names: list[bytes]) -> None:
        """Take names of batches that are durable at the peer."""

    def handle_batch(self, peer: Peer, encoded: bytes) -> None:
        """Take a sealed batch that the peer sent unasked."""

    def handle_request(self, peer: Peer, request: pb.Request) -> None:
        """Answer a request, or don't."""

    def handle_answer(self, peer: Peer, answer: pb.Answer) -> None:
        """Take an answer."""


class FrameHandler:
    """Takes frames apart."""

    def __init__(self, table: PeerTable, genesis: Genesis, receivers: Receivers) -> None:
        self._table, self._genesis, self._receivers = table, genesis, receivers

    def handle(self, peer: Peer, frame: pb.Frame) -> None:
        """Pass the parts of a frame on, most urgent first."""
        with metrics.measure_stage("frames"):
            try:
                self._pass_on(peer, frame)
            except MalformedBytes:
                self._table.add_fault(peer.node_id, "MALFORMED_FRAME")

    def _pass_on(self, peer: Peer, frame: pb.Frame) -> None:
        receivers = self._receivers
        if frame.HasField("seat_proof"):
            self._check_seat(peer, frame.seat_proof)
        for message in frame.consensus:
            if len(message) > CONSENSUS_BYTES_MAX:
                self._table.add_fault(peer.node_id, "OVERSIZED_FRAME")
                return
            receivers.handle_consensus(peer, message)
        if frame.height:
            self._table.set_height(peer, frame.height)
        if frame.held:
            receivers.handle_held(peer, split_hashes(frame.held, "held names"))
        for request in frame.requests:
            receivers.handle_request(peer, request)
        for answer in frame.answers:
            receivers.handle_answer(peer, answer)
        for batch in frame.batches:
            receivers.handle_batch(peer, batch)
        if frame.records:
            self._learn(peer, frame)

    def _check_seat(self, peer: Peer, proof: pb.SeatProof) -> None:
        """Note the key that a node speaks for; whether it holds a seat is the running set's say.

        So a proof outlives its epoch, and a key may be proved before it gets a seat.
        """
        key, domain = proof.public_key, self._genesis.domain
        if key == peer.seat_key:
            return
        message = U64.pack(proof.epoch) + peer.node_id
        if not crypto.is_signed(key, proof.signature, crypto.TAG_SEAT_NODE, domain, message):
            self._table.add_fault(peer.node_id, "BAD_SEAT_PROOF")
            return
        self._table.set_seat_key(peer, key)

    def _learn(self, peer: Peer, frame: pb.Frame) -> None:
        if len(frame.records) > RECORDS_MAX:
            self._table.add_fault(peer.node_id, "OVERSIZED_FRAME")
            return
        for signed in frame.records:
            if self._table.records.has(signed.signature):
                continue
            try:
                record = check_record(signed, self._genesis)
            except Rejected:
                # Of another chain: no fault of who passes it on, but nothing to keep.
                continue
            except QuorateError:
                self._table.add_fault(peer.node_id, "BAD_RECORD")
                return
            if self._table.learn(record):
                self._table.broadcast_note(record.fragment, besides=peer.node_id)
