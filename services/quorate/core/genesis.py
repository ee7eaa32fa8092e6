"""The genesis document: what a chain starts from, its hash, its domain and its first set.

The document is JSON. Its hash is over the canonical form (keys sorted, no spaces, UTF-8, integers
only), so its file may be formatted as one likes; the genesis hash is over that and what finality
receipts need of it (origin.py). A validator refuses a data directory whose
genesis hash differs from its document's.
"""

import json
from dataclasses import dataclass

from quorate.core import crypto
from quorate.core.blocks import Block, build_root
from quorate.core.epochs import EpochStart
from quorate.core.errors import InvalidGenesis, MalformedAddress
from quorate.core.origin import CHAIN_ID_BYTES_MAX, Origin
from quorate.core.params import SEATS_MAX, SUPPLY_MAX, Params
from quorate.core.seats import NAME_BYTES_MAX, Seat, SeatSet
from quorate.core.staking.payloads import DESCRIPTION_BYTES_MAX
from quorate.core.staking.records import Candidate
from quorate.core.staking.rewards import ISSUE_BLOCKS_MAX, compute_issued
from quorate.core.values import (
    SHARE_BP,
    TREASURY,
    UINT64_MAX,
    Address,
    Hash,
    format_address,
    parse_address,
)


@dataclass(frozen=True, slots=True)
class Genesis:
    """A checked genesis; `hash` and `domain` are computed once here.

    `seats` is the set of epoch 0, `next_seats` that of epoch 1; `candidates` are those of both and
    others, by owner.
    """

    chain_id: str
    time_ms: int
    fork_epoch: int
    params: Params
    seats: tuple[Seat, ...]
    next_seats: tuple[Seat, ...]
    candidates: tuple[tuple[Address, Candidate], ...]
    balances: tuple[tuple[Address, int], ...]
    origin: Origin
    hash: Hash
    domain: Hash

    @property
    def supply(self) -> int:
        """All balances and stakes; what blocks issue comes on top."""
        stakes = sum(candidate.stake for _, candidate in self.candidates)
        return stakes + sum(balance for _, balance in self.balances)

    @property
    def sets(self) -> tuple[SeatSet, SeatSet]:
        """The sets of epochs 0 and 1."""
        return SeatSet(0, self.seats), SeatSet(1, self.next_seats)

    @property
    def root(self) -> Block:
        """Block 0."""
        return build_root(self.hash, self.time_ms, self.params, self.sets[1].hash)

    @property
    def start(self) -> EpochStart:
        """What epoch 0 starts from."""
        return EpochStart(0, 0, self.time_ms, self.hash)


def parse_genesis(text: str) -> Genesis:
    """Return the checked genesis of a JSON text; raises InvalidGenesis naming the field."""
    document = _load(text)
    chain_id = document.get("chain_id")
    if not isinstance(chain_id, str) or not 1 <= len(chain_id.encode()) <= CHAIN_ID_BYTES_MAX:
        raise InvalidGenesis("chain_id", f"must be text of 1 to {CHAIN_ID_BYTES_MAX} bytes")
    time_ms, fork_epoch = _integer(document, "time_ms"), _integer(document, "fork_epoch")
    params_document = document.get("params")
    if not isinstance(params_document, dict):
        raise InvalidGenesis("params", "must be an object")
    lists = _Entries(document, chain_id, time_ms)
    seats = lists.take_seats("seats")
    next_seats = lists.take_seats("next_seats" if "next_seats" in document else "seats")
    lists.take_others()
    balances = _parse_balances(document)
    params = Params.parse(params_document)
    stakes = sum(candidate.stake for candidate in lists.candidates.values())
    supply = stakes + sum(balance for _, balance in balances)
    if supply + compute_issued(ISSUE_BLOCKS_MAX, params) > SUPPLY_MAX:
        raise InvalidGenesis("accounts", "stakes and all issue are more than 2^63 − 1")
    origin = Origin(
        document_hash=crypto.compute_hash(b"quorate/genesis/v1", _encode_canonical(document)),
        time_ms=time_ms,
        trust_ms=compute_trust_ms(params),
        fork_epoch=fork_epoch,
        set_hashes=(SeatSet(0, seats).hash, SeatSet(1, next_seats).hash),
        chain_id=chain_id,
    )
    return Genesis(
        chain_id=chain_id,
        time_ms=time_ms,
        fork_epoch=fork_epoch,
        params=params,
        seats=seats,
        next_seats=next_seats,
        candidates=tuple(sorted(lists.candidates.items(), key=lambda item: item[0])),
        balances=balances,
        origin=origin,
        hash=origin.compute_genesis_hash(),
        domain=origin.compute_domain(),
    )


