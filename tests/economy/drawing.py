"""Draws transactions: mostly such as may succeed now, often just beside, sometimes nonsense."""

from collections.abc import Sequence
from hashlib import sha256
from random import Random
from typing import Any, Final, TypeVar

from quorate.core import crypto
from quorate.core.governance.parameters import CHANGEABLE
from quorate.core.values import TREASURY, UINT64_MAX
from tests.economy.actors import Accusation, Item, Sent, get_address, get_key
from tests.economy.founding import draw_params
from tests.economy.reference import is_standing
from tests.economy.world import World

Fields = tuple[Any, ...]
AnyItem = TypeVar("AnyItem", Sent, Accusation)
OWNERS, DELEGATORS = 12, range(50, 56)
HUGE = (2**63 - 1, 2**63, UINT64_MAX)


# Kinds of payload, and how often each is drawn.
KINDS: Final = {
    "transfer": 6, "register": 4, "update": 4, "ready": 14, "resign": 1, "rotate": 4,
    "delegate": 14, "undelegate": 14, "redelegate": 16, "claim": 12, "unjail": 7,
    "create": 2, "mint": 3, "burn": 2, "give": 3, "policy": 2, "lock": 4, "open_lock": 7,
    "propose": 2, "vote": 6,
}  # fmt: skip


