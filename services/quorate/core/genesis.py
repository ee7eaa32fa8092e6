"""The genesis document: what a chain starts from, its hash, its domain and its first sets.

The document is JSON. Its hash is over the canonical form (keys sorted, no spaces, UTF-8, integers
only), so its file may be formatted as one likes; the genesis hash is over that and what finality
receipts need of it (origin.py). A validator refuses a data directory whose genesis hash differs
from its document's.

The genesis of a forked chain names its parent and the hash of the state it was cut with; that
state's records are a file of their own (genesis_records.py, docs/adr/011-forks.md).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quorate.core import crypto
from quorate.core.blocks import Block, build_root
from quorate.core.epochs import EpochStart
from quorate.core.errors import InvalidGenesis
from quorate.core.genesis_entries import Entries, SeatEntry, compute_proof_domain, encode_claim
from quorate.core.genesis_fields import Faults, Fields, encode_canonical, load_document
from quorate.core.origin import CHAIN_ID_BYTES_MAX, Origin
from quorate.core.params import SEATS_MAX, SUPPLY_MAX, Params
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.records import Candidate
from quorate.core.staking.rewards import ISSUE_BLOCKS_MAX, compute_issued
from quorate.core.values import HASH_BYTES, KEYLESS, UINT64_MAX, Address, Hash, format_address

ACCOUNTS_MAX: Final = 1_000_000
CANDIDATES_MAX: Final = 100_000
FORK_EPOCH_MAX: Final = 2**32 - 1
# Heights and epochs at which a fork may begin: there is room above them for good.
_PLACE_MAX: Final = 2**48

_FIELDS: Final = (
    "chain_id", "time_ms", "fork_epoch", "params", "seats", "next_seats", "candidates", "accounts",
    "parent", "state",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parent:
    """Where a forked chain was cut off its parent: after which block, in which epoch."""

    genesis_hash: Hash
    fork_epoch: int
    height: int
    epoch: int
    block: bytes
    write_digest: bytes


@dataclass(frozen=True, slots=True)
class StateReference:
    """The state a forked chain starts from: the hash of its file, and what is in it."""

    hash: Hash
    records: int
    supply: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """A checked genesis; `hash` and `domain` are computed once here.

    `seats` is the first epoch's set, `next_seats` that of the epoch after; `candidates` are those
    of both and others, by owner. `parent` and `state` are those of a forked chain.
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
    parent: Parent | None = None
    state: StateReference | None = None

    @property
    def supply(self) -> int:
        """All that there is at the root; what later blocks issue comes on top."""
        if self.state is not None:
            return self.state.supply
        stakes = sum(candidate.stake for _, candidate in self.candidates)
        return stakes + sum(balance for _, balance in self.balances)

    @property
    def height(self) -> int:
        """The root's height: 0, or where a forked chain was cut off."""
        return 0 if self.parent is None else self.parent.height

    @property
    def epoch(self) -> int:
        """The first epoch: 0, or the one that a forked chain goes on with."""
        return self.origin.epoch

    @property
    def sets(self) -> tuple[SeatSet, SeatSet]:
        """The sets of the first two epochs."""
        return SeatSet(self.epoch, self.seats), SeatSet(self.epoch + 1, self.next_seats)

    @property
    def root(self) -> Block:
        """The block before the first; its digest is the genesis hash."""
        return build_root(
            self.hash, self.time_ms, self.params, self.sets[1].hash,
            height=self.height, epoch=self.epoch,
        )  # fmt: skip

    @property
    def start(self) -> EpochStart:
        """What the first epoch starts from."""
        return EpochStart(self.epoch, self.height, self.time_ms, self.hash)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a text is as a genesis: all its faults, and the genesis when it has none."""

    genesis: Genesis | None
    faults: tuple[InvalidGenesis, ...]


def parse_genesis(text: str) -> Genesis:
    """Return the checked genesis of a JSON text; raises InvalidGenesis naming the first field."""
    found = inspect_genesis(text)
    if found.genesis is None:
        raise found.faults[0]
    return found.genesis


def inspect_genesis(text: str) -> Inspection:
    """Return the genesis of a JSON text, or everything that is wrong with it."""
    faults = Faults()
    fields = load_document(text, faults)
    fields.allow(*_FIELDS)
    chain_id = fields.text("chain_id", 1, CHAIN_ID_BYTES_MAX)
    time_ms = fields.integer("time_ms")
    fork_epoch = fields.integer("fork_epoch", 0, FORK_EPOCH_MAX)
    params = read_params(fields)
    entries = Entries(compute_proof_domain(chain_id, fork_epoch), time_ms)
    seats = read_seats(fields, "seats", entries)
    next_seats = read_seats(fields, "next_seats", entries) if "next_seats" in fields else seats
    parent, state = _read_origin(fields)
    candidates, balances = _read_candidates(fields, entries), read_balances(fields)
    epoch = 0 if parent is None else compute_first_epoch(parent.epoch)
    origin = Origin(
        document_hash=crypto.compute_hash(b"quorate/genesis/v1", encode_canonical(fields.values)),
        time_ms=time_ms,
        trust_ms=compute_trust_ms(params),
        fork_epoch=fork_epoch,
        epoch=epoch,
        set_hashes=(SeatSet(epoch, seats).hash, SeatSet(epoch + 1, next_seats).hash),
        chain_id=chain_id,
    )
    genesis = Genesis(
        chain_id, time_ms, fork_epoch, params, seats, next_seats, candidates, balances,
        origin, origin.compute_genesis_hash(), origin.compute_domain(), parent, state,
    )  # fmt: skip
    _check_whole(fields, genesis)
    return Inspection(None if faults.found else genesis, tuple(faults.found))


def compute_trust_ms(params: Params) -> int:
    """Return the shortest time that stake stays bound, below 2^64 (docs/protocol.md#Q6)."""
    shortest_ms = min(params.epoch_ms, params.epoch_blocks * max(params.block_interval_ms, 1))
    return min(params.unbonding_epochs * shortest_ms, UINT64_MAX)


def compute_first_epoch(cut_epoch: int) -> int:
    """Return the first epoch of a chain that was cut off in an epoch.

    The epoch between never runs. It has the fork's first set, so that no seat of the parent counts
    for anything here (docs/protocol.md#O5).
    """
    return cut_epoch + 2


def build_genesis(
    chain_id: str,
    time_ms: int,
    params: Params,
    seats: Sequence[SeatEntry],
    balances: dict[str, int],
    *,
    fork_epoch: int = 0,
    next_seats: Sequence[SeatEntry] | None = None,
    candidates: Sequence[SeatEntry] | None = None,
    parent: Parent | None = None,
    state: StateReference | None = None,
) -> str:
    """Return the JSON text of a genesis; seats and candidates come from `build_seat_entry`.

    `next_seats` is the set of the second epoch; without it that is the first one's again.
    `candidates` are further ones, without a seat yet.
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
    if parent is not None:
        document["parent"] = {
            "genesis_hash": parent.genesis_hash.hex(), "fork_epoch": parent.fork_epoch,
            "height": parent.height, "epoch": parent.epoch, "block": parent.block.hex(),
            "write_digest": parent.write_digest.hex(),
        }  # fmt: skip
    if state is not None:
        document["state"] = {
            "hash": state.hash.hex(), "records": state.records, "supply": state.supply
        }  # fmt: skip
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
    chain_id: str,
    name: str,
    key: crypto.SigningKey,
    terms: Terms | None = None,
    *,
    fork_epoch: int = 0,
) -> SeatEntry:
    """Return a candidate's entry for the genesis, with its seat key's own proof.

    Without terms nobody owns it: its owner is the address of the seat key, and it has no stake.
    """
    own = crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)
    terms = terms or Terms(owner=own)
    domain = compute_proof_domain(chain_id, fork_epoch)
    proof = key.sign(crypto.TAG_SEAT_GENESIS, domain, encode_claim(terms.owner, name))
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


def read_params(fields: Fields) -> Params:
    """Return the parameters of a document; those that are left out are the defaults."""
    inner = fields.object("params")
    sound: dict[str, object] = {}
    for name, value in inner.values.items():
        try:
            Params.parse({name: value})
            sound[name] = value
        except InvalidGenesis as error:
            fields.faults.note(error)
    return Params.parse(sound)


def read_balances(fields: Fields) -> tuple[tuple[Address, int], ...]:
    """Return the accounts of a document, ascending by address."""
    balances: dict[Address, int] = {}
    for entry in fields.objects("accounts", ACCOUNTS_MAX):
        entry.allow("address", "balance")
        address, balance = entry.address("address"), entry.integer("balance", 0, SUPPLY_MAX)
        if not entry.is_sound:
            continue
        if address in KEYLESS:
            entry.fail("address", "is one whose key nobody has")
        elif address in balances:
            entry.fail("address", f"{format_address(address)} stands twice")
        balances[address] = balance
    return tuple(sorted(balances.items()))


def read_seats(fields: Fields, name: str, entries: Entries) -> tuple[Seat, ...]:
    """Return the seats of a list of 1 to SEATS_MAX entries, in its order."""
    seats = list[Seat]()
    owners, names = set[bytes](), set[str]()
    for entry in fields.objects(name, SEATS_MAX, 1):
        owner, candidate = entries.take(entry)
        if entry.is_sound and owner in owners:
            entry.fail("owner", "has another seat of this list")
        if entry.is_sound and candidate.name in names:
            entry.fail("name", "is that of another seat too")
        owners.add(owner)
        names.add(candidate.name)
        key = candidate.seat_key
        seats.append(Seat(len(seats), candidate.name, key, owner, candidate.stake))
    return tuple(seats)


def _read_candidates(fields: Fields, entries: Entries) -> tuple[tuple[Address, Candidate], ...]:
    if "candidates" in fields:
        for entry in fields.objects("candidates", CANDIDATES_MAX):
            entries.take(entry)
    return tuple(sorted(entries.candidates.items(), key=lambda item: item[0]))


def _read_origin(fields: Fields) -> tuple[Parent | None, StateReference | None]:
    """Return what a forked chain says of its parent and state; None, None for a first chain."""
    if "parent" not in fields and "state" not in fields:
        return None, None
    of, state = fields.object("parent"), fields.object("state")
    of.allow("genesis_hash", "fork_epoch", "height", "epoch", "block", "write_digest")
    state.allow("hash", "records", "supply")
    parent = Parent(
        genesis_hash=Hash(of.hex("genesis_hash", HASH_BYTES)),
        fork_epoch=of.integer("fork_epoch", 0, FORK_EPOCH_MAX - 1),
        height=of.integer("height", 1, _PLACE_MAX),
        epoch=of.integer("epoch", 0, _PLACE_MAX),
        block=of.hex("block", HASH_BYTES),
        write_digest=of.hex("write_digest", HASH_BYTES),
    )
    reference = StateReference(
        hash=Hash(state.hex("hash", HASH_BYTES)),
        records=state.integer("records", 1),
        supply=state.integer("supply", 0, SUPPLY_MAX),
    )
    return parent, reference


def _check_whole(fields: Fields, genesis: Genesis) -> None:
    """Note what is wrong between fields that are right each for itself."""
    parent, params = genesis.parent, genesis.params
    issue = compute_issued(ISSUE_BLOCKS_MAX, params) - compute_issued(genesis.height, params)
    if genesis.supply + issue > SUPPLY_MAX:
        where = "accounts" if parent is None else "params.issue_per_block"
        fields.fail(where, "what there is and all issue to come are more than 2^63 − 1")
    if parent is None:
        return
    if genesis.fork_epoch <= parent.fork_epoch:
        fields.fail("fork_epoch", f"must be above the parent's, which is {parent.fork_epoch}")
    for name in ("accounts", "candidates"):
        if fields.values.get(name):
            fields.fail(name, "must be empty: those of a forked chain are in its state")
