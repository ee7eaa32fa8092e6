"""What is allowed in a genesis and most likely not meant: warnings, each with its field."""

from typing import Final, NamedTuple

from quorate.core.crypto import SCHEME_ED25519, compute_address
from quorate.core.genesis import Genesis
from quorate.core.params import Params
from quorate.core.seats import Seat
from quorate.core.values import SHARE_BP, compute_faults

# With so few seats no fault is survived.
_SEATS_SAFE: Final = 4


class Advice(NamedTuple):
    """Something that is allowed, and the field it is about."""

    field: str
    text: str


def count_holders(shares: list[int], need: int) -> int:
    """Return how few of the largest shares make up `need` together; 0 when all do not."""
    held = 0
    for count, share in enumerate(sorted(shares, reverse=True), 1):
        held += share
        if held >= need:
            return count
    return 0


def count_stoppers(seats: tuple[Seat, ...], genesis: Genesis) -> int:
    """Return how few operators hold f + 1 seats: so many together can stop the chain."""
    return count_holders(count_seats_by_operator(seats, genesis), compute_faults(len(seats)) + 1)


def count_seats_by_operator(seats: tuple[Seat, ...], genesis: Genesis) -> list[int]:
    """Return how many seats each operator runs, most first."""
    operators: dict[bytes, bytes] = {
        owner: candidate.operator for owner, candidate in genesis.candidates
    }
    counts: dict[bytes, int] = {}
    for seat in seats:
        operator = operators.get(seat.candidate, seat.candidate)
        counts[operator] = counts.get(operator, 0) + 1
    return sorted(counts.values(), reverse=True)


def list_warnings(genesis: Genesis) -> list[Advice]:
    """Return what somebody should look at before this chain starts."""
    return [*_list_of_seats(genesis), *_list_of_params(genesis.params), *_list_of_money(genesis)]


def _list_of_seats(genesis: Genesis) -> list[Advice]:
    found, params = list[Advice](), genesis.params
    for field, seats in (("seats", genesis.seats), ("next_seats", genesis.next_seats)):
        if field == "next_seats" and seats == genesis.seats:
            continue
        found += _list_of_set(field, seats, genesis)
    if params.seats_min > len(genesis.seats):
        found.append(
            Advice(
                "params.seats_min",
                f"is {params.seats_min}, but there are {len(genesis.seats)} seats: "
                "nobody is ever put out for cause",
            )
        )
    return found


def _list_of_set(field: str, seats: tuple[Seat, ...], genesis: Genesis) -> list[Advice]:
    found, count = list[Advice](), len(seats)
    if count < _SEATS_SAFE:
        found.append(Advice(field, f"{count} seats survive no fault: one that is down stops it"))
    if count > genesis.params.seats_max:
        found.append(Advice(field, f"{count} are more than seats_max: the rest leave at once"))
    stoppers = count_stoppers(seats, genesis)
    if count >= _SEATS_SAFE and stoppers <= compute_faults(count):
        found.append(
            Advice(field, f"{stoppers} of the operators hold a third: together they can stop it")
        )
    for seat in seats:
        where = f"{field}[{seat.index}]"
        if seat.stake < genesis.params.self_stake_min:
            least = genesis.params.self_stake_min
            found.append(
                Advice(f"{where}.stake", f"is below self_stake_min ({least}): not electable")
            )
        if seat.candidate == compute_address(SCHEME_ED25519, seat.public_key):
            found.append(Advice(f"{where}.owner", "is the seat key's own address: nobody's"))
    return found


def _list_of_params(params: Params) -> list[Advice]:
    rules = (
        ("seats_min", params.seats_min > params.seats_max, "is above seats_max"),
        ("stake_min", params.stake_min > params.self_stake_min, "is above self_stake_min"),
        (
            "view_timeout_ms_max",
            params.view_timeout_ms_max < params.view_timeout_ms,
            "is below view_timeout_ms",
        ),
        (
            "transaction_size_bytes_max",
            params.transaction_size_bytes_max > params.batch_size_bytes_max,
            "is above batch_size_bytes_max: no batch holds such a transaction",
        ),
        (
            "epoch_ms",
            params.epoch_ms < 4 * params.view_timeout_ms,
            "is shorter than four views of a leader that is down",
        ),
        (
            "validity_max_blocks",
            params.validity_max_blocks < params.batch_validity_blocks,
            "is below batch_validity_blocks: transactions expire within their batches",
        ),
        ("slash_bp", params.slash_bp == 0, "is 0: equivocation costs nothing"),
        (
            "commission_step_bp",
            params.commission_step_bp == SHARE_BP,
            "lets a candidate take all rewards from one day to the next",
        ),
    )
    return [Advice(f"params.{name}", text) for name, is_odd, text in rules if is_odd]


def _list_of_money(genesis: Genesis) -> list[Advice]:
    if genesis.parent is not None:
        return []
    found = list[Advice]()
    balances: dict[bytes, int] = dict(genesis.balances)
    if not any(balances.values()):
        found.append(Advice("accounts", "hold nothing: nobody can pay a fee"))
    for owner, candidate in genesis.candidates:
        if candidate.stake and not balances.get(owner) and not balances.get(candidate.operator):
            name = candidate.name
            found.append(Advice("accounts", f"neither owner nor operator of {name} can pay a fee"))
    stakes = [candidate.stake for _, candidate in genesis.candidates if candidate.stake]
    if len(stakes) >= _SEATS_SAFE and count_holders(stakes, sum(stakes) // 3 + 1) == 1:
        found.append(Advice("candidates", "one of them holds over a third of all stake"))
    return found
