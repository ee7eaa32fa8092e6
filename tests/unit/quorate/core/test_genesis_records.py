"""A forked chain's state file holds exactly what its genesis names, and it adds up."""

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core import state as layouts
from quorate.core.contracts.records import (
    ContractRecord,
    compute_code_hash,
    compute_code_key,
    compute_contract_key,
    compute_interface_hash,
    compute_interface_key,
    compute_variable_key,
)
from quorate.core.contracts.tally import ContractTally
from quorate.core.crypto import SigningKey
from quorate.core.errors import InvalidGenesis
from quorate.core.genesis import (
    Genesis,
    Parent,
    StateReference,
    Terms,
    build_genesis,
    build_seat_entry,
    compute_first_epoch,
    parse_genesis,
)
from quorate.core.genesis_records import KINDS, Tally, encode_line, get_state_name, read_lines
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.governance.parameters import CHANGES_KEY, Change, encode_changes
from quorate.core.governance.records import (
    OPEN_KEY,
    Opened,
    Proposal,
    compute_proposal_key,
    encode_opened,
)
from quorate.core.governance.upgrades import UPGRADES_KEY, Upgrade, encode_upgrades
from quorate.core.locks.records import Lock, compute_lock_key
from quorate.core.params import Params
from quorate.core.staking.records import (
    COUNT_KEY,
    PERFORMANCE_KEY,
    Candidate,
    Delegation,
    Entry,
    compute_candidate_key,
    compute_delegation_key,
    compute_moved_key,
    compute_seat_key_key,
    compute_unbonding_key,
    encode_count,
    encode_entries,
)
from quorate.core.state import (
    EPOCH_START_KEY,
    Account,
    Idempotency,
    Mark,
    compute_account_key,
    compute_expiry_key,
    compute_idempotency_key,
    compute_mark_key,
    compute_set_key,
    encode_expiries,
)
from quorate.core.tokens.records import (
    Token,
    compute_balance_key,
    compute_token_key,
    encode_balance,
)
from quorate.core.values import TREASURY, Hash
from tests.unit.quorate.core.chains import SEATS

EPOCH = 4
FIRST = compute_first_epoch(EPOCH)
KEY = SigningKey(b"k" * 32)
OWNER, ALICE, OTHER = b"\1" * 32, b"\2" * 32, b"\3" * 32
TOKEN = b"\4" * 32
PROPOSAL = Proposal(OWNER, 3, "", 0, "v2", 900, {OWNER: True})
State = dict[bytes, bytes]


def build_candidate(**changes: Any) -> Candidate:
    plain = Candidate(OWNER, KEY.public_key, "v", "", 500, stake=150, self_stake=100, pot=16)
    return replace(plain, **{"index": 5 << 60, "commission_due": 3, **changes})


CONTRACT = b"\7" * 32
CODE, INTERFACE = b"\0asm", b"{}"
CONTRACT_RECORD = ContractRecord(
    0, False, compute_code_hash(CODE), compute_interface_hash(INTERFACE), OWNER, 5
)


def build_state() -> State:
    """Return one record at least of every kind; together they hold SUPPLY."""
    standing = build_candidate()
    slashed = build_candidate(
        seat_key=b"s" * 32, stake=95, self_stake=95, pot=0, commission_due=0, is_slashed=True,
        slash_from=1, slash_epoch=1, slash_bp=500, index=0,
    )  # fmt: skip
    return {
        compute_account_key(ALICE): Account(7, {0: 3, 5: 1}).encode(),
        compute_account_key(TREASURY): Account(1, {}).encode(),
        compute_candidate_key(OWNER): standing.encode(),
        compute_candidate_key(OTHER): slashed.encode(),
        compute_delegation_key(OWNER, OWNER): Delegation(100, 5 << 60, 4).encode(),
        compute_delegation_key(ALICE, OWNER): Delegation(50, 1 << 60, 0, 2).encode(),
        compute_delegation_key(ALICE, OTHER): Delegation(100).encode(),
        compute_idempotency_key(ALICE, b"n"): Idempotency(b"p" * 32, b"i" * 32, 99).encode(),
        compute_expiry_key(99): encode_expiries([ALICE + b"n"]),
        compute_seat_key_key(KEY.public_key): OWNER,
        compute_seat_key_key(b"old key".ljust(32)): OWNER,
        compute_mark_key(3, 1): Mark(9, 40, b"e" * 32).encode(),
        COUNT_KEY: encode_count(1),
        compute_moved_key(OTHER, ALICE, OWNER): encode_entries([Entry(2, 20)]),
        compute_set_key(EPOCH): SEATS.follow(EPOCH).encode(),
        compute_unbonding_key(ALICE, OTHER): encode_entries([Entry(1, 10), Entry(3, 20)]),
        compute_token_key(TOKEN): build_token().encode(),
        compute_balance_key(ALICE, TOKEN): encode_balance(60),
        compute_balance_key(OWNER, TOKEN): encode_balance(30),
        compute_lock_key(b"\1" * 32): Lock(ALICE, OWNER, 10, TOKEN, b"", 1, 9).encode(),
        compute_lock_key(b"\2" * 32): Lock(ALICE, OWNER, 11, b"", b"h" * 32, 1, 9).encode(),
        OPEN_KEY: encode_opened([Opened(b"p" * 32, OWNER, 3)]),
        compute_proposal_key(b"p" * 32): Proposal(
            OWNER, 3, "", 0, "v2", 900, {OWNER: True}
        ).encode(),
        UPGRADES_KEY: encode_upgrades([Upgrade(900, "v2")]),
        compute_contract_key(CONTRACT): CONTRACT_RECORD.encode(),
        compute_code_key(CONTRACT_RECORD.code_hash): CODE,
        compute_interface_key(CONTRACT_RECORD.interface_hash): INTERFACE,
        compute_variable_key(CONTRACT, b"\5owner"): OWNER,
    }


