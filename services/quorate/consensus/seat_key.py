"""The seat key: made once on the validator's own volume, beside the vote log, and never again.

A validator that finds data but no key must not make a new one: the old key may still be voting
elsewhere, or its votes be lost, and a new key is a new seat (design of seat handover).
"""

import os
from pathlib import Path
from secrets import token_bytes

from quorate.core.crypto import SEED_BYTES, SigningKey
from quorate.core.errors import RefusedToStart


def get_key_path(home: Path) -> Path:
    """Return where a home directory keeps the seat key."""
    return home / "consensus" / "seat.key"


def get_log_path(home: Path) -> Path:
    """Return where a home directory keeps the vote log."""
    return home / "consensus" / "log"


def init_seat(home: Path) -> SigningKey:
    """Return the seat key of a home, made if this volume is empty.

    Raises RefusedToStart (SEAT_KEY_MISSING) when there is chain data or a vote log but no key.
    """
    path = get_key_path(home)
    if path.exists():
        return _read(path)
    _refuse_if_used(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    key = SigningKey(token_bytes(SEED_BYTES))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.seed.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
    return key


def open_seat_key(home: Path) -> SigningKey:
    """Return the key of this home, whether it holds a seat, may hold one later, or never.

    A key that is not the one of the volume's vote log is refused there.
    Raises RefusedToStart: SEAT_KEY_MISSING or SEAT_KEY_UNREADABLE.
    """
    path = get_key_path(home)
    if not path.exists():
        _refuse_if_used(home)
        raise RefusedToStart(
            f"no seat key at {path}: make one before the first start, or start as observer",
            reason="SEAT_KEY_MISSING",
        )
    return _read(path)


def _read(path: Path) -> SigningKey:
    try:
        seed = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise RefusedToStart(
            f"cannot read {path}: {error}", reason="SEAT_KEY_UNREADABLE"
        ) from error
    if len(seed) != SEED_BYTES:
        raise RefusedToStart(f"{path} holds no key", reason="SEAT_KEY_UNREADABLE")
    return SigningKey(seed)


def _refuse_if_used(home: Path) -> None:
    for used in (get_log_path(home), home / "storage" / "db"):
        if used.exists():
            raise RefusedToStart(
                f"{used} exists but the seat key is gone: restore it from where it was moved; a "
                "new key would be a new seat (rotate the seat key instead), and never copy one",
                reason="SEAT_KEY_MISSING",
            )
