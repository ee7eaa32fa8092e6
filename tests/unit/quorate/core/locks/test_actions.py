"""What locks do: their times, secrets and ways out, at random against a plain reference."""

from hashlib import sha256

import pytest

from quorate.core.errors import InvalidTransaction
from quorate.core.locks.payloads import ClaimLocked, LockTransfer, RefundLocked
from quorate.core.locks.records import compute_lock_id, compute_lock_key, decode_lock
from quorate.core.tokens.payloads import CreateToken, SetTokenPolicy, TransferToken
from quorate.core.tokens.records import (
    compute_balance_key,
    compute_token_id,
    compute_token_key,
    decode_balance,
    decode_token,
)
from quorate.core.values import TREASURY, UINT64_MAX
from tests.unit.quorate.core.worlds import A, B, C, World

SECRET = b"open sesame"
HASH = sha256(SECRET).digest()


class Vault(World):
    """A world in which A has money and a token, and locks some of it."""

    def __init__(self, **params):
        super().__init__({A: 1_000, B: 500, C: 5}, **{"lock_blocks_max": 50, **params})
        assert self.act(CreateToken(A, "GLD", "Gold", 0, 0, 100, True, False)) == ""
        self.token = compute_token_id(self.last_id, 0)

    def lock(self, signer=A, **fields):
        values = {
            "to": B, "amount": 10, "token": b"", "hash": HASH, "from_height": 0,
            "until_height": self.height + 6,
        }  # fmt: skip
        reason = self.act(LockTransfer(signer, **{**values, **fields}))
        self.id = compute_lock_id(self.last_id, 0)
        return reason

    def claim(self, preimage=SECRET, signer=B):
        return self.act(ClaimLocked(signer, self.id, preimage))

    def refund(self, signer=A):
        return self.act(RefundLocked(signer, self.id))

    def held(self, holder):
        return decode_balance(self.state[compute_balance_key(holder, self.token)])

    def freeze(self, is_frozen):
        return self.act(SetTokenPolicy(A, self.token, A, 0, True, is_frozen, False))


def test_the_secret_opens_a_lock_once():
    world = Vault()
    assert world.lock() == ""
    assert (world.balance(A), world.balance(B)) == (990, 500)
    assert world.claim(b"open says me") == "WRONG_PREIMAGE"
    assert world.claim() == ""
    assert (world.balance(A), world.balance(B)) == (990, 510)
    assert compute_lock_key(world.id) not in world.state
    assert world.claim() == "NO_LOCK"
    assert world.refund() == "NO_LOCK"


def test_what_nobody_claimed_in_time_goes_back_at_the_first_height_too_late():
    world = Vault()
    assert world.lock() == ""
    until = decode_lock(world.state[compute_lock_key(world.id)]).until_height
    world.skip_to(until - 1)
    assert world.refund() == "LOCK_RUNNING"
    assert world.height == until - 1
    assert world.claim() == "LOCK_ENDED"
    assert world.refund() == ""
    assert world.balance(A) == 1_000


def test_the_last_height_before_the_end_still_counts():
    world = Vault()
    assert world.lock() == ""
    world.skip_to(decode_lock(world.state[compute_lock_key(world.id)]).until_height - 1)
    assert world.claim() == ""


def test_a_time_lock_opens_at_its_height_without_a_secret():
    world = Vault()
    opens = world.height + 4
    assert world.lock(hash=b"", from_height=opens, until_height=opens + 2) == ""
    assert world.claim(b"") == "LOCK_EARLY"
    world.skip_to(opens)
    assert world.claim(b"x") == "WRONG_PREIMAGE"
    assert world.claim(b"") == ""


def test_hash_and_height_can_both_be_asked_for():
    world = Vault()
    opens = world.height + 3
    assert world.lock(from_height=opens) == ""
    assert world.claim() == "LOCK_EARLY"
    assert world.claim() == ""


def test_only_whom_it_is_for_claims_and_only_its_sender_takes_back():
    world = Vault()
    assert world.lock(until_height=world.height + 9) == ""
    assert world.claim(signer=C) == "NOT_ENTITLED"
    assert world.claim(signer=A) == "NOT_ENTITLED"
    assert world.refund(signer=B) == "NOT_ENTITLED"
    assert world.claim() == ""


def test_a_lock_may_hold_a_token_and_its_supply_counts_it():
    world = Vault()
    assert world.lock(token=world.token, amount=40) == ""
    assert (world.held(A), world.held(B)) == (60, 0)
    assert decode_token(world.state[compute_token_key(world.token)]).supply == 100
    assert world.claim() == ""
    assert (world.held(A), world.held(B)) == (60, 40)