def build_token(**changes: Any) -> Token:
    return replace(Token(OWNER, "T", "Town", 2, cap=100, supply=100), **changes)


SUPPLY = 11 + 1 + 7 + (150 + 16 + 3) + 95 + 30


def tally(state: State) -> tuple[list[bytes], StateReference]:
    taken = Tally(FIRST)
    return [taken.add(key, state[key]) for key in sorted(state)], taken.finish()


def build_fork(state: StateReference, stake: int = 150, key: SigningKey = KEY) -> Genesis:
    terms = Terms(owner=OWNER, stake=stake)
    seats = [build_seat_entry("chain", "v", key, terms, fork_epoch=1)]
    parent = Parent(Hash(bytes(32)), 0, 70, EPOCH, bytes(32), bytes(32))
    return parse_genesis(
        build_genesis("chain", 1, Params(), seats, {}, fork_epoch=1, parent=parent, state=state)
    )


def read(lines: Iterable[bytes], genesis: Genesis) -> State:
    return dict(read_lines(lines, genesis))


def test_what_was_written_is_read_as_it_was() -> None:
    state = build_state()
    lines, reference = tally(state)
    assert (reference.records, reference.supply) == (len(state), SUPPLY)
    genesis = build_fork(reference)
    assert read(lines, genesis) == state
    assert get_state_name(reference).startswith(f"genesis-state-{reference.hash.hex()[:16]}")


def test_the_root_of_a_fork_is_its_records_and_what_the_genesis_says() -> None:
    genesis = build_fork(tally(build_state())[1])
    writes = dict(compute_genesis_writes(genesis))
    assert not writes.keys() & build_state().keys()
    sets = {compute_set_key(FIRST + step) for step in (-1, 0, 1)}
    assert writes.keys() == {*sets, b"e", b"w"}


@given(st.data())
def test_any_altered_byte_is_found(data: st.DataObject) -> None:
    lines, reference = tally(build_state())
    genesis, text = build_fork(reference), bytearray(b"".join(lines))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidGenesis):
        read(bytes(text).splitlines(keepends=True), genesis)


@pytest.mark.parametrize(
    "alter",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: lines + lines[-1:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines, b"\n"],
        lambda lines: [line.upper() for line in lines],
        lambda lines: [line.replace(b" ", b"  ") for line in lines],
        lambda lines: [*lines[:-1], lines[-1].rstrip()],
        lambda lines: [],
    ],
)
def test_any_other_lines_are_refused(alter: Callable[[list[bytes]], list[bytes]]) -> None:
    lines, reference = tally(build_state())
    with pytest.raises(InvalidGenesis) as caught:
        read(alter(lines), build_fork(reference))
    assert caught.value.field.startswith("state")


