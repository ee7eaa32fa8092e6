"""The genesis document: what a chain starts from, its hash, its domain and its first set.

The document is JSON. Its hash is over the canonical form (keys sorted, no spaces, UTF-8, integers
only), so its file may be formatted as one likes. A validator refuses a data directory whose
genesis hash differs from its document's.
"""

import json
from dataclasses import dataclass

from quorate.core import crypto
from quorate.core.blocks import Block, build_root
from quorate.core.epochs import EpochStart
from quorate.core.errors import InvalidGenesis, MalformedAddress
from quorate.core.params import SEATS_MAX, SUPPLY_MAX, Params
from quorate.core.seats import NAME_BYTES_MAX, Seat, SeatSet
from quorate.core.values import TREASURY, Address, Hash, format_address, parse_address


@dataclass(frozen=True, slots=True)
class Genesis:
    """A checked genesis; `hash` and `domain` are computed once here.

    `seats` is the set of epoch 0, `next_seats` that of epoch 1.
    """

    chain_id: str
    time_ms: int
    fork_epoch: int
    params: Params
    seats: tuple[Seat, ...]
    next_seats: tuple[Seat, ...]
    balances: tuple[tuple[Address, int], ...]
    hash: Hash
    domain: Hash

    @property
    def supply(self) -> int:
        """The sum of all balances; it never changes without an issue schedule."""
        return sum(balance for _, balance in self.balances)

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
    if not isinstance(chain_id, str) or not 1 <= len(chain_id.encode()) <= 64:
        raise InvalidGenesis("chain_id", "must be text of 1 to 64 bytes")
    time_ms, fork_epoch = _integer(document, "time_ms"), _integer(document, "fork_epoch")
    params_document = document.get("params")
    if not isinstance(params_document, dict):
        raise InvalidGenesis("params", "must be an object")
    genesis_hash = crypto.compute_hash(b"quorate/genesis/v1", _encode_canonical(document))
    return Genesis(
        chain_id=chain_id,
        time_ms=time_ms,
        fork_epoch=fork_epoch,
        params=Params.parse(params_document),
        seats=_parse_seats(document, "seats", chain_id),
        next_seats=_parse_seats(
            document, "next_seats" if "next_seats" in document else "seats", chain_id
        ),
        balances=_parse_balances(document),
        hash=genesis_hash,
        domain=crypto.compute_domain(chain_id, genesis_hash, fork_epoch),
    )


def build_genesis(
    chain_id: str,
    time_ms: int,
    params: Params,
    seats: list[dict[str, str]],
    balances: dict[str, int],
    *,
    fork_epoch: int = 0,
    next_seats: list[dict[str, str]] | None = None,
) -> str:
    """Return the JSON text of a genesis; seats come from `build_seat_entry`.

    `next_seats` is the set of epoch 1; without it that is the set of epoch 0 again.
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
    return json.dumps(document, indent=2)


def build_seat_entry(chain_id: str, name: str, key: crypto.SigningKey) -> dict[str, str]:
    """Return a seat's line for the genesis: name, key, and the key's own proof."""
    proof = key.sign(crypto.TAG_SEAT_GENESIS, _proof_domain(chain_id), name.encode())
    return {"name": name, "public_key": key.public_key.hex(), "proof": proof.hex()}


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
        "chain_id", "time_ms", "fork_epoch", "params", "seats", "next_seats", "accounts",
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


def _parse_seats(document: dict[str, object], field: str, chain_id: str) -> tuple[Seat, ...]:
    entries = document.get(field)
    if not isinstance(entries, list) or not 1 <= len(entries) <= SEATS_MAX:
        raise InvalidGenesis(field, f"must list 1 to {SEATS_MAX} seats")
    seats: list[Seat] = []
    for index, entry in enumerate(entries):
        where = f"{field}[{index}]"
        try:
            name, key = str(entry["name"]), bytes.fromhex(entry["public_key"])
            proof = bytes.fromhex(entry["proof"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidGenesis(where, "needs name, public_key and proof (hex)") from error
        if len(name.encode()) > NAME_BYTES_MAX:
            raise InvalidGenesis(f"{where}.name", f"is longer than {NAME_BYTES_MAX} bytes")
        tag, domain = crypto.TAG_SEAT_GENESIS, _proof_domain(chain_id)
        if not crypto.is_signed(key, proof, tag, domain, name.encode()):
            raise InvalidGenesis(f"{where}.proof", "is not the key's signature over its name")
        if any(seat.public_key == key or seat.name == name for seat in seats):
            raise InvalidGenesis(where, "repeats the key or name of another seat")
        seats.append(Seat(index, name, key))
    return tuple(seats)


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
    if sum(balances.values()) > SUPPLY_MAX:
        raise InvalidGenesis("accounts", "hold more than 2^63 − 1 in all")
    return tuple(sorted(balances.items()))
