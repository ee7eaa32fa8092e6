"""What tokens' payloads do: by hand, at their limits, and at random against a plain reference."""

import pytest

from quorate.core.errors import InvalidTransaction
from quorate.core.params import SUPPLY_MAX
from quorate.core.tokens.payloads import (
    BurnToken,
    CreateToken,
    MintToken,
    SetTokenPolicy,
    TransferToken,
)
from quorate.core.tokens.records import (
    compute_balance_key,
    compute_token_id,
    compute_token_key,
    decode_balance,
    decode_token,
)
from quorate.core.transactions import Transfer
from quorate.core.values import TREASURY, UINT64_MAX
from tests.unit.quorate.core.worlds import A, B, C, World

UNKNOWN = b"?" * 32


class Mint(World):
    """A world in which A owns a token."""

    def __init__(self, **policy):
        super().__init__({A: 1_000, B: 1_000})
        self.token = self.create(**policy)

    def create(self, owner=A, **policy):
        values = {
            "symbol": "GLD", "name": "Gold", "decimals": 3, "cap": 1_000, "supply": 100,
            "freezable": True, "is_final": False,
        }  # fmt: skip
        assert self.act(CreateToken(owner, **{**values, **policy})) == ""
        return compute_token_id(self.last_id, 0)

    def read(self, token=b""):
        return decode_token(self.state[compute_token_key(token or self.token)])

    def held(self, holder, token=b""):
        return decode_balance(self.state[compute_balance_key(holder, token or self.token)])

    def set_policy(self, signer=A, **changes):
        token = self.read()
        values = {
            "owner": token.owner, "cap": token.cap, "freezable": token.freezable,
            "is_frozen": token.is_frozen, "is_final": token.is_final,
        }  # fmt: skip
        return self.act(SetTokenPolicy(signer, self.token, **{**values, **changes}))


def test_who_makes_a_token_owns_it_and_all_there_is():
    world = Mint()
    token = world.read()
    assert (token.owner, token.symbol, token.name, token.decimals) == (A, "GLD", "Gold", 3)
    assert (token.cap, token.supply, world.held(A)) == (1_000, 100, 100)


def test_tokens_of_one_transaction_and_of_one_symbol_have_different_ids():
    world = World({A: 1})
    one = CreateToken(A, "X", "x", 0, 0, 1, False, False)
    assert world.act(one, one, one) == ""
    ids = {compute_token_id(world.last_id, position) for position in range(3)}
    assert len(ids) == 3
    assert all(decode_balance(world.state[compute_balance_key(A, each)]) == 1 for each in ids)


def test_minting_ends_at_the_cap_and_burning_makes_room():
    world = Mint()
    assert world.act(MintToken(A, world.token, B, 900)) == ""
    assert world.act(MintToken(A, world.token, B, 1)) == "CAP_EXCEEDED"
    assert world.act(MintToken(A, world.token, B, UINT64_MAX)) == "CAP_EXCEEDED"
    assert world.act(BurnToken(B, world.token, 5)) == ""
    assert world.read().supply == 995
    assert world.act(MintToken(A, world.token, C, 5)) == ""
    assert (world.held(A), world.held(B), world.held(C)) == (100, 895, 5)


def test_without_a_cap_there_is_the_limit_of_what_can_be_counted():
    world = Mint(cap=0, supply=SUPPLY_MAX)
    assert world.act(MintToken(A, world.token, B, 1)) == "CAP_EXCEEDED"
    assert world.act(TransferToken(A, world.token, B, SUPPLY_MAX)) == ""
    assert world.held(B) == SUPPLY_MAX


def test_a_transfer_moves_and_an_empty_balance_is_no_record():
    world = Mint()
    assert world.act(TransferToken(A, world.token, B, 100)) == ""
    assert compute_balance_key(A, world.token) not in world.state
    assert world.held(B) == 100


def test_a_transfer_to_oneself_needs_the_balance_and_changes_nothing():
    world = Mint()
    assert world.act(TransferToken(A, world.token, A, 100)) == ""
    assert world.act(TransferToken(A, world.token, A, 101)) == "INSUFFICIENT_TOKENS"
    assert world.held(A) == 100