def replaced(key: bytes, value: bytes | None) -> State:
    state = build_state()
    if value is None:
        del state[key]
    else:
        state[key] = value
    return state


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (b"q" + ALICE, b"1", "no known kind"),
        (b"e", b"1", "no known kind"),
        (compute_contract_key(CONTRACT), b"", "contract"),
        (compute_contract_key(CONTRACT), b"\1\0\2" + bytes(104), "contract"),
        (compute_contract_key(CONTRACT), None, "a variable is of no contract"),
        (compute_code_key(CONTRACT_RECORD.code_hash), CODE + b"!", "code"),
        (compute_code_key(CONTRACT_RECORD.code_hash), None, "code or interface is missing"),
        (compute_interface_key(CONTRACT_RECORD.interface_hash), b"{ }", "interface"),
        (compute_interface_key(CONTRACT_RECORD.interface_hash), None, "interface is missing"),
        (compute_variable_key(CONTRACT, b"\5owner"), b"", "variable"),
        (compute_variable_key(CONTRACT, b""), b"1", "variable"),
        (compute_variable_key(CONTRACT, b"k" * 257), b"1", "variable"),
        (compute_variable_key(ALICE, b"k"), b"1", "a variable is of no contract"),
        (b"w", b"1", "no known kind"),
        (b"", b"1", "no known kind"),
        (compute_account_key(ALICE), b"", "account"),
        (compute_account_key(ALICE)[:-1], Account(1, {}).encode(), "account"),
        (compute_account_key(ALICE), Account(1, {}).encode() + b"\0", "account"),
        (compute_candidate_key(OWNER), build_candidate(stake=149).encode(), "150 is bonded"),
        (compute_candidate_key(OWNER), build_candidate(stake=151).encode(), "150 is bonded"),
        (compute_candidate_key(OWNER), build_candidate(pot=15).encode(), "owes"),
        (compute_candidate_key(OWNER), build_candidate(is_resigned=True).encode(), "count"),
        (compute_candidate_key(OWNER), None, "delegation"),
        (compute_delegation_key(OWNER, OWNER), None, "is bonded"),
        (compute_delegation_key(ALICE, b"\7" * 32), Delegation(1).encode(), "delegation"),
        (compute_delegation_key(ALICE, OWNER), Delegation(50, 6 << 60).encode(), "delegation"),
        (compute_delegation_key(ALICE, OTHER), Delegation(102).encode(), "is bonded"),
        (compute_seat_key_key(KEY.public_key), b"\7" * 32, "no candidate"),
        (COUNT_KEY, encode_count(2), "count"),
        (COUNT_KEY, None, "count"),
        (compute_set_key(FIRST - 1), SEATS.follow(FIRST - 1).encode(), "after the cut"),
        (compute_set_key(EPOCH), SEATS.follow(3).encode(), "seat set"),
        (compute_expiry_key(99), b"", "expiry"),
        (compute_mark_key(3, 1), b"1", "mark"),
        (compute_unbonding_key(ALICE, OTHER), encode_entries([Entry(3, 1), Entry(1, 1)]), "stake"),
        (compute_unbonding_key(ALICE, OTHER), b"", "stake"),
        (compute_moved_key(OTHER, ALICE, OWNER), b"1", "stake"),
        (compute_account_key(b"\7" * 32), Account(2**63, {}).encode(), "2^63"),
        (compute_idempotency_key(ALICE, b"n" * 65), bytes(72), "idempotency"),
        (compute_token_key(TOKEN), None, "token"),
        (compute_token_key(TOKEN), build_token(supply=101).encode(), "supply"),
        (compute_balance_key(ALICE, TOKEN), encode_balance(61), "supply"),
        (compute_balance_key(ALICE, TOKEN), bytes(8), "balance"),
        (compute_balance_key(ALICE, b"\7" * 32), encode_balance(1), "token"),
        (compute_lock_key(b"\1" * 32), None, "supply"),
        (compute_lock_key(b"\1" * 32), b"", "lock"),
        (CHANGES_KEY, encode_changes([Change("seats_max", 1, 9)]), "no known kind"),
        (OPEN_KEY, b"", "open proposals"),
        (compute_proposal_key(b"p" * 32), b"1", "proposal"),
        (UPGRADES_KEY, encode_upgrades([Upgrade(900, "v2")])[::-1], "upgrades"),
    ],
)  # fmt: skip
def test_records_that_are_wrong_or_do_not_add_up_are_refused(
    key: bytes, value: bytes | None, why: str
) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        tally(replaced(key, value))
    assert caught.value.field.startswith("state")
    assert why in caught.value.why


def test_every_kind_that_the_state_knows_may_be_in_a_fork() -> None:
    """A new kind of record must be told to forks as well, or chains that use it can't be cut."""
    listed = re.findall(r"^    ((?:[a-z] )+)(?=[ ‖])", layouts.__doc__ or "", re.MULTILINE)
    known = {letter.encode() for letters in listed for letter in letters.split()}
    assert len(known) > 15
    forkable = KINDS.keys() | ContractTally().kinds.keys()
    assert known - {EPOCH_START_KEY, PERFORMANCE_KEY, CHANGES_KEY} == forkable
    assert {key[:1] for key in build_state()} == forkable


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stake": 149}, "seats[0].stake"),
        ({"key": SigningKey(b"o" * 32)}, "seats[0].public_key"),
    ],
)
def test_a_seat_must_be_as_in_the_state(changes: Any, field: str) -> None:
    lines, reference = tally(build_state())
    with pytest.raises(InvalidGenesis) as caught:
        read(lines, build_fork(reference, **changes))
    assert caught.value.field == field


def test_another_state_is_refused() -> None:
    lines, reference = tally(build_state())
    for other in (
        replace(reference, supply=reference.supply + 1),
        replace(reference, records=reference.records + 1),
        replace(reference, hash=Hash(bytes(32))),
    ):
        with pytest.raises(InvalidGenesis):
            read(lines, build_fork(other))


writes = st.dictionaries(st.binary(max_size=80), st.binary(max_size=80), max_size=4)


@given(writes)
def test_any_records_are_taken_or_refused_by_name(found: dict[bytes, bytes]) -> None:
    with contextlib.suppress(InvalidGenesis):
        assert tally(found)[1].records == len(found)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_line_is_the_record(key: bytes, value: bytes) -> None:
    line = encode_line(key, value)
    texts = line.decode().removesuffix("\n").split(" ")
    assert list(map(bytes.fromhex, texts)) == [key, value]
