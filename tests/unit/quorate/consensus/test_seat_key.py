"""The seat key is made once, and never anew beside data."""

import stat
from pathlib import Path

import pytest

from quorate.consensus.seat_key import get_key_path, get_log_path, init_seat, open_seat_key
from quorate.core.crypto import SigningKey
from quorate.core.errors import RefusedToStart
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params

OTHER = SigningKey(b"2" * 32)


def build(key: SigningKey, next_key: SigningKey | None = None) -> Genesis:
    """Return a genesis whose only seat is the key's, from epoch 1 on another key's if given."""
    seats, following = ([build_seat_entry("t", "v0", each)] for each in (key, next_key or key))
    return parse_genesis(build_genesis("t", 1, Params(), seats, {}, next_seats=following))


def test_init_seat_makes_a_private_key_once(tmp_path: Path) -> None:
    key = init_seat(tmp_path)
    assert stat.S_IMODE(get_key_path(tmp_path).stat().st_mode) == 0o600
    assert init_seat(tmp_path).public_key == key.public_key


def test_a_key_of_either_set_of_the_genesis_opens(tmp_path: Path) -> None:
    key = init_seat(tmp_path)
    assert open_seat_key(tmp_path, build(key)).public_key == key.public_key
    assert open_seat_key(tmp_path, build(OTHER, next_key=key)).public_key == key.public_key


@pytest.mark.parametrize("used", ["consensus/log", "storage/db"])
def test_missing_key_beside_data_refuses_and_makes_none(tmp_path: Path, used: str) -> None:
    key = init_seat(tmp_path)
    (tmp_path / used).mkdir(parents=True)
    get_key_path(tmp_path).unlink()
    for attempt in (lambda: init_seat(tmp_path), lambda: open_seat_key(tmp_path, build(key))):
        with pytest.raises(RefusedToStart) as refused:
            attempt()
        assert refused.value.reason == "SEAT_KEY_MISSING"
    assert not get_key_path(tmp_path).exists()


def test_key_of_no_seat_refuses(tmp_path: Path) -> None:
    init_seat(tmp_path)
    with pytest.raises(RefusedToStart) as refused:
        open_seat_key(tmp_path, build(OTHER))
    assert refused.value.reason == "SEAT_KEY_NOT_IN_SET"


@pytest.mark.parametrize("text", ["", "zz", "00" * 31])
def test_unreadable_key_refuses(tmp_path: Path, text: str) -> None:
    key = init_seat(tmp_path)
    get_key_path(tmp_path).write_text(text)
    with pytest.raises(RefusedToStart) as refused:
        open_seat_key(tmp_path, build(key))
    assert refused.value.reason == "SEAT_KEY_UNREADABLE"
    assert get_log_path(tmp_path).name == "log"
