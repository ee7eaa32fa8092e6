"""Transactions as the core sees them, and every check that needs no state.

Bytes are decoded once per service by `kit/convert.py`; these are tuples because a frozen dataclass
per transaction costs ten times the parse.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.accusations import decode_evidence
from quorate.core.errors import InvalidTransaction
from quorate.core.kinds import CONTRACT_TYPES, Action, check_proofs, get_kind
from quorate.core.params import IDEMPOTENCY_KEY_BYTES_MAX, Params
from quorate.core.values import HASH_BYTES, UINT64_MAX, Hash

WEIGHT_PER_SIGNATURE: Final = 100
WEIGHT_PER_PAYLOAD: Final = 50
WEIGHT_PER_BYTE: Final = 1
# Both messages of evidence are verified like signatures of the envelope.
EVIDENCE_SIGNATURES: Final = 2


class Transfer(NamedTuple):
    """Moves `amount` of the native token from the payload's signer to `to`."""

    signer: bytes
    to: bytes
    amount: int


class SubmitEvidence(NamedTuple):
    """Brings two items of evidence (core/accusations.py); `signer` is the seat `reporter`'s key."""

    signer: bytes
    first: bytes
    second: bytes
    reporter: int


Payload = Transfer | SubmitEvidence | Action


class Signature(NamedTuple):
    """One signature of the envelope, over the body under TAG_TRANSACTION."""

    scheme: int
    public_key: bytes
    signature: bytes


class Transaction(NamedTuple):
    """A decoded transaction; `body` is exactly what was signed, `size_bytes` the envelope's."""

    id: Hash
    sender: bytes
    lane: int
    sequence: int
    valid_until_height: int
    fee_limit: int
    tip: int
    idempotency_key: bytes
    memo: bytes
    payloads: tuple[Payload, ...]
    payload_hash: bytes
    signatures: tuple[Signature, ...]
    body: bytes
    size_bytes: int
    weight: int

    @property
    def report(self) -> SubmitEvidence | None:
        """The evidence that this transaction brings, which then is its first payload; or None."""
        payload = self.payloads[0] if self.payloads else None
        return payload if isinstance(payload, SubmitEvidence) else None

    @property
    def has_calls(self) -> bool:
        """Tell whether contracts are made or called: only where there is a machine for it."""
        return any(type(payload) in CONTRACT_TYPES for payload in self.payloads)


def compute_transaction_id(domain: bytes, body: bytes) -> Hash:
    """Return SHA-256(tag ‖ domain ‖ body), the id of a transaction on one chain."""
    return crypto.compute_hash(crypto.TAG_TRANSACTION, domain, body)


def compute_payload_hash(payloads: list[bytes]) -> bytes:
    """Return the hash an idempotency key is bound to: of the encoded payloads in order."""
    digest = sha256(b"quorate/payloads/v1")
    for payload in payloads:
        digest.update(len(payload).to_bytes(4, "big") + payload)
    return digest.digest()


def compute_weight(size_bytes: int, signatures: int, payloads: Sequence[Payload]) -> int:
    """Return the static weight of a transaction, which its batch declares and its fee is per."""
    weight = (
        size_bytes * WEIGHT_PER_BYTE
        + signatures * WEIGHT_PER_SIGNATURE
        + len(payloads) * WEIGHT_PER_PAYLOAD
    )
    for payload in payloads:
        if isinstance(payload, Transfer):
            continue
        if isinstance(payload, SubmitEvidence):
            weight += EVIDENCE_SIGNATURES * WEIGHT_PER_SIGNATURE
        else:
            kind = get_kind(payload)
            weight += kind.weight + kind.weigh(payload)
    return weight


