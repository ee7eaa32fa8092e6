"""Signed records of nodes: who a node is, where, and which certificate it serves with.

A record is checked before it is believed or passed on (docs/protocol.md#P1); of one node the
highest sequence wins. The table is bounded: who was heard of longest ago goes first.
"""

import time
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core import crypto
from quorate.core.errors import InvalidInput, Rejected
from quorate.core.genesis import Genesis
from quorate.gossip.identity import Identity, compute_node_id

RECORDS_MAX: Final = 512
RECORD_BYTES_MAX: Final = 1_024
ADDRESS_CHARACTERS_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A checked record; `fragment` is a frame that carries it to another peer."""

    node_id: bytes
    public_key: bytes
    address: str
    certificate_hash: bytes
    sequence: int
    signature: bytes
    fragment: bytes


def build_record(identity: Identity, address: str, genesis: Genesis) -> pb.SignedRecord:
    """Return this node's record as of now; a later start gives a higher sequence."""
    record = pb.Record(
        public_key=identity.key.public_key,
        address=address,
        certificate_hash=identity.certificate_hash,
        sequence=time.time_ns() // 1_000_000,
        genesis_hash=genesis.hash,
    ).SerializeToString(deterministic=True)
    signature = identity.key.sign(crypto.TAG_NODE_RECORD, genesis.domain, record)
    return pb.SignedRecord(record=record, signature=signature)


def check_record(signed: pb.SignedRecord, genesis: Genesis) -> NodeRecord:
    """Return the record behind its signature.

    Raises InvalidInput (BAD_RECORD), or Rejected (WRONG_GENESIS) for a node of another chain.
    """
    record = pb.Record()
    try:
        if len(signed.record) > RECORD_BYTES_MAX:
            raise _bad("it is too long")
        record.ParseFromString(signed.record)
    except DecodeError as error:
        raise _bad("it does not parse") from error
    if record.genesis_hash != genesis.hash:
        raise Rejected(
            "the node runs another genesis",
            reason="WRONG_GENESIS",
            expected=genesis.hash.hex(),
            found=record.genesis_hash.hex(),
        )
    parse_address(record.address)
    tag, key = crypto.TAG_NODE_RECORD, record.public_key
    if len(record.certificate_hash) != 32:
        raise _bad("its certificate hash has the wrong length")
    if not crypto.is_signed(key, signed.signature, tag, genesis.domain, signed.record):
        raise _bad("its signature does not verify")
    return NodeRecord(
        compute_node_id(key),
        key,
        record.address,
        record.certificate_hash,
        record.sequence,
        signed.signature,
        pb.Frame(records=[signed]).SerializeToString(),
    )


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`; raises InvalidInput (BAD_RECORD)."""
    host, _, port = address.rpartition(":")
    if not host or len(address) > ADDRESS_CHARACTERS_MAX or not port.isascii():
        raise _bad("its address is not host:port")
    if not port.isdigit() or len(port) > 5 or not 0 < int(port) < 65_536:
        raise _bad("its address has no port")
    return host.strip("[]"), int(port)


class RecordTable:
    """The newest checked record of every node that is known."""

    def __init__(self) -> None:
        self.records: dict[bytes, NodeRecord] = {}
        self._signatures: set[bytes] = set()

    def has(self, signature: bytes) -> bool:
        """Tell whether the record with this signature is the one known, checked before."""
        return signature in self._signatures

    def put(self, record: NodeRecord) -> bool:
        """Keep a record; False when it is not newer than the one known."""
        known = self.records.get(record.node_id)
        if known is not None and known.sequence >= record.sequence:
            return False
        self.forget(record.node_id)
        self.records[record.node_id] = record
        self._signatures.add(record.signature)
        if len(self.records) > RECORDS_MAX:
            self.forget(next(iter(self.records)))
        return True

    def forget(self, node_id: bytes) -> None:
        """Forget a node's record."""
        known = self.records.pop(node_id, None)
        if known is not None:
            self._signatures.discard(known.signature)


def _bad(why: str) -> InvalidInput:
    return InvalidInput(f"a node record is refused: {why}", reason="BAD_RECORD")
