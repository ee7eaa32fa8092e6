"""Evidence as it goes on chain: its layout, and who accepts it when (docs/protocol.md#V2 to V5).

An item is one signed message: a vote as it was sent, or a proposal without its batch names (kind
u8, signature 64, header). What was signed is the header's digest; with the names, a liar could make
its proposals too large for any transaction.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.bft.evidence import Signed, get_digest, get_kind, get_view, is_conflict
from quorate.core.bft.messages import TAGS, Kind, Proposal, Vote, decode_message, encode_statement
from quorate.core.blocks import HEADER_BYTES, Block, Header, compute_digest
from quorate.core.codec import U16, U64, Reader, pack_list, unpack_list
from quorate.core.errors import InvalidTransaction, MalformedBytes

_PROPOSAL_BYTES: Final = 1 + crypto.SIGNATURE_BYTES + HEADER_BYTES
# Evidence of the current epoch and of so many before it is accepted: a seat of the last one can
# still be found, and the sets of older epochs need not be kept.
EPOCHS_BACK: Final = 1

NOT_A_REPORTER: Final = "NOT_A_REPORTER"
UNTIMELY: Final = "EVIDENCE_UNTIMELY"
KNOWN: Final = "EVIDENCE_KNOWN"
INVALID: Final = "EVIDENCE_INVALID"

# The key of a seat in the set of an epoch; None when there is no such seat, or no such set here.
GetSeatKey = Callable[[int, int], bytes | None]


class Evidence(NamedTuple):
    """Two conflicting messages of one seat in one view; `first` encodes to the smaller bytes."""

    epoch: int
    view: int
    seat: int
    first: Signed
    second: Signed

    def encode(self) -> tuple[bytes, bytes]:
        """Return both items as a payload carries them."""
        return encode_item(self.first), encode_item(self.second)

    def compute_hash(self) -> bytes:
        """Return the name of this pair; items show their own length, so it is unambiguous."""
        return crypto.compute_hash(b"quorate/evidence/v1", *self.encode())


def get_epoch(message: Signed) -> int:
    """Return the epoch a signed message belongs to."""
    return message.block.header.epoch if isinstance(message, Proposal) else message.epoch


def get_seat(message: Signed) -> int:
    """Return the seat that a signed message says it is of."""
    return message.block.header.proposer if isinstance(message, Proposal) else message.seat


def encode_item(message: Signed) -> bytes:
    """Return a message as evidence carries it: a proposal without its batch names."""
    return message.encode()[:_PROPOSAL_BYTES]


def decode_item(data: bytes) -> Signed:
    """Return the signed message of an item, a proposal with no names; raises MalformedBytes."""
    if data[:1] == bytes((Kind.PROPOSAL,)):
        reader = Reader(data, "evidence")
        reader.u8()
        signature = reader.take(crypto.SIGNATURE_BYTES)
        header = reader.rest()
        block = Block(Header.decode(header), (), compute_digest(header))
        return Proposal(block, signature)
    message = decode_message(data)
    if not isinstance(message, Vote):
        raise MalformedBytes("evidence", "holds something that no seat signs in a view")
    return message


def build_evidence(one: Signed, other: Signed) -> Evidence:
    """Return the evidence that two messages make, whichever came first.

    Raises InvalidTransaction (EVIDENCE_LAWFUL) when an honest seat may have sent both.
    """
    place = get_epoch(one), get_view(one), get_seat(one)
    if place != (get_epoch(other), get_view(other), get_seat(other)):
        raise _lawful("the messages are not of one epoch, view and seat")
    if not is_conflict(one, other):
        raise _lawful("an honest seat may sign both messages")
    return Evidence(*place, *sorted((one, other), key=encode_item))


def decode_evidence(first: bytes, second: bytes) -> Evidence:
    """Return the evidence of two items; whose signatures hold is `judge_report`'s to say.

    Raises InvalidTransaction: EVIDENCE_MALFORMED, EVIDENCE_LAWFUL, or NON_CANONICAL when the items
    stand in the other order.
    """
    try:
        evidence = build_evidence(decode_item(first), decode_item(second))
    except MalformedBytes as error:
        raise InvalidTransaction(error.message, reason="EVIDENCE_MALFORMED") from error
    if first > second:
        raise InvalidTransaction("evidence in the wrong order", reason="NON_CANONICAL")
    return evidence


def try_decode_evidence(first: bytes, second: bytes) -> Evidence | None:
    """Return the evidence of two items, None when they are none.

    Under a certificate nothing is known of what is inside, not even that it is evidence.
    """
    try:
        return decode_evidence(first, second)
    except InvalidTransaction:
        return None


def build_record(one: Signed, other: Signed) -> tuple[bytes, bytes]:
    """Return the vote log's record of evidence: one per epoch and seat, the last one found."""
    evidence = build_evidence(one, other)
    key = b"e" + U64.pack(evidence.epoch) + U16.pack(evidence.seat)
    return key, pack_list(evidence.encode())


def decode_record(value: bytes) -> Evidence:
    """Return the evidence of a vote log's record; raises InvalidInput."""
    first, second = unpack_list(value, 2, "evidence record")
    return decode_evidence(first, second)


def is_authentic(message: Signed, key: bytes, domain: bytes) -> bool:
    """Tell whether a seat's key signed this message for this chain."""
    statement = encode_statement(get_epoch(message), get_view(message), get_digest(message))
    return crypto.is_signed(key, message.signature, TAGS[get_kind(message)], domain, statement)


def is_timely(evidence_epoch: int, epoch: int) -> bool:
    """Tell whether evidence of an epoch is accepted in `epoch` (docs/protocol.md#V3)."""
    return epoch - EPOCHS_BACK <= evidence_epoch <= epoch


class Reporter(NamedTuple):
    """Who brings evidence: the seat it says it holds in the current epoch, and its address."""

    seat: int
    address: bytes


def find_objection(
    evidence: Evidence, reporter: Reporter, epoch: int, get_seat_key: GetSeatKey
) -> str:
    """Return why evidence is refused before its signatures are looked at; "" when it is not.

    Whether the accused is marked already is for the caller, who has the state.
    """
    own = get_seat_key(epoch, reporter.seat)
    if own is None or _address(own) != reporter.address:
        return NOT_A_REPORTER
    if not is_timely(evidence.epoch, epoch):
        return UNTIMELY
    accused = get_seat_key(evidence.epoch, evidence.seat)
    if accused is None:
        return INVALID
    return NOT_A_REPORTER if accused == own else ""


def are_signed(evidence: Evidence, get_seat_key: GetSeatKey, domain: bytes) -> bool:
    """Tell whether the accused seat's key signed both messages for this chain."""
    key = get_seat_key(evidence.epoch, evidence.seat)
    if key is None:
        return False
    return all(is_authentic(each, key, domain) for each in (evidence.first, evidence.second))


def _address(key: bytes) -> bytes:
    return crypto.compute_address(crypto.SCHEME_ED25519, key)


def _lawful(why: str) -> InvalidTransaction:
    return InvalidTransaction(why, reason="EVIDENCE_LAWFUL")
