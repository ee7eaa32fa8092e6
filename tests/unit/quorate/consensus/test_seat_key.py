"""The seat key is made once, and never anew beside data."""

import stat
from pathlib import Path

import pytest

from quorate.consensus.seat_key import get_key_path, get_log_path, init_seat, open_seat_key
from quorate.core.errors import RefusedToStart


def test_init_seat_makes_a_private_key_once(tmp_path: Path) -> None:
    key = init_seat(tmp_path)
    assert stat.S_IMODE(get_key_path(tmp_path).stat().st_mode) == 0o600
    assert init_seat(tmp_path).public_key == key.public_key


def test_the_key_opens_whether_it_holds_a_seat_or_not(tmp_path: Path) -> None:
    key = init_seat(tmp_path)
    assert open_seat_key(tmp_path).public_key == key.public_key


def test_a_home_without_a_key_refuses_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(RefusedToStart) as refused:
        open_seat_key(tmp_path)
    assert refused.value.reason == "SEAT_KEY_MISSING"
    assert not get_key_path(tmp_path).exists()


@pytest.mark.parametrize("used", ["consensus/log", "storage/db"])
def test_missing_key_beside_data_refuses_and_makes_none(tmp_path: Path, used: str) -> None:
    init_seat(tmp_path)
    (tmp_path / used).mkdir(parents=True)
    get_key_path(tmp_path).unlink()
    for attempt in (lambda: init_seat(tmp_path), lambda: open_seat_key(tmp_path)):
        with pytest.raises(RefusedToStart) as refused:
            attempt()
        assert refused.value.reason == "SEAT_KEY_MISSING"
    assert not get_key_path(tmp_path).exists()


@pytest.mark.parametrize("text", ["", "zz", "00" * 31])
def test_unreadable_key_refuses(tmp_path: Path, text: str) -> None:
    init_seat(tmp_path)
    get_key_path(tmp_path).write_text(text)
    with pytest.raises(RefusedToStart) as refused:
        open_seat_key(tmp_path)
    assert refused.value.reason == "SEAT_KEY_UNREADABLE"
    assert get_log_path(tmp_path).name == "log"