def test_a_lock_is_no_way_around_a_frozen_token():
    world = Vault()
    assert world.lock(token=world.token) == ""
    assert world.freeze(True) == ""
    assert world.claim() == "TOKEN_FROZEN"
    assert world.act(TransferToken(A, world.token, B, 1)) == "TOKEN_FROZEN"
    first = world.id
    assert world.lock(token=world.token) == "TOKEN_FROZEN"
    world.skip_to(world.height + 8)
    world.id = first
    assert world.refund() == "TOKEN_FROZEN"
    assert world.freeze(False) == ""
    assert world.refund() == ""
    assert world.held(A) == 100


def test_a_swap_by_one_secret_is_all_or_nothing_over_two_locks():
    world = Vault()
    assert world.lock(until_height=world.height + 20) == ""
    first = world.id
    assert world.lock(signer=B, to=A, amount=70, until_height=world.height + 10) == ""
    assert world.act(ClaimLocked(A, world.id, SECRET), ClaimLocked(B, first, SECRET)) == ""
    assert (world.balance(A), world.balance(B)) == (1_060, 440)


def test_one_transaction_can_lock_and_claim_but_not_claim_twice():
    world = Vault()
    assert world.lock() == ""
    before = world.digest()
    claim = ClaimLocked(B, world.id, SECRET)
    assert world.act(claim, claim) == "NO_LOCK"
    assert world.digest() == before


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"until_height": 1}, "LOCK_ENDED"),
        ({"until_height": 2}, "LOCK_ENDED"),
        ({"until_height": 53}, "LOCK_TOO_LONG"),
        ({"until_height": 2**63 - 1}, "LOCK_TOO_LONG"),
        ({"hash": b""}, "LOCK_OPEN"),
        ({"hash": b"", "from_height": 2}, "LOCK_OPEN"),
        ({"amount": 1_001}, "INSUFFICIENT_BALANCE"),
        ({"amount": UINT64_MAX}, "INSUFFICIENT_BALANCE"),
        ({"token": b"?" * 32}, "NO_TOKEN"),
        ({"token": bytes(32)}, "NO_TOKEN"),
        ({"token": "own", "amount": 101}, "INSUFFICIENT_TOKENS"),
    ],
)
def test_a_lock_without_a_way_out_or_without_cover_leaves_the_state_untouched(fields, reason):
    world = Vault()
    before = world.digest()
    if fields.get("token") == "own":
        fields = {**fields, "token": world.token}
    assert world.height == 1
    assert world.lock(**{"from_height": 0, **fields}) == reason
    assert world.digest() == before


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": 0}, "AMOUNT_ZERO"),
        ({"from_height": 9, "until_height": 9}, "LOCK_WINDOW"),
        ({"from_height": 10, "until_height": 9}, "LOCK_WINDOW"),
        ({"until_height": 2**63}, "OUT_OF_RANGE"),
        ({"hash": b"short"}, "MALFORMED"),
        ({"token": b"short"}, "MALFORMED"),
        ({"to": b""}, "MALFORMED"),
        ({"to": TREASURY}, "TO_TREASURY"),
    ],
)
def test_what_is_no_lock_is_refused_whatever_the_state(fields, reason):
    with pytest.raises(InvalidTransaction) as caught:
        Vault().lock(**fields)
    assert caught.value.reason == reason


def test_a_random_life_of_locks_conserves_what_is_in_them(rng):
    world, locks = Vault(), {}
    for _ in range(300):
        kind = rng.randrange(3)
        if kind == 0 or not locks:
            amount, until = rng.randrange(1, 60), world.height + rng.randrange(2, 12)
            signer, to = rng.sample((A, B), 2)
            token = rng.choice((b"", world.token))
            cover = world.held(signer) if token else world.balance(signer)
            reason = world.lock(signer, to=to, amount=amount, token=token, until_height=until)
            short = "INSUFFICIENT_TOKENS" if token else "INSUFFICIENT_BALANCE"
            assert reason == ("" if amount <= cover else short)
            if not reason:
                locks[world.id] = (signer, to, until)
        else:
            world.id = rng.choice(list(locks))
            sender, to, until = locks[world.id]
            now = world.height + 1
            if kind == 1:
                assert world.claim(signer=to) == ("" if now < until else "LOCK_ENDED")
                done = now < until
            else:
                assert world.refund(sender) == ("" if now >= until else "LOCK_RUNNING")
                done = now >= until
            if done:
                del locks[world.id]
        found = [decode_lock(v) for k, v in world.state.items() if k[:1] == b"l" and v]
        assert len(found) == len(locks)
        native = sum(lock.amount for lock in found if not lock.token)
        assert world.balance(A) + world.balance(B) + native == 1_500
        assert world.held(A) + world.held(B) + sum(x.amount for x in found if x.token) == 100
