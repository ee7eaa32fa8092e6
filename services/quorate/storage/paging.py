"""Pages of what is listed: their sizes, and tokens that say where the next one begins."""

import base64
import binascii
from typing import Final

from quorate.core.errors import InvalidInput, MalformedBytes
from quorate.core.values import HASH_BYTES

PAGE_SIZE: Final = 100
PAGE_SIZE_MAX: Final = 1_000


def check_hash(data: bytes, what: str) -> None:
    """Raise InvalidInput (MALFORMED) unless these are the 32 bytes of an address, id or digest."""
    if len(data) != HASH_BYTES:
        raise InvalidInput(f"{what} has {len(data)} bytes, not {HASH_BYTES}", reason="MALFORMED")


def compute_page_size(asked: int) -> int:
    """Return how many a page holds at most."""
    return min(asked or PAGE_SIZE, PAGE_SIZE_MAX)


def encode_page(kind: bytes, place: bytes) -> str:
    """Return a page token of a kind of list (one byte) that goes on at a place."""
    return base64.urlsafe_b64encode(kind + place).decode()


def decode_page(kind: bytes, text: str, size_bytes: int) -> bytes:
    """Return the place that a page token of this kind holds; raises MalformedBytes."""
    try:
        data = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedBytes("page token", "is not one of ours") from error
    if data[:1] != kind or len(data) != 1 + size_bytes:
        raise MalformedBytes("page token", "is not one of ours")
    return data[1:]