def test_while_a_token_is_frozen_nothing_of_it_moves():
    world = Mint()
    assert world.set_policy(is_frozen=True) == ""
    before = world.digest()
    assert world.act(TransferToken(A, world.token, B, 1)) == "TOKEN_FROZEN"
    assert world.act(MintToken(A, world.token, B, 1)) == "TOKEN_FROZEN"
    assert world.act(BurnToken(A, world.token, 1)) == "TOKEN_FROZEN"
    assert world.digest() == before
    assert world.set_policy(is_frozen=False) == ""
    assert world.act(TransferToken(A, world.token, B, 1)) == ""


def test_freezing_is_given_up_for_good():
    world = Mint()
    assert world.set_policy(freezable=False) == ""
    assert world.set_policy(freezable=True) == "NOT_FREEZABLE"
    with pytest.raises(InvalidTransaction, match="not freezable"):
        world.set_policy(is_frozen=True)


def test_a_frozen_token_goes_to_a_new_owner_only_by_both_signatures():
    world = Mint()
    assert world.set_policy(is_frozen=True) == ""
    assert world.set_policy(owner=B) == "TOKEN_FROZEN"
    thaw = SetTokenPolicy(A, world.token, B, 1_000, True, False, False)
    freeze = SetTokenPolicy(B, world.token, B, 1_000, True, True, False)
    assert world.act(thaw, freeze) == ""
    assert (world.read().owner, world.read().is_frozen) == (B, True)


def test_a_final_policy_never_changes_and_is_never_of_a_frozen_token():
    world = Mint()
    with pytest.raises(InvalidTransaction, match="final"):
        world.set_policy(is_final=True)
    with pytest.raises(InvalidTransaction, match="final"):
        world.set_policy(is_final=True, is_frozen=True)
    assert world.set_policy(is_final=True, freezable=False, cap=150) == ""
    for change in ({"cap": 200}, {"owner": B}, {"is_final": False}, {}):
        assert world.set_policy(**change) == "TOKEN_FINAL"
    # What the policy allows goes on: up to the cap, which is for ever now.
    assert world.act(MintToken(A, world.token, B, 50)) == ""
    assert world.act(MintToken(A, world.token, B, 1)) == "CAP_EXCEEDED"


def test_only_the_owner_mints_and_rules():
    world = Mint()
    assert world.act(MintToken(B, world.token, B, 1)) == "NOT_ENTITLED"
    assert world.set_policy(signer=B) == "NOT_ENTITLED"
    assert world.set_policy(owner=B) == ""
    assert world.act(MintToken(A, world.token, A, 1)) == "NOT_ENTITLED"
    assert world.act(MintToken(B, world.token, A, 1)) == ""


def test_a_cap_is_never_below_what_there_is():
    world = Mint()
    assert world.set_policy(cap=99) == "CAP_BELOW_SUPPLY"
    assert world.set_policy(cap=100) == ""
    assert world.set_policy(cap=0) == ""
    assert world.act(MintToken(A, world.token, A, 10**6)) == ""


def test_two_people_swap_two_tokens_in_one_transaction():
    world = Mint()
    silver = world.create(B, symbol="SLV")
    swap = TransferToken(A, world.token, B, 7), TransferToken(B, silver, A, 70)
    assert world.act(*swap) == ""
    assert (world.held(A), world.held(B)) == (93, 7)
    assert (world.held(A, silver), world.held(B, silver)) == (70, 30)


@pytest.mark.parametrize("short", [0, 1, 2])
def test_a_swap_fails_whole_whichever_part_fails(short):
    world = Mint()
    silver = world.create(B, symbol="SLV")
    parts = [
        TransferToken(A, world.token, B, 7), TransferToken(B, silver, A, 70), Transfer(A, B, 11)
    ]  # fmt: skip
    parts[short] = parts[short]._replace(amount=5_000)
    before = world.digest()
    expected = "INSUFFICIENT_BALANCE" if short == 2 else "INSUFFICIENT_TOKENS"
    assert world.act(*parts) == expected
    assert world.digest() == before


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (lambda t: TransferToken(A, UNKNOWN, B, 1), "NO_TOKEN"),
        (lambda t: MintToken(A, UNKNOWN, B, 1), "NO_TOKEN"),
        (lambda t: BurnToken(A, UNKNOWN, 1), "NO_TOKEN"),
        (lambda t: SetTokenPolicy(A, UNKNOWN, A, 0, False, False, False), "NO_TOKEN"),
        (lambda t: TransferToken(A, t, B, 101), "INSUFFICIENT_TOKENS"),
        (lambda t: TransferToken(A, t, B, UINT64_MAX), "INSUFFICIENT_TOKENS"),
        (lambda t: TransferToken(C, t, B, 1), "INSUFFICIENT_TOKENS"),
        (lambda t: BurnToken(A, t, 101), "INSUFFICIENT_TOKENS"),
        (lambda t: BurnToken(B, t, 1), "INSUFFICIENT_TOKENS"),
        (lambda t: MintToken(B, t, B, 1), "NOT_ENTITLED"),
        (lambda t: MintToken(A, t, B, 901), "CAP_EXCEEDED"),
        (lambda t: MintToken(A, t, B, UINT64_MAX), "CAP_EXCEEDED"),
        (lambda t: SetTokenPolicy(B, t, B, 0, False, False, False), "NOT_ENTITLED"),
        (lambda t: SetTokenPolicy(A, t, A, 99, True, False, False), "CAP_BELOW_SUPPLY"),
    ],
)
def test_what_fails_leaves_the_state_untouched(payload, reason):
    world = Mint()
    world.act(Transfer(A, C, 1))
    before = world.digest()
    assert world.act(payload(world.token)) == reason
    # Nor does it when what came before it in the transaction was in order.
    assert world.act(Transfer(A, B, 1), payload(world.token), sender=A) == reason
    assert world.digest() == before


