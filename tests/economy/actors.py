"""Who takes part: seat keys, owners, delegators, and what a transaction is before it is made."""

from functools import lru_cache
from typing import Any, NamedTuple

from quorate.core import crypto
from quorate.core.accusations import Evidence
from quorate.core.governance import payloads as governance
from quorate.core.locks import payloads as locks
from quorate.core.staking import payloads as stake
from quorate.core.tokens import payloads as tokens
from quorate.core.transactions import Payload, SubmitEvidence, Transaction, Transfer
from quorate.core.values import Hash
from tests.unit.quorate.core.liars import Liar

DOMAIN = b"economy".ljust(32)
# Execution leaves proofs to admission, like the signatures of the envelope.
PROOF = bytes(64)
# What a transaction weighs that is made by `World.make_sent`.
WEIGHT_SENT = 10


class Sent(NamedTuple):
    """A transaction; a payload is (kind, signer, its other fields in order, without proofs)."""

    sender: bytes
    lane: int
    sequence: int
    valid_until_height: int
    fee_limit: int
    tip: int
    weight: int
    payloads: tuple[tuple[Any, ...], ...]


class Accusation(NamedTuple):
    """Evidence against `accused` (epoch, seat), by a seat; `is_true`: that seat signed it."""

    sender: bytes
    lane: int
    sequence: int
    valid_until_height: int
    reporter: int
    accused: tuple[int, int]
    is_true: bool
    key: int


Item = Sent | Accusation


def get_address(number: int) -> bytes:
    """Return the address of an owner, operator or delegator."""
    return crypto.compute_hash(b"actor", number.to_bytes(4, "big"))


@lru_cache(maxsize=4_096)
def get_key(number: int) -> crypto.SigningKey:
    """Return a seat key."""
    return crypto.SigningKey(crypto.compute_hash(b"seat key", number.to_bytes(4, "big")))


def build_payload(kind: str, signer: bytes, *fields: Any) -> Payload:
    """Return the real payload of a plain one."""
    if kind == "Transfer":
        return Transfer(signer, *fields)
    values = list(fields)
    proof_at = {"RegisterCandidate": 2, "RotateSeatKey": 2, "Ready": 3}.get(kind)
    if proof_at is not None:
        values.insert(proof_at, PROOF)
    home = next(each for each in (stake, tokens, locks, governance) if hasattr(each, kind))
    payload: Payload = getattr(home, kind)(signer, *values)
    return payload


def build_transaction(item: Item, number: int) -> Transaction:
    """Return the real transaction of a plain one; `number` makes its id."""
    payloads: tuple[Payload, ...]
    if isinstance(item, Sent):
        payloads = tuple([build_payload(*payload) for payload in item.payloads])
        fees = item.fee_limit, item.tip
        weight = item.weight
    else:
        first, second = _build_evidence(item.accused, item.key)
        payloads = (SubmitEvidence(item.sender, first, second, item.reporter),)
        fees, weight = (0, 0), 500
    return Transaction(
        Hash(number.to_bytes(32, "big")), item.sender, item.lane, item.sequence,
        item.valid_until_height, *fees, b"", b"", payloads, bytes(32), (), b"", 100, weight,
    )  # fmt: skip


@lru_cache(maxsize=1_024)
def _build_evidence(accused: tuple[int, int], key: int) -> tuple[bytes, bytes]:
    epoch, seat = accused
    evidence: Evidence = Liar(get_key(key), seat, DOMAIN, epoch).lie()
    return evidence.encode()
