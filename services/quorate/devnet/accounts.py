"""The accounts of a local network: faucet, demo account and senders of load, funded at genesis.

Their seeds are random, made once, and lie in the network's directory in a file only its owner can
read. They are worth nothing outside this network: a signature covers the chain's domain.
"""

import json
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from quorate.core.crypto import SCHEME_ED25519, SEED_BYTES, compute_address, compute_public_key
from quorate.core.errors import NotFound
from quorate.core.values import Address, format_address

UNIT = 10**9
FAUCET_BALANCE = 1_000_000_000 * UNIT
DEMO_BALANCE = 1_000_000 * UNIT
LOAD_BALANCE = 1_000_000 * UNIT
LOAD_ACCOUNTS = 256
# What the candidate of validator-0 has bonded; each next one has a little less.
STAKE_MOST = 100_000 * UNIT
_FILE = "accounts.json"


@dataclass(frozen=True, slots=True)
class DevAccounts:
    """Seeds of a local network's accounts.

    Those of the load senders, and of owners and operators of candidates, come from one root.
    """

    faucet: bytes
    demo: bytes
    load_root: bytes

    def load_seed(self, index: int) -> bytes:
        """Return the seed of the load sender with this number, 0 to LOAD_ACCOUNTS − 1."""
        return sha256(self.load_root + index.to_bytes(4, "big")).digest()

    def owner_seed(self, name: str) -> bytes:
        """Return the seed of the account that owns the candidate of a validator, by its name."""
        return sha256(self.load_root + b"owner" + name.encode()).digest()

    def operator_seed(self, name: str) -> bytes:
        """Return the seed of the key that operates the candidate of a validator, by its name."""
        return sha256(self.load_root + b"operator" + name.encode()).digest()

    def balances(self) -> dict[str, int]:
        """Return what the genesis gives to whom, as address text → smallest units."""
        funded = {self.faucet: FAUCET_BALANCE, self.demo: DEMO_BALANCE}
        funded |= {self.load_seed(index): LOAD_BALANCE for index in range(LOAD_ACCOUNTS)}
        return {format_address(address_of(seed)): balance for seed, balance in funded.items()}


def address_of(seed: bytes) -> Address:
    """Return the account address of a seed."""
    return compute_address(SCHEME_ED25519, compute_public_key(seed))


def compute_stake(name: str) -> int:
    """Return what the candidate of a validator bonds: so that seats stand in order of names."""
    return STAKE_MOST - int(name.rpartition("-")[2]) * UNIT


def create_accounts(directory: Path) -> DevAccounts:
    """Make random accounts and write them to the network's directory (mode 0600)."""
    accounts = DevAccounts(*(secrets.token_bytes(SEED_BYTES) for _ in range(3)))
    document = {
        "note": "Seeds of a local test network. Worth nothing anywhere else.",
        "faucet": accounts.faucet.hex(),
        "demo": accounts.demo.hex(),
        "load_root": accounts.load_root.hex(),
    }
    descriptor = os.open(directory / _FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
    return accounts


def load_accounts(directory: Path) -> DevAccounts:
    """Return the accounts of an existing network; raises NotFound when it has none."""
    try:
        document = json.loads((directory / _FILE).read_text())
        return DevAccounts(*(bytes.fromhex(document[n]) for n in ("faucet", "demo", "load_root")))
    except (OSError, ValueError, KeyError) as error:
        raise NotFound(
            f"no accounts of a local network in {directory}: make one with `quorate devnet up`",
            reason="NO_DEVNET",
            directory=directory,
        ) from error
