"""Clients of the full-node world: real signed transactions, most of them sound, some hopeless."""

from __future__ import annotations

from random import Random

from quorate.core import crypto
from quorate.core.genesis import Genesis
from quorate.core.state import decode_account
from quorate.core.transactions import Signature, Transfer
from quorate.core.values import Address
from quorate.kit.convert import encode_body, encode_envelope
from tests.sim.database import Database
from tests.sim.keys import make_key

ACCOUNTS = 8
LANES = 2
# Keys of clients are numbered above those of seats.
FIRST_KEY = 200
# So far ahead of the chain a client gives up and starts from what the chain says.
AHEAD_MAX = 3


class Wallets:
    """Some accounts, rich and poor, and the sequence that each of their lanes is at."""

    def __init__(self, seed: int, rng: Random, *, real: bool) -> None:
        self._rng = rng
        self._keys = [make_key(seed, FIRST_KEY + each, real=real) for each in range(ACCOUNTS)]
        scheme = crypto.SCHEME_ED25519
        self._addresses = [crypto.compute_address(scheme, k.public_key) for k in self._keys]
        self._next: dict[tuple[int, int], int] = {}

    def list_balances(self) -> tuple[tuple[Address, int], ...]:
        """Return what the accounts have in the genesis: half of them next to nothing."""
        return tuple(
            (address, 1_000_000_000 if index % 2 else 2_000)
            for index, address in enumerate(self._addresses)
        )

    def make(self, genesis: Genesis, database: Database, height: int, *, bad: bool) -> bytes:
        """Return an encoded SignedTransaction; `bad` breaks its signature."""
        rng, account = self._rng, self._rng.randrange(ACCOUNTS)
        lane = rng.randrange(LANES)
        sequence = self._choose_sequence(database, account, lane)
        payloads = [self._draw_transfer(account) for _ in range(rng.choice((1, 1, 2)))]
        body = encode_body(
            self._addresses[account], lane, sequence, payloads,
            valid_until_height=height + rng.choice((2, 20, 100)),
            fee_limit=rng.choice((10_000_000, 10_000_000, 10_000_000, 1)),
            tip=rng.randrange(50),
            idempotency_key=rng.choice((b"", b"", b"once", b"again")),
        )  # fmt: skip
        signers = {account, *(self._addresses.index(payload.signer) for payload in payloads)}
        signatures = [self._sign(each, genesis.domain, body) for each in sorted(signers)]
        if bad:
            first = signatures[0]
            signatures[0] = first._replace(signature=bytes(len(first.signature)))
        return encode_envelope(body, signatures)

    def _choose_sequence(self, database: Database, account: int, lane: int) -> int:
        record = database.get("state", b"a" + self._addresses[account]) or b""
        known = decode_account(record).lanes.get(lane, 0)
        following = self._next.get((account, lane), 0)
        if not known <= following <= known + AHEAD_MAX:
            following = known
        self._next[account, lane] = following + 1
        return max(following + self._rng.choice((0,) * 20 + (-1, 1)), 0)

    def _draw_transfer(self, account: int) -> Transfer:
        rng = self._rng
        signer = rng.randrange(ACCOUNTS) if rng.randrange(8) == 0 else account
        amount = rng.choice((1, 500, 5_000, 10**10))
        return Transfer(self._addresses[signer], rng.choice(self._addresses), amount)

    def _sign(self, account: int, domain: bytes, body: bytes) -> Signature:
        key = self._keys[account]
        signature = key.sign(crypto.TAG_TRANSACTION, domain, body)
        return Signature(crypto.SCHEME_ED25519, key.public_key, signature)