def test_nothing_of_a_token_ever_reaches_the_treasury():
    world = Mint()
    for payload in (
        TransferToken(A, world.token, TREASURY, 1),
        MintToken(A, world.token, TREASURY, 1),
        SetTokenPolicy(A, world.token, TREASURY, 0, False, False, False),
    ):
        with pytest.raises(InvalidTransaction, match="nobody can spend"):
            world.act(payload)
        (receipt,) = world.apply(world.make(payload))
        assert receipt.code == 128
        assert not [key for key, _ in world.writes if key[:1] in b"tb"]


class Reference:
    """Tokens as plain dicts."""

    def __init__(self):
        self.supply, self.cap, self.held = {}, {}, {}

    def create(self, token, payload):
        self.supply[token], self.cap[token] = payload.supply, payload.cap or SUPPLY_MAX
        self.held[payload.signer, token] = payload.supply

    def mint(self, payload):
        if self.supply[payload.token] + payload.amount > self.cap[payload.token]:
            return "CAP_EXCEEDED"
        self.supply[payload.token] += payload.amount
        self.give(payload.to, payload.token, payload.amount)
        return ""

    def burn(self, payload):
        if self.held.get((payload.signer, payload.token), 0) < payload.amount:
            return "INSUFFICIENT_TOKENS"
        self.supply[payload.token] -= payload.amount
        self.give(payload.signer, payload.token, -payload.amount)
        return ""

    def move(self, payload):
        if self.held.get((payload.signer, payload.token), 0) < payload.amount:
            return "INSUFFICIENT_TOKENS"
        self.give(payload.signer, payload.token, -payload.amount)
        self.give(payload.to, payload.token, payload.amount)
        return ""

    def give(self, holder, token, amount):
        self.held[holder, token] = self.held.get((holder, token), 0) + amount


def draw(rng, tokens):
    holder, to = rng.choice((A, B, C)), rng.choice((A, B, C))
    token, amount = rng.choice(tokens), rng.choice((1, 2, 5, 40, 400))
    kind = rng.randrange(8)
    if kind == 0:
        return "mint", MintToken(A, token, to, amount)
    if kind == 1:
        return "burn", BurnToken(holder, token, amount)
    return "move", TransferToken(holder, token, to, amount)


def test_random_sequences_agree_with_plain_dicts_and_every_supply_is_conserved(rng):
    world, reference, tokens = World({A: 1, B: 1, C: 1}), Reference(), []
    for number in range(3):
        create = CreateToken(A, f"T{number}", "t", 0, rng.choice((0, 150)), 100, False, False)
        assert world.act(create) == ""
        tokens.append(compute_token_id(world.last_id, 0))
        reference.create(tokens[-1], create)
    for _ in range(400):
        kind, payload = draw(rng, tokens)
        assert world.act(payload) == getattr(reference, kind)(payload)
        held = dict.fromkeys(tokens, 0)
        for key, record in world.state.items():
            if key[:1] == b"b" and record:
                held[key[33:]] += decode_balance(record)
                assert reference.held[key[1:33], key[33:]] == decode_balance(record) > 0
        assert held == reference.supply
        for token in tokens:
            assert decode_token(world.state[compute_token_key(token)]).supply == held[token]