class Drawing:
    """Draws for one world; whoever uses it may put another `rng` in place."""

    def __init__(self, world: World, rng: Random) -> None:
        self.rng = rng
        self._world, self._keys = world, 200
        # Somebody who takes back, or moves, a little in every epoch and never claims.
        self._habit = rng.choice([None, "Undelegate", "Redelegate", "Redelegate"])
        self._habit_epoch = -1

    def draw_block(self) -> list[Item]:
        """Return a block's items; a few of them are in each other's way."""
        rng, world = self.rng, self._world
        items: list[Item] = []
        for _ in range(rng.choice([0, 1, 1, 2, 3, 6])):
            count = rng.choice([1] * 12 + [2, 2, 3, 4, rng.randint(5, 16)])
            kinds = rng.choices(list(KINDS), list(KINDS.values()), k=count)
            items.append(self.draw_sent(kinds, items))
        if rng.random() < 0.03:
            reporter = rng.randrange(len(world.expected.sets[world.epoch]))
            for _ in range(rng.choice([1, 1, 2, 4])):
                items.append(self.draw_accusation(reporter, items))
        if self._habit and self._habit_epoch != world.epoch:
            self._habit_epoch = world.epoch
            items.append(self._number(self._wrap((self._do_a_little(self._habit),)), items))
        return items

    def draw_sent(self, kinds: Sequence[str], before: list[Item]) -> Sent:
        """Return a transaction with payloads of these kinds; `before` are those of its block."""
        rng, world = self.rng, self._world
        sent = self._wrap(tuple([getattr(self, f"_{kind}")() for kind in kinds]))
        if rng.random() < 0.03:
            until = rng.choice(
                [-1, 0, world.expected.params.validity_max_blocks + rng.randint(0, 1)]
            )
            sent = sent._replace(valid_until_height=max(world.head.height + 1 + until, 0))
        if rng.random() < 0.2:
            balance = world.expected.tables.balances.get(sent.sender, 0)
            sent = sent._replace(tip=rng.choice([1, rng.randint(0, 1_000), balance // 4, balance]))
        if rng.random() < 0.02:
            sent = sent._replace(fee_limit=sent.weight - 1)
        return self._number(sent, before)

    def draw_accusation(self, reporter: int, before: list[Item]) -> Accusation:
        """Return evidence brought by a seat, mostly timely, often false."""
        rng, world = self.rng, self._world
        sets, epoch = world.expected.sets, world.epoch
        if rng.random() < 0.9:
            accused_epoch = rng.choice([epoch, max(epoch - 1, 0)])
        else:
            accused_epoch = max(epoch + rng.choice([-2, -3, 1]), 0)
        seats = sets[accused_epoch]
        seat = rng.randrange(len(seats))
        marked = [place for place in world.expected.marks if place[0] >= epoch - 1]
        if marked and rng.random() < 0.3:
            accused_epoch, seat = rng.choice(marked)
            seats = sets[accused_epoch]
        number = self._find_number(seats[seat].key)
        is_true = rng.random() < 0.5
        if rng.random() < 0.05:
            seat, is_true = len(seats), False
        sender = _address_of(sets[epoch][reporter].key)
        if rng.random() < 0.05:
            sender = self._person()
        elif rng.random() < 0.05:
            reporter = len(sets[epoch])
        until = world.head.height + 1
        accused, key = (accused_epoch, seat), number if is_true else number + 1_000
        accusation = Accusation(sender, 0, 0, until, reporter, accused, is_true, key)
        return self._number(accusation, before)

    def _number(self, item: AnyItem, before: list[Item]) -> AnyItem:
        """Return an item with its sequence, which now and then is the wrong one."""
        place = item.sender, item.lane
        used = [each.sequence + 1 for each in before if (each.sender, each.lane) == place]
        slip = self.rng.choice([-1, 1, 5]) if self.rng.random() < 0.02 else 0
        following = used[-1] if used else self._world.expected.lanes.get(place, 0)
        if isinstance(item, Accusation) and self.rng.random() < 0.5:
            # What is refused uses no sequence.
            following = self._world.expected.lanes.get(place, 0)
        return item._replace(sequence=max(following + slip, 0))

    def _wrap(self, payloads: tuple[Fields, ...]) -> Sent:
        """Return a transaction that should not fail for its own sake."""
        rng, balances = self.rng, self._world.expected.tables.balances
        sender, weight = payloads[0][1], rng.randint(1, 50)
        if balances.get(sender, 0) < 3 * weight:
            sender = max(balances, key=lambda each: balances[each] * (each != TREASURY))
        until = self._world.head.height + 1
        return Sent(sender, rng.choice([0, 0, 0, 3]), 0, until, weight * 3, 0, weight, payloads)

    # ---- payloads --------------------------------------------------------------------------------

    def _transfer(self) -> Fields:
        signer = self._person()
        balance = self._world.expected.tables.balances.get(signer, 0)
        return "Transfer", signer, self._person(), self._amount(balance)

    def _register(self) -> Fields:
        rng, number = self.rng, self.rng.randrange(OWNERS)
        if rng.random() < 0.7:
            number = self._find_newcomer(number)
        key = self._fresh_key() if rng.random() < 0.9 else self._used_key()
        needed = self._world.expected.params.self_stake_min
        stake = rng.choice([needed, needed, needed * 2, needed * 10, needed - 1, *HUGE[:1]])
        stake = max(stake, 1)
        name = f"n{number}"
        operator = get_address(100 + number)
        terms = name, "", rng.choice([0, 100, 10_000]), stake
        return "RegisterCandidate", get_address(number), operator, key, *terms

    def _update(self) -> Fields:
        rng, address = self.rng, self._candidate()
        found = self._world.expected.tables.candidates.get(address)
        now = found.commission_bp if found else 0
        step = self._world.expected.params.commission_step_bp
        commission_bp = now + rng.choice([0, 1, -1, step, -step, step + 1, -step - 1])
        signer = self._governor(address)
        text = rng.choice(["", "text"])
        return "UpdateCandidate", signer, address, "u", text, min(max(commission_bp, 0), 10_000)

    def _ready(self) -> Fields:
        rng, address = self.rng, self._candidate()
        found = self._world.expected.tables.candidates.get(address)
        key = self._used_key()
        if found and rng.random() < 0.95:
            keys = [found.seat_key, found.next_key]
            key = keys[1] if any(keys[1]) and rng.random() < 0.7 else rng.choice(keys)
        epoch = max(self._world.epoch + rng.choice([0, 0, 0, 0, 0, -1, -1, -2, 1]), 0)
        return "Ready", self._person(), address, epoch, key

    def _resign(self) -> Fields:
        address = self._candidate()
        return "Resign", self._governor(address), address

    def _rotate(self) -> Fields:
        address = self._candidate()
        key = self._fresh_key() if self.rng.random() < 0.85 else self._used_key()
        return "RotateSeatKey", self._governor(address), address, key

    def _delegate(self) -> Fields:
        signer, address = self._person(), self._candidate()
        balance = self._world.expected.tables.balances.get(signer, 0)
        return "Delegate", signer, address, self._amount(balance)

    def _undelegate(self) -> Fields:
        signer, address, held = self._holding()
        return "Undelegate", signer, address, self._amount(held)

    def _redelegate(self) -> Fields:
        signer, source, held = self._holding()
        target = self._candidate()
        if target == source:
            target = get_address(self.rng.randrange(OWNERS))
        if target == source:
            target = get_address(OWNERS)
        return "Redelegate", signer, source, target, self._amount(held)

    def _claim(self) -> Fields:
        rng, tables = self.rng, self._world.expected.tables
        pairs = [*tables.delegations, *tables.unbonding]
        slashed = [pair for pair in tables.unbonding if tables.candidates[pair[1]].slashed]
        if slashed and rng.random() < 0.4:
            return "ClaimRewards", *rng.choice(slashed)
        if not pairs or rng.random() < 0.1:
            return "ClaimRewards", self._person(), self._candidate()
        return "ClaimRewards", *rng.choice(pairs)

    def _unjail(self) -> Fields:
        rng, tables = self.rng, self._world.expected.tables
        jailed = [owner for owner, each in tables.candidates.items() if each.jailed_until]
        address = rng.choice(jailed) if jailed and rng.random() < 0.8 else self._candidate()
        return "Unjail", self._governor(address), address

    def _do_a_little(self, kind: str) -> Fields:
        signer, address = get_address(58), self._favourite()
        given = self._world.expected.tables.delegations.get((signer, address))
        least = self._world.expected.params.stake_min
        if given is None or given.amount < 3 * least:
            return "Delegate", signer, address, 30 * least
        more = (self._favourite(1),) if kind == "Redelegate" else ()
        return kind, signer, address, *more, least

    def _favourite(self, number: int = 0) -> bytes:
        """Return a candidate that stays the same for long."""
        tables = self._world.expected.tables
        standing = [owner for owner, each in tables.candidates.items() if is_standing(each)]
        return [*standing, get_address(97), get_address(98)][number]

    # ---- tokens, locks, votes --------------------------------------------------------------------

    def _create(self) -> Fields:
        rng = self.rng
        cap, supply = rng.choice([(0, 0), (0, 2**63 - 1), (100, 100), (100, 99), (10**9, 5)])
        freezable = rng.random() < 0.6
        is_final = not freezable and rng.random() < 0.3
        return "CreateToken", self._person(), "TKN", "token", 2, cap, supply, freezable, is_final

    def _mint(self) -> Fields:
        token, owner = self._token()
        return "MintToken", owner, token, self._person(), self.rng.choice([1, 2, 50, *HUGE])

    def _burn(self) -> Fields:
        holder, token, amount = self._held()
        return "BurnToken", holder, token, self._amount(amount)

    def _give(self) -> Fields:
        holder, token, amount = self._held()
        return "TransferToken", holder, token, self._person(), self._amount(amount)

    def _policy(self) -> Fields:
        rng, (token, owner) = self.rng, self._token()
        freezable = rng.random() < 0.7
        is_frozen = freezable and rng.random() < 0.3
        is_final = not freezable and rng.random() < 0.2
        successor = owner if rng.random() < 0.8 else self._person()
        cap = rng.choice([0, 0, 50, 10**9, 2**63 - 1])
        return "SetTokenPolicy", owner, token, successor, cap, freezable, is_frozen, is_final

    def _lock(self) -> Fields:
        rng, height = self.rng, self._world.head.height + 1
        signer, token, held = self._held() if rng.random() < 0.5 else (self._person(), b"", 10**6)
        digest = sha256(b"secret").digest() if rng.random() < 0.5 else b""
        first = height + rng.choice([0, 1, 4, 9]) if not digest or rng.random() < 0.3 else 0
        end = max(first + 1, height + rng.choice([-1, 0, 1, 4, 4, 10, 30]))
        return "LockTransfer", signer, self._person(), self._amount(held), token, digest, first, end

    def _open_lock(self) -> Fields:
        rng, locks = self.rng, self._world.expected.tables.locks
        if not locks or rng.random() < 0.05:
            return "RefundLocked", self._person(), bytes(32)
        lock = rng.choice(list(locks))
        sender, to, *_, digest, _, end = locks[lock]
        # The boundary between claim and refund is tried from both sides.
        if self._world.head.height + 2 >= end + (rng.random() < 0.3) or rng.random() < 0.1:
            return "RefundLocked", sender if rng.random() < 0.9 else self._person(), lock
        preimage = b"secret" if bool(digest) == (rng.random() < 0.7) else b""
        return "ClaimLocked", to if rng.random() < 0.9 else self._person(), lock, preimage

    def _propose(self) -> Fields:
        name = self.rng.choice([*CHANGEABLE, "seats_max", "seats_min"])
        value = getattr(draw_params(self.rng), name)
        if name in ("seats_max", "seats_min"):
            value = self.rng.randint(1, 6)
        return "ProposeChange", self._seated(), name, value, "", 0

    def _vote(self) -> Fields:
        rng, proposals = self.rng, list(self._world.expected.tables.proposals)
        proposal = rng.choice(proposals) if proposals and rng.random() < 0.95 else bytes(32)
        return "VoteChange", self._seated(), proposal, rng.random() < 0.85

    def _seated(self) -> bytes:
        world = self._world
        seat = self.rng.choice(world.expected.sets[world.epoch])
        return seat.candidate if self.rng.random() < 0.9 else self._person()

    def _token(self) -> tuple[bytes, bytes]:
        """Return a token and who may well be its owner."""
        tokens = self._world.expected.tables.tokens
        if not tokens or self.rng.random() < 0.05:
            return bytes(32), self._person()
        token = self.rng.choice(list(tokens))
        return token, tokens[token].owner if self.rng.random() < 0.9 else self._person()

    def _held(self) -> tuple[bytes, bytes, int]:
        """Return who holds how much of a token."""
        held = self._world.expected.tables.held
        if not held or self.rng.random() < 0.05:
            return self._person(), self._token()[0], 10
        holder, token = self.rng.choice(list(held))
        return holder, token, held[holder, token]

    # ---- who and how much ------------------------------------------------------------------------

    def _person(self) -> bytes:
        rng = self.rng
        return get_address(rng.choice([rng.randrange(OWNERS), *DELEGATORS]))

    def _candidate(self) -> bytes:
        rng, tables = self.rng, self._world.expected.tables
        if rng.random() < 0.03:
            return get_address(99)
        standing = [owner for owner, each in tables.candidates.items() if is_standing(each)]
        if standing and rng.random() < 0.85:
            return rng.choice(standing)
        return rng.choice(list(tables.candidates))

    def _governor(self, address: bytes) -> bytes:
        found = self._world.expected.tables.candidates.get(address)
        if found is None or self.rng.random() < 0.05:
            return self._person()
        return self.rng.choice([address, found.operator])

    def _holding(self) -> tuple[bytes, bytes, int]:
        rng, tables = self.rng, self._world.expected.tables
        if not tables.delegations or rng.random() < 0.05:
            return self._person(), self._candidate(), 1
        pair = rng.choice(list(tables.delegations))
        return *pair, tables.delegations[pair].amount

    def _amount(self, most: int) -> int:
        rng, least = self.rng, self._world.expected.params.stake_min
        drawn = rng.choice([
            most, most, most // 2, most // 3, most - least, least, 2 * least, least - 1,
            most + 1, most - 1, most - least + 1, rng.randint(0, most), 1, rng.choice(HUGE),
        ])  # fmt: skip
        return int(min(max(drawn, 1), UINT64_MAX))

    def _fresh_key(self) -> bytes:
        self._keys += 1
        return get_key(self._keys).public_key

    def _used_key(self) -> bytes:
        return self.rng.choice(list(self._world.expected.tables.keys))

    def _find_number(self, key: bytes) -> int:
        numbers = [*range(OWNERS), *range(200, self._keys + 1)]
        return next(number for number in numbers if get_key(number).public_key == key)

    def _find_newcomer(self, number: int) -> int:
        known = self._world.expected.tables.candidates
        new = [each for each in range(OWNERS) if get_address(each) not in known]
        return self.rng.choice(new) if new else number


def _address_of(key: bytes) -> bytes:
    return crypto.compute_address(crypto.SCHEME_ED25519, key)
