"""Why a mempool does not take a transaction, as far as one transaction and one account tell."""

from collections.abc import Mapping
from typing import Final

from quorate.core.fees import PRICE_MAX, compute_price
from quorate.core.gossip.entries import Account, Checked, Lane, Refusal
from quorate.core.params import Params

SENDER_COUNT_MAX: Final = 16_384


def refuse(reason: str, message: str, **fields: int) -> Refusal:
    """Return a refusal with its typed details."""
    return Refusal(reason, message, {name: str(value) for name, value in fields.items()})


def check_height_and_fee(
    checked: Checked, height: int, base_fee: int, params: Params
) -> Refusal | None:
    """Judge expiry, weight and fee limit against the chain at `height` (docs/protocol.md#M1)."""
    valid_until, next_height, weight = checked[3], height + 1, checked[6]
    if valid_until < next_height:
        return refuse("EXPIRED", f"valid until {valid_until}", height=height)
    if valid_until > next_height + params.validity_max_blocks:
        most = next_height + params.validity_max_blocks
        return refuse("EXPIRES_TOO_FAR", f"may be valid until {most}", height_max=most)
    if weight > params.block_weight_max:
        most = params.block_weight_max
        return refuse("OVERSIZED", f"weighs {weight}, a block at most {most}", weight_max=most)
    if checked[4] < base_fee * weight and not checked[13]:
        needed = base_fee * weight
        return refuse("FEE_TOO_LOW", f"costs {needed} now", fee_limit_min=needed)
    return None


def check_balance(account: Account, checked: Checked, freed: int) -> Refusal | None:
    """Judge whether the balance covers this and what waits; `freed` of that goes with it."""
    reserved = account.reserved - freed
    if account.balance >= reserved + checked[4] + checked[5] + checked[7]:
        return None
    return refuse(
        "INSUFFICIENT_BALANCE",
        "the balance does not cover this and what is waiting",
        balance=account.balance,
        reserved=reserved,
    )


def check_key(
    checked: Checked, held: Mapping[bytes, tuple[bytes, bytes]], known_hash: bytes, replaced: bytes
) -> Refusal | None:
    """Judge the idempotency key against state and what is held, but for the id `replaced`."""
    if not checked[10]:
        return None
    bound, id_ = held.get(checked.scoped_key, (b"", b""))
    known = known_hash or (b"" if id_ == replaced else bound)
    if known and known != checked[12]:
        return refuse("IDEMPOTENCY_CONFLICT", "the key stands for other payloads")
    return None


def compute_rank(lane: Lane, checked: Checked) -> int:
    """Return at which price an arriving transaction would stand; -1 when it can't be batched."""
    sequence = checked[2]
    price = PRICE_MAX if checked[13] else compute_price(checked[5], checked[6])
    if sequence > lane.end or (lane.is_held and sequence > lane.cursor):
        return -1
    return min(price, lane.price) if lane.is_queued and sequence > lane.cursor else price