def check_transaction(transaction: Transaction, params: Params) -> None:
    """Raise InvalidTransaction unless every stateless rule holds (docs/protocol.md#T1).

    Signatures are not verified here: `check_signatures` does that in a helper process.
    """
    sizes = transaction.size_bytes, params.transaction_size_bytes_max
    if sizes[0] > sizes[1]:
        raise _invalid("OVERSIZED", f"{sizes[0]} bytes, at most {sizes[1]}", size_bytes=sizes[0])
    if len(transaction.sender) != HASH_BYTES:
        raise _invalid("MALFORMED", "the sender is no address")
    if transaction.lane >= params.lanes_max:
        raise _invalid("LANE_OUT_OF_RANGE", f"lane {transaction.lane}", lane=transaction.lane)
    if len(transaction.idempotency_key) > IDEMPOTENCY_KEY_BYTES_MAX:
        raise _invalid("OVERSIZED", "the idempotency key is longer than 64 bytes")
    if len(transaction.memo) > params.memo_size_bytes_max:
        raise _invalid("OVERSIZED", "the memo is too long")
    if not 1 <= len(transaction.payloads) <= params.payloads_max:
        raise _invalid("PAYLOAD_COUNT", f"{len(transaction.payloads)} payloads, 1 to 16 allowed")
    if transaction.sequence == UINT64_MAX or transaction.fee_limit + transaction.tip > UINT64_MAX:
        raise _invalid("OUT_OF_RANGE", "sequence or fee is out of range")
    for payload in transaction.payloads:
        if isinstance(payload, SubmitEvidence):
            _check_report(transaction)
        else:
            check_payload(payload)
    _check_signers(transaction)


def check_payload(payload: Transfer | Action) -> None:
    """Raise InvalidTransaction unless a payload is right in form, whatever the state."""
    if not isinstance(payload, Transfer):
        get_kind(payload).check(payload)
    elif len(payload.to) != HASH_BYTES or len(payload.signer) != HASH_BYTES:
        raise _invalid("MALFORMED", "a payload names something that is no address")
    elif payload.amount < 1:
        raise _invalid("AMOUNT_ZERO", "a transfer must move at least 1")


def is_report_form(transaction: Transaction) -> bool:
    """Tell whether a report has nothing but its evidence (docs/protocol.md#T7)."""
    report = transaction.report
    others = (
        transaction.lane, transaction.fee_limit, transaction.tip,
        len(transaction.idempotency_key), len(transaction.memo), len(transaction.payloads) - 1,
    )  # fmt: skip
    return report is not None and report.signer == transaction.sender and not any(others)


def _check_report(transaction: Transaction) -> None:
    report = transaction.report
    if report is None or not is_report_form(transaction):
        raise _invalid(
            "EVIDENCE_FORM", "evidence stands alone, in lane 0, without fee, tip or memo"
        )
    decode_evidence(report.first, report.second)


def _check_signers(transaction: Transaction) -> None:
    needed = {transaction.sender, *[payload.signer for payload in transaction.payloads]}
    given: set[bytes] = set()
    for scheme, public_key, signature in transaction.signatures:
        if scheme != crypto.SCHEME_ED25519:
            raise _invalid("UNKNOWN_SCHEME", f"signature scheme {scheme}", scheme=scheme)
        if len(public_key) != crypto.PUBLIC_KEY_BYTES or len(signature) != crypto.SIGNATURE_BYTES:
            raise _invalid("MALFORMED", "a key or signature has the wrong length")
        address = crypto.compute_address(scheme, public_key)
        if address in given or address not in needed:
            raise _invalid("SIGNERS_DIFFER", "a signature is repeated or not needed")
        given.add(address)
    if given != needed:
        raise _invalid("SIGNERS_DIFFER", "a signer that is named did not sign")


def check_signatures(transaction: Transaction, domain: bytes) -> None:
    """Raise InvalidTransaction (BAD_SIGNATURE, BAD_PROOF) unless every signature verifies."""
    for _, public_key, signature in transaction.signatures:
        if not crypto.is_signed(
            public_key, signature, crypto.TAG_TRANSACTION, domain, transaction.body
        ):
            raise _invalid("BAD_SIGNATURE", "a signature does not verify for this chain")
    check_proofs(transaction.payloads, domain)


def _invalid(reason: str, message: str, **fields: object) -> InvalidTransaction:
    return InvalidTransaction(message, reason=reason, **fields)