def compute_trust_ms(params: Params) -> int:
    """Return the shortest time that stake stays bound, below 2^64 (docs/protocol.md#Q5)."""
    shortest_ms = min(params.epoch_ms, params.epoch_blocks * max(params.block_interval_ms, 1))
    return min(params.unbonding_epochs * shortest_ms, UINT64_MAX)


SeatEntry = dict[str, str | int]


def build_genesis(
    chain_id: str,
    time_ms: int,
    params: Params,
    seats: list[SeatEntry],
    balances: dict[str, int],
    *,
    fork_epoch: int = 0,
    next_seats: list[SeatEntry] | None = None,
    candidates: list[SeatEntry] | None = None,
) -> str:
    """Return the JSON text of a genesis; seats and candidates come from `build_seat_entry`.

    `next_seats` is the set of epoch 1; without it that is the set of epoch 0 again. `candidates`
    are further ones, without a seat yet.
    """
    document: dict[str, object] = {
        "chain_id": chain_id,
        "time_ms": time_ms,
        "fork_epoch": fork_epoch,
        "params": params.to_document(),
        "seats": seats,
        "accounts": [{"address": a, "balance": b} for a, b in balances.items()],
    }
    if next_seats is not None:
        document["next_seats"] = next_seats
    if candidates is not None:
        document["candidates"] = candidates
    return json.dumps(document, indent=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who owns a candidate of the genesis, and what is bonded to it at block 0."""

    owner: bytes
    operator: bytes = b""
    commission_bp: int = 0
    stake: int = 0
    description: str = ""


def build_seat_entry(
    chain_id: str, name: str, key: crypto.SigningKey, terms: Terms | None = None
) -> SeatEntry:
    """Return a candidate's entry for the genesis, with its seat key's own proof.

    Without terms nobody owns it: its owner is the address of the seat key, and it has no stake.
    """
    own = crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)
    terms = terms or Terms(owner=own)
    message = encode_claim(terms.owner, name)
    proof = key.sign(crypto.TAG_SEAT_GENESIS, _proof_domain(chain_id), message)
    return {
        "name": name,
        "public_key": key.public_key.hex(),
        "proof": proof.hex(),
        "owner": format_address(terms.owner),
        "operator": format_address(terms.operator or terms.owner),
        "commission_bp": terms.commission_bp,
        "stake": terms.stake,
        "description": terms.description,
    }


def encode_claim(owner: bytes, name: str) -> bytes:
    """Return what a seat key signs for its candidate's entry in a genesis."""
    return owner + name.encode()


def _proof_domain(chain_id: str) -> bytes:
    # The domain of the chain covers the genesis hash, which covers the proof: so the proof
    # binds to the chain's name instead.
    return crypto.compute_domain(chain_id, bytes(32), 0)


def _load(text: str) -> dict[str, object]:
    try:
        document = json.loads(text, object_pairs_hook=_build_object)
        _encode_canonical(document)
    except (ValueError, RecursionError) as error:
        raise InvalidGenesis("(document)", f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidGenesis("(document)", "must be an object")
    allowed = {
        "chain_id", "time_ms", "fork_epoch", "params", "seats", "next_seats", "candidates",
        "accounts",
    }  # fmt: skip
    for name in document:
        if name not in allowed:
            raise InvalidGenesis(name, "is not a field of a genesis")
    return document


def _encode_canonical(document: dict[str, object]) -> bytes:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return canonical.encode()


def _build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Of two equal names parsers take different ones, and would start different chains.
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("an object has the same name twice")
    return built


def _integer(document: dict[str, object], field: str) -> int:
    value = document.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise InvalidGenesis(field, "must be an integer from 0 to 2^63 − 1")
    return value


class _Entries:
    """Reads the lists of candidates of a document; the same entry may stand in several."""

    def __init__(self, document: dict[str, object], chain_id: str, time_ms: int) -> None:
        self.candidates: dict[Address, Candidate] = {}
        self._document, self._domain = document, _proof_domain(chain_id)
        self._time_ms = time_ms
        self._holders: dict[bytes, Address] = {}

    def take_seats(self, field: str) -> tuple[Seat, ...]:
        """Return the seats of a list of 1 to SEATS_MAX entries."""
        entries = self._document.get(field)
        if not isinstance(entries, list) or not 1 <= len(entries) <= SEATS_MAX:
            raise InvalidGenesis(field, f"must list 1 to {SEATS_MAX} seats")
        seats = list[Seat]()
        for index, entry in enumerate(entries):
            where = f"{field}[{index}]"
            owner, candidate = self._take(entry, where)
            if any(seat.candidate == owner or seat.name == candidate.name for seat in seats):
                raise InvalidGenesis(where, "repeats the owner or name of another seat")
            key, stake = candidate.seat_key, candidate.stake
            seats.append(Seat(index, candidate.name, key, owner, stake))
        return tuple(seats)

    def take_others(self) -> None:
        """Read the candidates that have no seat yet."""
        entries = self._document.get("candidates", [])
        if not isinstance(entries, list):
            raise InvalidGenesis("candidates", "must be a list")
        for index, entry in enumerate(entries):
            self._take(entry, f"candidates[{index}]")

    def _take(self, entry: object, where: str) -> tuple[Address, Candidate]:
        owner, candidate = _parse_entry(entry, where, self._domain)
        candidate.commission_changed_ms = self._time_ms
        if self.candidates.setdefault(owner, candidate) != candidate:
            raise InvalidGenesis(f"{where}.owner", "has another entry that differs")
        if self._holders.setdefault(candidate.seat_key, owner) != owner:
            raise InvalidGenesis(f"{where}.public_key", "is another candidate's seat key too")
        return owner, candidate


_ENTRY_FIELDS = {
    "name", "public_key", "proof", "owner", "operator", "commission_bp", "stake", "description",
}  # fmt: skip


def _parse_entry(entry: object, where: str, domain: bytes) -> tuple[Address, Candidate]:
    if not isinstance(entry, dict):
        raise InvalidGenesis(where, "must be an object")
    for name in entry:
        if name not in _ENTRY_FIELDS:
            raise InvalidGenesis(f"{where}.{name}", "is not a field of a candidate")
    name, description = _text(entry, "name", where), _text(entry, "description", where)
    if not 1 <= len(name.encode()) <= NAME_BYTES_MAX:
        raise InvalidGenesis(f"{where}.name", f"must have 1 to {NAME_BYTES_MAX} bytes")
    if len(description.encode()) > DESCRIPTION_BYTES_MAX:
        raise InvalidGenesis(f"{where}.description", f"is over {DESCRIPTION_BYTES_MAX} bytes")
    owner = _address(entry.get("owner"), f"{where}.owner")
    operator = _address(entry.get("operator", entry.get("owner")), f"{where}.operator")
    commission_bp = _number(entry, "commission_bp", where)
    if commission_bp > SHARE_BP:
        raise InvalidGenesis(f"{where}.commission_bp", f"is above {SHARE_BP}")
    stake = _number(entry, "stake", where)
    key, proof = _bytes(entry, "public_key", where), _bytes(entry, "proof", where)
    claim = encode_claim(owner, name)
    if not crypto.is_signed(key, proof, crypto.TAG_SEAT_GENESIS, domain, claim):
        raise InvalidGenesis(f"{where}.proof", "is not the key's signature over owner and name")
    candidate = Candidate(operator, key, name, description, commission_bp)
    candidate.stake = candidate.self_stake = stake
    return owner, candidate


def _text(entry: dict[str, object], name: str, where: str) -> str:
    value = entry.get(name, "")
    if not isinstance(value, str):
        raise InvalidGenesis(f"{where}.{name}", "must be text")
    return value


def _number(entry: dict[str, object], name: str, where: str) -> int:
    value = entry.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise InvalidGenesis(f"{where}.{name}", "must be an integer from 0 to 2^63 − 1")
    return value


def _bytes(entry: dict[str, object], name: str, where: str) -> bytes:
    try:
        return bytes.fromhex(str(entry[name]))
    except (KeyError, ValueError) as error:
        raise InvalidGenesis(f"{where}.{name}", "must be hex") from error


def _address(value: object, where: str) -> Address:
    try:
        return parse_address(str(value))
    except MalformedAddress as error:
        raise InvalidGenesis(where, str(error)) from error


def _parse_balances(document: dict[str, object]) -> tuple[tuple[Address, int], ...]:
    entries = document.get("accounts")
    if not isinstance(entries, list):
        raise InvalidGenesis("accounts", "must be a list")
    balances: dict[Address, int] = {}
    for index, entry in enumerate(entries):
        where = f"accounts[{index}]"
        try:
            address, balance = parse_address(entry["address"]), entry["balance"]
        except (KeyError, TypeError, MalformedAddress) as error:
            raise InvalidGenesis(where, f"needs address and balance ({error})") from error
        if not isinstance(balance, int) or isinstance(balance, bool) or balance < 0:
            raise InvalidGenesis(f"{where}.balance", "must be an integer ≥ 0")
        if address in balances or address == TREASURY:
            raise InvalidGenesis(f"{where}.address", f"{format_address(address)} stands twice")
        balances[address] = balance
    return tuple(sorted(balances.items()))
