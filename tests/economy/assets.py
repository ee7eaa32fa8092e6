"""Tokens, locks and changes by vote in plain Python, beside the economy of reference.py (A, G)."""

from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from tests.economy.reference import Economy, require

TABLES = "tokens held locks proposals changes"


def name_thing(tag: bytes, transaction: bytes, position: int) -> bytes:
    """Return the id of what a payload makes."""
    return sha256(bytes([len(tag)]) + tag + transaction + position.to_bytes(2, "big")).digest()


class Assets(Economy):
    """More payloads; `id` is the running transaction's, `position` the running payload's.

    Tables: tokens and locks and proposals by id, held by (holder, token), changes by (parameter,
    epoch from which on).
    """

    def __init__(self, params: Any, time_ms: int) -> None:
        super().__init__(params, time_ms)
        self.genesis_params, self.id, self.position = params, b"", 0
        for name in TABLES.split():
            setattr(self.tables, name, {})

    def get_params(self, epoch: int) -> Any:
        """Return the parameters in force in an epoch."""
        changes = self.tables.changes
        found = {name: changes[name, since] for name, since in sorted(changes) if since <= epoch}
        return replace(self.genesis_params, **found)

    # ---- tokens ----------------------------------------------------------------------------------

    def CreateToken(self, signer: bytes, *terms: Any) -> None:
        symbol, name, decimals, cap, supply, freezable, is_final = terms
        token = name_thing(b"quorate/token/v1", self.id, self.position)
        self.tables.tokens[token] = SimpleNamespace(
            owner=signer, symbol=symbol, name=name, decimals=decimals, cap=cap, supply=supply,
            freezable=freezable, is_frozen=False, is_final=is_final,
        )  # fmt: skip
        self._hold(token, signer, supply)

    def MintToken(self, signer: bytes, token: bytes, to: bytes, amount: int) -> None:
        found = self._find_token(token, signer)
        require(not found.is_frozen, "TOKEN_FROZEN")
        require(found.supply + amount <= (found.cap or 2**63 - 1), "CAP_EXCEEDED")
        found.supply += amount
        self._hold(token, to, amount)

    def BurnToken(self, signer: bytes, token: bytes, amount: int) -> None:
        self._hold(token, signer, -amount)
        self.tables.tokens[token].supply -= amount

    def TransferToken(self, signer: bytes, token: bytes, to: bytes, amount: int) -> None:
        self._hold(token, signer, -amount)
        self._hold(token, to, amount)

    def SetTokenPolicy(self, signer: bytes, token: bytes, *terms: Any) -> None:
        found, (owner, cap, freezable, is_frozen, is_final) = self._find_token(token, signer), terms
        require(not found.is_final, "TOKEN_FINAL")
        require(found.freezable or not freezable, "NOT_FREEZABLE")
        require(owner == found.owner or not is_frozen, "TOKEN_FROZEN")
        require((cap or 2**63 - 1) >= found.supply, "CAP_BELOW_SUPPLY")
        found.owner, found.cap, found.freezable = owner, cap, freezable
        found.is_frozen, found.is_final = is_frozen, is_final

    def _find_token(self, token: bytes, owner: bytes) -> SimpleNamespace:
        require(token in self.tables.tokens, "NO_TOKEN")
        require(self.tables.tokens[token].owner == owner, "NOT_ENTITLED")
        return self.tables.tokens[token]

    def _hold(self, token: bytes, holder: bytes, amount: int) -> None:
        """Add an amount of either sign to what somebody holds; of the native token without one."""
        if not token:
            self._pay(holder, amount)
            return
        require(token in self.tables.tokens, "NO_TOKEN")
        require(not self.tables.tokens[token].is_frozen, "TOKEN_FROZEN")
        left = self.tables.held.get((holder, token), 0) + amount
        require(left >= 0, "INSUFFICIENT_TOKENS")
        self.tables.held[holder, token] = left

    # ---- locks -----------------------------------------------------------------------------------

    def LockTransfer(self, signer: bytes, to: bytes, amount: int, token: bytes, *when: Any) -> None:
        digest, first, end = when
        require(end > self.height, "LOCK_ENDED")
        require(end - self.height <= self.params.lock_blocks_max, "LOCK_TOO_LONG")
        require(digest or first > self.height, "LOCK_OPEN")
        self._hold(token, signer, -amount)
        lock = name_thing(b"quorate/lock/v1", self.id, self.position)
        self.tables.locks[lock] = signer, to, amount, token, digest, first, end

    def ClaimLocked(self, signer: bytes, lock: bytes, preimage: bytes) -> None:
        _, to, amount, token, digest, first, end = self._find_lock(lock)
        require(signer == to, "NOT_ENTITLED")
        require(self.height >= first, "LOCK_EARLY")
        require(self.height < end, "LOCK_ENDED")
        is_secret = sha256(preimage).digest() == digest if digest else not preimage
        require(is_secret, "WRONG_PREIMAGE")
        self._hold(token, to, amount)
        del self.tables.locks[lock]

    def RefundLocked(self, signer: bytes, lock: bytes) -> None:
        sender, _, amount, token, *_, end = self._find_lock(lock)
        require(signer == sender, "NOT_ENTITLED")
        require(self.height >= end, "LOCK_RUNNING")
        self._hold(token, sender, amount)
        del self.tables.locks[lock]

    def _find_lock(self, lock: bytes) -> tuple[Any, ...]:
        require(lock in self.tables.locks, "NO_LOCK")
        return self.tables.locks[lock]

    # ---- changes by vote -------------------------------------------------------------------------

    def ProposeChange(self, signer: bytes, parameter: str, value: int, *upgrade: Any) -> None:
        require(signer in self._list_seated(), "NOT_SEATED")
        opened = [each.proposer for each in self.tables.proposals.values()]
        require(opened.count(signer) < 2, "PROPOSER_LIMIT")
        require(len(opened) < 32, "PROPOSALS_FULL")
        proposal = name_thing(b"quorate/change/v1", self.id, self.position)
        self.tables.proposals[proposal] = SimpleNamespace(
            proposer=signer, epoch=self.epoch, parameter=parameter, value=value, votes={}
        )
        self._check_possible(parameter, value)
        self.VoteChange(signer, proposal, True)

    def VoteChange(self, signer: bytes, proposal: bytes, approve: bool) -> None:
        require(proposal in self.tables.proposals, "NO_PROPOSAL")
        seated, found = self._list_seated(), self.tables.proposals[proposal]
        require(signer in seated, "NOT_SEATED")
        votes = found.votes | {signer: approve}
        found.votes = {name: vote for name, vote in votes.items() if name in seated}
        approving = sum(found.votes.values())
        if approving >= len(seated) - (len(seated) - 1) // 3:
            self._check_possible(found.parameter, found.value)
            self.tables.changes[found.parameter, self.epoch + 1] = found.value
            del self.tables.proposals[proposal]
        elif not approving:
            del self.tables.proposals[proposal]

    def _list_seated(self) -> list[bytes]:
        return [seat.candidate for seat in self.sets[self.epoch]]

    def _check_possible(self, parameter: str, value: int) -> None:
        first = getattr(self.genesis_params, parameter)
        keeps = {
            "issue_per_block": value <= first,
            "issue_halving_blocks": first == 0 or 0 < value <= first,
            "unbonding_epochs": value >= first,
        }
        require(keeps.get(parameter, True), "GENESIS_PROMISE")
        coming = replace(self.get_params(self.epoch + 1), **{parameter: value})
        require(coming.seats_min <= coming.seats_max, "PARAMETERS_CONTRADICT")
