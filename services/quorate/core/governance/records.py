"""The records of proposals.

p                                   the open ones in the order they came: Opened
p ‖ proposal 32                     Proposal; gone when it has passed, ended, or nobody is for it
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.codec import U16, Reader, encode_blob
from quorate.core.errors import MalformedBytes
from quorate.core.governance.parameters import NAME_BYTES_MAX
from quorate.core.governance.upgrades import VERSION_BYTES_MAX
from quorate.core.values import Hash

OPEN_KEY: Final = b"p"
# Open at once, in all and of one proposer: so that few faulty seats can't shut out the others.
PROPOSALS_MAX: Final = 32
PROPOSALS_EACH_MAX: Final = 2
# A proposal takes votes in the epoch in which it was made and in so many after it.
PROPOSAL_EPOCHS: Final = 144

_TAG: Final = b"quorate/change/v1"
_VERSION: Final = 1
_HEAD: Final = Struct(">B32sQQQ")
_VOTE: Final = Struct(">32s?")
_OPENED: Final = Struct(">32s32sQ")


def compute_proposal_id(transaction_id: bytes, position: int) -> Hash:
    """Return the id of the proposal that a payload at a position of a transaction makes."""
    return crypto.compute_hash(_TAG, transaction_id, U16.pack(position))


def compute_proposal_key(proposal: bytes) -> bytes:
    """Return the key of a proposal's record."""
    return OPEN_KEY + proposal


def is_expired(proposed_epoch: int, epoch: int) -> bool:
    """Tell whether a proposal takes no more votes (docs/protocol.md#G3)."""
    return epoch > proposed_epoch + PROPOSAL_EPOCHS


class Opened(NamedTuple):
    """An open proposal: its id, whose it is, and the epoch in which it was made."""

    id: bytes
    proposer: bytes
    epoch: int


def encode_opened(opened: list[Opened]) -> bytes:
    """Return the record of open proposals."""
    return b"".join([_OPENED.pack(*each) for each in opened])


def decode_opened(record: bytes) -> list[Opened]:
    """Return the open proposals of a record; raises MalformedBytes."""
    if len(record) % _OPENED.size:
        raise MalformedBytes("open proposals", f"{len(record)} bytes")
    return [Opened(*each) for each in _OPENED.iter_unpack(record)]


@dataclass(slots=True)
class Proposal:
    """A change that seats vote on; `votes` maps candidates with a seat to whether they approve.

    Of a parameter: `parameter` and `value`. Of the rules: `version` and `height`.
    """

    proposer: bytes
    epoch: int
    parameter: str
    value: int
    version: str
    height: int
    votes: dict[bytes, bool] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the canonical record."""
        head = _HEAD.pack(_VERSION, self.proposer, self.epoch, self.value, self.height)
        names = encode_blob(self.parameter.encode()) + encode_blob(self.version.encode())
        votes = [_VOTE.pack(*each) for each in sorted(self.votes.items())]
        return head + names + U16.pack(len(votes)) + b"".join(votes)


def decode_proposal(record: bytes) -> Proposal:
    """Return the proposal of a record; raises MalformedBytes."""
    reader = Reader(record, "proposal")
    version, proposer, epoch, value, height = _HEAD.unpack(reader.take(_HEAD.size))
    if version != _VERSION:
        raise reader.fail("unknown version")
    try:
        parameter = reader.blob(NAME_BYTES_MAX).decode()
        rules = reader.blob(VERSION_BYTES_MAX).decode()
    except UnicodeDecodeError as error:
        raise MalformedBytes("proposal", "a name is not UTF-8") from error
    count = reader.u16()
    votes = dict(_VOTE.iter_unpack(reader.take(count * _VOTE.size)))
    reader.end()
    return Proposal(proposer, epoch, parameter, value, rules, height, votes)
