"""Makes signed transactions: payloads and options in, the bytes to send and their id out.

Payloads are those of `core/transactions.py` and `core/kinds.py`; an empty signer stands for the
sender, as on the wire. `sdk/payloads.py` builds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.errors import InvalidTransaction
from quorate.core.transactions import (
    Payload,
    Signature,
    compute_transaction_id,
    compute_weight,
)
from quorate.core.values import Hash
from quorate.kit.convert import encode_body, encode_envelope
from quorate.sdk.keys import Key

_AMOUNT_LONGEST: Final = 2**62


class Signed(NamedTuple):
    """A signed transaction, ready to send; sending it again has no further effect."""

    id: Hash
    raw: bytes
    sender: bytes
    lane: int
    sequence: int
    valid_until_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stands in a transaction beside its payloads; see types/v1/transaction.proto."""

    sequence: int
    valid_until_height: int
    fee_limit: int
    lane: int = 0
    tip: int = 0
    idempotency_key: bytes = b""
    memo: bytes = b""


def sign_payloads(
    domain: bytes, keys: Sequence[Key], payloads: Sequence[Payload], options: Options
) -> Signed:
    """Return one transaction whose payloads take effect all or not at all.

    The first key is the sender, which pays; the others sign because payloads name them. Raises
    InvalidTransaction (SIGNERS_DIFFER) when a key is missing, repeated or not needed.
    """
    sender = keys[0].address
    if sorted(key.address for key in keys) != sorted(list_signers(sender, payloads)):
        raise InvalidTransaction(
            "the keys are not those of the sender and of each payload's signer, once each",
            reason="SIGNERS_DIFFER",
        )
    body = _encode(sender, payloads, options)
    raw = encode_envelope(body, [key.sign(domain, body) for key in keys])
    return Signed(
        compute_transaction_id(domain, body),
        raw,
        sender,
        options.lane,
        options.sequence,
        options.valid_until_height,
    )


def list_signers(sender: bytes, payloads: Sequence[Payload]) -> list[bytes]:
    """Return the addresses that must sign such a transaction, the sender first, each once."""
    return list(dict.fromkeys([sender, *[payload.signer or sender for payload in payloads]]))


def compute_weight_max(sender: bytes, payloads: Sequence[Payload], options: Options) -> int:
    """Return an upper bound of the weight of such a transaction, whatever its fee and tip are."""
    longest = replace(options, fee_limit=_AMOUNT_LONGEST, tip=_AMOUNT_LONGEST)
    blank = Signature(
        crypto.SCHEME_ED25519, bytes(crypto.PUBLIC_KEY_BYTES), bytes(crypto.SIGNATURE_BYTES)
    )
    signatures = [blank for _ in list_signers(sender, payloads)]
    size_bytes = len(encode_envelope(_encode(sender, payloads, longest), signatures))
    return compute_weight(size_bytes, len(signatures), payloads)


def encode_unsigned(sender: bytes, payloads: Sequence[Payload], options: Options) -> bytes:
    """Return such a transaction without its signatures: for a dry run."""
    return encode_envelope(_encode(sender, payloads, options), [])


def _encode(sender: bytes, payloads: Sequence[Payload], options: Options) -> bytes:
    named = [payload if payload.signer else payload._replace(signer=sender) for payload in payloads]
    return encode_body(
        sender,
        options.lane,
        options.sequence,
        named,
        valid_until_height=options.valid_until_height,
        fee_limit=options.fee_limit,
        tip=options.tip,
        idempotency_key=options.idempotency_key,
        memo=options.memo,
    )
