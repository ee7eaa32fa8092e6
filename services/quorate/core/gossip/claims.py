"""What a transaction claims to pay, from a few of its bytes, before anything is checked.

A body's fields stand in order in the canonical encoding, and the tip is its sixth; reading so far
costs a tenth of decoding. Only for deciding what is worth a check when there is no room for all.
"""

from typing import Final

from quorate.core.fees import compute_price

# Tags of protobuf's wire format: SignedTransaction.body, Body.sender, Body.tip.
_TAG_BODY: Final = 0x0A
_SENDER: Final = b"\x0a\x20"
_SENDER_BYTES: Final = 34
_TAG_TIP: Final = 0x30
_FIELDS_BEFORE: Final = 4


def find_claimed_price(raw: bytes) -> int:
    """Return the price that an encoded transaction would have, by its size alone; 0 if unclear."""
    try:
        if raw[0] != _TAG_BODY:
            return 0
        _, at = _read_varint(raw, 1)
        if raw[at : at + 2] != _SENDER:
            return 0
        at += _SENDER_BYTES
        for _ in range(_FIELDS_BEFORE):
            if raw[at] >= _TAG_TIP:
                break
            _, at = _read_varint(raw, at + 1)
        if raw[at] != _TAG_TIP:
            return 0
        tip, _ = _read_varint(raw, at + 1)
    except IndexError:
        return 0
    return compute_price(tip, len(raw))


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, at
