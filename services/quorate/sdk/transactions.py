"""Makes signed transactions: payloads and options in, the bytes to send and their id out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.transactions import Signature, Transfer, compute_transaction_id, compute_weight
from quorate.core.values import Hash
from quorate.kit.convert import encode_body, encode_envelope
from quorate.sdk.keys import Key

# The base fee moves by at most 1/8 per block: four times it holds for a dozen full blocks.
HEADROOM: Final = 4
_FEE_LIMIT_LONGEST: Final = 2**62


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


def sign_transfers(
    domain: bytes, key: Key, transfers: Sequence[tuple[bytes, int]], options: Options
) -> Signed:
    """Return one signed transaction that moves (address, amount) pairs, all or nothing."""
    body = _encode(key.address, transfers, options)
    raw = encode_envelope(body, [key.sign(domain, body)])
    return Signed(
        compute_transaction_id(domain, body),
        raw,
        key.address,
        options.lane,
        options.sequence,
        options.valid_until_height,
    )


def estimate_fee_limit(
    base_fee: int,
    transfers: Sequence[tuple[bytes, int]],
    options: Options,
    *,
    headroom: int = HEADROOM,
) -> int:
    """Return weight × base fee × headroom, the weight being an upper bound for these options."""
    longest = replace(options, fee_limit=_FEE_LIMIT_LONGEST)
    body = _encode(bytes(32), transfers, longest)
    blank = Signature(
        crypto.SCHEME_ED25519, bytes(crypto.PUBLIC_KEY_BYTES), bytes(crypto.SIGNATURE_BYTES)
    )
    payloads = [Transfer(bytes(32), to, amount) for to, amount in transfers]
    weight = compute_weight(len(encode_envelope(body, [blank])), 1, payloads)
    return weight * base_fee * headroom


def _encode(sender: bytes, transfers: Sequence[tuple[bytes, int]], options: Options) -> bytes:
    return encode_body(
        sender,
        options.lane,
        options.sequence,
        [Transfer(sender, to, amount) for to, amount in transfers],
        valid_until_height=options.valid_until_height,
        fee_limit=options.fee_limit,
        tip=options.tip,
        idempotency_key=options.idempotency_key,
        memo=options.memo,
    )
