"""Accounts of a local network survive a restart and stay private."""

from pathlib import Path

import pytest

from quorate.core.errors import NotFound
from quorate.core.params import SUPPLY_MAX
from quorate.devnet import accounts


def test_accounts_are_the_same_when_read_again(tmp_path: Path) -> None:
    made = accounts.create_accounts(tmp_path)
    assert accounts.load_accounts(tmp_path) == made


def test_file_is_for_its_owner_only(tmp_path: Path) -> None:
    accounts.create_accounts(tmp_path)
    assert (tmp_path / "accounts.json").stat().st_mode & 0o077 == 0


def test_all_accounts_are_distinct_and_fit_the_supply(tmp_path: Path) -> None:
    balances = accounts.create_accounts(tmp_path).balances()
    assert len(balances) == accounts.LOAD_ACCOUNTS + 2
    assert sum(balances.values()) <= SUPPLY_MAX


def test_no_network_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="quorate devnet up"):
        accounts.load_accounts(tmp_path)
