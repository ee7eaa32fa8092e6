"""Errors of keys and phrases; all others are quorate.core.errors', which this re-exports."""

from quorate.core.errors import (
    InvalidInput,
    InvalidReceipt,
    InvalidTransaction,
    NotFound,
    NotYet,
    Overloaded,
    QuorateError,
    Rejected,
    Unavailable,
)

__all__ = [
    "InvalidInput",
    "InvalidPhrase",
    "InvalidReceipt",
    "InvalidTransaction",
    "MalformedKeyFile",
    "NotFound",
    "NotYet",
    "Overloaded",
    "QuorateError",
    "Rejected",
    "Unavailable",
    "WrongPassword",
]


class InvalidPhrase(InvalidInput):
    """Words are no BIP-39 phrase: one is unknown, or their checksum is wrong."""

    reason = "INVALID_PHRASE"


class MalformedKeyFile(InvalidInput):
    """A file is no key file, or was changed after it was written."""

    reason = "MALFORMED_KEY_FILE"


class WrongPassword(InvalidInput):
    """A key file does not open with this password (or its ciphertext was changed)."""

    reason = "WRONG_PASSWORD"
