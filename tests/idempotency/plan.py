"""What is to be sent: so many payments, each once, all told apart by recipient and amount.

It is all that the client processes know, and all that they have left after a kill.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import NamedTuple

from quorate.core.crypto import SCHEME_ED25519, compute_address, compute_public_key
from quorate.sdk.keys import Key
from quorate.sdk.sender import LANES_MAX

AMOUNT_MIN = 1_000


class Send(NamedTuple):
    """One payment: who pays (the number of an account), under which key, how much to whom."""

    number: int
    account: int
    key: bytes
    to: bytes
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All payments and who sends them.

    Each account is used by `shares` processes at once, which divide its lanes among them. Each of
    these processes sends all payments of its account, `copies` times at once, over any of its
    `connections`, which go to the endpoints in turn.
    """

    seed: int
    sends: int
    endpoints: tuple[str, ...]
    account_seeds: tuple[str, ...]
    shares: int = 2
    connections: int = 5
    copies: int = 2

    @property
    def processes(self) -> int:
        """How many client processes there are."""
        return self.shares * len(self.account_seeds)

    def get_key(self, account: int) -> Key:
        """Return the key of an account."""
        return Key(bytes.fromhex(self.account_seeds[account]))

    def get_address(self, account: int) -> bytes:
        """Return the address of an account."""
        seed = bytes.fromhex(self.account_seeds[account])
        return compute_address(SCHEME_ED25519, compute_public_key(seed))

    def build_send(self, number: int) -> Send:
        """Return one payment."""
        name = f"idempotency {self.seed} {number}".encode()
        to, account = sha256(name).digest(), number % len(self.account_seeds)
        return Send(number, account, name[-64:], to, AMOUNT_MIN + number)

    def list_sends(self, account: int | None = None) -> list[Send]:
        """Return the payments of one account, or all."""
        every = [self.build_send(number) for number in range(self.sends)]
        return [each for each in every if account in (None, each.account)]

    def get_account(self, process: int) -> int:
        """Return the account that a process uses."""
        return process % len(self.account_seeds)

    def get_lanes(self, process: int) -> range:
        """Return the lanes of its account that a process uses."""
        each, share = LANES_MAX // self.shares, process // len(self.account_seeds)
        return range(share * each, (share + 1) * each)

    def iter_order(self, process: int, life: int) -> Iterator[Send]:
        """Yield the payments of a process in the order of this life of it."""
        sends = self.list_sends(self.get_account(process))
        Random(f"{self.seed} {process} {life}").shuffle(sends)
        yield from sends

    def save(self, path: Path) -> None:
        """Write it for the client processes."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read what `save` wrote."""
        document = json.loads(path.read_text())
        lists = {name: tuple(document[name]) for name in ("endpoints", "account_seeds")}
        return cls(**document | lists)
